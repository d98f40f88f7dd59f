"""The checkpoint of restarts none of which is chosen yet: the states of all, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..executor import Executor
from ..executor.checkpoint import BESTS, NOW, UNDECIDED, Saved, part_of
from .best import Sums
from .restarts import Epoch, Race

_LOG = "epochs."
"""What the names of figures of (epochs, restarts) begin with."""


def undecided(race: Race, metadata: Mapping[str, Any]) -> Saved:
    """The state of all restarts, between two pieces of an EpochLoop."""
    import numpy as np

    ensemble, log, kept, member = race.ensemble, race.log, sorted(race.kept), race.ensemble.member(0)
    figures = [*log[0].figures[0]] if log else []
    state = _stacked(NOW, member, map(ensemble.state, range(ensemble.count)))
    state |= _stacked(BESTS, member, (race.kept[k] for k in kept))
    if log:
        state[f"{_LOG}losses"] = np.stack([epoch.losses for epoch in log])
        state[f"{_LOG}penalties"] = np.stack([epoch.penalties for epoch in log])
        for name in figures:
            state[f"{_LOG}{name}"] = np.array([[one[name] for one in epoch.figures] for epoch in log])
    known = {
        "leader": race.leading(range(ensemble.count)),
        "seeds": ensemble.seeds,
        "ended": [(restart.epochs, restart.stopped) for restart in race.restarts],
        "diverged": [*ensemble.diverged.items()],
        "lost": [*race.lost.items()],
        "epochs": [(epoch.number, epoch.step) for epoch in log],
        "figures": figures,
        "sums": [race.sums_of(k).state() for k in range(ensemble.count)],
        "bests": [None if best is None else best.state() for best in race.bests],
        "kept": kept,
    }
    return Saved(state, {**metadata, UNDECIDED: known})


def resume_race(race: Race, saved: Saved) -> None:
    """Continue with what `undecided` returned. Raises CheckpointError if it is of another net."""
    import numpy as np

    ensemble, about, state = race.ensemble, saved.about[UNDECIDED], saved.state
    member = ensemble.member(0)
    for k in range(ensemble.count):
        member.load_state_dict(part_of(state, NOW, k))
        ensemble.adopt(k, member.arrays())
    for index, k in enumerate(about["kept"]):
        member.load_state_dict(part_of(state, BESTS, index))
        race.kept[k] = {name: member.xp.array(array) for name, array in member.arrays().items()}
    ensemble.diverged.update((k, why) for k, why in about["diverged"])
    race.lost.update((k, step) for k, step in about["lost"])
    for k, (epochs, stopped) in enumerate(about["ended"]):
        race.restarts[k].epochs, race.restarts[k].stopped = epochs, stopped
        if stopped or k in ensemble.diverged:
            ensemble.stop(k)
        if (best := race.bests[k]) is not None:
            best.resume(about["bests"][k], None)
    sums = [Sums(**one) for one in about["sums"]]
    race.sums, race.examples = np.array([one.loss for one in sums]), sums[0].examples
    for i, (number, step) in enumerate(about["epochs"]):
        figures = [
            {name: float(state[f"{_LOG}{name}"][i, k]) for name in about["figures"]} for k in range(ensemble.count)
        ]
        race.log.append(Epoch(number, step, state[f"{_LOG}losses"][i], state[f"{_LOG}penalties"][i], figures))


def _stacked(prefix: str, member: Executor, states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The states of several restarts, as programs take them, by parameter; `member`: any one of them."""
    import numpy as np

    found: list[dict[str, Any]] = []
    for arrays in states:
        member.adopt(arrays)
        found.append(member.state_dict())
    return {f"{prefix}{name}": np.stack([one[name] for one in found]) for name in (found[0] if found else ())}
