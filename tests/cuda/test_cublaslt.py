"""Products as cuBLASLt is asked for them: right for every way a matrix can lie, by a model of the library in NumPy; and
its own descriptors, where it is installed."""

from __future__ import annotations

import ctypes
import itertools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gpubp.backends.cuda import cublaslt
from gpubp.backends.native import NativeError
from gpubp.render import Gemm, Matrix

NO_CHOICES: Any = None
"""For products that are not large."""


def view(matrix: cublaslt.Stored, flat: np.ndarray) -> np.ndarray:
    """A matrix of float64 or int64 in memory."""
    steps = (matrix.step * 8, 8, matrix.stride * 8)
    return np.lib.stride_tricks.as_strided(flat, (matrix.batch, matrix.rows, matrix.columns), steps)


def library_product(
    left: cublaslt.Stored,
    right: cublaslt.Stored,
    result: cublaslt.Stored,
    *memory: np.ndarray,
    bias: np.ndarray | None = None,
    relu: bool = False,
) -> None:
    """What the library does: matrices lie column by column, and a bias has a number for each row of the result."""
    a, b, c = (view(m, flat) for m, flat in zip((left, right, result), memory, strict=True))
    a, b = (np.swapaxes(x, 1, 2) if m.turned else x for m, x in ((left, a), (right, b)))
    y = a @ b if bias is None else a @ b + bias[:, None]
    c[...] = np.fmax(y, 0) if relu else y


@pytest.mark.parametrize("turned", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("batch", [1, 3])
def test_every_way_to_lie(turned: tuple[bool, bool, bool], batch: int) -> None:
    m, n, k, rng = 4, 5, 6, np.random.default_rng(0)
    matrices, memory, views = [], [], []
    for flag, (rows, columns) in zip(turned, ((m, k), (k, n), (m, n)), strict=True):
        stride = (rows if flag else columns) + 2  # not dense
        step = stride * (columns if flag else rows) + 3
        flat = rng.normal(size=batch * step)
        own = (8, stride * 8) if flag else (stride * 8, 8)
        views.append(np.lib.stride_tricks.as_strided(flat, (batch, rows, columns), (step * 8, *own)))
        memory.append(flat)
        matrices.append(Matrix(None, 0, stride, flag, step))
    a, b, c = matrices
    swapped, left, right, result = cublaslt.stored(Gemm(m, n, k, batch, "float64", a, b, c))
    first, second = (memory[1], memory[0]) if swapped else (memory[0], memory[1])
    library_product(left, right, result, first, second, memory[2])
    np.testing.assert_allclose(views[2], views[0] @ views[1], rtol=1e-13)
    for matrix, flat in ((left, first), (right, second), (result, memory[2])):
        assert matrix.span == 1 + view(matrix, np.arange(flat.size)).max()
    # A bias along our last axis is one along the library's rows where our rows are dense, and only there.
    if not turned[2]:
        bias = rng.normal(size=n)
        library_product(left, right, result, first, second, memory[2], bias=bias, relu=True)
        np.testing.assert_allclose(views[2], np.maximum(views[0] @ views[1] + bias, 0), rtol=1e-13)
    else:
        assert result.rows == m


def test_alignments_are_those_of_the_addresses() -> None:
    assert [cublaslt._alignment(at) for at in (0, 4, 8, 16, 24, 48, 256)] == [16, 4, 8, 16, 8, 16, 16]


class Asked:
    """A library that answers well, and notes the kind of sums and the attributes that products are asked for, what it
    has made that exists, and the factors and addresses of the last product. `algorithms`: how many it has for one."""

    def __init__(self, algorithms: int = 1) -> None:
        self.algorithms = algorithms
        self.layout: list[int] = []
        self.factors: list[Any] = []
        self.addresses: list[int] = []
        self.layouts: list[int] = []
        self.made: dict[int, str] = {}
        self.compute: list[int] = []
        self.attributes: dict[int, int | None] = {}
        self.preferences: dict[int, int] = {}

    def __getitem__(self, name: str) -> Callable[..., int]:
        def answer(*arguments: Any) -> int:
            if name.endswith("Create"):
                arguments[0]._obj.value = number = max(self.made, default=0) + 1
                self.made[number] = name.removeprefix("cublasLt").removesuffix("Create")
            if name.endswith("Destroy"):
                del self.made[arguments[0].value]
            if name == "cublasLtMatmulDescCreate":
                self.compute.append(arguments[1])
            if name == "cublasLtMatmulDescSetAttribute":
                self.attributes[arguments[1]] = arguments[2]._obj.value
            if name == "cublasLtMatrixLayoutCreate":
                self.layout = [arguments[1], *(number.value for number in arguments[2:])]
            if name == "cublasLtMatrixLayoutSetAttribute":
                self.layout += [arguments[1], arguments[2]._obj.value]
            if name == "cublasLtMatmulPreferenceSetAttribute":
                self.preferences[arguments[1]] = arguments[2]._obj.value
            if name == "cublasLtMatmulAlgoGetHeuristic":
                arguments[-1]._obj.value = self.algorithms
            if name == "cublasLtMatmul":
                self.factors = [arguments[k]._obj for k in (2, 7)]
                self.addresses = [arguments[k].value for k in (3, 5, 8, 10)]
                self.layouts = [arguments[k].value for k in (4, 6, 9, 11)]
            return 0

        return answer

    __getattr__ = __getitem__


def library_on(library: Any, tf32: bool = False, number: int = 0) -> cublaslt.CublasLt:
    memory = types.SimpleNamespace(address=0)
    return cublaslt.CublasLt(library, number, lambda: 0, lambda size: memory, NO_CHOICES, tf32)


@pytest.mark.parametrize(("tf32", "wanted"), [(False, [68, 70]), (True, [77, 70])])
def test_tf32_is_for_float32_where_it_is_asked_for(tf32: bool, wanted: list[int]) -> None:
    asked = Asked()
    made = library_on(asked, tf32)
    matrix = Matrix(None, 0, 64, False, 0)
    for dtype in ("float32", "float64"):
        made.product(Gemm(64, 64, 64, 1, dtype, matrix, matrix, matrix), 256, 512, 1024, None)
    assert asked.compute == wanted


def test_algorithms_are_asked_for_that_take_these_addresses_and_this_workspace() -> None:
    """Of C and D, which are the same matrix, too."""
    asked, matrix = Asked(), Matrix(None, 0, 64, False, 0)
    library_on(asked).product(Gemm(64, 64, 64, 1, "float32", matrix, matrix, matrix), 256, 520, 1028, None)
    assert asked.preferences == {1: cublaslt.WORKSPACE, 5: 8, 6: 16, 7: 4, 8: 4}, "the second is the library's first"


@pytest.mark.parametrize(("dtype", "kind"), [("float32", 0), ("float64", 1)])
def test_a_matrix_is_described(dtype: str, kind: int) -> None:
    """Its type, rows, columns and the distance of these; attribute 5 is the batch, 6 the distance of matrices."""
    asked: Any = Asked()
    cublaslt.layout(asked, cublaslt.Stored(4, 5, 6, 2, 30, turned=True), dtype)
    assert asked.layout == [kind, 4, 5, 6, 5, 2, 6, 30]


@pytest.mark.parametrize(("dtype", "kind"), [("float32", ctypes.c_float), ("float64", ctypes.c_double)])
def test_a_product_replaces_what_was_there(dtype: str, kind: type[Any]) -> None:
    """The library computes alpha A B + beta C, all addresses being those of its own order."""
    asked, matrix = Asked(), Matrix(None, 0, 64, False, 0)
    product = library_on(asked).product(Gemm(64, 64, 64, 1, dtype, matrix, matrix, matrix), 256, 512, 1024, None)
    product()
    assert [(type(x), x.value) for x in asked.factors] == [(kind, 1), (kind, 0)]
    assert asked.addresses == [512, 256, 1024, 1024]
    first, second, third = (number for number, what in asked.made.items() if what == "MatrixLayout")
    assert asked.layouts == [first, second, third, third]


def test_a_product_without_an_algorithm() -> None:
    matrix = Matrix(None, 0, 64, False, 0)
    work = Gemm(64, 64, 64, 1, "float32", matrix, matrix, matrix)
    with pytest.raises(NativeError, match="cuBLASLt has no algorithm for Stored"):
        library_on(Asked(algorithms=0)).product(work, 256, 512, 1024, None)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bias", [None, 4096])
def test_a_bias_and_a_rectifier_are_asked_for(bias: int | None, relu: bool) -> None:
    """For each address of a bias anew: it is a part of what is asked."""
    asked = Asked()
    made = library_on(asked)
    matrix = Matrix(None, 0, 64, False, 0)
    for at in (bias, bias and 2 * bias):
        work = Gemm(64, 64, 64, 1, "float32", matrix, matrix, matrix, None if bias is None else (None, 0), relu)
        made.product(work, 256, 512, 1024, at)
        epilogue = (4 if bias else 0) + (2 if relu else 0)
        assert asked.attributes == {3: 0, 4: 0, 7: epilogue or 1, 8: at}


def test_descriptions_go_with_what_uses_them_and_a_device_keeps_its_handle() -> None:
    """Whoever trains net after net in one process does not fill it."""
    asked, matrix = Asked(), Matrix(None, 0, 64, False, 0)
    for number in (0, 1, 0):
        product = library_on(asked, number=number).product(
            Gemm(64, 64, 64, 1, "float32", matrix, matrix, matrix), 256, 512, 1024, None
        )
        assert sorted(asked.made.values())[-4:] == ["MatmulDesc", *["MatrixLayout"] * 3]
        product()
        del product
        assert set(asked.made.values()) == {""}
    assert len(asked.made) == 2


@pytest.fixture
def library() -> ctypes.CDLL:
    try:
        return cublaslt.load(12)
    except NativeError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_descriptors_are_made(library: ctypes.CDLL, dtype: str) -> None:
    matrix = cublaslt.Stored(4, 5, 6, 2, 30, turned=True)
    made = cublaslt.layout(library, matrix, dtype)
    written, values = ctypes.c_size_t(), []
    for number, kind in (
        (2, ctypes.c_uint64),
        (3, ctypes.c_uint64),
        (4, ctypes.c_int64),
        (5, ctypes.c_int32),
        (6, ctypes.c_int64),
    ):
        value = kind()
        given = (made, number, ctypes.byref(value), ctypes.c_size_t(ctypes.sizeof(value)), ctypes.byref(written))
        assert library.cublasLtMatrixLayoutGetAttribute(*given) == 0
        values.append(value.value)
    assert values == [4, 5, 6, 2, 30], "rows, columns, leading dimension, batch, distance"
    for bias, relu, epilogue in ((None, False, 1), (None, True, 2), (4096, False, 4), (4096, True, 6)):
        product = cublaslt.descriptor(library, 68 if dtype == "float32" else 70, dtype, True, False, bias, relu)
        found = []
        for number, value in (
            (3, ctypes.c_int32(-1)),
            (4, ctypes.c_int32(-1)),
            (7, ctypes.c_uint32()),
            (8, ctypes.c_void_p(1)),
        ):
            given = (product, number, ctypes.byref(value), ctypes.c_size_t(ctypes.sizeof(value)), ctypes.byref(written))
            assert library.cublasLtMatmulDescGetAttribute(*given) == 0
            found.append(value.value)
        assert found == [1, 0, epilogue, bias], "transposed left, right, epilogue, address of the bias"


def test_the_version_is_told(library: ctypes.CDLL) -> None:
    assert 110000 < library.cublasLtGetVersion() < 10**6


def test_without_a_driver_it_says_so(library: ctypes.CDLL) -> None:
    handle = ctypes.c_void_p()
    if library.cublasLtCreate(ctypes.byref(handle)) == 0:
        pytest.skip("there is a driver here")
    with pytest.raises(NativeError, match="cublasLtCreate gives 1"):
        library_on(library)
