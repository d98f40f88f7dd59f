"""Runs that differ only in their seed, as groups: what tells the groups apart, and statistics over the seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from dsl.records import dataclass

from .listing import Listed

_HASHES = ("model", "loss", "data", "seed")
"""Entries of a run's `net` that tell nothing to a reader, and the seed."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs with the same settings. `settings`: by name, those that tell this group from the others."""

    runs: Sequence[Listed]
    settings: Mapping[str, str]

    @property
    def seeds(self) -> dict[int, Listed]:
        """The last run of each seed."""
        return {int(run.about.get("seed", 0)): run for run in self.runs}

    @property
    def figures(self) -> dict[str, list[float]]:
        """The values of each figure that all of `seeds` have, in their order."""
        runs = list(self.seeds.values())
        return {
            name: [run.figures[name] for run in runs]
            for name in runs[0].figures
            if all(name in run.figures for run in runs)
        }


def groups(runs: Iterable[Listed]) -> list[Group]:
    """The groups of the runs, in the order of their first runs. They are told apart by their files and the params that
    the command line gave; where that does not suffice, by the settings of `train` and `data`, and at last by the folder
    of the first run."""
    found: dict[str, list[Listed]] = {}
    for run in runs:
        found.setdefault(_settings_text(run.about), []).append(run)
    firsts = [many[0] for many in found.values()]
    given = [{"file": run.name, **_mapping(run.about, "params")} for run in firsts]
    more = [{**own, **_net(run)} for own, run in zip(given, firsts, strict=True)]
    last = [{**own, "run": run.path.name} for own, run in zip(given, firsts, strict=True)]
    settings = next(told for told in map(_differing, (given, more, last)) if told is not None)
    return [Group(many, own) for many, own in zip(found.values(), settings, strict=True)]


def mean_std(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and the standard deviation with n - 1; None for that of one value."""
    return fmean(values), stdev(values) if len(values) > 1 else None


def _settings_text(about: Mapping[str, Any]) -> str:
    """All settings but the seed, as text. A run that was moved, or resumed elsewhere, stays in its group."""
    known = {key: about.get(key) for key in ("net", "params", "precision", "epochs", "data")}
    known["net"] = {key: value for key, value in _mapping(about, "net").items() if key != "seed"}
    return json.dumps(known, sort_keys=True)


def _mapping(about: Mapping[str, Any], key: str) -> dict[str, str]:
    value = about.get(key)
    return {str(name): str(one) for name, one in value.items()} if isinstance(value, Mapping) else {}


def _net(run: Listed) -> dict[str, str]:
    return {name: value for name, value in _mapping(run.about, "net").items() if name not in _HASHES}


def _differing(settings: Sequence[Mapping[str, str]]) -> list[dict[str, str]] | None:
    """Of each mapping the entries that are not the same in all; None if two mappings are the same."""
    names = dict.fromkeys(name for one in settings for name in one)
    kept = [name for name in names if len({one.get(name) for one in settings}) > 1]
    told = [{name: one.get(name, "") for name in kept} for one in settings]
    return told if len({tuple(one.values()) for one in told}) == len(told) else None
