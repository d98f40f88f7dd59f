"""Signatures as text, and normalised defaults."""

from __future__ import annotations

from collections.abc import Mapping

from ..catalog import REQUIRED, Option, Signature
from ..graph import Choice, Static, Word
from ..source import Span
from .context import Context
from .suggest import listed
from .values import show


def signature_text(signature: Signature) -> str:
    """`conv(channels, size, stride = 1, pad = valid)`; inputs are written where there is not just the one that a pipe
    brings."""
    return f"{signature.name}({', '.join(argument_texts(signature))})"


def argument_texts(signature: Signature) -> list[str]:
    """The inputs and options of `signature_text`, each as it is written there."""
    parts: list[str] = []
    if signature.variadic:
        parts.append("any number of values")
    elif len(signature.inputs) != 1:
        parts.extend(signature.inputs)
    return [*parts, *map(option_text, signature.options)]


def option_text(option: Option) -> str:
    """`units`, or with its default `bias = true`."""
    return option.name if option.default is REQUIRED else f"{option.name} = {_default_text(option)}"


def _default_text(option: Option) -> str:
    default = option.default
    if default is None:
        return "..."
    if isinstance(default, str) and ("string" not in option.kinds or default in option.words):
        return default
    return show(default)  # type: ignore[arg-type]


KINDS = {
    "whole": "a whole number",
    "real": "a number",
    "fraction": "a fraction",
    "duration": "a duration (`3epochs`, `200steps`)",
    "flag": "`true` or `false`",
    "string": "a string",
    "numbers": "numbers (a scalar or a rectangular list)",
    "wholes": "a list of whole numbers",
    "durations": "a list of durations",
    "names": "a list of names",
    "path": "a dotted name",
    "paths": "a list of values, stages or layers",
    "value": "a value of the model",
    "loss": "an expression over the model's values",
    "metrics": "a list of metrics",
}


def takes_text(option: Option) -> str:
    """The type of an option, for a message: `a whole number or a list of whole numbers`."""
    parts = []
    for kind in option.kinds:
        if kind == "word":
            parts.append(listed(option.words))
        elif kind == "choice":
            parts.append(f"{'an' if str(option.part)[0] in 'aeiou' else 'a'} {option.part}")
        elif kind == "choices":
            parts.append(f"a list of {option.part}s")
        else:
            parts.append(KINDS[kind])
    if len(parts) > 1:
        return f"{', '.join(parts[:-1])} or {parts[-1]}"
    return parts[0] if parts else "nothing"


def default_of(cx: Context, option: Option, span: Span) -> Static:
    """The default as the graph holds it; some signatures write names of choices and words as strings."""
    default = option.default
    if default is REQUIRED:
        return None
    if isinstance(default, str):
        if default in option.words:
            return Word(default)
        signature = cx.shared.catalog.find(option.part, default) if option.part else None
        if signature is not None:
            return Choice(default, defaults(cx, signature, span), span)
    if isinstance(default, list):
        return tuple(default)
    return default  # type: ignore[return-value]


def defaults(cx: Context, signature: Signature, span: Span) -> Mapping[str, Static]:
    """All options with defaults, computed once per signature."""
    known = cx.shared.defaults.get(id(signature))
    if known is None:
        known = {
            option.name: default_of(cx, option, span) for option in signature.options if option.default is not REQUIRED
        }
        cx.shared.defaults[id(signature)] = known
    return known
