"""Calls of the catalogue's entries on values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from .. import syntax
from ..catalog import Signature
from ..graph import Node, Static, Word
from ..source import Span
from ..wording import quoted
from .arguments import Matched, match, report_missing
from .context import Context
from .forms import Form
from .options import bind_options, fitting, form_of
from .statics import StaticError
from .statics import apply as apply_static
from .values import POISON, MultiValue, Operand, Poison, Value, describe, has_node, has_poison, is_number


def inputs_of(cx: Context, matched: Matched) -> list[Operand]:
    """The inputs of a call, those that are still text resolved."""
    return [operand if isinstance(operand, Operand) else cx.operand(operand) for operand in matched.inputs]


def apply_signature(
    cx: Context,
    signature: Signature,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    piped: Sequence[Operand],
    span: Span,
    name: str | None,
) -> Value:
    """An entry of the catalogue on its inputs: a node, or a number where all is static and the entry can."""
    form = form_of(cx, signature)
    if piped and not signature.inputs and not signature.variadic:
        help = [f"it makes a value by itself: `h = {quoted(span.text)}`"]
        return cx.error("E0206", f"`{form.name}` takes no value in", function.span, notes=form.notes, help=help)
    matched = match(cx, form, piped, arguments, fitting(cx, signature))
    inputs = inputs_of(cx, matched)
    if signature.variadic:
        inputs = spread(inputs)
    valid = matched.valid and _valid_inputs(cx, signature, form, function, inputs)
    if valid and matched.missing:
        report_missing(cx, form, matched.missing, function.span)
        valid = False
    if valid and signature.makes_weights and cx.weightless:
        cx.error(
            "E0222",
            f"`{signature.name}` creates weights, but {cx.weightless}",
            function.span,
            help=[
                "compute it in `model`, and give it a name there" if "train" in cx.weightless else _as_block(function)
            ],
        )
        valid = False
    bound = bind_options(cx, signature, form, matched.options, span)
    if isinstance(bound, Poison) or not valid:
        return POISON
    options, spans = bound
    if any(has_poison(operand.value) for operand in inputs):
        return POISON
    if inputs and signature.static is not None and not any(has_node(operand.value) for operand in inputs):
        return _static(cx, signature, inputs, cast("dict[str, Static]", options), span)
    return cx.node(signature.name, inputs, span, name=name, attrs=options, attr_spans=spans, part=signature.part)


def spread(inputs: Sequence[Operand]) -> list[Operand]:
    """Lists of values among the inputs of a function that takes any number, item by item."""
    flat: list[Operand] = []
    for operand in inputs:
        if isinstance(operand.value, tuple):
            flat.extend(spread([Operand(item, operand.span) for item in operand.value]))
        else:
            flat.append(operand)
    return flat


def _valid_inputs(cx: Context, signature: Signature, form: Form, function: syntax.Path, inputs: list[Operand]) -> bool:
    """Whether there are as many inputs as are needed, one of them a tensor (or all static, where that makes sense)."""
    needed = 1 if signature.variadic else len(signature.inputs)
    for operand in inputs:
        if not isinstance(operand.value, Node):
            break
    else:
        if len(inputs) >= max(needed, 1):
            return True
    if needed == 0:
        return True
    if any(has_poison(operand.value) for operand in inputs):
        return len(inputs) >= needed or _too_few(cx, signature, form, function, inputs)
    if not any(has_node(operand.value) for operand in inputs):
        numbers = all(is_number(operand.value) for operand in inputs)
        if signature.static is not None and numbers and len(inputs) >= needed:
            return True
        no_value(cx, function, inputs, form, signature)
        return False
    for operand in inputs:
        if isinstance(operand.value, MultiValue):
            cx.unnamed(operand.value, operand.span)
            return False
        if not isinstance(operand.value, Node) and not is_number(operand.value):
            message = f"`{form.name}` takes tensors, but this is {describe(operand.value)}"
            cx.error("E0316", message, operand.span, notes=form.notes)
            return False
    return len(inputs) >= needed or _too_few(cx, signature, form, function, inputs)


def _too_few(cx: Context, signature: Signature, form: Form, function: syntax.Path, operands: Sequence[Operand]) -> bool:
    """Report a call with fewer inputs than the function works on; False."""
    names = ", ".join(signature.inputs)
    message = f"`{form.name}` takes {len(signature.inputs) or 1} values ({names}), but got {len(operands)}"
    call = completed(cx, form, operands, judged=signature.part in ("loss", "metric"))
    cx.error("E0205", message, function.span, notes=form.notes, help=[f"`{call}`"])
    return False


def completed(cx: Context, form: Form, operands: Sequence[Operand], *, judged: bool = False) -> str:
    """A call that lacks inputs with all of them, `...` for those that are not known. `judged`: it is a loss or a
    metric, which lacks the target, where the model has only one."""
    written = [quoted(operand.span.text, 30) for operand in operands]
    missing = len(form.inputs) - len(operands)
    targets = [node.name for node in cx.shared.nodes if node.kind == "target"]
    if judged and missing == len(targets) == 1:
        written = ["...", *targets] if written == targets else [*written, *targets]
    else:
        written += ["..."] * missing
    return f"{form.name}({', '.join(written)})"


def no_value(
    cx: Context,
    function: syntax.Path,
    inputs: Sequence[Operand],
    form: Form | None = None,
    signature: Signature | None = None,
) -> Poison:
    """Report a call that nothing flows into: `h = dense(8)`. What takes several values, and losses and metrics, are
    called with all of them; the rest stands behind a pipe."""
    written = f"{function.text}({', '.join([operand.span.text for operand in inputs])})" if inputs else function.text
    for operand in inputs:
        if isinstance(operand.value, Word) and operand.value.name == operand.span.text:
            written = function.text
    help = f"`x -> {written}`; for shared weights `layer h = {written}`"
    if signature is not None and (signature.part != "function" or len(signature.inputs) > 1):
        help = f"`{function.text}({', '.join(values_for(cx, signature))})`"
    elif signature is not None and not signature.makes_weights:
        help = f"`x -> {written}`"
    if cx.options and cx.shared.catalog.find("schedule", function.text) is not None:
        help = f"a rate that changes is a key of `train`: `schedule = {function.text}`"
    message = f"`{function.text}` has no input value"
    return cx.error("E0210", message, function.span, notes=form.notes if form else (), help=[help])


def values_for(cx: Context, signature: Signature) -> Sequence[str]:
    """What a function may be called with: the model's one output and its one target, where it works on two values and
    judges one by the other; else the names of its inputs."""
    targets = [node.name for node in cx.shared.nodes if node.kind == "target"]
    outputs = cx.shared.outputs
    judges = signature.part in ("loss", "metric") and len(signature.inputs) == 2
    return [outputs[0], targets[0]] if judges and len(outputs) == len(targets) == 1 else signature.inputs


def _static(
    cx: Context, signature: Signature, inputs: Sequence[Operand], options: dict[str, Static], span: Span
) -> Value:
    function = signature.static
    assert function is not None
    try:
        return apply_static(function, [operand.value for operand in inputs if is_number(operand.value)], options)
    except StaticError as error:
        return cx.error(error.code, error.message, span, help=error.help)


_FN = re.compile(r"\bfn[ ]+(\w+)\((\w+)(?:,[ ]*([^()\n]*))?\)[ ]*=[ ]*([^\n#]*)")


def _as_block(function: syntax.Path) -> str:
    """The help for a layer in a fn: the fn as a block, whose first argument flows in."""
    text, start = function.span.source.text, function.span.start
    match = next((candidate for candidate in _FN.finditer(text) if candidate.start() <= start < candidate.end()), None)
    if match is None:
        return "make it a block: `block f() on x { return x -> ... }`"
    name, flows, formals, body = match.groups()
    return f"make it a block: `block {name}({formals or ''}) on {flows} {{ return {quoted(body.strip())} }}`"
