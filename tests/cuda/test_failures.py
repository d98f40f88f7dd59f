"""A GPU that fails at work or has too little memory, on a double: what a user reads; nothing that was saved is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.executor.ensemble import Ensemble
from tests.stand_in.fake_cupy import cupy

from .conftest import Use
from .double import HostDevice
from .host import needs_host

pytestmark = needs_host
IRIS, XOR = (str(Path(__file__).parents[2] / "models" / f"{name}.net") for name in ("iris", "xor"))
FAILED = cupy.cuda.runtime.CUDARuntimeError("cudaErrorLaunchFailure: unspecified launch failure")
FULL = cupy.cuda.memory.OutOfMemoryError("Out of memory allocating 1,048,576 bytes (allocated so far: 512 bytes).")
LAUNCH = cupy.cuda.runtime.CUDARuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
Fail = Callable[[Exception, int], None]


@pytest.fixture
def fail(use: Use, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """From the n-th piece of work on, everything that the GPU is asked for fails."""
    use()

    def begin(error: Exception, after: int) -> None:
        left, put = [after], HostDevice.put

        def failing(self: HostDevice, what: str, work: Callable[[], None]) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise error
            put(self, what, work)

        monkeypatch.setattr(HostDevice, "put", failing)

    return begin


LOST = "GPU 0 has failed: cudaErrorLaunchFailure: unspecified launch failure; what this process had there is lost"
ASKED = "not enough memory: out of memory allocating 1,048,576 bytes (allocated so far: 512 bytes) on GPU 0"
UNLOADED = "not enough memory: out of memory (CUDA_ERROR_OUT_OF_MEMORY) on GPU 0"
HELP = "a smaller batch or smaller layers need less, and `nvidia-smi` shows who else takes some"


@pytest.mark.parametrize(
    ("error", "said"),
    [(FAILED, LOST), (FULL, f"{ASKED}; {HELP}"), (LAUNCH, f"{UNLOADED}; {HELP}")],
    ids=["failed", "full", "no kernel"],
)
def test_in_the_middle_of_a_training(
    fail: Fail,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    """The run ends with 1, says which checkpoint is whole, and goes on from it to the bytes of one without harm."""

    def run(name: str, *words: str) -> int:
        return main(["run", IRIS, "--device", "gpu", "--quiet", "--out", str(tmp_path / name), *words])

    rest = ("--resume", str(tmp_path / "broken"), "--epochs", "4")
    assert run("whole", "--epochs", "4") == run("broken", "--epochs", "2") == 0
    capsys.readouterr()
    mended = HostDevice.put
    fail(error, 0)
    assert run("broken", *rest) == 1
    found = capsys.readouterr().err
    assert found.startswith(f"error: {said}\nnote: the checkpoint of step ")
    assert "Traceback" not in found
    monkeypatch.setattr(HostDevice, "put", mended)
    assert run("broken", *rest) == 0
    states = [gpubp.load_run(tmp_path / name).executor.state_dict() for name in ("whole", "broken")]
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name])


def test_restarts_are_named_as_the_cause(fail: Fail) -> None:
    together = Ensemble(gpubp.load(XOR), 3, "gpu")
    placed = together.place({"x": [[0.0, 1.0]], "y": [[1.0]]})
    fail(FULL, 0)
    said = r"3 restarts train side by side, and fewer need less: out of memory allocating .* on GPU 0; a smaller batch"
    for call in (lambda: together.run_steps(placed, 2, 1), lambda: together.evaluate(placed)):
        with pytest.raises(MemoryError, match=said):
            call()


def test_an_executor_says_so_at_each_call(fail: Fail) -> None:
    ex = gpubp.Executor(gpubp.load(XOR), "gpu")
    rows = {"x": [[0.0, 1.0]], "y": [[1.0]]}
    fail(FAILED, 0)
    for call in (ex.train_step, ex.loss):
        with pytest.raises(gpubp.DeviceFailedError, match="GPU 0 has failed: cudaErrorLaunchFailure"):
            call(rows)
