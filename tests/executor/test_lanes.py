"""Restarts as lanes of one compiled function: each is the single compiled run of its seed, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend
from gpubp.errors import DivergedError
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import GOING
from tests.render.compiled import QUICK, needs_compiler

from .nets import DROPOUT, LABELS, PLAIN, contents, rows

pytestmark = needs_compiler
SOFTMAX = LABELS.replace("cross_entropy(p, label)\n", "cross_entropy(p, label)\n  clip = clip_norm(0.1)\n", 1)
WIDE = PLAIN.replace("dense(4)", "dense(37)").replace("l2(0.01)", "l1(0.01)")
LONG = PLAIN.replace("dense(4)", "dense(220)").replace("l2(0.01)", "l2(0.01)\n  clip = clip_norm(0.1)", 1)
NORMED = PLAIN.replace("tanh", "layernorm -> gelu")
CASES = [
    (PLAIN, 5, 18, "float32"),
    (PLAIN, 22, 3, "float64"),
    (DROPOUT, 5, 3, "float32"),
    (DROPOUT, 30, 18, "float64"),
    (SOFTMAX, 5, 1, "float64"),
    (SOFTMAX, 22, 18, "float32"),
    (WIDE, 22, 17, "float32"),
    (NORMED, 5, 3, "float32"),
    (LONG, 5, 2, "float32"),
    (LONG, 2, 3, "float64"),
]
"""A net, the rows of a batch, the number of restarts, the precision."""


FULLY = [(DROPOUT, "float64"), (SOFTMAX, "float32"), (NORMED, "float32")]
"""What is compiled with full optimisation, which takes a compiler ten times as long: what PLAIN is made of stands in
DROPOUT too, and WIDE and LONG are larger alone."""


def ensemble(text: str, count: int, precision: str | None = None) -> Ensemble:
    backend = "native" if (text, precision or "float32") in FULLY else QUICK
    return Ensemble(gpubp.loads(text), count, "cpu", precision, 3, backend)


def data_for(text: str, count: int) -> dict[str, Any]:
    if "label" not in text:
        return rows(count)
    rng = np.random.default_rng(0)
    kinds = {"kind": rng.integers(0, 3, count), "label": rng.integers(0, 4, count)}
    return {"x": rng.normal(size=(count, 2)), **kinds}


@pytest.mark.parametrize(("text", "batch", "count", "precision"), CASES)
def test_each_is_the_run_of_its_seed(
    text: str, batch: int, count: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled batches, a smaller last one, dropout, clipping; however the steps are divided."""
    data = data_for(text, 22)
    together, parts = (ensemble(text, count, precision) for _ in range(2))
    losses, penalties, sizes = together.run_steps(together.place(data), 13, batch)
    assert together._lanes.at(min(batch, 22), 0) is not None
    assert together._together._compiled == {}, "nothing ran beside the lanes"
    monkeypatch.setattr(NumpyBackend, "max_call_flops", 1.0)  # a step in a call
    split = [parts.run_steps(parts.place(data), steps, batch) for steps in (1, 5, 7)]
    np.testing.assert_array_equal(np.concatenate([s[0] for s in split], axis=1), losses)
    for k in (0, count - 1):
        alone = gpubp.Executor(gpubp.loads(text), "cpu", precision, 3 + k, QUICK)
        mine = alone.run_steps(alone.place(data), 13, batch)
        assert mine[2] == sizes
        np.testing.assert_array_equal(losses[k], mine[0])
        np.testing.assert_array_equal(penalties[k], mine[1])
        assert contents(together.member(k)) == contents(parts.member(k)) == contents(alone)


def test_one_that_diverges_stays_as_it_was() -> None:
    """A gradient that is no number strikes a restart out at its step; the others go on as if it were not there."""
    data = rows(20)
    sick, well = ensemble(PLAIN, 19), ensemble(PLAIN, 19)
    for each in (sick, well):
        each.run_steps(each.place(data), 4, 5)
    sick.arrays["parameters"][17, :3] = np.inf
    before = {name: array[17].copy() for name, array in sick.arrays.items() if not name.startswith("grad")}
    ours, _, _ = sick.run_steps(sick.place(data), 9, 5)
    theirs, _, _ = well.run_steps(well.place(data), 9, 5)
    assert list(sick.diverged) == [17]
    assert "at step 5" in sick.diverged[17]
    assert sick.step == 13
    others = [k for k in range(19) if k != 17]
    np.testing.assert_array_equal(ours[others], theirs[others])
    for name, array in before.items():
        np.testing.assert_array_equal(sick.arrays[name][17], np.zeros((), bool) if name == GOING else array)
    for k in others:
        assert contents(sick.member(k)) == contents(well.member(k))


def test_one_that_stands_still_keeps_its_state() -> None:
    data = rows(20)
    together = ensemble(PLAIN, 3)
    together.run_steps(together.place(data), 4, 5)
    together.stop(1)
    before = contents(together.member(1))
    together.run_steps(together.place(data), 6, 5)
    assert contents(together.member(1)) == before
    assert together.step == 10
    assert together.diverged == {}


def test_where_all_diverge_training_stops() -> None:
    together = ensemble(PLAIN, 2)
    together.arrays["parameters"][...] = np.nan
    with pytest.raises(DivergedError, match=r"all 2 restarts diverged; the last one: the gradient of `.*` holds NaN"):
        together.run_steps(together.place(rows(5)), 3, 5)


def test_auto_takes_lanes_when_the_program_of_one_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    net, data = gpubp.loads(PLAIN), rows(20)
    together = Ensemble(net, 3, "cpu", seed=3, backend="auto")
    at = int(np.ceil(together._first.compiled("train", 5).native_from))
    assert 1 < at < 30
    assert together._lanes.at(5, at - 1) is None
    assert together._lanes.at(5, at) is not None
    losses, _, _ = together.run_steps(together.place(data), 40, 5)
    alone = gpubp.Executor(net, "cpu", seed=4, backend="auto")
    mine, _, _ = alone.run_steps(alone.place(data), 40, 5)
    np.testing.assert_allclose(losses[1], mine, rtol=1e-4)


def test_what_is_too_large_has_none() -> None:
    together = ensemble(PLAIN.replace("dense(4)", "dense(4000)"), 2)
    assert together._lanes.at(5, 0) is None
    assert np.isfinite(together.run_steps(together.place(rows(10)), 2, 5)[0]).all()
