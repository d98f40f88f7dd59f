"""Restarts of nets that are too large for a block: each launch of a graph does the work of all of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.backends.cuda import nets
from gpubp.errors import DivergedError
from gpubp.executor.ensemble import Ensemble
from gpubp.frontend import GOING
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import plan
from gpubp.render import cuda_source
from gpubp.render.cuda import gemm
from tests.executor.nets import DROPOUT, LABELS, PLAIN, rows
from tests.gpu.test_compiled import rows_of

from .conftest import Use
from .double import HostDevice
from .host import needs_host
from .test_block import same

pytestmark = [needs_host, pytest.mark.usefixtures("graphs")]

PIXELS = """
model {
  input x: [6, 6, 3]
  target y: class(4)
  output p = x -> conv(5, 3, pad = same) -> batchnorm -> relu -> maxpool(2) -> flatten -> dense(4) -> softmax
}
train {
  loss = cross_entropy(p, y)
  optimizer = adam(lr = 0.01)
  clip = clip_norm(0.1)
  epochs = 1
}
"""
LIBRARY = """
model {
  input x: [70]
  target y: [4]
  output p = x -> dense(160) -> relu -> dense(24) -> relu -> dense(4)
}
train {
  loss = mse(p, y)
  optimizer = sgd(lr = 0.01, momentum = 0.9)
  epochs = 1
  shuffle = false
}
"""
TURNS = """
model {
  input x: [5, 3]
  target y: [1]
  output p = x -> lstm(6, sequence = false) -> dense(1)
}
train {
  loss = mse(p, y)
  optimizer = adam(lr = 0.01)
  epochs = 1
}
"""


@pytest.mark.parametrize(
    ("text", "batch", "precision"),
    [
        (PLAIN, 5, "float32"),
        (DROPOUT, 5, "float64"),
        (LABELS, 22, "float32"),
        (PIXELS, 8, "float32"),
        (LIBRARY, 11, "float32"),
        (TURNS, 8, "float64"),
    ],
)
def test_each_is_the_run_of_its_seed(
    text: str, batch: int, precision: str, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled batches, a smaller last one, dropout, clipping, statistics, products of the library with their
    epilogues, turns of a loop."""
    if text is LIBRARY:
        monkeypatch.setattr(gemm, "MIDDLE", 0)
        monkeypatch.setattr(gemm, "NARROW", 0)
    device, net, count = use(), gpubp.loads(text), 3
    data = rows_of(net, 22)
    together = Ensemble(net, count, "gpu", precision, 3)
    losses, penalties, _ = together.run_steps(together.place(data), 13, batch)
    assert together._together._compiled == {}, "nothing ran beside"
    assert "replay" in device.log
    assert ("gemm" in device.log) == (text is LIBRARY)
    for k in range(count):
        ex = gpubp.Executor(net, "gpu", precision, 3 + k)
        wanted = ex.run_steps(ex.place(data), 13, batch)
        for found, right in zip((losses[k], penalties[k]), wanted, strict=False):
            np.testing.assert_array_equal(ex.backend.to_host(found), ex.backend.to_host(right))
        assert same(ex.state_dict(), together.member(k).state_dict())


def diverging(device: HostDevice) -> tuple[Ensemble, Any]:
    """Three nets, the second of which has a gradient that is no number."""
    net, data = gpubp.loads(PLAIN), rows(22)
    together = Ensemble(net, 3, "gpu", "float64", 3)
    together.arrays["parameters"][1] = 1e200
    together.run_steps(together.place(data), 7, 5)
    return together, data


def test_one_that_diverges_stands_still(use: Use) -> None:
    together, data = diverging(use())
    assert "the gradient of" in together.diverged[1]
    assert together.backend.to_host(together.arrays[GOING]).tolist() == [True, False, True]
    assert (together.backend.to_host(together.arrays["parameters"][1]) == 1e200).all()
    alone = gpubp.Executor(together.net, "gpu", "float64", 5)
    alone.run_steps(alone.place(data), 7, 5)
    assert same(alone.state_dict(), together.member(2).state_dict())
    together.arrays["parameters"][...] = 1e200
    with pytest.raises(DivergedError, match="all 3 restarts diverged"):
        together.run_steps(together.place(data), 7, 5)


def test_one_that_was_stopped_stands_still(use: Use) -> None:
    """So does one for which no figure got better; and they may go on from a copy."""
    use()
    net, data = gpubp.loads(PLAIN), rows(20)
    together = Ensemble(net, 2, "gpu", "float64", 3)
    placed = together.place(data)
    together.run_steps(placed, 4, 5)
    put_back, before = together.snapshot(), together.member(0).state_dict()
    together.stop(0)
    together.run_steps(placed, 4, 5)
    assert same(together.member(0).state_dict(), before)
    assert together.steps_done() == [4, 8]
    put_back()
    together.run_steps(placed, 4, 5)
    alone = gpubp.Executor(net, "gpu", "float64", 3)
    alone.run_steps(alone.place(data), 8, 5)
    assert same(alone.state_dict(), together.member(0).state_dict())


def test_the_host_waits_once_a_call(use: Use) -> None:
    """What is written before the steps are those of one call; nothing is read."""
    device = use()
    together = Ensemble(gpubp.loads(PLAIN), 4, "gpu", "float32", 3)
    placed = together.place(rows(40))
    together.run_steps(placed, 8, 5)
    device.log.clear()
    together.run_steps(placed, 8, 5)
    assert device.log == ["write", *["replay"] * 8]
    together.run_steps(placed, 40, 5)
    assert "read" not in device.log


def test_more_nets_than_a_launch_can_have(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for most in (65535, 2):
        monkeypatch.setattr(nets, "MAX_ROWS", most)
        device = use()
        together = Ensemble(gpubp.loads(PLAIN), 5, "gpu", "float32", 3)
        together.run_steps(together.place(rows(20)), 4, 5)
        found.append([together.member(k).state_dict() for k in range(5)])
        graph = next(entry for entry in device.log if entry.startswith("graph of"))
        assert int(graph.split()[-1]) % (1 if most > 2 else 3) == 0
    assert all(same(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"if \(!\*net.going\) return;", ""),
        (r"if \(control\[5\]\) \*\(bool8 \*\)control\[5\] = 0;", ""),
        (r"nets\[blockIdx.y\]", "nets[0]"),
        (r"control\[0\] \+= 5;", ""),
    ],
)
def test_planted_faults_are_found(old: str, new: str, use: Use) -> None:
    def change(text: str) -> str:
        return re.sub(old, new, text) if "nets[" in text else text

    right = diverging(use())[0]
    wrong = diverging(use(change=change))[0]
    states = [{name: one.backend.to_host(a) for name, a in one.arrays.items()} for one in (right, wrong)]
    assert not same(*states) or right.diverged != wrong.diverged


@pytest.mark.parametrize(("size", "several", "wide"), [(6, False, True), (6, True, False), (8, True, True)])
def test_states_that_follow_each_other_at_odd_places_are_read_one_by_one(size: int, several: bool, wide: bool) -> None:
    """Six numbers of each net begin at no multiple of 16 bytes, eight do."""
    s, x = Var(Aval((size,), "float32"), "s"), Var(Aval((64, 4), "float32"), "x")
    with recording() as eqns:
        y = ops.exp(x * ops.slice_(s, start=(0,), stop=(4,)))
    found = cuda_source(plan(verify(Program((s, x), tuple(eqns), (y,))), (x,)), "train", nets=several).text
    assert ("Pack" in found[found.index('extern "C"') :]) == wide
