"""Nets that differ in numbers alone, on a GPU as one program: a block for each, or a graph for all."""

from __future__ import annotations

import pytest

import gpubp
from gpubp.executor import Sweep
from tests.executor.nets import rows
from tests.executor.test_side_by_side import MIXED, as_alone
from tests.render.test_given import text_of

from .conftest import Use
from .host import needs_host

pytestmark = needs_host


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_each_is_the_net_alone(use: Use, way: str, precision: str) -> None:
    device = use()
    texts = [text_of(**one).replace("epochs", f"precision = {precision}\n  epochs") for one in MIXED[:4]]
    sweep = Sweep([*map(gpubp.loads, texts)], "gpu")
    as_alone(sweep, "auto", rows(22), "gpu")
    assert way in device.log
    assert sweep._together._compiled.keys() == {("measure", 32, None)}, "nothing else ran beside the blocks"
