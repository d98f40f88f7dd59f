"""Small kernels as one: the same order wherever one depends on another, the same bits, and planted faults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from gpubp import ops
from gpubp.backends.cuda import CudaLibrary
from gpubp.backends.cuda.nets import Nets
from gpubp.frontend import build_plan
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, Gemm, Launch, cuda_source
from gpubp.render.c.memory import Span
from gpubp.render.cuda import gemm as cuda_gemm
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.horizontal import MAX_BLOCKS, MAX_CHAINED, Group, fuse
from gpubp.render.cuda.tasks import Task, overlay_shared, shared_bytes
from tests.executor.nets import PLAIN
from tests.render.compiled import FEWER
from tests.render.test_c_source import given_of
from tests.stand_in.fake_cupy import cupy

from .double import HostDevice
from .host import needs_host
from .running import run_cuda
from .test_block import MODELS, source_of

Array = np.ndarray[Any, Any]


def piece(at: int) -> Span:
    """Eight numbers of the memory."""
    return None, 32 * at, 32 * at + 32


# The order -----------------------------------------------------------------------------------------------------------
@st.composite
def tasks(draw: st.DrawFn) -> list[Task]:
    """Kernels and products, each of which reads and writes a few pieces of eight numbers."""

    def uses() -> list[Span]:
        return [piece(at) for at in draw(st.lists(st.integers(0, 7), max_size=2, unique=True))]

    found = []
    early, stops = draw(st.integers(0, 14)), draw(st.booleans())
    for k in range(draw(st.integers(1, 14))):
        product = draw(st.integers(0, 4)) == 0
        grid = 1 if product else draw(st.sampled_from([1, 1, 3, 20, 200, 3000]))
        lines = () if product else (f"kernel{k}",)
        found.append(Task(str(k), lines, grid, 32, uses(), uses(), k >= early, draw(st.integers(0, 5)) == 0))
    if stops:
        found.append(Task("record", ("record",), 1, 1, uses(), [], True, stops=True))
    return found


@settings(max_examples=300)
@given(tasks())
def test_what_depends_on_another_comes_after_it(given: list[Task]) -> None:
    found = fuse(given)
    at = {task.about: (k, task) for k, group in enumerate(found) for task in group.tasks}
    assert sorted(at) == sorted(task.about for task in given)
    assert sum(len(group.tasks) for group in found) == len(given)
    for first, second in combinations(given, 2):
        if first.conflicts(second):
            (a, _), (b, _) = at[first.about], at[second.about]
            assert a <= b
            assert a < b or follows(found[a], first, second)
    for group in found:
        assert len(group.parallel) == 1 or group.grid <= MAX_BLOCKS
        assert all(task.grid <= MAX_CHAINED for task in group.chain)
        assert len(group.tasks) == 1 or all(task.lines for task in group.tasks)
        if any(task.stops for task in group.parallel):
            assert not group.chain
            assert all(task.guarded for task in group.parallel)


def follows(group: Group, first: Task, second: Task) -> bool:
    order = [*group.parallel, *group.chain]
    return second in group.chain and order.index(first) < order.index(second)


def one(name: str, grid: int, reads: Sequence[int] = (), writes: Sequence[int] = ()) -> Task:
    return Task(name, (name,), grid, 32, [*map(piece, reads)], [*map(piece, writes)], False)


@pytest.mark.parametrize(("writes", "chain"), [(4, []), (0, ["sum"])])
def test_nobody_waits_for_what_can_run_beside_the_next_kernel(writes: int, chain: list[str]) -> None:
    """As the sum for a bias beside the product that goes on with the same gradient; but not where that writes over what
    the sum still reads."""
    first, last = fuse([one("made", 20, [], [0]), one("sum", 2, [0], [2]), one("next", 20, [0], [writes])])
    assert [task.about for task in first.chain] == chain
    assert [task.about for task in last.parallel] == ["next"] if chain else ["sum", "next"]


def test_what_waits_for_a_kernel_that_is_put_off_goes_one_further() -> None:
    """As the mean of the losses behind their sum; only what has no further kernel to go to is chained."""
    losses, total, mean = one("losses", 20, [], [0]), one("sum", 1, [0], [1]), one("mean", 1, [1], [1])
    back, more = one("back", 20, [0], [2]), one("more", 20, [2], [3])
    names = [[task.about for task in group.parallel] for group in fuse([losses, total, mean, back, more])]
    assert names == [["losses"], ["sum", "back"], ["mean", "more"]]
    found = fuse([losses, total, mean, back])
    assert [[task.about for task in group.tasks] for group in found] == [["losses", "sum"], ["mean", "back"]]


def test_a_small_net_is_one_kernel() -> None:
    assert [len(works) for works in source_of(gpubp.loads(PLAIN)).work.values()] == [1]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has products of more than 32,768 multiplications."""
    monkeypatch.setattr(cuda_gemm, "MIDDLE", cuda_tiles.SMALL)
    monkeypatch.setattr(cuda_gemm, "NARROW", 0)


@pytest.mark.usefixtures("library")
def test_products_of_the_library_stay_alone() -> None:
    _, found = build_plan(gpubp.load(MODELS / "digits.net"), "train", 64, "float32")
    (works,) = cuda_source(found, "train").work.values()
    assert sum(isinstance(work, Gemm) for work in works) == 5
    assert len(works) < 16 < sum(map(len, cuda_source(found, "train", unfused=True).work.values()))


def beside() -> Plan:
    """Elements, and beside them sums of others; then sums of both."""
    x = Var(Aval((40, 16), "float32"), "x")
    with recording() as eqns:
        grown = ops.exp(x)
        total = ops.sum_(x, (0,)) - ops.sum_(grown, (0,))
    return plan(verify(Program((x,), tuple(eqns), (grown, total))), (x,))


def test_golden() -> None:
    text = cuda_source(beside(), "step").text
    golden = Path(__file__).parent.parent / "golden" / "cuda" / "horizontal.cu"
    assert text[text.index("INLINE void step_") :] == golden.read_text("utf-8")


# The bits ------------------------------------------------------------------------------------------------------------
def unfused(name: str, tf32: bool = False) -> tuple[CudaSource, Plan, list[Array], int]:
    """The training step of a model, each piece a kernel of its own."""
    program, arrays, count, homes = given_of(MODELS / f"{name}.net", "train", "float32", FEWER.get(name))
    planned = plan(program, program.inputs[:count], homes)
    states = [np.zeros(v.shape, v.dtype) for v in homes.values()]
    return cuda_source(planned, "run", unfused=True, tf32=tf32), planned, [*arrays, *states], count


def ran(source: CudaSource | None, planned: Plan, arrays: Sequence[Array], count: int, order: int) -> list[Array]:
    mine = [a.copy() for a in arrays]
    _, found = run_cuda(planned, mine[:count], mine[count:], order, source=source)
    return [*found, *mine]


@needs_host
@pytest.mark.parametrize(
    ("name", "way"),
    [
        *((name, "") for name in ("iris", "digits", "deep_sigmoid", "siamese", "digits_gru", "digits_lstm")),
        *((name, way) for name in ("digits", "digits_gru") for way in ("tf32", "library")),
    ],
)
def test_the_same_bits_as_one_by_one(request: pytest.FixtureRequest, name: str, way: str) -> None:
    if way == "library":
        request.getfixturevalue("library")
    tf32 = way == "tf32"
    source, *given = unfused(name, tf32)
    wanted, together = ran(source, *given, 0), cuda_source(given[0], "run", tf32=tf32)
    for order in (0, 1):
        for a, b in zip(ran(together, *given, order), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@needs_host
@pytest.mark.parametrize("order", [0, 1])
def test_a_net_is_stopped_after_all_blocks_of_a_launch_have_begun(order: int) -> None:
    """The block that stops it may be the first of its launch to run; a chain there counts blocks, also those of a step
    that is stopped. The second of two nets is."""
    shapes = {"x": (4, 1), "ok": (), "weights": (400, 64), "size": ()}
    x, ok, weights, size = (Var(Aval(shape, "float32"), name) for name, shape in shapes.items())
    with recording() as eqns:
        loss, guard, new = ops.sum_(x), ops.greater(ok, 0.0), ops.exp(weights)
        updates = (weights, new), (size, ops.sum_(ops.exp(ops.sum_(new, (0,)))))
    planned = plan(verify(Program((x, ok, weights, size), tuple(eqns), (loss,), updates, guard)), (x,))
    source = cuda_source(planned, "step", collect=(loss,), nets=True)
    assert "comes_last((" in source.text
    states = {
        "ok": np.array([1, 0], "float32"),
        "weights": np.zeros((2, 400, 64), "float32"),
        "size": np.zeros(2, "float32"),
    }
    tables, going = [cupy.asarray(states[v.hint]) for v in source.tables], cupy.asarray(np.array([True, True]))
    rows, losses = cupy.asarray(np.ones((4, 1), "float32")), cupy.zeros((2, 3), "float32")
    steps = CudaLibrary(source, HostDevice(order=order)).bind_copies(cupy.zeros, planned.arena, tables)
    assert isinstance(steps, Nets)
    steps([rows], None, 0, 3, going, [losses], 0)
    assert going.get().tolist() == [True, False]
    assert losses.get().tolist() == [[4, 4, 4], [0, 0, 0]]
    scratch = steps._scratch.array.reshape(2, -1)
    assert not scratch[:, : source.before].any(), "a counter is not 0 again"


# Planted faults ------------------------------------------------------------------------------------------------------
LAST = "if (!comes_last((unsigned *)scratch - 1, gridDim.x)) return;"


def faults(text: str) -> Iterator[str]:
    """The text of a module without one of the waits between the kernels of a chain."""
    begin = text.index('extern "C"', text.index(LAST) - 4000)
    for wait in re.finditer(r"^    __syncthreads\(\);\n", text[begin:], re.MULTILINE):
        yield text[: begin + wait.start()] + text[begin + wait.end() :]


@needs_host
def test_a_wait_that_is_left_out_is_found() -> None:
    _, planned, arrays, count = unfused("iris")
    source = cuda_source(planned, "run")
    right = ran(source, planned, arrays, count, 0)
    planted = list(faults(source.text))[::3]
    assert len(planted) > 5
    missed = []
    for text in planted:
        wrong = [ran(replace(source, text=text), planned, arrays, count, order) for order in (0, 1)]
        if all(np.array_equal(a, b) for other in wrong for a, b in zip(other, right, strict=True)):
            missed.append(text)
    print(len(missed), len(planted))
    assert not missed


@needs_host
def test_a_chain_that_does_not_wait_for_all_blocks_is_found() -> None:
    source, planned, arrays, count = unfused("iris")
    right = ran(source, planned, arrays, count, 0)
    source = cuda_source(planned, "run")
    assert any(isinstance(work, Launch) and work.grid > 1 for works in source.work.values() for work in works)
    early = replace(source, text=source.text.replace(LAST, "if (blockIdx.x) return;"))
    wrong = ran(early, planned, arrays, count, 0)
    assert not all(np.array_equal(a, b) for a, b in zip(wrong, right, strict=True))


def test_all_memory_that_a_text_declares_is_counted() -> None:
    """Tiles too, which are of packs."""
    assert shared_bytes(["int a;", "__shared__ int before;"]) >= 4
    assert shared_bytes(["__shared__ double a[3][4], b[5];"]) >= 8 * 17
    assert shared_bytes(["__shared__ Pack<double, 1> rows[2][16][17];"]) >= 8 * 2 * 16 * 17
    assert shared_bytes(["__shared__ Pack<float, 4> rows[2][16][33];"]) >= 16 * 2 * 16 * 33


def test_kernels_that_are_one_have_the_same_memory() -> None:
    """Arrays of one lie behind each other, each at a multiple of 16 bytes, and within what is counted."""
    lines = [
        "int a;",
        "    __shared__ bool last;",
        "__shared__ double a[3][4], b[5];",
        "__shared__ Pack<float, 4> c[2][9];",
    ]
    found = [*overlay_shared(lines)]
    assert found[:2] == ["int a;", "    bool (&last) = *(bool (*))(room + 0);"]
    assert found[4] == "Pack<float, 4> (&c)[2][9] = *(Pack<float, 4> (*)[2][9])(room + 208);"
    places = [int(line.split("+ ")[1].rstrip(");")) for line in found[1:]]
    ends = [place + size for place, size in zip(places, (1, 96, 40, 288), strict=True)]
    assert all(place % 16 == 0 for place in places)
    assert all(end <= place for end, place in zip(ends, places[1:], strict=False))
    assert ends[-1] <= shared_bytes(lines)
