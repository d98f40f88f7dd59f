"""What placed rows change: statistics, and the state by many updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DivergedError
from ..frontend import SEED, STEP, fed_to_fit
from .feeding import Rows
from .guard import require_finite_losses
from .machine import Machine
from .state import State

ORDERS = 1 << 20
"""Maximum number of row indices for the permutations of several epochs."""


def fit_statistics(machine: Machine, state: State, placed: Rows, most: int) -> None:
    """Compute the statistics of layers such as `standardize`, `most` rows at a time."""
    state.forget_statistics()
    for node in state.net.fitted:
        wanted = len(fed_to_fit(state.net, [node]))
        for arrays in placed.pieces(most):
            machine.run("fit", len(arrays[0]), arrays[:wanted], node)
        state.keep_given()  # before the next layer, which may build on them
    state.fitted = True


def run_updates(
    machine: Machine,
    state: State,
    placed: Rows,
    steps: int,
    batch: int,
    check: Callable[[Mapping[str, Any]], None],
) -> tuple[Any, Any, list[int]]:
    """`steps` updates: the data losses, the penalties, and the rows of each batch. `check` inspects the results of a
    step. A step that stops a loop is run again by itself, so that there are results to inspect."""
    count = len(placed)
    per_epoch = -(-count // batch)
    state.set_horizon(per_epoch)
    full = min(batch, count)
    whole = machine.compiled("train", full)
    state.require_horizon(whole.built)
    mixed = bool(state.net.option("shuffle", True)) and count > batch  # shuffling does not matter for a full batch
    seed = int(state.arrays[SEED]) if mixed else 0  # reading it synchronises with the GPU
    losses, penalties = machine.backend.xp.empty((2, steps), dtype=state.dtype)
    sizes: list[int] = []
    at = first = int(state.arrays[STEP])
    stopped = False
    with machine.backend.products(whole.costs.largest_product):
        while at < first + steps:
            start = (at % per_epoch) * batch
            stop = min(start + batch, count)
            done = None if stopped else _many(machine, placed, (seed,), at, first + steps - at, full, mixed=mixed)
            if done is not None:
                wanted, loop = done
                made = loop([a[at - first :][:wanted] for a in (losses, penalties)])
                sizes += batch_sizes(count, full, at, made)
                at, stopped = at + made, made < wanted
                continue
            bound = machine.bound("train", stop - start, step=at)
            placed.fill(bound.feeds, seed, at // per_epoch, start, stop, mixed=mixed)
            bound.step()
            try:
                check(bound.outputs)
            except DivergedError:
                # A loss may overflow before its gradient does. The error is that of the first step that went wrong,
                # however the steps are divided among calls.
                host = machine.backend.to_host
                require_finite_losses(host(losses[: at - first]), host(penalties[: at - first]), first)
                raise
            losses[at - first] = bound.outputs["data"]
            penalties[at - first] = bound.outputs["penalty"]
            sizes.append(stop - start)
            at, stopped = at + 1, False
    return losses, penalties, sizes


def batch_sizes(count: int, batch: int, step: int, steps: int) -> list[int]:
    """The rows of each of so many batches from `step` on; `count` rows, at least those of a batch. Lists are multiplied
    since a compiled step of a tiny net takes no longer than an element of a comprehension."""
    sizes, rest = [batch] * steps, count % batch
    if rest:
        per_epoch = count // batch + 1
        for last in range((per_epoch - 1 - step) % per_epoch, steps, per_epoch):
            sizes[last] = rest
    return sizes


def _many(
    machine: Machine, placed: Rows, seeds: tuple[int, ...], step: int, most: int, batch: int, *, mixed: bool
) -> tuple[int, Callable[[list[Any]], int]] | None:
    """How many steps from `step` on, at most `most`, one call runs, and that call, of the arrays for their results;
    None if no loop runs the first of them. It includes smaller batches that end an epoch, where their loop can be part
    of it."""
    count = len(placed)
    whole, number = count // batch, step % -(-count // batch)
    bound, ending = machine.bound("train", batch, step=step), None
    if (loop := bound.many) is None:
        return None
    if count % batch and number + most > whole:
        ending = machine.bound("train", count % batch, step=step).many
        ending = ending if ending is not None and loop.takes(ending) else None
    if number == whole and ending is None:
        return None
    through = ending is not None or not count % batch
    wanted, epochs = steps_in_call(count, batch, step, min(most, bound.most), mixed=mixed, through=through)
    taken = placed.in_memory(bound.feeds, seeds, step // -(-count // batch), epochs, mixed=mixed)
    return None if taken is None else (wanted, lambda results: loop(*taken, batch, number, wanted, results, ending))


def steps_in_call(
    count: int, batch: int, step: int, most: int, *, mixed: bool, orders: int = 1, through: bool = False
) -> tuple[int, int]:
    """How many steps from `step` on, at most `most`, one call may run on batches of `count` rows, and the number of
    epochs whose permutations it needs, of at most `orders`; 1 without shuffling. A smaller last batch of an epoch ends
    the call, unless it goes `through`."""
    per_epoch = -(-count // batch)
    at = step % per_epoch
    if count % batch and not through:
        return min(most, count // batch - at), 1
    if not mixed:
        return most, 1
    epochs = min(-(-(at + most) // per_epoch), max(1, ORDERS // (count * orders)))
    return min(most, epochs * per_epoch - at), epochs
