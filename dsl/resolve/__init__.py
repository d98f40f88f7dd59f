"""Syntax tree + catalogue -> LayerGraph: names, params and types settled, blocks, loops and `if` expanded."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from .. import syntax
from ..catalog import Catalog
from ..diagnostics import Diagnostic, DiagnosticError, Label
from ..graph import Data, LayerGraph, Train
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
    measure: Measure | None = None,
    read: Callable[[str], str] | None = None,
) -> tuple[LayerGraph | None, list[Diagnostic]]:
    """Parse and resolve a file.

    `params`: new values of params and of sizes named by `?k`, as text (`--set width=64`). `measure` is asked for the
    data's types where a `?` needs them; `read` gives the text of an imported file, or raises OSError. Returns the
    graph, or None where there is any error, and all findings: errors first, in the order of the text. It never raises
    for what a file says.
    """
    report = Report()
    words = {name for names in catalog.entries.values() for name in names}
    for names in catalog.entries.values():
        for signature in names.values():
            for option in signature.options:
                words.update(option.words)
    for option in catalog.train.values():
        words.update(option.words)
    shared = Shared(catalog, report, words, evaluate, params)
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
    file_cx = context_of(shared, unit)
    data_section = _section(file_cx, syntax.Data)
    model_section = _section(file_cx, syntax.Model)
    train_section = _section(file_cx, syntax.Train)
    data = resolve_data(file_cx, data_section) if data_section is not None else None
    sizes, made, train = Sizes(), Declarations(), None
    scope: Scope | None = None
    if model_section is not None:
        broken = isinstance(data, Poison) or (unit.broken and data is None)
        sizes = measure_sizes(file_cx, model_section, None if isinstance(data, Poison) else data, broken, measure)
        scope = Scope(unit.scope)
        cx = Context(shared, unit, scope, "", StageNames("model"))
        made = resolve_model(cx, model_section, sizes)
        count = len(shared.nodes)
        if train_section is not None:
            found = resolve_train(cx, train_section)
            train = None if isinstance(found, Poison) else found
        check_outputs(cx, made)
        if data_section is not None and data is not None and not unit.broken:
            names = [(one.name.text, one.name.span) for one in declarations(model_section)]
            check_names(file_cx, data_section, data, names)
        named = {size.name.text for one in declarations(model_section) for size in unknowns(one) if size.name}
    else:
        count, named = 0, set()
        _no_model(file_cx, data_section, train_section)
    for entry in list(unit.scope.names.values()):
        if isinstance(entry.definition, BlockDef | FnDef) and not entry.definition.called:
            check_body(file_cx, entry.definition)
    check_paths(file_cx if scope is None else cx, scope)
    if not unit.broken:
        unknown_overrides(shared, {*loader.param_names, *named})
    if shared.report.errors:
        return None
    if model_section is not None:
        check_inputs(cx, made, model_section)
        warn_no_output(cx, made, model_section)
        warn_unused(cx, unit, scope, train_section is not None)
    return LayerGraph(
        source,
        tuple(shared.nodes[:count]),
        tuple(made.inputs),
        tuple(made.targets),
        made.outputs,
        made.values,
        loader.params,
        sizes.named,
        data if isinstance(data, Data) else None,
        train if isinstance(train, Train) else None,
    )


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
