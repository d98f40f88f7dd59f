"""What a name means: in a function's place, and as a value."""

from __future__ import annotations

import re

from .. import syntax
from ..catalog import Signature
from ..diagnostics import Label
from ..graph import Word
from ..otherwise import FUNCTIONS, otherwise
from .context import Context
from .scopes import BlockDef, Entry, FnDef, LayerDef, Unit
from .suggest import changes_nothing, did_you_mean, foreign_word, listed, nearest, weight_of_a_layer, without_value
from .values import POISON, MultiValue, Poison, Value, describe, has_node, is_number
from .weights import weight_of

_LISTED = "`gpubp words` lists what there is"
"""The help where no name comes near to what was written."""

Target = Signature | LayerDef | BlockDef | FnDef


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


# In a function's place


def function_of(cx: Context, path: syntax.Path) -> Target | Poison:
    """What `path` stands for after `->` or before `(`: values are not seen there."""
    if len(path.parts) > 1:
        return _imported_function(cx, path)
    name = path.parts[0]
    entry = cx.scope.find(name.text)
    if entry is not None and (entry.definition is not None or not _is_value(entry)):
        return _callable(cx, entry, path)
    signature = signature_of(cx, name.text)
    if signature is not None:
        return signature
    if entry is not None:
        cx.use(entry)
        if entry.value is POISON:
            return POISON
        return cx.error(
            "E0209",
            f"`{name.text}` is {describe(entry.value)}, not a function",
            path.span,
            labels=[Label(entry.name.span, "defined here")],
            help=without_value(path)
            or _function_help(cx, name.text)
            or (f"a value cannot be applied; to use a layer in several places: `layer {name.text} = ...`",),
        )
    return _unknown_function(cx, path)


def _is_value(entry: Entry) -> bool:
    return entry.kind in ("value", "input", "target") or has_node(entry.value)


def signature_of(cx: Context, name: str) -> Signature | None:
    """The first of the catalogue's parts that are searched here which knows the name."""
    for part in cx.parts:
        signature = cx.shared.catalog.find(part, name)
        if signature is not None:
            return signature
    return None


def _callable(cx: Context, entry: Entry, path: syntax.Path) -> Target | Poison:
    cx.use(entry)
    if isinstance(entry.definition, (LayerDef, BlockDef, FnDef)):
        return entry.definition
    if isinstance(entry.definition, Unit):
        help = [f"name what it holds: `{path.text}.{name}`" for name in _functions(entry.definition)[:1]]
        return cx.error("E0209", f"`{path.text}` is an imported file, not a function", path.span, help=help)
    value = entry.value
    if isinstance(value, Poison):
        return POISON
    labels = [Label(entry.name.span, f"{entry.described}, defined here")]
    early = too_early(cx, entry, path)
    if early is not None:
        return early
    if isinstance(value, Word):
        signature = signature_of(cx, value.name)
        if signature is not None:
            return signature
        message = f"`{path.text}` is the word `{value.name}`, which is no function"
        return cx.error("E0209", message, path.span, labels=labels)
    help = [f"a number is the argument of a layer: `-> dense({path.text})`"] if is_number(value) else []
    return cx.error("E0209", f"`{path.text}` is {describe(value)}, not a function", path.span, labels=labels, help=help)


def _imported_function(cx: Context, path: syntax.Path) -> Target | Poison:
    entry = cx.scope.find(path.parts[0].text)
    if entry is None or not isinstance(entry.definition, Unit):
        if entry is not None:
            cx.use(entry)
            if entry.value is POISON and entry.definition is None:
                return POISON
        names = [e.name.text for e in cx.scope.entries() if isinstance(e.definition, Unit)]
        message = f"`{path.parts[0].text}` is not an imported file"
        if entry is not None:
            call = re.match(r"\([^()\n]*\)", path.span.source.text[path.span.end : path.span.end + 60])
            pipe = " -> ".join(part.text for part in path.parts) + (call[0] if call else "")
            help = [f"to pass a value on: `{pipe}`"]
            return cx.error("E0208", message, path.parts[0].span, help=help)
        if cx.unit.may_define(path.parts[0].text):
            return POISON
        return cx.error("E0208", message, path.parts[0].span, help=did_you_mean(path.parts[0].text, names))
    target = imported(cx, entry, path)
    if isinstance(target, Poison):
        return POISON
    if isinstance(target, Unit):
        return cx.error("E0209", f"`{path.text}` is an imported file, not a function", path.span)
    return _callable(cx, target, path)


def _functions(unit: Unit) -> list[str]:
    return [name for name, entry in unit.scope.names.items() if isinstance(entry.definition, (BlockDef, FnDef))]


def imported(cx: Context, entry: Entry, path: syntax.Path) -> Entry | Unit | Poison:
    """What `lib.name` (`lib.other.name`) stands for."""
    cx.use(entry)
    unit = entry.definition
    assert isinstance(unit, Unit)
    for i, name in enumerate(path.parts[1:], 2):
        inner = unit.scope.names.get(name.text)
        if inner is None:
            if unit.broken:
                return POISON
            names = list(unit.scope.names)
            message = f"`{unit.path}` has no `{name.text}`"
            help = did_you_mean(name.text, names) or ((f"it has {listed(names[:12], 'and')}",) if names else ())
            return cx.error("E0208", message, name.span, help=help)
        if i == len(path.parts):
            cx.use(inner)
            return inner
        if not isinstance(inner.definition, Unit):
            return cx.error("E0208", f"`{name.text}` is {inner.described}, and has no parts", name.span)
        cx.use(inner)
        unit = inner.definition
    return unit


def _function_names(cx: Context) -> set[str]:
    names = {name for part in cx.parts for name in cx.shared.catalog.entries.get(part, {})}
    for entry in cx.scope.entries():
        if isinstance(entry.definition, (LayerDef, BlockDef, FnDef)):
            names.add(entry.name.text)
        elif isinstance(entry.definition, Unit):
            names.update([f"{entry.name.text}.{name}" for name in _functions(entry.definition)])
    return names


def _function_help(cx: Context, name: str) -> tuple[str, ...]:
    return did_you_mean(name, _function_names(cx), elsewhere=cx.shared.catalog.elsewhere)


def _unknown_function(cx: Context, path: syntax.Path) -> Poison:
    name = path.text
    if cx.shared.report.full or cx.unit.may_define(name):
        return POISON
    for part, entries in cx.shared.catalog.entries.items():
        if name in entries and part not in cx.parts:
            remedy = "penalties belong in `train`, in the loss" if part == "penalty" else ""
            remedy = "metrics belong in `train`: `metrics = [...]`" if part == "metric" else remedy
            if part == "initializer":
                remedy = f"an option takes it: `weight([2], init = {name})`, or `dense(8, init = {name})`"
            message = f"`{name}` is {_article(part)}, which does not belong here"
            return cx.error("E0208", message, path.span, help=(remedy,) if remedy else _function_help(cx, name))
    inner = [e for e in _function_names(cx) if e.endswith(f".{name}")]
    help = (f"did you mean `{inner[0]}`?",) if inner else changes_nothing(name) or otherwise(name, FUNCTIONS)
    help = help or _function_help(cx, name)
    what = {"metric": "metric", "loss": "loss or function"}.get(cx.parts[0], "layer or function")
    return cx.error("E0208", f"there is no {what} `{name}`", path.span, label="unknown name", help=help or (_LISTED,))


# As a value


def too_early(cx: Context, entry: Entry, path: syntax.Path) -> Poison | None:
    """An error where a param or let is used above its line."""
    span = entry.name.span
    if entry.kind not in ("param", "let") or span.source is not path.span.source or span.start < path.span.start:
        return None
    return cx.error(
        "E0203",
        f"`{path.text}` is used before it is defined",
        path.span,
        labels=[Label(span, "defined here")],
        help=[f"move this {entry.kind} up"],
    )


def value_of(cx: Context, path: syntax.Path) -> Value:
    """What `path` stands for as a value."""
    name = path.parts[0].text
    entry = cx.scope.find(name)
    if entry is None or (cx.options and has_node(entry.value)):
        return _word_or_unknown(cx, path, entry)
    if isinstance(entry.definition, Unit) and len(path.parts) > 1:
        target = imported(cx, entry, path)
        if isinstance(target, (Poison, Unit)):
            return POISON if target is POISON else cx.error("E0209", f"`{path.text}` is an imported file", path.span)
        entry = target
    elif len(path.parts) > 1:
        cx.use(entry)
        return weight_of(cx, entry, path)
    cx.use(entry)
    early = too_early(cx, entry, path)
    if early is not None:
        return early
    if entry.definition is not None:
        return _not_a_value(cx, entry, path)
    if isinstance(entry.value, MultiValue):
        return cx.unnamed(entry.value, path.span)
    return entry.value


def _not_a_value(cx: Context, entry: Entry, path: syntax.Path) -> Poison:
    if isinstance(entry.definition, Unit):
        return cx.error("E0209", f"`{path.text}` is an imported file, not a value", path.span)
    return cx.error(
        "E0210",
        f"`{path.text}` has no input value",
        path.span,
        labels=[Label(entry.name.span, f"{entry.described}, defined here")],
        help=[f"`x -> {path.text}`"],
    )


def _word_or_unknown(cx: Context, path: syntax.Path, entry: Entry | None) -> Value:
    text = path.text
    if entry is not None and len(path.parts) > 1:
        return weight_of(cx, entry, path)
    if entry is not None and text not in cx.shared.words:
        cx.use(entry)
        return cx.error(
            "E0316",
            f"`{text}` is a tensor, but this is evaluated when the file is loaded",
            path.span,
            labels=[Label(entry.name.span, "defined here")],
            help=["write a number, a param or a let: options are determined before any data is read"],
        )
    later = cx.scope.defined_later(path.parts[0].text)
    if len(path.parts) == 1 and text in cx.shared.words and (cx.options or later is None):
        return POISON if cx.unit.broken and (not cx.options or cx.unit.may_define(text)) else Word(text)
    if later is not None:
        labels = [Label(later, "defined here")]
        help = ["a name is used after its definition: move that line up"]
        return cx.error(
            "E0203", f"`{path.parts[0].text}` is used before it is defined", path.span, labels=labels, help=help
        )
    if cx.shared.report.full or cx.unit.may_define(path.parts[0].text):
        return POISON
    names = [e.name.text for e in cx.scope.entries() if e.definition is None and not (cx.options and has_node(e.value))]
    help = list(did_you_mean(path.parts[0].text, names) or foreign_word(path.parts[0].text))
    if not help:
        function = nearest(path.parts[0].text, cx.shared.words)
        help = [f"did you mean the word `{function}`?"] if function and cx.options else []
        help = help or ([] if cx.options else list(weight_of_a_layer(text) or _function_help(cx, path.parts[0].text)))
    return cx.error(
        "E0201", f"there is no value `{path.parts[0].text}`", path.parts[0].span, label="unknown name", help=help
    )
