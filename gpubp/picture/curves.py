"""The figures of runs over their epochs: what `plot` and `report` draw."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data import PARTS
from ..errors import GpubpError
from ..frontend import Net, rates
from ..training import Listed, listed, net_of, run_records
from .panel import Curve, Panel
from .seed_groups import groups_by_seed, mean_curves

RATE = "learning rate"


def panels(paths: Sequence[Path], wanted: Iterable[str] = ()) -> list[Panel]:
    """A panel for the loss, for each metric, for nonzero penalties and for a learning rate that changes; runs that
    differ only by seed are one curve (see `groups_by_seed`). `wanted`: the titles of the panels to keep (all, if none),
    that of a constant rate included. Raises GpubpError if a run cannot be read, has no epoch yet, or has nothing
    wanted."""
    runs = dict(zip(_names(paths), map(listed, paths), strict=True))
    panels_by_title: dict[str, list[Curve]] = {}
    for name, run in runs.items():
        path = run.path
        records = [record for record in run_records(path) if _is_number(record.get("epoch"))]
        drawn = [one for one in (*_figures(records), *_rate(net_of(path), run, records)) if one[2]]
        if not drawn:
            raise GpubpError(f"`{path}` has no epoch to plot yet")
        for title, part, points in drawn:
            panels_by_title.setdefault(title, []).append(Curve(name, part, points))
    for penalty in [title for title, curves in panels_by_title.items() if "penalty" in title]:
        if not any(y for curve in panels_by_title[penalty] for _, y in curve.points):
            del panels_by_title[penalty]
    rate = panels_by_title.pop(RATE, None)
    if rate:
        panels_by_title[RATE] = rate
    for title in (chosen := list(wanted)):
        if title not in panels_by_title:
            raise GpubpError(
                f"there is no figure `{title}`; there are {', '.join(f'`{one}`' for one in panels_by_title)}"
            )
    if rate and not chosen and all(len({y for _, y in curve.points}) == 1 for curve in rate):
        del panels_by_title[RATE]
    group = groups_by_seed(runs)
    kept = {title: curves for title, curves in panels_by_title.items() if not chosen or title in chosen}
    return [Panel(title, tuple(mean_curves(curves, group))) for title, curves in kept.items()]


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the runs apart."""
    parts = [Path(os.path.realpath(path)).parts for path in paths]
    depth = 1
    while len({one[-depth:] for one in parts}) < len(set(parts)):
        depth += 1
    return ["/".join(one[-depth:]) for one in parts]


def _figures(records: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, str, tuple[tuple[float, float], ...]]]:
    keys = dict.fromkeys(key for record in records for key in record if key.partition(".")[0] in PARTS)
    for key in keys:
        part, _, title = key.partition(".")
        points = tuple((float(r["epoch"]), float(r[key])) for r in records if _is_number(r.get(key)))
        if title:
            yield title, part, points


def _rate(
    net: Net, run: Listed, records: Sequence[Mapping[str, Any]]
) -> Iterable[tuple[str, str, tuple[tuple[float, float], ...]]]:
    """The rate of the last update of each epoch."""
    with_steps = [record for record in records if _is_number(record.get("step")) and record["step"] >= 1]
    steps, rows = run.about.get("steps"), run.about.get("rows")
    count = rows.get("train") if isinstance(rows, Mapping) else None
    if not (with_steps and isinstance(steps, int) and isinstance(count, int)):
        return
    epoch = -(-count // net.batch_size(count))
    found = rates(net, [int(record["step"]) - 1 for record in with_steps], epoch, steps, with_steps)
    if found is not None:
        yield RATE, "", tuple((float(r["epoch"]), y) for r, y in zip(with_steps, found) if math.isfinite(y))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
