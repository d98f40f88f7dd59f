"""Syntax tree + catalogue -> LayerGraph: names, params and types settled, blocks, loops and `if` expanded."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import TypeVar

from .. import syntax
from ..catalog import Catalog
from ..diagnostics import Diagnostic, DiagnosticError, Label
from ..graph import Data, LayerGraph, Node, Train
from ..notation import COMMAND_LINE, Notation
from ..records import dataclass
from ..source import Source, Span
from ..wording import MODEL
from .blocks import check_body
from .context import Context, Shared
from .data import check_names, resolve_data
from .expressions import evaluate
from .model import (
    Declarations,
    Measure,
    check_inputs,
    check_outputs,
    declarations,
    measure_sizes,
    resolve_model,
    warn_no_output,
)
from .naming import StageNames
from .params import unknown_overrides
from .places import check_paths
from .report import Report
from .scopes import BlockDef, FnDef, Scope
from .train import resolve_train
from .types import Sizes, unknowns
from .units import Loader, context_of
from .unused import warn_unused
from .values import Poison

__all__ = ["Measure", "resolve"]

STACK = 60_000
"""Frames that `limits.MAX_NESTED` expressions in work at once may need; they are plain Python calls, held on the
heap."""

_stack = threading.Lock()

Section = TypeVar("Section", syntax.Data, syntax.Model, syntax.Train)


def resolve(
    source: Source,
    catalog: Catalog,
    *,
    params: Mapping[str, str] = {},
    notation: Notation = COMMAND_LINE,
    measure: Measure | None = None,
    read: Callable[[str], str] | None = None,
) -> tuple[LayerGraph | None, list[Diagnostic]]:
    """Parse and resolve a file.

    `params`: new values of params and of sizes named by `?k`, as text (`--set width=64`); `notation`: how they are
    written. `measure` is asked for the data's types where a `?` needs them; `read` gives the text of an imported file,
    or raises OSError. Returns the graph, or None where there is any error, and all findings: errors first, in the order
    of the text. It never raises for what a file says.
    """
    report = Report()
    words = {name for names in catalog.entries.values() for name in names}
    for names in catalog.entries.values():
        for signature in names.values():
            for option in signature.options:
                words.update(option.words)
    for option in catalog.train.values():
        words.update(option.words)
    shared = Shared(catalog, report, words, evaluate, params, notation)
    graph: LayerGraph | None = None
    with _deep_stack():
        try:
            graph = _resolve(source, Loader(shared, read), measure)
        except DiagnosticError as error:
            report.extend(error.diagnostics)
    return (None if report.errors else graph), report.sorted(source)


@contextmanager
def _deep_stack() -> Iterator[None]:
    """Room for deep expansions, for one resolve at a time: the limit belongs to the whole interpreter."""
    with _stack:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, STACK))
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


def _resolve(source: Source, loader: Loader, measure: Measure | None) -> LayerGraph | None:
    shared = loader.shared
    unit = loader.load(source, source.path, "")
    cx = context_of(shared, unit)
    data_section, section = _section(cx, syntax.Data), _section(cx, syntax.Model)
    train_section = _section(cx, syntax.Train)
    data = resolve_data(cx, data_section) if data_section is not None else None
    model, train = _Model(cx), None
    if section is None:
        _no_model(cx, data_section, train_section)
    else:
        model = _model(cx, section, data, measure)
        train = resolve_train(model.cx, train_section) if train_section is not None else None
        check_outputs(model.cx, model.made)
        if data_section is not None and data is not None and not unit.broken:
            check_names(cx, data_section, data, [(one.name.text, one.name.span) for one in declarations(section)])
    for entry in list(unit.scope.names.values()):
        if isinstance(entry.definition, BlockDef | FnDef) and not entry.definition.called:
            check_body(cx, entry.definition)
    check_paths(model.cx)
    if not unit.broken:
        unknown_overrides(shared, {*loader.param_names, *model.named})
    if shared.report.errors:
        return None
    if section is not None:
        check_inputs(model.cx, section)
        warn_no_output(model.cx, model.made, section)
        warn_unused(model.cx, train_section is not None)
    return LayerGraph(
        source,
        model.nodes,
        tuple(model.made.inputs),
        tuple(model.made.targets),
        model.made.outputs,
        model.made.values,
        loader.params,
        model.sizes.named,
        data if isinstance(data, Data) else None,
        train if isinstance(train, Train) else None,
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """The model of a file; empty for a file of blocks, fns and params. `cx`: where its names are known; `named`: the
    sizes that `?k` names."""

    cx: Context
    made: Declarations = field(default_factory=Declarations)
    nodes: tuple[Node, ...] = ()
    sizes: Sizes = field(default_factory=Sizes)
    named: Collection[str] = ()


def _model(file: Context, section: syntax.Model, data: Data | Poison | None, measure: Measure | None) -> _Model:
    rows, broken = (None, True) if isinstance(data, Poison) else (data, file.unit.broken and data is None)
    sizes = measure_sizes(file, section, rows, broken, measure)
    cx = Context(file.shared, file.unit, Scope(file.unit.scope), "", StageNames("model"))
    made = resolve_model(cx, section, sizes)
    named = {size.name.text for one in declarations(section) for size in unknowns(one) if size.name}
    return _Model(cx, made, tuple(file.shared.nodes), sizes, named)


def _section(cx: Context, kind: type[Section]) -> Section | None:
    """The one section of its kind."""
    found = [statement for statement in cx.unit.file.statements if isinstance(statement, kind)]
    word = kind.__name__.lower()
    for again in found[1:]:
        first = found[0].span
        labels = [Label(Span(first.source, first.start, first.start + len(word)), "first here")]
        span = Span(again.span.source, again.span.start, again.span.start + len(word))
        cx.error(
            "E0213",
            f"there are two sections `{word}`",
            span,
            label="again here",
            labels=labels,
            help=["merge them"],
        )
    return found[0] if found else None


def _no_model(cx: Context, data: syntax.Data | None, train: syntax.Train | None) -> None:
    """A file of blocks, fns and params is fine by itself; one with data or training needs a model, and so does an
    empty one."""
    if cx.unit.broken:
        return
    section, word = (data, "data") if data is not None else (train, "train")
    if section is not None:
        span = Span(section.span.source, section.span.start, section.span.start + len(word))
        cx.error("E0213", "this file has no `model`", span, help=[f"add {MODEL}"])
    elif not cx.unit.file.statements:
        cx.error("E0213", "this file says nothing", Span(cx.unit.source, 0, 0), help=[f"add {MODEL}"])
