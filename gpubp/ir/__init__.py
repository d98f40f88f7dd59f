"""The intermediate representation: programs of primitives, recorded, verified, printed, evaluated."""

from .avals import DTYPES, FLOATS, INTEGERS, WEAK, Aval, broadcast_shapes
from .evaluate import apply, evaluate, fill, text_of
from .program import Program, names
from .values import PRIMITIVES, Eqn, Example, Operand, Primitive, Var, aval_of, bind, define, origin, recording
from .verify import verify

__all__ = [
    "DTYPES",
    "FLOATS",
    "INTEGERS",
    "PRIMITIVES",
    "WEAK",
    "Aval",
    "Eqn",
    "Example",
    "Operand",
    "Primitive",
    "Program",
    "Var",
    "apply",
    "aval_of",
    "bind",
    "broadcast_shapes",
    "define",
    "evaluate",
    "fill",
    "names",
    "origin",
    "recording",
    "text_of",
    "verify",
]
