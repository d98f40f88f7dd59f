"""Random nets: gradients and updates of compiled kernels are those of NumPy."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import gpubp
from tests.portable.running import some
from tests.render.compiled import QUICK, needs_compiler

from .random_nets import KINDS, SEEDS, random_net


@needs_compiler
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", KINDS)
def test_compiled_as_numpy(shape: str, seed: int) -> None:
    net = random_net(Random(f"{shape} {seed}"), shape)
    rows = {"x": some(net.graph.inputs[0], np.random.default_rng(seed), 3)}
    found, wanted = (gpubp.Executor(net, "cpu", "float64", 1, backend=kind) for kind in (QUICK, "numpy"))
    for executor in (found, wanted):
        executor.fit(rows)
    (loss, gradients), (true_loss, true_gradients) = found.gradients(rows), wanted.gradients(rows)
    assert loss == pytest.approx(true_loss, rel=1e-12)
    largest = max(np.abs(value).max() for value in true_gradients.values())  # terms may cancel
    for name, value in true_gradients.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-8, atol=1e-12 * largest, err_msg=name)
    np.testing.assert_allclose(found.train_steps(rows, 3, 3), wanted.train_steps(rows, 3, 3), rtol=1e-8)
