"""The Gauss-Newton approximation of the Hessian of a sum of squares.

For L = sum_i w_i x_i^2 it is 2 sum_i w_i g_i g_i^T, with g_i the gradient of x_i: the Hessian without the second
derivatives of the x_i, which count little where these are small or almost linear (Nocedal & Wright 2006, section 10.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..errors import GpubpError
from ..ir import Aval, Eqn, Program, Var, pullback, recorded, recording
from ..ops import concat, eye, full, maximum, reshape, slice_, sqrt, transpose
from ..ops.squares import linear_in, root
from .stack import stack

Flatten = Callable[[Sequence[Var | None]], Var]
"""Joins derivatives with respect to several values, in order, into one vector; None is zero."""


class NotSquaresError(GpubpError):
    """A loss is no sum of squares; `eqn` makes it something else."""

    def __init__(self, eqn: Eqn) -> None:
        super().__init__(f"`{eqn.op.name}` makes no sum of squares")
        self.eqn = eqn


def squared(eqns: Sequence[Eqn], of: Var, wrt: Sequence[Var]) -> dict[Var, Var]:
    """The squares that `of` sums, with weights that do not depend on `wrt`: each value and its square. They are arrays.

    Raises NotSquaresError if `of` is something else. A square is a value times itself: common subexpressions are to be
    merged before, and the rules `ops.squares.SQUARES` applied.
    """
    dependent = set(wrt)
    for eqn in eqns:
        if not dependent.isdisjoint(eqn.operands):
            dependent.update(eqn.outputs)
    summed, squares = {of}, dict[Var, Var]()
    for eqn in reversed(eqns):
        if summed.isdisjoint(eqn.outputs) or dependent.isdisjoint(eqn.operands):
            continue
        varying = [i for i, x in enumerate(eqn.inputs) if x in dependent]
        if (x := root(eqn)) is not None:
            squares[x] = eqn.output
        elif linear_in(eqn, varying):
            summed.update(x for x in eqn.operands if x in dependent)
        else:
            raise NotSquaresError(eqn)
    return squares


def jacobian(program: Program, squares: Mapping[Var, Var], of: Var, wrt: Sequence[Var], flatten: Flatten) -> Program:
    """From the inputs of `program`, which computes `of`, the sum of these `squares`: the gradients of all its x_i,
    (values, n), and their weights w_i, (values,)."""
    eqns, tail, weights = _weighed(program, squares, of)
    count = sum(x.aval.size for x in weights)
    # A row of the Jacobian is the pullback of a vector that is 1 at one of the values and 0 at the others.
    seed = Var(Aval((count,), of.dtype), "seed")
    with recording() as back:
        seeds, start = dict[Var, Var](), 0
        for x in weights:
            seeds[x] = reshape(slice_(seed, start=(start,), stop=(start + x.aval.size,)), shape=x.shape)
            start += x.aval.size
        eqns, cotangents = pullback(eqns, seeds, wrt)
        gradient = flatten([cotangents.get(v) for v in wrt])
    made = {seed, *(v for eqn in back for v in eqn.outputs)}
    read = tuple(dict.fromkeys(x for eqn in back for x in eqn.operands if x not in made))
    copies = stack(Program((*read, seed), tuple(back), (gradient,)), count, read)
    with recording() as rows:
        flat = concat([reshape(w, shape=(w.aval.size,)) for w in weights.values()], axis=0)
        (gradients,) = inlined(copies, *read, eye(count, of.dtype))
    return Program(program.inputs, (*eqns, *tail, *rows), (gradients, flat))


def gauss_newton(gradients: Var, weights: Var) -> Var:
    """Record 2 sum_i w_i g_i g_i^T, (n, n), from the gradients g_i, (..., n), and as many weights w_i, of which those
    below 0 count as 0: the matrix is positive semidefinite."""
    rows = reshape(gradients, shape=(weights.aval.size, gradients.shape[-1]))
    scaled = rows * sqrt(2.0 * maximum(reshape(weights, shape=(weights.aval.size, 1)), 0.0))
    # Both operands are one array: BLAS computes half of the product, the other half by symmetry.
    return transpose(scaled) @ scaled


def diagonal(
    program: Program, squares: Mapping[Var, Var], of: Var, wrt: Sequence[Var], flatten: Flatten
) -> Program | None:
    """From the inputs of `program` the diagonal of the Hessian, (n,), where `of` is a sum of `squares` of elements of
    `wrt` themselves, as penalties are; None if they are of anything else."""
    shown = set(wrt)
    for eqn in program.eqns:
        if eqn.op.trait == "view" and not shown.isdisjoint(eqn.operands):
            shown.update(eqn.outputs)
    if not shown.issuperset(squares):
        return None
    eqns, tail, weights = _weighed(program, squares, of)
    with recording() as back:
        eqns, cotangents = pullback(eqns, {x: 2.0 * w for x, w in weights.items()}, wrt)
        result = flatten([cotangents.get(v) for v in wrt])
    return Program(program.inputs, (*eqns, *tail, *back), (result,))


def _weighed(
    program: Program, squares: Mapping[Var, Var], of: Var
) -> tuple[tuple[Eqn, ...], list[Eqn], dict[Var, Var]]:
    """The equations of a program, those that compute the weights of the squares in `of`, and these weights by the value
    that is squared."""
    with recording() as tail:
        eqns, cotangents = pullback(program.eqns, {of: full((), 1.0, of.dtype)}, list(squares.values()))
    return eqns, tail, {x: cotangents[square] for x, square in squares.items()}


def inlined(program: Program, *arguments: Var) -> tuple[Var, ...]:
    """Record the equations of a program without updates, with these values for its inputs; returns its outputs."""
    known = dict(zip(program.inputs, arguments, strict=True))
    for eqn in program.eqns:
        inputs = tuple(known[x] if isinstance(x, Var) else x for x in eqn.inputs)
        known.update((v, Var(v.aval, v.hint)) for v in eqn.outputs)
        recorded().append(replace(eqn, inputs=inputs, outputs=tuple(known[v] for v in eqn.outputs)))
    return tuple(known[v] for v in program.outputs)
