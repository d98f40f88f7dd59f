"""Values, primitives, equations, and how equations are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Literal

from dsl.records import dataclass

from ..errors import GpubpError
from .avals import FLOATS, WEAK, Aval
from .cforms import CForm
from .context import current_origin, truthless
from .onnx_forms import OnnxForm

Trait = Literal["elementwise", "rowwise", "reduce", "gemm", "view", "opaque"]


@dataclass(frozen=True, slots=True)
class Example:
    """Arguments to test a primitive on: shapes, ranges to draw from (one for all or each), dtypes if not float."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any]
    ranges: tuple[tuple[float, float], ...] = ((-2.0, 2.0),)
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One operation, defined once.

    `infer(*avals, **params)` is its shape rule (raises ShapeError); it returns a tuple if there are several results.
    `vjp(g, y, *xs, **params)` returns the cotangent of each input, or None; `vjp` itself is None if the operation is
    not differentiable (with several results, `g` and `y` are tuples, and a `g` may be None). `numpy` is its code over
    an array module `xp`, with `{0}`, `{1}` for the inputs and `{axis}` for params, or a function from params to that
    code; `helpers` are functions that the code calls. `examples` are arguments to test it on.

    For memory planning: `into` are statements that write the result to the preallocated array `{out}`, with `{s0}`,
    `{s1}` for scratch arrays of the shapes that `scratch(*avals, **params)` returns; an input that only the first
    statement reads may alias `{out}`. Without `into`, the result of `numpy` is copied. `view(offset, shape, strides,
    **params)` returns, for trait `view`, the offset and strides of the result within the input's memory (in elements),
    or None if it must be copied; `inverse(shape, **params)` returns the params of the inverse view, back to an input of
    that shape. `concat_starts(*avals, **params)` returns, for a primitive that concatenates its inputs, where each
    begins in the result.

    If a param is a program (the body of a loop), `{body}` in the code is the name of a function that runs it.
    `save_residuals(eqn)` returns the equation with its residuals appended to its results, for the derivative to use.
    `prune(eqn, needed, dce)` returns it without the results not in `needed`, and the inputs that only those require;
    `dce` prunes a program. `stack(flags, count, *inputs, **params)` records it for `count` copies, where the flagged
    inputs have a leading axis, if its trait does not imply how (gpubp.transforms.stack); instead of a param that is a
    program it receives a function from flags of that program's inputs to its stacked version. `flops(*avals, **params)`
    counts floating-point operations if not one per element of the result; `calls(*avals, **params)`, for trait `gemm`,
    the matrix products that NumPy computes one after the other.

    `c` and `onnx` are its C and ONNX forms; without the first it runs in NumPy among compiled kernels. `formula` is its
    textbook notation, a string or a function from params to one, if not its operator or `name(inputs)` (gpubp.insight).
    """

    name: str
    infer: Callable[..., Aval | tuple[Aval, ...]]
    vjp: Callable[..., Sequence[Var | None]] | None
    numpy: str | Callable[..., str]
    trait: Trait
    examples: tuple[Example, ...]
    helpers: tuple[Callable[..., Any], ...] = ()
    into: tuple[str, ...] | Callable[..., tuple[str, ...]] = ()
    scratch: Callable[..., tuple[Aval, ...]] | None = None
    view: Callable[..., tuple[int, tuple[int, ...]] | None] | None = None
    inverse: Callable[..., Mapping[str, Any]] | None = None
    concat_starts: Callable[..., tuple[tuple[int, ...], ...]] | None = None
    save_residuals: Callable[[Eqn], Eqn] | None = None
    prune: Callable[..., Eqn] | None = None
    stack: Callable[..., Var | tuple[Var, ...]] | None = None
    flops: Callable[..., int] | None = None
    calls: Callable[..., int] | None = None
    c: CForm | None = None
    onnx: OnnxForm | None = None
    formula: str | Callable[..., str] = ""

    def __call__(self, *inputs: Operand, **params: Any) -> Var:
        (result,) = bind(self, *inputs, **params)
        return result

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


PRIMITIVES: dict[str, Primitive] = {}
"""Every primitive by name, in order of definition."""


def define(primitive: Primitive) -> Primitive:
    """Register a primitive. Raises GpubpError if the name is taken."""
    if primitive.name in PRIMITIVES:
        raise GpubpError(f"primitive `{primitive.name}` is defined twice")
    PRIMITIVES[primitive.name] = primitive
    return primitive


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """A value of a program, compared by identity. `hint` is a readable name, not necessarily unique."""

    aval: Aval
    hint: str = ""

    # NumPy must leave its operators to this class, and refuse to apply its own functions.
    __array_ufunc__ = None

    def __bool__(self) -> bool:
        if truthless.get():
            raise TypeError("while a layer is traced no value is known, so `if` cannot ask for it: `ops.where` chooses")
        return True

    def __getitem__(self, index: object) -> Var:
        raise TypeError("a value is not indexed: `ops.slice_` takes a part of it")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> str:
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        return len(self.aval.shape)

    # Each operator is the primitive of that name, defined in gpubp.ops.
    def __add__(self, other: Operand) -> Var:
        return PRIMITIVES["add"](self, other)

    def __radd__(self, other: Operand) -> Var:
        return PRIMITIVES["add"](other, self)

    def __sub__(self, other: Operand) -> Var:
        return PRIMITIVES["sub"](self, other)

    def __rsub__(self, other: Operand) -> Var:
        return PRIMITIVES["sub"](other, self)

    def __mul__(self, other: Operand) -> Var:
        return PRIMITIVES["mul"](self, other)

    def __rmul__(self, other: Operand) -> Var:
        return PRIMITIVES["mul"](other, self)

    def __truediv__(self, other: Operand) -> Var:
        return PRIMITIVES["div"](self, other)

    def __rtruediv__(self, other: Operand) -> Var:
        return PRIMITIVES["div"](other, self)

    def __neg__(self) -> Var:
        return PRIMITIVES["neg"](self)

    def __matmul__(self, other: Var) -> Var:
        return PRIMITIVES["matmul"](self, other)

    def __pow__(self, other: Operand) -> Var:
        # x^2 by multiplication: exact, fast, and correct for negative x on every backend.
        if not isinstance(other, Var) and other == 2:
            return self * self
        return PRIMITIVES["power"](self, other)

    def __rpow__(self, other: Operand) -> Var:
        return PRIMITIVES["power"](other, self)

    def __lt__(self, other: Operand) -> Var:
        return PRIMITIVES["less"](self, other)

    def __le__(self, other: Operand) -> Var:
        return PRIMITIVES["less_equal"](self, other)

    def __gt__(self, other: Operand) -> Var:
        return PRIMITIVES["greater"](self, other)

    def __ge__(self, other: Operand) -> Var:
        return PRIMITIVES["greater_equal"](self, other)


Operand = Var | float | int | bool
"""An argument of a primitive: a value, or a literal, which adopts the dtype of the other operands."""


@dataclass(frozen=True, eq=False)
class Eqn:
    """`outputs = op(*inputs, **params)`. `origin`: the source it was recorded for, such as a node, or a `Back` of
    that."""

    op: Primitive
    inputs: tuple[Operand, ...]
    params: Mapping[str, Any]
    outputs: tuple[Var, ...]
    origin: object = None

    @property
    def output(self) -> Var:
        """The result of a primitive with exactly one."""
        (result,) = self.outputs
        return result

    @cached_property
    def operands(self) -> tuple[Var, ...]:
        """The inputs that are values, without literals."""
        return tuple([x for x in self.inputs if isinstance(x, Var)])

    @cached_property
    def fault(self) -> str:
        """How the types of its outputs differ from those that its primitive's rule gives; empty if they do not."""
        for expected, output in zip_longest(results(self.op, self.inputs, self.params), self.outputs):
            if output is None or expected != output.aval:
                return f"`{self.op.name}` gives {expected}, the equation says {output and output.aval}"
        return ""


_tape: ContextVar[list[Eqn] | None] = ContextVar("tape", default=None)


@contextmanager
def recording() -> Iterator[list[Eqn]]:
    """Collect the equations recorded inside the block, in a new list."""
    eqns: list[Eqn] = []
    token = _tape.set(eqns)
    try:
        yield eqns
    finally:
        _tape.reset(token)


def recorded() -> list[Eqn]:
    """The equations of the innermost `recording()` block so far, as a mutable list. Raises GpubpError outside of
    one."""
    eqns = _tape.get()
    if eqns is None:
        raise GpubpError("nothing is being recorded")
    return eqns


_LITERAL = Aval((), WEAK)


def aval_of(operand: Operand) -> Aval:
    """The abstract value of an operand; a literal is a weak scalar."""
    return operand.aval if isinstance(operand, Var) else _LITERAL


def results(op: Primitive, inputs: Sequence[Operand], params: Mapping[str, Any]) -> tuple[Aval, ...]:
    """The abstract results of `op` on the inputs. Raises ShapeError if the shapes are incompatible."""
    found: Aval | tuple[Aval, ...] = op.infer(*map(aval_of, inputs), **params)
    return found if isinstance(found, tuple) else (found,)


def bind(op: Primitive, *inputs: Operand, **params: Any) -> tuple[Var, ...]:
    """Record `op` on the inputs and return its results. Raises ShapeError if the shapes are incompatible, TypeError for
    anything that is not an operand."""
    eqns = _tape.get()
    if eqns is None:
        raise GpubpError(f"`{op.name}` was applied outside of `recording()`")
    inputs = tuple(x if type(x) in _OPERANDS else _operand(op, x) for x in inputs)
    outputs = tuple(map(Var, results(op, inputs, params)))
    eqn = Eqn(op, _typed(inputs), MappingProxyType(params), outputs, current_origin.get())
    vars(eqn)["fault"] = ""  # the rule has just been asked
    eqns.append(eqn)
    return outputs


_OPERANDS = frozenset({Var, float, int, bool})


def _operand(op: Primitive, given: object) -> Operand:
    """A NumPy scalar as a Python number."""
    number = given.item() if getattr(given, "shape", None) == () and hasattr(given, "item") else given
    if isinstance(number, float | int | bool):
        return number
    raise TypeError(f"`{op.name}` takes values and numbers, but this is {type(given).__name__}")


def _typed(inputs: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """Integer literals become floats next to float operands, so that the printed program shows what is computed."""
    if int in map(type, inputs) and any(isinstance(x, Var) and x.dtype in FLOATS for x in inputs):
        return tuple(float(x) if type(x) is int else x for x in inputs)
    return inputs
