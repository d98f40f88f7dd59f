"""Every model's training on a real GPU beside the CPU: the losses of 20 steps in float32, of 200 in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from tests.render.test_c_source import MODELS

from .test_compiled import host, rows_of

Array = np.ndarray[Any, Any]
ROWS, BATCH = 24, 8
MOVES, MAGNIFIED = 6, 8
each_model = pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)


def losses(path: Path, device: str, precision: str, steps: int) -> Array:
    """Those of so many steps."""
    net = gpubp.load(path)
    ex = gpubp.Executor(net, device, precision, backend="auto" if device == "gpu" else "numpy")
    ex.set_counters({"total_steps": float(steps)})
    return host(ex, ex.train_steps(rows_of(net, ROWS), steps, BATCH))


def moved(path: Path, precision: str, steps: int, seed: int) -> Array:
    """Those of the CPU where before each step each weight becomes one of the two numbers next to it."""
    net = gpubp.load(path)
    ex, rng = gpubp.Executor(net, "cpu", precision, backend="numpy"), np.random.default_rng(seed)
    ex.set_counters({"total_steps": float(steps)})
    placed, found = ex.place(rows_of(net, ROWS)), []
    for _ in range(steps):
        for v in ex.parameters.values():
            v[...] = np.nextafter(v, np.where(rng.random(v.shape) < 0.5, np.inf, -np.inf), dtype=v.dtype)
        found.append(np.array(ex.run_steps(placed, 1, BATCH)[0]))
    return np.concatenate(found)


def follows(path: Path, precision: str, steps: int, tolerance: float) -> None:
    """Require relative differences within `tolerance`. Two nets magnify rounding by more than that: deep_batchnorm, and
    in float32 cifar_cnn, whose kinks it can decide (ReLU, the largest of a window). From the step on in which the CPU's
    own losses move by half of the tolerance when each weight does by its last place, the bound is `MAGNIFIED` times the
    most that they have moved by, of `MOVES` runs."""
    wanted = losses(path, "cpu", precision, steps)
    off = np.abs(losses(path, "gpu", precision, steps) - wanted) / np.abs(wanted)
    if not np.all(off <= tolerance):
        runs = [moved(path, precision, steps, seed) for seed in range(MOVES)]
        own = np.maximum.accumulate(np.max(np.abs(np.array(runs) - wanted) / np.abs(wanted), axis=0))
        np.testing.assert_array_less(off, np.where(own < tolerance / 2, tolerance, MAGNIFIED * own))


@each_model
def test_losses_of_float32(path: Path) -> None:
    follows(path, "float32", 20, 1e-5)


@each_model
def test_losses_of_float64(path: Path) -> None:
    follows(path, "float64", 200, 1e-9)
