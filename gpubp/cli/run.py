"""`run FILE`: train, validate, test, save."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ..executor import Profile
from ..frontend import PRECISIONS, Net, with_fold
from ..health import Finding
from ..strict_json import dumps
from ..training import Run, asked_of, default_folder, net_of, spread, train
from ..wording import counted
from . import study
from .arguments import add_backend, add_device, add_file, folder, whole, with_compiler
from .color import JOINT, say
from .interrupt import Interrupt
from .live import Live
from .messages import advise, headline, warn_of
from .nets import open_net, warn
from .profile_table import as_json, profile_table
from .quoting import quoted
from .streams import print_error
from .table import confusions, results, truth_table


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser, needed=False)
    add_device(parser, None)
    add_backend(parser)
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="total number of epochs, instead of the file's")
    parser.add_argument(
        "--seed",
        type=whole(0),
        metavar="N",
        help="seed of initial weights, splits and shuffling, instead of the file's",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="precision of numbers and products, instead of the file's"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--out", type=folder, metavar="DIR", help="save the run to this folder (default: a new one in `runs`)"
    )
    place.add_argument("--no-save", action="store_true", help="write nothing")
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help="continue this run, in its folder unless `--out` names another; without FILE, with its original options",
    )
    parser.add_argument(
        "--folds",
        type=whole(2),
        metavar="K",
        help="cross-validate: divide the rows that are not for testing into K folds, and hold out each in turn",
    )
    parser.add_argument("--fold", type=whole(1), metavar="N", help="hold out only this fold")
    parser.add_argument(
        "--seeds",
        type=whole(1),
        metavar="N",
        help="train with N seeds, from `--seed` or the file's on, and report mean and standard deviation",
    )
    parser.add_argument("--profile", action="store_true", help="after training, show where the time of a step goes")
    parser.set_defaults(refuse=parser.error)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="print only the results")
    shown.add_argument(
        "--json", action="store_true", help="print one JSON object per epoch, fold or seed, and one with the results"
    )


def work(arguments: argparse.Namespace) -> int:
    """Train and print; raises GpubpError."""
    kind = study.asked(arguments)
    if kind is not None:
        return study.work(arguments, kind)
    net = _net(arguments)
    device, backend = _where(arguments)
    start = time.perf_counter()
    live = Live(sys.stdout, wanted=not (arguments.json or arguments.quiet))
    said: list[Finding] = []
    shows: list[Callable[[Run], None]] = [warn_of]
    if not arguments.quiet:
        shows.append(_json_lines if arguments.json else _progress(live))
    with Interrupt() as interrupt, live:
        run = train(
            net,
            device,
            _out(arguments, net),
            arguments.resume,
            recorded=[interrupt.guarded(show) for show in shows],
            epochs=arguments.epochs,
            seed=arguments.seed,
            precision=arguments.precision,
            backend=with_compiler(backend),
            progress=live,
            stopping=interrupt,
            notice=None if arguments.json or arguments.quiet else partial(advise, live, said),
        )
    seconds = time.perf_counter() - start
    if not run.history:
        warn_of(run)
    interrupted = run.stopped == "interrupted"
    if arguments.json:
        interrupt.guarded(_print_json)(run, seconds, arguments)
    elif not interrupted:
        _report(run, seconds, arguments)
        if not arguments.quiet:
            for finding in run.health:
                advise(live, said, finding, "the best restart: " if run.restarts else "")
    if not interrupted:
        return 0
    _say_stopped(run)
    return interrupt.code


def _print_json(run: Run, seconds: float, arguments: argparse.Namespace) -> None:
    figures = {
        "metrics": run.metrics,
        **({"tables": run.tables} if run.tables else {}),
        "health": [asdict(finding) for finding in run.health],
        "seconds": round(seconds, 3),
        "folder": None if run.folder is None else str(run.folder),
        **({"stopped": run.stopped} if run.stopped else {}),
        **({"profile": as_json(_profile(run))} if arguments.profile else {}),
    }
    print(dumps(figures), flush=True)


def _profile(run: Run) -> Profile:
    """Steps on rows of the training data."""
    dataset = run.dataset
    return run.executor.profile(dataset.part("train"), run.executor.net.batch_size(len(dataset.parts["train"])))


def _net(arguments: argparse.Namespace) -> Net:
    """The file's net, or that of the run to resume."""
    if arguments.file is not None:
        net = open_net(arguments)
        if arguments.fold is None:
            return net
        net.require_training(arguments.epochs)
        return with_fold(net, arguments.fold, arguments.folds)
    if arguments.resume is None:
        arguments.refuse("FILE is missing: name a .net file, or a run with `--resume`")
    if arguments.set:
        arguments.refuse("`--set` needs the .net file: a resumed run keeps its params")
    return net_of(Path(arguments.resume))


def _where(arguments: argparse.Namespace) -> tuple[str, str]:
    """The device and the backend: those asked for, or those of the run that goes on as it began."""
    device, backend = "auto", "auto"
    if arguments.file is None:
        device, backend = asked_of(Path(arguments.resume))
    return arguments.device or device, arguments.backend or backend


def _out(arguments: argparse.Namespace, net: Net) -> Path | None:
    """Where to save."""
    if arguments.no_save:
        return None
    if arguments.out is not None:
        out: Path = arguments.out
        return out
    if arguments.resume is not None and Path(arguments.resume).is_dir():
        return Path(arguments.resume)
    return default_folder(net, arguments.seed, arguments.precision, arguments.epochs)


def _report(run: Run, seconds: float, arguments: argparse.Namespace) -> None:
    steps = run.executor.step - run.first_step
    if not arguments.quiet:
        if run.stopped:
            print(f"\nstopped early after epoch {int(run.history[-1]['epoch']) if run.history else run.best_epoch}")
        if run.best_epoch is not None:
            print(f"{'' if run.stopped else chr(10)}the best state, of epoch {run.best_epoch}, is the result")
        if run.history:
            # The best of several restarts may have stopped before the interruption.
            steps = max(0, int(run.history[-1]["step"]) - run.first_step)
            print(f"\n{counted(steps, 'step')} in {seconds:.2f} s\n")
        else:
            print(f"nothing left to do: {arguments.resume} has {counted(run.executor.step, 'step')} already\n")
        if run.restarts:
            seed = run.executor.seed
            print(f"{spread(run.restarts, run.judged_by)}; the best, seed {seed}, is the result\n")
    print(results(run))
    for table in (confusions(run), truth_table(run)):
        if table:
            print(f"\n{table}")
    if arguments.profile:
        print(f"\n{profile_table(_profile(run))}")
    if run.folder is not None and not arguments.quiet:
        place = quoted(run.folder)
        print(f"\nsaved to {run.folder}")
        print(f"`gpubp plot {place}` plots its curves\n`gpubp predict {place} TABLE` predicts new rows")


def _say_stopped(run: Run) -> None:
    """After Ctrl-C or SIGTERM: where it stands, and how to go on."""
    where = f"stopped at step {run.executor.step:,} of {run.total:,}"
    how = "nothing is saved"
    if run.folder is not None:
        how = f"`gpubp run --resume {quoted(run.folder)}` continues from there"
    print_error(f"{where}; {how}")


def _json_lines(run: Run) -> None:
    print(dumps(run.history[-1]), flush=True)


def _progress(live: Live) -> Callable[[Run], None]:
    """Prints a head line before the first epoch's figures, then at most about ten lines."""
    state = {"next": 1.0}

    def show(run: Run) -> None:
        record = run.history[-1]
        epoch = int(record["epoch"])
        if len(run.history) == 1:
            live.clear()
            warn(run.dataset.warnings)
            say(headline(run))
        if epoch < state["next"] and epoch != run.epochs:
            return
        every = -(-run.epochs // 10)
        state["next"] = (epoch // every + 1) * every
        begun = f"epoch {epoch:>{len(str(run.epochs))}}/{run.epochs}  "
        shown = {key: value for key, value in record.items() if key not in ("epoch", "step") and _said(key, value)}
        figures = "  ".join(f"{key}{JOINT}{value:.4g}" for key, value in shown.items())
        live.clear()
        say(f"{begun}{figures}", hang=len(begun))
        sys.stdout.flush()

    return show


def _said(key: str, value: float) -> bool:
    """Penalties are shown where there are any."""
    return not (key.endswith("penalty") and value == 0)
