"""Warnings for unused names."""

from __future__ import annotations

from .. import syntax
from .context import Context
from .scopes import BlockDef, Entry, FnDef, LayerDef


def warn_unused(cx: Context, trained: bool) -> None:
    """Warn about unused names of the main file, of whose model the context is; those of a block only if it was
    called."""
    declared = cx.unit.scope.names.values()
    for entry in (*declared, *cx.scope.names.values()):
        if trained or entry.kind != "target":
            _entry(cx, entry)
    for entry in declared:
        if isinstance(entry.definition, (BlockDef, FnDef)) and entry.definition.called:
            _inside(cx, entry.definition.syntax)


def _entry(cx: Context, entry: Entry) -> None:
    if id(entry.name) in cx.shared.used or entry.kind == "input":
        return
    if isinstance(entry.definition, LayerDef) and entry.definition.names is not None:
        return
    code = "W0201" if entry.kind in ("value", "target") else "W0202"
    kind = "imported file" if entry.kind == "import" else entry.kind
    cx.warn(code, f"the {kind} `{entry.name.text}` is never used", entry.name.span, help=["use it, or remove it"])


def _inside(cx: Context, definition: syntax.Block | syntax.Fn) -> None:
    names = [(formal.name, "argument") for formal in definition.formals]
    if isinstance(definition, syntax.Block):
        names += [(name, "input") for name in definition.inputs]
        for statement in definition.body:
            made = (statement.name,) if isinstance(statement, syntax.Layer) else statement.names
            names += [(name, "value") for name in made]
    for name, kind in names:
        if id(name) not in cx.shared.used:
            where = definition.name.text
            code = "W0201" if kind == "value" else "W0202"
            message = f"the {kind} `{name.text}` of `{where}` is never used"
            cx.warn(code, message, name.span, help=["use it, or remove it"])
