"""The check on a machine with a GPU: a part that fails, hangs or says nothing never keeps the next from running, and
what its tests and the benchmark found stands in the report."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpubp.backends.driver import Driver
from tools import gpu_check
from tools.gpu_check import check, parts
from tools.gpu_report import CLAIMS, Outcome, Part

GOOD = Part("good", ("-c", "print('all is well')"), 60)
BAD = Part("bad", ("-c", "print('before'); raise SystemExit(3)"), 60)
SLOW = Part("slow", ("-c", "import time; print('begun', flush=True); time.sleep(600)"), 0.2)
_DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
DEAF = Part("deaf", ("-c", _DEAF), 0.2)
DEAD = Part("dead", ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), 60)


def checked(folder: Path, ran: Sequence[Part], limit: float = 540.0) -> tuple[int, str]:
    code = check("NVIDIA H100 80GB", {"driver": "580.95.05"}, folder, ran, folder / "figures.json", limit)
    return code, (folder / "nvidia-h100-80gb.md").read_text("utf-8")


class Heard(subprocess.Popen[bytes]):
    """A process whose time begins when it has said something, however long the machine takes to start it."""

    log: Path

    def wait(self, timeout: float | None = None) -> int:
        while timeout is not None and self.poll() is None and self.log.read_bytes().splitlines()[-1][:2] == b"==":
            time.sleep(0.01)
        return super().wait(timeout)


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Heard, "log", tmp_path / "nvidia-h100-80gb.log", raising=False)
    monkeypatch.setattr(gpu_check.subprocess, "Popen", Heard)


@pytest.mark.usefixtures("heard")
def test_what_hears_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "GRACE", 0.1)
    code, text = checked(tmp_path, (DEAF, GOOD))
    assert code == 1
    assert "| deaf | too long" in text
    assert "| good | well" in text


@pytest.mark.usefixtures("heard")
def test_every_part_is_run_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = checked(tmp_path, (BAD, SLOW, DEAD, GOOD))
    assert code == 1
    for line in (
        "| bad | failed (exit code 3)",
        "| slow | too long",
        "| dead | failed (exit code -11)",
        "| good | well",
    ):
        assert line in text
    assert "before" in text
    assert "begun" in text
    assert "KeyboardInterrupt" in text, "what took too long is asked to say what it knows"
    assert "bad: failed (exit code 3)" in capsys.readouterr().out


def test_all_is_well(tmp_path: Path) -> None:
    assert checked(tmp_path, (GOOD,))[0] == 0


def test_no_folder_of_the_machine_is_told(tmp_path: Path) -> None:
    words = f"import sys; print('at', {str(gpu_check.ROOT)!r}); print({str(gpu_check.ROOT / 'a.py')!r}, sys.executable)"
    _, text = checked(tmp_path, (Part("paths", ("-c", words, str(tmp_path / "figures.json")), 60), GOOD))
    log = (tmp_path / "nvidia-h100-80gb.log").read_text("utf-8")
    assert log == f"== paths\nat .\na.py bin/{Path(sys.executable).name}\n== good\nall is well\n"
    assert str(gpu_check.ROOT) not in text
    figures = (tmp_path / "nvidia-h100-80gb.json").read_text("utf-8")
    assert '"figures.json"' in figures
    assert str(tmp_path) not in figures


def test_what_there_is_no_time_for_is_told(tmp_path: Path) -> None:
    code, text = checked(tmp_path, (GOOD, GOOD), limit=0.5)
    assert code == 1
    assert "no time was left" in text


TOLD = """
import os, signal, sys
signal.alarm(20)
print("PASSED tests/gpu/test_compiled.py::test_two_runs_give_the_same_bytes", flush=True)
os.kill(os.getppid(), getattr(signal, sys.argv[1]))
signal.pause()
"""
STOPPED = """
import sys
from pathlib import Path
from gpubp.backends.driver import Driver, Gpu
from tools import gpu_check
gpu_check.NEEDED = ()
gpu_check.ask_driver = lambda: Driver((12, 8), (Gpu(0, "H100", (9, 0), 1),))
gpu_check.RESULTS = Path(sys.argv[1])
gpu_check.versions = lambda driver: {}
gpu_check.parts = lambda figures, limit, failed: (gpu_check.Part("tests", ("-c", sys.argv[2], sys.argv[3]), 60),) * 2
raise SystemExit(gpu_check.main())
"""


@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_asked_to_stop_it_tells_what_it_knows(tmp_path: Path, signal: str) -> None:
    words = [sys.executable, "-c", STOPPED, str(tmp_path), TOLD, signal]
    assert subprocess.run(words, capture_output=True, cwd=gpu_check.ROOT).returncode == 130
    text = (tmp_path / "h100.md").read_text("utf-8")
    assert text.count("| tests | stopped |") == 1, "no part is begun after it"
    assert "| two runs with one seed give the same bytes | 1 of 1 tests | met |" in text
    assert json.loads((tmp_path / "h100.json").read_text("utf-8"))["parts"][0]["verdict"] == "stopped"


def test_killed_it_leaves_what_was_printed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", STOPPED, str(tmp_path), TOLD, "SIGKILL"]
    assert subprocess.run(words, capture_output=True, cwd=gpu_check.ROOT).returncode == -9
    assert "PASSED tests/gpu" in (tmp_path / "h100.log").read_text("utf-8")


SAID = """
tests/gpu/test_compiled.py::test_two_runs_give_the_same_bytes
[gw1] [ 10%] PASSED tests/gpu/test_compiled.py::test_two_runs_give_the_same_bytes
[gw0] [  7%] FAILED tests/gpu/test_losses.py::test_losses_of_float32[iris]
[gw0] [ 17%] PASSED tests/gpu/test_losses.py::test_losses_of_float32[every op]
[gw0] [100%] SKIPPED tests/gpu/test_compiled.py::test_with_and_without_a_graph
E   AssertionError: how it failed
FAILED tests/gpu/test_losses.py::test_losses_of_float32[iris] - AssertionError: how
"""


def test_claims_are_read_from_the_tests_and_the_benchmark(tmp_path: Path) -> None:
    told = [["XOR: at most 2 us a step", "1.50 us", "met"]]
    (tmp_path / "figures.json").write_text(json.dumps({"claims": told, "cases": {}}), "utf-8")
    code, text = checked(tmp_path, (Part("tests", ("-c", f"print({SAID!r})"), 60),))
    assert code == 1, "a claim was missed"
    for line in (
        "| two runs with one seed give the same bytes | 1 of 1 tests | met |",
        "| 20 steps of every model follow the CPU's losses to 1e-5, float32 | 1 of 2 tests | **missed** |",
        "| a step as a graph gives the bytes of one without | 0 of 1 tests | not measured |",
        "| 10,000 steps leave the memory pool unchanged |  | not measured |",
        "| XOR: at most 2 us a step | 1.50 us | met |",
    ):
        assert line in text
    assert "how it failed" in text
    assert "PASSED" not in text, "who reads the page wants what failed"
    figures = json.loads((tmp_path / "nvidia-h100-80gb.json").read_text("utf-8"))
    assert figures["tests"]["tests/gpu/test_losses.py::test_losses_of_float32[iris]"] == "failed"
    assert told[0] in figures["claims"]


FIGURES = {
    "versions": {"cupy": "14.2.0", "torch": "2.11.0"},
    "claims": [["XOR: at most 2 us a step", "2.84 us", "missed"]],
    "cases": {
        "XOR": {"us": {"gpubp": [2.8, 2.84, 2.9], "torch eager": [960.0, 963.0, 990.0]}, "failed": {"JAX": "no GPU"}},
        "wide": {"us": {"torch eager": [64321.0], "JAX": [65000.0]}, "failed": {"gpubp": "no answer within 90 s"}},
    },
}
PAGE = """
1 missed, 14 not measured.

| claim | found | |
|---|--:|---|
| XOR: at most 2 us a step | 2.84 us | **missed** |
"""
STEPS = """
| net, rows of a batch | gpubp | torch eager | JAX |
|---|--:|--:|--:|
| XOR | 2.84 | 963 (341x) |  |
| wide |  | 64,321 | 65,000 |

- XOR, JAX: no GPU
- wide, gpubp: no answer within 90 s

## Parts
"""


def test_the_page_begins_with_the_claims_and_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text(json.dumps(FIGURES), "utf-8")
    code, text = checked(tmp_path, (GOOD,))
    assert code == 1
    assert text.startswith("# NVIDIA H100 80GB\n")
    head, _, rest = text.partition("## Claims\n")
    assert f"driver 580.95.05, Python {platform.python_version()}, cupy 14.2.0, torch 2.11.0." in head
    assert rest.startswith(PAGE)
    assert STEPS in rest


def test_tests_that_run_one_after_the_other() -> None:
    said = "tests/gpu/test_plain.py::test_a_net[every op] PASSED    [ 50%]\n"
    said += "tests/gpu/test_plain.py::test_a_net[x] FAILED [100%]"
    assert Outcome(GOOD, 0, 1.0, said).tests == {
        "tests/gpu/test_plain.py::test_a_net[every op]": "passed",
        "tests/gpu/test_plain.py::test_a_net[x]": "failed",
    }


def test_the_parts_exist() -> None:
    made = parts(Path("figures.json"))
    assert sum(part.seconds for part in made) <= gpu_check.LIMIT + 100, "most take less than their most"
    (bench,) = (part for part in parts(Path("figures.json"), 290.0) if part.name == "benchmark")
    assert bench.seconds == 290.0 - gpu_check.BESIDE
    files = {word for part in made for word in part.words if word.startswith("tests/")}
    assert files == {f"tests/gpu/{path.name}" for path in Path("tests/gpu").glob("test_*.py")}


FAILED = {
    "tests/gpu/test_plain.py::test_a_net[deep_batchnorm]": "failed",
    "tests/gpu/test_plain.py::test_a_net[xor]": "passed",
    "tests/gpu/test_plain.py::test_that_is_gone[xor]": "failed",
    "tests/gpu/test_gone.py::test_a_net[xor]": "error",
}


def test_what_failed_last_time_comes_first(tmp_path: Path) -> None:
    """On any GPU, if it is still there."""
    (tmp_path / "nvidia-h100-80gb.json").write_text(json.dumps({"date": "2026-11-26", "tests": FAILED}), "utf-8")
    failed = gpu_check.failed_before(tmp_path)
    assert failed == ["tests/gpu/test_plain.py::test_a_net[deep_batchnorm]"]
    made = parts(Path("figures.json"), 290.0, failed)
    assert [part.name for part in made[:2]] == ["the machine", "what failed last time"]
    assert made[1].words[-1:] == tuple(failed)
    assert made[2:] == parts(Path("figures.json"), 290.0)[1:]
    earlier, skipped, mended = ("2026-11-25", "passed"), ("2026-11-28", "skipped"), ("2026-11-27", "passed")
    for (date, how), wanted in ((earlier, failed), (skipped, failed), (mended, [])):
        later = {"date": date, "tests": dict.fromkeys(failed, how)}
        (tmp_path / "a-gpu.json").write_text(json.dumps(later), "utf-8")
        assert gpu_check.failed_before(tmp_path) == wanted, (date, how)
    (tmp_path / "nvidia-h100-80gb.json").write_text("{", "utf-8")
    (tmp_path / "a-gpu.json").write_text("{}", "utf-8")
    assert gpu_check.failed_before(tmp_path) == []


def test_a_part_can_tell_of_claims(tmp_path: Path) -> None:
    """As that of races does."""
    said = "claim: racecheck finds none: 0 found, met\nclaim: synccheck finds none: , not measured"
    code, text = checked(tmp_path, (Part("races", ("-c", f"print({said!r})"), 60),))
    assert code == 0
    assert "| racecheck finds none | 0 found | met |" in text
    assert "| synccheck finds none |  | not measured |" in text


def test_every_claim_has_its_tests() -> None:
    text = "".join(f"{path}\n{path.read_text('utf-8')}" for path in Path("tests/gpu").glob("test_*.py"))
    for _, name in CLAIMS:
        assert name in text, name


def test_versions_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver((13, 0), ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_check.versions(driver) == {"driver": "unknown", "CUDA": "13.0"}
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 580.95.05\necho 580.95.05\n", "utf-8")
    tool.chmod(0o755)
    assert gpu_check.versions(driver) == {"driver": "580.95.05", "CUDA": "13.0"}


def test_without_a_gpu_nothing_is_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu_check, "ask_driver", lambda: Driver(None, (), "no driver"))
    assert gpu_check.main() == 2
    assert capsys.readouterr().err == "no GPU here: no driver\n"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu_check, "ask_driver", lambda: Driver((12, 8), (object(),)))  # type: ignore[arg-type]
    monkeypatch.setattr(gpu_check, "NEEDED", ("numpy", "no_such_module"))
    assert gpu_check.main() == 2
    assert "lacks no_such_module" in capsys.readouterr().err
