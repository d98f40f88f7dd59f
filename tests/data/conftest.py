from __future__ import annotations

from pathlib import Path

import pytest

from dsl.graph import Type

from .worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A model with an input `x: [2]` and a target `y: [1]`."""
    return World(tmp_path, {"x": Type((2,))}, {"y": Type((1,))})
