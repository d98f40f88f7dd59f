"""Loops of small iterations as one kernel: the bits of a launch for each iteration, and planted faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import build_plan, describe
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.optim.linear_solver import solve_positive
from gpubp.passes import plan
from gpubp.render import CudaSource, cuda_source
from gpubp.render.cuda import loop_kernel
from tests.executor.nets import PLAIN, rows
from tests.ops.checks import inputs_for
from tests.passes.test_loops import turning

from .conftest import Use
from .host import HostModule, RacingModule, needs_host
from .running import Array, run_cuda
from .test_block import same
from .test_cuda_kernels import main_of, sanitized
from .test_loops import nested, several

pytestmark = needs_host
LEAST_SQUARES = re.sub("optimizer = .*", "optimizer = levenberg_marquardt", PLAIN)


def solved(n: int, dtype: str = "float64") -> tuple[Program, list[Array]]:
    """A system of equations, with its arrays."""
    rng = np.random.default_rng(n)
    j, b = rng.normal(size=(2 * n, n)), rng.normal(size=(n, 1))
    arrays = [array.astype(dtype) for array in (j.T @ j + np.eye(n), b, np.array(1e-3))]
    xs = inputs_for(arrays)
    with recording() as eqns:
        x = solve_positive(xs[0], xs[1], xs[2])
    return verify(Program(tuple(xs), tuple(eqns), (x,))), arrays


def scanned(reverse: bool) -> tuple[Program, list[Array]]:
    """Slices of 5 numbers, sums of rows and of columns, carries that are collected and one that is not."""
    x, a, s = Var(Aval((6, 5), "float32"), "x"), Var(Aval((4, 5), "float32"), "a"), Var(Aval((4,), "float32"), "s")

    def step(state: Sequence[Var], slices: Sequence[Var]) -> tuple[Sequence[Var], Sequence[Var]]:
        new = ops.tanh(state[0] + slices[0])
        total = state[1] + ops.sum_(new, axis=(1,))
        return (new, total), (ops.sum_(new, axis=(0,)), new)

    with recording() as eqns:
        last, collected = ops.loop(step, (a, s), (x,), reverse=reverse)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=v.shape).astype("float32") for v in (x, a, s)]
    return verify(Program((x, a, s), tuple(eqns), (*last, *collected))), arrays


def shuffled() -> tuple[Program, list[Array]]:
    program = turning()
    return program, [np.arange(4.0).reshape(2, 2) * k + k for k in range(1, len(program.inputs) + 1)]


PROGRAMS: dict[str, Callable[[], tuple[Program, list[Array]]]] = {
    "1 equation": lambda: solved(1),
    "5 equations": lambda: solved(5, "float32"),
    "64 equations": lambda: solved(64),
    "100 equations": lambda: solved(100, "float32"),
    "forward": lambda: scanned(False),
    "backward": lambda: scanned(True),
    "turning": shuffled,
}


def run(
    program: Program,
    arrays: Sequence[Array],
    order: int = 0,
    change: Callable[[str], str] = str,
    compiled: type[HostModule] = HostModule,
) -> tuple[CudaSource, list[Array]]:
    planned = plan(program, ())
    source = cuda_source(planned, "run")
    copies = [array.copy() for array in arrays]
    return run_cuda(planned, [], copies, order, source=replace(source, text=change(source.text)), compiled=compiled)


def launches(source: CudaSource) -> int:
    return sum(len(works) for works in source.work.values())


@pytest.fixture
def unrolled(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, no loop is small."""
    return lambda: monkeypatch.setattr(loop_kernel, "LARGEST", 0)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_bits_of_a_launch_for_each_iteration(name: str, unrolled: Callable[[], None]) -> None:
    program, arrays = PROGRAMS[name]()
    found = [run(program, arrays, order) for order in (0, 1)]
    if "equation" in name:
        x, wanted = found[0][1][0], np.linalg.solve(*arrays[:2])
        np.testing.assert_allclose(x, wanted, rtol=1e-10 if x.dtype == "float64" else 1e-3)
    unrolled()
    source, outputs = run(program, arrays)
    for one, others in found:
        assert launches(one) < launches(source) or name == "1 equation"
        assert all(map(np.array_equal, outputs, others))


@pytest.mark.parametrize("program", [several(4, False), nested()], ids=["products", "a loop in a loop"])
def test_other_loops_are_unrolled(program: Program) -> None:
    source = cuda_source(plan(program, ()), "run")
    assert "int turn" not in source.text
    assert launches(source) > 4


@pytest.mark.parametrize(("length", "wide"), [(32_767, False), (32_768, True)])
def test_slices_of_more_than_2_gib_are_found_by_64_bits(length: int, wide: bool) -> None:
    x, a = Var(Aval((length, 8192), "float64"), "x"), Var(Aval((8192,), "float64"), "a")
    with recording() as eqns:
        (last,), _ = ops.loop(lambda state, s: ((state[0] + s[0],), ()), (a,), (x,))
    text = cuda_source(plan(verify(Program((x, a), tuple(eqns), (last,))), ()), "run").text
    assert ("(int64_t)turn * 65536" in text) is wide
    assert "turn * 65536" in text


# Planted faults ------------------------------------------------------------------------------------------------------
WAIT = re.compile(r"(?<!__syncthreads\(\);\n    \}\n    )__syncthreads\(\);(?!\n\})")
"""A barrier, but for that behind a loop, which ends with one, and that at the end."""


def test_each_missing_barrier_is_a_race() -> None:
    program, arrays = solved(5)
    source, _ = run(program, arrays, compiled=RacingModule)
    begin = re.search(r"\w+_loop\d+\(\n", source.text)
    assert begin is not None
    waits = [m.start() for m in WAIT.finditer(source.text, begin.end(), source.text.index("\n}\n", begin.end()) + 3)]
    assert len(waits) == 5
    for at in waits:
        without = source.text[:at] + source.text[at + len("__syncthreads();") :]
        with pytest.raises(AssertionError, match="a race: thread"):
            run(program, arrays, change={source.text: without}.__getitem__, compiled=RacingModule)


@pytest.mark.parametrize(("old", "new"), [("turn < 6", "turn < 5"), ("turn ? ", "turn > 1 ? "), ("turn * 20", "0")])
def test_other_iterations_are_found(old: str, new: str) -> None:
    program, arrays = scanned(False)
    _, wanted = run(program, arrays)
    _, found = run(program, arrays, change=lambda text: text.replace(old, new))
    assert not all(map(np.array_equal, found, wanted))


# Nets ----------------------------------------------------------------------------------------------------------------
def trained(device: str = "gpu") -> dict[str, Array]:
    net = gpubp.loads(LEAST_SQUARES)
    ex = gpubp.Executor(net, device, "float64", backend="numpy" if device == "cpu" else "auto")
    losses = ex.backend.to_host(ex.train_steps(rows(22), 9))
    return {"losses": losses, **ex.state_dict()}


@pytest.mark.usefixtures("graphs")
def test_least_squares_are_those_of_numpy_and_of_other_launches(use: Use, unrolled: Callable[[], None]) -> None:
    use(order=1)
    found, wanted = trained(), trained("cpu")
    for key, array in wanted.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-9, atol=1e-12, err_msg=key)
    unrolled()
    use()
    assert same(found, trained())


@pytest.mark.usefixtures("graphs")
def test_restarts_are_the_runs_of_their_seeds(use: Use) -> None:
    use()
    net, data = gpubp.loads(LEAST_SQUARES), rows(22)
    together = Ensemble(net, 2, "gpu", "float64", 3)
    losses, _, _ = together.run_steps(together.place(data), 7, 22)
    for k in range(2):
        ex = gpubp.Executor(net, "gpu", "float64", 3 + k)
        alone = ex.backend.to_host(ex.run_steps(ex.place(data), 7, 22)[0])
        np.testing.assert_array_equal(together.backend.to_host(losses[k]), alone)


def test_a_kernel_stays_in_its_memory(tmp_path: Path) -> None:
    found = plan(solved(20)[0], ())
    done = sanitized(main_of(cuda_source(found, "run"), found), tmp_path)
    assert done.returncode == 0, done.stderr[:3000]


def test_least_squares_take_few_launches(unrolled: Callable[[], None]) -> None:
    net = gpubp.loads(LEAST_SQUARES.replace("dense(4)", "dense(30)"))
    built, found = build_plan(net, "train", 22, "float32")
    few = launches(cuda_source(found, "train", built.hints, describe))
    unrolled()
    assert launches(cuda_source(found, "train", built.hints, describe)) > net.size
    assert few < 40
