"""All that a GPU is needed for, one part after the other, within nine minutes or as many seconds as are given: what
this machine has, the tests that failed when this was last run on a GPU, the tests of compiled programs, races
between threads as NVIDIA's compute-sanitizer finds them, steps of tiny nets beside what is estimated of them, the
benchmark, the tests of CuPy's own kernels. A part that fails, hangs or takes too long is reported, and the next goes
on. In `benchmarks/results/`, under the GPU's name and written anew after each part: a page that begins with what is
claimed and what came of it, and the same with all figures as JSON; and what the parts print, line by line, in a `.log`.
Asked to stop (Ctrl-C, SIGTERM), it reports what the part that runs has said, and ends. Exit code 0: all parts ran well
and no claim was missed; 1: not so; 2: nothing could be run; 130: it was stopped.

    python -m tools.gpu_check [--seconds 290]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpubp.backends.driver import Driver, ask_driver

from .gpu_report import Outcome, Part, Report

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LIMIT = 540.0
"""Seconds for everything."""
BESIDE = 130.0
"""Of these, the seconds that are not the benchmark's: on 16 cores, and if nothing hangs, all other parts take less."""
A_NET = 30.0
"""Seconds that the benchmark's last net may take: none is begun later."""
GRACE = 15.0
"""Seconds in which a part that took too long may still say what it knows."""
STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""What asks the check to stop."""
NEEDED = ("numpy", "lark", "platformdirs", "safetensors", "threadpoolctl", "cupy", "pytest", "hypothesis")
# Most of a test's time is the compiler's, the planner's and NumPy's, which leave the GPU alone: as many tests at a time
# as there are cores, but no more than 16, for each of their processes has some 0.6 GB of the GPU's memory. What else
# pytest would load by itself is unknown to these tests, and may warn, which is an error here.
_WORKERS = min(16, len(os.sched_getaffinity(0)))
_TOGETHER = ("-p", "xdist", "-n", str(_WORKERS), "--dist", "worksteal") if find_spec("xdist") else ()
_PYTEST = ("-m", "pytest", "-v", "--tb=short", "-o", "faulthandler_timeout=100", *_TOGETHER)
# Several processes compute on the CPU side by side.
SETTINGS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


def parts(figures: Path, limit: float = LIMIT, failed: Sequence[str] = ()) -> tuple[Part, ...]:
    """What is run, in this order, within `limit` seconds. `figures`: where the benchmark writes its figures; `failed`:
    tests that come first."""
    most = max(0.0, min(240.0, limit - BESIDE))
    bench = ("-m", "benchmarks.gpu", "--seconds", f"{most - A_NET:g}", "--json", str(figures))
    races = ("-m", "tools.gpu_races", "--seconds", f"{RACES:g}")
    return (
        Part("the machine", ("-m", "gpubp", "doctor"), 60),
        *([Part("what failed last time", (*_PYTEST, *failed), 40)] if failed else []),
        Part("programs and trainings", (*_PYTEST, *(f"tests/gpu/test_{n}.py" for n in OURS)), min(150.0, 0.4 * limit)),
        Part("races", races, RACES + GRACE),
        Part("steps of tiny nets", ("-m", "tools.gpu_steps"), 40),
        Part("benchmark", bench, most),
        Part("CuPy's own kernels", (*_PYTEST, *(f"tests/gpu/test_{n}.py" for n in LEFT)), 90),
    )


RACES = 45.0
"""Seconds for the search for races: as much of two trainings as it takes under such a tool."""
OURS = ("compiled", "orders", "random_nets", "side_by_side", "abreast", "losses")
LEFT = ("training", "stand_in_facts", "plain")


def run(part: Part, seconds: float, log: Path) -> Outcome:
    """Run a part, which prints to the end of `log`; what it has printed is kept, however it ends, with paths relative
    to the repository or to Python's environment. A part that takes too long, or is to stop, is first interrupted, as by
    Ctrl-C, for then tests tell what failed."""
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
    seconds = time.monotonic() - start
    said = log.read_bytes()[begin:].decode("utf-8", "replace")
    for folder in (sys.prefix, str(ROOT)):
        said = said.replace(f"{folder}/", "").replace(folder, ".")
    os.truncate(log, begin)
    with log.open("a", encoding="utf-8") as file:
        file.write(said)
    return Outcome(part, code, seconds, said, stopped)


def _listen() -> None:
    """What a shell runs in the background ignores Ctrl-C, and hands that on, as whoever blocks it does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def check(
    name: str, driver: Mapping[str, str], folder: Path, ran: Sequence[Part], figures: Path, limit: float = LIMIT
) -> int:
    """Run all parts and write the report; returns the exit code. `driver`: the versions that it tells."""
    path = folder / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.md"
    folder.mkdir(parents=True, exist_ok=True)
    log = path.with_suffix(".log")
    log.unlink(missing_ok=True)
    report = Report(name, driver)
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


def failed_before(folder: Path) -> list[str]:
    """The tests that failed when they were last run on a GPU, on any, those that are still there."""
    reports, came = list[dict[str, Any]](), dict[str, str]()
    for path in folder.glob("*.json"):
        with suppress(ValueError):
            reports.append(json.loads(path.read_text("utf-8")))
    for report in sorted(reports, key=lambda report: report.get("date", "")):
        came |= {test: how for test, how in report.get("tests", {}).items() if how != "skipped"}
    return [test for test in sorted(came) if came[test] in ("failed", "error") and _is_there(*test.split("::", 1))]


def _is_there(file: str, test: str) -> bool:
    path = ROOT / file
    return path.is_file() and f"def {test.partition('[')[0]}(" in path.read_text("utf-8")


def versions(driver: Driver) -> dict[str, str]:
    """Of the driver, as `nvidia-smi` tells it, and of the newest CUDA that it knows."""
    found = {"driver": "unknown"} | ({"CUDA": "{}.{}".format(*driver.cuda)} if driver.cuda else {})
    with suppress(OSError, subprocess.SubprocessError, IndexError):
        words = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
        told = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout
        found["driver"] = told.split()[0]
    return found


def main(words: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.gpu_check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=LIMIT, metavar="N", help=f"for everything; {LIMIT:g} otherwise"
    )
    limit = parser.parse_args(words).seconds
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
        ran = parts(figures, limit, failed_before(RESULTS))
        return check(driver.gpus[0].name, versions(driver), RESULTS, ran, figures, limit)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
