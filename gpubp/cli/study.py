"""`run FILE --folds K` and `run FILE --seeds N`: one training for each fold of the rows, or for each seed, and the mean
of what they came to."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from weakref import WeakSet

from ..errors import CheckpointError
from ..frontend import Net
from ..health import Finding
from ..strict_json import dumps
from ..training import (
    FOLD,
    SEED,
    CrossValidation,
    Fold,
    Replicate,
    Replication,
    Run,
    asked_of,
    cross_validate,
    default_folder,
    folds_in,
    holds_folds,
    holds_seeds,
    net_of,
    replicate,
    saved_runs,
    seeds_in,
)
from ..wording import counted
from .arguments import with_compiler
from .color import say
from .interrupt import Interrupt
from .live import Live
from .messages import advise, headline, warn_of
from .nets import open_net, warn
from .quoting import quoted
from .streams import print_error
from .table import confusion

_WIDTH = 10
"""Of a number in the table, at least: `-1.234e-05`."""
_NUMBER = re.compile(r"\d[\d,]*")
_CALLED = {FOLD: "cross-validation", SEED: "replication"}


def asked(arguments: argparse.Namespace) -> str | None:
    """Whether `run` is to train once for each fold or each seed: FOLD, SEED, or None. Refuses arguments that do not go
    together."""
    resumed = None if arguments.resume is None else Path(arguments.resume)
    folds, seeds = resumed is not None and holds_folds(resumed), resumed is not None and holds_seeds(resumed)
    if arguments.fold is not None and (arguments.folds is None or arguments.fold > arguments.folds):
        of = "`--folds` says of how many" if arguments.folds is None else f"there are {arguments.folds}"
        arguments.refuse(f"`--fold {arguments.fold}`: {of}")
    if arguments.seeds is not None and arguments.folds is not None:
        arguments.refuse("`--seeds` and `--folds` are two studies: leave one of them out")
    if arguments.file is None and arguments.folds is not None:
        arguments.refuse("`--folds` needs the .net file: what is resumed keeps its folds")
    if arguments.file is None and arguments.seeds is not None and not seeds:
        arguments.refuse("`--seeds` needs the .net file, or the folder of several seeds to go on with")
    if folds and arguments.file is not None and arguments.folds is None:
        arguments.refuse(f"`{resumed}` is a cross-validation: leave FILE out, or say `--folds` too")
    if seeds and arguments.file is not None and arguments.seeds is None:
        arguments.refuse(f"`{resumed}` holds several seeds: leave FILE out, or say `--seeds` too")
    every_fold = folds or (arguments.folds is not None and arguments.fold is None)
    kind = SEED if seeds or arguments.seeds is not None else FOLD if every_fold else None
    for option, given in (("--out", arguments.out is not None), ("--no-save", arguments.no_save)):
        if given and (folds or seeds):
            arguments.refuse(f"`{option}` cannot be given: a {_CALLED[kind or FOLD]} continues in its own folder")
    if kind is not None and arguments.profile:
        which = "say which with `--fold`" if kind == FOLD else "leave `--seeds` out"
        arguments.refuse(f"`--profile` looks at one training: {which}")
    return kind


def work(arguments: argparse.Namespace, kind: str) -> int:
    """Train and print; raises GpubpError."""
    place, resumed = arguments.out, None if arguments.resume is None else Path(arguments.resume)
    net, (device, backend) = _net(arguments, resumed)
    first, count = _seeds(arguments, net, resumed) if kind == SEED else (None, arguments.folds or folds_in(net))
    if place is None and resumed is None and not arguments.no_save:
        place = default_folder(net, arguments.seed, arguments.precision, arguments.epochs, (kind, count))
    show = _Show(arguments, net, kind, count, first)
    train: Callable[..., CrossValidation | Replication] = cross_validate if kind == FOLD else replicate
    with Interrupt() as interrupt, show.live:
        result = train(
            net,
            count,
            arguments.device or device,
            place,
            resumed,
            ended=interrupt.guarded(show.ended),
            diverged=interrupt.guarded(show.diverged),
            recorded=[interrupt.guarded(show.began)],
            epochs=arguments.epochs,
            seed=arguments.seed,
            precision=arguments.precision,
            backend=with_compiler(arguments.backend or backend),
            progress=show.live,
            stopping=interrupt,
            notice=None if show.silent else partial(advise, show.live, show.said),
        )
    interrupt.guarded(show.end)(result)
    if not result.stopped:
        return 1 if result.diverged else 0
    done = f"stopped after {len(result.outcomes):,} of {counted(count, kind)}"
    how = "nothing is saved"
    if result.folder is not None and saved_runs(result.folder):
        how = f"`gpubp run --resume {quoted(result.folder)}` continues"
    print_error(f"{done}; {how}")
    return interrupt.code


def _net(arguments: argparse.Namespace, resumed: Path | None) -> tuple[Net, tuple[str, str]]:
    """The net of the file, or of the first run of the study that is `resumed`; and the device and the backend on which
    it is trained if no others are asked for. Raises CheckpointError."""
    if arguments.file is not None:
        return open_net(arguments), ("auto", "auto")
    if arguments.set:
        arguments.refuse("`--set` needs the .net file: what is resumed keeps its params")
    assert resumed is not None
    saved = saved_runs(resumed)
    if not saved:
        raise CheckpointError(f"`{resumed}` has no checkpoint: it ended before the first was saved; run it again")
    return net_of(saved[0]), asked_of(saved[0])


def _seeds(arguments: argparse.Namespace, net: Net, resumed: Path | None) -> tuple[int, int]:
    """The first seed, and how many there are. Raises CheckpointError."""
    if resumed is None:
        return int(net.option("seed", 0)) if arguments.seed is None else arguments.seed, arguments.seeds
    first, count = seeds_in(resumed)
    return first, arguments.seeds or count


class _Show:
    """Prints a head line, a line of a table for each training, and what they came to."""

    def __init__(self, arguments: argparse.Namespace, net: Net, kind: str, count: int, first: int | None) -> None:
        """`first`: of the seeds, None for folds."""
        self.arguments, self.net, self.kind, self.count = arguments, net, kind, count
        self._seeds = "" if first is None else f"seeds {first} to {first + count - 1}" if count > 1 else f"seed {first}"
        self.silent = arguments.json or arguments.quiet
        self.live = Live(sys.stdout, wanted=not self.silent)
        self.said: list[Finding] = []
        self._warned: set[str] = set()
        self._kinds: set[str] = set()
        self._names: list[str] = []
        self._begun: WeakSet[Run] = WeakSet()  # several may take turns
        self._words: dict[str, tuple[str, ...]] = {}  # the names of classes
        self._head = ""

    def began(self, run: Run) -> None:
        """What is to be said of a training once, before its first figures."""
        if run in self._begun:
            return
        self._begun.add(run)
        run.warnings[:] = [one for one in run.warnings if one not in self._warned]
        self._warned.update(run.warnings)
        warn_of(run)
        if self.silent:
            return
        self.live.clear()
        # The rows of another training deserve the same warnings, with other numbers in them: once is enough.
        fresh = {_NUMBER.sub("#", one.message): one for one in run.dataset.warnings}
        warn(one for text, one in fresh.items() if text not in self._warned)
        self._warned |= fresh.keys()
        if not self._head:
            self._head = headline(run, f", in {self.count:,} folds" if self.kind == FOLD else "", self._seeds)
            say(f"{self._head}\n")

    def ended(self, one: Fold | Replicate, run: Run) -> None:
        """A line for a training, and what was found wrong with its net, each kind once."""
        self.began(run)
        self._words = run.words
        self.live.clear()
        if self.arguments.json:
            print(dumps(asdict(one)), flush=True)
            return
        if not self._names:
            parts = [part for part in run.dataset.parts if part != "train"] or ["train"]
            self._names = [name for name in one.metrics if name.partition(".")[0] in parts]
            rows = ["rows"] if self.kind == FOLD else []
            self._row([self.kind, *rows, *self._names, "epochs", "seconds"])
        number, rows = (one.number, [str(one.rows)]) if isinstance(one, Fold) else (one.seed, [])
        figures = [f"{one.metrics[name]:.4g}" for name in self._names]
        self._row([str(number), *rows, *figures, str(one.epochs), f"{one.seconds:.2f}"])
        for finding in [] if self.silent else run.health:
            if finding.kind not in self._kinds:
                self._kinds.add(finding.kind)
                advise(self.live, self.said, finding, f"{self.kind} {number}: ")

    def diverged(self, number: int, why: str) -> None:
        """A line for a training that came to nothing."""
        self.live.clear()
        if self.arguments.json:
            print(dumps({"number" if self.kind == FOLD else "seed": number, "diverged": why}), flush=True)
            return
        print(f"{number:>4}  diverged: {why.splitlines()[0]}", flush=True)

    def end(self, result: CrossValidation | Replication) -> None:
        """The mean and the standard deviation, the sums of tables, and where the runs are."""
        if self.arguments.json:
            stopped = {"stopped": result.stopped} if result.stopped else {}
            folder = None if result.folder is None else str(result.folder)
            print(dumps({**result.as_json(), "folder": folder, **stopped}), flush=True)
        elif result.outcomes:
            self._print_summary(result)
            sys.stdout.flush()

    def _print_summary(self, result: CrossValidation | Replication) -> None:
        if result.diverged:
            numbers = ", ".join(map(str, result.diverged))
            lost = f"{len(result.diverged)} of {result.of} {self.kind}s diverged ({numbers})"
            print(f"{lost}: the figures below are over the other {len(result.outcomes)}")
        rows = [""] if self.kind == FOLD else []
        for name, figures in (("mean", result.mean), ("std", result.std)):
            if figures:
                self._row([name, *rows, *(f"{figures[one]:.4g}" for one in self._names), "", ""])
        for key, table in result.tables.items():
            print(f"\n{confusion(key, table, self.net, self._words)}")
        if result.folder is not None and not result.stopped and not self.arguments.quiet:
            place = quoted(result.folder)
            print(f"\nsaved to {result.folder}, a run for each {self.kind}")
            if self.kind == SEED:
                print(f"`gpubp plot {place}` plots their curves, the mean and a band")
            several = len(result.outcomes) > 1
            run, how = (place, ", as an ensemble") if several else (quoted(saved_runs(result.folder)[0]), "")
            print(f"`gpubp predict {run} TABLE` predicts new rows{how}")

    def _row(self, cells: Sequence[str]) -> None:
        first, *others, epochs, seconds = cells
        rows = [others.pop(0).rjust(6)] if self.kind == FOLD else []
        wide = [cell.rjust(max(len(name), _WIDTH)) for cell, name in zip(others, self._names, strict=True)]
        print("  ".join([first.rjust(4), *rows, *wide, epochs.rjust(6), seconds.rjust(7)]).rstrip(), flush=True)
