"""Many updates on placed rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..frontend import STEP
from .feeding import Rows
from .machine import Machine
from .state import State


def updates(
    machine: Machine,
    state: State,
    placed: Rows,
    steps: int,
    batch: int,
    seed: int,
    check: Callable[[Mapping[str, Any]], None],
) -> tuple[Any, Any, list[int]]:
    """`steps` updates: the data losses, the penalties, and the rows of each batch. `check` looks at the results after
    each call of the program."""
    count = len(placed)
    per_epoch = -(-count // batch)
    state.expect(per_epoch)
    full = min(batch, count)
    whole = machine.compiled("train", full)
    state.require_horizon(whole.built)
    mixed = bool(state.net.option("shuffle", True)) and count > batch  # one batch is the same in any order
    losses, penalties = machine.backend.xp.empty((2, steps), dtype=state.dtype)
    sizes: list[int] = []
    at = first = int(state.arrays[STEP])
    with machine.backend.products(whole.costs.largest_product):
        while at < first + steps:
            start = (at % per_epoch) * batch
            stop = min(start + batch, count)
            bound = machine.bound("train", stop - start, step=at)
            if bound.many is not None and stop - start == full:
                taken = placed.in_memory(bound.feeds, (seed,), at // per_epoch, mixed=mixed)
                if taken is not None:
                    # As many full batches as follow each other in this order of the rows.
                    following = (count - start) // full if mixed or count % full else steps
                    wanted = min(following, first + steps - at, bound.most)
                    kept = [a[at - first :][:wanted] for a in (losses, penalties)]
                    at += bound.many(*taken, per_epoch, at, wanted, kept)
                    check(bound.outputs)
                    sizes += [full] * wanted
                    continue
            placed.fill(bound.feeds, seed, at // per_epoch, start, stop, mixed=mixed)
            bound.step()
            check(bound.outputs)
            losses[at - first] = bound.outputs["data"]
            penalties[at - first] = bound.outputs["penalty"]
            sizes.append(stop - start)
            at += 1
    return losses, penalties, sizes
