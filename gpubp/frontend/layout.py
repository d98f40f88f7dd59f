"""Where each parameter lives: one flat buffer per group of parameters that the optimizer treats alike."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from dsl.records import dataclass


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
    zeros in between. `rate`: their factor of the learning rate; `frozen`: they are not trained."""

    name: str
    parameters: tuple[Parameter, ...]
    decays: bool
    size: int
    rate: float = 1.0
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """All parameters in data-flow order, their groups, and the place (group, start) of each."""

    parameters: Mapping[str, Parameter]
    groups: tuple[Group, ...]
    places: Mapping[str, tuple[Group, int]]


def arrange(
    parameters: Iterable[Parameter],
    *,
    split_decay: bool,
    rates: Mapping[str, float] = MappingProxyType({}),
    frozen: Container[str] = (),
) -> Layout:
    """Group parameters that are updated alike. `split_decay`: the optimizer decays weights, so that they are updated
    apart from biases; `rates`: factors of the learning rate by name, 1 for the others; `frozen`: names of parameters
    that are not trained."""
    known = {p.name: p for p in parameters}
    found: dict[tuple[bool, float, bool], list[Parameter]] = {}
    for p in known.values():
        still = p.name in frozen
        key = (still, 1.0 if still else rates.get(p.name, 1.0), split_decay and p.decays and not still)
        found.setdefault(key, []).append(p)
    groups: list[Group] = []
    used: set[str] = set()
    for still, rate, decays in sorted(found, key=lambda key: (key[0], key[1] != 1.0, key[1], not key[2])):
        members = tuple(found[still, rate, decays])
        name = "frozen" if still else "weights" if decays else "biases" if split_decay else "parameters"
        number = next(n for n in count(1) if (name if n == 1 else f"{name}_{n}") not in used)
        name = name if number == 1 else f"{name}_{number}"
        used.add(name)
        groups.append(Group(name, members, decays, sum(aligned(p.size) for p in members), rate, still))
    places: dict[str, tuple[Group, int]] = {}
    for group in groups:
        start = 0
        for p in group.parameters:
            places[p.name] = (group, start)
            start += aligned(p.size)
    return Layout(known, tuple(groups), places)


def aligned(size: int) -> int:
    """Elements that a parameter of `size` takes up in its flat buffer."""
    return -(-size // ALIGN) * ALIGN
