"""Rows of up to sixteen results computed with the product that they read, as a softmax and its gradient are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Var
from gpubp.passes import Plan
from gpubp.render import cuda_source

from .host import needs_host
from .running import Array
from .test_cuda_kernels import changed
from .test_cuda_tiles import drawn
from .test_epilogues import planned_of, ran, same_bits, steps_with_work

pytestmark = needs_host
SHAPES = [
    # the axes before, rows, terms, columns
    ((), 37, 40, 10),
    ((), 48, 300, 16),
    ((), 5, 8, 1),
    ((2, 3), 7, 8, 12),
    ((), 600, 8, 3),
]


def classes(x: Var, w: Var, bias: Var, target: Var) -> Sequence[Var]:
    """The loss of each class, the gradient of the sums, and a figure for each row."""
    logp = ops.log_softmax(x @ w + bias, axis=-1)
    return [target * logp, (ops.exp(logp) - target) * 0.125, ops.sum_(logp, (logp.ndim - 1,))]


def planned(lead: tuple[int, ...], rows: int, terms: int, columns: int) -> tuple[Plan, list[Array]]:
    shapes = [(*lead, rows, terms), (terms, columns), (columns,), (*lead, rows, columns)]
    arrays = [0.3 * a for a in drawn(shapes, "float32")]
    return planned_of(classes, arrays, False), arrays


@pytest.mark.parametrize(("lead", "rows", "terms", "columns"), SHAPES)
def test_the_bits_of_both_apart(lead: tuple[int, ...], rows: int, terms: int, columns: int) -> None:
    found, arrays = planned(lead, rows, terms, columns)
    assert len(steps_with_work(found)) == 1
    same_bits(found, arrays)


def test_longer_rows_stay_apart() -> None:
    found, arrays = planned((), 20, 12, 17)
    assert len(steps_with_work(found)) > 1
    same_bits(found, arrays)


def test_a_shuffle_with_threads_of_other_rows_is_found() -> None:
    found, arrays = planned(*SHAPES[0])
    bad = changed(cuda_source(found, "run"), "0xffffu << threadIdx.x % 32 / 16 * 16", "0xffffu")
    with pytest.raises(AssertionError, match="outside of its mask"):
        ran(found, arrays, source=bad)


def test_rows_of_other_rows_are_found() -> None:
    found, arrays = planned(*SHAPES[0])
    right = ran(found, arrays)
    bad = changed(cuda_source(found, "run"), "const int row = top + y;", "const int row = top + (y ^ 1);")
    wrong = ran(found, arrays, source=bad)
    assert not np.array_equal(right[1], wrong[1])
