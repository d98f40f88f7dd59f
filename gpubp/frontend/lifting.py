"""Nets that differ in numbers alone: how to recognise them, and their programs as one with these numbers as states."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from dsl.graph import Node, ancestors

from ..ir import verify
from ..transforms import Column, lift, outline
from .identity import LOSS, MODEL, format_value, identity
from .net import Net
from .program_cache import program_of
from .programs import Built

FREE = frozenset({MODEL, LOSS, "optimizer", "schedule", "clip", "average", "rates", "early_stop"})
"""Parts of `identity` that need not be equal: they are compared as programs, or handled for each net."""


class UnlikeError(Exception):
    """Nets that differ in more than numbers, or are not computed to the same bits together as alone."""


def sweep_key(net: Net) -> Hashable:
    """A key that is equal for nets that train on the same rows in the same way, with programs that differ in numbers
    alone."""
    train = net.graph.train
    assert train is not None
    types = tuple(f"{node.name}: {node.type}" for node in (*net.graph.inputs, *net.graph.targets))
    places = tuple((name, group.name, start) for name, (group, start) in net.layout.places.items())
    metrics = tuple((name, *_options(node)) for name, node in train.metrics)
    rest = tuple(sorted((key, text) for key, text in identity(net).items() if key not in FREE))
    program = program_of(net, "train", net.batch_size(), net.dtype).program
    return types, places, metrics, rest, statistics_key(net), outline(program)


def statistics_key(net: Net) -> tuple[str, ...]:
    """What the statistics that layers gather from the data depend on, beside the data."""
    return tuple(" ".join(_options(node)) for fitted in net.fitted for node in ancestors(fitted))


def _options(node: Node) -> tuple[str, ...]:
    return node.kind, *(f"{k} = {v.name if isinstance(v, Node) else format_value(v)}" for k, v in node.attrs.items())


def lift_programs(programs: Sequence[Built], names: dict[Column, str]) -> Built:
    """The program of the first net, in which each number that differs between the nets is a scalar state; `names`: as
    in `lift`. Raises UnlikeError."""
    first = programs[0]
    if len({(outline(one.program), one.feeds, one.states, one.outputs) for one in programs}) > 1:
        raise UnlikeError
    program = verify(lift([one.program for one in programs], names))
    numbers = program.inputs[len(first.program.inputs) :]
    return replace(first, program=program, states=(*first.states, *(v.hint for v in numbers)))
