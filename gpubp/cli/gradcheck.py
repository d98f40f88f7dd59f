"""`gradcheck FILE`: the gradients of backpropagation beside finite differences in float64, by parameter."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ..insight import Checked, Report, drawn, gradcheck
from ..strict_json import dumps
from ..wording import counted
from .arguments import whole
from .color import say
from .net_or_run import add_net_or_run, open_net_or_run
from .table import align

ROWS, ELEMENTS = 4, 8


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_net_or_run(parser)
    parser.add_argument(
        "--rows", type=whole(1), default=ROWS, metavar="N", help=f"training rows to check on (default: {ROWS})"
    )
    parser.add_argument(
        "--elements",
        type=whole(1),
        default=ELEMENTS,
        metavar="N",
        help=f"elements of a larger parameter to check, drawn by the seed (default: {ELEMENTS}); one direction "
        "through all of them is checked as well",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def work(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 where a gradient is wrong. Raises GpubpError."""
    subject = open_net_or_run(arguments, "float64")
    subject.executor.net.require_training(epochs=1, given=True)
    batch = subject.batch(0, arguments.rows) if subject.count else drawn(subject.executor.net, arguments.rows)
    report = gradcheck(subject.executor, batch, elements=arguments.elements)
    if arguments.json:
        print(dumps({"file": arguments.file, **as_json(report)}, indent=2))
    else:
        rows = counted(report.rows, "training row" if subject.count else "drawn row")
        print(f"{subject.about}: {rows}, loss {report.loss:.6g}\n\n{table(report)}\n")
        say(verdict(report))
    return 0 if report.ok else 1


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain data: every derivative that was looked at."""
    return {
        "ok": report.ok,
        "rows": report.rows,
        "loss": report.loss,
        "held": list(report.held),
        "parameters": {
            one.parameter: {"size": one.size, "elements": [asdict(each) for each in one.elements]}
            for one in report.parameters
        },
        "blamed": [
            {
                "primitive": one.primitive,
                "place": one.place,
                "input": one.mismatch.input,
                "rule": one.mismatch.found,
                "difference": one.mismatch.right,
            }
            for one in report.blamed
        ],
    }


def table(report: Report) -> str:
    """One line for each parameter, with the element that is worst."""
    heads = ["parameter", "checked", "kinks", "worst at", "backprop", "difference", "error"]
    lines = align([heads, *(_row(one) for one in report.parameters)], left=1).splitlines()
    marks = [("", "  wrong")[one.count("fault") > 0] for one in report.parameters]
    return "\n".join(line + mark for line, mark in zip(lines, ["", *marks], strict=True))


def _row(one: Checked) -> list[str]:
    looked = sum(element.index is not None for element in one.elements)
    worst = one.worst
    where = "a direction" if worst.index is None else f"[{', '.join(map(str, worst.index))}]"
    checked = f"{looked:,}" if looked == one.size else f"{looked:,} of {one.size:,}"
    kinks = str(one.count("kink") or "")
    error = "kink" if worst.kind == "kink" else f"{worst.error:.1e}"
    return [one.parameter, checked, kinks, where, f"{worst.backprop:.9g}", f"{worst.difference:.9g}", error]


def verdict(report: Report) -> str:
    """What the table means, in words."""
    kinks = sum(one.count("kink") for one in report.parameters)
    notes = []
    if kinks:
        stand, are = ("derivatives stand", "they are") if kinks > 1 else ("derivative stands", "it is")
        why = "such as relu at 0, where the loss has no derivative"
        notes.append(f"{kinks:,} {stand} on a kink, {why}; on either side of it {are} right")
    if report.held:
        notes.append(f"no gradient goes through {', '.join(report.held)}, by definition: held in the differences")
    if report.ok:
        return "\n".join(["the gradients are right", *notes])
    wrong = [one.parameter for one in report.parameters if one.count("fault")]
    lines = [f"the gradients of {', '.join(wrong)} are wrong"]
    for one in report.blamed:
        m = one.mismatch
        lines.append(
            f"the derivative of `{one.primitive}` with respect to input {m.input + 1} is wrong: its rule gives "
            f"{m.found:.6g}, finite differences {m.right:.6g}, in {one.place}"
        )
    if not report.blamed:
        lines.append("every primitive's own rule is right here: the way they are put together is not")
    return "\n".join([*lines, *notes])
