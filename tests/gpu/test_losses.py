"""Every model's training on a real GPU beside the CPU: the losses of 20 steps in float32, of 200 in float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from tests.render.test_c_source import MODELS

from .test_compiled import host, rows_of

ROWS, BATCH = 24, 8
MAGNIFIED = 8
each_model = pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)


def losses(path: Path, device: str, precision: str, steps: int, *, moved: bool = False) -> np.ndarray[Any, Any]:
    """Those of so many steps. `moved`: each weight at first is the next larger number."""
    net = gpubp.load(path)
    ex = gpubp.Executor(net, device, precision, backend="auto" if device == "gpu" else "numpy")
    if moved:
        ex.set_parameters({name: np.nextafter(v, np.inf, dtype=v.dtype) for name, v in ex.parameters.items()})
    ex.set_counters({"total_steps": float(steps)})
    return host(ex, ex.train_steps(rows_of(net, ROWS), steps, BATCH))


def follows(path: Path, precision: str, steps: int, tolerance: float) -> None:
    """Require relative differences within `tolerance`. Two nets magnify rounding by more than that, deep_batchnorm and
    in float32 cifar_cnn: where the CPU's own losses move by half of it when the last place of each weight does, the
    bound is `MAGNIFIED` times what they move."""
    wanted = losses(path, "cpu", precision, steps)
    moved = losses(path, "cpu", precision, steps, moved=True)
    own = float(np.max(np.abs(moved - wanted) / np.abs(wanted)))
    allowed = tolerance if own < tolerance / 2 else MAGNIFIED * own
    np.testing.assert_allclose(losses(path, "gpu", precision, steps), wanted, rtol=allowed)


@each_model
def test_losses_of_float32(path: Path) -> None:
    follows(path, "float32", 20, 1e-5)


@each_model
def test_losses_of_float64(path: Path) -> None:
    follows(path, "float64", 200, 1e-9)
