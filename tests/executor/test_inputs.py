"""What may be fed: any array of numbers of the right shape; all else is refused with its name, row and value."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

import gpubp

from .nets import LABELS, PREDICT_ONLY, contents, executor, labelled, rows

X = np.arange(12, dtype=np.float64).reshape(4, 3)


class DLPack:
    """An array of another library, known by the DLPack protocol alone."""

    def __init__(self, array: NDArray[Any], device: tuple[int, int] | None = None) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, **options: Any) -> Any:
        if self.device:
            raise BufferError("the array lies on another device")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device or self.array.__dlpack_device__()


class Arraylike:
    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.array if dtype is None else self.array.astype(dtype)


class Cuda:
    __cuda_array_interface__: ClassVar[dict[str, Any]] = {
        "shape": (4, 3),
        "typestr": "<f8",
        "data": (0, False),
        "version": 3,
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a,
        lambda a: a.tolist(),
        lambda a: tuple(map(tuple, a.tolist())),
        lambda a: list(a),
        lambda a: a.astype(">f8"),
        np.asfortranarray,
        lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.broadcast_to(a, (2, 4, 3))[1],
        DLPack,
        Arraylike,
        *(lambda a, t=t: a.astype(t) for t in ("f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "g")),
    ],
)
def test_lists_types_and_strides(make: Any) -> None:
    ex = executor()
    given = make(X)
    np.testing.assert_array_equal(ex.predict({"x": given})["p"], ex.predict({"x": X.astype(np.float32)})["p"])
    np.testing.assert_array_equal(X, np.arange(12).reshape(4, 3))


def test_truth_values_are_numbers() -> None:
    ex = executor()
    np.testing.assert_array_equal(ex.predict(X > 5), ex.predict((X > 5) * 1.0))


def test_bare_arrays_come_back_bare() -> None:
    ex = executor(PREDICT_ONLY)
    bare, named = ex.predict(X), ex.predict({"x": X})
    assert bare.dtype == np.float32
    np.testing.assert_array_equal(bare, X.sum(axis=1, keepdims=True) + np.array([1, 2]))
    assert list(named) == ["p"]
    np.testing.assert_array_equal(named["p"], bare)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "`x` missing"),
        ({"x": X, "z": X}, "`z` is none of them"),
        ({"z": X}, "`x`"),
        (X[:, :2], r"`x` has shape \(4, 2\), it needs \(rows, 3\)$"),
        (X[0], r"`x` has shape \(3,\), it needs \(rows, 3\): `x\[None\]` is one row"),
        (1.0, r"`x` has shape \(\), it needs \(rows, 3\)"),
        (X[:, :, None], r"`x` has shape \(4, 3, 1\), it needs \(rows, 3\): `x.reshape\(-1, 3\)`"),
        (np.ma.masked_array(X, X.mean() < X), r"`x` hides values behind its mask: `x.filled\(...\)` puts numbers"),
        (X[:0], "`x`: there are no rows"),
        ([], r"`x` has shape \(0,\)"),
        ([[1, 2, 3], [4, 5]], "`x` cannot be read as an array"),
        ([["a", "b", "c"]], r"`x` holds <U1, not numbers: `numpy.asarray\(x, float\)` reads them, `numpy.unique"),
        (None, r"`x` holds object, not numbers: `numpy.asarray\(x, float\)` reads"),
        (X * 1j, r"`x` holds complex128, not real numbers: `x.real`, `x.imag` and `abs\(x\)` are"),
        (X.astype("M8[s]"), "not numbers"),
        ([[1, 2, 10**400]], "not numbers"),
        (Cuda(), "on the GPU was handed to an executor on the CPU"),
        (DLPack(X, (2, 0)), "`x` cannot be read as an array: the array lies on another device"),
    ],
)
def test_what_is_no_array_of_the_right_shape(given: Any, message: str) -> None:
    ex = executor()
    with pytest.raises(gpubp.InputError, match=message):
        ex.predict(given)
    with pytest.raises(ValueError):
        ex.predict(given)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_number_of_the_type(value: float) -> None:
    wrong = X.copy()
    wrong[2, 1] = value
    wrong[3, 0] = value
    ex = executor()
    with pytest.raises(gpubp.InputError) as caught:
        ex.predict(wrong)
    assert "`x[2, 1]`: " in str(caught.value)
    assert str(value) in str(caught.value)
    why = "is too large for float32: `precision = float64` takes it" if value == 1e300 else "is not a finite number"
    assert str(caught.value).endswith(why)
    if value == 1e300:
        executor(precision="float64").predict(wrong)


def test_the_row_of_a_wrong_value_far_down() -> None:
    many = np.zeros((10_000, 3))
    many[9_999, 2] = np.nan
    with pytest.raises(gpubp.InputError, match=r"`x\[9999, 2\]`: nan"):
        executor().predict(many)


def test_denormal_and_extreme_numbers_are_taken() -> None:
    ex = executor()
    assert np.isfinite(ex.predict(np.full((2, 3), 1e-40))).all()
    assert np.isfinite(ex.predict(np.full((2, 3), -3e38))).all()


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "int64", "uint64", "float16", "float32", "float64"])
def test_labels_of_any_type(kind: str) -> None:
    data = labelled(8)
    ex = executor(LABELS)
    other = {**data, "label": data["label"].astype(kind), "kind": data["kind"].astype(kind)}
    assert ex.loss(other) == ex.loss(data)
    assert ex.loss({**other, "label": data["label"].tolist()}) == ex.loss(data)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (1.5, "`label[3]`: 1.5 is not a whole number"),
        (-1, "`label[3]`: -1 is no label: they are 0 to 3"),
        (4, "`label[3]`: 4 is no label: they are 0 to 3"),
        (4.0, "`label[3]`: 4.0 is no label: they are 0 to 3"),
        (np.nan, "`label[3]`: nan"),
        (np.inf, "`label[3]`: inf"),
        (1e30, "`label[3]`: 1e+30 is no label"),
    ],
)
def test_labels_that_are_none(label: float, message: str) -> None:
    data = labelled(8)
    wrong = data["label"].astype(type(label))
    wrong[3] = label
    ex = executor(LABELS)
    before = contents(ex)
    for call in (ex.loss, ex.gradients, ex.train_step, lambda d: ex.train_steps(d, steps=3)):
        with pytest.raises(gpubp.InputError, match=re.escape(message)):
            call({**data, "label": wrong})
    assert contents(ex) == before


def test_a_negative_label_of_an_input() -> None:
    data = labelled(3)
    with pytest.raises(gpubp.InputError, match=r"`kind\[1\]`: -2 is no label: they are 0 to 2"):
        executor(LABELS).predict({"x": data["x"], "kind": [0, -2, 1]})


def test_labels_are_not_broadcast() -> None:
    data = labelled(8)
    with pytest.raises(gpubp.InputError, match=r"`label` has shape \(8, 1\), it needs \(rows,\)"):
        executor(LABELS).loss({**data, "label": data["label"][:, None]})


def test_labels_as_vectors_are_told_from_labels() -> None:
    data = labelled(8)
    found = r"`label` has shape \(8, 4\), it needs \(rows,\): `label.argmax\(-1\)` makes labels of one-hot vectors"
    with pytest.raises(gpubp.InputError, match=found):
        executor(LABELS).loss({**data, "label": np.eye(4)[data["label"]]})


def test_a_mask_that_hides_nothing() -> None:
    ex = executor()
    np.testing.assert_array_equal(ex.predict(np.ma.masked_array(X, False)), ex.predict(X))


def test_a_target_of_n_against_an_output_of_n_by_1() -> None:
    data = rows(6)
    ex = executor()
    for call in (ex.loss, ex.gradients, ex.train_step):
        with pytest.raises(gpubp.InputError, match=r"`y` has shape \(6,\), it needs \(rows, 1\): `y.reshape\(-1, 1\)`"):
            call({**data, "y": data["y"][:, 0]})


def test_different_numbers_of_rows() -> None:
    data = rows(6)
    with pytest.raises(gpubp.InputError, match="arrays have different numbers of rows: `x` 6, `y` 5"):
        executor().loss({**data, "y": data["y"][:5]})
    with pytest.raises(gpubp.InputError, match="`x` 6, `y` 1"):
        executor().loss({**data, "y": data["y"][:1]})


def test_a_loss_needs_the_target_and_a_prediction_refuses_it() -> None:
    data = rows(6)
    with pytest.raises(gpubp.InputError, match="`y` missing"):
        executor().loss({"x": data["x"]})
    with pytest.raises(gpubp.InputError, match="pass a mapping from names to arrays"):
        executor().loss(data["x"])  # type: ignore[arg-type]
    with pytest.raises(gpubp.InputError, match="`y` is none of them"):
        executor().predict(data)


@pytest.mark.parametrize(("steps", "batch"), [(0, 4), (-1, 4), (3, 0), (3, -2)])
def test_steps_and_batch_are_positive(steps: int, batch: int) -> None:
    with pytest.raises(gpubp.InputError, match="must be a whole number of at least 1"):
        executor().train_steps(rows(6), steps=steps, batch=batch)


@pytest.mark.parametrize("wrong", [None, [1, 2], "rows.csv", 3])
def test_what_are_no_rows_to_fit(wrong: Any) -> None:
    net = gpubp.loads("model {\n  input x: [2]\n  output p = x -> standardize -> dense(1)\n}\n")
    with pytest.raises(gpubp.InputError, match="`x` "):
        gpubp.Executor(net, "cpu").fit(wrong)
