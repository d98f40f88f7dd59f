"""Loading a saved run: its net and weights, its history, and predictions for new data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..data import Encoder, from_json
from ..errors import CheckpointError, NetError
from ..executor import Executor
from ..executor.checkpoint import ABOUT
from ..executor.run_states import result_of
from ..frontend import MAIN, MODEL, Net, changed_parts, identity, load, share_programs
from ..paths import base_of
from . import history
from .folder import folder_of, no_run
from .prediction import Predictor


@dataclass(frozen=True, eq=False, repr=False)
class LoadedRun(Predictor):
    """A run loaded from disk. It has `net`, `predict`, `evaluate`, `labels`, `words` and `rows` as a Run.

    - `executor`: holds the run's result: the best state if its early stopping restores it, else the last.
    - `history`, `metrics`: those of the training, as of a Run.
    - `path`: its folder; `about`: the checkpoint's metadata.
    """

    path: Path
    executor: Executor
    history: list[dict[str, float]]
    metrics: dict[str, float]
    about: Mapping[str, Any]
    columns: Mapping[str, Encoder]

    def __repr__(self) -> str:
        return f"<LoadedRun {self.path}: {self.net!r}, step {self.executor.step:,}>"


def net_of(place: Path) -> Net:
    """The net of a run, or of a checkpoint in its folder. Raises CheckpointError if there is no run, NetError."""
    folder = folder_of(place)
    if not (folder / MAIN).is_file():
        why = no_run(place, MAIN) if place.is_dir() else "it is a file in no run's folder"
        raise CheckpointError(f"`{place}` is not a run: {why if place.exists() else 'no such file or directory'}")
    about = history.about(folder) if (folder / ABOUT).is_file() else {}
    try:
        net = load(folder / MAIN)
    except NetError as error:
        how = "the run was trained with one that is not gpubp's: import its module first, or install its package"
        found = [replace(one, help=(how,)) if one.code == "E0208" else one for one in error.diagnostics]
        raise NetError(found) from error.__cause__
    params = about.get("params")
    given = {str(name): str(value) for name, value in params.items()} if isinstance(params, Mapping) else {}
    # Data paths are relative to the same folder as in training; the file's params have the values that were given.
    return replace(net, base=base_of(folder, about), param_overrides=given)


def asked_of(place: Path) -> tuple[str, str]:
    """The requested device and backend of a run, or of a checkpoint in its folder."""
    folder = folder_of(place)
    asked = history.about(folder).get("asked") if (folder / ABOUT).is_file() else None
    asked = asked if isinstance(asked, Mapping) else {}
    return str(asked.get("device", "auto")), str(asked.get("backend", "auto"))


def load_run(path: str | os.PathLike[str], device: str = "auto") -> LoadedRun:
    """Load a run's folder, or one checkpoint in it.

    - `device`: as of Executor.

    Returns a LoadedRun. Raises CheckpointError if it is incomplete, corrupt or of another model, NetError if its net
    uses names that this installation does not have, DeviceError.

    >>> net = gpubp.load("models/iris.net")
    >>> run = gpubp.train(net, "cpu", out=folder / "iris", epochs=5)
    >>> again = gpubp.load_run(folder / "iris", "cpu")
    >>> again.metrics == run.metrics
    True
    >>> again.labels(again.predict({"sizes": [[5.1, 3.5, 1.4, 0.2]]}))
    {'species': array(['setosa'], dtype=object)}
    """
    return loaded(Path(path), device)


def loaded(place: Path, device: str, like: LoadedRun | None = None, *, to_predict: bool = False) -> LoadedRun:
    """The same; `to_predict`: without the state of the optimizer. If the net differs from that of the run `like` in
    data, seed and split alone, they share the device and compiled programs."""
    net, saved = net_of(place), result_of(place)
    folder = folder_of(place)
    if MODEL in changed_parts(saved.about.get("net", {}), net):
        raise CheckpointError(
            f"`{folder / MAIN}` and the weights in its folder are of different models: one of them has changed since "
            "the training, or it was that of another version of gpubp. To train another model from these weights: "
            f'`start = load("{place}")` in `train`'
        )
    programs = None
    if like is not None and _programs(net) == _programs(like.net):
        net, programs = share_programs(like.net, net), like.executor.programs
    precision, seed = saved.about.get("precision"), saved.about.get("seed")
    executor = Executor(net, device, precision, seed, programs=programs, start=False)
    (executor.load_to_predict if to_predict else executor.load_state_dict)(saved.state)
    records = history.records(folder)
    return LoadedRun(
        folder,
        executor,
        history.of_epochs(records),
        history.conclusion(records).get("metrics", {}),
        saved.about,
        from_json(saved.about.get("columns", {})),
    )


def _programs(net: Net) -> dict[str, str]:
    """What the programs of a net depend on."""
    return {part: text for part, text in identity(net).items() if part not in ("data", "split", "seed")}
