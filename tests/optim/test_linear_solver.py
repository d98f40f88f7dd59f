"""Systems of equations within a program: beside LAPACK, and where rounding has made a matrix indefinite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.optim.linear_solver import solve_positive
from tests.peers.nets import Array


def solved(a: Array, b: Array, least: float) -> Array:
    inputs = [Var(Aval(v.shape, "float64")) for v in (a, b, np.array(least))]
    with recording() as eqns:
        x = solve_positive(*inputs)
    program = verify(Program(tuple(inputs), tuple(eqns), (x,)))
    (found,) = evaluate(program, [a, b, np.array(least)], np)
    return np.asarray(found)


@given(st.sampled_from([1, 5, 16, 64, 65, 80, 130, 200]), st.integers(1, 3), st.integers(0, 9))
@settings(deadline=None, max_examples=25)
def test_the_solver_beside_lapack(n: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(n + 3, n)) * 10.0 ** rng.uniform(-2, 2, n)
    a, b = J.T @ J + 1e-3 * np.eye(n), rng.normal(size=(n, columns))
    found = solved(a, b, 1e-3)
    assert np.abs(a @ found - b).max() <= 1e-9 * max(1.0, np.abs(found).max() * np.abs(a).max() * 1e-6)


def test_a_matrix_that_rounding_made_indefinite_is_solved() -> None:
    """What such pivots belong to is left out, so the result is finite and of the right size."""
    a = np.outer([1.0, 1.0 + 1e-17, 2.0], [1.0, 1.0, 2.0]) - 1e-14 * np.eye(3)
    found = solved(a, np.ones((3, 1)), 1e-6)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 4e6


@pytest.mark.parametrize(("n", "rows"), [(12, 3), (40, 6), (64, 10), (80, 15), (130, 44)])
def test_rounding_errors_do_not_grow_where_rows_are_few(n: int, rows: int) -> None:
    """Damped by no more than the rounding errors of J^T J, a step lowers the loss as much as the exact one."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        J = rng.normal(size=(rows, n)) * 10.0 ** rng.uniform(-3, 3, n)
        H, g = J.T @ J, J.T @ rng.normal(size=rows)
        least = 4 * np.finfo("float64").eps * H.max()
        steps = solved(H + least * np.eye(n), g[:, None], least)[:, 0], np.linalg.lstsq(H, g, 1e-13)[0]
        found, wanted = (g @ step - 0.5 * step @ H @ step for step in steps)
        assert found > 0.9 * wanted, seed
