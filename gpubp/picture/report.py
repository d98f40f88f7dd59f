"""The report of a run: one page that holds all that is known of it, and needs nothing beside itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import unified_diff
from html import escape
from pathlib import Path
from typing import Any

from ..errors import GpubpError, NetError
from ..training import LoadedRun, conclusion, health_records, listed, load_run, run_records, source_text
from ..wording import counted
from . import views
from .charts import require_matplotlib
from .curves import panels
from .drawing import graph
from .page import page
from .predictions import Classes, Numbers, Rows, compare, predicted_rows
from .views import View

_SHORT = 8
"""Numbers, or words, of an input that are written out."""
_TABLE = 500
"""Classes of which there is a confusion matrix."""


def report(path: Path) -> str:
    """The page of a run. Raises CheckpointError where it is not whole, NetError, GpubpError where matplotlib is
    missing. Data that is not there any more leaves out what needs it, and says so."""
    require_matplotlib()
    run = load_run(path, "cpu")
    listing = listed(run.path)
    epochs = f"{listing.epochs:,} of {counted(listing.of, 'epoch')}"
    about = f"{listing.started[:16].replace('T', ' ')}, {epochs}, {counted(run.net.size, 'parameter')}"
    sections: list[tuple[str, str]] = [("figures", _figures(run)), ("file", _file(run)), ("net", graph(run.net).html())]
    if run.history:
        shown = "".join(map(_chart, map(views.curves, panels([run.path]))))
        sections.append(("curves", f'<div class="charts">{shown}</div>'))
    sizes = health_records(run.path)
    heat = views.gradients(sizes) if sizes else None
    if heat is not None:
        sections.append(("gradients", f'<div class="wide">{_chart(heat)}</div>'))
    sections += _predictions(run, int(run.about.get("seed") or 0))
    sections.append(("environment", _environment(listing.about)))
    links = "".join(f'<a href="#part{i}">{escape(name)}</a>' for i, (name, _) in enumerate(sections))
    body = f'<nav class="parts" aria-label="Parts of the report">{links}</nav>\n'
    for i, (name, text) in enumerate(sections):
        body += f'<section id="part{i}"><h2>{escape(name)}</h2>\n{text}\n</section>\n'
    return page(f"{Path(listing.name).name}, a run", about, body)


def _figures(run: LoadedRun) -> str:
    """The figures of the end by part of the data, and what was found wrong."""
    figures = run.metrics or {k: v for k, v in (run.history or [{}])[-1].items() if "." in k}
    parts = list(dict.fromkeys(key.partition(".")[0] for key in figures))
    names = list(dict.fromkeys(key.partition(".")[2] for key in figures))
    rows = [[part, *(_number(figures.get(f"{part}.{name}", "")) for name in names)] for part in parts]
    text = _table(["", *names], rows) if rows else "<p>The run has no figures yet.</p>"
    for one in conclusion(run_records(run.path)).get("health", ()):
        help = "".join(f"<li>{_with_code(str(line))}</li>" for line in one.get("help", ()))
        text += f'<div class="finding"><p>{_with_code(str(one.get("message", "")))}</p><ul>{help}</ul></div>'
    return text


def _with_code(text: str) -> str:
    """A message as HTML: what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _file(run: LoadedRun) -> str:
    """The file as it was written, and the lines that the command line or the data settled otherwise."""
    text, run_text = source_text(run.net), run.net.graph.source.text
    changes = unified_diff(text.splitlines(), run_text.splitlines(), n=0, lineterm="")
    settled = [line[1:].strip() for line in changes if line.startswith("+") and not line.startswith("+++")]
    html = f'<pre class="source" tabindex="0">{_coloured(text)}</pre>'
    if settled:
        html += "\n<p>What options of the command line, or the data, settled in place of what the file says:</p>\n"
        html += f'<pre class="settled" tabindex="0">{_coloured(chr(10).join(settled))}</pre>'
    return html


def _coloured(text: str) -> str:
    """A text of the language, in colours where Pygments is installed."""
    shown = escape(text)
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_by_name
        from pygments.util import ClassNotFound
    except ImportError:
        return shown
    # Where gpubp is not installed but run from its folder, Pygments knows of no lexer for it.
    with suppress(ClassNotFound):
        shown = highlight(text, get_lexer_by_name("gpubp"), HtmlFormatter(nowrap=True, classprefix="s-"))
    return shown


def _predictions(run: LoadedRun, seed: int) -> Iterator[tuple[str, str]]:
    """What the run makes of rows: charts, and the worst of them."""
    if run.net.graph.rows is None or run.net.graph.train is None:
        return
    try:
        rows = predicted_rows(run, seed)
    except (GpubpError, NetError) as error:
        yield "predictions", f"<p>The data cannot be read any more: {escape(str(error).splitlines()[0])}</p>"
        return
    for found in compare(run, rows):
        about, charts = f"<p>Of {rows.about}.</p>", ""
        if isinstance(found, Numbers):
            charts = _chart(views.against(found))
        elif len(found.words) <= _TABLE:
            charts = _chart(views.confusion(found))
        else:
            right = int((found.true == found.predicted).sum())
            about += f"<p>{right:,} of {len(found.true):,} positions are right.</p>"
        if isinstance(found, Classes) and (plane := views.boundary(run, rows, found)) is not None:
            charts += _chart(plane)
        yield f"predictions: {found.target}", f'{about}<div class="charts">{charts}</div>'
        yield f"worst predictions: {found.target}", _worst(rows, found, run.words)


def _worst(rows: Rows, found: Classes | Numbers, words: Mapping[str, Sequence[str]]) -> str:
    """`words`: those of the inputs that are labels."""
    chosen, how = views.worst(found)
    of = chosen
    if isinstance(found, Classes):
        of = found.rows[chosen]
        heads = [rows.heading, "true", "predicted", "probability of the true class"]
        table_rows = [
            [rows.name(row), found.words[found.true[i]], found.words[found.predicted[i]], f"{found.probability[i]:.4f}"]
            for row, i in zip(of, chosen)
        ]
        if found.places is not None:
            heads.insert(1, "position")
            for line, i in zip(table_rows, chosen):
                line.insert(1, ", ".join(f"{at + 1:,}" for at in found.places[i]))
    else:
        heads = [rows.heading, "true", "predicted", "distance"]
        pairs = [(found.true[i], found.predicted[i]) for i in chosen]
        table_rows = [
            [rows.name(i), _list(true), _list(predicted), f"{abs(predicted - true).mean():.4g}"]
            for i, (true, predicted) in zip(chosen, pairs)
        ]
    what = "rows" if isinstance(found, Numbers) or found.places is None else "positions"
    text = f"<p>Of {rows.about}, the {what} with {how}; {escape(rows.numbering)}.</p>"
    for name, values in rows.inputs.items():
        titles = [
            f"{rows.title(row)}: {found.words[found.true[i]]},\npredicted {found.words[found.predicted[i]]}"
            if isinstance(found, Classes)
            else rows.title(row)
            for row, i in zip(of, chosen)
        ]
        if (shown := views.images(values[of], titles)) is not None:
            text += f'<div class="scroll">{shown.svg}</div>'
            continue
        heads.append(name)
        for line, row, i in zip(table_rows, of, chosen):
            places = found.places if isinstance(found, Classes) and values.ndim == 2 else None
            if name in words and places is not None and places.shape[1] == 1 and places[i, 0] < values.shape[1]:
                line.append(_before(values[row, : places[i, 0] + 1], words[name]))
            elif name in words and values.ndim == 1:
                line.append(words[name][int(values[row])])
            else:
                line.append(_list(values[row].reshape(-1)))
    return text + _table(heads, table_rows)


def _before(labels: Any, words: Sequence[str]) -> str:
    """The last words of a sequence up to the position of an answer, that at the position itself included."""
    shown = " ".join(repr(words[label])[1:-1] for label in labels[-_SHORT:])
    return ("… " if len(labels) > _SHORT else "") + shown


def _environment(about: Mapping[str, Any]) -> str:
    rows = [[key, str(about[key])] for key in ("name", "started", "seed", "precision") if key in about]
    for part in ("asked", "params", "rows", "environment", "data"):
        if isinstance(inner := about.get(part), Mapping):
            prefix = {"environment": "", "data": "SHA-256 of "}.get(part, f"{part}: ")
            rows += [[f"{prefix}{key}", str(value)] for key, value in inner.items()]
    return _table(["", ""], rows, "facts")


def _chart(view: View) -> str:
    return (
        f'<figure><div class="scroll">{view.svg}</div><figcaption>{escape(view.title)}</figcaption>\n'
        f'<details><summary>in words</summary><pre tabindex="0">{escape(view.description)}</pre></details></figure>\n'
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], style: str = "plain") -> str:
    """A table whose first column names its rows."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' if one else "<td></td>" for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _list(values: Any) -> str:
    shown = " ".join(f"{float(value):.4g}" for value in values[:_SHORT])
    return shown + (" …" if len(values) > _SHORT else "")
