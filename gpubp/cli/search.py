"""`search FILE`: one training for each of many values of the file's params, and a table of what they gave."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from dsl.excerpt import visible

from ..errors import DivergedError
from ..frontend import domains
from ..strict_json import dumps
from ..training import Search, Trial, begin_search, check_jobs, resume_search, run_search
from ..wording import counted
from .arguments import add_device, add_file, folder, whole
from .color import say
from .interrupt import Interrupt
from .live import Live
from .nets import refuse_other
from .quoting import join, quoted
from .streams import print_error
from .table import align

TRIALS, MOST = 20, 1_000_000
"""Trials by default, and at most: their params are drawn before the first starts."""
NUMBER = 9
"""Characters of a number of four digits: `0.0001234`, `1.234e-05`."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser, needed=False)
    parser.add_argument(
        "--trials",
        type=whole(1, MOST),
        metavar="N",
        help=f"maximum number of trials (default: {TRIALS}); if there are more combinations, a random sample",
    )
    parser.add_argument(
        "--method",
        choices=("random", "tpe"),
        help="choose trials at random, or from the results of earlier ones (default: random; tpe needs optuna)",
    )
    parser.add_argument("--seed", type=whole(0), metavar="N", help="seed of the choice of trials (default: 0)")
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="epochs of each trial, instead of the file's")
    parser.add_argument(
        "--folds", type=whole(2), metavar="K", help="cross-validate each trial, and rank by the mean over K folds"
    )
    parser.add_argument(
        "--seeds", type=whole(1), metavar="N", help="train each trial with N seeds, and rank by the mean over them"
    )
    add_device(parser)
    parser.add_argument(
        "--jobs",
        type=whole(1),
        default=1,
        metavar="N",
        help="number of processes that share the trials, on the CPU (default: 1)",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", type=folder, metavar="DIR", help="write to this folder (default: a new one in `runs`)")
    place.add_argument("--resume", metavar="DIR", help="continue this search; omit FILE")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="print only the table")
    shown.add_argument("--json", action="store_true", help="print one JSON object per trial and one with the best")
    parser.set_defaults(refuse=parser.error)


def work(arguments: argparse.Namespace) -> int:
    """Make the trials and print the table; raises GpubpError."""
    search = _search(arguments)
    check_jobs(arguments.device, arguments.jobs)
    live = Live(sys.stdout, wanted=not (arguments.json or arguments.quiet))
    if not (arguments.json or arguments.quiet):
        drawn = {"random": "drawn", "tpe": "chosen by TPE"}
        how = f"{drawn[search.method]} with the seed {search.seed}" if search.method in drawn else "all combinations"
        over = [counted(n, word) for word in ("fold", "seed") if (n := search.settings[f"{word}s"]) is not None]
        by = f"the mean of {search.figure} over {over[0]}" if over else search.figure
        say(f"{visible(search.file)}: {counted(search.trials, 'trial')}, {how}, judged by {by}; in {search.folder}")
        if search.done:
            print(f"already done: {len(search.done):,}")
    with Interrupt("stopping; finished trials are saved") as interrupt, live:
        ended = run_search(
            search,
            arguments.device,
            interrupt.guarded(_shown(search, arguments, live)),
            jobs=arguments.jobs,
            begun=_begun(search, arguments.jobs, live),
            progress=live,
            stopping=interrupt,
        )
    interrupt.guarded(_report)(search, ended, arguments)
    if not ended:
        done = f"stopped after {len(search.done):,} of {counted(search.trials, 'trial')}"
        print_error(f"{done}; `gpubp search --resume {quoted(search.folder)}` continues")
        return interrupt.code
    if search.best is None:
        raise DivergedError("no trial came to an end; the first failed: " + search.done[0].failed)
    return 0


def _report(search: Search, ended: bool, arguments: argparse.Namespace) -> None:
    best = search.best
    if arguments.json:
        found = None if best is None else asdict(best)
        print(dumps({"best": found, "figure": search.figure, "folder": str(search.folder), "done": ended}))
    elif search.done:
        print(f"{'' if arguments.quiet else chr(10)}{table(search)}")
        if best is not None and not arguments.quiet:
            print(f"\nto train the best again and save it: {command(search, best)}")
    sys.stdout.flush()


def _begun(search: Search, jobs: int, live: Live) -> Callable[[Sequence[int]], None]:
    """Shows what is being trained; other processes do not tell how far they are."""

    def begun(numbers: Sequence[int]) -> None:
        if jobs == 1:
            live.begin(f"trial {numbers[0]:,}" if len(numbers) == 1 else f"{len(numbers):,} trials")
        else:
            live.show(f"{len(search.done):,} of {counted(search.trials, 'trial')} done, {jobs:,} processes at work")

    return begun


def _search(arguments: argparse.Namespace) -> Search:
    if arguments.resume is None:
        if arguments.file is None:
            arguments.refuse("FILE is missing: name a .net file, or a search with `--resume`")
        if arguments.folds is not None and arguments.seeds is not None:
            arguments.refuse("`--seeds` and `--folds` are two studies: leave one of them out")
        refuse_other(arguments.file)
        return begin_search(
            arguments.file,
            dict(arguments.set),
            trials=arguments.trials or TRIALS,
            method=arguments.method or "random",
            seed=arguments.seed or 0,
            epochs=arguments.epochs,
            folds=arguments.folds,
            seeds=arguments.seeds,
            out=arguments.out,
        )
    words = {
        "FILE": arguments.file,
        "`--set`": arguments.set or None,
        "`--epochs`": arguments.epochs,
        "`--folds`": arguments.folds,
        "`--seeds`": arguments.seeds,
    }
    for word, given in (words | {"`--method`": arguments.method, "`--seed`": arguments.seed}).items():
        if given is not None:
            arguments.refuse(f"{word} cannot be given with `--resume`: a search continues with its original options")
    return resume_search(Path(arguments.resume), arguments.trials)


def _shown(search: Search, arguments: argparse.Namespace, live: Live) -> Callable[[Trial], None]:
    widths = {name: max(map(len, domain.values), default=NUMBER) for name, domain in domains(search.net).items()}

    def show(trial: Trial) -> None:
        if arguments.quiet:
            return
        live.clear()
        if arguments.json:
            print(dumps(asdict(trial)), flush=True)
            return
        params = "  ".join(f"{name} {value:<{widths[name]}}" for name, value in trial.params.items())
        std = "" if trial.std is None else f" +- {trial.std:.2g}"
        result = visible(trial.failed) if trial.value is None else f"{search.figure} {trial.value:.4g}{std}"
        width = len(str(search.trials))
        print(f"trial {trial.number:>{width}}/{search.trials}  {params}  {result}  {trial.seconds:.2f} s", flush=True)

    return show


def table(search: Search) -> str:
    """The trials, the best first: number, params, figure, its standard deviation if it is a mean, epochs, seconds."""
    ranked = search.ranked()
    names = list(ranked[0].params)
    figures = [search.figure, *(["std"] if any(trial.std is not None for trial in ranked) else [])]
    rows = [["trial", *names, *figures, "epochs", "seconds"], *(_row(trial, names, len(figures)) for trial in ranked)]
    lines = align(rows).splitlines()
    notes = [f"  {visible(trial.failed)}" if trial.failed else "" for trial in ranked]
    return "\n".join(line + note for line, note in zip(lines, ["", *notes], strict=True))


def _row(trial: Trial, names: Sequence[str], figures: int) -> list[str]:
    cells = ["-" if figure is None else f"{figure:.4g}" for figure in (trial.value, trial.std)][:figures]
    return [str(trial.number), *(trial.params[n] for n in names), *cells, str(trial.epochs), f"{trial.seconds:.2f}"]


def command(search: Search, trial: Trial) -> str:
    """The command that trains a trial's net again and saves it."""
    words = ["gpubp", "run", search.file]
    for name, value in {**search.settings["given"], **trial.params}.items():
        words += ["--set", f"{name}={value}"]
    for name in ("epochs", "folds", "seeds"):
        if search.settings[name] is not None:
            words += [f"--{name}", str(search.settings[name])]
    return join(words)
