"""The memory layout of parameters: one flat buffer per group of parameters with the same optimizer settings."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
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
        """Weight decay and penalties apply to weights and tables, not to biases and gains."""
        return self.role in ("weight", "table")


@dataclass(frozen=True, slots=True)
class Buffer:
    """State that is saved but not trained, initialised to `value`. `fitted`: computed from the data by the node
    `place`."""

    name: str
    shape: tuple[int, ...]
    value: float
    dtype: str
    place: Any = None


ALIGN = 16
"""Alignment of parameters in their flat buffer, in elements (64 bytes of float32): a vector register or a 16-byte load
of a GPU never crosses into the next parameter. Optimizers with a matrix of all pairs of parameters have padding only at
the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Parameters that share a flat buffer and one update. `size` is the number of elements including padding. `rate`:
    their learning-rate multiplier; `frozen`: they are not trained; `align`: the alignment of each, in elements."""

    name: str
    parameters: tuple[Parameter, ...]
    decays: bool
    size: int
    rate: float = 1.0
    frozen: bool = False
    align: int = ALIGN

    def places(self) -> Iterator[tuple[Parameter, int, int]]:
        """Each parameter, where it begins, and where the next one does or the buffer ends."""
        start = 0
        for k, p in enumerate(self.parameters, 1):
            end = start + aligned(p.size, self.align) if k < len(self.parameters) else self.size
            yield p, start, end
            start = end


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
    align: int = ALIGN,
) -> Layout:
    """Group parameters by optimizer settings. `split_decay`: the optimizer decays weights, so they are updated
    separately from biases; `rates`: learning-rate multipliers by name, default 1; `frozen`: names of parameters that
    are not trained; `align`: see Group."""
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
        size = aligned(sum(aligned(p.size, align) for p in members), ALIGN)
        groups.append(Group(name, members, decays, size, rate, still, align))
    places = {p.name: (group, start) for group in groups for p, start, _ in group.places()}
    return Layout(known, tuple(groups), places)


def aligned(size: int, align: int) -> int:
    """The size rounded up to a multiple of `align`."""
    return -(-size // align) * align
