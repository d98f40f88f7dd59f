"""The section `data`: a reader or rows for each input and target, and the split."""

from __future__ import annotations

from collections.abc import Iterable

from .. import syntax
from ..diagnostics import Label
from ..graph import Choice, Data, DataEntry, Static, Word
from ..source import Span
from ..wording import quoted
from .conditions import branch
from .context import Context
from .options import bind_choice, unknown_entry
from .suggest import did_you_mean, done_in_model, listed
from .values import POISON, Poison, describe, has_node, has_poison, plain


def resolve_data(cx: Context, section: syntax.Data) -> Data | Poison:
    """All entries; poison where one of them is broken."""
    entries: list[DataEntry] = []
    split: Choice | None = None
    split_span: Span | None = None
    first_spans: dict[str, Span] = {}
    valid = True
    for statement in section.body:
        if len(statement.names) == 1 and statement.names[0].text == "split":
            if split_span is not None:
                valid = _twice(cx, statement.names[0], split_span)
            split_span = statement.names[0].span
            choice = _split(cx, statement.value)
            if isinstance(choice, Choice):
                split = choice
            else:
                valid = False
            continue
        for name in statement.names:
            if name.text in first_spans:
                valid = _twice(cx, name, first_spans[name.text])
            first_spans.setdefault(name.text, name.span)
        entry = _entry(cx, statement)
        if entry is None:
            valid = False
        else:
            entries.append(entry)
    return Data(tuple(entries), split, section.span) if valid else POISON


def _twice(cx: Context, name: syntax.Name, first: Span) -> bool:
    labels = [Label(first, "first here")]
    cx.error("E0202", f"`data` gives `{name.text}` twice", name.span, label="again here", labels=labels)
    return False


def _split(cx: Context, written: syntax.Expr) -> Choice | Poison:
    expr = branch(cx, written)
    if expr is None:
        return POISON
    if isinstance(expr, syntax.Call):
        signature = cx.shared.catalog.find("split", expr.function.text)
        if signature is None:
            return unknown_entry(cx, "split", expr.function)
        return bind_choice(cx, signature, expr.arguments, expr.span, expr.function.span)
    help = ["`split = split(train = 80%, valid = 20%)`"]
    return cx.error("E0225", "`split` says how to divide the rows", expr.span, help=help)


def _entry(cx: Context, statement: syntax.Bind) -> DataEntry | None:
    expr = branch(cx, statement.value)
    if expr is None:
        return None
    names = tuple([name.text for name in statement.names])
    spans = tuple([name.span for name in statement.names])
    value: Choice | Static | Poison
    if isinstance(expr, (syntax.Call, syntax.Path)):
        path = expr.function if isinstance(expr, syntax.Call) else expr
        signature = cx.shared.catalog.find("reader", path.text)
        if signature is None:
            value = unknown_entry(cx, "reader", path)
        else:
            arguments = expr.arguments if isinstance(expr, syntax.Call) else ()
            value = bind_choice(cx, signature, arguments, expr.span, path.span)
    elif isinstance(expr, syntax.List):
        if len(names) > 1:
            message = f"there are {len(names)} names, but inline rows fill only one"
            cx.error("E0218", message, spans[0].to(spans[-1]), help=["give each name its own rows"])
            return None
        value = _rows(cx, expr)
    else:
        help = ['`x = csv("file.csv")`, `x = [[0, 1], [1, 0]]`']
        if isinstance(expr, syntax.String) and expr.value.endswith(("csv", "csv.gz", "tsv", "txt")):
            help = [f"`{', '.join(names)} = csv({quoted(expr.span.text)})`"]
        elif names[0] in cx.shared.catalog.train:
            help = [f"`{names[0]}` is a key of `train`"]
        value = cx.error("E0225", "`data` takes a reader or rows", expr.span, help=help)
    if isinstance(value, (Choice, tuple)):
        return DataEntry(names, value, statement.span, spans, expr.span)
    return None


def _rows(cx: Context, expr: syntax.Expr) -> Static | Poison:
    """Rows in the file: nested lists of numbers, strings and words; a name that is no value is a word."""
    if isinstance(expr, syntax.List):
        items = [_rows(cx, item) for item in expr.items]
        return POISON if any(item is POISON for item in items) else tuple(items)  # type: ignore[arg-type]
    if isinstance(expr, syntax.Path) and len(expr.parts) == 1 and cx.scope.find(expr.text) is None:
        return Word(expr.text)
    value = cx.static(expr)
    if has_poison(value):
        return POISON
    if has_node(value):
        return cx.error("E0316", f"rows hold numbers and words, but this is {describe(value)}", expr.span)
    return plain(value)


def check_names(
    cx: Context, section: syntax.Data, data: Data | Poison, declarations: Iterable[tuple[str, Span]]
) -> None:
    """`data` names the inputs and targets, all of them, and nothing else; or the `split` alone, of rows that a caller
    hands over."""
    if section.body and all(name.text == "split" for statement in section.body for name in statement.names):
        return
    declared = dict(declarations)
    names = {name.text for statement in section.body for name in statement.names}
    for statement in section.body:
        for name in statement.names:
            misplaced = name.text in cx.shared.catalog.train and not isinstance(
                statement.value, syntax.Call | syntax.List
            )
            if name.text not in declared and name.text != "split" and not misplaced:
                message = f"`data` defines `{name.text}`, but the model has no such input or target"
                free = [candidate for candidate in declared if candidate not in names]
                help = did_you_mean(name.text, free) or ((f"the model has {listed(free, 'and')}",) if free else ())
                help = (f"did you mean `{free[0]}`?",) if len(free) == 1 else help
                help = help or done_in_model(name.text, cx.shared.catalog)
                if name.text.lower().startswith(("divide", "valid", "test")):
                    help = help or ("the rows are divided by `split = split(train = 80%, valid = 20%)`",)
                help = help or (f"declare it in `model`: `input {name.text}: [?]`; or leave it out",)
                cx.error("E0225", message, name.span, help=help)
    if isinstance(data, Poison):
        return
    surplus = [name for name in names if name not in declared and name != "split"]
    missing = [text for text in declared if text not in names]
    for text in missing:
        if not did_you_mean(text, surplus):
            cx.error("E0225", f"`data` gives no `{text}`", declared[text], help=[f"add `{text} = ...` to `data`"])
