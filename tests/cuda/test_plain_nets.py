"""What `tests/gpu/test_plain.py` allows for the rounding of a net: rounding, and nothing else."""

from __future__ import annotations

import numpy as np

from tests.gpu.test_plain import NETS, figures, magnified, plain, within


def test_a_net_that_magnifies_rounding() -> None:
    """Each figure that is wrong by a thousandth is seen; other nudges of the weights are not."""
    net = NETS["deep_batchnorm"]()
    wanted = figures(net, "cpu", "numpy")
    bounds = magnified(net, wanted)
    for seed in range(100, 108):
        nudged = figures(net, "cpu", "numpy", seed)
        assert all(within(nudged, wanted, bounds))
    assert not all(within(nudged, wanted, plain(wanted)))
    for number, right in enumerate(wanted):
        if right.dtype.kind == "f" and np.any(right):
            wrong = [*wanted[:number], right * 1.001, *wanted[number + 1 :]]
            assert within(wrong, wanted, bounds).count(False) == 1, number
