"""The optimizer's update of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..executor import Executor
from ..frontend import EPOCH_STEPS, RATE_SCALE, TOTAL_STEPS, build, gradient_name, plateau_of
from .formulas import Notation, one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A parameter before and after an update, and likewise its optimizer state by name: `velocity`, `m`, `v`."""

    parameter: str
    before: NDArray[Any]
    after: NDArray[Any]
    kept: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]


def changes(executor: Executor, batch: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a step on a batch makes of every trained parameter; the executor stays as it is. Raises DivergedError where
    a gradient is not finite."""
    import numpy as np

    place, seed = executor.backend.place, executor.seed
    copy = Executor(executor.net, place, executor.dtype, seed, "numpy" if place == "cpu" else "auto", start=False)
    copy.adopt(executor.arrays())
    if not executor.counters.get(EPOCH_STEPS, 1.0):
        # Schedules depend on the length of the training: if it is unknown, an epoch is this batch.
        epochs = float(executor.net.option("epochs") or 1)
        copy.set_counters({EPOCH_STEPS: 1.0, TOTAL_STEPS: executor.counters.get(TOTAL_STEPS) or epochs})
    first = copy.state_dict()
    copy.train_step(batch)
    after = copy.state_dict()
    before = {name: first.get(name, np.zeros_like(array)) for name, array in after.items()}
    frozen = {p.name for group in executor.net.layout.groups if group.frozen for p in group.parameters}
    return tuple(
        Change(name, before[name], after[name], {key: (before[at], after[at]) for key, at in _kept(after, name)})
        for name in copy.parameters
        if name not in frozen
    )


def _kept(state: Mapping[str, Any], parameter: str) -> Iterator[tuple[str, str]]:
    """The optimizer state of a parameter: names in formulas, and in the state dict."""
    for name in state:
        kind = name.removeprefix("optimizer.").removesuffix(f".{parameter}")
        if "." not in kind and name == f"optimizer.{kind}.{parameter}":
            yield kind, name


def update_formulas(executor: Executor, rows: int) -> tuple[str, ...]:
    """How a step changes a parameter w with the gradient g, as the training program computes it; a prime marks the new
    value of what is kept from step to step. Groups of parameters with a rate or a decay of their own differ in these
    alone; the first group is told."""
    net = executor.net
    group = next((one for one in net.layout.groups if not one.frozen), None)
    if group is None:
        return ()
    built = build(net, "train", rows, executor.dtype, passes=False)
    results = dict(zip(built.outputs, built.program.outputs, strict=True))
    gradients = {results[gradient_name(one)]: f"g of {one.name}" for one in net.layout.groups if not one.frozen}
    gradients[results[gradient_name(group)]] = "g"
    kept = {state: _short(state.hint, group.name) for state, _ in built.program.updates}
    own = {state: name for state, name in kept.items() if name}
    new = {value: f"{own[state]}'" for state, value in built.program.updates if state in own}
    renamed = [f"{new.pop(value)} = {name}" for value, name in gradients.items() if value in new]
    # Omit a factor that is 1 and that only the host could change.
    scale_is_one = plateau_of(net.graph) is None and executor.counters[RATE_SCALE] == 1
    scale = {v: "1" for v in built.program.inputs if scale_is_one and v.hint == RATE_SCALE}
    notation = Notation(built.program, {**built.notation, **scale, **own, **gradients, **new})
    ordered = sorted(new, key=lambda value: new[value] == "w'")
    return (*renamed, *(line for value in ordered for one in notation.formulas(value) for line in one_line(one)))


def _short(state: str, group: str) -> str:
    """What a group's own state, or one that all share, is called: w for the parameters; "" for another group's."""
    if state == group:
        return "w"
    if state.startswith("optimizer."):
        return state.removeprefix("optimizer.")
    return state.removesuffix(f".{group}") if state.endswith(f".{group}") else ""
