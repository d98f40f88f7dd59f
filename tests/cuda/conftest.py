"""A double of a GPU for whole trainings, and the two ways in which they run on it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from gpubp import backends
from gpubp.backends.native import backend as native
from tests.stand_in.fake_cupy import cupy

from .double import HostBackend, HostDevice
from .host import CXX

Use = Callable[..., HostDevice]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes a device the GPU."""
    if not CXX:
        pytest.skip("there is no C++ compiler")
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(backends, "CupyBackend", HostBackend)
    monkeypatch.setattr(native, "_said", set())

    def made(**options: object) -> HostDevice:
        device = HostDevice(**options)  # type: ignore[arg-type]
        monkeypatch.setattr(HostBackend, "device", device, raising=False)
        return device

    return made


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No net is small enough for a block."""
    monkeypatch.setattr(HostDevice, "room", 0)


@pytest.fixture(params=["train_block", "replay"])
def way(request: pytest.FixtureRequest) -> str:
    """What a device is asked for where a net is trained by blocks, and by graphs."""
    if request.param == "replay":
        request.getfixturevalue("graphs")
    return str(request.param)
