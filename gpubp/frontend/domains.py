"""Domains of params, to sample from: `in [8, 16]`, `in 1..4`, `in log(1e-4, 1e-1)`."""

from __future__ import annotations

import math

from dsl.graph import Choice
from dsl.records import dataclass

from .identity import format_value
from .net import Net

MAX_LISTED = 1000
"""An integer range of at most this size is converted to a list."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of one param: the values of a list, or the numbers from `first` to `last`, uniform or with `log`
    log-uniform; `whole`: integers only."""

    values: tuple[str, ...] = ()
    first: float = 0.0
    last: float = 0.0
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> str:
        """The value at a quantile from 0 to 1 (exclusive)."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        if self.whole:
            return str(int(self.first) + int(share * (int(self.last) - int(self.first) + 1)))
        if self.log:
            low, high = math.log(self.first), math.log(self.last)
            return self.near(math.exp(low + share * (high - low)))
        return self.near(self.first + share * (self.last - self.first))

    def near(self, number: float) -> str:
        """The representative of a number in a range."""
        if self.whole:
            return str(int(number))
        # Four digits distinguish trials, and are short enough for a command line.
        return repr(min(max(float(f"{number:.4g}"), self.first), self.last))


def domains(net: Net) -> dict[str, Domain]:
    """The domain of every param that declares one and is not overridden, in file order."""
    found = {}
    for name, param in net.graph.params.items():
        domain = param.domain
        if name in net.param_overrides or domain is None:
            continue
        if isinstance(domain, Choice):
            first, last = (float(domain.options[key]) for key in ("first", "last"))  # type: ignore[arg-type]
            found[name] = Domain(first=first, last=last, log=True)
        elif isinstance(domain, tuple) and len(domain) == 3 and domain[0] == "..":
            found[name] = _range(domain[1], domain[2])
        elif isinstance(domain, tuple):
            found[name] = Domain(tuple(dict.fromkeys(map(format_value, domain))))
    return found


def _range(first: object, last: object) -> Domain:
    assert isinstance(first, int | float)
    assert isinstance(last, int | float)
    if not (isinstance(first, int) and isinstance(last, int)):
        return Domain(first=float(first), last=float(last))
    if last - first < MAX_LISTED:
        return Domain(tuple(str(number) for number in range(first, last + 1)))
    return Domain(first=first, last=last, whole=True)
