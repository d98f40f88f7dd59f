"""Programs of nets, each built once; nets that differ in overrides alone share them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from .net import Net
from .programs import Built, build
from .tracing import Mode

_CACHE: WeakKeyDictionary[Net, dict[tuple[Mode, int, str], Built]] = WeakKeyDictionary()


def program_of(net: Net, mode: Mode, batch: int, dtype: str) -> Built:
    """What `build` returns, built once for each net and key."""
    programs = _CACHE.setdefault(net, {})
    key = mode, batch, dtype
    if key not in programs:
        programs[key] = build(net, mode, batch, dtype)
    return programs[key]


def share_programs(net: Net, other: Net) -> Net:
    """`other` with the programs of `net`, from which it must differ in nothing that programs depend on."""
    _CACHE[other] = _CACHE.setdefault(net, {})
    return other
