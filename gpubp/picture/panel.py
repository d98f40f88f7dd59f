"""Curves of runs that share their axes."""

from __future__ import annotations

from dsl.records import dataclass

EPOCH = "epoch"
WIDE = 100.0
"""The ratio of largest to smallest value from which on the vertical axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure of one part of the data ("" for the learning rate), of one run, by epoch; all numbers are finite. Of
    several runs the points are their means, and `spread` has the least and the largest for each."""

    run: str
    part: str
    points: tuple[tuple[float, float], ...]
    spread: tuple[tuple[float, float], ...] = ()

    @property
    def values(self) -> list[float]:
        """All values drawn: those of the points, then of the spread."""
        return [y for _, y in self.points] + [y for ends in self.spread for y in ends]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves that share their axes. `over`: what the horizontal axis shows, epochs or another number, which is on a
    logarithmic scale. `by_powers`: the vertical axis is logarithmic."""

    title: str
    curves: tuple[Curve, ...]
    over: str = EPOCH

    @property
    def by_powers(self) -> bool:
        values = [y for curve in self.curves for y in curve.values]
        return min(values) > 0 and max(values) >= WIDE * min(values)

    def description(self) -> list[str]:
        """A line for each curve: its first and last value, its minimum and maximum."""
        return [_describe(curve, self.over) for curve in self.curves]


def _describe(curve: Curve, over: str) -> str:
    (first, begin), (last, end) = curve.points[0], curve.points[-1]
    values = curve.values
    name = f"{curve.run}, {curve.part}" if curve.part else curve.run
    if len(curve.points) == 1:
        return f"{name}: {end:.4g} at {over} {last:g}"
    ends = f"{begin:.4g} at {over} {first:g}, {end:.4g} at {over} {last:g}"
    means = "means " if curve.spread else ""
    return f"{name}: {means}{ends}; least {min(values):.4g}, most {max(values):.4g}"
