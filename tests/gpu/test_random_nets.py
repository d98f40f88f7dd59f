"""Random nets: gradients and updates on a GPU are those of the CPU."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import gpubp
from tests.executor.random_nets import KINDS, SEEDS, compare, random_net


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", KINDS)
def test_as_on_the_cpu(cupy: Any, shape: str, seed: int) -> None:
    net = random_net(Random(f"{shape} {seed}"), shape)
    gpu, cpu = (gpubp.Executor(net, device, "float64", 1) for device in ("gpu", "cpu"))
    compare(net, gpu, cpu, seed, rel=1e-11)
