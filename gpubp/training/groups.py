"""Runs that differ only in their seed or their fold, as groups: what tells the groups apart, and their statistics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from dsl.records import dataclass

from .listing import Listed

_HASHES = ("model", "loss", "data", "seed")
"""Entries of a run's `net` that tell nothing to a reader, and the seed."""

_FOLD = re.compile(r", fold = (\d+)")
"""In the setting `split` of a run that held out a fold."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs with the same settings, seed and fold aside. `settings`: by name, those that tell it from the others."""

    runs: Sequence[Listed]
    settings: Mapping[str, str]

    @property
    def last(self) -> Mapping[tuple[int, int], Listed]:
        """The last run of each seed and fold, counted from 1; the fold is 0 for a run that is no fold."""
        return {(int(run.about.get("seed", 0)), _fold(run)): run for run in self.runs}

    @property
    def seeds(self) -> Sequence[int]:
        """The seeds, each once."""
        return list(dict.fromkeys(seed for seed, _ in self.last))

    @property
    def folds(self) -> Sequence[int]:
        """The numbers of the folds, each once; empty if the runs are no folds."""
        return list(dict.fromkeys(fold for _, fold in self.last if fold))

    @property
    def figures(self) -> dict[str, list[float]]:
        """The values of each figure that all of `last` have, in their order."""
        runs = list(self.last.values())
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
    """All settings but seed and fold, as text. A run that was moved, or resumed elsewhere, stays in its group."""
    known = {key: about.get(key) for key in ("net", "params", "precision", "epochs", "data")}
    known["net"] = {key: value for key, value in _settings(about).items() if key != "seed"}
    return json.dumps(known, sort_keys=True)


def _settings(about: Mapping[str, Any]) -> dict[str, str]:
    """The settings of `train` and `data`, without the number of the fold."""
    return {key: _FOLD.sub("", value) if key == "split" else value for key, value in _mapping(about, "net").items()}


def _fold(run: Listed) -> int:
    """The number of the fold that a run held out; 0 if it held out none."""
    found = _FOLD.search(_mapping(run.about, "net").get("split", ""))
    return int(found[1]) if found else 0


def _mapping(about: Mapping[str, Any], key: str) -> dict[str, str]:
    value = about.get(key)
    return {str(name): str(one) for name, one in value.items()} if isinstance(value, Mapping) else {}


def _net(run: Listed) -> dict[str, str]:
    return {name: value for name, value in _settings(run.about).items() if name not in _HASHES}


def _differing(settings: Sequence[Mapping[str, str]]) -> list[dict[str, str]] | None:
    """Of each mapping the entries that are not the same in all; None if two mappings are the same."""
    names = dict.fromkeys(name for one in settings for name in one)
    kept = [name for name in names if len({one.get(name) for one in settings}) > 1]
    differing = [{name: one.get(name, "") for name in kept} for one in settings]
    return differing if len({tuple(one.values()) for one in differing}) == len(differing) else None
