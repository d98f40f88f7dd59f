"""Loops as kernels: each turn on its own memory, and a step of a recurrent net as one graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.backends.cuda.stream import MAX_STEPS, MAX_WORKS
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import build, describe, plan_of
from gpubp.ir import Aval, Program, Var, evaluate, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, Gemm, Launch, cuda_source
from tests.ops.test_loop import f64, lstm_program
from tests.passes.test_loops import turning

from .conftest import Use
from .double import HostDevice
from .host import needs_host
from .running import Array, run_cuda
from .test_cuda_kernels import GOLDEN, kernels_of
from .test_training import PLACES

pytestmark = needs_host
TEXT = """
model {{
  input  x: [{steps}, 3]
  target y: [2]
  output p = x -> {layers} -> dense(2)
}}
train {{
  loss      = mse(p, y)
  optimizer = adam(lr = 0.05)
}}
"""
LAYERS = {
    "rnn": "rnn(5, sequence = false)",
    "relu both": "rnn(4, activation = relu, bidirectional = true, sequence = false)",
    "lstm": "lstm(5, sequence = false)",
    "lstm of 4s": "lstm(4, sequence = false, bidirectional = true)",
    "gru": "gru(5, sequence = false)",
    "gru, reset first": "gru(3, reset_after = false) -> gru(4, reset_after = false, sequence = false)",
    "all": "rnn(3, bidirectional = true) -> lstm(4, mask = mean(x, axis = 1) > 0) -> dropout(20%)"
    " -> gru(3, sequence = false, bidirectional = true)",
    "products": "lstm(40, sequence = false)",
}


def net_of(layers: str, steps: int = 5) -> gpubp.Net:
    return gpubp.loads(TEXT.format(layers=layers, steps=steps))


def rows(count: int, steps: int = 5) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(count, steps, 3)), "y": rng.normal(size=(count, 2))}


def source_of(net: gpubp.Net, mode: str = "train", batch: int = 3) -> tuple[CudaSource, Plan]:
    built = build(net, mode, batch, "float32", None)  # type: ignore[arg-type]
    planned = plan_of(built)
    return cuda_source(planned, mode, built.hints, describe), planned


# Programs ------------------------------------------------------------------------------------------------------------
def several(length: int, reverse: bool) -> Program:
    """Carries of two shapes, one collected and one not, a slice in columns, and a product."""
    a, b, x, w = f64(3, 5, hint="a"), f64(hint="b"), f64(length, 5, 3, hint="x"), f64(5, 5, hint="w")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        new = ops.tanh(ops.transpose(slices[0]) + state[0] @ w)
        total = state[1] + ops.sum_(new)
        return (new, total), (new, total * 2.0, state[0])

    with recording() as eqns:
        last, collected = ops.loop(step, (a, b), (x,), reverse=reverse)
    return verify(Program((a, b, x, w), tuple(eqns), (*last, *collected)))


def nested() -> Program:
    """A loop in the round of a loop. Each has values in memory while the loop in it runs."""
    a, x, w = f64(2, 3, hint="a"), f64(4, 5, 2, 3, hint="x"), f64(3, 3, hint="w")

    def inner(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        new = ops.tanh(state[0] + slices[0]) @ w
        return (new,), (new * 0.5,)

    def outer(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        before = state[0] @ w
        (last,), (all_,) = ops.loop(inner, (before,), slices, reverse=True)
        return (last + before,), (all_, last)

    with recording() as eqns:
        before = a @ w
        last, collected = ops.loop(outer, (before,), (x,))
    return verify(Program((a, x, w), tuple(eqns), (before, *last, *collected)))


PROGRAMS: dict[str, Callable[[], Program]] = {
    "forward": lambda: several(4, False),
    "backward": lambda: several(3, True),
    "once": lambda: several(1, False),
    "nested": nested,
    "turning": turning,
    "lstm": lambda: lstm_program(5),
    "lstm backward": lambda: lstm_program(4, chosen=2),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("order", [0, 1])
def test_turns_compute_what_rounds_compute(name: str, order: int) -> None:
    source = differs(program := PROGRAMS[name](), order)
    assert source is not None, "other numbers"
    assert [(f.first, f.stop) for f in source.functions] == [(0, len(plan(program, ()).steps))]


def differs(
    program: Program, order: int = 0, change: Callable[[CudaSource], CudaSource] | None = None
) -> CudaSource | None:
    """The source, None where it computes anything else than the evaluator."""
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(-1.0, 1.0, v.shape) for v in program.inputs]
    wanted = evaluate(program, [a.copy() for a in arrays], np)
    planned = plan(program, ())
    source = cuda_source(planned, "run")
    _, found = run_cuda(planned, [], arrays, order, source=source if change is None else change(source))
    near = all(np.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(found, wanted, strict=True))
    return source if near else None


NO_KERNEL: dict[str, Callable[[Var, Var], Var]] = {
    "a constant": lambda state, x: state * x + ops.full((3, 2), 2.0, "float64"),
    "a softmax of columns": lambda state, x: ops.softmax(state, axis=0) * x,
}


@pytest.mark.parametrize("name", NO_KERNEL)
def test_a_round_without_kernels_is_left_to_the_host(name: str) -> None:
    """A constant has no memory among that of the step; what stands around the loop is compiled all the same."""
    a, x = f64(3, 2, hint="a"), f64(4, 3, 2, hint="x")
    with recording() as eqns:
        (last,), _ = ops.loop(lambda state, s: ((NO_KERNEL[name](state[0], s[0]),), ()), (ops.tanh(a),), (x,))
        result = ops.exp(last)
    source = differs(verify(Program((a, x), tuple(eqns), (result,))))
    assert source is not None
    assert len(source.functions) == 2


def test_memory_that_begins_at_odd_numbers_is_read_one_by_one() -> None:
    """Slices of 9,999 numbers begin at no multiple of 16 bytes, those of 10,000 do."""

    def text(rows: int, columns: int) -> str:
        x = Var(Aval((4, rows, columns), "float32"), "x")
        with recording() as eqns:
            _, (all_,) = ops.loop(lambda _, s: ((), (ops.tanh(s[0]),)), (), (x,))
        found = cuda_source(plan(verify(Program((x,), tuple(eqns), (all_,))), (x,)), "run").text
        return found[found.index('extern "C"') :]

    assert "Pack" in text(100, 100)
    assert "Pack" not in text(99, 101)


# Planted faults ------------------------------------------------------------------------------------------------------
def changed(change: Callable[[list[Launch | Gemm]], list[Launch | Gemm]]) -> Callable[[CudaSource], CudaSource]:
    def apply(source: CudaSource) -> CudaSource:
        return replace(source, work={name: tuple(change(list(work))) for name, work in source.work.items()})

    return apply


def framed(work: Sequence[Launch | Gemm]) -> list[int]:
    return [i for i, one in enumerate(work) if isinstance(one, Launch) and one.frame is not None]


def a_turn_less(work: list[Launch | Gemm]) -> list[Launch | Gemm]:
    return [one for i, one in enumerate(work) if i != framed(work)[-1]]


def a_turn_twice(work: list[Launch | Gemm]) -> list[Launch | Gemm]:
    """The last turn on the memory of the first."""
    first, last = framed(work)[0], framed(work)[-1]
    assert isinstance(work[first], Launch)
    work[last] = replace(work[last], frame=work[first].frame)  # type: ignore[union-attr]
    return work


def no_start(work: list[Launch | Gemm]) -> list[Launch | Gemm]:
    return [one for one in work if not (isinstance(one, Launch) and "_enter" in one.kernel)]


def no_end(work: list[Launch | Gemm]) -> list[Launch | Gemm]:
    return [one for one in work if not (isinstance(one, Launch) and "_leave" in one.kernel)]


def backwards(work: list[Launch | Gemm]) -> list[Launch | Gemm]:
    places = framed(work)
    for i, one in zip(places, [work[i] for i in reversed(places)], strict=True):
        work[i] = one
    return work


@pytest.mark.parametrize("fault", [a_turn_less, a_turn_twice, no_start, no_end, backwards], ids=lambda f: f.__name__)
def test_faults_are_found(fault: Callable[[list[Launch | Gemm]], list[Launch | Gemm]]) -> None:
    program = several(4, False)
    assert differs(program) is not None
    assert differs(program, change=changed(fault)) is None


# Nets ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", LAYERS)
def test_a_step_is_kernels_and_products(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for mode in ("train", "measure", "predict"):
        source, planned = source_of(net_of(LAYERS[name]), mode)
        assert [(f.first, f.stop) for f in source.functions] == [(0, len(planned.steps))]
        if name == "products" and mode == "train":
            monkeypatch.setattr("gpubp.render.cuda.gemm.MIDDLE", 32**3)
            monkeypatch.setattr("gpubp.render.cuda.gemm.NARROW", 0)
            source, _ = source_of(net_of(LAYERS[name]), mode, 16)
            assert any(isinstance(one, Gemm) for one in source.work["train_0"])


@pytest.mark.parametrize("name", LAYERS)
def test_twenty_steps_are_those_of_the_cpu(use: Use, way: str, name: str) -> None:
    """By one graph in one type, by one kernel in the other, without the host; then evaluation and prediction. That both
    ways have the same bits in each type, tests/cuda/test_block_loops.py shows of the same layers."""
    device = use()
    dtype, bound = ("float64", 1e-9) if way == "replay" else ("float32", 1e-5)
    net, data = net_of(LAYERS[name]), rows(9)
    found = []
    for place, backend in PLACES:
        ex = gpubp.Executor(net, place, dtype, backend=backend)
        losses = np.asarray(ex.backend.to_host(ex.run_steps(ex.place(data), 20, 3)[0]))
        if place == "gpu":
            assert ("train_block" in device.log) == (way == "train_block" and name != "products")
        if place == "gpu" and way == "replay":
            few_graphs(device)
        found.append([losses, np.asarray(ex.backend.to_host(ex.predict(data["x"]))), ex.loss(data)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=bound, atol=bound)


def few_graphs(device: HostDevice) -> None:
    """20 steps of batches of 3 of 9 rows: one by one the first time, then graphs of several and of one, and one wait
    for all."""
    begin = device.log.index("train_take")
    first = device.log[begin : next(k for k, x in enumerate(device.log) if k > begin and x.startswith("graph"))]
    several = max(1, min(MAX_STEPS, MAX_WORKS // len(first)))
    graphs = {entry for entry in device.log if entry.startswith("graph of")}
    assert graphs == {f"graph of {count * len(first)}" for count in (several, 1)}
    assert device.log.count("replay") == sum(divmod(19, several))
    assert device.log.count("read") == 1


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("options", [{"order": 1}, {"captures": False}], ids=str)
def test_the_same_bytes_whatever_the_order_and_the_capture(use: Use, options: dict[str, object]) -> None:
    states = []
    for given in ({}, options):
        use(**given)
        ex = gpubp.Executor(net_of(LAYERS["all"]), "gpu")
        ex.train_steps(rows(8), 6, 4)
        states.append(ex.state_dict())
    for key, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][key])


def test_a_step_that_the_guard_stops_changes_nothing(use: Use, way: str) -> None:
    use()
    net, data, told = gpubp.loads(TEXT.format(layers=LAYERS["lstm"], steps=5).replace("mse", "64 * mse")), rows(12), []
    data["y"][7] = 1.5e308
    for place, backend in PLACES:
        ex = gpubp.Executor(net, place, "float64", backend=backend)
        ex.train_steps(rows(12), 5, 4)
        with pytest.raises(gpubp.DivergedError) as error:
            ex.train_steps(data, 6, 4)
        told.append((str(error.value), ex.step))
    assert told[0] == told[1]


def test_restarts_are_the_runs_of_their_seeds(use: Use, way: str) -> None:
    device, net, data = use(), net_of(LAYERS["lstm of 4s"]), rows(12)
    together = Ensemble(net, 2, "gpu", "float64", 3)
    losses, _, _ = together.run_steps(together.place(data), 7, 4)
    assert way.replace("train", "restarts") in device.log
    for k in range(2):
        ex = gpubp.Executor(net, "gpu", "float64", 3 + k)
        alone = ex.backend.to_host(ex.run_steps(ex.place(data), 7, 4)[0])
        np.testing.assert_allclose(together.backend.to_host(losses[k]), alone, rtol=1e-12)


def test_golden() -> None:
    found = kernels_of(cuda_source(plan(several(3, True), ()), "step", unfused=True))
    assert found == (GOLDEN / "several.cu").read_text("utf-8")
