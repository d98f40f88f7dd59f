"""`range FILE`: the learning-rate range test, as a plot of the loss over the rate."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from dsl.excerpt import visible

from ..picture import Curve, Panel
from ..strict_json import dumps
from ..training import RangeTest, range_test
from .arguments import add_backend, add_device, add_file, whole, with_compiler
from .curves import draw, picture_path
from .nets import open_net


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)
    parser.add_argument("--low", type=_rate, default=1e-6, metavar="RATE", help="the first rate (default: 1e-6)")
    parser.add_argument("--high", type=_rate, default=10.0, metavar="RATE", help="the last rate (default: 10)")
    parser.add_argument("--steps", type=whole(2), default=200, metavar="N", help="number of steps (default: 200)")
    parser.add_argument(
        "--seed", type=whole(0), metavar="N", help="seed of initial weights and shuffling, instead of the file's"
    )
    add_device(parser)
    add_backend(parser)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("-o", "--output", metavar="OUT", help="write the plot to a .png or .svg file (needs matplotlib)")
    shown.add_argument("--json", action="store_true", help="print one JSON object, with the loss at each rate")


def work(arguments: argparse.Namespace) -> int:
    """Print or write the plot, and what it says; raises GpubpError."""
    output = picture_path(arguments.output)
    result = range_test(
        open_net(arguments),
        arguments.device,
        low=arguments.low,
        high=arguments.high,
        steps=arguments.steps,
        seed=arguments.seed,
        backend=with_compiler(arguments.backend or "auto"),
    )
    if arguments.json:
        print(dumps(_object(result)))
        return 0
    points = tuple(zip(result.rates, result.smoothed, strict=True))
    panel = Panel("loss, smoothed", (Curve(Path(arguments.file).stem, "train", points),), "learning rate")
    draw([panel], output)
    if output is not None:
        print(f"wrote {visible(str(output))}")
    print(f"\n{verdict(result)}")
    return 0


def verdict(result: RangeTest) -> str:
    """What the curve says, in words."""
    if result.least == result.rates[0]:
        return "the loss never falls: smaller rates (`--low`) or more steps may show more"
    fastest = "" if result.steepest is None else f"falls fastest at a rate of {result.steepest:.2g}, "
    if result.suggested is None:
        return f"the loss still falls at {result.least:.2g}; where it falls fastest, only more `--steps` tell"
    if result.least == result.rates[-1] and not result.diverged:
        end = f"and still falls at {result.least:.2g}: `--high` goes further"
        why = "the rate at which it falls fastest"
    else:
        rest = "diverges above" if result.diverged else "rises up to"
        end = f"is least at {result.least:.2g}, and {rest} {result.rates[-1]:.2g}"
        why = "a tenth of the rate at which it is least"
    return f"the loss {fastest}{end}\ntry `lr = {result.suggested:g}`, {why}; the file has {result.lr:g}"


def _object(result: RangeTest) -> dict[str, object]:
    return {
        "rates": list(result.rates),
        "losses": list(result.losses),
        "smoothed": list(result.smoothed),
        "diverged": result.diverged,
        "steepest": result.steepest,
        "least": result.least,
        "suggested": result.suggested,
        "lr": result.lr,
    }


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"`{text}` is not a rate above 0")
    return value
