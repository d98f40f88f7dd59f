"""Random nets: gradients and updates of compiled kernels are those of NumPy."""

from __future__ import annotations

from random import Random

import pytest

import gpubp
from tests.render.compiled import QUICK, needs_compiler

from .random_nets import KINDS, SEEDS, compare, random_net


@needs_compiler
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", KINDS)
def test_compiled_as_numpy(shape: str, seed: int) -> None:
    net = random_net(Random(f"{shape} {seed}"), shape)
    found, wanted = (gpubp.Executor(net, "cpu", "float64", 1, backend=kind) for kind in (QUICK, "numpy"))
    compare(net, found, wanted, seed, rel=1e-12)
