"""Random nets: gradients and updates on a GPU are those of the CPU."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

import gpubp
from tests.executor.random_nets import KINDS, SEEDS, random_net
from tests.portable.running import some


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", KINDS)
def test_as_on_the_cpu(cupy: Any, shape: str, seed: int) -> None:
    net = random_net(Random(f"{shape} {seed}"), shape)
    rows = {"x": some(net.graph.inputs[0], np.random.default_rng(seed), 3)}
    gpu, cpu = (gpubp.Executor(net, device, "float64", 1) for device in ("gpu", "cpu"))
    for executor in (gpu, cpu):
        executor.fit(rows)
    (loss, gradients), (true_loss, true_gradients) = gpu.gradients(rows), cpu.gradients(rows)
    assert loss == pytest.approx(true_loss, rel=1e-11)
    largest = max(np.abs(value).max() for value in true_gradients.values())  # terms may cancel
    for name, value in true_gradients.items():
        np.testing.assert_allclose(cupy.asnumpy(gradients[name]), value, rtol=1e-8, atol=1e-12 * largest, err_msg=name)
    losses = cupy.asnumpy(gpu.train_steps(rows, 3, 3))
    np.testing.assert_allclose(losses, cpu.train_steps(rows, 3, 3), rtol=1e-8)
