"""Conversion of arguments to option values, by the kinds of the option, words first (decisions 13 and 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .. import syntax
from ..catalog import REQUIRED, Option, Part, Signature
from ..graph import Choice, Node, Static, Word
from ..source import Span
from ..tokens import number_value
from ..wording import quoted
from .arguments import Fits, OptionArgument, match, report_missing
from .conditions import branch
from .context import Context, PathUse
from .forms import Form
from .kinds import NO_FIT, calls, fit, misfit
from .signatures import defaults, signature_text, takes_text
from .suggest import did_you_mean, foreign_word, listed
from .values import POISON, Operand, Poison, Value, describe, has_node, has_poison


def form_of(cx: Context, signature: Signature) -> Form:
    """The arguments of a signature: optional inputs are passed by name, and so are all options of variadic
    functions."""
    form = cx.shared.forms.get((id(signature), ""))
    if form is None:
        options = signature.options
        names = tuple([option.name for option in options])
        positional = () if signature.variadic else tuple([o.name for o in options if o.kinds != ("value",)])
        required = frozenset([o.name for o in options if o.default is REQUIRED])
        inputs = () if signature.variadic else signature.inputs
        text = signature_text(signature)
        form = Form(signature.name, inputs, names, positional, required, signature.variadic, text)
        cx.shared.forms[id(signature), ""] = form
    return form


def bind_options(
    cx: Context, signature: Signature, form: Form, written: Mapping[str, OptionArgument], span: Span
) -> tuple[dict[str, Static | Node], dict[str, Span]] | Poison:
    """All options of a call, defaults included. All type errors are reported."""
    default_values = defaults(cx, signature, span)
    bound: dict[str, Static | Node] = {}
    spans: dict[str, Span] = {}
    valid = True
    for option in signature.options:
        argument = written.get(option.name)
        if argument is None:
            if option.name in default_values:
                bound[option.name] = default_values[option.name]
            continue
        value = bind(cx, option, argument, (form.note,))
        if isinstance(value, Poison):
            valid = False
        else:
            bound[option.name] = value
            spans[option.name] = argument.span
    return (bound, spans) if valid else POISON


def bind(cx: Context, option: Option, written: OptionArgument, notes: tuple[str, ...] = ()) -> Static | Node | Poison:
    """The value of one option. `notes`: the signature, shown with an error."""
    if written.expr is None:
        assert written.value is not None
        return _fitted(cx, option, written.value, written.name is not None, notes)
    expr = branch(cx, written.expr)
    if expr is None:
        return POISON
    if isinstance(expr, syntax.Path):
        if "word" in option.kinds and expr.text in option.words:
            return Word(expr.text)
        if "path" in option.kinds:
            return expr.text
    if "paths" in option.kinds:
        return _paths(cx, option, expr, notes)
    if "value" in option.kinds:
        return cx.tensor(cx.operand(expr))
    if "choices" in option.kinds and isinstance(expr, syntax.List):
        return _choices(cx, option, expr, notes)
    if option.kinds == ("choices",):
        return cx.error(
            "E0318", f"`{option.name}` takes a list", expr.span, notes=notes, help=[f"`[{expr.span.text}]`"]
        )
    if "choice" in option.kinds:
        choice = _choice(cx, option, expr, notes)
        if choice is not None:
            return choice
    if "names" in option.kinds:
        value: Value = _names(cx, option, expr)
    elif isinstance(expr, syntax.Path) and "string" in option.kinds and _is_unknown(cx, expr, dotted=True):
        help = [f'text needs quotes: `"{quoted(expr.text)}"`']
        return cx.error("E0201", f"there is no value `{expr.text}`", expr.span, label="unknown name", help=help)
    elif isinstance(expr, syntax.Path) and _is_unknown(cx, expr):
        return _unknown_word(cx, option, expr, notes)
    else:
        value = cx.static(expr)
    return _fitted(cx, option, Operand(value, expr.span), written.name is not None, notes)


def _fitted(cx: Context, option: Option, operand: Operand, named: bool, notes: tuple[str, ...]) -> Static | Poison:
    value = operand.value
    if has_poison(value):
        return POISON
    if has_node(value):
        return cx.error(
            "E0316",
            f"`{option.name}` is evaluated when the file is loaded, but this is {describe(value)}",
            operand.span,
            notes=notes,
            help=[f"it takes {takes_text(option)}"],
        )
    fitted = fit(option, value)
    if fitted is not NO_FIT:
        return cast(Static, fitted)
    if isinstance(value, Word) and option.part is not None and "choice" in option.kinds:
        signature = cx.shared.catalog.find(option.part, value.name)
        if signature is not None:
            return bind_choice(cx, signature, (), operand.span, operand.span)
    code, message, help = misfit(option, value, named)
    help = help or _stage(cx, value)
    if code == "E0311" and operand.span.text.count("/") == 1:
        help = (f"`//` drops the fraction: `{quoted(operand.span.text.replace('/', '//'))}`",)
    if option.part is not None and option.kinds == ("choice",) and not help:
        known = cx.shared.catalog.entries.get(option.part, {})
        help = (f"it takes {listed(calls(known, value, operand.span.text) or sorted(known))}",) if known else ()
    if isinstance(value, str) and value in _names_of(cx, option):
        help = (f"names of the language have no quotes: `{option.name} = {value}`",)
    elif isinstance(value, str) and number_value(value) is not None:
        help = (f"a number has no quotes: `{value}`",)
    return cx.error(code, message, operand.span, notes=notes, help=help)


def _stage(cx: Context, value: Value) -> tuple[str, ...]:
    """The help for `dense(8, relu)`: a function of one value is a stage, not an option."""
    name = value.name if isinstance(value, Word) else value if isinstance(value, str) else ""
    signature = cx.shared.catalog.find("function", name)
    if signature is None or len(signature.inputs) != 1:
        return ()
    return (f"`{name}` is a stage of its own: `-> {name}`",)


def _names_of(cx: Context, option: Option) -> set[str]:
    """The words that an option accepts, entries of its part included."""
    names = set(option.words)
    if option.part is not None:
        names |= cx.shared.catalog.entries.get(option.part, {}).keys()
    return names


def _is_unknown(cx: Context, path: syntax.Path, *, dotted: bool = False) -> bool:
    name = path.parts[0].text
    return (
        (dotted or len(path.parts) == 1)
        and name not in cx.shared.words
        and cx.scope.find(name) is None
        and cx.scope.defined_later(name) is None
        and not cx.unit.may_define(name)
    )


def _unknown_word(cx: Context, option: Option, path: syntax.Path, notes: tuple[str, ...]) -> Poison:
    names = _names_of(cx, option)
    numbers = [e.name.text for e in cx.scope.entries() if e.definition is None and not has_node(e.value)]
    if not names:
        help = did_you_mean(path.text, numbers) or foreign_word(path.text, option.name)
        help = help or (f"it takes {takes_text(option)}",)
        return cx.error("E0201", f"there is no value `{path.text}`", path.span, label="unknown name", help=help)
    help = did_you_mean(path.text, names | set(numbers), elsewhere=cx.shared.catalog.elsewhere)
    help = help or foreign_word(path.text, option.name) or (f"it takes {listed(sorted(names))}",)
    return cx.error(
        "E0201", f"`{option.name}` does not know `{path.text}`", path.span, label="unknown word", notes=notes, help=help
    )


# Choices


def _choice(cx: Context, option: Option, expr: syntax.Expr, notes: tuple[str, ...]) -> Static | Poison | None:
    """An entry of the option's part; None if the text is something else that other kinds may accept."""
    part = option.part
    if part is None:
        return None
    if isinstance(expr, syntax.Path):
        signature = cx.shared.catalog.find(part, expr.text)
        return None if signature is None else bind_choice(cx, signature, (), expr.span, expr.span)
    if not isinstance(expr, syntax.Call):
        return None
    name = expr.function
    signature = cx.shared.catalog.find(part, name.text)
    if signature is not None:
        return bind_choice(cx, signature, expr.arguments, expr.span, name.span)
    entry = cx.scope.find(name.text)
    if entry is not None and isinstance(entry.value, Word):
        signature = cx.shared.catalog.find(part, entry.value.name)
        if signature is not None:
            cx.use(entry)
            return bind_choice(cx, signature, expr.arguments, expr.span, name.span)
    if option.kinds != ("choice",) and (entry is not None or cx.shared.catalog.find("function", name.text)):
        return None
    return unknown_entry(cx, part, name)


def unknown_entry(cx: Context, part: Part, name: syntax.Path) -> Poison:
    """Report a name that is not in this part of the catalogue."""
    entries = cx.shared.catalog.entries.get(part, {})
    article = "an" if part[0] in "aeiou" else "a"
    actual = next((p for p, names in cx.shared.catalog.entries.items() if name.text in names), None)
    if actual is not None:
        message = (
            f"`{name.text}` is {'an' if actual[0] in 'aeiou' else 'a'} {actual}, but {article} {part} is needed here"
        )
    else:
        message = f"there is no {part} `{name.text}`"
    known = sorted(entries)
    help = did_you_mean(name.parts[-1].text, entries, elsewhere=cx.shared.catalog.elsewhere)  # `torch.optim.Adam`
    help = help or ((f"there {'is' if len(known) == 1 else 'are'} {listed(known, 'and')}",) if known else ())
    return cx.error("E0208", message, name.span, label=f"unknown {part}" if actual is None else "", help=help)


def bind_choice(
    cx: Context, signature: Signature, arguments: tuple[syntax.Argument, ...], span: Span, name: Span
) -> Choice | Poison:
    """An optimizer, schedule, reader ... with its options bound."""
    form = form_of(cx, signature)
    matched = match(cx, form, (), arguments, fitting(cx, signature))
    if matched.valid and matched.missing:
        report_missing(cx, form, matched.missing, name)
    bound = bind_options(cx, signature, form, matched.options, span)
    if isinstance(bound, Poison) or not matched.valid or matched.missing:
        return POISON
    values, spans = bound
    return Choice(signature.name, cast("dict[str, Static]", values), span, spans)


def fitting(cx: Context, signature: Signature) -> Fits:
    """A predicate: whether an option of the signature would accept an argument; nothing is reported."""

    def fits(name: str, expr: syntax.Expr) -> bool:
        option = next(option for option in signature.options if option.name == name)
        if "duration" in option.kinds and isinstance(expr, syntax.Number):
            return True  # once the name is right, the unit will be asked for
        with cx.shared.report.silence():
            return not isinstance(bind(cx, option, OptionArgument(expr.span, expr)), Poison)

    return fits


def _choices(cx: Context, option: Option, expr: syntax.List, notes: tuple[str, ...]) -> Static | Poison:
    choices: list[Static] = []
    valid = True
    for item in expr.items:
        choice = _choice(cx, option, item, notes)
        if choice is None:
            choice = cx.error("E0310", f"`{option.name}` takes {takes_text(option)}", item.span, notes=notes)
        if isinstance(choice, Poison):
            valid = False
        else:
            choices.append(choice)
    return tuple(choices) if valid else POISON


# Names and paths


def _names(cx: Context, option: Option, expr: syntax.Expr) -> Value:
    """Column names: strings, words of the option, statics; lists are converted item by item."""
    if isinstance(expr, syntax.List):
        return tuple([_names(cx, option, item) for item in expr.items])
    if isinstance(expr, syntax.Path):
        if expr.text in option.words:
            return Word(expr.text)
        if _is_unknown(cx, expr):
            help = did_you_mean(expr.text, option.words) or (f'a name is a string: `"{expr.text}"`',)
            return cx.error(
                "E0201",
                f"`{option.name}` does not know the word `{expr.text}`",
                expr.span,
                label="unknown word",
                help=help,
            )
    return cx.static(expr)


def _paths(cx: Context, option: Option, expr: syntax.Expr, notes: tuple[str, ...]) -> Static | Poison:
    items = expr.items if isinstance(expr, syntax.List) else (expr,)
    paths: list[str] = []
    for item in items:
        if not isinstance(item, syntax.Path):
            help = [f"names have no quotes: `{item.value}`"] if isinstance(item, syntax.String) else []
            return cx.error("E0310", f"`{option.name}` takes {takes_text(option)}", item.span, notes=notes, help=help)
        entry = cx.scope.find(item.parts[0].text)
        if entry is not None:
            cx.use(entry)
        cx.shared.paths.append(PathUse(item.text, item.span))
        paths.append(item.text)
    return tuple(paths)
