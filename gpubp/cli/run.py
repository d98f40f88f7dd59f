"""`run FILE`: train, validate, test."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from ..training import Run, train
from .common import add_file, open_net, whole
from .table import results, truth_table


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, gpu or gpu:N (default: auto)")
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="epochs in all, instead of the file's")
    parser.add_argument(
        "--seed", type=whole(0), metavar="N", help="seed of weights, splits and shuffles, instead of the file's"
    )
    parser.add_argument("--precision", choices=("float32", "float64"), help="float type, instead of the file's")
    parser.add_argument("--out", metavar="DIR", help="save the final state to this folder")
    parser.add_argument("--resume", metavar="DIR", help="continue from a saved state")
    parser.add_argument("--json", action="store_true", help="print one JSON object per epoch and one with the results")


def work(arguments: argparse.Namespace) -> int:
    """Train and print; raises GpubpError."""
    net = open_net(arguments)
    start = time.perf_counter()
    show = _json_lines if arguments.json else _progress(net.size)
    run = train(
        net,
        arguments.device,
        arguments.out,
        arguments.resume,
        (show,),
        epochs=arguments.epochs,
        seed=arguments.seed,
        precision=arguments.precision,
    )
    seconds = time.perf_counter() - start
    if arguments.json:
        print(json.dumps({"metrics": run.metrics, "seconds": round(seconds, 3)}))
        return 0
    if run.history:
        steps = run.executor.step - run.first_step
        print(f"\n{steps:,} step{'' if steps == 1 else 's'} in {seconds:.2f} s\n")
    else:
        print(f"nothing left to do: {arguments.resume} has {run.executor.step:,} steps already\n")
    print(results(run))
    table = truth_table(run)
    if table:
        print(f"\n{table}")
    if arguments.out:
        print(f"\nsaved to {arguments.out}")
    return 0


def _json_lines(run: Run) -> None:
    print(json.dumps(run.history[-1]), flush=True)


def _progress(size: int) -> Callable[[Run], None]:
    """Prints a head line before the first epoch's figures, then at most about ten lines."""
    state = {"next": 1.0}

    def show(run: Run) -> None:
        record = run.history[-1]
        epoch = int(record["epoch"])
        if len(run.history) == 1:
            name = run.executor.net.graph.source.name
            parts = ", ".join(f"{len(rows):,} {part}" for part, rows in run.dataset.parts.items())
            device = run.executor.backend.description
            print(
                f"{name}: {size:,} parameters; rows: {parts}; {device}, {run.executor.dtype}, seed {run.executor.seed}"
            )
        if epoch < state["next"] and epoch != run.epochs:
            return
        every = -(-run.epochs // 10)
        state["next"] = (epoch // every + 1) * every
        figures = "  ".join(
            f"{key} {value:.4g}" for key, value in record.items() if key not in ("epoch", "step") and _said(key, value)
        )
        print(f"epoch {epoch:>{len(str(run.epochs))}}/{run.epochs}  {figures}")
        sys.stdout.flush()

    return show


def _said(key: str, value: float) -> bool:
    """Penalties are shown where there are any."""
    return not (key.endswith("penalty") and value == 0)
