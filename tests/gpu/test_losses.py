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
KINKS = 0.2
"""Of the steps that begin with the same weights, how many may depart."""
each_model = pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)


class Training:
    """A net on a device, and the rows that it is trained on."""

    def __init__(self, path: Path, device: str, precision: str, steps: int) -> None:
        net = gpubp.load(path)
        self.executor = gpubp.Executor(net, device, precision, backend="auto" if device == "gpu" else "numpy")
        self.executor.set_counters({"total_steps": float(steps)})
        self.rows = self.executor.place(rows_of(net, ROWS))

    def losses(self, steps: int) -> Array:
        """Those of the next steps."""
        return np.array(host(self.executor, self.executor.run_steps(self.rows, steps, BATCH)[0]))


def unfused(found: Array, wanted: Array) -> Array:
    return np.asarray(np.abs(found - wanted) / np.abs(wanted))


def follows(path: Path, precision: str, steps: int, tolerance: float) -> None:
    """Require relative differences within `tolerance`. Where rounding decides which way a kink is taken (ReLU, the
    largest of a window), or a net magnifies it, as deep_batchnorm does, a curve departs from then on. Then each step is
    done from the weights that the CPU's begins with: its loss must be the CPU's, and but for KINKS of the steps so must
    be that of the next, which tells whether the gradients were."""
    cpu, gpu = (Training(path, device, precision, steps) for device in ("cpu", "gpu"))
    begin = {name: np.array(v) for name, v in cpu.executor.state_dict().items()}
    if np.all(unfused(gpu.losses(steps), cpu.losses(steps)) <= tolerance):
        return
    cpu.executor.load_state_dict(begin)
    wanted, found = [], []
    for _ in range(steps):
        gpu.executor.load_state_dict({name: np.array(v) for name, v in cpu.executor.state_dict().items()})
        found.append(gpu.losses(2))
        wanted.append(cpu.losses(1)[0])
    wanted.append(cpu.losses(1)[0])
    here, following = np.array(found).T
    np.testing.assert_allclose(here, wanted[:-1], rtol=tolerance)
    off = unfused(following, np.array(wanted[1:]))
    assert np.mean(off > tolerance) <= KINKS, off


@each_model
def test_losses_of_float32(path: Path) -> None:
    follows(path, "float32", 20, 1e-5)


@each_model
def test_losses_of_float64(path: Path) -> None:
    follows(path, "float64", 200, 1e-9)


def test_a_rate_that_is_off_by_a_thousandth_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where kinks are allowed for."""
    real = Training.losses

    def off(self: Training, steps: int) -> Array:
        if self.executor.backend.place.startswith("gpu"):
            self.executor.set_counters({"rate_scale": 1.001})
        return real(self, steps)

    monkeypatch.setattr(Training, "losses", off)
    with pytest.raises(AssertionError):
        follows(next(path for path in MODELS if path.stem == "fashion_cnn"), "float32", 20, 1e-5)
