"""Suggested fixes for shape errors, each verified before it is shown: the changed graph is traced."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dsl import syntax
from dsl.graph import Node, Static, Type, ancestors

from ..errors import ShapeError
from ..ir import FLOATS, Var
from .shape_history import Trace, binding, enclosing

FIXES_CAUSE = " would fit"
"""The end of a help text that changes what led to an error, not its place."""

MAX_NODES = 1000
"""Maximum size of a graph that a fix is tried on: tracing more takes too long for a hint."""


Proposal = tuple[Node, str]
"""A node with the fix applied, and the help text that proposes it."""


def working_fixes(cx: Trace, node: Node, error: ShapeError) -> tuple[str, ...]:
    """The first fix that works, if any."""
    values = [cx.values.get(source) for source in node.inputs]
    if len(node.inputs) != len(node.input_spans) or len(ancestors(node)) > MAX_NODES:
        return ()
    kinds = {
        "E0301": (_with_target, _units, _reshaped, _projected),
        "E0306": (_swapped, _other_loss, _zero_or_one, _one_hot, _declared),
    }
    proposals = kinds.get(error.code, ()) if all(isinstance(value, Var) for value in values) else (_one_hot,)
    for propose in proposals:
        for changed, help in propose(cx, node):
            if cx.fits(ancestors(changed)):
                return (help,)
    return ()


def _replaced(node: Node, old: Node, new: Node) -> Node:
    """`node` with `old` replaced by `new`."""
    made: dict[Node, Node] = {}
    for one in ancestors(node):
        inputs = tuple(made[source] for source in one.inputs)
        attrs: Mapping[str, Static | Node] = {k: made[v] if isinstance(v, Node) else v for k, v in one.attrs.items()}
        changed = inputs != one.inputs or attrs != one.attrs
        made[one] = new if one is old else replace(one, inputs=inputs, attrs=attrs) if changed else one
    return made[node]


def _on(node: Node, i: int, kind: str, attrs: Mapping[str, Static]) -> Node:
    """`node` with a function inserted before its input `i`."""
    source = node.inputs[i]
    put = Node(f"{source.name}.{kind}", kind, attrs, (source,), source.span)
    return replace(node, inputs=(*node.inputs[:i], put, *node.inputs[i + 1 :]))


def _shape(cx: Trace, node: Node) -> tuple[int, ...]:
    shape: tuple[int, ...] = cx.values[node].shape[1:]
    return shape


def _name(node: Node, i: int) -> str | None:
    """The name of an input, if it is a plain name."""
    text = node.input_spans[i].text
    return text if text.isidentifier() else None


def _units(cx: Trace, node: Node) -> Iterator[Proposal]:
    """Another number of units, if it is a literal at the end of the chain that produces the value."""
    for source in node.inputs:
        at = source
        while at.kind != "dense" and len(at.inputs) == 1 and _shape(cx, at.inputs[0]) == _shape(cx, at):
            at = at.inputs[0]
        written = at.attr_spans.get("units")
        if at.kind != "dense" or written is None or not written.text.isdigit() or at.trace != node.trace:
            continue
        start = written.start - at.span.start
        wanted = {
            _type(other).classes or (_shape(cx, other) or (1,))[-1] for other in node.inputs if other is not source
        }
        for units in sorted(wanted):
            text = f"{at.span.text[:start]}{units}{at.span.text[start + len(written.text) :]}"
            changed = replace(at, attrs={**at.attrs, "units": units})
            yield _replaced(node, at, changed), f"`{text}` in place of `{at.span.text}`{FIXES_CAUSE}"


def _type(node: Node) -> Type:
    return node.type or Type(())


def _reshaped(cx: Trace, node: Node) -> Iterator[Proposal]:
    """A reshape to the other's shape, if the order of elements is unambiguous; or trailing axes of size 1."""
    if len(node.inputs) != 2:
        return
    for i in (0, 1):
        name, mine, other = _name(node, i), _shape(cx, node.inputs[i]), _shape(cx, node.inputs[1 - i])
        if name is None or node.inputs[i].kind == "target":
            continue
        plain = [n for n in mine if n != 1] == [n for n in other if n != 1] or len(mine) == 1
        if plain and math.prod(mine) == math.prod(other):
            shapes, what = [other], "has the other's shape"
        else:
            shapes, what = [(*mine, *(1,) * (len(other) - len(mine)))] * (len(mine) < len(other)), "would broadcast"
        for shape in shapes:
            yield _on(node, i, "reshape", {"shape": shape}), f"`{name} -> reshape({list(shape)})` {what}"


def _projected(cx: Trace, node: Node) -> Iterator[Proposal]:
    """A dense layer on the skip path of a residual connection."""
    if node.kind not in ("+", "-") or not isinstance(enclosing(node.span), syntax.Block | syntax.Model):
        return
    for i in (1, 0):
        name, shape = _name(node, i), _shape(cx, node.inputs[1 - i])
        if (
            name is None
            or not (
                node.inputs[i].kind == "input"
                or isinstance(binding(node.input_spans[i]), syntax.Name | syntax.Path | syntax.If)
            )
            or not shape
        ):
            continue
        changed = _on(node, i, "dense", {"units": shape[-1]})
        yield changed, f"project it: `{name} -> dense({shape[-1]})` has the shape {list(shape)}"


def _with_target(cx: Trace, node: Node) -> Iterator[Proposal]:
    """The target in place of another value, in a loss or metric that compares with none."""
    if node.part not in ("loss", "metric") or len(node.inputs) != 2 or any(one.kind == "target" for one in node.inputs):
        return
    first = " ".join(node.input_spans[0].text.split())
    for target in cx.graph.targets:
        changed = replace(node, inputs=(node.inputs[0], target))
        yield changed, f"`{node.kind}({first}, {target.name})` compares with the target"


def _swapped(cx: Trace, node: Node) -> Iterator[Proposal]:
    if node.part in ("loss", "metric") and len(node.inputs) == 2:
        first, second = (" ".join(span.text.split()) for span in node.input_spans)
        yield replace(node, inputs=node.inputs[::-1]), f"`{node.kind}({second}, {first})`: the target comes second"


def _other_loss(cx: Trace, node: Node) -> Iterator[Proposal]:
    """The equivalent loss for the other kind of target."""
    if node.part != "loss" or len(node.inputs) != 2:
        return
    texts = ", ".join(" ".join(span.text.split()) for span in node.input_spans)
    if node.kind == "cross_entropy" and _shape(cx, node.inputs[0]) == _shape(cx, node.inputs[1]):
        changed = replace(node, kind="binary_cross_entropy", attrs={})
        yield changed, f"`binary_cross_entropy({texts})` compares probabilities with numbers from 0 to 1"
    if node.inputs[0].kind == "softmax":
        changed = replace(node, kind="cross_entropy", attrs={})
        yield changed, f"`cross_entropy({texts})` compares probabilities with labels"


def _zero_or_one(cx: Trace, node: Node) -> Iterator[Proposal]:
    """A declaration of a target of two classes as numbers, for an output of one number."""
    if node.part not in ("loss", "metric") or len(node.inputs) != 2 or node.inputs[1].kind != "target":
        return
    target, found = node.inputs[1], _shape(cx, node.inputs[0])
    if _type(target).classes == 2 and found == (*_type(target).shape, 1):
        changed = _replaced(node, target, replace(target, type=Type(found)))
        other = "or for words `dense(2) -> softmax` and `cross_entropy`"
        yield changed, f"`target {target.name}: {Type(found)}` declares numbers, 0 and 1; {other}"


def _one_hot(cx: Trace, node: Node) -> Iterator[Proposal]:
    """Numbers in place of a label."""
    for i, source in enumerate(node.inputs):
        name, value = _name(node, i), cx.values.get(source)
        classes = cx.classes(value) if isinstance(value, Var) else None
        if classes is not None and name is not None:
            shape = [*_shape(cx, source), classes]
            yield _on(node, i, "one_hot", {}).inputs[i], f"`one_hot({name})` turns labels into numbers: {shape}"


def _declared(cx: Trace, node: Node) -> Iterator[Proposal]:
    """A declaration of the target as what the loss compares."""
    if node.part not in ("loss", "metric") or len(node.inputs) != 2 or node.inputs[1].kind != "target":
        return
    target, found = node.inputs[1], _shape(cx, node.inputs[0])
    if found and found[-1] > 1 and cx.values[target].dtype in FLOATS:
        type_ = Type(found[:-1], found[-1])
        changed = _replaced(node, target, replace(target, type=type_))
        yield changed, f"`target {target.name}: {type_}` declares labels"
