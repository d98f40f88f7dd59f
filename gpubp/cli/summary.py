"""`runs summary`: means and standard deviations over seeds and folds, for a terminal, a spreadsheet or a paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from dsl.excerpt import visible

from ..strict_json import dumps
from ..training import Group, mean_std
from .table import align

PARTS = ("test.", "valid.", "train.")
"""The figures of the first of these parts that a run has are shown."""
_NAMED = {"\\": "backslash", "~": "asciitilde", "^": "asciicircum", "<": "less", ">": "greater", "|": "bar"}
_ESCAPED = str.maketrans(
    {sign: rf"\text{name}{{}}" for sign, name in _NAMED.items()} | {sign: f"\\{sign}" for sign in "&%$#_{}"}
)


def as_text(groups: Sequence[Group], width: int | None = None) -> str:
    """Columns for a terminal: settings, the numbers of seeds and folds, `mean +- standard deviation` of each figure. A
    table that is wider than `width` has lines in place of columns."""
    rows = [[visible(cell) for cell in row] for row in _rows(groups)]
    table = align(rows)
    if width is None or max(map(len, table.splitlines())) <= width:
        return table
    head, *rows = rows
    tables = ([[name, cell] for name, cell in zip(head, row, strict=True) if cell not in ("", "-")] for row in rows)
    return "\n\n".join(align(lines, left=2) for lines in tables)


def as_latex(groups: Sequence[Group]) -> str:
    """A `tabular` for LaTeX, without any package."""
    head, *rows = [[cell.translate(_ESCAPED) for cell in row] for row in _rows(groups)]
    values = len(_columns(groups))
    lines = [rf"\begin{{tabular}}{{{'l' * (len(head) - values)}{'r' * values}}}", r"\hline", " & ".join(head) + r" \\"]
    lines += [r"\hline", *(" & ".join(row).replace(" +- ", r" $\pm$ ") + r" \\" for row in rows), r"\hline"]
    return "\n".join([*lines, r"\end{tabular}"])


def as_csv(groups: Sequence[Group]) -> str:
    """A table with all digits: the mean of each figure, and its standard deviation, empty for one run."""
    columns, out = _columns(groups), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f"{name}{end}" for name in columns for end in (".mean", ".std")]
    writer.writerow([*groups[0].settings, *_counted(groups), *names])
    for group in groups:
        found = group.figures
        cells = [one for name in columns for one in (mean_std(found[name]) if name in found else (None, None))]
        writer.writerow([*group.settings.values(), *_counts(group, groups, ""), *cells])
    return out.getvalue().rstrip("\n")


def as_json(groups: Sequence[Group]) -> str:
    """All of it: by figure the mean, the standard deviation and the values, in the order of `seeds`, `folds` (if they
    are folds) and `runs`."""
    summaries = [
        {
            "file": group.runs[0].name,
            "settings": dict(group.settings),
            "seeds": [seed for seed, _ in group.last],
            **({"folds": [fold for _, fold in group.last]} if group.folds else {}),
            "runs": [str(run.path) for run in group.last.values()],
            "figures": {
                name: dict(zip(("mean", "std"), mean_std(values), strict=True)) | {"values": values}
                for name, values in group.figures.items()
            },
        }
        for group in groups
    ]
    return dumps(summaries, indent=2)


def _columns(groups: Sequence[Group]) -> list[str]:
    """The figures of the first part of the data that each group has: the test before validation before training."""
    found: dict[str, None] = {}
    for group in groups:
        names = [name for name in group.figures if "penalty" not in name]
        part = next((part for part in PARTS if any(name.startswith(part) for name in names)), "")
        found |= dict.fromkeys(name for name in names if name.startswith(part))
    return sorted(found, key=lambda name: next((k for k, part in enumerate(PARTS) if name.startswith(part)), 3))


def _rows(groups: Sequence[Group]) -> list[list[str]]:
    columns = _columns(groups)
    rows = [[*groups[0].settings, *_counted(groups), *columns]]
    for group in groups:
        found = group.figures
        cells = [_cell(found[name]) if name in found else "-" for name in columns]
        rows.append([*group.settings.values(), *_counts(group, groups, "-"), *cells])
    return rows


def _counted(groups: Sequence[Group]) -> list[str]:
    """What the runs of each group are counted by."""
    return ["seeds", "folds"] if any(group.folds for group in groups) else ["seeds"]


def _counts(group: Group, groups: Sequence[Group], none: str) -> list[str]:
    """The numbers of a group's seeds and folds, under the heads of `_counted`; `none` if its runs are no folds."""
    counts = [str(len(group.seeds)), str(len(group.folds) or none)]
    return counts[: len(_counted(groups))]


def _cell(values: Sequence[float]) -> str:
    """The mean, rounded to the second digit of the standard deviation, and that."""
    mean, std = mean_std(values)
    if not std or not math.isfinite(std):
        return f"{mean:.4g}"
    digits = 1 - math.floor(math.log10(std))
    if digits > 8 or std >= 1e6:
        return f"{mean:.4g} +- {std:.2g}"
    return f"{mean:.{max(digits, 0)}f} +- {std:.{max(digits, 0)}f}"
