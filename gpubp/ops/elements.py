"""How elementwise primitives are defined: dtypes, broadcasting, and their code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import (
    FLOATS,
    WEAK,
    Aval,
    Elementwise,
    Example,
    OneNode,
    OnnxForm,
    Operand,
    Primitive,
    Var,
    broadcast_shapes,
    define,
)
from ..wording import counted
from .shaping import sum_to

Rule = Callable[..., Sequence[Var | None]]


def same_dtype(avals: Sequence[Aval]) -> str:
    """The common dtype of the values; literals adopt it. ShapeError for mixed dtypes: there is no implicit
    promotion."""
    found = {a.dtype for a in avals}
    found.discard(WEAK)
    if len(found) != 1:
        raise ShapeError(f"types {' and '.join(sorted(found)) or 'of literals only'} cannot be combined")
    return found.pop()


def broadcast(avals: Sequence[Aval]) -> tuple[int, ...]:
    try:
        return broadcast_shapes(*(a.shape for a in avals))
    except ValueError as error:
        raise ShapeError(str(error)) from None


def shape_rule(name: str, arity: int, result: str | None, floats_only: bool) -> Callable[..., Aval]:
    """The shape rule of an elementwise primitive with `arity` inputs. Raises TypeError for another number of inputs."""

    def infer(*avals: Aval) -> Aval:
        if len(avals) != arity:
            raise TypeError(f"`{name}` takes {counted(arity, 'value')}, but got {len(avals)}")
        dtype = same_dtype(avals)
        if floats_only and dtype not in FLOATS:
            raise ShapeError(f"needs floats, got {dtype}")
        return Aval(broadcast(avals), result or dtype)

    return infer


def unbroadcast(rule: Rule) -> Rule:
    """Reduce cotangents to the inputs' shapes: sum over broadcast axes; literals need none."""

    def vjp(g: Var, y: Var, *xs: Operand) -> Sequence[Var | None]:
        cotangents = rule(g, y, *xs)
        return [
            sum_to(c, x.shape) if isinstance(x, Var) and c is not None else None
            for x, c in zip(xs, cotangents, strict=True)
        ]

    return vjp


def _examples(arity: int, ranges: tuple[tuple[float, float], ...]) -> tuple[Example, ...]:
    shapes: list[tuple[tuple[int, ...], ...]] = [((3, 4),) * arity]
    if arity == 2:
        shapes += [((3, 4), (4,)), ((3, 1), (2, 1, 4)), ((), (5,))]
    return tuple(Example(s, {}, ranges) for s in shapes)


def elementwise(
    name: str,
    numpy: str,
    vjp: Rule | None,
    *,
    c: str = "",
    inlined: tuple[int, ...] = (),
    ranges: tuple[tuple[float, float], ...] = ((-2.0, 2.0),),
    result: str | None = None,
    floats_only: bool = True,
    uses: tuple[Callable[..., Any], ...] = (),
    dtypes: tuple[str, ...] = (),
    into: tuple[str, ...] = (),
    scratch: Callable[..., tuple[Aval, ...]] | None = None,
    formula: str = "",
    onnx: str | OnnxForm = "",
) -> Primitive:
    """Define an elementwise primitive with as many inputs as `numpy` has placeholders; `c` is its C form, if it has
    one, `onnx` its ONNX form, or the name of the operator if it is a single node. Code that is a single call of `xp`
    supports `out` directly; other code specifies in `into` how to write into an array."""
    if not into and not uses:
        into = (f"{numpy[:-1]}, out={{out}})",)
    arity = 1 + max(i for i in range(3) if f"{{{i}}}" in numpy)
    examples = _examples(arity, ranges)
    if dtypes:
        examples = tuple(Example(e.shapes, e.params, e.ranges, dtypes) for e in examples)
    return define(
        Primitive(
            name,
            shape_rule(name, arity, result, floats_only),
            None if vjp is None else unbroadcast(vjp),
            numpy,
            "elementwise",
            examples,
            uses,
            into,
            scratch,
            c=Elementwise(c, inlined) if c else None,
            onnx=(OneNode(onnx) if isinstance(onnx, str) else onnx) if onnx else None,
            formula=formula,
        )
    )


def infix(name: str, operator: str, ufunc: str, vjp: Rule | None, **more: Any) -> Primitive:
    """Define a primitive written as an infix operator."""
    text = f"{{0}} {operator} {{1}}"
    return elementwise(name, text, vjp, c=text, into=(f"xp.{ufunc}({{0}}, {{1}}, out={{out}})",), **more)
