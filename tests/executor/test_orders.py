"""The orders of several epochs in one call of a loop over many steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpubp
from gpubp.backends import select
from gpubp.data import shuffled
from gpubp.executor import Ensemble, feeding, updates
from gpubp.executor.feeding import Placed
from gpubp.executor.updates import batch_sizes, steps_in_call
from tests.render.compiled import QUICK, needs_compiler

from .nets import DROPOUT, contents, rows


@given(seed=st.integers(0, 9), epoch=st.integers(0, 9), epochs=st.integers(0, 4), n=st.integers(1, 9))
def test_one_lies_behind_the_other(seed: int, epoch: int, epochs: int, n: int) -> None:
    each = [shuffled(n, seed, epoch + i).tolist() for i in range(epochs)]
    assert shuffled(n, seed, epoch, epochs).reshape(epochs, n).tolist() == each


def test_executors_of_several_threads_may_share_rows() -> None:
    class Seeds(tuple[int, ...]):
        """Another thread asks for other orders while these are compared."""

        __slots__ = ()
        __hash__ = tuple.__hash__

        def __ne__(self, other: object) -> bool:
            orders.of((9,), 0)
            return tuple(self) != other

    orders = feeding.Orders(select("cpu", "numpy"), 50)
    orders.of((3,), 0)
    assert orders.of(Seeds((3,)), 1)[0].tolist() == shuffled(50, 3, 1).tolist()


@given(
    count=st.integers(1, 40),
    batch=st.integers(1, 40),
    step=st.integers(0, 100),
    most=st.integers(1, 100),
    mixed=st.booleans(),
    orders=st.integers(1, 4),
)
def test_a_call_needs_the_orders_of_its_steps_and_no_more(
    count: int, batch: int, step: int, most: int, mixed: bool, orders: int
) -> None:
    per_epoch = -(-count // batch)
    if count % batch and step % per_epoch == per_epoch - 1:
        return  # not a full batch
    steps, epochs = steps_in_call(count, min(batch, count), step, most, mixed=mixed, orders=orders)
    assert 1 <= steps <= most
    last = step + steps - 1
    if mixed or (count % batch and count > batch):
        assert epochs == last // per_epoch - step // per_epoch + 1
    if count % batch and count > batch:
        assert epochs == 1
        assert last % per_epoch != per_epoch - 1, "the last batch is smaller"
    elif not mixed:
        assert steps == most


@needs_compiler
@pytest.mark.parametrize("batch", [4, 5, 6, 20])
@pytest.mark.parametrize("most", [1, 45, 1 << 16])
def test_however_many_there_are_the_bits_are_those_of_single_steps(
    batch: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 rows; with `most` 45 the orders of two epochs, and of one where there are restarts, are made at once."""
    monkeypatch.setattr(updates, "ORDERS", most)
    monkeypatch.setattr(feeding, "MAX_AHEAD", most)
    net, data = gpubp.loads(DROPOUT), rows(20)
    step_by_step = [gpubp.Executor(net, "cpu", seed=seed, backend=QUICK) for seed in (3, 4)]
    together = Ensemble(net, 2, "cpu", seed=3, backend=QUICK)
    at_once = gpubp.Executor(net, "cpu", seed=3, backend=QUICK)
    singles = [np.concatenate([ex.run_steps(ex.place(data), 1, batch)[0] for _ in range(24)]) for ex in step_by_step]
    found = [each.run_steps(each.place(data), steps, batch)[0] for each in (at_once, together) for steps in (7, 17)]
    np.testing.assert_array_equal(np.concatenate(found[:2]), singles[0])
    np.testing.assert_array_equal(np.concatenate(found[2:], axis=1), singles)
    assert contents(at_once) == contents(together.member(0)) == contents(step_by_step[0])
    assert contents(together.member(1)) == contents(step_by_step[1])


@needs_compiler
def test_epochs_of_whole_batches_are_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = Placed.in_memory

    def in_memory(self: Placed, *args: object, **more: bool) -> object:
        asked.append(args[3])
        return original(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Placed, "in_memory", in_memory)
    ex = gpubp.Executor(gpubp.loads(DROPOUT), "cpu", seed=3, backend=QUICK)
    ex.run_steps(ex.place(rows(20)), 40, 5)
    assert asked == [10]
    ex.run_steps(ex.place(rows(20)), 2, 5)
    ex.run_steps(ex.place(rows(20)), 7, 5)
    assert asked == [10, 1, 3]


@needs_compiler
@pytest.mark.parametrize("shuffle", ["true", "false"])
@pytest.mark.parametrize("batch", [4, 7, 20])
def test_rows_may_be_taken_by_the_loop_or_handed_to_the_step(
    batch: int, shuffle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The full batches of an epoch and the smaller last one."""
    net = gpubp.loads(DROPOUT.replace("epochs = 1", f"epochs = 1\n  shuffle = {shuffle}"))
    found = []
    for taken in (True, False):
        if not taken:
            monkeypatch.setattr(Placed, "in_memory", lambda *args, **more: None)
        ex = gpubp.Executor(net, "cpu", seed=3, backend=QUICK)
        found.append((ex.run_steps(ex.place(rows(20)), 13, batch)[0].tolist(), contents(ex)))
    assert found[0] == found[1]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 90), st.integers(0, 90))
def test_sizes_of_batches(count: int, batch: int, step: int, steps: int) -> None:
    full, per_epoch = min(batch, count), -(-count // batch)
    wanted = [min(batch, count - i % per_epoch * batch) for i in range(step, step + steps)]
    assert batch_sizes(count, full, step, steps) == wanted
