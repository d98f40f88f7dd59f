"""Kernels as text, at the edges of memory, and with faults put in that must be found."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.frontend import build_plan, describe
from gpubp.ir import FLOATS, PRIMITIVES, Aval, Program, Var, apply, recording, verify
from gpubp.passes import ITEM, Plan, plan
from gpubp.render import CudaSource, Gemm, Launch, cuda_source
from tests.ops.checks import arguments, inputs_for
from tests.ops.test_c_forms import WITH_FORM, case_of, peaks, ulps
from tests.render.test_c_source import MODELS
from tests.render.test_c_text import classes, momentum, softmax

from .host import CXX, FLAGS, SCHEDULER, host_text, needs_host
from .running import Array, run_cuda

GOLDEN = Path(__file__).parent.parent / "golden" / "cuda"
pytestmark = needs_host


def kernels_of(source: CudaSource) -> str:
    """The text without the functions that every module begins with, and the launches."""
    lines = [source.text[source.text.index('extern "C"') :]]
    for name, work in source.work.items():
        lines += [re.sub(r", (frame=None|dynamic_shared=0)", "", f"// {name}: {one}\n") for one in work]
    return "".join(lines)


def values(build: Callable[..., Sequence[Var]], arrays: Sequence[Array], order: int = 0) -> list[Array]:
    """What equations compute by kernels alone."""
    xs = inputs_for(arrays)
    with recording() as eqns:
        results = build(*xs)
    found = plan(verify(Program(tuple(xs), tuple(eqns), tuple(results))), xs)
    source, out = run_cuda(found, arrays, [], order)
    assert sum(f.stop - f.first for f in source.functions) == len(found.steps), "a step has no kernel"
    return out


# Text ----------------------------------------------------------------------------------------------------------------
def wide() -> Plan:
    x, bias, w = (
        Var(Aval((64, 48), "float32"), "x"),
        Var(Aval((96,), "float32"), "bias"),
        Var(Aval((48, 96), "float32")),
    )
    with recording() as eqns:
        hidden = ops.tanh(x @ w + bias)
        total, columns = ops.sum_(hidden * hidden), ops.sum_(hidden, (0,))
    return plan(verify(Program((x, bias, w), tuple(eqns), (total, columns, hidden))), (x,))


def pixels() -> Plan:
    x, w = Var(Aval((40, 12, 12, 8), "float32"), "x"), Var(Aval((3, 3, 8, 32), "float32"), "w")
    with recording() as eqns:
        y = ops.conv(x, w, size=(12, 12), spread=((1, 1), (1, 1), (1, 1)), groups=1)
        back = ops.conv_weight(x, y, size=(3, 3), spread=((1, 1), (1, 1), (1, 1)), groups=1, copies=None)
    return plan(verify(Program((x, w), tuple(eqns), (y, back))), (x,))


@pytest.mark.parametrize("make", [softmax, momentum, classes, wide, pixels], ids=lambda f: f.__name__)
def test_golden(make: Callable[[], Plan]) -> None:
    found = kernels_of(cuda_source(make(), "step", unfused=True))
    assert found == (GOLDEN / f"{make.__name__}.cu").read_text("utf-8")


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_float32_is_never_promoted(path: Path) -> None:
    """A literal without its `f` would make a whole expression double, many times slower on most GPUs."""
    built, found = build_plan(gpubp.load(path), "predict", 4, "float32")
    text = cuda_source(found, "predict", built.hints, describe).text
    own = text[text.index('extern "C"') :]
    for line in own.splitlines():
        if line.strip().startswith("const float ") and "double" not in line and "(float)" not in line:
            assert not re.search(r"(?<![\w.])\d+\.\d*(e-?\d+)?(?![\w.])", line), line


# Numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("floats", ["float32", "float64"])
def test_every_form_on_its_examples(floats: str) -> None:
    cases = {name: case_of(p, e, floats) for name, (p, e) in WITH_FORM.items()}
    inputs = [inputs_for(arrays) for _, arrays in cases.values()]
    with recording() as eqns:
        results = [build(*xs) for (build, _), xs in zip(cases.values(), inputs, strict=True)]
    every = [x for xs in inputs for x in xs]
    found = plan(verify(Program(tuple(every), tuple(eqns), tuple(results))), every)
    source, out = run_cuda(found, [a for _, arrays in cases.values() for a in arrays], [])
    assert sum(f.stop - f.first for f in source.functions) == len(found.steps), "a step has no kernel"
    for got, (name, (primitive, example)) in zip(out, WITH_FORM.items(), strict=True):
        arrays = cases[name][1]
        wanted = np.asarray(apply(primitive, np, arrays, arguments(example, floats)[1]))
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype), name
        if str(got.dtype) not in FLOATS or primitive is PRIMITIVES["uniform"]:
            np.testing.assert_array_equal(got, wanted, err_msg=name)
            continue
        largest = max(1.0, *(float(np.abs(a).max()) for a in arrays))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=24 * np.finfo(got.dtype).eps * largest, err_msg=name)


LENGTHS = [1, 3, 31, 32, 33, 100, 256, 257, 1000, 4096, 4097, 20_000, 70_001]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [0, 1])
def test_reductions_of_any_length(dtype: str, order: int) -> None:
    """The bound grows with the terms that one thread sums and the depth of the tree over the threads."""
    rng = np.random.default_rng(0)
    rows = [rng.uniform(0.0, 1.0, (3, n)).astype(dtype) for n in LENGTHS]
    tall = [np.ascontiguousarray(a.T) for a in rows]
    holed = rows[-1].copy()
    holed[1, 777] = np.nan
    given = [*rows, *tall, holed]

    def build(*xs: Var) -> list[Var]:
        sums = [ops.sum_(ops.sqrt(x), (-1,)) for x in xs[: len(rows)]]
        sums += [ops.sum_(x, (0,)) for x in xs[len(rows) : -1]]
        whole = [ops.sum_(x * x) for x in xs[: len(rows)]]
        return [*sums, *whole, ops.max_(xs[-1], (1,)), ops.max_(xs[-1])]

    found = values(build, given, order)
    wide = [a.astype("longdouble" if dtype == "float64" else "float64") for a in rows]
    wanted = [np.sqrt(a).sum(1) for a in wide] + [a.sum(1) for a in wide] + [(a * a).sum() for a in wide]
    for got, right, n in zip(found, wanted, LENGTHS * 3, strict=False):
        assert ulps(got, np.asarray(right)).max() <= 8 + min(n / 32, 64), n
    np.testing.assert_array_equal(found[-2], holed.max(1))
    assert np.isnan(found[-1])


@pytest.mark.parametrize("shape", [(5, 33), (300, 200), (4, 2000), (2, 4096)])
def test_rows_with_two_reductions(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    for order in (0, 1):
        (got,) = values(lambda v: [ops.softmax(v, axis=-1)], [x], order)
        e = np.exp(x.astype("float64") - x.max(1, keepdims=True))
        assert ulps(got, e / e.sum(1, keepdims=True)).max() <= 16


@pytest.mark.parametrize("shapes", [((40, 50), (50, 60)), ((3, 40, 50), (50, 60)), ((2, 1, 33, 65), (3, 65, 17))])
def test_products_by_tiles_and_by_the_library(shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=s).astype("float64") for s in shapes)

    def build(x: Var, y: Var) -> list[Var]:
        turned = ops.transpose(ops.transpose(y) @ ops.transpose(x))
        return [x @ y, turned, ops.transpose(x) @ (x @ y) if x.ndim == y.ndim else x @ y]

    xy = a @ b
    wanted = [xy, xy, np.swapaxes(a, -1, -2) @ xy if a.ndim == b.ndim else xy]
    for got, right in zip(values(build, [a, b]), wanted, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_of_the_largest(dtype: str) -> None:
    x = peaks(dtype)
    found = values(lambda v: [ops.argmax(v, axis=axis) for axis in range(3)], [x])
    for axis, places in enumerate(found):
        np.testing.assert_array_equal(places, np.argmax(x, axis))


def test_images_moved_and_turned_round() -> None:
    rng = np.random.default_rng(0)
    x, offsets = rng.normal(size=(6, 5, 4, 3)).astype("float32"), rng.integers(-6, 7, (6, 2))
    moved, back = values(lambda v, o: [ops.shift(v, o), ops.flip(ops.flip(v, axis=1), axis=2)], [x, offsets])
    np.testing.assert_array_equal(moved, apply(PRIMITIVES["shift"], np, [x, offsets], {}))
    np.testing.assert_array_equal(back, x[:, ::-1, ::-1])


@pytest.mark.parametrize("width", [3, 40, 300])
@pytest.mark.parametrize("rows", [9, 400])
def test_a_scatter_adds_in_the_order_of_its_indices(width: int, rows: int) -> None:
    """By a warp, or by several; many updates of a row, or a few far apart."""
    rng = np.random.default_rng(0)
    labels, updates = rng.integers(0, rows - 2, 500), rng.normal(size=(500, width)).astype("float32")
    wanted = np.zeros((rows, width), "float32")
    for label, row in zip(labels, updates, strict=True):
        wanted[label] += row
    for order in (0, 1):
        (got,) = values(lambda u, i: [ops.scatter_add(u, i, rows=rows)], [updates, labels], order)
        np.testing.assert_array_equal(got, wanted)


# Planted faults ------------------------------------------------------------------------------------------------------
def _long_softmax() -> tuple[Plan, Array]:
    x = Var(Aval((2, 3000), "float32"), "x")
    with recording() as eqns:
        y = ops.softmax(x, axis=-1)
    return plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), np.random.default_rng(0).normal(size=(2, 3000))


def changed(source: CudaSource, old: str, new: str) -> CudaSource:
    assert old in source.text
    return replace(source, text=source.text.replace(old, new))


def test_a_missing_barrier_is_found() -> None:
    found, x = _long_softmax()
    good, (right,) = run_cuda(found, [x], [])
    bad = changed(good, "    __syncthreads();\n", "")
    results = [run_cuda(found, [x], [], order, source=bad)[1][0] for order in (0, 1)]
    assert any(not np.array_equal(right, wrong) for wrong in results)


def test_a_barrier_that_some_threads_never_reach_is_found() -> None:
    found, x = _long_softmax()
    good, _ = run_cuda(found, [x], [])
    bad = changed(good, "    __syncthreads();\n", "    if (threadIdx.x > 40) __syncthreads();\n")
    with pytest.raises(AssertionError, match=r"some threads never come to a barrier|threads wait at"):
        run_cuda(found, [x], [], source=bad)


def test_a_shuffle_beyond_its_mask_is_found() -> None:
    found = softmax()
    good = cuda_source(found, "run")
    bad = changed(good, "for (int m = 4;", "for (int m = 16;")
    bad = changed(bad, ", m, 8)", ", m, 32)")
    given = [np.ones(v.shape, v.dtype) for v in (*found.feeds, *found.states)]
    with pytest.raises(AssertionError, match="outside of its mask"):
        run_cuda(found, given[:1], given[1:], source=bad)


# Memory --------------------------------------------------------------------------------------------------------------
CHECKED = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize=alignment", "-fno-sanitize-recover=all")


def main_of(source: CudaSource, found: Plan) -> str:
    """A program that runs all kernels once, on memory of exactly the size that they were promised."""
    works = [one for work in source.work.values() for one in work if isinstance(one, Launch)]
    sizes = ", ".join(str(v.aval.size * ITEM[v.dtype]) for v in source.tables) or "1"
    lines = [
        host_text(source.text),
        "#include <stdlib.h>",
        "#include <string.h>",
        "int main() {",
        f"    size_t sizes[] = {{{sizes}}};",
        f"    char *at[{max(1, len(source.tables))}], *arena = (char *)malloc({found.arena});",
        f"    char *scratch = (char *)calloc({source.before + source.scratch}, 1) + {source.before};",
        f"    memset(arena, 1, {found.arena});",
        f"    for (int i = 0; i < {len(source.tables)}; i++) at[i] = (char *)calloc(sizes[i], 1);",
        *(f"    if (host_{w.kernel}({w.grid}, {w.block}, 0, arena, at, scratch)) return 1;" for w in works),
        "    return 0;",
        "}",
    ]
    return "\n".join(lines)


def sanitized(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "main.cpp"
    path.write_text(text, "utf-8")
    texts = (str(path), str(SCHEDULER))
    built = subprocess.run([CXX, *FLAGS, *CHECKED, *texts, "-o", str(folder / "run")], capture_output=True, text=True)
    if built.returncode:
        pytest.skip("the compiler has no sanitizers")
    env = {"ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0"}
    return subprocess.run([str(folder / "run")], capture_output=True, text=True, env=env)


@pytest.mark.parametrize("path", [p for p in MODELS if p.stem in ("digits", "vae", "digits_cnn")], ids=lambda p: p.stem)
def test_kernels_stay_in_their_memory(path: Path, tmp_path: Path) -> None:
    narrow = {"width": 8} if path.stem == "digits_cnn" else {}
    built, found = build_plan(gpubp.load(path, params=narrow), "train", 5, "float32")
    done = sanitized(main_of(cuda_source(found, "train", built.hints, describe), found), tmp_path)
    assert done.returncode == 0, done.stderr[:3000]


def test_an_access_outside_of_its_memory_is_found(tmp_path: Path) -> None:
    found, _ = _long_softmax()
    good = cuda_source(found, "run")
    assert sanitized(main_of(good, found), tmp_path).returncode == 0
    done = sanitized(main_of(changed(good, "if (j < 3000)", "if (j < 3072)"), found), tmp_path)
    assert "heap-buffer-overflow" in done.stderr


def test_large_products_go_to_the_library() -> None:
    """Those of more than 2^25 multiplications, with TF32 or without."""
    x, w = Var(Aval((1024, 256), "float32"), "x"), Var(Aval((256, 256), "float32"), "w")
    with recording() as eqns:
        y = x @ w
    large = plan(verify(Program((x, w), tuple(eqns), (y,))), (x,))
    for found, tf32 in product((large, wide()), (False, True)):
        works = [one for work in cuda_source(found, "step", tf32=tf32).work.values() for one in work]
        gemms = [(one.m, one.n, one.k) for one in works if isinstance(one, Gemm)]
        assert gemms == ([(1024, 256, 256)] if found is large else [])
