"""Training steps, and states that continue to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.executor import feeding
from gpubp.frontend import check_feeds
from gpubp.seeds import shuffled

from .nets import DROPOUT, LABELS, PLAIN, contents, executor, labelled, rows

OPTIMIZERS = [
    "sgd(lr = 0.1)",
    "sgd(lr = 0.1, momentum = 0.9)",
    "sgd(lr = 0.1, momentum = 0.9, nesterov = true)",
    "rmsprop(lr = 0.01)",
    "adam(lr = 0.01)",
    "adamw(lr = 0.01, decay = 0.1)",
]


def test_losses_are_those_before_the_updates() -> None:
    ex = executor(PLAIN, precision="float64")
    data = rows(8)
    expected = []
    for _ in range(5):
        before = ex.loss(data)
        loss = ex.train_step(data)
        assert isinstance(loss, float)
        expected.append(loss)
        assert loss == pytest.approx(before, rel=1e-12)
    assert ex.step == 5
    assert expected == sorted(expected, reverse=True)


@pytest.mark.parametrize("text", [PLAIN, DROPOUT])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_many_steps_are_single_steps_in_the_same_order(text: str, precision: str) -> None:
    many, single = executor(text, precision, seed=3), executor(text, precision, seed=3)
    data = rows(22)
    losses = many.train_steps(data, steps=9, batch=5)
    assert losses.shape == (9,)
    by_hand = []
    for step in range(9):
        epoch, at = divmod(step, 5)  # batches of 5, 5, 5, 5 and 2
        order = shuffled(22, 3, epoch)[at * 5 : at * 5 + 5]
        assert len(order) == (2 if at == 4 else 5)
        by_hand.append(single.train_step({name: values[order] for name, values in data.items()}))
    np.testing.assert_allclose(losses, by_hand, rtol=1e-6 if precision == "float32" else 1e-14)
    assert contents(many) == contents(single)


def test_steps_go_on_where_they_stopped() -> None:
    at_once, in_parts = executor(DROPOUT), executor(DROPOUT)
    data = rows(22)
    losses = at_once.train_steps(data, steps=13, batch=5)
    parts = [in_parts.train_steps(data, steps=steps, batch=5) for steps in (1, 3, 1, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), losses)
    assert contents(at_once) == contents(in_parts)


def test_without_shuffling_rows_come_as_they_stand() -> None:
    text = PLAIN.replace("epochs = 1", "epochs = 1\n  shuffle = false")
    many, single = executor(text), executor(text)
    data = rows(7)
    many.train_steps(data, steps=4, batch=4)
    for start in (0, 4, 0, 4):
        single.train_step({name: values[start : start + 4] for name, values in data.items()})
    assert contents(many) == contents(single)


def test_an_epoch_visits_every_row_once() -> None:
    for epoch in range(3):
        assert sorted(shuffled(22, 3, epoch)) == list(range(22))
    assert list(shuffled(22, 3, 0)) != list(shuffled(22, 3, 1))


def test_the_default_batch_and_a_batch_larger_than_the_data() -> None:
    a, b, c = executor(), executor(), executor()
    data = rows(10)
    a.train_steps(data, steps=3)
    b.train_steps(data, steps=3, batch=64)
    c.train_steps(data, steps=3, batch=10)
    assert contents(a) == contents(b) == contents(c)
    small, own = executor(PLAIN.replace("epochs = 1", "epochs = 1\n  batch = 3")), executor()
    small.train_steps(data, steps=5)
    own.train_steps(data, steps=5, batch=3)
    assert contents(small) == contents(own)


def test_the_data_are_left_alone() -> None:
    data = rows(10)
    before = {name: values.copy() for name, values in data.items()}
    executor().train_steps(data, steps=12, batch=3)
    for name, values in data.items():
        np.testing.assert_array_equal(values, before[name])


def masks(ex: gpubp.Executor, steps: int) -> list[float]:
    """The losses of a net that does not learn: they tell which values dropout let through."""
    data = {"x": np.ones((64, 32)), "y": np.zeros((64, 1))}
    return [ex.train_step(data) for _ in range(steps)]


MASKS = """
model {
  input  x: [32]
  target y: [1]
  output p = x -> dropout(50%) -> dense(1, init = normal)
}
train { loss = mse(p, y)
  optimizer = sgd(lr = 0)
  epochs = 1
}
"""


def test_dropout_masks_differ_from_step_to_step_and_come_back_with_the_state() -> None:
    ex = executor(MASKS, "float64")
    first = masks(ex, 3)
    state = ex.state_dict()
    then = masks(ex, 5)
    assert len({*first, *then}) == 8
    ex.load_state_dict(state)
    assert masks(ex, 5) == then
    assert masks(executor(MASKS, "float64"), 8) == first + then
    assert not set(masks(executor(MASKS, "float64", seed=1), 8)) & {*first, *then}
    other = executor(MASKS, "float64", seed=1)  # the seed of the masks is part of the state
    other.load_state_dict(state)
    assert other.seed == 0
    assert masks(other, 5) == then


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_state_continues_to_the_bit(optimizer: str, precision: str) -> None:
    text = DROPOUT.replace("adam(lr = 0.01)", optimizer)
    ex, other = executor(text, precision), executor(text, precision, seed=7)
    data = rows(22)
    ex.train_steps(data, steps=7, batch=5)
    state = ex.state_dict()
    frozen = {name: array.tobytes() for name, array in state.items()}
    ex.train_steps(data, steps=8, batch=5)
    assert {name: array.tobytes() for name, array in state.items()} == frozen, "a state is a copy"
    other.load_state_dict(state)
    assert contents(other) == frozen
    assert other.step == 7
    other.train_steps(data, steps=8, batch=5)
    assert contents(other) == contents(ex)


def test_a_state_before_the_first_step_is_restored_with_the_moments_of_then() -> None:
    ex, data = executor(), rows(22)
    restore, first = ex.snapshot(), executor().train_steps(data, steps=5, batch=5)
    for _ in range(2):
        assert ex.train_steps(data, steps=5, batch=5).tobytes() == first.tobytes()
        restore()


def test_rows_of_a_step_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ex, calls = executor(), list[object]()
    monkeypatch.setattr(feeding, "check_feeds", lambda *given: (calls.append(given), check_feeds(*given))[1])
    ex.train_step(rows(8))
    ex.gradients(rows(8))
    assert len(calls) == 2


def test_what_a_state_holds() -> None:
    state = executor().state_dict()
    assert {"hidden.dense.weight", "p.dense.bias", "step", "seed", "optimizer.m.hidden.dense.weight"} <= set(state)
    assert all(isinstance(array, np.ndarray) for array in state.values())
    assert state["optimizer.v.hidden.dense.weight"].shape == (3, 4)
    sgd = executor(PLAIN.replace("adam(", "sgd(")).state_dict()
    assert not [name for name in sgd if name.startswith("optimizer")]


def spoiled(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    out = {**state, **changes}
    return {name: value for name, value in out.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p.dense.bias": None}, "only the net has `p.dense.bias`"),
        ({"p.dense.gain": np.ones(1)}, "only the state has `p.dense.gain`"),
        ({"p.dense.bias": np.ones(2, "f4")}, r"`p.dense.bias` has shape \(2,\) in the state, \(1,\) in the net"),
        ({"optimizer.m.p.dense.bias": None}, "only the net has `optimizer.m.p.dense.bias`"),
        ({"step": None}, "only the net has `step`"),
    ],
)
def test_a_state_of_another_net_changes_nothing(changes: dict[str, Any], message: str) -> None:
    ex = executor()
    ex.train_step(rows(3))
    before = contents(ex)
    with pytest.raises(gpubp.CheckpointError, match=message):
        ex.load_state_dict(spoiled(executor(seed=5).state_dict(), **changes))
    assert contents(ex) == before


def test_a_state_of_another_precision_is_refused() -> None:
    """It could not continue to the bit; `set_parameters` takes the weights over."""
    ex = executor()
    before = contents(ex)
    other = executor(precision="float64", seed=1)
    with pytest.raises(gpubp.CheckpointError, match="float64"):
        ex.load_state_dict(other.state_dict())
    assert contents(ex) == before
    ex.set_parameters(other.parameters)


def test_a_state_of_another_optimizer_is_refused() -> None:
    with pytest.raises(gpubp.CheckpointError, match="only the state has `optimizer"):
        executor(PLAIN.replace("adam(", "sgd(")).load_state_dict(executor().state_dict())


def test_labels_train_in_both_precisions() -> None:
    data = labelled(60)
    for precision in ("float32", "float64"):
        ex = executor(LABELS, precision)
        losses = ex.train_steps(data, steps=100, batch=16)
        assert losses[-20:].mean() < losses[:20].mean()
