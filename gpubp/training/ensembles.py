"""Deep ensembles: the mean prediction of several runs of one net, and how far they are apart. Lakshminarayanan, Pritzel
& Blundell (2017)."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import Encoder, NewRows, read_table
from ..errors import CheckpointError, InputError
from ..executor import CHUNK, scores
from ..executor.checkpoint import ABOUT
from ..frontend import LOSS, MODEL, Net, identity, tables
from ..wording import listed
from . import history
from .folder import FOLD, FOLDS, SEED, SEEDS, holds_seeds, no_run, saved_runs
from .folds import folds_in
from .loaded import LoadedRun, loaded, net_of
from .prediction import Predictor, warn_of_gaps, with_gaps
from .seeds import seeds_in

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Ensemble:
    """Runs of one net, each perhaps with its own seed, training rows and statistics of these, which predict together.
    Lakshminarayanan, Pritzel & Blundell (2017).

    - `members`: two or more, as `train` or `load_run` returns them, or `ended` of `replicate` and `cross_validate` is
      given them.

    Raises InputError if there are fewer, or they are not of one net, with the same classes and columns.

    >>> net = gpubp.load("models/iris.net")
    >>> ensemble = gpubp.Ensemble(gpubp.train(net, "cpu", seed=seed, epochs=20) for seed in range(3))
    >>> mean, std = ensemble.mean_std([[5.1, 3.5, 1.4, 0.2]])
    >>> mean.shape, std.shape, ensemble.labels(mean)
    ((1, 3), (1, 3), {'species': array(['setosa'], dtype=object)})
    """

    def __init__(self, members: Iterable[Predictor]) -> None:
        if isinstance(members, str | os.PathLike):
            raise InputError(f"the members of an ensemble are runs: `gpubp.load_ensemble({os.fspath(members)!r})`")
        self.members = tuple(members)
        wrong = next((one for one in self.members if not isinstance(one, Predictor)), None)
        if wrong is not None:
            how = "as `gpubp.load_run` returns one"
            raise InputError(f"the members of an ensemble are runs, {how}, and this is of type {type(wrong).__name__}")
        if len(self.members) < 2:
            raise InputError(f"an ensemble has two members or more, not {len(self.members)}")
        for other in self.members[1:]:
            _require_alike(self.members[0], other)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self.members)} runs: {self.net!r}>"

    @property
    def net(self) -> Net:
        """The net of the first member."""
        return self.members[0].net

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The class names of each input and target that has some."""
        return self.members[0].words

    def predict(self, inputs: Any, batch: int = CHUNK) -> Any:
        """The mean of the members' outputs, such as probabilities, for rows of `inputs`: the path of a table, or
        arrays, as for `predict` of a run, `batch` rows at a time. Returns NumPy arrays. Raises InputError, also for
        arrays that each member standardizes by its own training rows: they have no common units; DataError."""
        return self._moments(self._read(inputs, "their outputs are NaN"), batch)[0]

    def mean_std(self, inputs: Any, batch: int = CHUNK) -> tuple[Any, Any]:
        """What `predict` returns for `inputs` and `batch`, and in the same form the sample standard deviation (n - 1)
        over the members."""
        return self._moments(self._read(inputs, "their outputs are NaN"), batch)

    def labels(self, outputs: Any) -> dict[str, NDArray[Any]]:
        """The most probable classes according to the mean `outputs`, as `labels` of a run."""
        return self.members[0].labels(outputs)

    def rows(self, path: str | os.PathLike[str], *, targets: bool, keep: Sequence[str] = ()) -> NewRows:
        """The rows of a table, as `rows` of a run, but before each member's own statistics. Raises DataError."""
        graph, encoders = self.net.graph, self.members[0].columns
        names = [node.name for node in (*graph.inputs, *(graph.targets if targets else ()))]
        return read_table(path, {name: encoders[name].without_statistics() for name in names}, keep)

    def evaluate(self, data: Any, batch: int = CHUNK) -> dict[str, float]:
        """The loss and the metrics of the mean outputs over rows of inputs and targets, as for `evaluate` of a run, of
        which each member computes `batch` at a time. Left out are those that the outputs do not tell, because they
        depend on the weights in another way, such as a loss of a value that is no output, and the penalties. Raises
        InputError or DataError."""
        figures = self.scores(self._read(data, "the metrics are without them", targets=True), batch)
        return {name: value for name, value in figures.items() if name not in tables(self.net.graph)}

    def evaluate_members(self, data: Any, batch: int = CHUNK) -> list[dict[str, float]]:
        """What `evaluate` of each member returns for the same rows, `batch` at a time."""
        rows = self._read(data, "the metrics are without them", targets=True)
        return [member.evaluate(self._given(member, rows), batch) for member in self.members]

    def scores(self, rows: Any, batch: int = CHUNK) -> dict[str, Any]:
        """What `evaluate` returns, with the metrics that are tables, such as `confusion`."""
        first, new = self.members[0], isinstance(rows, NewRows)
        if not new and not isinstance(rows, Mapping):
            raise InputError("inputs and targets are a mapping from names to arrays, or the path of a table")
        arrays = self._given(first, rows)
        inputs = [node.name for node in self.net.graph.inputs]
        given: Any = {name: values for name, values in (rows.arrays if new else rows).items() if name in inputs}
        given = replace(rows, arrays=given, gaps=()) if new else given
        return scores(first.executor, self._moments(given, batch)[0], arrays, batch, self._own, self._shared)

    def _read(self, data: Any, what: str, *, targets: bool = False) -> Any:
        """The rows of a table that is named, or the data itself."""
        if not isinstance(data, str | os.PathLike):
            return data
        rows = self.rows(data, targets=targets)
        warn_of_gaps(rows, data, what, 4)
        return rows

    def _given(self, member: Predictor, rows: Any) -> Any:
        """Rows as a member's net takes them."""
        if not isinstance(rows, NewRows):
            self._require_common_units()
            return rows
        learned = {name: one for name, one in member.columns.items() if one != one.without_statistics()}
        return {name: learned[name].with_statistics(v) if name in learned else v for name, v in rows.arrays.items()}

    def _moments(self, rows: Any, batch: int) -> tuple[Any, Any]:
        """The mean and the deviation, in one pass over the members (Welford 1962): the outputs of all are never in
        memory together."""
        import numpy as np

        mean, squares, dtypes = dict[str, Any](), dict[str, Any](), dict[str, Any]()
        for k, member in enumerate(self.members, 1):
            predicted = member.executor.predict(self._given(member, rows), batch)
            outputs = predicted if isinstance(predicted, Mapping) else {"": predicted}
            for name, array in outputs.items():
                values = member.executor.backend.to_host(array)
                dtypes.setdefault(name, values.dtype)
                step = values - mean.get(name, np.float64(0))
                mean[name] = mean.get(name, 0) + step / k
                squares[name] = squares.get(name, 0) + step * (values - mean[name])
        std = {name: np.sqrt(total / (len(self.members) - 1)) for name, total in squares.items()}
        both = [{name: one[name].astype(dtype) for name, dtype in dtypes.items()} for one in (mean, std)]
        if isinstance(rows, NewRows):
            both = [with_gaps(np, one, rows) for one in both]
        return (both[0][""], both[1][""]) if "" in dtypes else (both[0], both[1])

    @property
    def _own(self) -> set[str]:
        """The inputs of which each member has statistics of its own."""
        known = [{name: _learned(one) for name, one in each.columns.items()} for each in self.members]
        return {name for name in known[0] if any(one[name] != known[0][name] for one in known)}

    @property
    def _shared(self) -> list[str]:
        """The statistics of layers and losses, such as balanced class weights, that are the same in all members."""
        known = [{name: one.executor.arrays()[name].tolist() for name in self.net.buffers} for one in self.members]
        return [name for name in known[0] if all(one[name] == known[0][name] for one in known)]

    def _require_common_units(self) -> None:
        """Raise InputError for arrays where members differ in the statistics that they would be standardized by."""
        units = [{name: (one.mean, one.deviation) for name, one in each.columns.items()} for each in self.members]
        name = next((name for name in units[0] if any(one[name] != units[0][name] for one in units)), None)
        if name is not None:
            raise InputError(
                f"each member standardizes `{name}` by its own training rows, so no array is in the units of all: pass "
                "the path of a table or an array file"
            )


def _require_alike(first: Predictor, other: Predictor) -> None:
    """Raise InputError if two members are not of one net, or do not read a table alike."""
    known, found = identity(first.net), identity(other.net)
    if any(known.get(part) != found.get(part) for part in (MODEL, LOSS)):
        raise InputError(f"{_called(other)} is of another net or loss than {_called(first)}")
    for name, encoder in first.columns.items():
        mine, others = _form(encoder), _form(other.columns[name])
        if mine.vocabulary != others.vocabulary:
            classes, instead = listed(others.vocabulary), listed(mine.vocabulary)
            what = f"`{name}` has the classes {classes} in {_called(other)}, and {instead} in {_called(first)}"
            raise InputError(f"{what}: probabilities of other classes have no mean")
        if mine != others:
            raise InputError(f"{_called(other)} reads `{name}` from a table in another way than {_called(first)}")


def _called(member: Predictor) -> str:
    """The folder of a run, where it has one."""
    folder = getattr(member, "path", None) or getattr(member, "folder", None)
    return "one run" if folder is None else f"`{folder}`"


def _form(encoder: Encoder) -> Encoder:
    """How rows are read, but for statistics, and for columns of the table that are not used."""
    return replace(encoder.without_statistics(), file=replace(encoder.file, known=(), delimiter=""))


def _learned(encoder: Encoder) -> tuple[object, ...]:
    """The statistics of the training rows."""
    return encoder.mean, encoder.deviation, [field.fill for field in encoder.fields]


def load_ensemble(path: str | os.PathLike[str], device: str = "auto") -> Ensemble:
    """Load the runs in the folder of `gpubp run --seeds` or `--folds`, or of `replicate` or `cross_validate`, as an
    ensemble; or those of several processes, in subfolders called `seed-0`, `seed-1` and so on. The members only
    predict: the state of their optimizers is not loaded. A warning names those that are left out, because they diverged
    or are not finished.

    - `device`: as of Executor.

    Returns an Ensemble. Raises CheckpointError if the folder holds no two finished runs, and what `load_run` and
    `Ensemble` raise.
    """
    found, left_out = open_ensemble(Path(path), device)
    if left_out:
        warnings.warn(left_out, stacklevel=2)
    return found


def open_ensemble(place: Path, device: str) -> tuple[Ensemble, str]:
    """The ensemble, and which of its runs are left out and why, in words; "" for none."""
    saved = saved_runs(place)
    if not saved:
        why = "it is one run, which `gpubp.load_run` loads" if (place / ABOUT).exists() else no_run(place, SEEDS)
        raise CheckpointError(f"`{place}` is no ensemble: {why if place.exists() else 'no such file or directory'}")
    finished = [one for one in saved if history.conclusion(history.records(one))]
    left_out = _left_out(place, [one.name for one in finished])
    if len(finished) < 2:
        said = [f"its one finished run is `{finished[0]}`"] * bool(finished) + [left_out] * bool(left_out)
        raise CheckpointError(f"`{place}` is no ensemble yet: {'; '.join(said)}")
    members: list[LoadedRun] = []
    for run in finished:
        members.append(loaded(run, device, members[0] if members else None, to_predict=True))
    return Ensemble(members), left_out


def _left_out(place: Path, finished: Sequence[str]) -> str:
    """Which runs of a study are not finished, and why, in words; "" for none."""
    kind = SEED if holds_seeds(place) else FOLD
    first, count = seeds_in(place) if kind == SEED else (1, folds_in(net_of(saved_runs(place)[0])))
    try:
        diverged = json.loads((place / (SEEDS if kind == SEED else FOLDS)).read_text("utf-8")).get("diverged", {})
    except (OSError, ValueError, AttributeError):
        diverged = {}
    missing = [k for k in range(first, first + count) if f"{kind}-{k}" not in finished]
    lost, waiting = ([k for k in missing if (str(k) in diverged) is wanted] for wanted in (True, False))
    said = [f"{_numbers(kind, lost)} diverged"] * bool(lost)
    if waiting:
        are = "is" if len(waiting) == 1 else "are"
        said.append(f"{_numbers(kind, waiting)} {are} not finished (`gpubp run --resume {place}` goes on)")
    return "; ".join(said)


def _numbers(kind: str, numbers: Sequence[int]) -> str:
    """`seed 1`, `seeds 1, 3`, or `seeds 1 to 3`."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{kind}s {numbers[0]} to {numbers[-1]}"
    return f"{kind}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
