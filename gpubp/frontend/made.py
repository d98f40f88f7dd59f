"""Programs of nets, each built once; nets that differ in overrides alone share them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from .net import Net
from .programs import Built, Mode, build

_MADE: WeakKeyDictionary[Net, dict[tuple[Mode, int, str], Built]] = WeakKeyDictionary()


def program_of(net: Net, mode: Mode, batch: int, dtype: str) -> Built:
    """What `build` gives, made once for a net."""
    made = _MADE.setdefault(net, {})
    key = mode, batch, dtype
    if key not in made:
        made[key] = build(net, mode, batch, dtype)
    return made[key]


def with_programs(net: Net, other: Net) -> Net:
    """`other`, which differs from `net` in nothing that its programs depend on, with the programs of `net`."""
    _MADE[other] = _MADE.setdefault(net, {})
    return other
