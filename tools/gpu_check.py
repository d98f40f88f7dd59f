"""All that a GPU is needed for, one part after the other, within nine minutes: what this machine has, the tests of
compiled programs, the benchmark, the other tests of tests/gpu. A part that fails or takes too long is reported, and the
next goes on. The report is written to benchmarks/results/ under the GPU's name, anew after each part. Exit code 0: all
is well; 1: a part failed; 2: there is no GPU."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 540.0
"""Seconds for everything."""
TAIL = 60
"""Lines of a part that failed which the report holds."""


@dataclass(frozen=True)
class Part:
    """A command of Python, and the most seconds that it may take."""

    name: str
    words: tuple[str, ...]
    seconds: float


# Most of a test's time is the compiler's, which leaves the GPU alone.
_TOGETHER = ("-n", "4") if find_spec("xdist") else ()
_PYTEST = ("-m", "pytest", "-q", "--tb=short", "--maxfail=20", *_TOGETHER)
PARTS = (
    Part("the machine", ("-m", "gpubp", "doctor"), 60),
    Part("programs and trainings", (*_PYTEST, "tests/gpu/test_compiled.py"), 200),
    Part("benchmark", ("-m", "benchmarks.gpu"), 240),
    Part("CuPy's own kernels", (*_PYTEST, "tests/gpu", "--ignore=tests/gpu/test_compiled.py"), 120),
)


@dataclass(frozen=True)
class Outcome:
    """How a part ended: `code` None where it took too long."""

    part: Part
    code: int | None
    seconds: float
    output: str

    @property
    def well(self) -> bool:
        return self.code == 0

    @property
    def verdict(self) -> str:
        return "well" if self.well else "too long" if self.code is None else f"failed (exit code {self.code})"


def run(part: Part, seconds: float, python: str = sys.executable) -> Outcome:
    """Run a part; what it has printed is kept, however it ends."""
    start = time.monotonic()
    process = subprocess.Popen(
        (python, *part.words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        code = None
    return Outcome(part, code, time.monotonic() - start, output)


def report(name: str, outcomes: list[Outcome]) -> str:
    """What was found, as Markdown."""
    lines = [f"# {name}", "", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `make gpu-check`", ""]
    lines += ["| part | | seconds |", "|---|---|---|"]
    lines += [f"| {o.part.name} | {o.verdict} | {o.seconds:.0f} |" for o in outcomes]
    for o in outcomes:
        kept = o.output.rstrip().splitlines()[-TAIL:]
        lines += ["", f"## {o.part.name}", "", "```", *kept, "```"]
    return "\n".join(lines) + "\n"


def gpu_name() -> str:
    """The first GPU's name; empty where there is none."""
    told = subprocess.run(
        (sys.executable, "-m", "gpubp", "doctor", "--json"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(told.stdout)["findings"]
    except (ValueError, KeyError):
        return ""
    return next((f["text"].partition(",")[0] for f in found if re.fullmatch(r"GPU \d+", f["name"])), "")


def check(name: str, folder: Path, parts: tuple[Part, ...] = PARTS, limit: float = LIMIT) -> int:
    """Run all parts and write the report; returns the exit code."""
    path = folder / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.md"
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    end = time.monotonic() + limit
    for part in parts:
        left = end - time.monotonic()
        outcome = run(part, min(part.seconds, left)) if left > 1 else Outcome(part, None, 0.0, "no time was left")
        outcomes.append(outcome)
        path.write_text(report(name, outcomes), "utf-8")
        print(f"{part.name}: {outcome.verdict}, {outcome.seconds:.0f} s", flush=True)
        if not outcome.well:
            print("\n".join(outcome.output.rstrip().splitlines()[-TAIL:]), flush=True)
    print(f"written to {path}")
    return 0 if all(o.well for o in outcomes) else 1


def main() -> int:
    name = gpu_name()
    if not name:
        print("no GPU here; `gpubp doctor` says why", file=sys.stderr)
        return 2
    return check(name, ROOT / "benchmarks" / "results")


if __name__ == "__main__":
    sys.exit(main())
