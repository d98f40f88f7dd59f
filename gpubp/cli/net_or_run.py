"""What `explain` and `gradcheck` look at: a file with the weights that its training begins with, or a run with those it
was left with."""

from __future__ import annotations

import argparse
from pathlib import Path

from dsl.excerpt import visible

from ..errors import GpubpError
from ..executor import Executor
from ..insight import Subject, first_weights, subject
from ..training import load_run
from .arguments import add_file, whole
from .nets import names_run, open_net


def add_net_or_run(parser: argparse.ArgumentParser) -> None:
    """A file or a run, and how the file's net begins."""
    add_file(parser, help="a .net file, a run's folder, or a checkpoint in it")
    parser.add_argument("--seed", type=whole(0), metavar="N", help="seed of the initial weights (default: the file's)")


def open_net_or_run(arguments: argparse.Namespace, precision: str | None = None) -> Subject:
    """The net that the arguments name, in a precision (None: its own), with its training data. Raises GpubpError."""
    path = Path(arguments.file)
    if names_run(path):
        for given, word in ((arguments.set, "--set"), (arguments.seed is not None, "--seed")):
            if given:
                raise GpubpError(f"`{word}` cannot be given with a run: its weights are those that it was trained to")
        run = load_run(path, "cpu")
        net, executor = run.net, run.executor
        if precision not in (None, executor.dtype):
            executor = Executor(net, "cpu", precision, executor.seed, "numpy", start=False)
            known = executor.arrays()
            executor.adopt({name: array for name, array in run.executor.arrays().items() if name in known})
        return subject(executor, f"{visible(str(path))}, step {executor.step:,}", fresh=False)
    net = open_net(arguments)
    executor = Executor(net, "cpu", precision, arguments.seed, "numpy")
    return subject(executor, visible(f"{arguments.file}, {first_weights(executor)}"), fresh=True)
