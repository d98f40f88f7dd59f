"""Search over the params of a file: every trial is a training of its own, and what it gave is a line in a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, field
from itertools import islice
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..data import load as load_data
from ..errors import CheckpointError, GpubpError, reason
from ..executor.checkpoint import write
from ..frontend import Net, changed_parts, domains, identity, load_set, watch_of, with_fold
from ..paths import base_of, recorded, relative
from ..strict_json import has_types
from .environment import data_hashes, different
from .folder import SEARCH, cannot_save, free_folder, lock, source_name
from .jobs import processes
from .run import Progress
from .sweeps import Candidate, grouped, in_turn
from .tpe import learned, require_optuna
from .trial_file import TRIALS, append, read_trials
from .trials import RANDOM, TPE, Task, Trial, combinations, method_of, settings

_SAVED = {
    **dict.fromkeys(("file", "base", "method"), str),
    **dict.fromkeys(("seed", "trials"), int),
    **dict.fromkeys(("given", "net", "data", "space"), dict),
    **dict.fromkeys(("epochs", "folds", "seeds"), int | None),
}
"""What a search writes about itself."""


@dataclass(slots=True)
class Search:
    """A search in progress or done. `figure`: what is looked at, `rising`: whether more of it is better; `trials`: how
    many there are to be; `done`: those that are, as they ended."""

    net: Net
    folder: Path
    file: str
    figure: str
    rising: bool
    method: str
    seed: int
    trials: int
    settings: dict[str, Any]
    done: list[Trial] = field(default_factory=list)

    def ranked(self) -> list[Trial]:
        """The trials, the best first, those that failed last."""
        return sorted(self.done, key=self._place)

    def _place(self, trial: Trial) -> tuple[float, int]:
        value = math.inf if trial.value is None else -trial.value if self.rising else trial.value
        return value, trial.number

    @property
    def best(self) -> Trial | None:
        """The best trial, if any did not fail."""
        ranked = self.ranked()
        return ranked[0] if ranked and ranked[0].value is not None else None


def begin_search(
    file: str,
    given: Mapping[str, str],
    *,
    trials: int,
    method: str = RANDOM,
    seed: int = 0,
    epochs: int | None = None,
    folds: int | None = None,
    seeds: int | None = None,
    out: Path | None = None,
) -> Search:
    """A new search over the params of `file` that declare a domain and are not `given`. Nothing is written yet.
    `method`: `random` or `tpe`, where there are more combinations than trials; `folds`: each trial is a
    cross-validation, or with `seeds` so many trainings, judged by the mean. Raises NetError for a file that is wrong,
    and GpubpError where there is nothing to search or to judge by, or the method's package is not there."""
    if method == TPE:
        require_optuna()
    if (Path(file) / SEARCH).is_file():
        raise GpubpError(f"`{file}` is the folder of a search, not a `.net` file: `--resume {file}` continues it")
    net = load_set(file, given)
    watch = _check(net, epochs, folds)
    space = domains(net)
    method = method_of(space, trials, method)
    folder = out or free_folder("search-", net, [method, seed, trials, epochs, folds, seeds])
    if (folder / SEARCH).exists():
        raise CheckpointError(
            f"`{folder}` already contains a search: `--resume {folder}` continues, or name another folder"
        )
    known = {"given": dict(given), "epochs": epochs, "folds": folds, "seeds": seeds, **_experiment(net)}
    count = int(min(trials, combinations(space)))
    return Search(net, folder, file, *watch, method, seed, count, known)


def resume_search(folder: Path, trials: int | None = None) -> Search:
    """The search that was saved in `folder`, to `trials` in all, or the last that is done. Raises CheckpointError
    where there is none, or its file or data are not what they were, and NetError."""
    try:
        known = json.loads((folder / SEARCH).read_text("utf-8"))
        if not (has_types(known, _SAVED) and 0 <= known["seed"] < 1 << 64 and known["trials"] > 0):
            raise ValueError
        if known.get("folds") is not None and known["folds"] < 2:
            raise ValueError
    except OSError as error:
        raise CheckpointError(
            f"`{folder}` contains no search: cannot read `{folder / SEARCH}`: {reason(error)}"
        ) from None
    except (ValueError, RecursionError):
        raise CheckpointError(f"`{folder / SEARCH}` is damaged: it is not what a search wrote") from None
    if known["method"] == TPE:
        require_optuna()
    options = {key: known.get(key) for key in ("given", "epochs", "folds", "seeds", "net", "data", "space")}
    path = str(relative(base_of(folder, known) / Path(known["file"]).name))
    net = load_set(path, {name: str(value) for name, value in known["given"].items()})
    watch = _check(net, options["epochs"], options["folds"])
    now = _experiment(net)
    wrong = changed_parts(known["net"], net)
    wrong += [key for part in ("data", "space") for key in different(known[part], now[part])]
    if wrong:
        raise CheckpointError(f"`{path}` has changed since `{folder}` began: `{wrong[0]}` is not what it was")
    done = read_trials(folder / TRIALS, domains(net))[0]
    most = int(min(trials or known["trials"], combinations(domains(net))))
    count = max(most, max((one.number for one in done), default=0))
    return Search(net, folder, path, *watch, known["method"], known["seed"], count, options, done)


def _experiment(net: Net) -> dict[str, dict[str, Any]]:
    """What may not change while a search is interrupted, as it is read back from JSON."""
    space = {name: {**asdict(domain), "values": [*domain.values]} for name, domain in domains(net).items()}
    return {"net": identity(net), "data": data_hashes(net), "space": space}


def _check(net: Net, epochs: int | None, folds: int | None) -> tuple[str, bool]:
    """The figure to look at, and whether more of it is better. Raises GpubpError where the file has none that rows held
    back give, or no param to search over, DataError where its rows cannot be divided into so many folds."""
    net.require_training(epochs)
    name = source_name(net)
    if not domains(net):
        raise GpubpError(
            f"`{name}` declares no param to search over: `param width = 16 in [8, 16, 32]`, or `param lr = 1e-2 in "
            "log(1e-4, 1e-1)`"
        )
    divided = net if folds is None else with_fold(net, 1, folds)
    parts = load_data(divided.graph, net.base, int(net.option("seed", 0))).parts
    if "valid" not in parts:
        help = "`split = split(valid = 20%)` in `data` does; `--folds 5` holds out all in turn"
        raise GpubpError(f"`{name}` holds no rows back to judge trials by: {help}")
    watch = watch_of(net, parts)
    assert watch is not None
    return watch.figure, watch.rising


def check_jobs(device: str, jobs: int) -> None:
    """Raises GpubpError where so many trials cannot be made at a time."""
    if jobs > 1 and device not in ("auto", "cpu"):
        raise GpubpError(f"several trials at a time are made on the CPU, not on `{device}`")


def run_search(
    search: Search,
    device: str,
    callback: Callable[[Trial], None] | None = None,
    *,
    jobs: int = 1,
    begun: Callable[[Sequence[int]], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stopping: Callable[[], bool] | None = None,
) -> bool:
    """Make the trials that are left, and write each one that is done; False where `stopping` ended it before. Those
    whose nets differ in numbers alone are trained side by side, as one program, and are written when the last of them
    is done: `begun` is told the numbers of those that begin together. With `jobs` so many processes are at work at a
    time, on the CPU, and none tells its `progress`.

    Raises SaveError, and what no trial can do anything about: DeviceError, DataError.
    """
    known: dict[str, Any] = {
        "file": search.file,
        **recorded(Path(search.file).parent, search.folder),
        "figure": search.figure,
    }
    known |= {"method": search.method, "seed": search.seed, "trials": search.trials, **search.settings}
    try:
        search.folder.mkdir(parents=True, exist_ok=True)
        held = lock(search.folder)
    except OSError as error:
        raise CheckpointError(cannot_save(search.folder, error)) from None
    with held:
        write(search.folder / SEARCH, (json.dumps(known, indent=2) + "\n").encode())
        search.done, whole = read_trials(search.folder / TRIALS, domains(search.net))
        append(search.folder / TRIALS, "", whole)
        # Closed here: its processes end now, not when somebody forgets them.
        with closing(_left(search, device, min(jobs, search.trials), begun, progress, stopping)) as found:
            for trial in found:
                if trial is None:
                    break
                search.done.append(trial)
                append(search.folder / TRIALS, json.dumps(asdict(trial)) + "\n")
                if callback is not None:
                    callback(trial)
        return len(search.done) == search.trials


def _left(
    search: Search,
    device: str,
    jobs: int,
    begun: Callable[[Sequence[int]], None] | None,
    progress: Callable[[Progress], None] | None,
    stopping: Callable[[], bool] | None,
) -> Generator[Trial | None]:
    """The trials that are left, as they end; finally None if `stopping` returned True."""
    made = {trial.number for trial in search.done}
    asked = {key: search.settings[key] for key in ("given", "epochs", "folds", "seeds")}
    task = Task(search.file, figure=search.figure, **asked)

    def groups(some: Sequence[tuple[int, dict[str, str]]]) -> Iterator[list[Candidate]]:
        left = [one for one in some if one[0] not in made]
        most = -(-len(left) // jobs)  # so that every process has its share
        return _announced(grouped(task, left, "cpu" if jobs > 1 else device, most, stopping), begun)

    rounds = map(groups, _rounds(search))
    if jobs > 1:
        return processes(task, rounds, jobs, stopping)
    return in_turn(task, rounds, device, progress, stopping)


def _rounds(search: Search) -> Iterable[Sequence[tuple[int, dict[str, str]]]]:
    """The numbers and params of all trials; those of a round do not depend on each other's results."""
    space = domains(search.net)
    if search.method == TPE:
        return learned(space, search.seed, search.done, search.trials, rising=search.rising)
    return [[*enumerate(islice(settings(space, search.method, search.seed), search.trials), 1)]]


def _announced(
    several: Iterable[list[Candidate]], begun: Callable[[Sequence[int]], None] | None
) -> Iterator[list[Candidate]]:
    """The same groups; `begun` is called with the numbers of each when it is taken."""
    for group in several:
        if begun is not None:
            begun([one.number for one in group])
        yield group
