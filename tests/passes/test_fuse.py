"""Fusion: what can be one kernel is found, and each row of a group is computed from the same row alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import ops
from gpubp.frontend import build
from gpubp.ir import Aval, Eqn, Program, Var, apply, evaluate, names, recording, verify
from gpubp.passes import Group, fuse
from tests.ir.random_programs import Case, programs
from tests.ops.checks import Array

from .reader import cases, read
from .test_optimise import arrays_for

MODELS = sorted(Path("models").glob("*.net"))
GOLDENS = cases("fuse")


def listed(program: Program) -> str:
    """A line for each group: what it is computed over, and the names of its values; views in brackets."""
    name = names(program)
    lines = []
    for group in fuse(program.eqns):
        head = "alone" if group.shape is None else f"rows of [{','.join(map(str, group.shape))}]"
        values = (f"({name[e.output]})" if e.op.view else " ".join(name[v] for v in e.outputs) for e in group.eqns)
        lines.append(f"{head}: {' '.join(values)}")
    return "\n".join(lines)


@pytest.mark.parametrize(("title", "before", "after"), GOLDENS, ids=[title for title, _, _ in GOLDENS])
def test_golden(title: str, before: str, after: str) -> None:
    program = read(before)
    assert repr(program) == before
    assert listed(program) == after


def check(program: Program, arrays: Sequence[Array]) -> None:
    """Every equation stands in one group, in an order that runs and gives the same; rows need no other rows."""
    groups = fuse(program.eqns)
    eqns = tuple(eqn for group in groups for eqn in group.eqns)
    assert len(eqns) == len(program.eqns)
    assert set(eqns) == set(program.eqns)
    verify(replace(program, eqns=eqns))
    values: dict[Var, Any] = dict(zip(program.inputs, (a.copy() for a in arrays), strict=True))

    def keep(eqn: Eqn, found: Any) -> None:
        values.update(zip(eqn.outputs, found if len(eqn.outputs) > 1 else (found,), strict=True))

    with np.errstate(all="ignore"):
        evaluate(replace(program, updates=()), list(values.values()), np, keep)
        for group in groups:
            if group.shape:
                for row in {0, group.shape[0] - 1} & set(range(group.shape[0])):
                    check_row(group, group.shape[0], row, values)


def check_row(group: Group, rows: int, row: int, values: dict[Var, Any]) -> None:
    mine: dict[Var, Any] = {}
    for eqn in group.eqns:
        if eqn.op.view is not None:
            continue
        given: list[Any] = []
        for x in eqn.inputs:
            if not isinstance(x, Var):
                given.append(x)
            elif x in mine:
                given.append(mine[x])
            else:
                aligned = x.ndim == max(eqn.output.ndim, 1) or eqn.op.trait != "elementwise"
                cut = aligned and x.ndim and x.shape[0] == rows
                given.append(values[x][row : row + 1] if cut else values[x])
        mine[eqn.output] = np.asarray(apply(eqn.op, np, given, eqn.params))
        assert np.array_equal(mine[eqn.output], values[eqn.output][row : row + 1], equal_nan=True)


@given(case=programs(most=12))
def test_random_programs(case: Case) -> None:
    check(*case)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_models(path: Path) -> None:
    program = build(gpubp.load(path), "train", 7, "float64").program
    check(program, arrays_for(program))


def test_a_step_of_a_classifier_is_few_kernels() -> None:
    """Bias with activation, bias with softmax and loss, gradient with mask, and the optimizer are one each."""
    groups = fuse(build(gpubp.load("models/digits.net"), "train", 32, "float32").program.eqns)
    largest = max(groups, key=lambda group: len(group.eqns))
    assert len(largest.eqns) >= 13, "the optimizer"
    assert sum(group.shape in ((32, 10), (32, 128)) for group in groups) == 4


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """x + x^T reads other rows; a vector beside a matrix is read whole."""
    x = Var(Aval((3, 3), "float64"), "x")
    v = Var(Aval((3,), "float64"), "v")
    with recording() as eqns:
        doubled = 2.0 * x
        y = doubled + ops.transpose(doubled)
        z = ops.exp(v) + x
    program = verify(Program((x, v), tuple(eqns), (y, z)))
    check(program, arrays_for(program))
    monkeypatch.setattr(sys.modules["gpubp.passes.fuse"], "_row_by_row", lambda *_: True)
    monkeypatch.setattr(sys.modules["gpubp.passes.fuse"], "_common", lambda a, b: b)
    with pytest.raises((AssertionError, ValueError)):
        check(program, arrays_for(program))
