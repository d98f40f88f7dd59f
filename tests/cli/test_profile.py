"""`run --profile`: where the time of a step goes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.cli.profile_table import profile_table
from gpubp.errors import InputError
from gpubp.executor import Profile, ProfiledKernel, profile
from gpubp.passes import cost
from tests.executor.nets import PLAIN, contents, rows
from tests.render.compiled import needs_compiler

GOLDEN = Path(__file__).parent.parent / "golden" / "profile.txt"
BACKENDS = ["numpy", pytest.param("native", marks=needs_compiler)]


@pytest.fixture(autouse=True)
def _as_few_steps_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "SECONDS", 0.0)


def test_the_table() -> None:
    kernels = (
        ProfiledKernel("hidden: dense(256)", ("matmul",), False, 200e-6, 25_690_112, 1_069_056),
        ProfiledKernel("hidden: dense(256)", ("add", "tanh"), True, 20e-6, 32_768, 132_096),
        ProfiledKernel("hidden: dense(256)", ("sum",), True, 1e-6, 16_384, 66_560),
        ProfiledKernel("p: dense(10)", ("matmul",), False, 40e-6, 327_680, 78_336),
        ProfiledKernel("the loss: the mean over the batch", ("sum", "mul"), True, 1e-6, 65, 256),
        ProfiledKernel("the learning rate", ("add",), False, 0.0, 1, 16),
        ProfiledKernel(
            "the optimizer", ("mul", "mul", "add", "sqrt", "div", "cast", "sub"), True, 90e-6, 2_400_000, 5_700_000
        ),
    )
    found = Profile(64, "float32", 340e-6, 500, kernels, 2e11, 2e10)
    assert profile_table(found) + "\n" == GOLDEN.read_text("utf-8")
    assert "\n1 more part  " in profile_table(replace(found, kernels=(*kernels[:5], kernels[6])))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_kernels_are_the_step(backend: str) -> None:
    """All of its work, whatever runs it; the state is left as it was."""
    ex = gpubp.Executor(gpubp.loads(PLAIN), "cpu", backend=backend)
    data = rows(20)
    ex.train_steps(data, 3, 8)
    before = contents(ex)
    found = ex.profile(data, 8)
    assert contents(ex) == before
    assert (found.rows, found.dtype) == (8, "float32")
    assert min(found.seconds, found.peak_bytes, found.peak_flops, *(k.seconds for k in found.kernels)) > 0
    plan = ex.compiled("train", 8).plan
    assert sum(kernel.flops for kernel in found.kernels) == cost(plan).flops
    assert sum(len(kernel.work) for kernel in found.kernels) == len(plan.steps)
    assert {kernel.compiled for kernel in found.kernels} == {backend == "native"}
    assert 0 < sum(kernel.bytes for kernel in found.kernels) <= cost(plan).traffic
    whole = ex.profile(data, 64)
    assert whole.rows == 20


def test_without_rows() -> None:
    ex = gpubp.Executor(gpubp.loads(PLAIN), "cpu")
    with pytest.raises(InputError):
        ex.profile({"x": np.zeros((0, 3)), "y": np.zeros((0, 1))}, 8)
    with pytest.raises(InputError, match="batch must be a whole number of at least 1, not 0"):
        ex.profile({"x": np.zeros((2, 3)), "y": np.zeros((2, 1))}, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_on_the_command_line(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "models/iris.net", "--no-save", "--epochs", "1", "--profile", "--backend", backend]
    assert main(words) == 0
    text = capsys.readouterr().out
    for part in (
        "a training step of ",
        "this machine now: ",
        "layer, and its kernels ",
        " kernels  ",
        "the optimizer ",
    ):
        assert part in text
    assert main([*words, "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"rows", "seconds", "kernels", "peak_flops", "peak_bytes"} <= last["profile"].keys()
    assert {"layer", "work", "seconds", "flops", "bytes", "compiled"} == last["profile"]["kernels"][0].keys()


def test_an_optimizer_of_full_batches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The step is over all rows to train on."""
    file = tmp_path / "full.net"
    file.write_text(Path("models/xor.net").read_text("utf-8").replace("adam(lr = 0.05)", "rprop"), "utf-8")
    assert main(["run", str(file), "--no-save", "--epochs", "1", "--profile", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["profile"]["rows"] == 4
