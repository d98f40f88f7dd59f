"""Products of matrices by cuBLASLt, called through ctypes: CuPy's own calls of cuBLAS cannot be captured into a graph.

The library takes the stream and the memory it works in as arguments of each call. Its matrices lie column by column, so
a product of rows is asked for as that of the transposes: c' = b' a'.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from weakref import finalize

from dsl.records import dataclass

from ...render import Gemm, Matrix
from ..native import NativeError
from ..wheels import matching_library
from .algorithms import LARGE, MAX_ALGORITHMS, Candidates, Choices
from .device import MAX_ALIGNED, Work

WORKSPACE = 32 << 20
"""Bytes that the library may work in: what it asks for on Hopper."""
_TYPE = {"float32": 0, "float64": 1}
"""Numbers of cudaDataType."""
_COMPUTE = {"float32": 68, "float64": 70}
"""Numbers of cublasComputeType_t."""
_COMPUTE_TF32 = 77
"""That of factors of float32 rounded to TF32: CUBLAS_COMPUTE_32F_FAST_TF32."""
_TRANSA, _TRANSB, _EPILOGUE, _BIAS, _BATCH, _STEP, _MAX_WORKSPACE, _ALIGNMENT = 3, 4, 7, 8, 5, 6, 1, 5
"""Numbers of attributes of a product, a layout and a preference; four alignments follow each other."""
_NO_EPILOGUE, _RELU, _ADD_BIAS = 1, 2, 4
"""Numbers of cublasLtEpilogue_t; those of a bias and a rectifier are added up."""


class _Algorithm(ctypes.Structure):
    _fields_ = (("data", ctypes.c_uint64 * 8),)


class _Answer(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""

    _fields_ = (
        ("algorithm", _Algorithm),
        ("workspace", ctypes.c_size_t),
        ("status", ctypes.c_int),
        ("waves", ctypes.c_float),
        ("reserved", ctypes.c_int * 4),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """A matrix as it lies in memory, column by column: rows, columns, the distance of columns, the batch, the distance
    of matrices; `turned`: the product takes its transpose."""

    rows: int
    columns: int
    stride: int
    batch: int
    step: int
    turned: bool

    @property
    def span(self) -> int:
        """Numbers from the first to the last."""
        return (self.batch - 1) * self.step + (self.columns - 1) * self.stride + self.rows


def stored(work: Gemm) -> tuple[bool, Stored, Stored, Stored]:
    """Whether the two factors change places, and the matrices of the product as the library sees them: left, right,
    result."""
    m, n, k = work.m, work.n, work.k
    if work.c.transposed:
        factors = (_stored(work.a, m, k, work.batch, False), _stored(work.b, k, n, work.batch, False))
        return False, *factors, Stored(m, n, work.c.stride, work.batch, work.c.step, False)
    factors = (_stored(work.b, k, n, work.batch, True), _stored(work.a, m, k, work.batch, True))
    return True, *factors, Stored(n, m, work.c.stride, work.batch, work.c.step, False)


def _stored(matrix: Matrix, rows: int, columns: int, batch: int, wanted_turned: bool) -> Stored:
    lies = (rows, columns) if matrix.transposed else (columns, rows)
    return Stored(*lies, matrix.stride, batch, matrix.step, matrix.transposed == wanted_turned)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A product as the library is asked for it: its descriptor, the layouts of its matrices, the numbers 1 and 0."""

    product: Any
    layouts: Sequence[Any]
    one: Any
    zero: Any


class CublasLt:
    """The library (see `load`) on the device of a number, which is the thread's. `stream()` gives the stream of a call,
    `allocate(size)` memory that lives as long as this object, `choices` the algorithms of large products. `tf32`:
    factors of float32 may be rounded to TF32. Raises NativeError where the library does not start."""

    def __init__(
        self,
        library: ctypes.CDLL,
        number: int,
        stream: Callable[[], int],
        allocate: Callable[[int], Any],
        choices: Choices,
        tf32: bool = False,
    ) -> None:
        self._compute = _COMPUTE | ({"float32": _COMPUTE_TF32} if tf32 else {})
        self._library, self._handle = library, _handle(library, number)
        self._stream, self._choices = stream, choices
        self._workspace = allocate(WORKSPACE)
        self._known: dict[tuple[object, ...], tuple[_Asked, _Algorithm]] = {}

    def product(self, work: Gemm, a: int, b: int, c: int, bias: int | None) -> Work:
        """The product of matrices at three addresses, and the address of its bias if it has one, ready to call. The
        algorithm is the first that the library's heuristic gives for these shapes and alignments; of a large product
        it is the one that is chosen for them."""
        swapped, left, right, result = stored(work)
        first, second = (b, a) if swapped else (a, b)
        alignments = tuple(_alignment(x) for x in (first, second, c))
        key = (left, right, result, work.dtype, alignments, bias, work.relu)
        if key not in self._known:
            asked = self._asked(work, bias)
            self._known[key] = asked, self._algorithm(work, asked, alignments, bias)
        asked, algorithm = self._known[key]
        return self._bound(asked, algorithm, first, second, c)

    def _bound(self, asked: _Asked, algorithm: _Algorithm, first: int, second: int, c: int) -> Work:
        pointer, layouts = ctypes.c_void_p, asked.layouts
        run = self._library.cublasLtMatmul
        fixed = (
            *(self._handle, asked.product, ctypes.byref(asked.one), pointer(first), layouts[0], pointer(second)),
            *(layouts[1], ctypes.byref(asked.zero), pointer(c), layouts[2], pointer(c), layouts[2]),
            *(ctypes.byref(algorithm), pointer(self._workspace.address), ctypes.c_size_t(WORKSPACE)),
        )

        def call() -> None:
            status = run(*fixed, pointer(self._stream()))
            if status:
                raise NativeError(f"cublasLtMatmul gives {status}")

        return call

    def _asked(self, work: Gemm, bias: int | None) -> _Asked:
        _, left, right, result = stored(work)
        compute = self._compute[work.dtype]
        product = descriptor(self._library, compute, work.dtype, left.turned, right.turned, bias, work.relu)
        layouts = [layout(self._library, matrix, work.dtype) for matrix in (left, right, result)]
        kind = ctypes.c_float if work.dtype == "float32" else ctypes.c_double
        return _Asked(product, layouts, kind(1), kind(0))

    def _algorithm(self, work: Gemm, asked: _Asked, alignments: Sequence[int], bias: int | None) -> _Algorithm:
        large = work.m * work.n * work.k * work.batch >= LARGE
        answers = self._answers(asked, alignments, MAX_ALGORITHMS if large else 1)
        _, left, right, result = stored(work)
        if not answers:
            raise NativeError(f"cuBLASLt has no algorithm for {left} times {right} of {work.dtype}")
        if not large:
            return answers[0]
        version, bias_at = self._library["cublasLtGetVersion"](), bias and _alignment(bias)
        described = left, right, result, work.dtype, self._compute[work.dtype], alignments, bias_at, work.relu
        identity = f"cuBLASLt {version}, {WORKSPACE} bytes, {len(answers)} algorithms: {described}"

        def bind(first: int, second: int, c: int, bias_at: int) -> list[Work]:
            own = self._asked(work, None if bias is None else bias_at)
            return [self._bound(own, algorithm, first, second, c) for algorithm in answers]

        sizes = left.span, right.span, result.span, 0 if bias is None else result.rows
        return answers[self._choices.index(Candidates(identity, work.dtype, sizes, bind))]

    def _answers(self, asked: _Asked, alignments: Sequence[int], most: int) -> list[_Algorithm]:
        """The heuristic's first algorithms, at most so many."""
        preference = _made(self._library, "cublasLtMatmulPreference")
        wishes: list[tuple[int, Any]] = [(_MAX_WORKSPACE, ctypes.c_uint64(WORKSPACE))]
        for k, alignment in enumerate((*alignments, alignments[-1])):
            wishes.append((_ALIGNMENT + k, ctypes.c_uint32(alignment)))
        for number, value in wishes:
            size = ctypes.c_size_t(ctypes.sizeof(value))
            call(self._library, "cublasLtMatmulPreferenceSetAttribute", preference, number, ctypes.byref(value), size)
        answers, count = (_Answer * most)(), ctypes.c_int()
        given = (self._handle, asked.product, *asked.layouts, asked.layouts[-1], preference, most)
        call(self._library, "cublasLtMatmulAlgoGetHeuristic", *given, answers, ctypes.byref(count))
        return [answer.algorithm for answer in answers[: count.value] if not answer.status]


@cache
def load(cuda: int) -> ctypes.CDLL:
    """The library of the installed wheels, that for this major version of CUDA if they have several, or the system's.
    Raises NativeError."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return ctypes.CDLL(matching_library("cublasLt", cuda) or load_nvidia_dynamic_lib("cublasLt").abs_path)
    except Exception as error:  # not installed, or not loadable: each in its own way
        raise NativeError(f"cuBLASLt cannot be loaded: {str(error).splitlines()[0]}") from None


def call(library: ctypes.CDLL, name: str, *arguments: Any) -> None:
    """Call a function of the library. Raises NativeError where it does not return 0."""
    status = library[name](*arguments)
    if status:
        raise NativeError(f"{name} gives {status}")


@cache
def _handle(library: ctypes.CDLL, number: int) -> ctypes.c_void_p:
    """The library on a device: one for all that use it, for as long as the process runs."""
    handle = ctypes.c_void_p()
    call(library, "cublasLtCreate", ctypes.byref(handle))
    return handle


class _Made(ctypes.c_void_p):
    """Something that the library has made. It exists as long as this object."""


def _made(library: ctypes.CDLL, kind: str, *arguments: Any) -> _Made:
    made = _Made()
    call(library, f"{kind}Create", ctypes.byref(made), *arguments)
    finalize(made, library[f"{kind}Destroy"], ctypes.c_void_p(made.value))
    return made


def descriptor(
    library: ctypes.CDLL, compute: int, dtype: str, left: bool, right: bool, bias: int | None, relu: bool
) -> ctypes.c_void_p:
    """The descriptor of a product, with `left` or `right` transposed; with the address of a bias, which has a number
    for each row of the result as the library sees it, and with a rectifier. That address is a part of it: algorithms
    are chosen by how it is aligned."""
    pointer = _made(library, "cublasLtMatmulDesc", compute, _TYPE[dtype])
    epilogue = _RELU * relu + _ADD_BIAS * (bias is not None) or _NO_EPILOGUE
    values = {
        _TRANSA: ctypes.c_int32(left),  # CUBLAS_OP_N, CUBLAS_OP_T
        _TRANSB: ctypes.c_int32(right),
        _EPILOGUE: ctypes.c_uint32(epilogue),
        _BIAS: ctypes.c_void_p(bias),
    }
    for number, value in values.items():
        size = ctypes.c_size_t(ctypes.sizeof(value))
        call(library, "cublasLtMatmulDescSetAttribute", pointer, number, ctypes.byref(value), size)
    return pointer


def layout(library: ctypes.CDLL, matrix: Stored, dtype: str) -> ctypes.c_void_p:
    """The descriptor of a matrix."""
    wide = ctypes.c_uint64
    sizes = wide(matrix.rows), wide(matrix.columns), ctypes.c_int64(matrix.stride)
    pointer = _made(library, "cublasLtMatrixLayout", _TYPE[dtype], *sizes)
    for number, value in ((_BATCH, ctypes.c_int32(matrix.batch)), (_STEP, ctypes.c_int64(matrix.step))):
        size = ctypes.c_size_t(ctypes.sizeof(value))
        call(library, "cublasLtMatrixLayoutSetAttribute", pointer, number, ctypes.byref(value), size)
    return pointer


def _alignment(address: int) -> int:
    """The largest power of two, up to MAX_ALIGNED, that an address is a multiple of."""
    return min(MAX_ALIGNED, address & -address) if address else MAX_ALIGNED
