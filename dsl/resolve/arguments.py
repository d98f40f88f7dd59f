"""Binding of a call's arguments to the inputs and options of the callee; nothing is evaluated here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .. import syntax
from ..diagnostics import Label
from ..graph import Node
from ..otherwise import ARGUMENTS, otherwise
from ..records import dataclass
from ..source import Span
from ..wording import quoted
from .context import Context
from .forms import Form
from .suggest import called_here, did_you_mean
from .values import Operand

_WEIGHTS = ("weight", "weights", "sample_weight", "sample_weights", "mask")
"""What other frameworks call a factor for each example."""


@dataclass(frozen=True, slots=True)
class OptionArgument:
    """An argument for an option: its expression, or (first in a pipe into a fn) a value."""

    span: Span
    expr: syntax.Expr | None
    value: Operand | None = None
    name: syntax.Name | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """`inputs` in order, some already values; `options` by name; `valid` is False where something was reported."""

    inputs: tuple[Operand | syntax.Expr, ...]
    options: dict[str, OptionArgument]
    valid: bool
    missing: tuple[str, ...]


Fits = Callable[[str, syntax.Expr], bool]
"""Whether an option, by its name, would take an argument: suggestions are verified with it."""


def match(
    cx: Context,
    form: Form,
    piped: Sequence[Operand],
    arguments: Sequence[syntax.Argument],
    fits: Fits | None = None,
) -> Matched:
    """Sort what flows in and what is written; unknown, double and surplus arguments are reported here. `fits` None:
    the options take anything, as a block's do."""
    valid = True
    positions: list[Operand | syntax.Expr] = list(piped)
    named: list[syntax.Argument] = []
    for argument in arguments:
        if argument.name is not None:
            named.append(argument)
        elif named:
            valid = False
            cx.error(
                "E0206",
                "a positional argument follows a named one",
                argument.span,
                label="by position",
                labels=[Label(named[-1].span, "by name")],
                notes=form.notes,
                help=[_decimal_point(named[-1], argument) or "positional arguments come first"],
            )
        else:
            positions.append(argument.value)
    count = len(positions) if form.variadic else len(form.inputs)
    inputs, surplus = tuple(positions[:count]), positions[count:]
    options: dict[str, OptionArgument] = {}
    joined = _as_list(form, surplus, fits)
    if joined:
        valid, surplus = False, []
        help = [f"a list needs brackets: `{form.name}([{joined.span.text}])`"]
        cx.error("E0206", f"`{form.name}` takes one list", joined.span, notes=form.notes, help=help)
    for name, extra in zip(form.positional, surplus):
        if isinstance(extra, Operand):
            options[name] = OptionArgument(extra.span, None, extra)
        else:
            options[name] = OptionArgument(extra.span, extra)
    if len(surplus) > len(form.positional):
        valid = False
        _surplus(cx, form, len(inputs), surplus)
    for argument in named:
        valid &= _by_name(cx, form, argument, options, named, fits)
    missing = tuple([name for name in form.options if name in form.required and name not in options])
    return Matched(inputs, options, valid, missing)


def _decimal_point(before: syntax.Argument, argument: syntax.Argument) -> str:
    """The help for `lr = 0,1`."""
    text = argument.span.source.text[before.value.span.start : argument.span.end]
    if re.fullmatch(r"[0-9_]+,[0-9_]+(?:e-?[0-9]+)?", text) is None:
        return ""
    return f"a decimal has a point: `{text.replace(',', '.')}`"


def _surplus(cx: Context, form: Form, inputs: int, surplus: Sequence[Operand | syntax.Expr]) -> None:
    """Report arguments by position past those that the form takes: a value too many for its inputs, or the last."""
    limit = len(form.positional)
    works_on = "value" if len(form.inputs) == 1 else f"{len(form.inputs)} values"
    values = [operand for operand in surplus if form.inputs and _is_tensor(cx, operand)]
    left_out = values or surplus[limit:]
    if values:
        message = f"`{form.name}` takes {works_on} ({', '.join(form.inputs)}), but got {inputs + len(values)}"
    else:
        takes = f"{_count(limit, 'argument')} at most" if limit else "no arguments"
        beside = f" besides its {'input' if len(form.inputs) == 1 else 'inputs'}" if form.inputs else ""
        message = f"`{form.name}` takes {takes}{beside}"
    texts = [f"`{quoted(operand.span.text, 30)}`" for operand in left_out]
    help = [f"leave out {' and '.join(texts[:3])}{' and the rest' if len(texts) > 3 else ''}"]
    cx.error("E0206", message, left_out[0].span, label="one too many", notes=form.notes, help=help)


def _is_tensor(cx: Context, operand: Operand | syntax.Expr) -> bool:
    """Whether an argument is a value that flows, or the name of one."""
    if isinstance(operand, Operand):
        return isinstance(operand.value, Node)
    entry = (
        cx.scope.find(operand.parts[0].text) if isinstance(operand, syntax.Path) and len(operand.parts) == 1 else None
    )
    return entry is not None and isinstance(entry.value, Node)


def _as_list(form: Form, operands: Sequence[Operand | syntax.Expr], fits: Fits | None) -> syntax.List | None:
    """Several arguments by position that are meant as the one list which the form takes."""
    items = tuple([operand for operand in operands if not isinstance(operand, Operand)])
    if fits is None or len(form.positional) != 1 or len(items) < 2 or len(items) < len(operands):
        return None
    joined = syntax.List(items[0].span.to(items[-1].span), items)
    return joined if fits(form.positional[0], joined) else None


def _by_name(
    cx: Context,
    form: Form,
    argument: syntax.Argument,
    options: dict[str, OptionArgument],
    named: Sequence[syntax.Argument],
    fits: Fits | None,
) -> bool:
    name = argument.name
    assert name is not None
    earlier = options.get(name.text)
    if earlier is not None:
        cx.error(
            "E0206",
            f"`{name.text}` is given twice",
            name.span,
            label="again",
            labels=[Label(earlier.span, "first" if earlier.name else "first, by position")],
            notes=form.notes,
            help=["keep one of them"],
        )
        return False
    if name.text in form.options:
        options[name.text] = OptionArgument(argument.value.span, argument.value, name=name)
        return True
    if name.text in form.inputs:
        order = ", ".join(form.inputs)
        message = f"the input `{name.text}` of `{form.name}` is positional"
        first = f"inputs come first and without names: `{form.name}({order})`"
        cx.error("E0204", message, name.span, notes=form.notes, help=[first])
        return False
    written = {each.name.text for each in named if each.name} | options.keys()
    help = did_you_mean(
        name.text,
        [each for each in form.options if each not in written],
        lambda candidate: fits is None or fits(candidate, argument.value),
        cx.shared.catalog.elsewhere,
    )
    message = f"`{form.name}` has no argument `{name.text}`"
    help = help or _stage_of_its_own(cx, form, argument.value) or _another_has(cx, form, name.text)
    help = help or _factor_of_examples(form, name.text, argument.value) or otherwise(name.text, ARGUMENTS)
    if not form.options:
        help = help or (f"leave it out: `{form.name}` takes no arguments besides its input",)
    cx.error("E0204", message, name.span, label="unknown argument", notes=form.notes, help=help)
    return False


def _factor_of_examples(form: Form, option: str, value: syntax.Expr) -> tuple[str, ...]:
    """The help for `mse(p, y, sample_weight = w)`: what weighs examples stands in the formula."""
    if option not in _WEIGHTS or len(form.inputs) != 2:
        return ()
    factor = value.text if isinstance(value, syntax.Path) else "w"
    return (
        f"a factor for each example stands before the loss: `{factor} * {form.name}(...)`, with `target {factor}: []`",
    )


def _another_has(cx: Context, form: Form, option: str) -> tuple[str, ...]:
    """The help that names the optimizer, layer ... of the same part and a name much alike that has the option."""
    spellings = (option, *called_here(option, cx.shared.catalog.elsewhere))
    for entries in cx.shared.catalog.entries.values():
        for other in entries.values() if form.name in entries else ():
            option_name = next((each.name for each in other.options if each.name in spellings), None)
            related = other.name != form.name and other.name.startswith(form.name[:4])
            if option_name and related:
                return (f"`{other.name}` has it: `{other.name}({option_name} = ...)`",)
    return ()


def _stage_of_its_own(cx: Context, form: Form, value: syntax.Expr) -> tuple[str, ...]:
    """The help for `dense(8, activation = relu)`: what the argument names works on a value, after this."""
    name = value.text if isinstance(value, syntax.Path) else value.value if isinstance(value, syntax.String) else ""
    signature = cx.shared.catalog.find("function", name)
    if not form.inputs or signature is None or len(signature.inputs) != 1:
        return ()
    return (f"`{name}` is a stage of its own: `-> {form.name}(...) -> {name}`",)


def report_missing(cx: Context, form: Form, missing: Sequence[str], span: Span) -> None:
    """Report the options that must be given and were not."""
    names = ", ".join([f"`{name}`" for name in missing])
    cx.error(
        "E0205",
        f"`{form.name}` lacks its {'argument' if len(missing) == 1 else 'arguments'} {names}",
        span,
        notes=form.notes,
        help=[f"`{form.name}({', '.join([f'{name} = ...' for name in missing])})`"],
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
