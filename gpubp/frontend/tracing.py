"""The tracing of a net, for its programs."""

from __future__ import annotations

from typing import Literal, get_args

from dsl.graph import LayerGraph, Node

from .. import ops
from ..ir import Var, origin
from .loss import data_and_penalties
from .lowering import Lowering
from .net import Net
from .states import SEED, STEP, States, accumulated

Mode = Literal["predict", "measure", "gradients", "train", "fit"]
MODES: tuple[Mode, ...] = get_args(Mode)


def lowering(
    net: Net, mode: Mode, batch: int, dtype: str, fit: object | None = None, states: States | None = None
) -> tuple[Lowering, States]:
    """The tracing context for the nodes of a net, and the states that they require: those given, or new ones."""
    states = states or States(net.layout, dtype, _averaged(net.graph, mode))
    cx = Lowering(
        net.graph,
        batch,
        dtype,
        trains=mode in ("gradients", "train"),
        add_parameter=states.parameter,
        add_buffer=states.buffer,
        seed=states.int64(SEED),
        step=states.int64(STEP),
        fit=fit if isinstance(fit, Node) else None,
        frozen=net.frozen,
    )
    return cx, states


def losses(graph: LayerGraph, cx: Lowering) -> dict[str, Var]:
    """Trace the loss: the mean over the batch (`data`), the penalties (`penalty`) and their sum (`loss`)."""
    assert graph.train is not None
    cx.run(graph.train.nodes)
    data, penalties = data_and_penalties(graph, cx)
    with origin("the loss: the mean over the batch"):
        loss = ops.mean(data, (0,))
    return {"data": loss, "penalty": penalties, "loss": loss + penalties}


def _averaged(graph: LayerGraph, mode: Mode) -> int:
    """The number of batches after which a program uses the averaged parameters; 0: never."""
    if mode not in ("predict", "measure") or graph.train is None or graph.train.options.get("average") is None:
        return 0
    return accumulated(graph.train)
