"""A plan computes what the evaluator computes, whatever memory its values share, and its memory is never too small."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gpubp
from gpubp import frontend, ops
from gpubp.frontend import Mode, build
from gpubp.insight.rules import inputs_for
from gpubp.ir import FLOATS, Aval, Eqn, Program, Var, bind, evaluate, recording, verify
from gpubp.passes import ITEM, Buffer, Plan, Step, plan
from gpubp.passes.arena import ALIGN, SMALL, pack
from gpubp.render import compile_source, plan_source
from tests.ir.random_programs import Case, programs
from tests.ops.checks import EXAMPLES, arguments
from tests.stand_in.fake_cupy import cupy

MODELS = sorted(Path("models").glob("*.net"))
MODES: tuple[Mode, ...] = ("predict", "measure", "gradients", "train")
Array = np.ndarray[Any, Any]


def poisoned(planned: Plan) -> Plan:
    """The same plan, with every buffer of the arena filled with NaN (or a large number) after its last use."""
    steps: list[Step] = []
    views: list[Eqn] = []
    places = dict(planned.places)
    outputs = {id(places[v].buffer) for v in planned.program.outputs}
    early = planned.early
    for i, step in enumerate(planned.steps):
        steps.append(
            step if step.body is None else replace(step, body=replace(step.body, plan=poisoned(step.body.plan)))
        )
        for buffer in {id(places[v].buffer): places[v].buffer for v in step.values}.values():
            if buffer.kind != "arena" or buffer.last != i or id(buffer) in outputs:
                continue
            source = Var(Aval((), buffer.dtype), "poison")
            target = Var(Aval((buffer.size,), buffer.dtype))
            places[target] = replace(
                places[step.eqn.outputs[0]], buffer=buffer, offset=0, shape=(buffer.size,), strides=(1,)
            )
            places[source] = replace(places[target], buffer=Buffer("constant", 1, buffer.dtype, -1, -1))
            value = float("nan") if buffer.dtype in FLOATS else True if buffer.dtype == "bool" else 2**30
            views.append(
                Eqn(ops.pieces.full_primitive, (), {"shape": (), "value": value, "dtype": buffer.dtype}, (source,))
            )
            steps.append(Step(Eqn(ops.copy, (source,), {}, (target,))))
            early += i < planned.early
    return replace(planned, steps=tuple(steps), constants=(*planned.constants, *views), places=places, early=early)


def run(planned: Plan, feeds: Sequence[Array], states: Sequence[Array], xp: Any = np) -> list[Array]:
    """One step in memory that holds garbage; states change in place."""
    bind = compile_source(plan_source(planned, "run"), "bind_run", xp)
    arena = xp.asarray(np.full(planned.arena, 0xFF, dtype=np.uint8))
    step, slots, outputs = bind(arena, *states)
    for _ in range(2 if not planned.program.updates else 1):  # again, over what the first run left behind
        for slot, values in zip(slots, feeds, strict=True):
            slot[...] = xp.asarray(values)
        with np.errstate(all="ignore"):
            step()
    return [np.array(v.get() if xp is cupy else v) for v in outputs]


def same(found: Sequence[Array], wanted: Sequence[Array]) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_every_primitive_in_given_memory(floats: str) -> None:
    """As its statements write it, over its operands where they allow it."""
    for primitive, example in EXAMPLES:
        arrays, params = arguments(example, floats)
        inputs = inputs_for(arrays)
        with recording() as eqns:
            results = bind(primitive, *inputs, **params)
        program = verify(Program(tuple(inputs), tuple(eqns), results))
        for found, wanted in zip(run(plan(program, inputs), arrays, []), evaluate(program, arrays, np), strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=primitive.name, strict=True)


def divided(case: Case, fed: int, guarded: bool) -> tuple[Program, list[Array], list[Var]]:
    """A random program with a guard that holds or not, and the inputs that are to be feeds."""
    program, arrays = case
    guard, eqns = None, program.eqns
    if guarded and program.updates:
        with recording() as more:
            guard = ops.greater(ops.sum_(program.updates[0][0]), 0.0)
        eqns = (*eqns, *more)
    states = {state for state, _ in program.updates}
    feeds = [v for i, v in enumerate(program.inputs) if v not in states and fed >> i & 1]
    return verify(replace(program, eqns=eqns, guard=guard)), arrays, feeds


@given(case=programs(most=12), fed=st.integers(0, 2**12), guarded=st.booleans())
def test_random_programs(case: Case, fed: int, guarded: bool) -> None:
    program, arrays, feeds = divided(case, fed, guarded)
    planned = plan(program, feeds)
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    for version in (planned, poisoned(planned)):
        mine = [a.copy() for a in arrays]
        given_feeds = [a for v, a in zip(program.inputs, mine, strict=True) if v in feeds]
        states = [a for v, a in zip(program.inputs, mine, strict=True) if v not in feeds]
        same(run(version, given_feeds, states), wanted)
        same(states, [a for v, a in zip(program.inputs, ours, strict=True) if v not in feeds])


@given(case=programs(), fed=st.integers(0, 2**12))
def test_random_programs_run_on_the_names_of_cupy(case: Case, fed: int) -> None:
    program, arrays, feeds = divided(case, fed, False)
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    pairs = list(zip(program.inputs, arrays, strict=True))
    states = [cupy.asarray(a.copy()) for v, a in pairs if v not in feeds]
    same(run(plan(program, feeds), [a for v, a in pairs if v in feeds], states, cupy), wanted)


@pytest.mark.parametrize(
    ("path", "mode"),
    [pytest.param(p, mode, id=f"{p.stem}-{mode}") for k, p in enumerate(MODELS) for mode in (MODES[k % 3], "train")],
)
def test_models(path: Path, mode: Mode) -> None:
    """The training program of each model and one of the others, in one type each; each mode in both."""
    dtype = ("float32", "float64")[(MODELS.index(path) + MODES.index(mode)) % 2]
    built = build(gpubp.load(path), mode, 7, dtype)
    program, count = built.program, len(built.feeds)
    rng = np.random.default_rng(0)
    arrays = [
        rng.uniform(0.1, 1.0, v.shape).astype(v.dtype) if v.dtype in FLOATS else np.ones(v.shape, v.dtype)
        for v in program.inputs
    ]
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    planned = plan(program, program.inputs[:count])
    for version in (planned, poisoned(planned)):
        mine = [a.copy() for a in arrays]
        same(run(version, mine[:count], mine[count:]), wanted)
        same(mine[count:], ours[count:])


def test_the_arena_is_as_small_as_its_fullest_moment() -> None:
    """A chain of equal values needs two of them, whatever its length."""
    x = Var(Aval((64, 64), "float32"), "x")
    w = Var(Aval((64, 64), "float32"), "w")
    with recording() as eqns:
        y = x
        for _ in range(20):
            y = ops.tanh(y @ w)
    program = Program((x, w), tuple(eqns), (y,))
    assert plan(program, [x]).arena == 2 * 64 * 64 * 4


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(-1, 30), st.integers(0, 12), st.sampled_from(sorted(ITEM)))),
    st.lists(st.integers(0, 30), max_size=3),
)
def test_buffers_in_use_at_one_time_do_not_overlap(sizes: list[tuple[int, int, int, str]], large: list[int]) -> None:
    """Beside large ones small ones share their memory with nothing."""
    buffers = [Buffer("arena", size, dtype, first, first + length) for size, first, length, dtype in sizes]
    buffers += [Buffer("arena", 1 << 22, "float32", first, first + 2) for first in large]
    total = pack(buffers)
    for i, a in enumerate(buffers):
        assert a.start % ALIGN == 0
        assert a.start + a.bytes <= total
        for b in buffers[:i]:
            apart = large and min(a.bytes, b.bytes) <= SMALL
            if (apart or (a.first <= b.last and b.first <= a.last)) and a.bytes and b.bytes:
                assert a.start + a.bytes <= b.start or b.start + b.bytes <= a.start


def test_gaps_merge_and_the_last_one_grows() -> None:
    """Two buffers make place for one of their size together, whichever is freed first; the last, for a larger one."""

    def needed(*used: tuple[int, int, int]) -> int:
        """The cache lines for buffers of so many, each used from a step to a step."""
        return pack([Buffer("arena", lines * ALIGN // 4, "float32", *steps) for lines, *steps in used]) // ALIGN

    assert needed((1, 0, 0), (1, 0, 0), (2, 1, 1)) == 2
    assert needed((1, 0, 1), (1, 0, 0), (2, 2, 2)) == 2
    assert needed((1, 0, 0), (1, 0, 1), (2, 2, 2)) == 2
    assert needed((1, 0, 0), (2, 1, 1)) == 2
    assert needed((3, 0, 0), (1, 1, 1), (2, 1, 1), (3, 2, 2)) == 3


def test_a_result_is_not_written_over_its_transposed_operand() -> None:
    x = Var(Aval((3, 3), "float64"), "x")
    with recording() as eqns:
        y = ops.exp(ops.transpose(x * 2.0))
    program = verify(Program((x,), tuple(eqns), (y,)))
    array = np.arange(9.0).reshape(3, 3)
    planned = plan(program, [x])
    a, b = (planned.places[eqn.output] for eqn in eqns[::2])
    assert a.buffer is not b.buffer
    same(run(planned, [array], []), evaluate(program, [array], np))


def test_gradients_are_computed_in_their_slices() -> None:
    """No step copies a gradient: each is written to its piece of the flat buffer, whose gaps are zero."""
    net = gpubp.load("models/digits.net")
    built, planned = frontend.build_plan(net, "train", 32, "float32")
    assert not planned.copies
    assert not [step for step in planned.steps if step.eqn.op is ops.copy]
    gradients = [v for v, name in zip(built.program.outputs, built.outputs, strict=True) if "gradient" in name]
    assert len(gradients) == len(net.layout.groups)
    buffers = [planned.places[v].buffer for v in gradients]
    writers = [step for step in planned.steps if planned.places[step.eqn.output].buffer in buffers]
    assert len(writers) == len(net.layout.parameters)


@pytest.mark.parametrize("units", [15, 16])
def test_the_only_gradient_of_a_group_is_computed_where_it_stays(units: int) -> None:
    """With 16 units it fills its array, and is a reshape of the product; with 15 it is a piece of it."""
    keys = "loss = cross_entropy(p, y)\n  optimizer = adamw(lr = 0.01)\n  epochs = 1\n"
    model = f"input x: [4]\n  target y: class({units})\n  output p = x -> dense({units}) -> softmax\n"
    net = gpubp.loads(f"model {{\n  {model}}}\ntrain {{\n  {keys}}}\n")
    _, planned = frontend.build_plan(net, "train", 8, "float32")
    assert not any(step.eqn.op.name in ("reshape", "copy") for step in planned.steps)
    product = next(step.eqn.output for step in planned.steps if step.eqn.output.shape == (4, units))
    assert planned.places[product].buffer.kind == "state"


def test_programs_that_share_an_arena_leave_the_gaps_between_gradients_zero() -> None:
    """Whatever bytes another program leaves behind, as NaN, the guard sees the gradients alone."""
    ex = gpubp.Executor(gpubp.load("models/digits.net"), "cpu")
    rng = np.random.default_rng(0)
    for rows in (32, 5, 32, 7):
        batch = {"image": rng.random((rows, 8, 8)), "digit": rng.integers(0, 10, rows)}
        ex._machine._arena[:] = 0xFF
        ex.train_step(batch)
    found = 0
    for group in ex.net.layout.groups:
        gradient, gaps = ex._state.arrays[f"gradient.{group.name}"], np.ones(group.size, bool)
        for parameter in group.parameters:
            start = ex.net.layout.places[parameter.name][1]
            gaps[start : start + parameter.size] = False
        found += gaps.sum()
        assert not gradient[gaps].any()
    assert found


def test_a_constant_piece_is_no_victim_of_other_programs() -> None:
    """The arena is shared: what one program left in it is no constant of another."""
    x = Var(Aval((2, 3), "float32"), "x")
    with recording() as eqns:
        y = ops.concat([ops.exp(x), ops.full((2, 2), 7.0, "float32")], axis=1)
    planned = plan(Program((x,), tuple(eqns), (y,)), [x])
    arena = np.zeros(planned.arena, dtype=np.uint8)
    step, (slot,), (out,) = compile_source(plan_source(planned, "run"), "bind_run", np)(arena)
    arena[:] = 0xFF
    slot[...] = 0.0
    step()
    assert out.tolist() == [[1.0, 1.0, 1.0, 7.0, 7.0]] * 2


@pytest.mark.parametrize("schedule", ["", "schedule = cosine"], ids=["constant", "cosine"])
def test_scalars_of_the_states_alone_start_a_step(schedule: str) -> None:
    """The rate and the corrections of Adam, also where a gradient waits for its norm; the step is counted behind the
    guard."""
    text = Path("models/xor.net").read_text("utf-8")
    net = gpubp.loads(
        re.sub("optimizer = .*", f"optimizer = adam(lr = 0.05)\n  {schedule}\n  clip = clip_norm(1)", text)
    )
    _, found = frontend.build_plan(net, "train", 4, "float32")
    scalars = [k for k, step in enumerate(found.steps) if step.eqn.op.name == "expm1"]
    assert len(scalars) == 2
    first = next(k for k, step in enumerate(found.steps) if step.eqn.op.name == "matmul")
    assert max(scalars) < first < found.early
    updated = {value for _, value in found.program.updates}
    assert all(updated.isdisjoint(step.eqn.outputs) for step in found.steps[: found.early])


def test_views_of_the_same_elements() -> None:
    """Two ways to the same elements are one name, which another view reads before the second way is through."""
    x = Var(Aval((2, 3), "float64"), "x")
    with recording() as eqns:
        one = ops.reshape(x, shape=(2, 3, 1))
        swapped = ops.transpose(one, (1, 0, 2))
        other = ops.reshape(ops.transpose(ops.reshape(x, shape=(2, 1, 3, 1)), (0, 2, 1, 3)), shape=(2, 3, 1))
        results = (swapped + 1.0, other * 2.0, x * 3.0)
    program = verify(Program((x,), tuple(eqns), results))
    given = [np.arange(6.0).reshape(2, 3)]
    same(run(plan(program, (x,)), given, []), evaluate(program, given, np))
