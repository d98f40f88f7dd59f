"""Many updates on placed rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..frontend import SEED, STEP
from .feeding import Rows
from .machine import Machine
from .state import State

ORDERS = 1 << 16
"""Maximum number of row indices for the permutations of several epochs."""


def updates(
    machine: Machine,
    state: State,
    placed: Rows,
    steps: int,
    batch: int,
    check: Callable[[Mapping[str, Any]], None],
) -> tuple[Any, Any, list[int]]:
    """`steps` updates: the data losses, the penalties, and the rows of each batch. `check` inspects the results after
    each call of the program."""
    count = len(placed)
    per_epoch = -(-count // batch)
    state.expect(per_epoch)
    full = min(batch, count)
    whole = machine.compiled("train", full)
    state.require_horizon(whole.built)
    mixed = bool(state.net.option("shuffle", True)) and count > batch  # shuffling does not matter for a full batch
    seed = int(state.arrays[SEED]) if mixed else 0  # reading it synchronises with the GPU
    losses, penalties = machine.backend.xp.empty((2, steps), dtype=state.dtype)
    sizes: list[int] = []
    at = first = int(state.arrays[STEP])
    with machine.backend.products(whole.costs.largest_product):
        while at < first + steps:
            start = (at % per_epoch) * batch
            stop = min(start + batch, count)
            bound = machine.bound("train", stop - start, step=at)
            if bound.many is not None:
                most, wanted, epochs = min(first + steps - at, bound.most), 1, 1
                if stop - start == full:
                    wanted, epochs = following(count, full, at, most, mixed=mixed)
                taken = placed.in_memory(bound.feeds, (seed,), at // per_epoch, epochs, mixed=mixed)
                if taken is not None:
                    rows, order = taken
                    batches, number = epochs * per_epoch, at % per_epoch
                    if stop - start < full:  # its rows as an epoch of one batch
                        rows = [array[start:] for array in rows] if order is None else rows
                        order, batches, number = None if order is None else order[:, start:], 1, 0
                    kept = [a[at - first :][:wanted] for a in (losses, penalties)]
                    at += bound.many(rows, order, batches, number, wanted, kept)
                    check(bound.outputs)
                    sizes += [stop - start] * wanted
                    continue
            placed.fill(bound.feeds, seed, at // per_epoch, start, stop, mixed=mixed)
            bound.step()
            check(bound.outputs)
            losses[at - first] = bound.outputs["data"]
            penalties[at - first] = bound.outputs["penalty"]
            sizes.append(stop - start)
            at += 1
    return losses, penalties, sizes


def following(count: int, batch: int, step: int, most: int, *, mixed: bool, orders: int = 1) -> tuple[int, int]:
    """How many steps from `step` on, at most `most`, one call may run on full batches of `count` rows, and the number
    of epochs whose permutations it needs, of at most `orders`; 1 without shuffling. A smaller last batch of an epoch
    ends the call."""
    per_epoch = -(-count // batch)
    at = step % per_epoch
    if count % batch:
        return min(most, count // batch - at), 1
    if not mixed:
        return most, 1
    epochs = min(-(-(at + most) // per_epoch), max(1, ORDERS // (count * orders)))
    return min(most, epochs * per_epoch - at), epochs
