"""Where each parameter lives: one flat buffer per group of parameters that the optimizer treats alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A trained array: its full name, shape, role and the value of its `init` option. `place`: the node that owns it,
    for messages."""

    name: str
    shape: tuple[int, ...]
    role: str
    init: Any
    place: Any = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def decays(self) -> bool:
        """Weight decay and penalties speak of weights and tables; biases and gains are left alone."""
        return self.role in ("weight", "table")


@dataclass(frozen=True, slots=True)
class Buffer:
    """State that is saved and not trained, filled with `value` at first. `fitted`: gathered from the data by the node
    `place`."""

    name: str
    shape: tuple[int, ...]
    value: float
    dtype: str
    place: Any = None


ALIGN = 16
"""Every parameter begins at a multiple of so many elements in its flat buffer (64 bytes of float32): a vector register
or a 16-byte load of a GPU never crosses into its neighbour."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Parameters that share a flat buffer, one behind the other, and one update. `size` counts the elements with the
    zeros in between."""

    name: str
    parameters: tuple[Parameter, ...]
    decays: bool
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """All parameters in data-flow order, their groups, and the place (group, start) of each."""

    parameters: Mapping[str, Parameter]
    groups: tuple[Group, ...]
    places: Mapping[str, tuple[Group, int]]


def arrange(parameters: Iterable[Parameter], *, split_decay: bool) -> Layout:
    """Group parameters; `split_decay`: the optimizer decays weights, so that they are updated apart from biases."""
    known = {p.name: p for p in parameters}
    groups: list[Group] = []
    if split_decay:
        for name, decays in (("weights", True), ("biases", False)):
            members = tuple(p for p in known.values() if p.decays is decays)
            if members:
                groups.append(_group(name, members, decays))
    elif known:
        groups.append(_group("parameters", tuple(known.values()), False))
    places: dict[str, tuple[Group, int]] = {}
    for group in groups:
        start = 0
        for p in group.parameters:
            places[p.name] = (group, start)
            start += aligned(p.size)
    return Layout(known, tuple(groups), places)


def _group(name: str, members: tuple[Parameter, ...], decays: bool) -> Group:
    return Group(name, members, decays, sum(aligned(p.size) for p in members))


def aligned(size: int) -> int:
    """Elements that a parameter of `size` takes up in its flat buffer."""
    return -(-size // ALIGN) * ALIGN
