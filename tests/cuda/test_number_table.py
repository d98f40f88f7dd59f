"""Nets that differ in numbers alone, on one GPU at the same time: one text, and each has numbers of its own."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.executor.ensemble import Ensemble
from gpubp.render.c.number_table import NumberTable
from tests.executor.nets import rows
from tests.render.test_number_table import text_of

from .conftest import Use
from .host import host_library, needs_host

pytestmark = needs_host
TEXTS = [text_of(OPTIMIZER=f"adam(lr = {rate})", LAYER=f"dropout({rate})") for rate in (0.01, 0.03, 0.1)]


def stepped(device: str, backend: str) -> list[list[float]]:
    """All nets in turn, a few steps at a time."""
    executors = [gpubp.Executor(gpubp.loads(text), device, "float64", 0, backend) for text in TEXTS]
    return [
        [float(x) for x in np.asarray(ex.backend.to_host(ex.train_steps(rows(20), steps, 5)))]
        for steps in (1, 4)
        for ex in executors
    ]


def test_each_learns_as_on_numpy(use: Use, way: str) -> None:
    device = use()
    host_library.cache_clear()
    found = stepped("gpu", "auto")
    assert way in device.log
    assert device.log.count("module") == len(TEXTS)
    assert host_library.cache_info().misses == 1
    for mine, ours in zip(found, stepped("cpu", "numpy"), strict=True):
        np.testing.assert_allclose(mine, ours, rtol=1e-9)


@pytest.mark.usefixtures("graphs")
def test_restarts_do_too(use: Use) -> None:
    use()
    losses = []
    for text in TEXTS[:2]:
        for device, backend in (("gpu", "auto"), ("cpu", "numpy")):
            together = Ensemble(gpubp.loads(text), 3, device, "float64", 0, backend)
            losses.append(together.backend.to_host(together.run_steps(together.place(rows(20)), 6, 5)[0]))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)
    np.testing.assert_allclose(losses[2], losses[3], rtol=1e-9)
    assert not np.allclose(losses[0], losses[2], rtol=1e-3)


def test_a_table_in_another_order_is_found(use: Use, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    right = stepped("cpu", "numpy")
    table = NumberTable.table.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(NumberTable, "table", property(lambda given: table(given)[8:] + table(given)[:8]))
    assert not np.allclose(stepped("gpu", "auto")[-1], right[-1], rtol=1e-3)
