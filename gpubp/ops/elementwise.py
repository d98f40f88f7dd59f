"""Elementwise primitives. Derivatives are one line each, as in a table of derivatives."""

from __future__ import annotations

import math
from typing import Any

from ..ir import Decomposition, OneNode, Operand, Primitive, Var
from . import helpers
from .choices import cast, equal, gate, greater, greater_equal, less, logical_and, where
from .elements import Rule, elementwise, infix, shape_rule

# Arithmetic ----------------------------------------------------------------------------------------------------------
add: Primitive = infix("add", "+", "add", lambda g, y, a, b: (g, g), floats_only=False, onnx="Add")
sub: Primitive = infix("sub", "-", "subtract", lambda g, y, a, b: (g, -g), floats_only=False, onnx="Sub")
mul: Primitive = infix("mul", "*", "multiply", lambda g, y, a, b: (g * b, g * a), floats_only=False, onnx="Mul")
div: Primitive = infix("div", "/", "divide", lambda g, y, a, b: (g / b, -g * y / b), ranges=((0.5, 2.0),), onnx="Div")
neg: Primitive = elementwise(
    "neg", "-{0}", lambda g, y, x: (-g,), c="-{0}", into=("xp.negative({0}, out={out})",), onnx="Neg"
)
power: Primitive = elementwise(
    "power",
    "xp.power({0}, {1})",
    lambda g, y, a, b: (_power_by_base(g, a, b), _power_by_exponent(g, y, a, b)),
    ranges=((0.5, 2.0),),
    c="power_{t}({0}, {1})",
    inlined=(1,),
    formula="{0}^{1}",
    onnx="Pow",
)
maximum: Primitive = elementwise(
    "maximum",
    "xp.maximum({0}, {1})",
    lambda g, y, a, b: (g * _share(greater(a, b), equal(a, b), g), g * _share(less(a, b), equal(a, b), g)),
    c="({0} > {1} || {0} != {0} ? {0} : {1})",
    onnx="Max",
)
minimum: Primitive = elementwise(
    "minimum",
    "xp.minimum({0}, {1})",
    lambda g, y, a, b: (g * _share(less(a, b), equal(a, b), g), g * _share(greater(a, b), equal(a, b), g)),
    c="({0} < {1} || {0} != {0} ? {0} : {1})",
    onnx="Min",
)


def _share(wins: Var, ties: Var, like: Var) -> Var:
    """1 where an operand wins, 1/2 on ties: the mean of the one-sided derivatives."""
    return cast(wins, dtype=like.dtype) + 0.5 * cast(ties, dtype=like.dtype)


def _power_by_base(g: Var, a: Operand, b: Operand) -> Var | None:
    """b a^(b-1); for b = 0 the derivative is 0, even at a = 0."""
    if not isinstance(a, Var) or (not isinstance(b, Var) and b == 0):
        return None
    slope = g * b * power(a, b - 1.0)
    return where(equal(b, 0.0), 0.0, slope) if isinstance(b, Var) else slope


def _power_by_exponent(g: Var, y: Var, a: Operand, b: Operand) -> Var | None:
    """a^b log a; for a = 0 and b >= 0 it is 0, at b = 0 as the limit from above."""
    if not isinstance(b, Var):
        return None
    if not isinstance(a, Var):
        return g * y * (math.log(a) if a > 0 else 0.0 if a == 0 else math.nan)
    at_zero = logical_and(equal(a, 0.0), greater_equal(b, 0.0))
    return g * y * log(where(at_zero, 1.0, a))


# Exponentials, roots, trigonometry -----------------------------------------------------------------------------------
def _function(name: str, vjp: Rule, **more: Any) -> Primitive:
    """Define a function with the same name in NumPy and C."""
    return elementwise(name, f"xp.{name}({{0}})", vjp, c=f"{name}_{{t}}({{0}})", **more)


exp: Primitive = _function("exp", lambda g, y, x: (g * y,), onnx="Exp")
# ONNX: tanh(x / 2) = (e^x - 1) / (e^x + 1), which loses no digit near 0.
expm1: Primitive = _function(
    "expm1", lambda g, y, x: (g * (y + 1.0),), onnx=Decomposition(lambda x: tanh(0.5 * x) * (exp(x) + 1.0))
)
log: Primitive = _function("log", lambda g, y, x: (g / x,), ranges=((0.5, 3.0),), onnx="Log")


def _log1p_steps(x: Var) -> Var:
    """log w, with w the rounded 1 + x, less what w is too large by as a part of it."""
    w = 1.0 + x
    return where(equal(w - 1.0, x), log(w), log(w) - ((w - 1.0) - x) / w)


log1p: Primitive = _function(
    "log1p", lambda g, y, x: (g / (1.0 + x),), ranges=((-0.5, 3.0),), onnx=Decomposition(_log1p_steps)
)
sqrt: Primitive = _function("sqrt", lambda g, y, x: (0.5 * g / y,), ranges=((0.5, 3.0),), onnx="Sqrt")
sin: Primitive = _function("sin", lambda g, y, x: (g * cos(x),), onnx="Sin")
cos: Primitive = _function(
    "cos",
    lambda g, y, x: (-g * sin(x),),
    onnx=OneNode("Cos", double=Decomposition(lambda x: 1.0 - 2.0 * sin(0.5 * x) * sin(0.5 * x))),
)
tanh: Primitive = _function("tanh", lambda g, y, x: (g * (1.0 - y * y),), onnx="Tanh")


class _Recorder:
    """In the place of an array module: what a helper computes is recorded."""

    abs = staticmethod(lambda x: absolute(x))
    sign = staticmethod(lambda x: sign(x))
    exp = exp
    where = staticmethod(where)


erf: Primitive = elementwise(
    "erf",
    "erf(xp, {0})",
    lambda g, y, x: (g * exp(-(x * x)) * (2.0 / math.sqrt(math.pi)),),
    uses=(helpers.erf, helpers.erf_in_place),
    into=("{out}[...] = {0}", "erf_in_place(xp, {out})"),
    c="erf_{t}({0})",
    onnx=OneNode("Erf", double=Decomposition(lambda x: helpers.erf(_Recorder, x))),
)
# `abs` and `sign` at 0: the derivative is 0, the middle of the subdifferential.
absolute: Primitive = elementwise(
    "abs", "xp.abs({0})", lambda g, y, x: (g * sign(x),), c="absolute_{t}({0})", onnx="Abs"
)
sign: Primitive = elementwise("sign", "xp.sign({0})", lambda g, y, x: (None,), c="sign_{t}({0})", onnx="Sign")
# Piecewise constant: no derivative.
floor: Primitive = _function("floor", lambda g, y, x: (None,), ranges=((0.1, 0.9),), onnx="Floor")

# Activations: primitives, so that rewrite rules can match them ------------------------------------
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
    onnx="Sigmoid",
)
# ONNX: its `Softplus` rounds 1 + exp(x), which leaves few digits of a small result.
softplus: Primitive = elementwise(
    "softplus",
    "xp.logaddexp({0}, 0.0)",
    lambda g, y, x: (g * sigmoid(x),),
    c="logaddexp_{t}({0}, 0)",
    onnx=Decomposition(lambda x: relu(x) + log1p(exp(-absolute(x)))),
)


def _cross_entropy_steps(z: Var, y: Var) -> Var:
    """logaddexp(z (1 - y), -z y)."""
    first, second = z * (1.0 - y), -(z * y)
    return maximum(first, second) + log1p(exp(-absolute(first - second)))


# -(y log s(z) + (1 - y) log(1 - s(z))) with the sigmoid s equals softplus(z) - y z: written so that terms do not cancel
# for y from 0 to 1, and a tiny loss keeps its precision.
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
    scratch=lambda z, y: (shape_rule("sigmoid_cross_entropy", 2, None, True)(z, y),),
    c="logaddexp_{t}({0} * (1 - {1}), -({0} * {1}))",
    onnx=Decomposition(_cross_entropy_steps),
)
# `relu` at 0: the derivative is 0. Written with maximum, so that NaN stays NaN; the derivative depends on the result
# only, so that it may overwrite `x`.
relu: Primitive = elementwise(
    "relu", "xp.maximum({0}, 0.0)", lambda g, y, x: (gate(y > 0.0, g),), c="({0} < 0 ? 0 : {0})", onnx="Relu"
)


SMALLEST = {"float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal numbers."""


def _clamped(p: Var) -> Var:
    """Where `log_probability` is clamped."""
    return logical_and(greater_equal(p, 0.0), less(p, SMALLEST[p.dtype]))


# The logarithm of a probability: one that underflowed to 0 counts as the smallest normal number, a negative one gives
# NaN.
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
    onnx=Decomposition(lambda p: log(where(_clamped(p), SMALLEST[p.dtype], p))),
)
