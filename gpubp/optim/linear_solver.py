"""Linear algebra within a program: products of vectors, and symmetric positive definite systems of equations."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import Var
from ..ops import cast, concat, equal, eye, gather, iota, loop, reshape, slice_, sum_, where

BLOCK = 64
"""Rows that are eliminated one by one; larger systems are divided into blocks, whose products take most of the time."""


def dot(a: Var, b: Var) -> Var:
    """The product of two vectors in float64, in which squares of float32 neither overflow nor underflow."""
    return sum_(cast(a, dtype="float64") * cast(b, dtype="float64"))


def solve_positive(a: Var, b: Var, least: Var) -> Var:
    """Record x with a x = b, for a symmetric positive definite matrix, (n, n), and right sides, (n, m).

    `least` is a lower bound of the eigenvalues of `a`, a scalar, and so of the pivots (Golub & Van Loan 2013, section
    4.2). Where one is below it by rounding, its row and column of `a` are left out, and x is 0 there: divided by such a
    pivot, the rounding errors of its row would grow from step to step without bound.
    """
    n = a.shape[0]
    if n <= BLOCK and b.shape[1] <= n:
        return _eliminated(concat([a, b], axis=1), least)
    if n <= BLOCK:
        return _eliminated(concat([a, eye(n, a.dtype)], axis=1), least) @ b
    # a = [[p, r], [r^T, q]]: eliminating the first rows leaves the Schur complement q - r^T p^-1 r for the others.
    half = -(-n // 2 // 16) * 16
    p, r = _part(a, (0, half), (0, half)), _part(a, (0, half), (half, n))
    below, q = _part(a, (half, n), (0, half)), _part(a, (half, n), (half, n))
    top, bottom = _part(b, (0, half), (0, b.shape[1])), _part(b, (half, n), (0, b.shape[1]))
    solved = solve_positive(p, concat([r, top], axis=1), least)
    pr = _part(solved, (0, half), (0, n - half))
    pb = _part(solved, (0, half), (n - half, n - half + b.shape[1]))
    last = solve_positive(q - below @ pr, bottom - below @ pb, least)
    return concat([pb - pr @ last, last], axis=0)


def _part(x: Var, rows: tuple[int, int], columns: tuple[int, int]) -> Var:
    return slice_(x, start=(rows[0], columns[0]), stop=(rows[1], columns[1]))


def _eliminated(joined: Var, least: Var) -> Var:
    """The solution of [a b], by Gauss-Jordan elimination without pivoting, which positive definite matrices do not
    need."""
    n, width = joined.shape
    rows, columns = iota(n, "int64"), iota(width, "int64")

    def step(carries: Sequence[Var], slices: Sequence[Var]) -> tuple[list[Var], list[Var]]:
        (m,), (i,) = carries, slices
        row = gather(m, i)
        column = sum_(where(equal(columns, i), m, 0.0), (1,))
        pivot = sum_(where(equal(rows, i), column, 0.0))
        factor = where(equal(rows, i), 0.0, where(pivot >= least, column / pivot, 0.0))
        return [m - reshape(factor, shape=(n, 1)) * row], []

    (m,), _ = loop(step, [joined], [rows])
    pivots = sum_(_part(m, (0, n), (0, n)) * eye(n, m.dtype), (1,), keepdims=True)
    return where(pivots >= least, _part(m, (0, n), (n, width)) / pivots, 0.0)
