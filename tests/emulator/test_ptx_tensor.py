"""Tensor cores: the product of a warp and the rounding of its factors against exact arithmetic; places that are not the
manual's, put in, and threads that do not come, must be found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from .exact import SINGLE, TF32
from .instructions import HEAD, Case, kernels, run
from .kernels import Array, Fault, Kernels, needs_gcc
from .ptx import compile_c, translate
from .ptx_syntax import PtxError

pytestmark = needs_gcc
PLACES: dict[str, tuple[tuple[int, int], Callable[[int, int, int], int]]] = {
    "a": ((16, 8), lambda t, r, v: 16 * t + r + 8 * (v % 2) + 64 * (v // 2)),
    "b": ((8, 8), lambda t, r, v: 8 * t + r + 32 * v),
    "c": ((16, 8), lambda t, r, v: 32 * t + r + 16 * (v % 2) + 8 * (v // 2)),
}
"""Of each matrix its shape (b: columns by terms), and which element, counted down the columns, number `v` of thread
t + 4 r is: as strides, in the manner of CUTLASS, which the emulator's own text does not use."""


def entry(mma: str, before: str = "") -> str:
    """A kernel whose threads each read their numbers, and write what they get."""
    counts = {"a": 4, "b": 2, "c": 4}
    lines = [".visible .entry product(.param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3)", "{"]
    lines += [".reg .b64 %at<4>;", ".reg .b32 %i, %a<4>, %b<2>;", ".reg .f32 %c<4>;", ".reg .pred %p;"]
    lines += ["mov.u32 %i, %tid.x;"]
    for k, (name, count) in enumerate(counts.items()):
        lines += [f"ld.param.u64 %at{k}, [p{k}];", f"mad.wide.u32 %at{k}, %i, {4 * count}, %at{k};"]
        kind = "f32" if name == "c" else "b32"
        lines += [f"ld.global.{kind} %{name}{v}, [%at{k}+{4 * v}];" for v in range(count)]
    lines += [before, mma, "ld.param.u64 %at3, [p3];", "mad.wide.u32 %at3, %i, 16, %at3;"]
    lines += [f"st.global.f32 [%at3+{4 * v}], %c{v};" for v in range(4)]
    return HEAD + "\n".join([*lines, "ret;", "}", ""])


MMA = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
WHOLE = f"{MMA} {{%c0, %c1, %c2, %c3}}, {{%a0, %a1, %a2, %a3}}, {{%b0, %b1}}, {{%c0, %c1, %c2, %c3}};"


def parts(name: str, matrix: Array) -> Array:
    """The numbers of each thread."""
    shape, place = PLACES[name]
    assert matrix.shape == shape
    count = matrix.size // 32
    return np.array([[matrix.T.flat[place(n % 4, n // 4, v)] for v in range(count)] for n in range(32)], "float32")


def whole(name: str, found: Array) -> Array:
    shape, place = PLACES[name]
    matrix = np.zeros(shape[::-1], "float32")
    for n in range(32):
        for v in range(found.shape[1]):
            matrix.flat[place(n % 4, n // 4, v)] = found[n, v]
    return matrix.T


def matrices(seed: int) -> list[Array]:
    """Numbers of which products and sums fit into a double; with bits that are not looked at."""
    rng = np.random.default_rng(seed)
    made = [rng.uniform(1, 2, shape) * 2.0 ** rng.integers(-5, 6, shape) for shape, _ in PLACES.values()]
    return [(rng.choice([-1, 1], m.shape) * m).astype("float32") for m in made]


def computed(made: Kernels, a: Array, b: Array, c: Array, order: int = 0) -> Array:
    out = np.full((32, 4), np.nan, "float32")
    given = (np.ascontiguousarray(parts(name, x)) for name, x in zip("abc", (a, b, c), strict=True))
    made("product", 1, 32, [*given, out], order=order)
    return whole("c", out)


def cut(x: Array) -> Array:
    found: Array = (x.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)
    return found


def exactly(a: Array, b: Array, c: Array) -> Array:
    """The sums, rounded once; of factors whose last 13 bits are left out."""

    def one(row: int, column: int) -> float:
        pairs = zip(cut(a)[row], cut(b)[column], strict=True)
        terms = [Fraction(float(x)) * Fraction(float(y)) for x, y in pairs]
        return float(SINGLE.rounded(sum(terms, Fraction(float(c[row, column])))))

    return np.array([[one(row, column) for column in range(8)] for row in range(16)], "float32")


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_product(seed: int, order: int) -> None:
    given = matrices(seed)
    np.testing.assert_array_equal(computed(Kernels(entry(WHOLE)), *given, order=order), exactly(*given))


def test_what_is_no_number_spreads_along_its_row() -> None:
    a, b, c = matrices(0)
    a[3, 2], a[5, 1], c[9, 4] = np.nan, np.inf, -np.inf
    found = computed(Kernels(entry(WHOLE)), a, b, c)
    odd = np.zeros((16, 8), bool)
    odd[3], odd[5], odd[9, 4] = True, True, True
    np.testing.assert_array_equal(np.isfinite(found), ~odd)
    np.testing.assert_array_equal(found[5], np.inf * np.sign(b[:, 1]))


def test_rounding_of_factors() -> None:
    case = Case("cvt.rna.tf32.f32", ("f32",), "b32")
    (given,), found = run(kernels([case]), case, 0, 4000)
    for x, y in zip(given, found, strict=True):
        value, got = SINGLE.value(int(x)), SINGLE.value(int(y))
        wanted = TF32.rounded(value, "rna")
        assert (wanted != wanted and got != got) or wanted == got
        assert y % 2**13 == 0 or wanted != wanted


# Planted faults ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{%a0, %a1, %a2, %a3}", "{%a0, %a2, %a1, %a3}"),
        ("{%a0, %a1, %a2, %a3}", "{%a1, %a0, %a3, %a2}"),
        ("{%b0, %b1}", "{%b1, %b0}"),
        ("{%c0, %c1, %c2, %c3}, {%a", "{%c0, %c2, %c1, %c3}, {%a"),
    ],
)
def test_parts_in_other_places_are_found(old: str, new: str) -> None:
    given = matrices(1)
    assert WHOLE.count(old) == 1
    found = computed(Kernels(entry(WHOLE.replace(old, new))), *given)
    assert not np.array_equal(found, exactly(*given))


@pytest.fixture
def otherwise(tmp_path: Path) -> Callable[[str, str], Kernels]:
    """The kernel with other words in the emulator's header."""

    def made(old: str, new: str) -> Kernels:
        for path in Path(__file__).parent.glob("ptx_*.h"):
            shutil.copy(path, tmp_path)
        header = tmp_path / "ptx_tensor.h"
        words = header.read_text("utf-8")
        assert words.count(old) == 1
        header.write_text(words.replace(old, new), "utf-8")
        source = tmp_path / "kernel.c"
        source.write_text(translate(entry(WHOLE)), "utf-8")
        compile_c(source, source.with_suffix(".so"))
        return Kernels(made=source.with_suffix(".so"))

    return made


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lane / 4 + k / 2 * 8", "lane / 4 + k % 2 * 8"),
        ("lane % 4 * 2 + k % 2", "lane % 4 + k % 2 * 4"),
        ("row % 8 * 4 + term % 4", "row % 8 + term % 4 * 8"),
        ("row / 8 + term / 4 * 2", "row / 8 * 2 + term / 4"),
        ("column * 4 + term % 4", "column + term % 4 * 8"),
        ("4 + term / 4", "5 - term / 4"),
        ("as_f32(a & 0xFFFFE000)", "as_f32(a)"),
        ("term < 8", "term < 7"),
    ],
)
def test_an_emulator_with_other_places_is_found(otherwise: Callable[[str, str], Kernels], old: str, new: str) -> None:
    given = matrices(2)
    assert not np.array_equal(computed(otherwise(old, new), *given), exactly(*given))


@pytest.mark.parametrize("block", [32, 40])
def test_threads_that_do_not_come_are_found(block: int) -> None:
    """One of a warp goes elsewhere; a warp has but eight threads."""
    skip = "" if block == 40 else "setp.eq.u32 %p, %i, 7;\n@%p bra END;"
    made = Kernels(entry(WHOLE + "\nEND:" if skip else WHOLE, skip))
    arrays = [np.zeros((40, n), "float32") for n in (4, 2, 4, 4)]
    with pytest.raises(Fault, match=r"^719: .*not all threads of the warp come to"):
        made("product", 1, block, arrays)


@pytest.mark.parametrize(
    ("old", "new"),
    [("m16n8k8", "m16n8k4"), ("{%b0, %b1}", "{%b0}"), (".row.col", ".col.row"), ("tf32.tf32", "bf16.bf16")],
)
def test_other_products_are_not_known(old: str, new: str) -> None:
    with pytest.raises(PtxError, match=r"line \d+: `mma\..* is not known to the translator"):
        translate(entry(WHOLE.replace(old, new)))
