"""All that a GPU is needed for, one part after the other, within nine minutes: what this machine has, the tests of
compiled programs, the benchmark, the tests of CuPy's own kernels. A part that fails, hangs or takes too long is
reported, and the next goes on. In `benchmarks/results/`, under the GPU's name and written anew after each part: a page
that begins with what is claimed and what came of it, and the same with all figures as JSON; and what the parts print,
line by line, in a `.log`. Asked to stop (Ctrl-C, SIGTERM), it reports what the part that runs has said, and ends. Exit
code 0: all parts ran well and no claim was missed; 1: not so; 2: nothing could be run; 130: it was stopped.

    python -m tools.gpu_check
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpubp.backends.driver import ask_driver

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LIMIT = 540.0
"""Seconds for everything."""
GRACE = 15.0
"""Seconds in which a part that took too long may still say what it knows."""
TAIL = 300
"""Lines of a part's output that the report holds at most."""
STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""What asks the check to stop."""
NEEDED = ("numpy", "lark", "platformdirs", "safetensors", "threadpoolctl", "cupy", "pytest", "hypothesis")


@dataclass(frozen=True)
class Part:
    """A command of Python, and the most seconds that it may take."""

    name: str
    words: tuple[str, ...]
    seconds: float


# Most of a test's time is the compiler's, which leaves the GPU alone. What else pytest would load by itself is unknown
# to these tests, and may warn, which is an error here.
_WORKERS = min(8, len(os.sched_getaffinity(0)))
_TOGETHER = ("-p", "xdist", "-n", str(_WORKERS)) if find_spec("xdist") else ()
_PYTEST = ("-m", "pytest", "-v", "--tb=short", "-o", "faulthandler_timeout=100", *_TOGETHER)
# Several processes compute on the CPU side by side.
SETTINGS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


def parts(figures: Path) -> tuple[Part, ...]:
    """What is run, in this order. `figures`: where the benchmark writes its figures."""
    return (
        Part("the machine", ("-m", "gpubp", "doctor"), 60),
        Part("programs and trainings", (*_PYTEST, *(f"tests/gpu/test_{n}.py" for n in OURS)), 200),
        Part("benchmark", ("-m", "benchmarks.gpu", "--seconds", "190", "--json", str(figures)), 240),
        Part("CuPy's own kernels", (*_PYTEST, *(f"tests/gpu/test_{n}.py" for n in LEFT)), 120),
    )


OURS = ("compiled", "side_by_side", "losses")
LEFT = ("training", "stand_in_facts", "plain")
CLAIMS = (
    ("a step of each model by its kernels is NumPy's", "test_a_step_of_each_model"),
    ("20 steps of every model follow the CPU's losses to 1e-5, float32", "test_losses_of_float32"),
    ("200 steps of every model follow the CPU's losses to 1e-9, float64", "test_losses_of_float64"),
    ("convolutions by tensor cores are exact for whole numbers", "test_whole_numbers_by_tensor_cores"),
    ("a net by tensor cores follows the CPU's losses to 1e-2, twice alike", "test_a_convolutional_net_by_tensor_cores"),
    ("two runs with one seed give the same bytes", "test_two_runs_give_the_same_bytes"),
    ("restarts side by side are the runs of their seeds", "test_restarts_are_the_runs_of_their_seeds"),
    ("nets that differ in numbers alone, side by side, are those nets alone", "test_each_is_the_net_alone"),
    ("a step as a graph gives the bytes of one without", "test_with_and_without_a_graph"),
    ("a rate changed between replays takes effect", "test_a_rate_that_changes_between_replays"),
    ("10,000 steps leave the memory pool unchanged", "test_ten_thousand_steps_take_no_memory"),
    ("every primitive and model by CuPy's own kernels is NumPy's", "tests/gpu/test_plain.py"),
)
"""What the tests show, and what the names of those that show it hold."""
_CAME = "(PASSED|FAILED|ERROR|SKIPPED)"
_TEST = re.compile(rf"(?:\[gw\d+\] \[ *\d+%\] )?(?:{_CAME} (tests/\S+::.+?)|(tests/\S+::.+?) {_CAME}.*)")
_DULL, _BAD = re.compile(r"(\[gw\d+\] \[ *\d+%\] \w+ )?tests/\S+::"), re.compile("FAILED|ERROR|Timeout")


@dataclass(frozen=True)
class Outcome:
    """How a part ended: `code` None where it took too long, or was `stopped`."""

    part: Part
    code: int | None
    seconds: float
    output: str
    stopped: bool = False

    @property
    def well(self) -> bool:
        return self.code == 0

    @property
    def verdict(self) -> str:
        if self.code is None:
            return "stopped" if self.stopped else "too long"
        return "well" if self.well else f"failed (exit code {self.code})"

    @property
    def tests(self) -> dict[str, str]:
        """What became of each test."""
        found = {}
        for line in self.output.splitlines():
            if match := _TEST.fullmatch(line.strip()):
                found[(match[2] or match[3]).strip()] = (match[1] or match[4]).lower()
        return found

    @property
    def said(self) -> list[str]:
        """Its last lines, without those of tests that passed or began."""
        lines = self.output.rstrip().splitlines()
        return [line for line in lines if not _DULL.match(line) or _BAD.search(line)][-TAIL:]


def run(part: Part, seconds: float, log: Path) -> Outcome:
    """Run a part, which prints to the end of `log`; what it has printed is kept, however it ends. One that takes too
    long, or is to stop, is first interrupted, as by Ctrl-C, for then tests tell what failed."""
    start, code, stopped = time.monotonic(), None, False
    with log.open("ab") as file:
        file.write(f"== {part.name}\n".encode())
        file.flush()
        begin = file.tell()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # none may come while the process is made, and not yet known
        process = subprocess.Popen(
            (sys.executable, *part.words),
            cwd=ROOT,
            env=os.environ | SETTINGS,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_listen,
        )
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        code = process.wait(seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
        stopped = isinstance(reason, KeyboardInterrupt)
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(GRACE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it, and what it has left running
        process.wait()
    said = log.read_bytes()[begin:].decode("utf-8", "replace")
    return Outcome(part, code, time.monotonic() - start, said, stopped)


def _listen() -> None:
    """What a shell runs in the background ignores Ctrl-C, and hands that on, as whoever blocks it does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


@dataclass
class Report:
    """What was found on a GPU, so far."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    benchmark: dict[str, Any] = field(default_factory=dict)
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")

    @property
    def tests(self) -> dict[str, str]:
        return {name: came for outcome in self.outcomes for name, came in outcome.tests.items()}

    def claims(self) -> Iterator[tuple[str, str, str]]:
        """What is claimed, what was found, and whether it is met, missed or not measured."""
        for said, name in CLAIMS:
            came = [came for test, came in self.tests.items() if name in test]
            passed, failed = came.count("passed"), len(came) - came.count("passed") - came.count("skipped")
            verdict = "missed" if failed else "met" if passed else "not measured"
            yield said, f"{passed} of {len(came)} tests" if came else "", verdict
        for said, figure, verdict in self.benchmark.get("claims", ()):
            yield said, figure, verdict

    def page(self) -> str:
        """As Markdown."""
        lines = [f"# {self.name}", "", f"{self.date}, Python {platform.python_version()}, `make gpu-check`", ""]
        lines += ["| claim | found | |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in self.claims()), ""]
        lines += ["| part | | seconds |", "|---|---|---|"]
        lines += [f"| {o.part.name} | {o.verdict} | {o.seconds:.0f} |" for o in self.outcomes]
        for o in self.outcomes:
            lines += ["", f"## {o.part.name}", "", "```", *o.said, "```"]
        return "\n".join(lines) + "\n"

    def figures(self) -> Mapping[str, Any]:
        """For programs."""
        ran = [asdict(o.part) | {"verdict": o.verdict, "took": round(o.seconds, 1)} for o in self.outcomes]
        told = {"gpu": self.name, "date": self.date, "python": platform.python_version()}
        return told | {"parts": ran, "claims": [*self.claims()], "tests": self.tests, "benchmark": self.benchmark}


def check(name: str, folder: Path, ran: Sequence[Part], figures: Path, limit: float = LIMIT) -> int:
    """Run all parts and write the report; returns the exit code."""
    path = folder / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.md"
    folder.mkdir(parents=True, exist_ok=True)
    log = path.with_suffix(".log")
    log.unlink(missing_ok=True)
    report = Report(name)
    end, stopped = time.monotonic() + limit, False
    for part in ran:
        left = end - time.monotonic()
        outcome = run(part, min(part.seconds, left), log) if left > 1 else Outcome(part, None, 0.0, "no time was left")
        report.outcomes.append(outcome)
        if figures.exists():
            report.benchmark = json.loads(figures.read_text("utf-8"))
        path.write_text(report.page(), "utf-8")
        path.with_suffix(".json").write_text(json.dumps(report.figures(), indent=1) + "\n", "utf-8")
        print(f"{part.name}: {outcome.verdict}, {outcome.seconds:.0f} s", flush=True)
        if not outcome.well:
            print("\n".join(outcome.said), flush=True)
        if stopped := outcome.stopped:
            break
    for said, figure, verdict in report.claims():
        print(f"{said}: {verdict}{f' ({figure})' if figure else ''}")
    print(f"written to {path} and {path.with_suffix('.json').name}")
    if stopped:
        return 130
    missed = any(verdict == "missed" for *_, verdict in report.claims())
    return 0 if all(o.well for o in report.outcomes) and not missed else 1


def main() -> int:
    driver = ask_driver()
    if not driver.gpus:
        print(f"no GPU here: {driver.reason}", file=sys.stderr)
        return 2
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"{sys.executable} lacks {', '.join(missing)}; docs/gpu.md says how to bring them", file=sys.stderr)
        return 2
    for number in STOPS - {signal.SIGINT}:
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch:
        figures = Path(scratch) / "benchmark.json"
        return check(driver.gpus[0].name, RESULTS, parts(figures), figures)


if __name__ == "__main__":
    sys.exit(main())
