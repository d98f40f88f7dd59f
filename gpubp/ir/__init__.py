"""The intermediate representation: programs of primitives, recorded, verified, printed, evaluated."""

from .avals import DTYPES, FLOATS, INTEGERS, WEAK, Aval, broadcast_shapes
from .cforms import Adds, Call, CForm, Element, Fold, Product, Read, Routine, Rows, Scalar
from .evaluate import apply, evaluate, fill, literal, text_of, with_params
from .program import Program, bodies, identifiers, map_bodies, names
from .pullback import leading_to, pullback
from .values import (
    PRIMITIVES,
    Eqn,
    Example,
    Operand,
    Primitive,
    Var,
    aval_of,
    bind,
    define,
    origin,
    recorded,
    recording,
    results,
)
from .verify import verify

__all__ = [
    "Adds",
    "DTYPES",
    "FLOATS",
    "INTEGERS",
    "PRIMITIVES",
    "WEAK",
    "Aval",
    "CForm",
    "Call",
    "Element",
    "Eqn",
    "Example",
    "Fold",
    "Operand",
    "Primitive",
    "Product",
    "Program",
    "Read",
    "Routine",
    "Rows",
    "Scalar",
    "Var",
    "apply",
    "aval_of",
    "bind",
    "bodies",
    "broadcast_shapes",
    "define",
    "evaluate",
    "fill",
    "identifiers",
    "leading_to",
    "literal",
    "map_bodies",
    "names",
    "origin",
    "pullback",
    "recorded",
    "recording",
    "results",
    "text_of",
    "verify",
    "with_params",
]
