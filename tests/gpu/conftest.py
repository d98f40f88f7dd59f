"""Tests of this folder need a GPU and CuPy; without them each is skipped, with the reason. See `make gpu-check`."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A kernel that leaves its memory ends all that its process has on the GPU. The tests after it would fail too, so
    the process ends, and where there are several (xdist) another takes its place."""
    report = yield
    if report.failed and call.when == "call" and hasattr(item.config, "workerinput") and _is_lost():
        print(f"{item.nodeid}: the GPU is lost to this process\n{report.longreprtext}", file=sys.stderr, flush=True)
        os._exit(1)
    return report


def _is_lost() -> bool:
    cupy = sys.modules.get("cupy")
    if cupy is None:
        return False
    try:
        cupy.cuda.Device().synchronize()
    except cupy.cuda.runtime.CUDARuntimeError:
        return True
    return False
