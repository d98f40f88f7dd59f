"""What `auto` takes where there is a GPU: the CPU for nets that are estimated to be quicker there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.backends import native
from gpubp.executor.device_choice import is_tiny, iterations, pieces, quicker_on_cpu
from gpubp.executor.ensemble import Ensemble
from gpubp.executor.sweep import Sweep, max_side_by_side
from gpubp.frontend import build_plan
from gpubp.insight import update
from gpubp.passes import Cost
from gpubp.training import asked_of
from tests.executor.nets import PLAIN
from tests.gpu.test_compiled import rows_of
from tests.render.compiled import needs_compiler
from tools import gpu_steps

from .conftest import Use

MODELS = Path(__file__).parents[2] / "models"
WHY = "a net this small is estimated to be slower on the GPU"


def model(name: str) -> gpubp.Net:
    return gpubp.load(MODELS / f"{name}.net")


@needs_compiler
def test_a_tiny_net_runs_on_the_cpu_and_says_why(use: Use) -> None:
    use()
    ex = gpubp.Executor(model("xor"))
    assert ex.backend.name == "cpu"
    assert ex.backend.compiles
    assert WHY in ex.backend.description
    assert gpubp.Executor(model("xor"), "gpu").backend.name == "gpu"
    assert gpubp.Executor(model("digits")).backend.name == "gpu"
    assert WHY not in gpubp.Executor(model("xor"), "cpu").backend.description


@needs_compiler
def test_restarts_and_their_members_are_in_one_place(use: Use) -> None:
    """Many restarts of a net are one launch of a GPU, and one after the other on a core."""
    use()
    for restarts, name in ((1, "cpu"), (1000, "gpu")):
        net = gpubp.loads(PLAIN.replace("epochs", f"restarts = {restarts}\n  batch = 4\n  epochs"))
        together = Ensemble(net, 2)
        assert {together.backend.name, together.member(1).backend.name, gpubp.Executor(net).backend.name} == {name}


@needs_compiler
def test_nets_side_by_side_are_in_one_place(use: Use) -> None:
    """A few trials of a search are quicker on the CPU, many on a GPU, which gives each a block."""
    use()
    for count, name in ((4, "cpu"), (64, "gpu")):
        text = PLAIN.replace("epochs", "batch = 4\n  epochs")
        nets = [gpubp.loads(text.replace("lr = 0.01", f"lr = {k}e-3")) for k in range(count)]
        sweep = Sweep(nets)
        assert {sweep.backend.name, sweep.member(count - 1).backend.name} == {name}
        assert Sweep(nets, "cpu").backend.name == "cpu"
        assert max_side_by_side(nets[0], "auto", count) == 64


def test_without_a_compiler_the_gpu_takes_all(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    monkeypatch.setattr(native, "find_compiler", lambda command: None)
    assert gpubp.Executor(model("xor")).backend.name == "gpu"


def test_which_nets_are_tiny() -> None:
    assert is_tiny(model("xor"), "float32")
    assert is_tiny(model("xor"), "float32", 4)
    assert not is_tiny(model("xor"), "float32", 64)
    assert not is_tiny(model("digits"), "float32")
    assert not is_tiny(model("robust"), "float64")
    small = PLAIN.replace("dense(4)", "reshape([3, 1]) -> rnn(2, sequence = false)").replace("batch", "#")
    assert not is_tiny(gpubp.loads(small), "float32"), "it has a loop"
    no_training = PLAIN[: PLAIN.index("train {")]
    assert not is_tiny(gpubp.loads(no_training), "float32")


def test_the_estimate() -> None:
    """The GPU gains by large products and many nets, the CPU by every piece that threads must wait for."""

    def on_cpu(flops: int, products: int, pieces: int, nets: int = 1) -> bool:
        return quicker_on_cpu(Cost(flops, products, products, 0, Counter(), 0, 0, 0), pieces, nets)

    assert on_cpu(1_000, 500, 20)
    assert not on_cpu(200_000, 90_000, 20)
    assert on_cpu(10_000, 5_000, 40)
    assert not on_cpu(20_000, 5_000, 10)
    assert not on_cpu(1_000, 500, 20, nets=200)
    assert on_cpu(1_000, 500, 100, nets=66)
    assert not on_cpu(1_000, 500, 100, nets=132)
    assert on_cpu(1_000, 500, 100, nets=133), "another round of blocks"


def test_loops_count_with_each_iteration() -> None:
    _, found = build_plan(model("mobility"), "train", 37, "float64")
    assert iterations(found) == 16
    assert pieces(found) == len(found.fusions) + 16 * 6


@needs_compiler
def test_steps_are_measured_beside_their_estimates(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make gpu-check` does; here without a clock."""
    device = use()

    def measured(run: Callable[[int], Any], finish: Callable[[], None]) -> float:
        run(2)
        finish()
        return 1.5

    monkeypatch.setattr(gpu_steps, "microseconds", measured)
    assert gpu_steps.row("net", "batch", "nets", *gpu_steps.COLUMNS).split()[-2:] == ["quicker", "estimate"]
    for nets, quicker in ((1, "CPU"), (8, "GPU")):
        told = gpu_steps.line("xor", model("xor"), 32, nets)
        assert told is not None
        assert told.split()[:3] == ["xor", "32", str(nets)]
        assert told.split()[-2:] == ["GPU", quicker]
        assert "train_block" in device.log
    assert gpu_steps.line("digits", model("digits"), 32, 1) is None


def test_an_update_is_followed_on_the_same_gpu(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    net, opened = model("xor"), []
    ex = gpubp.Executor(net, "gpu")
    assert ex.backend.place == "gpu:0"

    def opens(net: gpubp.Net, place: str, *more: Any, **options: Any) -> gpubp.Executor:
        opened.append(place)
        return gpubp.Executor(net, "gpu", *more, **options)

    monkeypatch.setattr(update, "Executor", opens)
    ex.backend.place = "gpu:1"
    update.changes(ex, rows_of(net, 4))
    assert opened == ["gpu:1"]


def test_cupy_alone_compiles_nothing(use: Use, tmp_path: Path) -> None:
    """Where it is asked for, for a tiny net too; a run that was, goes on so, and says where it does not."""
    device = use()
    net, out = model("xor"), tmp_path / "run"
    alone = gpubp.train(net, out=out, epochs=2, backend="cupy")
    assert alone.executor.backend.name == "gpu"
    assert not alone.executor.backend.compiles
    assert device.log == []
    compiled = gpubp.train(net, "gpu", epochs=2)
    assert device.log
    assert compiled.metrics == pytest.approx(alone.metrics, rel=1e-5)
    assert asked_of(out) == ("auto", "cupy")
    assert gpubp.train(net, "gpu", resume=out, epochs=3, backend="cupy").warnings == []
    (warning,) = gpubp.train(net, "gpu", resume=out, epochs=3).warnings
    assert "kernels none, now training and evaluation, by the shim" in warning
