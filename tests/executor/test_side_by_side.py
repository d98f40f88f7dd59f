"""Nets that differ in numbers alone, side by side: each is what it is alone, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend
from gpubp.errors import DivergedError
from gpubp.executor import Sweep
from gpubp.executor.device_choice import lanes_are_faster
from gpubp.executor.sweep import max_side_by_side
from gpubp.frontend import UnlikeError, sweep_key
from tests.render.compiled import QUICK, needs_compiler
from tests.render.test_number_table import CASES, text_of

from .nets import LABELS, PLAIN, contents, labelled, rows

MODELS = Path(__file__).resolve().parents[2] / "models"
STEPS = 11
COMPILED = [
    pytest.param("numpy", 3, id="numpy"),
    pytest.param(QUICK, 3, marks=needs_compiler, id="each"),
    pytest.param(QUICK, 13, marks=needs_compiler, id="lanes"),
]
"""Few nets are trained by compiled steps one after the other, many as lanes."""


def nets(word: str, values: list[str]) -> list[gpubp.Net]:
    return [gpubp.loads(text_of(**{word: value})) for value in values]


def as_alone(sweep: Sweep, backend: str, data: dict[str, Any], device: str = "cpu") -> None:
    """Train a sweep and each of its nets, and compare what comes out, and the figures."""
    placed = sweep.place(data)
    losses, penalties, sizes = sweep.run_steps(placed, STEPS, 5)
    found = sweep.evaluate(data)
    host = sweep.backend.to_host
    for k in {0, 1, sweep.count - 1}:
        alone = gpubp.Executor(sweep.nets[k], device, backend=backend)
        mine = alone.run_steps(alone.place(data), STEPS, 5)
        assert mine[2] == sizes
        np.testing.assert_array_equal(host(losses[k]), host(mine[0]))
        np.testing.assert_array_equal(host(penalties[k]), host(mine[1]))
        assert contents(sweep.member(k)) == contents(alone)
        assert found[k] == alone.evaluate(data)


@pytest.mark.parametrize(("word", "pair"), CASES[::3], ids=[pair[0] for _, pair in CASES[::3]])
def test_settings_on_numpy(word: str, pair: tuple[str, str]) -> None:
    """A smaller last batch; the third net has the numbers of the first."""
    several = nets(word, [*pair, pair[0]])
    assert len({*map(sweep_key, several)}) == 1
    as_alone(Sweep(several, "cpu", "numpy"), "numpy", rows(22))


RATES = [f"adam(lr = {0.003 * (k + 1):.4g})" for k in range(13)]
MIXED = [
    {"OPTIMIZER": f"adamw(lr = {0.01 * (k + 1):.3g}, decay = {0.02 * k + 0.01:.3g})", "LAYER": f"dropout({k + 2}0%)"}
    for k in range(7)
]


@pytest.mark.parametrize(("backend", "count"), COMPILED)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_each_is_the_net_alone(backend: str, count: int, precision: str) -> None:
    """Rates, decays, shares of dropout, a clip that takes hold; one of the numbers is a power of two, which stands in
    the text of a kernel otherwise."""
    texts = [text_of(**MIXED[k % 7], CLIP=f"clip_norm({0.25 + k / 10:.3g})") for k in range(count)]
    texts = [text.replace("epochs", f"precision = {precision}\n  epochs") for text in texts]
    as_alone(Sweep([*map(gpubp.loads, texts)], "cpu", backend), backend, rows(22))


@needs_compiler
@pytest.mark.parametrize("count", [3, 13])
def test_auto_changes_to_compiled_steps_where_each_does(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    sweep = Sweep(nets("OPTIMIZER", RATES[:count]), "cpu", "auto")
    assert 1 < sweep._first.compiled("train", 5).native_from < STEPS
    as_alone(sweep, "auto", rows(22))


def test_every_setting_may_differ() -> None:
    for word, pair in CASES:
        one, other = nets(word, [*pair])
        assert sweep_key(one) == sweep_key(other), pair


def test_first_weights_may_differ() -> None:
    texts = [PLAIN.replace("dense(4)", f"dense(4, init = normal(std = {std}))") for std in (0.1, 0.2, 0.5)]
    as_alone(Sweep([*map(gpubp.loads, texts)], "cpu", "numpy"), "numpy", rows(22))


def test_metrics_and_labels() -> None:
    texts = [LABELS.replace("lr = 0.1", f"lr = {rate}") for rate in ("0.1", "0.3", "1.0")]
    several = [*map(gpubp.loads, texts)]
    assert sweep_key(several[2]) != sweep_key(several[0]), "a rate of 1 is no equation"
    as_alone(Sweep(several[:2], "cpu", "numpy"), "numpy", labelled(22))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dense(4)", "dense(5)"),
        ("tanh", "relu"),
        ("epochs = 1", "batch = 7\n  epochs = 1"),
        ("epochs = 1", "epochs = 2"),
        ("epochs = 1", "seed = 3\n  epochs = 1"),
        ("adam(lr = 0.01)", "sgd(lr = 0.01)"),
        ("l2(0.01)", "l2(1.0)"),
    ],
)
def test_nets_that_are_not_alike(one: str, other: str) -> None:
    several = [gpubp.loads(PLAIN), gpubp.loads(PLAIN.replace(one, other))]
    assert sweep_key(several[0]) != sweep_key(several[1])


def test_unlike_programs_are_refused() -> None:
    sweep = Sweep([gpubp.loads(PLAIN), gpubp.loads(PLAIN.replace("adam", "adamax"))], "cpu", "numpy")
    with pytest.raises(UnlikeError):
        sweep.run_steps(sweep.place(rows(20)), 1, 5)
    fitted = PLAIN.replace("x -> dense", "x -> standardize -> dense")
    clipped = fitted.replace("x -> standardize", "(x * 0.3) -> standardize")
    with pytest.raises(UnlikeError):
        Sweep([gpubp.loads(clipped), gpubp.loads(clipped.replace("0.3", "0.7"))], "cpu", "numpy")
    as_alone(
        Sweep([gpubp.loads(fitted), gpubp.loads(fitted.replace("0.01", "0.03"))], "cpu", "numpy"), "numpy", rows(22)
    )


@pytest.mark.parametrize(("backend", "count"), COMPILED)
def test_one_that_diverges_leaves_the_others_alone(backend: str, count: int) -> None:
    sick, well = (Sweep(nets("OPTIMIZER", RATES[:count]), "cpu", backend) for _ in range(2))
    for each in (sick, well):
        each.run_steps(each.place(rows(20)), 4, 5)
    sick.arrays["parameters"][1, :3] = np.inf
    ours, _, _ = sick.run_steps(sick.place(rows(20)), 9, 5)
    theirs, _, _ = well.run_steps(well.place(rows(20)), 9, 5)
    assert list(sick.diverged) == [1]
    assert "at step 5" in sick.diverged[1]
    for k in {*range(count)} - {1}:
        np.testing.assert_array_equal(ours[k], theirs[k])
        assert contents(sick.member(k)) == contents(well.member(k))
    sick.arrays["parameters"][...] = np.nan
    with pytest.raises(DivergedError):
        sick.run_steps(sick.place(rows(20)), 2, 5)


def test_a_net_is_finite_if_all_its_parameters_are() -> None:
    sweep = Sweep([gpubp.loads(text_of(**one)) for one in MIXED[:3]], "cpu", "numpy")
    sweep.arrays["biases"][1, 0] = np.inf
    assert [sweep.finite(k) for k in range(3)] == [True, False, True]


def test_a_column_in_another_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the tests: nets with each other's numbers are not what they are alone."""
    sweep = Sweep(nets("OPTIMIZER", RATES[:3]), "cpu", "numpy")
    sweep.run_steps(sweep.place(rows(22)), 1, 5)
    for name in sweep._names.values():
        sweep.arrays[name][...] = np.roll(sweep.arrays[name], 1)
    with pytest.raises(AssertionError):
        as_alone(sweep, "numpy", rows(22))


@pytest.mark.parametrize("made", ["update", "evaluate"])
def test_bits_that_are_not_those_of_one_are_seen(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program of all nets rounds otherwise than that of one, no update is its, and no figure."""
    sweep, data = Sweep(nets("OPTIMIZER", RATES[:3]), "cpu", "numpy"), rows(22)
    if made == "update":
        step = Sweep._step

        def nudged(self: Sweep, *given: Any) -> Any:
            bound = step(self, *given)
            parameters = self.arrays["parameters"]
            parameters[2, 0] = np.nextafter(parameters[2, 0], np.inf)
            return bound

        monkeypatch.setattr(Sweep, "_step", nudged)
        with pytest.raises(UnlikeError):
            sweep.run_steps(sweep.place(data), 1, 5)
        return
    wanted = sweep.evaluate(data)
    other = Sweep(nets("OPTIMIZER", RATES[:3]), "cpu", "numpy")
    together = super(Sweep, other).evaluate
    monkeypatch.setattr(
        "gpubp.executor.ensemble.Ensemble.evaluate",
        lambda self, batch, **_: [
            {name: value * (1 + 2e-16) for name, value in one.items()} for one in together(batch)
        ],
    )
    assert other.evaluate(data) == other.evaluate(data) == wanted


def test_how_many_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = gpubp.loads(PLAIN), gpubp.loads(PLAIN.replace("dense(4)", "dense(70000)"))
    assert max_side_by_side(small, "cpu") == max_side_by_side(small, "cpu", roughly=True) == 64
    assert max_side_by_side(large, "cpu") == max_side_by_side(large, "cpu", roughly=True) == 1
    monkeypatch.setattr(NumpyBackend, "free_memory", lambda self: 200_000)
    assert 1 < max_side_by_side(small, "cpu") <= max_side_by_side(small, "cpu", roughly=True) < 64


@pytest.mark.parametrize(("name", "full"), [("xor", True), ("iris", True), ("spiral", False), ("digits", False)])
def test_lanes_are_for_many_nets_of_small_products(name: str, full: bool) -> None:
    """Large products fill the vector registers by themselves."""
    net = gpubp.load(MODELS / f"{name}.net")
    costs = gpubp.Executor(net, "cpu").compiled("train", net.batch_size()).costs
    assert lanes_are_faster(costs, 16, 16) is lanes_are_faster(costs, 64, 64) is full
    assert not lanes_are_faster(costs, 2, 16)
