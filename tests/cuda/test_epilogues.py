"""Epilogue fusion: elementwise steps computed with the product that they read, the bits of both apart; where neither
may move they stay apart; planted faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from benchmarks.gpu_cases import MLP, text
from gpubp import loads, ops
from gpubp.frontend import build_plan
from gpubp.ir import PRIMITIVES, Aval, Program, Var, evaluate, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, Launch, cuda_source
from gpubp.render.cuda import epilogue as cuda_epilogue
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.tasks import Task
from gpubp.render.cuda.tiles import TILES, Tile
from tests.ops.checks import inputs_for

from .host import needs_host
from .running import Array, run_cuda
from .test_cuda_kernels import changed, kernels_of
from .test_cuda_tiles import LAYERS, drawn
from .test_split_k import split_k

GOLDEN = Path(__file__).parent.parent / "golden" / "cuda"
pytestmark = needs_host


def planned_of(build: Callable[..., Sequence[Var]], arrays: Sequence[Array], fed: bool = True) -> Plan:
    """`fed`: whether the inputs lie in memory that is used again."""
    xs = inputs_for(arrays)
    with recording() as eqns:
        results = build(*xs)
    return plan(verify(Program(tuple(xs), tuple(eqns), tuple(results))), xs if fed else ())


def ran(found: Plan, arrays: Sequence[Array], order: int = 0, source: CudaSource | None = None) -> list[Array]:
    fed = len(found.feeds)
    return run_cuda(found, arrays[:fed], arrays[fed:], order, source=source)[1]


def launches(source: CudaSource) -> int:
    return sum(map(len, source.work.values()))


def same_bits(found: Plan, arrays: Sequence[Array]) -> CudaSource:
    """The text, checked: in both orders of the warps and blocks the bits of each step apart, and about NumPy's."""
    wanted = ran(found, arrays, source=cuda_source(found, "run", unfused=True))
    source = cuda_source(found, "run")
    for order in (0, 1):
        for a, b in zip(ran(found, arrays, order, source), wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    with np.errstate(all="ignore"):
        exact = evaluate(found.program, [a.copy() for a in arrays], np)
    for a, b in zip(wanted, exact, strict=True):
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)
    return source


# Any shapes ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Case:
    """A product, how its factors lie, and what becomes of it."""

    lead: tuple[int, ...]
    sizes: tuple[int, int, int]
    turned: tuple[bool, bool]
    shared: bool
    tail: tuple[str, ...]
    kept: bool

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        m, k, n = self.sizes
        a, b = ((k, m) if self.turned[0] else (m, k)), ((n, k) if self.turned[1] else (k, n))
        return [(*self.lead, *a), b if self.shared else (*self.lead, *b), (*self.lead, m, n), (n,), (m, 1)]

    def build(self, a: Var, b: Var, full: Var, row: Var, column: Var) -> list[Var]:
        y = found = (_turned(a) if self.turned[0] else a) @ (_turned(b) if self.turned[1] else b)
        results = []
        for word in self.tail:
            if word == "row":
                found = found + row
            elif word == "column":
                found = found * column
            elif word == "full":
                found = found - full
            elif word == "relu":
                found = ops.relu(found)
            elif word == "gate":
                found = ops.gate(ops.greater(full, 0.0), found)
            elif word == "mask":
                results.append(ops.greater(found, 0.5))
            elif word == "wide":
                results.append(ops.cast(found, dtype="float64") * 2.0)
        return [*results, found, *([y] if self.kept and found is not y else [])]


def _turned(x: Var) -> Var:
    return ops.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sizes = st.sampled_from([1, 3, 4, 16, 17, 20, 32, 33, 64])
    lead = draw(st.sampled_from([(), (), (2,), (3, 2)]))
    tail = draw(st.lists(st.sampled_from("row column full relu gate mask wide".split()), min_size=1, max_size=4))
    if not {"row", "column", "full", "relu", "gate"} & set(tail):
        tail.append("row")
    turned = draw(st.booleans()), draw(st.booleans())
    return Case(
        lead, draw(st.tuples(sizes, sizes, sizes)), turned, draw(st.booleans()), tuple(tail), draw(st.booleans())
    )


TILES_TRIED = [(None, False), (Tile(32, 32, 4, 4), False), (Tile(16, 32, 4, 4), True), (TILES[-1], True)]


@settings(max_examples=12, deadline=None)
@given(st.lists(cases(), min_size=3, max_size=3), st.sampled_from(["float32", "float64"]), st.sampled_from(TILES_TRIED))
def test_the_bits_of_both_apart(given_: list[Case], dtype: str, tried: tuple[Tile | None, bool]) -> None:
    """Rows and columns that fill no tile, batches, factors that lie transposed, sums divided among blocks."""
    arrays = drawn([shape for case in given_ for shape in case.shapes], dtype)

    def build(*xs: Var) -> list[Var]:
        return [y for k, case in enumerate(given_) for y in case.build(*xs[5 * k : 5 * k + 5])]

    with pytest.MonkeyPatch.context() as patch:
        if tried[1]:
            split_k(patch, tried[0] or TILES[0], 4)
        elif tried[0]:
            patch.setattr(cuda_tiles, "choose", lambda *_: tried[0])
        same_bits(planned_of(build, arrays), arrays)


@pytest.mark.parametrize("name", ["vectors", "three channels", "even strides", "groups", "copies and groups"])
def test_convolutions(name: str) -> None:
    """A bias and a rectifier behind each of the three, and a gate."""
    works = LAYERS[name].works()
    arrays = drawn([shape for shapes, _, _ in works.values() for shape in shapes], "float32")

    def build(*xs: Var) -> list[Var]:
        found = []
        for k, (primitive, (_, params, _)) in enumerate(works.items()):
            y = PRIMITIVES[primitive](*xs[2 * k : 2 * k + 2], **params)
            other = PRIMITIVES[primitive](*xs[2 * k : 2 * k + 2], **params) if primitive == "conv" else None
            found += [ops.relu(y * 0.5 + 1.0), *([] if other is None else [ops.gate(ops.greater(y, 0.0), other)])]
        return found

    found = planned_of(build, arrays)
    assert launches(same_bits(found, arrays)) < launches(cuda_source(found, "run", unfused=True))


# What is joined ------------------------------------------------------------------------------------------------------
def layer(rows: int = 384, terms: int = 400, columns: int = 96) -> tuple[Plan, list[Array]]:
    """A dense layer, and a product of what it gives behind a gate."""
    arrays = drawn([(rows, terms), (terms, columns), (columns,), (rows, columns), (columns, columns)], "float32")

    def build(x: Var, w: Var, bias: Var, up: Var, v: Var) -> list[Var]:
        hidden = ops.relu(x @ w + bias)
        return [hidden, ops.gate(ops.greater(up, 0.0), hidden @ v)]

    return planned_of(build, arrays), arrays


def test_golden() -> None:
    """Sums divided among blocks, a bias and a rectifier; a product by a thread for each result, and a gate."""
    found = kernels_of(cuda_source(layer()[0], "step"))
    assert found == (GOLDEN / "epilogues.cu").read_text("utf-8")


def test_results_that_nothing_else_reads_are_not_written() -> None:
    found, arrays = layer()
    source = same_bits(found, arrays)
    assert launches(source) == 2
    products = [f"t{k}" for k, step in enumerate(found.steps) if step.eqn.op.trait == "gemm"]
    assert len(products) == 2
    assert not any(f"{name}_at" in source.text for name in products)


def test_a_step_of_the_benchmark() -> None:
    """The MLP: a launch for each product that another one needs, the last with the loss, one more for the gradients of
    weights, the largest gradient, and the update."""
    _, found = build_plan(loads(text(MLP)), "train", MLP.batch, "float32")
    (works,) = cuda_source(found, "train").work.values()
    assert all(isinstance(work, Launch) for work in works)
    assert len(works) == 8


def test_what_is_needed_between_them() -> None:
    """A sum of what the epilogue reads: the product moves down to it. A sum of the results themselves: both stay."""
    arrays = drawn([(64, 40), (40, 48), (64, 48)], "float32")

    def down(a: Var, b: Var, c: Var) -> list[Var]:
        y = a @ b
        return [y * ops.sum_(c, (0,))]

    def unfused(a: Var, b: Var, c: Var) -> list[Var]:
        y = a @ b
        return [y * ops.sum_(y, (0,)) + c]

    moved, stays = planned_of(down, arrays, False), planned_of(unfused, arrays, False)
    assert len(steps_with_work(moved)) == 2
    assert len(steps_with_work(stays)) == 3
    for found in (moved, stays):
        same_bits(found, arrays)


def steps_with_work(found: Plan) -> set[str]:
    """The kernels of a plan, before they are joined side by side."""
    text = cuda_source(found, "run").text
    return set(re.findall(r"void (?:__launch_bounds__\(\d+, 1\) )?(run_\d+[a-z]?)\(", text))


def test_a_result_on_memory_that_other_blocks_still_read() -> None:
    """Where a factor dies with the product, what the epilogue writes may be given its memory."""
    arrays = drawn([(512, 64), (64, 64)], "float32")

    def build(x: Var, w: Var) -> list[Var]:
        hidden = ops.tanh(x)
        return [ops.greater(hidden @ w, 0.0)]

    xs = inputs_for(arrays)
    with recording() as eqns:
        results = build(*xs)
    found = plan(verify(Program(tuple(xs), tuple(eqns), tuple(results))), xs[:1])
    factor, mask = (found.places[v] for v in (found.steps[1].eqn.operands[0], found.steps[-1].eqn.output))
    (wanted,) = ran(found, arrays, source=cuda_source(found, "run", unfused=True))
    for order in (0, 1):
        np.testing.assert_array_equal(ran(found, arrays, order)[0], wanted)
    clash = factor.buffer.start < mask.buffer.start + mask.buffer.bytes and mask.buffer.start < factor.buffer.start + 1
    assert clash, "the planner has changed: the test shows nothing"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_epilogue, "places_overlap", lambda *_: False)
        bad = cuda_source(found, "run")
    wrong = [ran(found, arrays, order, bad)[0] for order in (0, 1)]
    assert any(not np.array_equal(a, wanted) for a in wrong)


def test_behind_the_guard() -> None:
    a, b, old = (Var(Aval(s, "float32"), n) for s, n in (((40, 64), "a"), ((64, 48), "b"), ((40, 48), "old")))
    ok = Var(Aval((), "float32"), "ok")
    with recording() as eqns:
        guard, new = ops.greater(ok, 0.0), ops.relu(a @ b) + old
    found = plan(verify(Program((a, b, ok, old), tuple(eqns), (), ((old, new),), guard)), (a, b, ok))
    arrays = drawn([(40, 64), (64, 48), (40, 48)], "float32")
    source = cuda_source(found, "run")
    assert launches(source) == 2
    for going in (0.0, 1.0):
        home = arrays[2].copy()
        run_cuda(found, [*arrays[:2], np.float32(going)], [home], source=source)
        wanted = arrays[2] + going * np.maximum(arrays[0] @ arrays[1], 0)
        np.testing.assert_allclose(home, wanted, rtol=0, atol=1e-4)


# Planted faults ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(&x2_at[j])", "(&x2_at[(j + 4) % 96])"),
        ("const int j = i1;", "const int j = i1 ^ 4;"),
        ("sums[r][c + v]", "sums[r][c]"),
    ],
)
def test_an_epilogue_that_takes_an_element_of_others_is_found(old: str, new: str) -> None:
    found, arrays = layer()
    good, right = run_cuda(found, arrays, [])
    _, wrong = run_cuda(found, arrays, [], source=changed(good, old, new))
    assert not all(np.array_equal(a, b) for a, b in zip(right, wrong, strict=True))


def test_an_epilogue_that_moves_past_what_it_reads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = drawn([(64, 40), (40, 48)], "float32")

    def build(a: Var, b: Var) -> list[Var]:
        y = a @ b
        return [y * ops.sum_(y, (0,)), y]

    found = planned_of(build, arrays, False)
    right, _ = ran(found, arrays)
    monkeypatch.setattr(Task, "conflicts", lambda *_: False)
    bad = cuda_source(found, "run")
    wrong = [ran(found, arrays, order, bad)[0] for order in (0, 1)]
    assert all(not np.array_equal(right, a) for a in wrong)
