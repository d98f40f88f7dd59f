"""A recorded result as text: `python -m benchmarks.report FILE.json [--docs FILE.md] [--plot FILE.svg]`.

Without options the table that the runner prints; `--docs` writes the page of the documentation, `--plot` its figure,
for which matplotlib must be there (it is in the environment of `make bench`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .plot import draw
from .suite import BY_NAME, Case
from .timing import Spread, ratio

Result = Mapping[str, Any]
OWN, PEERS = ("numpy", "native"), ("torch", "jax", "sklearn", "tinygrad")
NAMES = {"torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn", "tinygrad": "tinygrad"}


@dataclass(frozen=True, slots=True)
class Line:
    """What a case came to: the spread of each peer's figure, and of its ratio to gpubp's native one."""

    case: Case
    figures: Mapping[str, Spread]
    busy: Mapping[str, Spread]
    ratios: Mapping[str, Spread]
    ways: Mapping[str, str]
    refused: Mapping[str, str]


def lines(result: Result) -> list[Line]:
    """The cases of a result, in the order in which they were measured."""
    found = []
    for entry in result["cases"]:
        best = {name.removeprefix("gpubp "): value for name, value in entry["best"].items()}
        native = best.get("native", {}).get("wall", ())
        ratios = {p: ratio(best[p]["wall"], native) for p in PEERS if p in best and native}
        figures, busy = ({n: Spread.of(v[clock]) for n, v in best.items()} for clock in ("wall", "busy"))
        ways = {name: value["way"] for name, value in best.items()}
        found.append(Line(BY_NAME[entry["name"]], figures, busy, ratios, ways, entry["refused"]))
    return found


def amount(case: Case, value: float) -> str:
    """A figure with its unit, in three digits."""
    if case.kind == "memory":
        return f"{value / 2**20:,.0f} MiB"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if value * factor < 999.5:
            return f"{digits(value * factor)} {unit}"
    return f"{digits(value)} s"


def digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rows(result: Result, missing: str) -> Iterator[list[str]]:
    """The cells of the table: the figures of all, those of peers with how many times longer they take than native
    gpubp."""
    yield ["case", *(f"gpubp {name}" for name in OWN), *(NAMES[p] for p in PEERS)]
    for line in lines(result):
        cells = [line.case.title]
        for name in (*OWN, *PEERS):
            cell = amount(line.case, line.figures[name].median) if name in line.figures else missing
            cells.append(f"{cell} ({digits(line.ratios[name].median)}x)" if name in line.ratios else cell)
        yield cells


def table(result: Result) -> str:
    """The result as plain text: the table, the quartiles of the ratios, what is absent or was rejected, the fastest
    configurations, and the machine."""
    cells = list(rows(result, "-"))
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    text = [
        " ".join([row[0].ljust(widths[0]), *(c.rjust(w + 1) for c, w in zip(row[1:], widths[1:]))]) for row in cells
    ]
    text += ["", "quartiles of the ratios, ratio of processor time, and fastest configuration:"]
    for line in lines(result):
        for peer, spread in line.ratios.items():
            busy = line.busy[peer].median / line.busy["native"].median
            span = f"{digits(spread.low)} to {digits(spread.high)}"
            text.append(f"  {line.case.title:<44} {NAMES[peer]:<13} {span:<18} {digits(busy):>8}   {line.ways[peer]}")
    text += ["", *notes(result), *(f"{name}: {value}" for name, value in result["machine"].items())]
    return "\n".join(text)


def notes(result: Result) -> Iterator[str]:
    """What was not measured, and why."""
    for peer, reason in result["absent"].items():
        yield f"{NAMES[peer]}: {reason}"
    for line in lines(result):
        for way, reason in line.refused.items():
            yield f"{line.case.title}: {way}: {reason}"


def judged(result: Result) -> Iterator[tuple[Case, str, float, float]]:
    """Case, peer, its ratio, and the goal of it."""
    for line in lines(result):
        for peer, goal in line.case.targets.items():
            if peer in line.ratios:
                yield line.case, peer, line.ratios[peer].median, goal


def reading(result: Result) -> Iterator[str]:
    """Where the figures fall short: the cases that gpubp loses, then the targets it misses."""
    lost = [(line, p) for line in lines(result) for p, s in line.ratios.items() if s.median < 1]
    if lost:
        yield "gpubp takes more time or memory than another framework in these cases:"
        yield ""
        for line, peer in lost:
            yield f"- `{line.case.title}`: {digits(1 / line.ratios[peer].median)} times as much as {NAMES[peer]}"
    else:
        yield "No framework was faster than gpubp with compiled kernels in any case."
    short = [(c, p, r, g) for c, p, r, g in judged(result) if r < g]
    if short:
        yield ""
        yield "Targets set in advance that were missed:"
        yield ""
        for case, peer, found, goal in short:
            yield f"- `{case.title}`: {digits(found)} times as fast as {NAMES[peer]}; target: {goal:g}"


PAGE = """# gpubp and other frameworks on the CPU

Generated by `benchmarks.report` from `{source}`; `make bench` measures again (half an hour in
all, or a few minutes with `make bench ARGS=--quick`). All frameworks train the same net from the same weights on the
same rows. Over the first {steps} steps each must reproduce the losses computed in double precision to within
{tolerance:g} of the first loss; otherwise it is not timed. Figures are medians of interleaved blocks; in brackets, how
many times as long a framework takes as gpubp with compiled kernels, the median of the ratios within a round. Each
framework runs in its fastest configuration, found by a short trial: PyTorch eager, with fused Adam, with torch.compile,
and with the whole step as one graph; JAX with jit and donated buffers, and with many steps in one call by lax.scan;
each on one thread and on all. gpubp runs with its default settings. For GPUs there is `make gpu-check`;
[gpu.md](gpu.md#how-long-a-training-step-takes) has figures from an H200.

![How many times as long the other frameworks take]({plot})

{table}

A dash means that the framework cannot express the net, that the benchmark does not cover the combination, or that the
result was rejected (listed below).

## Where gpubp falls short

{reading}

## How it was measured

{machine}

The fastest configurations:

{ways}
{notes}"""


def page(result: Result, source: str, plot: str) -> str:
    """The page of the documentation."""
    from .agreement import STEPS, TOLERANCE

    head, *body = rows(result, "-")
    cells = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    told = list(notes(result))
    return PAGE.format(
        source=source,
        tolerance=TOLERANCE,
        steps=STEPS,
        plot=plot,
        table="\n".join(f"| {' | '.join(row)} |" for row in cells),
        reading="\n".join(reading(result)),
        machine="\n".join(f"- {name}: {value}" for name, value in result["machine"].items()),
        ways="\n".join(
            f"- `{line.case.title}`: {'; '.join(line.ways[p] for p in PEERS if p in line.ways)}"
            for line in lines(result)
        ),
        notes="\n".join(["", "Not measured:", "", *(f"- {note}" for note in told), ""]) if told else "",
    )


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.report", description="a recorded result as text")
    parser.add_argument("file", type=Path)
    parser.add_argument("--docs", type=Path, help="write the page of the documentation")
    parser.add_argument("--plot", type=Path, help="write the figure")
    args = parser.parse_args(words)
    result = json.loads(args.file.read_text("utf-8"))
    if args.plot:
        draw([(line.case, line.ratios) for line in lines(result)], args.plot)
    if args.docs:
        plot = (args.plot or args.docs.with_suffix(".svg")).name
        args.docs.write_text(page(result, args.file.as_posix(), plot), "utf-8")
    if not (args.plot or args.docs):
        print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
