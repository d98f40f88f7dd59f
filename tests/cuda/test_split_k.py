"""Split-K: partial sums of blocks, reduced in one order whichever block is last, and planted faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import CudaSource, Launch, cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.tiles import FAN_IN, MIN_TERMS, SLICED, TILES, Tile, counters_of, levels
from tests.ops.checks import inputs_for

from .host import needs_host
from .running import Array, run_cuda
from .test_cuda_kernels import changed, values
from .test_cuda_tiles import Layer, alone, close, drawn

pytestmark = needs_host
SHAPES = (
    # batch, rows, terms, columns
    ((), 20, 300, 36),
    ((), 65, 129, 17),
    ((3,), 16, 160, 40),
    ((), 1, 777, 5),
    ((), 64, 64, 64),
    ((2, 2), 7, 200, 33),
)


def test_a_sum_of_many_terms_is_one_launch() -> None:
    """As in the gradient of a few weights by many pixels."""
    layer = Layer(7, 20, 20, 4, 8)
    shapes, params, terms = layer.works()["conv_weight"]
    arrays = drawn(shapes, "float32")
    source, found, _ = alone("conv_weight", arrays, params)
    ((work,),) = source.work.values()
    assert isinstance(work, Launch)
    assert "last_of(counter" in source.text
    assert work.grid > terms // (4 * MIN_TERMS)
    close(found, "conv_weight", arrays, params, terms)


@pytest.mark.parametrize(("terms", "columns", "blocks"), [(784, 256, 16 * 13), (256, 128, 64)])
def test_in_how_many_pieces(terms: int, columns: int, blocks: int) -> None:
    """13 of 64 terms are two for the busiest multiprocessor, as 9 of 96 would be; to reduce 4 takes as long as to take
    all 256 terms in one."""
    xs = Var(Aval((128, terms), "float32"), "x"), Var(Aval((terms, columns), "float32"), "w")
    with recording() as eqns:
        y = xs[0] @ xs[1]
    ((work,),) = cuda_source(plan(verify(Program(xs, tuple(eqns), (y,))), xs), "run").work.values()
    assert isinstance(work, Launch)
    assert work.grid == blocks


def test_each_node_of_a_tree_has_a_counter_of_its_own() -> None:
    """Also a group of one partial sum on a higher level, as of 257: 16 groups of 16, and it."""
    for splits in (*range(2, 530), 1025, 2049, 4097):
        pieces, used = {*range(splits)}, set[int]()
        for level in range(levels(splits)):
            pieces = {piece // FAN_IN ** (level + 1) * FAN_IN ** (level + 1) for piece in pieces}
            places = {first + level for first in pieces}
            assert used.isdisjoint(places)
            used |= places
        assert pieces == {0}
        assert max(used) < counters_of(splits)


def split_k(monkeypatch: pytest.MonkeyPatch, tile: Tile, at_once: int) -> None:
    """Have all sums divided, into as small pieces as there are."""
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    for name, value in (("SMALL", 0), ("MIN_TERMS", 16), ("SPLIT_FROM", 16), ("FAN_IN", at_once)):
        monkeypatch.setattr(cuda_tiles, name, value)


CASES = [(TILES[0], "float32", FAN_IN), (TILES[0], "float64", 4), (TILES[-1], "float32", 4)]
CASES += [(Tile(32, 32, 4, 4), "float32", 5), (Tile(32, 16, 4, 4), "float64", FAN_IN)]


@pytest.mark.parametrize(("tile", "dtype", "at_once"), CASES, ids=lambda t: str(getattr(t, "rows", t)))
def test_products_in_pieces(monkeypatch: pytest.MonkeyPatch, tile: Tile, dtype: str, at_once: int) -> None:
    """Rows and columns that fill no tile, batches, matrices that lie transposed; one to three rounds of adding up."""
    split_k(monkeypatch, tile, at_once)
    products(dtype)


def test_a_product_in_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for two of each of its six tiles."""
    split_k(monkeypatch, TILES[0], FAN_IN)
    monkeypatch.setattr(cuda_tiles, "BUSY", 2 * 6 * TILES[0].threads)
    xs = inputs_for(arrays := drawn([(20, 1000), (1000, 36)], "float32"))
    with recording() as eqns:
        y = xs[0] @ xs[1]
    source, (found,) = run_cuda(plan(verify(Program(tuple(xs), tuple(eqns), (y,))), xs), arrays, [])
    ((work,),) = source.work.values()
    assert isinstance(work, Launch)
    assert work.grid == 2 * 6
    near(found, *arrays)


@pytest.mark.parametrize("tile", SLICED, ids=lambda t: f"{t.rows} by {t.columns}")
def test_products_of_threads_that_share_the_terms(monkeypatch: pytest.MonkeyPatch, tile: Tile) -> None:
    """The same in one piece."""
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    for name, value in (("IN_ORDER", 0), ("SLICED_FROM", 16), ("SPLIT_FROM", 1 << 20)):
        monkeypatch.setattr(cuda_tiles, name, value)
    text = products("float32")
    assert "slice < " in text
    assert "int piece = " not in text


def products(dtype: str) -> str:
    """Multiply matrices of all SHAPES, and look at what is found. The text that did it."""
    pairs = [((*b, m, k), (*b, k, n)) for b, m, k, n in SHAPES]
    arrays = drawn([shape for pair in pairs for shape in pair], dtype)

    def build(*xs: Var) -> list[Var]:
        straight = [a @ b for a, b in zip(xs[::2], xs[1::2], strict=True)]
        return [*straight, *(ops.transpose(ops.transpose(b) @ ops.transpose(a)) for a, b in [xs[:2], xs[2:4]])]

    both = [values(build, arrays, order) for order in (0, 1)]
    for k, (found, other) in enumerate(zip(*both, strict=True)):
        a, b = arrays[2 * (k % len(SHAPES)) :][:2]
        near(found, a, b)
        np.testing.assert_array_equal(found, other)
    xs = inputs_for(arrays)
    with recording() as eqns:
        ys = build(*xs)
    return cuda_source(plan(verify(Program(tuple(xs), tuple(eqns), tuple(ys))), xs), "run").text


def near(found: Array, a: Array, b: Array) -> None:
    """Within half a unit for each term, of the sum of the terms without their signs."""
    wide = "float64" if found.dtype == np.float32 else "longdouble"
    exact = a.astype(wide) @ b.astype(wide)
    size = np.abs(a).astype(wide) @ np.abs(b).astype(wide)
    np.testing.assert_array_less(np.abs(found - exact), (a.shape[-1] + 2) * np.finfo(found.dtype).eps / 2 * size)


# Again, behind the guard, and planted faults -------------------------------------------------------------------------
@pytest.fixture
def two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum for which one round of adding up would do takes two."""
    monkeypatch.setattr(cuda_tiles, "JOIN_CYCLES", 0)


def long() -> tuple[Plan, list[Array]]:
    arrays = drawn([(20, 3000), (3000, 24)], "float32")
    xs = inputs_for(arrays)
    with recording() as eqns:
        y = xs[0] @ xs[1]
    return plan(verify(Program(tuple(xs), tuple(eqns), (y,))), xs), arrays


def runs(found: Plan, arrays: Sequence[Array], source: CudaSource) -> list[Array]:
    """The results of two runs in each order, on memory that is garbage but for the counters."""
    return [run_cuda(found, arrays, [], order, source=source)[1][0] for order in (0, 1) for _ in range(2)]


def wrong(found: Plan, arrays: Sequence[Array], source: CudaSource) -> bool:
    """Whether a result is wrong, or a counter afterwards."""
    a, b = arrays
    exact = a.astype("float64") @ b.astype("float64")
    try:
        return not all(np.allclose(y, exact, rtol=0, atol=1e-3) for y in runs(found, arrays, source))
    except AssertionError:
        return True


@pytest.mark.usefixtures("two_rounds")
def test_the_counters_are_zero_again() -> None:
    found, arrays = long()
    source = cuda_source(found, "run")
    first, *others = runs(found, arrays, source)
    near(first, *arrays)
    for other in others:
        np.testing.assert_array_equal(first, other)
    assert not wrong(found, arrays, source)
    once = changed(source, "atomicInc(counter, blocks - 1)", "atomicInc(counter, 0xffffffffu)")
    with pytest.raises(AssertionError, match="a counter is not 0 again"):
        run_cuda(found, arrays, [], source=once)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if (!last) return;", "if (piece != first) return;"),
        ("(end - first + step - 1) / step)", "(end - first + step - 1) / step - 1)"),
        ("from += step) {", "from += step + 1) {"),
        ("piece = first;", ""),
        ("- (first + level) *", "- first *"),
        ("    }\n    __syncthreads();\n    const int x", "    }\n    const int x"),
        ("t * 16 + slice]", "t * 16]"),
        ("s < 8; s++)", "s < 7; s++)"),
    ],
)
@pytest.mark.usefixtures("two_rounds")
def test_faults_are_found(old: str, new: str) -> None:
    """An adder that does not wait for all pieces, or leaves some out; rounds that share their counters; slices of the
    threads that do not wait for each other, take the same terms, or are left out."""
    found, arrays = long()
    assert wrong(found, arrays, changed(cuda_source(found, "run"), old, new))


def test_behind_the_guard() -> None:
    """Where the guard does not hold no block counts itself: the step after it is right."""
    shapes = [(20, 3000), (3000, 24)]
    a, b = (Var(Aval(shape, "float32"), name) for shape, name in zip(shapes, "ab", strict=True))
    ok, state = Var(Aval((), "float32"), "ok"), Var(Aval((20, 24), "float32"), "state")
    with recording() as eqns:
        guard, new = ops.greater(ok, 0.0), a @ b
    found = plan(verify(Program((a, b, ok, state), tuple(eqns), (), ((state, new),), guard)), (a, b, ok))
    source = cuda_source(found, "run")
    assert "last_of(counter" in source.text
    arrays = drawn(shapes, "float32")
    for going in (0.0, 1.0, 0.0, 1.0):
        home = np.zeros((20, 24), "float32")
        run_cuda(found, [*arrays, np.float32(going)], [home], source=source)
        if going:
            near(home, *arrays)
        else:
            assert not home.any()


def test_a_large_sum_for_tensor_cores() -> None:
    """Tiles have all of up to 2^25 multiplications, with TF32 too."""
    found, _ = long()
    for tf32 in (False, True):
        source = cuda_source(found, "run", tf32=tf32)
        assert isinstance(source.work["run_0"][0], Launch)
        assert ("mma_tf32(sums" in source.text) == tf32
