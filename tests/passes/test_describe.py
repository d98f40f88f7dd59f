"""Plans as text, and what they cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpubp
from gpubp import ops
from gpubp.frontend import build_plan
from gpubp.ir import Aval, Var, recording
from gpubp.passes import cost, describe_plan, flops, plan

from .reader import cases, read

GOLDENS = cases("plan")
MODELS = sorted(Path("models").glob("*.net"))


def text_of(before: str) -> str:
    """The plan of a program whose input `x` is fed."""
    program = read(before)
    assert repr(program) == before
    return describe_plan(plan(program, [v for v in program.inputs if v.hint == "x"]))


@pytest.mark.parametrize(("title", "before", "after"), GOLDENS, ids=[title for title, _, _ in GOLDENS])
def test_golden(title: str, before: str, after: str) -> None:
    assert text_of(before) == after


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_equation_of_a_model_is_listed_once(path: Path) -> None:
    built, made = build_plan(gpubp.load(path), "train", 8, "float32")
    text = describe_plan(made, built.hints)
    assert f"plan of {len(made.steps):,} equations in {len(made.fusions):,} kernels;" in text
    inside = text[text.index("\n  kernel") :]
    assert len(re.findall(r"^    \S+ @\S+.* = ", inside, re.MULTILINE)) == len(made.steps)
    assert text.count("\n  unless ") == 1, "the guard"
    covered = [i for piece in made.fusions for i in range(piece.first, piece.stop)]
    assert covered == list(range(len(made.steps)))


def test_operations_are_counted() -> None:
    a, b = Var(Aval((3, 4), "float32")), Var(Aval((4, 5), "float32"))
    with recording() as eqns:
        ops.sum_(ops.softmax(ops.tanh(a @ b), axis=-1))
    assert [flops(eqn) for eqn in eqns] == [2 * 3 * 4 * 5, 15, 5 * 15, 15]


def test_the_cost_of_a_net_is_what_a_textbook_counts() -> None:
    """Six operations for each weight and row in a step: two forward, two for each gradient; the first layer's input has
    none. Adam holds a parameter, a gradient and two moments."""
    net = gpubp.loads(
        "model { input x: [100]\n target y: [10]\n output p = x -> dense(200) -> tanh -> dense(10) }\n"
        "train { loss = mse(p, y)\n optimizer = adam()\n epochs = 1 }"
    )
    found = cost(build_plan(net, "train", 50, "float32")[1])
    gemms = 50 * (4 * 100 * 200 + 6 * 200 * 10)
    assert gemms < found.flops < 1.1 * gemms + 20 * net.size
    assert 4 * 4 * net.size <= found.states < 4 * 4 * net.size + 4096
    assert found.memory == found.states + found.constants + found.arena
