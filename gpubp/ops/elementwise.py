"""Elementwise primitives. Derivatives are one line each, as a table of derivatives has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ShapeError
from ..ir import FLOATS, WEAK, Aval, Example, Operand, Primitive, Scalar, Var, broadcast_shapes, define
from . import helpers
from .shaping import sum_to

Rule = Callable[..., Sequence[Var | None]]


def same_dtype(avals: Sequence[Aval]) -> str:
    """The one type of the values; literals follow. ShapeError where types are mixed: nothing is promoted silently."""
    found = {a.dtype for a in avals} - {WEAK}
    if len(found) != 1:
        raise ShapeError(f"types {' and '.join(sorted(found)) or 'of literals only'} cannot be combined")
    return found.pop()


def broadcast(avals: Sequence[Aval]) -> tuple[int, ...]:
    try:
        return broadcast_shapes(*(a.shape for a in avals))
    except ValueError as error:
        raise ShapeError(str(error)) from None


def _infer(result: str | None, floats_only: bool) -> Callable[..., Aval]:
    def infer(*avals: Aval) -> Aval:
        dtype = same_dtype(avals)
        if floats_only and dtype not in FLOATS:
            raise ShapeError(f"needs floats, got {dtype}")
        return Aval(broadcast(avals), result or dtype)

    return infer


def _unbroadcast(rule: Rule) -> Rule:
    """Cotangents have the inputs' shapes: sum over what was broadcast; literals need none."""

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
    ranges: tuple[tuple[float, float], ...] = ((-2.0, 2.0),),
    result: str | None = None,
    floats_only: bool = True,
    uses: tuple[Callable[..., Any], ...] = (),
    dtypes: tuple[str, ...] = (),
    into: tuple[str, ...] = (),
    scratch: Callable[..., tuple[Aval, ...]] | None = None,
) -> Primitive:
    """Define an elementwise primitive of as many inputs as `numpy` has places; `c` is its C form, if it has one. A text
    that is one call of `xp` takes `out` as it is; another says in `into` how it is written to an array."""
    if not into and not uses:
        into = (f"{numpy[:-1]}, out={{out}})",)
    arity = 1 + max(i for i in range(3) if f"{{{i}}}" in numpy)
    examples = _examples(arity, ranges)
    if dtypes:
        examples = tuple(Example(e.shapes, e.params, e.ranges, dtypes) for e in examples)
    rule = None if vjp is None else _unbroadcast(vjp)
    shape_rule = _infer(result, floats_only)
    return define(
        Primitive(
            name, shape_rule, rule, numpy, "elementwise", examples, uses, into, scratch, c=Scalar(c) if c else None
        )
    )


# Arithmetic ----------------------------------------------------------------------------------------------------------
def _sign(name: str, sign: str, ufunc: str, vjp: Rule | None, **more: Any) -> Primitive:
    """Define a primitive that is written with a sign between its inputs."""
    text = f"{{0}} {sign} {{1}}"
    return elementwise(name, text, vjp, c=text, into=(f"xp.{ufunc}({{0}}, {{1}}, out={{out}})",), **more)


add: Primitive = _sign("add", "+", "add", lambda g, y, a, b: (g, g), floats_only=False)
sub: Primitive = _sign("sub", "-", "subtract", lambda g, y, a, b: (g, -g), floats_only=False)
mul: Primitive = _sign("mul", "*", "multiply", lambda g, y, a, b: (g * b, g * a), floats_only=False)
div: Primitive = _sign("div", "/", "divide", lambda g, y, a, b: (g / b, -g * y / b), ranges=((0.5, 2.0),))
neg: Primitive = elementwise("neg", "-{0}", lambda g, y, x: (-g,), c="-{0}", into=("xp.negative({0}, out={out})",))
power: Primitive = elementwise(
    "power",
    "xp.power({0}, {1})",
    lambda g, y, a, b: (
        _power_by_base(g, a, b),
        g * y * log(where(greater(y, 0.0), a, 1.0)) if isinstance(a, Var) else _log_literal(g * y, a),
    ),
    ranges=((0.5, 2.0),),
    c="power_{t}({0}, {1})",
)
maximum: Primitive = elementwise(
    "maximum",
    "xp.maximum({0}, {1})",
    lambda g, y, a, b: (g * _share(greater(a, b), equal(a, b), g), g * _share(less(a, b), equal(a, b), g)),
    c="({0} > {1} || {0} != {0} ? {0} : {1})",
)
minimum: Primitive = elementwise(
    "minimum",
    "xp.minimum({0}, {1})",
    lambda g, y, a, b: (g * _share(less(a, b), equal(a, b), g), g * _share(greater(a, b), equal(a, b), g)),
    c="({0} < {1} || {0} != {0} ? {0} : {1})",
)


def _share(wins: Var, ties: Var, like: Var) -> Var:
    """1 where an operand wins, 1/2 where both are equal: the mean of the one-sided derivatives."""
    return cast(wins, dtype=like.dtype) + 0.5 * cast(ties, dtype=like.dtype)


def _power_by_base(g: Var, a: Operand, b: Operand) -> Var | None:
    """b a^(b-1); nothing to the 0th power depends on its base, 0 itself included."""
    if not isinstance(a, Var) or (not isinstance(b, Var) and b == 0):
        return None
    return g * b * power(a, b - 1.0)


def _log_literal(g: Var, base: Operand) -> Var | None:
    if isinstance(base, Var):
        return None
    return g * (math.log(base) if base > 0 else math.nan)


# Exponentials, roots, trigonometry -----------------------------------------------------------------------------------
def _function(name: str, vjp: Rule, **more: Any) -> Primitive:
    """Define a function that NumPy and C know by one name."""
    return elementwise(name, f"xp.{name}({{0}})", vjp, c=f"{name}_{{t}}({{0}})", **more)


exp: Primitive = _function("exp", lambda g, y, x: (g * y,))
expm1: Primitive = _function("expm1", lambda g, y, x: (g * (y + 1.0),))
log: Primitive = _function("log", lambda g, y, x: (g / x,), ranges=((0.5, 3.0),))
log1p: Primitive = _function("log1p", lambda g, y, x: (g / (1.0 + x),), ranges=((-0.5, 3.0),))
sqrt: Primitive = _function("sqrt", lambda g, y, x: (0.5 * g / y,), ranges=((0.5, 3.0),))
sin: Primitive = _function("sin", lambda g, y, x: (g * cos(x),))
cos: Primitive = _function("cos", lambda g, y, x: (-g * sin(x),))
tanh: Primitive = _function("tanh", lambda g, y, x: (g * (1.0 - y * y),))
erf: Primitive = elementwise(
    "erf",
    "erf(xp, {0})",
    lambda g, y, x: (g * exp(-(x * x)) * (2.0 / math.sqrt(math.pi)),),
    uses=(helpers.erf, helpers.erf_in_place),
    into=("{out}[...] = {0}", "erf_in_place(xp, {out})"),
    c="erf_{t}({0})",
)
# `abs` and `sign` at 0: the derivative is 0, the middle of the subdifferential.
absolute: Primitive = elementwise("abs", "xp.abs({0})", lambda g, y, x: (g * sign(x),), c="absolute_{t}({0})")
sign: Primitive = elementwise("sign", "xp.sign({0})", lambda g, y, x: (None,), c="sign_{t}({0})")
# Constant between whole numbers: no derivative.
floor: Primitive = _function("floor", lambda g, y, x: (None,), ranges=((0.1, 0.9),))

# Activations: primitives, so that rewriting can see them ------------------------------------------
sigmoid: Primitive = elementwise(
    "sigmoid",
    "1.0 / (1.0 + xp.exp(-{0}))",
    lambda g, y, x: (g * (y * (1.0 - y)),),
    into=(
        "xp.negative({0}, out={out})",
        "xp.exp({out}, out={out})",
        "xp.add(1.0, {out}, out={out})",
        "xp.divide(1.0, {out}, out={out})",
    ),
    c="sigmoid_{t}({0})",
)
softplus: Primitive = elementwise(
    "softplus", "xp.logaddexp({0}, 0.0)", lambda g, y, x: (g * sigmoid(x),), c="logaddexp_{t}({0}, 0)"
)
# -(y log s(z) + (1 - y) log(1 - s(z))) with the sigmoid s, softplus(z) - y z: written so that no term cancels another
# for y from 0 to 1, and a tiny loss keeps its digits.
sigmoid_cross_entropy: Primitive = elementwise(
    "sigmoid_cross_entropy",
    "xp.logaddexp({0} * (1.0 - {1}), -({0} * {1}))",
    lambda g, loss, z, y: (g * (sigmoid(z) - y) if isinstance(z, Var) else None, -(g * z)),
    ranges=((-3.0, 3.0), (0.0, 1.0)),
    into=(
        "xp.subtract(1.0, {1}, out={out})",
        "xp.multiply({0}, {out}, out={out})",
        "xp.multiply({0}, {1}, out={s0})",
        "xp.negative({s0}, out={s0})",
        "xp.logaddexp({out}, {s0}, out={out})",
    ),
    scratch=lambda z, y: (_infer(None, True)(z, y),),
    c="logaddexp_{t}({0} * (1 - {1}), -({0} * {1}))",
)
# `relu` at 0: the derivative is 0. Written with maximum, so that NaN stays NaN; the derivative looks at the result, so
# that it may take the place of `x`.
relu: Primitive = elementwise(
    "relu", "xp.maximum({0}, 0.0)", lambda g, y, x: (gate(y > 0.0, g),), c="({0} < 0 ? 0 : {0})"
)


def _clamped(p: Var) -> Var:
    """Where `log_probability` stands still."""
    smallest = {"float32": 2.0**-126, "float64": 2.0**-1022}[p.dtype]
    return logical_and(greater_equal(p, 0.0), less(p, smallest))


# A probability's logarithm: what underflowed to 0 counts as the smallest normal number, a negative one stays NaN.
log_probability: Primitive = elementwise(
    "log_probability",
    "xp.log(xp.where(({0} >= 0.0) & ({0} < xp.finfo({0}.dtype).tiny), xp.finfo({0}.dtype).tiny, {0}))",
    lambda g, y, p: (where(_clamped(p), 0.0, g / p),),
    ranges=((0.01, 1.0),),
    into=(
        "xp.copyto({out}, {0})",
        "xp.copyto({out}, xp.finfo({out}.dtype).tiny, where=({out} >= 0.0) & ({out} < xp.finfo({out}.dtype).tiny))",
        "xp.log({out}, out={out})",
    ),
    c="log_probability_{t}({0})",
)

# Comparisons and logic: results are bool, without derivative ---------------------------------------------------------
_compare: dict[str, Any] = {"result": "bool", "floats_only": False}
less: Primitive = _sign("less", "<", "less", None, **_compare)
less_equal: Primitive = _sign("less_equal", "<=", "less_equal", None, **_compare)
greater: Primitive = _sign("greater", ">", "greater", None, **_compare)
greater_equal: Primitive = _sign("greater_equal", ">=", "greater_equal", None, **_compare)
equal: Primitive = _sign("equal", "==", "equal", None, **_compare)
not_equal: Primitive = _sign("not_equal", "!=", "not_equal", None, **_compare)
logical_and: Primitive = _sign("logical_and", "&", "logical_and", None, dtypes=("bool", "bool"), **_compare)
isfinite: Primitive = elementwise("isfinite", "xp.isfinite({0})", None, c="({0} - {0} == 0)", result="bool")


def _where_infer(condition: Aval, a: Aval, b: Aval) -> Aval:
    if condition.dtype != "bool":
        raise ShapeError(f"a condition is of type bool, not {condition.dtype}")
    return Aval(broadcast((condition, a, b)), same_dtype((a, b)))


where: Primitive = define(
    Primitive(
        "where",
        _where_infer,
        _unbroadcast(lambda g, y, c, a, b: (None, gate(c, g), where(c, 0.0, g))),
        "xp.where({0}, {1}, {2})",
        "elementwise",
        (Example(((3, 4), (3, 4), (4,)), {}, dtypes=("bool", "float64", "float64")),),
        into=("xp.copyto({out}, {2})", "xp.copyto({out}, {1}, where={0})"),
        c=Scalar("({0} ? {1} : {2})"),
    )
)


def _gate_infer(condition: Aval, a: Aval) -> Aval:
    if condition.dtype != "bool" or a.dtype not in FLOATS:
        raise ShapeError(f"a gate takes a condition and floats, not {condition.dtype} and {a.dtype}")
    return Aval(broadcast((condition, a)), a.dtype)


# `a` where the condition holds, else 0. With a mask of bits this is many times faster than a choice of two values, and
# inf and NaN are shut out like all others.
gate: Primitive = define(
    Primitive(
        "gate",
        _gate_infer,
        _unbroadcast(lambda g, y, c, a: (None, gate(c, g))),
        "xp.where({0}, {1}, 0.0)",
        "elementwise",
        tuple(
            Example(shapes, {}, dtypes=("bool", "float64"))
            for shapes in (((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 1)))
        ),
        into=(
            "xp.negative({0}.view(xp.int8), out={s0})",
            "xp.bitwise_and({1}.view({s0}.dtype), {s0}, out={out}.view({s0}.dtype))",
        ),
        scratch=lambda condition, a: (Aval(condition.shape, a.dtype.replace("float", "int")),),
        c=Scalar("({0} ? {1} : 0)"),
    )
)


def _cast_vjp(g: Var, y: Var, x: Var, *, dtype: str) -> Sequence[Var | None]:
    return (cast(g, dtype=x.dtype) if x.dtype in FLOATS and g.dtype in FLOATS else None,)


cast_primitive: Primitive = define(
    Primitive(
        "cast",
        lambda a, *, dtype: Aval(a.shape, dtype),
        _cast_vjp,
        "{0}.astype(xp.{dtype})",
        "elementwise",
        (Example(((3, 4),), {"dtype": "float64"}, dtypes=("float32",)),),
        into=("{out}[...] = {0}",),
        c=Scalar(lambda *, dtype: "({0} != 0)" if dtype == "bool" else "({type}){0}"),
    )
)


def cast(x: Var, *, dtype: str) -> Var:
    """`x` in another element type; `x` itself where it has that type."""
    return x if x.dtype == dtype else cast_primitive(x, dtype=dtype)
