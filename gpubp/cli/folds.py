"""`run FILE --folds K`: one training for each fold of the rows, and the mean of what they came to."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ..health import Finding
from ..training import (
    CrossValidation,
    Fold,
    Run,
    asked_of,
    cross_validate,
    default_folder,
    fold_folder,
    folds_as_json,
    folds_of,
    holds_folds,
    saved_folds,
)
from .color import say
from .common import open_net, warn, with_compiler
from .interrupt import Interrupt
from .live import Live
from .table import confusion
from .telling import advise, head, warn_of

_WIDTH = 10
"""Of a number in the table, at least: `-1.234e-05`."""


def asked(arguments: argparse.Namespace) -> bool:
    """Whether `run` is to hold out every fold in turn. Refuses arguments that do not go together."""
    going_on = arguments.resume is not None and holds_folds(Path(arguments.resume))
    if arguments.fold is not None and (arguments.folds is None or arguments.fold > arguments.folds):
        of = "`--folds` says of how many" if arguments.folds is None else f"there are {arguments.folds}"
        arguments.refuse(f"`--fold {arguments.fold}`: {of}")
    if arguments.file is None and arguments.folds is not None:
        arguments.refuse("`--folds` needs the .net file: what goes on keeps its folds")
    if going_on and arguments.file is not None and arguments.folds is None:
        arguments.refuse(f"`{arguments.resume}` is a cross-validation: leave FILE out, or say `--folds` too")
    if going_on and arguments.out is not None:
        arguments.refuse("`--out` cannot be given: a cross-validation goes on in its own folder")
    if going_on and arguments.no_save:
        arguments.refuse("`--no-save` cannot be given: a cross-validation goes on in its own folder")
    every = going_on or (arguments.folds is not None and arguments.fold is None)
    if every and arguments.profile:
        arguments.refuse("`--profile` looks at one training: say which with `--fold`")
    return every


def work(arguments: argparse.Namespace) -> int:
    """Train and print; raises GpubpError."""
    place, device, backend = arguments.out, arguments.device or "auto", arguments.backend or "auto"
    if arguments.file is None:
        if arguments.set:
            arguments.refuse("`--set` needs the .net file: what goes on keeps its params")
        net, folds = folds_of(Path(arguments.resume))
        was = asked_of(saved_folds(Path(arguments.resume))[0])
        device, backend = arguments.device or was[0], arguments.backend or was[1]
    else:
        net, folds = open_net(arguments), arguments.folds
    if place is None and arguments.resume is None and not arguments.no_save:
        place = default_folder(net, arguments.seed, arguments.precision, arguments.epochs, folds)
    show = _Show(arguments, folds)
    with Interrupt() as interrupt, show.live:
        told = cross_validate(
            net,
            folds,
            device,
            place,
            arguments.resume,
            ended=interrupt.heard(show.ended),
            diverged=interrupt.heard(show.diverged),
            recorded=[interrupt.heard(show.began)],
            epochs=arguments.epochs,
            seed=arguments.seed,
            precision=arguments.precision,
            backend=with_compiler(backend),
            progress=show.live,
            stopping=interrupt,
            notice=None if show.silent else partial(advise, show.live, show.said),
        )
    if arguments.json:
        stopped = {"stopped": told.stopped} if told.stopped else {}
        print(
            json.dumps({**folds_as_json(told), "folder": None if told.folder is None else str(told.folder), **stopped})
        )
    elif told.folds:
        show.end(told)
    if not told.stopped:
        return 1 if told.diverged else 0
    done = f"stopped after {len(told.folds):,} of {folds:,} folds"
    how = "nothing is saved"
    if told.folder is not None and holds_folds(told.folder):
        how = f"`gpubp run --resume {shlex.quote(str(told.folder))}` goes on"
    print(f"{done}; {how}", file=sys.stderr)
    return interrupt.code


class _Show:
    """Prints a head line, a line of a table for each fold, and what they came to."""

    def __init__(self, arguments: argparse.Namespace, folds: int) -> None:
        self.arguments, self.folds = arguments, folds
        self.silent = arguments.json or arguments.quiet
        self.live = Live(sys.stdout, wanted=not self.silent)
        self.said: list[Finding] = []
        self._seen: set[tuple[str, str]] = set()
        self._kinds: set[str] = set()
        self._names: list[str] = []
        self._run: Run | None = None

    def began(self, run: Run) -> None:
        """What is to be said of a training once, before its first figures."""
        if run is self._run:
            return
        first, self._run = self._run is None, run
        warn_of(run)
        if self.silent:
            return
        self.live.clear()
        fresh = [one for one in run.dataset.warnings if (one.code, one.message) not in self._seen]
        self._seen |= {(one.code, one.message) for one in fresh}
        warn(fresh)
        if first:
            say(f"{head(run, f', in {self.folds:,} folds')}\n")

    def ended(self, fold: Fold, run: Run) -> None:
        """A line for a fold, and what was found wrong with its net, each kind once."""
        self.began(run)
        self.live.clear()
        if self.arguments.json:
            print(json.dumps(asdict(fold)), flush=True)
            return
        if not self._names:
            parts = [part for part in run.dataset.parts if part != "train"]
            self._names = [name for name in fold.metrics if name.partition(".")[0] in parts]
            self._row(["fold", "rows", *self._names, "epochs", "seconds"])
        figures = [f"{fold.metrics[name]:.4g}" for name in self._names]
        self._row([str(fold.number), str(fold.rows), *figures, str(fold.epochs), f"{fold.seconds:.2f}"])
        for finding in [] if self.silent else run.health:
            if finding.kind not in self._kinds:
                self._kinds.add(finding.kind)
                advise(self.live, self.said, finding, f"fold {fold.number}: ")

    def diverged(self, fold: int, why: str) -> None:
        """A line for a fold that came to nothing."""
        self.live.clear()
        if self.arguments.json:
            print(json.dumps({"number": fold, "diverged": why}), flush=True)
            return
        print(f"{fold:>4}  diverged: {why.splitlines()[0]}", flush=True)

    def end(self, told: CrossValidation) -> None:
        """The mean and the standard deviation over the folds, the tables of all rows that were held out, and where the
        runs are."""
        if told.diverged:
            numbers = ", ".join(map(str, told.diverged))
            lost, left = f"{len(told.diverged)} of {told.of} folds diverged ({numbers})", len(told.folds)
            print(f"{lost}: the figures below are over the other {left}")
        for name, figures in (("mean", told.mean), ("std", told.std)):
            if figures:
                self._row([name, "", *(f"{figures[one]:.4g}" for one in self._names), "", ""])
        for key, table in told.tables.items():
            assert self._run is not None
            print(f"\n{confusion(key, table, self._run)}")
        if told.folder is not None and not told.stopped and not self.arguments.quiet:
            print(f"\nsaved to {told.folder}, a run for each fold")
            first = fold_folder(told.folder, told.folds[0].number)
            print(f"`gpubp predict {shlex.quote(str(first))} TABLE` predicts new rows")

    def _row(self, cells: Sequence[str]) -> None:
        first, rows, *others, epochs, seconds = cells
        wide = [cell.rjust(max(len(name), _WIDTH)) for cell, name in zip(others, self._names, strict=True)]
        print("  ".join([first.rjust(4), rows.rjust(6), *wide, epochs.rjust(6), seconds.rjust(7)]).rstrip(), flush=True)
