"""Compiled training on a real GPU: beside the CPU, beside CuPy, with graphs and without, for a long time.

The same tests run on a processor, where there is no GPU: `pytest -p tests.cuda.as_gpu tests/gpu/test_compiled.py`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from benchmarks.gpu_cases import Case, materials
from benchmarks.gpu_cases import text as net_of
from gpubp.backends import cuda as compiled
from gpubp.backends import select
from gpubp.errors import GpubpError
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import build_plan as planned_of
from gpubp.ir import FLOATS, Program, evaluate
from gpubp.passes import plan
from gpubp.render import Gemm, compile_source, cuda_source, plan_source
from tests.cuda.bounds import bound_of
from tests.cuda.test_cuda_tiles import Layer
from tests.cuda.test_tensor import exactly, whole_numbers, works_of
from tests.cuda.test_tensor import program as program_of
from tests.render.test_c_source import MODELS, given_of, near

QUICK = ("xor", "iris", "spiral", "digits", "digits_tuned", "diabetes", "vae", "deep_sigmoid")


def host(ex: gpubp.Executor, values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(ex.backend.to_host(values))


def rows_of(net: gpubp.Net, count: int) -> Mapping[str, Any]:
    """Rows drawn for the inputs and targets of a net."""
    rng = np.random.default_rng(0)
    rows = {}
    for node in (*net.graph.inputs, *net.graph.targets):
        assert node.type is not None
        shape, classes = (count, *node.type.shape), node.type.classes
        drawn = rng.integers(0, classes, shape) if classes else rng.uniform(0.0, 1.0, shape)
        rows[node.name] = drawn
    return rows


# Programs ------------------------------------------------------------------------------------------------------------
def run_on_gpu(program: Program, arrays: Sequence[Any], count: int, homes: Any, tf32: bool = False) -> list[Any]:
    """A step by compiled kernels: the outputs, then all arrays as they are after it."""
    backend = select("gpu", tf32=tf32)
    xp, planned = backend.xp, plan(program, program.inputs[:count], homes)
    source = cuda_source(planned, "run", tf32=tf32)
    assert source.functions
    library = backend.library(source)
    assert library is not None, backend.description
    with backend.running():
        mine = [xp.asarray(a) for a in arrays]
        states = [*mine[count:], *(xp.zeros(v.shape, dtype=v.dtype) for v in homes.values())]
        text = plan_source(planned, "run", compiled=source)
        bind = compile_source(text, "bind_run", xp, bind=library.bind)
        arena = backend.arena(planned.arena)
        arena[...] = 0xFF
        step, slots, outputs = bind(arena, *states)
        for slot, values in zip(slots, mine[:count], strict=True):
            slot[...] = values
        step()
        return [backend.to_host(v) for v in (*outputs, *mine)]


@pytest.mark.parametrize("path", [p for p in MODELS if p.stem in QUICK], ids=lambda p: p.stem)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_of_each_model(path: Path, dtype: str) -> None:
    program, arrays, count, homes = given_of(path, "train", dtype)
    ours = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, ours, np)]
    found = run_on_gpu(program, arrays, count, homes)
    for a, b in zip(found, (*wanted, *ours), strict=True):
        near(np.asarray(a), b, bound_of(path, "train"), dtype)
    assert any(str(a.dtype) in FLOATS for a in found)


def test_whole_numbers_by_tensor_cores() -> None:
    """Convolutions and their gradients of numbers whose products and sums are exact, by tiles of several sizes."""
    works = works_of([Layer(24, 20, 20, 16, 32), Layer(6, 32, 32, 3, 64), Layer(12, 12, 12, 64, 128, stride=(2, 2))])
    arrays = whole_numbers([shape for _, pair, _, _ in works for shape in pair])
    program = program_of(works, arrays).program
    found = run_on_gpu(program, arrays, len(arrays), {}, tf32=True)
    for k, (name, _, params, _) in enumerate(works):
        np.testing.assert_array_equal(np.asarray(found[k]), exactly(name, arrays[2 * k : 2 * k + 2], params))


# Trainings -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-5), ("float64", 1e-9)])
def test_a_convolutional_net(precision: str, tolerance: float) -> None:
    """Steps, evaluation and prediction."""
    net = gpubp.load(MODELS[0].parent / "digits_cnn.net", params={"width": 8})
    rows, found = rows_of(net, 32), []
    for device, backend in (("gpu", "auto"), ("cpu", "numpy")):
        ex = gpubp.Executor(net, device, precision, backend=backend)
        losses = host(ex, ex.train_steps(rows, 4, 16))
        measured = [ex.loss(rows) for _ in range(3)]
        chances = host(ex, ex.predict(rows["image"]))
        found.append(np.concatenate([losses, measured, chances.ravel()]))
    np.testing.assert_allclose(*found, rtol=tolerance, atol=tolerance)


def test_a_convolutional_net_by_tensor_cores() -> None:
    """Within what rounding factors to ten bits does to its losses, which other bits show; twice the same bytes."""
    net = gpubp.load(MODELS[0].parent / "fashion_cnn.net", params={"width": 8})
    rows, found = rows_of(net, 32), []
    for device, precision, backend in (("gpu", "tf32", "auto"), ("gpu", "tf32", "auto"), ("cpu", "float32", "numpy")):
        ex = gpubp.Executor(net, device, precision, backend=backend)
        found.append((host(ex, ex.train_steps(rows, 3, 32)), ex.state_dict()))
    (losses, states), (again, others), (wanted, _) = found
    np.testing.assert_array_equal(losses, again)
    same(states, others)
    np.testing.assert_allclose(losses, wanted, rtol=1e-2)
    assert not np.array_equal(losses, wanted)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-5), ("tf32", 1e-2)])
def test_wide_layers(precision: str, tolerance: float) -> None:
    """Products by the library, with a bias and a rectifier as parts of its calls; twice the same bytes."""
    case = Case("wide", (520, 512, 512, 3), 256, precision=precision)
    net, rows = gpubp.loads(net_of(case)), {k: v for k, v in materials(case).items() if k in "xy"}
    _, step = planned_of(net, "train", case.batch, "float32")
    calls = [one for work in cuda_source(step, "train").work.values() for one in work if isinstance(one, Gemm)]
    assert [(one.bias is not None, one.relu) for one in calls] == [(True, True)] * 2 + [(False, False)] * 3
    found = []
    for device, wanted in (("gpu", precision), ("gpu", precision), ("cpu", "float32")):
        ex = gpubp.Executor(net, device, wanted)
        found.append((host(ex, ex.train_steps(rows, 3, case.batch)), ex.state_dict()))
        assert device == "cpu" or ex.backend.compiles, ex.backend.description
    (losses, states), (again, others), (wanted_losses, _) = found
    np.testing.assert_array_equal(losses, again)
    same(states, others)
    np.testing.assert_allclose(losses, wanted_losses, rtol=tolerance)


@pytest.mark.parametrize("model", ["digits_lstm", "digits_gru"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-5), ("float64", 1e-9)])
def test_a_recurrent_net(model: str, precision: str, tolerance: float) -> None:
    """Steps, many in a row; evaluation and prediction."""
    net = gpubp.load(MODELS[0].parent / f"{model}.net")
    rows, found = rows_of(net, 32), []
    for device, backend in (("gpu", "auto"), ("cpu", "numpy")):
        ex = gpubp.Executor(net, device, precision, backend=backend)
        ex.set_counters({"total_steps": 6.0})
        losses = host(ex, ex.train_steps(rows, 6, 16))
        measured = [ex.loss(rows) for _ in range(3)]
        chances = host(ex, ex.predict(rows["image"]))
        found.append(np.concatenate([losses, measured, chances.ravel()]))
        if device == "gpu":
            assert ex._machine.bound("train", 16).many is not None
    np.testing.assert_allclose(*found, rtol=tolerance, atol=tolerance)


def test_least_squares_with_loops_as_kernels() -> None:
    """151 parameters are too many for one block."""
    net = gpubp.loads(
        """model {
          input  x: [3]
          target y: [1]
          output p = x -> dense(30) -> tanh -> dense(1)
        }
        train { loss = mse(p, y)
          optimizer = levenberg_marquardt
        }"""
    )
    found = []
    for device in ("gpu", "cpu"):
        ex = gpubp.Executor(net, device, "float64")
        found.append(host(ex, ex.train_steps(rows_of(net, 64), 8)))
    np.testing.assert_allclose(*found, rtol=1e-9)


def trained(steps: int = 50) -> dict[str, Any]:
    net = gpubp.load(MODELS[0].parent / "digits.net")
    ex = gpubp.Executor(net, "gpu")
    ex.train_steps(rows_of(net, 96), steps, 32)
    return ex.state_dict()


def same(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)


def test_two_runs_give_the_same_bytes() -> None:
    same(trained(), trained())


@pytest.mark.parametrize("model", ["xor", "iris", "spiral", "digits", "digits_cnn", "digits_gru"])
def test_restarts_are_the_runs_of_their_seeds(model: str) -> None:
    """Nets side by side, each in a block where it fits into one, else in launches for all; shuffled each in its own
    way."""
    net = gpubp.load(MODELS[0].parent / f"{model}.net")
    rows, together = rows_of(net, 80), Ensemble(net, 3, "gpu")
    together.run_steps(together.place(rows), 12, 32)
    for k, seed in enumerate(together.seeds):
        ex = gpubp.Executor(net, "gpu", seed=seed)
        ex.train_steps(rows, 12, 32)
        same(ex.state_dict(), together.member(k).state_dict())


def test_with_and_without_a_graph(device: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with_graph = trained()

    def refuse(self: Any, work: Callable[[], None]) -> None:
        raise compiled.CaptureError("refused for a test")

    monkeypatch.setattr(device, "graph", refuse)
    same(with_graph, trained())


@pytest.fixture
def device() -> type[Any]:
    """The class of the device in use."""
    found: type[Any] = type(select("gpu")._compiled)  # type: ignore[attr-defined]
    return found


def test_steps_are_graphs(device: type[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    made, real = [], device.graph

    def counted(self: Any, work: Callable[[], None]) -> Any:
        made.append(real(self, work))
        return made[-1]

    monkeypatch.setattr(device, "graph", counted)
    with caplog.at_level(logging.WARNING, "gpubp"):
        trained(5)
    assert made
    assert not caplog.records


def test_a_rate_that_changes_between_replays() -> None:
    net = gpubp.load(MODELS[0].parent / "xor.net")
    ex = gpubp.Executor(net, "gpu")
    rows = rows_of(net, 4)
    ex.train_steps(rows, 5, 4)
    before = {name: host(ex, v) for name, v in ex.parameters.items()}
    ex.set_counters({"rate_scale": 0.0})
    ex.train_steps(rows, 5, 4)
    after = {name: host(ex, v) for name, v in ex.parameters.items()}
    same(before, after)
    ex.set_counters({"rate_scale": 1.0})
    ex.train_steps(rows, 5, 4)
    assert any(not np.array_equal(host(ex, v), before[name]) for name, v in ex.parameters.items())


@pytest.mark.parametrize("model", ["xor", "digits"])
def test_rates_side_by_side_are_one_text(model: str) -> None:
    """In turn, a few steps at a time: each with numbers of its own, by a block and by a graph."""
    file = (MODELS[0].parent / f"{model}.net").read_text("utf-8")
    nets = [gpubp.loads(re.sub(r"(lr *=) [\d.e-]+", rf"\1 {rate}", file)) for rate in (0.001, 0.003)]
    rows, found = rows_of(nets[0], 64), []
    for device, backend in (("gpu", "auto"), ("cpu", "numpy")):
        executors = [gpubp.Executor(net, device, "float64", backend=backend) for net in nets]
        found.append([host(ex, ex.train_steps(rows, steps, 32)) for steps in (1, 7) for ex in executors])
        if device == "gpu":
            native = [ex._machine.native("train", 32) for ex in executors]
            codes = [(source.code, getattr(source, "block", None) and source.block.code) for source, _ in native]
            assert codes[0] == codes[1]
    for mine, ours in zip(*found, strict=True):
        np.testing.assert_allclose(mine, ours, rtol=1e-9)
    assert not np.allclose(found[0][2], found[0][3], rtol=1e-6)


def test_ten_thousand_steps_take_no_memory(cupy: Any) -> None:
    net = gpubp.load(MODELS[0].parent / "digits.net")
    ex = gpubp.Executor(net, "gpu")
    placed = ex.place(rows_of(net, 320))
    ex.run_steps(placed, 100, 32)
    pool = cupy.get_default_memory_pool()
    used = pool.used_bytes()
    for _ in range(100):
        ex.run_steps(placed, 100, 32)
    assert pool.used_bytes() == used


def test_a_gradient_that_is_no_number_stops_it() -> None:
    net = gpubp.load(MODELS[0].parent / "diabetes.net")
    ex = gpubp.Executor(net, "gpu", "float64")
    rows = dict(rows_of(net, 64))
    ex.train_steps(rows, 4, 32)
    target = next(node.name for node in net.graph.targets)
    rows[target] = rows[target] * 1e308
    before = ex.step
    with pytest.raises(GpubpError):
        ex.train_steps(rows, 40, 32)
    assert before <= ex.step < before + 40
    assert all(np.isfinite(host(ex, v)).all() for v in ex.parameters.values())
