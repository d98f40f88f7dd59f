"""What a step costs, as `check` shows it."""

from __future__ import annotations

from dsl.graph import Node

from ..frontend import Mode, Net, build_plan
from ..passes import cost
from ..wording import counted


def layers_and_costs(net: Net, rows: int | None) -> tuple[str, str]:
    """The table of layers with their operations, and what is said of the work and the memory of a step; `rows`: those
    of the data, where a batch may be larger."""
    batch = net.batch_size(rows)
    batch = batch if rows is None else max(min(batch, rows), 1)
    mode: Mode = "predict" if net.graph.train is None else "train"
    _, plan = build_plan(net, mode, batch, net.dtype)
    costs = cost(plan)
    layers = {node: count // batch for node, count in costs.by_origin.items() if isinstance(node, Node)}
    what = f"{'a training step' if mode == 'train' else 'a prediction'} of {counted(batch, 'row')}"
    steps = f"{counted(len(plan.steps), 'equation')} in {counted(len(plan.fusions), 'kernel')}"
    restarts = int(net.option("restarts", 1))
    times = f"; {restarts:,} restarts take {_scaled(costs.memory * restarts, 1024, 'B')}" if restarts > 1 else ""
    state = "parameters, gradients, optimizer state" if mode == "train" else "parameters"
    kept, values, memory, traffic = (
        _scaled(number, 1024, "B")
        for number in (costs.states, costs.constants + costs.arena, costs.memory, costs.traffic)
    )
    return net.summary(layers), (
        f"{what}: {steps}, {_scaled(costs.flops, 1000, 'FLOP')}, {traffic} read and written\n"
        f"memory, {net.dtype}: {memory} = {kept} of {state} + {values} of values{times}"
    )


def _scaled(number: float, base: int, unit: str) -> str:
    """A number with its prefix: 12.3 KiB, 4.56 MFLOP."""
    for prefix in ("", "k", "M", "G", "T"):
        if number < base or prefix == "T":
            break
        number /= base
    named = f"{prefix.upper()}i{unit}" if base == 1024 and prefix else f"{prefix}{unit}"
    return f"{number:.0f} {named}" if not prefix or number >= 100 else f"{number:.3g} {named}"
