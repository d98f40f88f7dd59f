"""`plot RUN...`: the curves of runs, in the terminal or as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from dsl.excerpt import visible

from ..picture import panels
from ..training import saved_runs
from .curves import draw, picture_path


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run's folder, or that of several seeds or folds")
    parser.add_argument(
        "--figure",
        metavar="NAME",
        action="append",
        default=[],
        help="plot only this: `loss`, a metric, `learning rate` (may be repeated)",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="a .png or .svg file (default: text in the terminal); needs matplotlib"
    )


def work(arguments: argparse.Namespace) -> int:
    """Print or write the curves; raises GpubpError."""
    output = picture_path(arguments.output)
    places = [run for place in map(Path, arguments.runs) for run in saved_runs(place) or [place]]
    curves = panels([*dict.fromkeys(places)], arguments.figure)
    draw(curves, output)
    if output is not None:
        print(f"wrote {visible(str(output))}: {', '.join(panel.title for panel in curves)}")
    return 0
