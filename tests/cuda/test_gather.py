"""Elements that are made of others from anywhere, and what is computed of them where they are made."""

from __future__ import annotations

import numpy as np
import pytest

from gpubp import ops
from gpubp.ir import Var
from gpubp.render import cuda_source

from .host import needs_host
from .test_cuda_tiles import drawn
from .test_epilogues import launches, planned_of, same_bits

pytestmark = needs_host


@pytest.mark.parametrize("channels", [8, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elements_from_anywhere(channels: int, dtype: str) -> None:
    """Pooling and its gradient behind a gate, rows of a table with a bias: one launch each, unless what is made would
    lie where others read."""
    images, table = drawn([(3, 7, 6, channels), (5, channels)], dtype)
    labels = np.random.default_rng(0).integers(0, 5, (4, 3))
    arrays = [images, drawn([(3, 3, 3, channels)], dtype)[0], table, labels, drawn([(channels,)], dtype)[0]]
    spread = {"kernel": (2, 2), "spread": ((2, 2), (1, 1), (0, 0))}

    def build(x: Var, g: Var, rows: Var, index: Var, bias: Var) -> list[Var]:
        y = ops.window_max(x, size=(3, 3), **spread)
        back = ops.window_put(g, ops.window_first(x, y, **spread), size=(7, 6), **spread)
        return [ops.relu(y * 0.5 + bias), ops.gate(ops.greater(x, 0.0), back), ops.gather(rows, index) + bias]

    found = planned_of(build, arrays, fed=False)
    source = same_bits(found, arrays)
    assert launches(source) < launches(cuda_source(found, "run", unfused=True))
    assert ("_pack" in source.text) == (channels == 8)
    same_bits(planned_of(build, arrays), arrays)
