"""`ir FILE`: the program of a net, as Python text or as equations."""

from __future__ import annotations

import argparse

from ..data import load as load_data
from ..executor import Executor
from .common import add_file, open_net, whole


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument(
        "--mode",
        choices=("train", "gradients", "predict", "measure"),
        default="train",
        help="which program (default: train)",
    )
    parser.add_argument("--batch", type=whole(1), metavar="N", help="rows of a batch (default: the file's)")
    parser.add_argument(
        "--stage", choices=("source", "program"), default="source", help="Python text, or the equations with shapes"
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the program."""
    net = open_net(arguments)
    executor = Executor(net, device="cpu")
    batch = arguments.batch or int(net.option("batch", 32))
    # Rows that the file itself holds are written out; others are not read for this.
    data = load_data(net.graph, net.base, executor.seed).columns if net.inline else None
    if data is not None and arguments.batch is None:
        batch = min(batch, len(next(iter(data.values()))))
    if arguments.stage == "program":
        print(executor.compiled(arguments.mode, batch).built.program)
    else:
        if data is not None:
            executor.fit(data)
        print(executor.source(arguments.mode, batch, data), end="")
    return 0
