"""Nets that differ in numbers alone are compiled once, and each is computed with numbers of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from gpubp.backends import Backend, select
from gpubp.backends.native import Compiler, NativeBackend
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import build
from gpubp.ir import Program, evaluate, map_bodies
from gpubp.ops import c_orders
from gpubp.passes import plan
from gpubp.render import c_source
from tests.ir.random_programs import Case, programs
from tests.passes.test_plan import divided
from tests.render.compiled import COMPILER, Array, needs_compiler, run_compiled
from tests.render.test_c_source import near
from tests.render.test_number_table import text_of

from .nets import rows

pytestmark = needs_compiler


class Counted(Compiler):
    """A compiler that counts, but for the orders of epochs, which are one text for all nets."""

    calls = 0

    def compile(self, source: Path, library: Path) -> None:
        type(self).calls += source.read_text("utf-8") != c_orders()
        super().compile(source, library)


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    """All executors are on a compiler whose kernels are kept in an empty folder."""
    assert COMPILER is not None
    compiler = Counted(COMPILER.command, ("-O1",))
    monkeypatch.setattr(Counted, "calls", 0)
    made = NativeBackend(compiler, forced=True, folder=tmp_path / "kernels")

    def chosen(device: str, backend: str, tf32: bool) -> Backend:
        return made if backend == "auto" else select(device, backend, tf32)

    monkeypatch.setattr("gpubp.executor.device_choice.select", chosen)
    return Counted


def wanted(text: str, steps: int, seed: int = 0) -> Any:
    return gpubp.Executor(gpubp.loads(text), "cpu", "float64", seed, "numpy").train_steps(rows(20), steps, 5)


def test_a_sweep_is_compiled_once(used: type[Counted]) -> None:
    """Ten rates, all alive at once and stepped in turn: each learns as on NumPy."""
    swept = [text_of(OPTIMIZER=f"adam(lr = {0.003 * k})") for k in range(1, 11)]
    executors = [gpubp.Executor(gpubp.loads(text), "cpu", "float64", 0) for text in swept]
    found = [[ex.train_steps(rows(20), steps, 5) for ex in executors] for steps in (3, 6)]
    assert used.calls == 1
    last = []
    for k, text in enumerate(swept):
        losses = np.concatenate([part[k] for part in found])
        np.testing.assert_allclose(losses, wanted(text, 9), rtol=1e-10)
        last.append(losses[-1])
    assert len({*last}) == 10


def test_a_sweep_of_restarts_is_compiled_once(used: type[Counted]) -> None:
    for rate in (0.01, 0.03):
        text = text_of(OPTIMIZER=f"adam(lr = {rate})", LAYER=f"dropout({rate})")
        together = Ensemble(gpubp.loads(text), 3, "cpu", "float64", 0)
        losses, _, _ = together.run_steps(together.place(rows(20)), 9, 5)
        assert together._lanes.at(5, 0) is not None
        for k in range(3):
            np.testing.assert_allclose(losses[k], wanted(text, 9, k), rtol=1e-10)
    assert used.calls == 1


LSTM = """
model {
  input  x: [6, 3]
  target y: [1]
  output p = x -> lstm(4, sequence = false) -> dropout(RATE) -> dense(1)
}
train { loss = mse(p, y)
  optimizer = adam(lr = RATE)
  epochs = 1
}
"""


def test_a_sweep_of_a_net_with_loops_is_compiled_once(used: type[Counted]) -> None:
    """Their rounds are functions with tables of their own."""
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(20, 6, 3)), "y": rng.normal(size=(20, 1))}
    for rate in ("0.1", "0.3"):
        net = gpubp.loads(LSTM.replace("RATE", rate))
        mine = gpubp.Executor(net, "cpu", "float64", 0).train_steps(data, 9, 5)
        ours = gpubp.Executor(net, "cpu", "float64", 0, "numpy").train_steps(data, 9, 5)
        np.testing.assert_allclose(mine, ours, rtol=1e-10)
    assert used.calls == 1


def scaled(program: Program, factor: float) -> Program:
    """The program with every number of it that may be any times a factor."""

    def number(x: Any) -> Any:
        return x * factor if isinstance(x, float) and abs(math.frexp(x)[0]) not in (0.0, 0.5) else x

    eqns = tuple(replace(eqn, inputs=tuple(map(number, eqn.inputs))) for eqn in program.eqns)
    return map_bodies(replace(program, eqns=eqns), lambda body: scaled(body, factor))


@settings(max_examples=25)
@given(case=programs(most=12), fed=st.integers(0, 2**12), factor=st.sampled_from([1.1, -0.7, 1e-3]))
def test_random_programs_with_other_numbers(case: Case, fed: int, factor: float) -> None:
    program, arrays, feeds = divided(case, fed, False)
    other = scaled(program, factor)
    first, second = (c_source(plan(one, feeds), "run") for one in (program, other))
    assert first.code == second.code
    assert (first.numbers == second.numbers) is (first.numbers == b"")
    ours, mine = ([a.copy() for a in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        expected = [np.array(v) for v in evaluate(other, ours, np)]
    states = [a for v, a in zip(program.inputs, mine, strict=True) if v not in feeds]
    fills = [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds]
    _, found = run_compiled(plan(other, feeds), fills, states, options=("-O0",))
    for a, b in zip(found, expected, strict=True):
        near(a, b, 64)


def test_each_number_has_its_place() -> None:
    """A table with two entries exchanged is another program."""
    built = build(gpubp.loads(text_of(OPTIMIZER="nadam(lr = 0.01)", LAYER="leaky_relu(0.1)")), "train", 5, "float64")
    program, count = built.program, len(built.feeds)
    rng = np.random.default_rng(0)
    # In the middle of a training, where every number has a part in the step.
    arrays = [
        np.asarray(rng.uniform(0.5, 2.0, v.shape) if v.shape else 3 + k % 4).astype(v.dtype)
        for k, v in enumerate(program.inputs)
    ]
    homes = [np.zeros(v.shape, v.dtype) for v in built.homes.values()]
    found = plan(program, program.inputs[:count], built.homes)

    def step(numbers: bytes | None) -> tuple[bytes, list[Array]]:
        mine = [a.copy() for a in (*arrays, *homes)]
        source, outputs = run_compiled(found, mine[:count], mine[count:], options=("-O1",), numbers=numbers)
        return source.numbers, [*outputs, *mine[count:]]

    table, right = step(None)
    entries = [table[k : k + 8] for k in range(0, len(table), 8)]
    assert len({*entries}) > 10
    for k in range(1, len(entries)):
        if entries[k - 1] != entries[k]:
            swapped = [*entries[: k - 1], entries[k], entries[k - 1], *entries[k + 1 :]]
            _, wrong = step(b"".join(swapped))
            assert any(not np.array_equal(a, b) for a, b in zip(right, wrong, strict=True)), k
