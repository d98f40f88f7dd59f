"""The weights of a shared layer, as values: `embed.weight`."""

from __future__ import annotations

from .. import syntax
from ..graph import Node
from .context import Context
from .scopes import Entry, LayerDef
from .suggest import did_you_mean
from .values import POISON, Value

_MEASURES = frozenset({"size", "shape", "ndim", "length", "len"})
"""Attributes that values have in other languages."""


def weight_of(cx: Context, entry: Entry, path: syntax.Path) -> Value:
    """`embed.weight`: a weight of a shared layer, as a value."""
    if entry.value is POISON and entry.definition is None:
        return POISON
    layer = entry.definition
    if not isinstance(layer, LayerDef):
        cx.use(entry)
        message = f"`{path.parts[0].text}` is {entry.described}, and has no parts"
        remedy = "weights that are values belong to a `layer`: `layer f = dense(8)`, `x -> f`, then `f.weight`"
        if isinstance(entry.value, Node) and entry.value.kind in ("input", "target"):
            remedy = (
                f"`slice({path.parts[0].text}, 0, 1)` is its first number; columns of a table are inputs of their own"
            )
        if path.parts[1].text in _MEASURES:
            remedy = "write the size as a number, or name it in the type: `input x: [?n]`, then `dense(n)`"
        return cx.error("E0209", message, path.span, help=[remedy])
    if layer.names is None:
        return cx.error(
            "E0203",
            f"`{path.parts[0].text}` has no weights before its first use",
            path.span,
            help=[f"`x -> {path.parts[0].text}` first"],
        )
    rest = [part.text for part in path.parts[1:]]
    stage = ".".join([layer.place, *rest[:-1]])
    if layer.names and stage not in layer.names:
        places = {name[len(layer.place) + 1 :] for name in layer.names if name.startswith(f"{layer.place}.")}
        known = [f"{path.parts[0].text}.{place}.{rest[-1]}" if place else path.text for place in places]
        message = (
            f"`{path.parts[0].text}` has no stage `{'.'.join(rest[:-1])}`"
            if rest[:-1]
            else f"`{path.text}` names no weight"
        )
        example = tuple([f"for example `{name}`" for name in sorted(known)[:1]])
        help = did_you_mean(path.text, known) or example
        return cx.error("E0201", message, path.span, help=help)
    full = ".".join([layer.place, *rest])
    node = cx.shared.weights.get(full)
    if node is None:
        made = cx.node("weight", (), path.span, name=full, attrs={"path": full})
        if not isinstance(made, Node):
            return made
        node = cx.shared.weights[full] = made
    return node
