"""Runs that differ by their seed alone, as one: what their curves have in common, and how far they are apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from ..training import Listed
from .panel import Curve

FEWEST = 3
"""Runs of one group; two are drawn one beside the other."""


def gathered(runs: Mapping[str, Listed]) -> dict[str, str]:
    """The group of each run, by the runs' names, where at least FEWEST of them differ by the seed alone: a group is
    named by the params that tell it from the others, and how many seeds it has."""
    groups: dict[str, list[str]] = {}
    for name, run in runs.items():
        groups.setdefault(_but_the_seed(run.about), []).append(name)
    firsts = {key: runs[names[0]] for key, names in groups.items()}
    labels = dict(zip(firsts, _labels(list(firsts.values())), strict=True))
    return {
        name: f"{labels[key]}, {len(names)} seeds"
        for key, names in groups.items()
        if len(names) >= FEWEST
        for name in names
    }


def together(curves: Iterable[Curve], group: Mapping[str, str]) -> list[Curve]:
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


def _but_the_seed(about: Mapping[str, Any]) -> str:
    """All that was set, as text. A run that was moved, or went on elsewhere, is still one of its group."""
    known = {key: about.get(key) for key in ("net", "params", "precision", "epochs", "data")}
    net = known["net"]
    known["net"] = {key: value for key, value in net.items() if key != "seed"} if isinstance(net, Mapping) else net
    return json.dumps(known, sort_keys=True)


def _labels(runs: Sequence[Listed]) -> list[str]:
    """What tells the runs apart: the params that the command line gave, or else their files, or their folders."""
    words = [[f"{name}={value}" for name, value in (run.about.get("params") or {}).items()] for run in runs]
    shared = set(words[0]).intersection(*words[1:]) if len(runs) > 1 else set()
    told = [" ".join(word for word in own if word not in shared) for own in words]
    files = [run.name.removesuffix(".net") for run in runs]
    for labels in (told, files, [f"{file} {own}".rstrip() for file, own in zip(files, told)]):
        if all(labels) and len(set(labels)) == len(runs):
            return labels
    return [run.path.name for run in runs]
