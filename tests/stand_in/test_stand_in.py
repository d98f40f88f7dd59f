"""The stand-in refuses what CuPy refuses and gives what CuPy gives. The facts are those of CuPy 14.2's source."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.stand_in.fake_cupy import cupy
from tests.stand_in.names import NAMES


def array(*values: Any, dtype: str = "float32") -> Any:
    return cupy.asarray(values, dtype=dtype)


@pytest.mark.parametrize(
    "name", ["erf", "errstate", "vecmat", "matvec", "isin1d", "asmatrix", "longdouble", "testing_"]
)
def test_names_that_only_numpy_has_are_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(cupy, name)


def test_every_name_of_cupy_is_there() -> None:
    groups = ("ufuncs", "functions", "classes", "constants", "modules")
    wanted = {name for group in groups for name in NAMES[group] if not name.startswith("_")}
    assert {name for name in vars(cupy) if not name.startswith("_")} == wanted
    assert {name for group in ("methods", "attributes") for name in NAMES[group]} <= set(dir(cupy.ndarray))


@pytest.mark.parametrize(
    "call",
    [
        lambda a: cupy.sum(a, where=a > 0),
        lambda a: cupy.sum(a, initial=0.0),
        lambda a: cupy.max(a, initial=0.0),
        lambda a: cupy.exp(a, where=a > 0),
        lambda a: cupy.add(a, a, order="C"),
        lambda a: cupy.take(a, array(0, dtype="int64"), mode="clip"),
        lambda a: cupy.reshape(a, shape=(1, 3)),
        lambda a: cupy.zeros(3, like=a),
        lambda a: cupy.cumsum(a, include_initial=True),
        lambda a: cupy.argsort(a, order="x"),
        lambda a: cupy.mean(a, where=True),
        lambda a: cupy.clip(a, min=0, max=1),
        lambda a: cupy.concatenate(arrays=[a]),
        lambda a: a.sum(where=True),
        lambda a: a.astype(dtype="float64", device="cpu"),
        lambda a: a.item(0),
    ],
)
def test_arguments_that_only_numpy_takes_are_refused(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(array(1, 2, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda a, n: a + n,
        lambda a, n: n + a,
        lambda a, n: n @ a,
        lambda a, n: a == n,
        lambda a, n: np.add(a, n),
        lambda a, n: cupy.maximum(a, n),
        lambda a, n: cupy.sum(n),
        lambda a, n: cupy.concatenate([a, n]),
        lambda a, n: cupy.matmul(a, n),
        lambda a, n: cupy.where(n > 0, a, a),
        lambda a, n: cupy.where(a > 0, n, a),
        lambda a, n: cupy.add(a, a, out=n),
        lambda a, n: cupy.sum(a, out=n),
        lambda a, n: a[n.astype(int)],
        lambda a, n: a.__setitem__(slice(None), n),
        lambda a, n: n.__setitem__(slice(None), a),
        lambda a, n: np.asarray(a),
        lambda a, n: a - [1, 2, 3],
        lambda a, n: a * None,
        lambda a, n: cupy.matmul(a, [1, 2, 3]),
    ],
)
def test_mixing_with_numpy_is_refused(call: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(array(1, 2, 3), np.ones(3, np.float32))


def test_doors_to_and_from_numpy() -> None:
    source = np.arange(3.0)
    a = cupy.asarray(source)
    source[0] = 9
    assert a.get().tolist() == [0, 1, 2]
    assert cupy.asarray(a) is a
    assert type(cupy.asnumpy(a)) is np.ndarray
    assert cupy.asarray([1, 2.5]).dtype == "float64"
    assert cupy.asarray(2).shape == ()
    a.set(np.zeros(3))
    assert a.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cupy.asarray(["a"])


@pytest.mark.parametrize(
    "call",
    [
        cupy.sum, cupy.max, cupy.argmax, cupy.mean, cupy.all, cupy.count_nonzero,
        lambda a: cupy.matmul(a, a), lambda a: a[1], lambda a: a.sum(), lambda a: cupy.allclose(a, a), lambda a: a.T[0],
    ],
)  # fmt: skip
def test_a_single_number_is_an_array(call: Callable[[Any], Any]) -> None:
    result = call(array(1, 2, 3))
    assert type(result) is cupy.ndarray
    assert result.shape == ()
    assert isinstance(float(result), float)
    assert bool(result) is (float(result) != 0)
    assert not isinstance(result.item(), np.generic)


def test_views_and_writes_are_those_of_numpy() -> None:
    a = cupy.zeros((2, 3), "float32")
    a[...] = 2
    row, element = a[1], a[0, 0]
    row[1:] += 1.5
    element[...] = 7
    assert a.get().tolist() == [[7, 2, 2], [2, 3.5, 3.5]]
    assert a.reshape(-1)[:2].data.ptr == a.data.ptr
    out = cupy.empty_like(a)
    assert cupy.add(a, 1, out) is out
    assert cupy.sum(a, axis=0, out=out[0]).tolist() == [9, 5.5, 5.5]
    assert copy.deepcopy(a) is not a


@pytest.mark.parametrize(
    ("call", "dtype"),
    [
        (lambda f, i, u: f + 1.5, "float32"),
        (lambda f, i, u: 2 * f, "float32"),
        (lambda f, i, u: f * np.float64(2), "float64"),
        (lambda f, i, u: np.float32(2) * f, "float32"),
        (lambda f, i, u: f + i, "float64"),
        (lambda f, i, u: i + 1.5, "float64"),
        (lambda f, i, u: i / 2, "float64"),
        (lambda f, i, u: u >> 3, "uint32"),
        (lambda f, i, u: u * 0xD2511F53, "uint32"),
        (lambda f, i, u: f > 0, "bool"),
        (lambda f, i, u: -f, "float32"),
        (lambda f, i, u: cupy.exp(i), "float64"),
        (lambda f, i, u: cupy.where(f > 0, f, 0.0), "float32"),
        (lambda f, i, u: cupy.where(f > 0, 1.0, 0.0), "float64"),
        (lambda f, i, u: cupy.clip(f, 0.0, None), "float32"),
        (lambda f, i, u: cupy.clip(f, 0.0, 1.0), "float32"),
        (lambda f, i, u: cupy.sqrt(i, dtype="float32"), "float32"),
        (lambda f, i, u: cupy.argmax(f), "int64"),
        (lambda f, i, u: cupy.sum(u), "uint64"),
    ],
)
def test_types_of_results(call: Callable[[Any, Any, Any], Any], dtype: str) -> None:
    assert call(array(1, 2), array(3, 4, dtype="int64"), array(5, 6, dtype="uint32")).dtype == dtype


def test_elementwise_functions_choose_numpys_types() -> None:
    """CuPy's search over loops agrees with NumPy's promotion for all pairs of the types that are used here."""
    for one in ("bool", "int32", "int64", "uint32", "uint64", "float32", "float64"):
        for two in ("bool", "int32", "int64", "uint32", "uint64", "float32", "float64"):
            for name in ("add", "multiply", "maximum", "true_divide", "less"):
                a, b = np.ones(2, one), np.ones(2, two)
                expected = getattr(np, name)(a, b).dtype
                assert getattr(cupy, name)(cupy.asarray(a), cupy.asarray(b)).dtype == expected, (name, one, two)


def test_what_elementwise_functions_refuse() -> None:
    a = array(1, 2)
    with pytest.raises(TypeError):
        a += array(1, 2, dtype="float64").astype("complex128")
    with pytest.raises(ValueError, match="shape"):
        cupy.add(array(1, 2), array(1, 2), out=cupy.empty((1,), "float32"))
    with pytest.raises(OverflowError):
        array(1, dtype="uint32") + 2**40
    with pytest.raises(NotImplementedError):
        cupy.maximum.reduce(a)
    with pytest.raises(NotImplementedError):
        cupy.multiply.at(a, [0], 2.0)
    with pytest.raises(NotImplementedError):
        cupy.random.normal(size=3)


def test_scatter_and_reduce() -> None:
    a = cupy.zeros(3, "float32")
    cupy.add.at(a, cupy.asarray([0, 0, 2]), array(1, 2, 4))
    assert a.tolist() == [3, 0, 4]
    assert cupy.add.reduceat(a, cupy.asarray([0, 2])).tolist() == [3, 4]
    assert cupy.add.reduce(a).item() == 7
    with pytest.raises(RuntimeError, match="twice"):
        a[cupy.asarray([1, 1])] = array(5, 6)
    with pytest.raises(IndexError):
        cupy.take(a, cupy.asarray([3]))


def test_calls_as_cupy_takes_them() -> None:
    a = cupy.asarray([[3, 1], [2, 4]], dtype="float32")
    out = cupy.empty((2, 2), "float32")
    assert cupy.matmul(a, a, out=out) is out
    assert cupy.take(a, cupy.asarray([1, 0]), axis=0, out=out).tolist() == [[2, 4], [3, 1]]
    assert cupy.argsort(a, axis=-1, kind="stable").tolist() == [[1, 0], [0, 1]]
    assert cupy.concatenate([a, a], axis=1).shape == (2, 4)
    assert cupy.take_along_axis(a, cupy.asarray([[0], [1]]), axis=1).tolist() == [[3], [4]]
    assert cupy.broadcast_to(a[:, :1], (2, 2)).tolist() == [[3, 3], [2, 2]]
    assert cupy.arange(1, 7, 2, dtype="int32").tolist() == [1, 3, 5]
    assert cupy.full((2,), 1.5, dtype=cupy.float32).dtype == cupy.float32
    assert cupy.transpose(a, (1, 0)).tolist() == a.T.tolist()
    assert cupy.sum(a, axis=(0, 1), keepdims=True).shape == (1, 1)
    assert cupy.einsum("ij,jk->ik", a, a).tolist() == cupy.matmul(a, a).tolist()
    assert cupy.stack([a, a]).shape == (2, 2, 2)
    assert [row.shape for row in a] == [(2,), (2,)]
    assert cupy.isfinite(a / 0).any().item() is False
    assert cupy.cuda.runtime.getDeviceCount() == 1
