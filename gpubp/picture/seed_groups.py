"""Runs that differ by seed or fold alone, as one: what their curves have in common, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from ..training import Group, Listed, groups
from ..wording import counted
from .panel import Curve

FEWEST = 3
"""Minimum runs of a group; two runs are drawn separately."""


def groups_by_seed(runs: Mapping[str, Listed]) -> dict[str, str]:
    """The group of each run, by the runs' names, where at least FEWEST of them differ by seed or fold alone: a group
    is named by the settings that tell it from the others, and how many seeds and folds it has."""
    names = {id(run): name for name, run in runs.items()}
    return {
        names[id(run)]: f"{_label(group)}, {_members(group)}"
        for group in groups(runs.values())
        if len(group.runs) >= FEWEST
        for run in group.runs
    }


def _members(group: Group) -> str:
    seeds, folds = counted(len(group.seeds), "seed"), counted(len(group.folds), "fold")
    return seeds if not group.folds else folds if len(group.seeds) == 1 else f"{seeds}, {folds}"


def _label(group: Group) -> str:
    """The settings of a group; if it is the only one, its params, or its file."""
    first = group.runs[0]
    settings = group.settings or first.about.get("params") or {"file": first.name}
    words = (one.removesuffix(".net") if key == "file" else f"{key}={one}" for key, one in settings.items() if one)
    return " ".join(words)


def mean_curves(curves: Iterable[Curve], group: Mapping[str, str]) -> list[Curve]:
    """The curves, those of one group and one part as their mean by epoch, between the least and the largest. An epoch
    that only some runs came to has the mean of these."""
    found: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        found.setdefault((group.get(curve.run, curve.run), curve.part), []).append(curve)
    return [_mean(name, many) if many[0].run in group else many[0] for (name, _), many in found.items()]


def _mean(name: str, many: Sequence[Curve]) -> Curve:
    at: dict[float, list[float]] = {}
    for curve in many:
        for x, y in curve.points:
            at.setdefault(x, []).append(y)
    epochs = sorted(at)
    return replace(
        many[0],
        run=name,
        points=tuple((x, fmean(at[x])) for x in epochs),
        spread=tuple((min(at[x]), max(at[x])) for x in epochs),
    )
