"""The stand-in of tests/stand_in behaves as CuPy does: the same calls on both, what they give and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.stand_in.fake_cupy import cupy as stand_in
from tests.stand_in.names import NAMES

VALUES = np.array([[3.0, 1.0, -2.0], [0.5, 4.0, 1.0]], np.float32)

GIVEN: list[Callable[[Any, Any], Any]] = [
    lambda xp, a: a + 1.5,
    lambda xp, a: a * np.float64(2),
    lambda xp, a: a + xp.arange(3),
    lambda xp, a: a[1, 2],
    lambda xp, a: xp.sum(a),
    lambda xp, a: xp.sum(a, axis=0, keepdims=True),
    lambda xp, a: xp.argmax(a, axis=1),
    lambda xp, a: xp.argsort(a, axis=-1),
    lambda xp, a: xp.where(a > 0, a, 0.0),
    lambda xp, a: xp.where(a > 0, 1.0, 0.0),
    lambda xp, a: xp.clip(a, None, 1.0),
    lambda xp, a: xp.matmul(a, a.T, out=xp.empty((2, 2), xp.float32)),
    lambda xp, a: xp.take(a, xp.asarray([2, 0]), axis=1),
    lambda xp, a: xp.take_along_axis(a, xp.asarray([[1], [0]]), axis=1),
    lambda xp, a: xp.add.reduceat(a[0], xp.asarray([0, 2])),
    lambda xp, a: xp.cumsum(a, axis=1),
    lambda xp, a: xp.asarray([1, 2], dtype=xp.uint32) * 0xD2511F53,
    lambda xp, a: xp.asarray([1, 2], dtype=xp.uint64) >> 1,
    lambda xp, a: xp.broadcast_to(a[:, :1], (2, 3)),
    lambda xp, a: xp.isfinite(a / 0).all(),
]
REFUSED: list[Callable[[Any, Any], Any]] = [
    lambda xp, a: a + VALUES,
    lambda xp, a: VALUES + a,
    lambda xp, a: np.asarray(a),
    lambda xp, a: xp.sum(a, where=a > 0),
    lambda xp, a: xp.exp(a, where=a > 0),
    lambda xp, a: xp.take(a, xp.asarray([0]), mode="clip"),
    lambda xp, a: xp.erf(a),
    lambda xp, a: xp.errstate(),
    lambda xp, a: xp.maximum.reduce(a),
]


@pytest.mark.parametrize("call", GIVEN)
def test_gives_the_same(cupy: Any, call: Callable[[Any, Any], Any]) -> None:
    real, fake = (call(xp, xp.asarray(VALUES)) for xp in (cupy, stand_in))
    assert isinstance(real, cupy.ndarray)
    assert (real.dtype, real.shape) == (fake.dtype, fake.shape)
    np.testing.assert_allclose(real.get(), fake.get(), rtol=1e-6)


@pytest.mark.parametrize("call", REFUSED)
def test_refuses_the_same(cupy: Any, call: Callable[[Any, Any], Any]) -> None:
    for xp in (cupy, stand_in):
        with pytest.raises((TypeError, AttributeError, NotImplementedError)):
            call(xp, xp.asarray(VALUES))


def test_the_list_of_names_is_of_this_version(cupy: Any) -> None:
    assert NAMES["cupy"].split(".")[:2] == cupy.__version__.split(".")[:2], "run tests/stand_in/make_names.py again"
