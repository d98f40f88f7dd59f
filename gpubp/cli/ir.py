"""`ir FILE`: the program of a net, as Python text or as equations."""

from __future__ import annotations

import argparse

from ..data import load as load_data
from ..executor import Executor, recorded_scalars
from ..frontend import Mode, build, build_plan, describe
from ..passes import describe_plan
from ..render import c_source, cuda_source, listing
from .arguments import add_file, whole
from .nets import open_net


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument(
        "--mode",
        choices=("train", "gradients", "predict", "measure"),
        help="which program (default: train, or predict if the file has no `train`)",
    )
    parser.add_argument("--batch", type=whole(1), metavar="N", help="batch size (default: the file's)")
    parser.add_argument(
        "--stage",
        choices=("program", "optimised", "plan", "source", "c", "cuda"),
        default="source",
        help="the equations as traced; after optimisation; the plan, with where each value is stored; standalone "
        "Python; or the compiled kernels in C or CUDA (default: source)",
    )


def work(arguments: argparse.Namespace) -> int:
    """Print the program."""
    net = open_net(arguments)
    # Rows that the file itself holds are written out; others are not read for this.
    data = load_data(net.graph, net.base, int(net.option("seed", 0))).arrays if net.inline else None
    mode: Mode = arguments.mode or ("predict" if net.graph.train is None else "train")
    rows = None if data is None else len(next(iter(data.values())))
    batch = arguments.batch or min(net.batch_size(rows), rows or net.batch_size())
    if arguments.stage == "source":
        executor = Executor(net, device="cpu")
        if data is not None:
            executor.fit(data)
        print(executor.source(mode, batch, data), end="")
        return 0
    if mode != "predict":
        net.require_loss()
    if arguments.stage in ("plan", "c", "cuda"):
        built, plan = build_plan(net, mode, batch, net.dtype)
        if arguments.stage == "plan":
            print(describe_plan(plan, built.hints))
        elif arguments.stage == "c":
            print(c_source(plan, mode, built.hints, describe).text, end="")
        else:
            kept = recorded_scalars(built, plan) if mode == "train" else []
            source = cuda_source(plan, mode, built.hints, describe, kept)
            print(listing(source), end="")
    else:
        print(build(net, mode, batch, net.dtype, passes=arguments.stage == "optimised").program)
    return 0
