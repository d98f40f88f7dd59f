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
from .values import POISON, Given, Poison, Several, Value, describe, has_node, has_poison, is_number


def inputs_of(cx: Context, matched: Matched) -> list[Given]:
    """The inputs of a call, those that are still text resolved."""
    return [one if isinstance(one, Given) else cx.given(one) for one in matched.inputs]


def apply_signature(
    cx: Context,
    signature: Signature,
    function: syntax.Path,
    arguments: Sequence[syntax.Argument],
    given: Sequence[Given],
    span: Span,
    name: str | None,
) -> Value:
    """An entry of the catalogue on its inputs: a node, or a number where all is static and the entry can."""
    form = form_of(cx, signature)
    if given and not signature.inputs and not signature.variadic:
        help = [f"it makes a value by itself: `h = {quoted(span.text)}`"]
        return cx.error("E0206", f"`{form.name}` takes no value in", function.span, notes=(form.note,), help=help)
    matched = match(cx, form, given, arguments, fitting(cx, signature))
    inputs = inputs_of(cx, matched)
    if signature.variadic:
        inputs = spread(inputs)
    good = matched.good and _inputs_good(cx, signature, form, function, inputs)
    if good and matched.missing:
        report_missing(cx, form, matched.missing, function.span)
        good = False
    if good and signature.makes_weights and cx.weightless:
        cx.error(
            "E0222",
            f"`{signature.name}` creates weights, but {cx.weightless}",
            function.span,
            help=[
                "compute it in `model`, and give it a name there" if "train" in cx.weightless else _as_block(function)
            ],
        )
        good = False
    bound = bind_options(cx, signature, form, matched.options, span)
    if isinstance(bound, Poison) or not good:
        return POISON
    options, spans = bound
    if any(has_poison(one.value) for one in inputs):
        return POISON
    if inputs and signature.static is not None and not any(has_node(one.value) for one in inputs):
        return _static(cx, signature, inputs, cast("dict[str, Static]", options), span)
    return cx.node(signature.name, inputs, span, name=name, attrs=options, attr_spans=spans, part=signature.part)


def spread(inputs: Sequence[Given]) -> list[Given]:
    """Lists of values among the inputs of a function that takes any number, item by item."""
    flat: list[Given] = []
    for one in inputs:
        if isinstance(one.value, tuple):
            flat.extend(spread([Given(item, one.span) for item in one.value]))
        else:
            flat.append(one)
    return flat


def _inputs_good(cx: Context, signature: Signature, form: Form, function: syntax.Path, inputs: list[Given]) -> bool:
    """Whether there are as many inputs as are needed, one of them a tensor (or all static, where that makes sense)."""
    needed = 1 if signature.variadic else len(signature.inputs)
    for one in inputs:
        if not isinstance(one.value, Node):
            break
    else:
        if len(inputs) >= max(needed, 1):
            return True
    if needed == 0:
        return True
    if any(has_poison(one.value) for one in inputs):
        return len(inputs) >= needed or _too_few(cx, signature, form, function, inputs)
    if not any(has_node(one.value) for one in inputs):
        numbers = all(is_number(one.value) for one in inputs)
        if signature.static is not None and numbers and len(inputs) >= needed:
            return True
        no_value(cx, function, inputs, form.note, signature)
        return False
    for one in inputs:
        if isinstance(one.value, Several):
            cx.unnamed(one.value, one.span)
            return False
        if not isinstance(one.value, Node) and not is_number(one.value):
            message = f"`{form.name}` takes tensors, but this is {describe(one.value)}"
            cx.error("E0316", message, one.span, notes=(form.note,))
            return False
    return len(inputs) >= needed or _too_few(cx, signature, form, function, inputs)


def _too_few(cx: Context, signature: Signature, form: Form, function: syntax.Path, given: Sequence[Given]) -> bool:
    """Report a call with fewer inputs than the function works on; False."""
    names = ", ".join(signature.inputs)
    message = f"`{form.name}` takes {len(signature.inputs) or 1} values ({names}), but got {len(given)}"
    call = completed(cx, form, given, judged=signature.part in ("loss", "metric"))
    cx.error("E0205", message, function.span, notes=(form.note,), help=[f"`{call}`"])
    return False


def completed(cx: Context, form: Form, given: Sequence[Given], *, judged: bool = False) -> str:
    """A call that lacks inputs with all of them, `...` for those that are not known. `judged`: it is a loss or a
    metric, which lacks the target, where the model has only one."""
    written = [quoted(one.span.text, 30) for one in given]
    lacking = len(form.inputs) - len(given)
    targets = [node.label or node.name for node in cx.shared.nodes if node.kind == "target"]
    if judged and lacking == len(targets) == 1:
        written = ["...", *targets] if written == targets else [*written, *targets]
    else:
        written += ["..."] * lacking
    return f"{form.name}({', '.join(written)})"


def no_value(
    cx: Context, function: syntax.Path, inputs: Sequence[Given], note: str = "", signature: Signature | None = None
) -> Poison:
    """Report a call that nothing flows into: `h = dense(8)`. What takes several values, and losses and metrics, are
    called with all of them; the rest stands behind a pipe."""
    written = f"{function.text}({', '.join([one.span.text for one in inputs])})" if inputs else function.text
    for one in inputs:
        if isinstance(one.value, Word) and one.value.name == one.span.text:
            written = function.text
    help = f"`x -> {written}`; for shared weights `layer h = {written}`"
    if signature is not None and (signature.part != "function" or len(signature.inputs) > 1):
        help = f"`{function.text}({', '.join(values_for(cx, signature))})`"
    elif signature is not None and not signature.makes_weights:
        help = f"`x -> {written}`"
    message = f"`{function.text}` has no input value"
    return cx.error("E0210", message, function.span, notes=(note,) if note else (), help=[help])


def values_for(cx: Context, signature: Signature) -> Sequence[str]:
    """What a function may be called with: the model's one output and its one target, where it works on two values and
    judges one by the other; else the names of its inputs."""
    targets = [node.label or node.name for node in cx.shared.nodes if node.kind == "target"]
    outputs = cx.shared.outputs
    judges = signature.part in ("loss", "metric") and len(signature.inputs) == 2
    return [outputs[0], targets[0]] if judges and len(outputs) == len(targets) == 1 else signature.inputs


def _static(
    cx: Context, signature: Signature, inputs: Sequence[Given], options: dict[str, Static], span: Span
) -> Value:
    function = signature.static
    assert function is not None
    try:
        return apply_static(function, [one.value for one in inputs if is_number(one.value)], options)
    except StaticError as error:
        return cx.error(error.code, error.message, span, help=(error.help,) if error.help else ())


_FN = re.compile(r"\bfn[ ]+(\w+)\((\w+)(?:,[ ]*([^()\n]*))?\)[ ]*=[ ]*([^\n#]*)")


def _as_block(function: syntax.Path) -> str:
    """The help for a layer in a fn: the fn as a block, whose first argument flows in."""
    text, start = function.span.source.text, function.span.start
    found = next((each for each in _FN.finditer(text) if each.start() <= start < each.end()), None)
    if found is None:
        return "make it a block: `block f() on x { return x -> ... }`"
    name, flows, rest, body = found.groups()
    return f"make it a block: `block {name}({rest or ''}) on {flows} {{ return {quoted(body.strip())} }}`"
