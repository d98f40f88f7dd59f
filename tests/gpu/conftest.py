"""Tests of this folder need a GPU and CuPy; without them each is skipped, with the reason. See `make gpu-check`."""

from __future__ import annotations

from typing import Any

import pytest

from tools.find_gpu import count_gpus


@pytest.fixture(scope="session", autouse=True)
def cupy() -> Any:
    """CuPy on a machine with a GPU."""
    count, reason = count_gpus()
    if not count:
        pytest.skip(reason)
    return pytest.importorskip("cupy", reason="cupy is not installed", exc_type=ImportError)
