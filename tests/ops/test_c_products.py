"""Matrix products and convolutions as compiled kernels, of sizes that are no multiples of anything: beside NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import PRIMITIVES, Var, apply
from tests.render.compiled import Array, needs_compiler

from .test_c_forms import Case, compiled

pytestmark = needs_compiler
SIZES = [
    (17, 33, 9),
    (64, 128, 64),
    (50, 10, 64),
    (3, 1, 3000),
    (9, 70, 300),
    (130, 31, 129),
    (1, 500, 40),
    (300, 1, 20),
    (9, 70, 1300),  # terms in three blocks
    *((m, n, k) for m in (1, 2, 3, 4) for n, k in ((16, 300), (200, 130))),  # few rows
]


def _product(x: Var, y: Var, left: bool, right: bool) -> Var:
    return (ops.transpose(x) if left else x) @ (ops.transpose(y) if right else y)


def _products(dtype: str) -> list[tuple[Case, Array, Array]]:
    """Products with either side turned round, and matrices of which there are several: what builds them, and what the
    two sides are."""
    found: list[tuple[Case, Array, Array]] = []
    rng = np.random.default_rng(0)
    for m, n, k in SIZES:
        for left in (False, True):
            for right in (False, True):
                a, b = (
                    rng.normal(size=s).astype(dtype) for s in ((k, m) if left else (m, k), (n, k) if right else (k, n))
                )
                case: Case = (lambda x, y, left=left, right=right: _product(x, y, left, right), [a, b])
                found.append((case, a.T if left else a, b.T if right else b))
    a, b = rng.normal(size=(3, 20, 30)).astype(dtype), rng.normal(size=(30, 25)).astype(dtype)
    return [*found, ((lambda x, y: x @ y, [a, b]), a, b)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_as_exact_as_their_number_of_terms(dtype: str) -> None:
    given = _products(dtype)
    wide = np.float64 if dtype == "float32" else np.longdouble
    for out, (_, a, b) in zip(compiled([case for case, _, _ in given]), given, strict=True):
        bound = (1 + a.shape[-1]) * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b))
        assert (np.abs(out - a.astype(wide) @ b.astype(wide)) <= bound).all()


def test_a_row_of_a_product_does_not_depend_on_the_others() -> None:
    """Nor on how many there are: by plain loops, in a whole tile, at its edge."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 200)).astype(np.float32), rng.normal(size=(200, 50)).astype(np.float32)
    parts = [slice(0, 1), slice(3, 4), slice(7, 20), slice(39, 40), slice(5, 7), slice(5, 8), slice(30, 34)]
    given = [a, *(a[part] for part in parts)]
    whole, *others = compiled([(lambda x, y: x @ y, [x, b[:, :20] if len(x) == 1 else b]) for x in given])
    for part, out in zip(parts, others, strict=True):
        np.testing.assert_array_equal(out, whole[part, : out.shape[1]])


def test_blocks_of_terms_do_not_change_a_product() -> None:
    """Sums go on where the block before ended: as few rows, which are summed at once, show."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 1300)).astype(np.float32), rng.normal(size=(1300, 40)).astype(np.float32)
    whole, few = compiled([(lambda x, y: x @ y, [part, b]) for part in (a, a[3:5])])
    np.testing.assert_array_equal(few, whole[3:5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_carry_what_is_no_number(dtype: str) -> None:
    a, b = np.ones((20, 30), dtype), np.ones((30, 40), dtype)
    a[3, 4], a[7, 5], b[6, 9] = np.nan, np.inf, -np.inf
    (out,) = compiled([(lambda x, y: x @ y, [a, b])])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, a @ b)


CONVOLUTIONS = [
    # images, weights, size, strides, dilations, padding above and to the left, groups
    ((3, 28, 28, 5), (3, 3, 5, 20), (28, 28), (1, 1), (1, 1), (1, 1), 1),
    ((2, 21, 19, 6), (5, 3, 2, 9), (11, 10), (2, 2), (1, 1), (2, 1), 3),
    ((1, 140, 150, 9), (3, 3, 9, 33), (138, 148), (1, 1), (1, 1), (0, 0), 1),  # its rows are several blocks
    ((4, 12, 11, 3), (2, 3, 3, 7), (13, 11), (1, 1), (3, 2), (2, 2), 1),
    ((6, 9, 9, 2), (3, 4, 4, 2, 5), (9, 9), (1, 1), (1, 1), (1, 2), 1),  # weights for each two images
    ((2, 6, 6, 4), (3, 3, 4, 8), (8, 8), (1, 1), (1, 1), (4, 4), 1),  # more padding than window
]


@pytest.mark.parametrize(
    ("case", "dtype"),
    [*((case, "float32") for case in CONVOLUTIONS), *((case, "float64") for case in CONVOLUTIONS[1::3])],
    ids=lambda given: given if isinstance(given, str) else "x".join(map(str, given[0])),
)
def test_convolutions_and_their_derivatives(case: tuple[Any, ...], dtype: str) -> None:
    images, weights, size, strides, dilations, before, groups = case
    rng = np.random.default_rng(0)
    pixels = (images[0], *size, weights[-1])
    x, w, g = (rng.normal(size=s).astype(dtype) for s in (images, weights, pixels))
    shared = {"spread": (strides, dilations, before), "groups": groups}
    copies = {"copies": weights[0] if len(weights) == 5 else None}
    given: list[tuple[str, list[Array], dict[str, Any]]] = [
        ("conv", [x, w], {"size": size, **shared}),
        ("conv_input", [g, w], {"size": images[1:3], **shared}),
        ("conv_weight", [x, g], {"size": weights[-4:-2], **shared, **copies}),
    ]
    place = weights[-4] * weights[-3]
    counts = {
        "conv": place * weights[-2],
        "conv_input": place * weights[-1] // groups,
        "conv_weight": images[0] * size[0] * size[1] // (weights[0] if len(weights) == 5 else 1),
    }
    cases: list[Case] = [
        (lambda a, b, name=name, params=params: PRIMITIVES[name](a, b, **params), arrays)
        for name, arrays, params in given
    ]
    for out, (name, arrays, params) in zip(compiled(cases), given, strict=True):
        exact, most = (
            np.asarray(apply(PRIMITIVES[name], np, [f(a.astype(np.float64)) for a in arrays], params))
            for f in (np.asarray, np.abs)
        )
        terms = 4.0 + counts[name]
        if dtype == "float64":
            terms += 8 * np.sqrt(terms)  # the one it is compared with is rounded too
        assert (np.abs(out - exact) <= terms * np.finfo(dtype).eps * most).all(), name
