"""Epochs that end with a smaller batch: one call does several of them, by blocks and by graphs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.errors import DivergedError
from gpubp.executor.ensemble import Ensemble
from tests.executor.nets import DROPOUT, PLAIN, rows

from .conftest import Use
from .double import HostDevice
from .host import needs_host
from .test_block import same

pytestmark = needs_host
COUNT, BATCH = 22, 5
UNMIXED = PLAIN.replace("optimizer", "shuffle = false\n  optimizer")


def executor(text: str) -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(text), "gpu", "float64", 3)


def everything(ex: gpubp.Executor, losses: Iterator[Any]) -> dict[str, Any]:
    return {**ex.state_dict(), "losses": np.concatenate([ex.backend.to_host(found) for found in losses])}


@pytest.mark.parametrize("text", [UNMIXED, DROPOUT], ids=["as they stand", "mixed"])
@pytest.mark.parametrize("calls", [(17,), (3, 14), (4, 1, 12), (5, 5, 7)], ids=str)
def test_the_bits_of_single_steps(text: str, calls: tuple[int, ...], use: Use, way: str) -> None:
    """Four batches of 5 rows and one of 2; calls that begin and end anywhere among them."""
    device, found = use(), []
    for steps in (calls, (1,) * 17):
        ex = executor(text)
        placed = ex.place(rows(COUNT))
        found.append(everything(ex, (ex.run_steps(placed, n, BATCH)[0] for n in steps)))
    assert way in device.log
    assert same(*found)


@pytest.mark.parametrize("text", [UNMIXED, DROPOUT], ids=["as they stand", "mixed"])
@pytest.mark.parametrize("calls", [(17,), (4, 1, 12), (5, 5, 7)], ids=str)
def test_restarts_have_the_bits_of_single_steps(text: str, calls: tuple[int, ...], use: Use, way: str) -> None:
    """Three of them, the second of which diverges in the smaller batch of the first epoch."""
    device, found = use(), []
    for steps in (calls, (1,) * 17):
        together = Ensemble(gpubp.loads(text), 3, "gpu", "float64", 3)
        placed = together.place(rows(COUNT))
        together.run_steps(placed, 4, BATCH)
        together.arrays["parameters"][1] = 1e200
        losses = [together.backend.to_host(together.run_steps(placed, n, BATCH)[0]) for n in steps]
        states = {f"{k} {name}": a for k in range(3) for name, a in together.member(k).state_dict().items()}
        found.append({**states, "losses": np.concatenate(losses, axis=1)[::2]})
        assert [*together.diverged] == [1]
        assert together.steps_done() == [21, 4, 21]
    assert ("restarts_block" in device.log) == (way == "train_block")
    assert same(*found)


def test_restarts_wait_once(use: Use, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, real = list[Any](), Ensemble._stop_diverged
    monkeypatch.setattr(Ensemble, "_stop_diverged", lambda *given: waits.append(given) or real(*given))
    device, together = use(), Ensemble(gpubp.loads(DROPOUT), 3, "gpu", "float64", 3)
    placed = together.place(rows(COUNT))
    together.run_steps(placed, 10, BATCH)
    device.log.clear()
    waits.clear()
    *_, sizes = together.run_steps(placed, 50, BATCH)
    assert sizes == [5, 5, 5, 5, 2] * 10
    assert len(waits) == device.log.count("write") == 1
    assert way == "replay" or device.log.count("replay") <= 10


def test_the_host_waits_once(use: Use, way: str) -> None:
    device, ex = use(), executor(UNMIXED)
    placed = ex.place(rows(COUNT))
    ex.run_steps(placed, 10, BATCH)
    device.log.clear()
    _, _, sizes = ex.run_steps(placed, 50, BATCH)
    assert sizes == [5, 5, 5, 5, 2] * 10
    assert device.log.count("read") == 1
    assert way == "replay" or device.log.count("replay") <= 10


def test_a_block_for_the_smaller_batch_alone(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where whole batches take more memory than a block has, both are graphs."""
    wanted, data = None, rows(COUNT)
    for room in (0, 4352):
        monkeypatch.setattr(HostDevice, "room", room)
        device, ex = use(), executor(UNMIXED)
        found = everything(ex, iter([ex.run_steps(ex.place(data), 12, 20)[0]]))
        assert "train_block" not in device.log
        wanted = wanted or found
    assert ex._machine.native("train", 2)[0].block is not None  # type: ignore[index]
    assert ex._machine.native("train", 20)[0].block is None  # type: ignore[index]
    assert same(wanted, found)


def diverging(device: HostDevice, at: int, steps: int) -> tuple[str, dict[str, Any]]:
    """An epoch, and three more in which row `at` is no number: what is said, and the state then."""
    ex, said = executor(UNMIXED), ""
    placed = ex.place(rows(COUNT))
    ex.run_steps(placed, 5, BATCH)
    placed.arrays[0][at] = np.nan  # a number that no data can hold
    try:
        for _ in range(0, 15, steps):
            ex.run_steps(placed, steps, BATCH)
    except DivergedError as error:
        said = str(error)
    return said, ex.state_dict()


@pytest.mark.parametrize("at", [0, 12, 19, 21])
def test_what_is_behind_a_step_that_is_stopped_changes_nothing(at: int, use: Use, way: str) -> None:
    at_once, one_by_one = (diverging(use(), at, steps) for steps in (15, 1))
    assert at_once[0] == one_by_one[0]
    assert "holds NaN at step" in at_once[0]
    assert same(at_once[1], one_by_one[1])
    assert way


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        return re.sub(old, new, text)

    return change


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r" \| \(\(\(const int64_t \*\)tables\[\d+\]\)\[4\] != 0\)|if \(control\[4\]\) return;", ""),
        (r"control\[4\] = 1;", ""),
    ],
)
@pytest.mark.usefixtures("graphs")
def test_steps_that_go_on_behind_one_that_is_stopped_are_found(old: str, new: str, use: Use) -> None:
    right, wrong = (diverging(use(change=change), 12, 15) for change in (str, replaced(old, new)))
    assert right[0] != wrong[0] or not same(right[1], wrong[1])


@pytest.mark.parametrize(
    ("old", "new"), [(r"if \(fit < stop - s\) stop = s \+ fit;", ""), (r"2 \* net \+ 1\] = first", "2 * net + 1] += 5")]
)
def test_blocks_that_do_not_share_the_epoch_are_found(old: str, new: str, use: Use) -> None:
    """Other results; or, where what lies behind the rows is no number, the host does the step again by itself."""
    found, logs = [], []
    for change in (str, replaced(old, new)):
        device = use(change=change)
        ex = executor(UNMIXED)
        found.append(everything(ex, iter([ex.run_steps(ex.place(rows(COUNT)), 15, BATCH)[0]])))
        logs.append([*device.log])
    assert not same(*found) or logs[0] != logs[1]
