"""Restarts side by side: each is what an executor of its own computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.errors import DivergedError
from gpubp.executor import Ensemble, Executor
from tests.render.compiled import FEWER, QUICK

from .nets import PLAIN, rows

MODELS = sorted(Path("models").glob("*.net"))
Array = np.ndarray[Any, Any]


def rows_for(net: gpubp.Net, count: int = 50) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    out: dict[str, Array] = {}
    for node in (*net.graph.inputs, *net.graph.targets):
        assert node.type is not None
        shape, classes = (count, *node.type.shape), node.type.classes
        out[node.name] = rng.random(shape) if classes is None else rng.integers(0, classes, shape)
    return out


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_model(path: Path) -> None:
    """Mini-batches, dropout, statistics, penalties: restart k, of one model the first and of the next the second, is
    the run with seed k, to rounding."""
    net = gpubp.load(path, params=FEWER.get(path.stem))
    data, count = rows_for(net, 14), 2
    together = Ensemble(net, count, "cpu", "float64", seed=5)
    losses, penalties, sizes = together.run_steps(together.place(data), 5, 6)
    assert sizes == [6, 6, 2, 6, 6]
    figures = together.evaluate(data)
    k = MODELS.index(path) % count
    alone = Executor(net, "cpu", "float64", seed=5 + k)
    mine = alone.run_steps(alone.place(data), 5, 6)
    np.testing.assert_allclose(losses[k], mine[0], rtol=1e-9)
    np.testing.assert_allclose(penalties[k], mine[1], rtol=1e-9)
    for name, value in alone.evaluate(data).items():
        assert figures[k][name] == pytest.approx(value, rel=1e-9)
    together.backend.algorithms["a product"] = 3
    member = together.member(k).state_dict()
    assert together.member(k).backend.algorithms == {"a product": 3}, "what was chosen by its time goes with it"
    for name, array in alone.state_dict().items():
        np.testing.assert_allclose(member[name], array, rtol=1e-8, atol=1e-12, err_msg=name)


def test_an_evaluation_has_as_many_rows_at_a_time_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here 32 rows, a power of two; 8 are left over."""
    monkeypatch.setattr("gpubp.executor.ensemble.ROOM", 20_000)
    net, data = gpubp.loads(PLAIN), rows(200)
    together = Ensemble(net, 3, "cpu", "float64", seed=5)
    figures = together.evaluate(data)
    assert {batch for mode, batch, _ in together._together._compiled if mode == "measure"} == {32, 8}
    for k in range(3):
        assert figures[k] == pytest.approx(together.member(k).evaluate(data), rel=1e-12)


def test_r2_of_each_restart_in_several_pieces() -> None:
    """The spread of the targets about 1e9 is put together from those of the pieces."""
    net = gpubp.loads(PLAIN.replace("epochs = 1", "epochs = 1\n  metrics = [r2(p, y)]"))
    together = Ensemble(net, 2, "cpu", "float64", seed=5)
    data = rows(9001)
    data["y"] += 1e9
    wanted = 1 - ((together.member(0).predict(data["x"]) - data["y"]) ** 2).sum() / data["y"].var() / 9001
    figures = together.evaluate(data)
    for k in range(2):
        assert figures[k]["r2"] == pytest.approx(together.member(k).evaluate(data)["r2"], rel=1e-12)
    assert figures[0]["r2"] == pytest.approx(wanted, rel=1e-12)


def test_xor_bit_for_bit() -> None:
    net = gpubp.load("models/xor.net")
    data = {"x": np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), "y": np.array([[0], [1], [1], [0.0]])}
    together = Ensemble(net, 64, "cpu", seed=0)
    losses, _, _ = together.run_steps(together.place(data), 100, 4)
    for k in (0, 1, 63):
        alone = Executor(net, "cpu", seed=k)
        assert np.array_equal(losses[k], alone.train_steps(data, 100, 4))
        for name, array in together.member(k).state_dict().items():
            assert np.array_equal(array, alone.state_dict()[name]), name


MIXED = (
    ("numpy", [6, 6, 2], "conv(4, 3, pad = same) -> relu -> conv_transpose(3, 2, 2) -> depthwise_conv(3, stride = 2)"),
    ("numpy", [6, 6, 2], "conv(6, 3, groups = 2, dilation = 2) -> batchnorm -> maxpool(2, 1)"),
    ("numpy", [40, 40, 1], "conv(24, 5, pad = same) -> maxpool(8) -> random_flip"),
    ("numpy", [5, 3], "lstm(4, bidirectional = true) -> gru(3, sequence = false)"),
    (QUICK, [5, 3], "rnn(4) -> dropout(30%) -> conv(2, 2)"),
)
MIXED_NET = """
model {
  input  x: SHAPE
  target y: class(3)
  output p = x -> LAYERS -> flatten -> dense(3) -> softmax
}
train {
  loss      = cross_entropy(p, y)
  optimizer = adam
  epochs    = 1
}
"""


@pytest.mark.parametrize(("backend", "shape", "layers"), MIXED)
def test_convolutions_and_loops_bit_for_bit(backend: str, shape: list[int], layers: str) -> None:
    net = gpubp.loads(MIXED_NET.replace("SHAPE", str(shape)).replace("LAYERS", layers))
    data = rows_for(net, 21)
    together = Ensemble(net, 3, "cpu", seed=7, backend=backend)
    losses, _, _ = together.run_steps(together.place(data), 5, 8)
    figures = together.evaluate(data)
    for k in range(3):
        alone = Executor(net, "cpu", seed=7 + k, backend=backend)
        assert np.array_equal(losses[k], alone.run_steps(alone.place(data), 5, 8)[0])
        assert figures[k] == alone.evaluate(data)
        for name, array in together.member(k).state_dict().items():
            assert np.array_equal(array, alone.state_dict()[name]), name


def test_a_member_goes_on_by_itself() -> None:
    net = gpubp.load("models/digits.net")
    data = rows_for(net)
    together, alone = Ensemble(net, 2, "cpu", "float64", seed=3), Executor(net, "cpu", "float64", seed=4)
    together.run_steps(together.place(data), 5, 16)
    member = together.member(1)
    alone.run_steps(alone.place(data), 5, 16)
    np.testing.assert_allclose(member.train_steps(data, 5, 16), alone.train_steps(data, 5, 16), rtol=1e-9)
    assert (member.step, alone.step, together.step) == (10, 10, 5)


def test_a_member_taken_before_the_first_step_gathers_its_own_statistics() -> None:
    net = gpubp.loads(MIXED_NET.replace("SHAPE", "[2]").replace("LAYERS", "standardize -> dense(3)"))
    data = rows_for(net)
    member, alone = Ensemble(net, 2, "cpu", seed=3).member(1), Executor(net, "cpu", seed=4)
    assert np.array_equal(member.train_steps(data, 5, 16), alone.train_steps(data, 5, 16))


def test_a_restart_that_diverges_stands_still_and_the_others_go_on() -> None:
    net = gpubp.load("models/digits.net")
    data = rows_for(net)
    sick, well = Ensemble(net, 3, "cpu", "float64"), Ensemble(net, 3, "cpu", "float64")
    for ensemble in (sick, well):
        ensemble.run_steps(ensemble.place(data), 4, 16)
    name = net.layout.groups[0].name
    sick.arrays[name][1, :100] = 1e308
    before = {n: a[1].copy() for n, a in sick.arrays.items() if not n.startswith("gradient") and n != "going"}
    ours, _, _ = sick.run_steps(sick.place(data), 6, 16)
    theirs, _, _ = well.run_steps(well.place(data), 6, 16)
    assert list(sick.diverged) == [1]
    assert "step 5" in sick.diverged[1]
    assert "the gradient of `" in sick.diverged[1]
    for k in (0, 2):
        np.testing.assert_allclose(ours[k], theirs[k], rtol=1e-12)
    for n, array in before.items():
        assert np.array_equal(sick.arrays[n][1], array), f"{n} of the restart that stands still"
    assert sick.step == 10


def test_where_all_diverge_training_stops() -> None:
    net = gpubp.load("models/xor.net")
    data = rows_for(net, 4)
    ensemble = Ensemble(net, 2, "cpu")
    ensemble.arrays[net.layout.groups[0].name][...] = np.inf
    with pytest.raises(DivergedError, match="all 2 restarts diverged"):
        ensemble.run_steps(ensemble.place(data), 3, 4)
