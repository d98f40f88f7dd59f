"""Races between the threads of a block, found by vector clocks (races.h): none in the kernels of nets, and each missing
wait shows, also where the order in which the shim runs threads hides it."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import plan
from gpubp.render import cuda_source
from tests.executor.nets import DROPOUT, PLAIN, rows
from tests.gpu.test_compiled import rows_of
from tests.ops.checks import inputs_for

from . import double
from .conftest import Use
from .host import RacingModule, needs_host
from .running import run_cuda
from .test_block import BARRIER, FRONT_BARRIER, TINY, WAIT_OF_WARP, block_of, model, replaced, trained, without
from .test_cuda_kernels import changed

pytestmark = needs_host
RACE = "a race: thread"


@pytest.fixture(autouse=True)
def racing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(double, "HostModule", RacingModule)


def steps(net: gpubp.Net, batch: int = 4) -> None:
    """A few of a training, and an evaluation."""
    ex, data = gpubp.Executor(net, "gpu"), rows_of(net, 3 * batch)
    ex.run_steps(ex.place(data), 4, batch)
    ex.evaluate(data)


@pytest.mark.parametrize("name", TINY)
def test_nets_in_a_block_have_none(name: str, use: Use) -> None:
    device = use()
    steps(model(name), 16 if name == "iris" else 4)
    assert "train_block" in device.log


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize(
    "name", ["xor", "digits", "deep_batchnorm", pytest.param("mackey_glass", marks=pytest.mark.sanitize)]
)
def test_nets_as_graphs_have_none(name: str, use: Use) -> None:
    device = use()
    steps(model(name))
    assert "replay" in device.log


@pytest.mark.parametrize("text", [PLAIN, DROPOUT], ids=["plain", "dropout"])
def test_epochs_with_a_smaller_batch_have_none(text: str, use: Use) -> None:
    use()
    ex = gpubp.Executor(gpubp.loads(text), "gpu")
    ex.run_steps(ex.place(rows(22)), 11, 5)


@pytest.mark.parametrize(
    ("wait", "idle"), [(BARRIER, []), (FRONT_BARRIER, []), (WAIT_OF_WARP, [3, 4])], ids=["block", "front", "warp"]
)
def test_each_missing_wait_of_a_block_is_a_race(wait: str, idle: list[int], use: Use) -> None:
    """But behind what one thread does that then goes on with it."""
    net, found = model("xor"), list[int | str]()
    data, text = rows_of(net, 8), block_of(net).text.partition("for (; s < stop; s++)")[2]
    for number in range(text.count(wait)):
        use(change=without(number, wait))
        try:
            trained(net, data, "float32", 3)
        except AssertionError as error:
            found.append(number if RACE in str(error) else str(error))
    assert found == [number for number in range(text.count(wait)) if number not in idle]


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"__syncthreads\(\);\n(\s*)half = 1 - half;", r"half = 1 - half;"),  # of the tiles of a product
        (r"(_parts\[thread / 32\] = \w+;\n\s*)__syncthreads\(\);", r"\1;"),  # of a reduction by several warps
    ],
)
def test_missing_barriers_of_kernels_are_races(old: str, new: str, use: Use) -> None:
    use(change=replaced(old, new))
    with pytest.raises(AssertionError, match=RACE):
        steps(model("digits"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("", ""), ("    __syncthreads();\n", ""), ("before_parts[threadIdx.x / 32] =", "before_parts[0] =")],
    ids=["none", "no barrier", "one place for all"],
)
def test_a_scatter_has_none(old: str, new: str) -> None:
    """Its warps tell each other what they found, each in a place of its own."""
    labels, updates = np.arange(80) % 7, np.ones((80, 40), "float32")
    xs = inputs_for([updates, labels])
    with recording() as eqns:
        total = ops.scatter_add(*xs, rows=9)
    found = plan(verify(Program(tuple(xs), tuple(eqns), (total,))), xs)
    source = changed(cuda_source(found, "run"), old, new)
    if old:
        with pytest.raises(AssertionError, match=RACE):
            run_cuda(found, [updates, labels], [], source=source, compiled=RacingModule)
        return
    _, (got,) = run_cuda(found, [updates, labels], [], source=source, compiled=RacingModule)
    assert got[:, 0].tolist() == [*np.bincount(labels), 0, 0]


@pytest.mark.parametrize("length", [12, 40, 300])
def test_numbers_of_rows_that_are_replaced_have_none(length: int) -> None:
    """All threads of a row read the old one: some lanes of a warp, a warp, a block. The last warps have no row."""
    x, s = Var(Aval((9, length), "float64"), "x"), Var(Aval((9, 1), "float64"), "s")
    with recording() as eqns:
        new = ops.sum_(x, axis=(1,), keepdims=True) + s
    found = plan(verify(Program((x, s), tuple(eqns), (), ((s, new),))), (x,))
    rng = np.random.default_rng(0)
    numbers, state = rng.normal(size=x.shape), rng.normal(size=s.shape)
    wanted = numbers.sum(1, keepdims=True) + state
    source, _ = run_cuda(found, [numbers], [state], compiled=RacingModule)
    assert len(source.work["run_0"]) == 1, "in place"
    np.testing.assert_allclose(state, wanted, rtol=1e-11)


def test_a_race_is_told_by_its_lines(use: Use) -> None:
    use(change=without(0, FRONT_BARRIER))
    net = model("xor")
    lines = r"thread \d+ (wrote|read) at `.*;` what thread \d+ (reads|writes) at `.*`"
    with pytest.raises(AssertionError, match=lines):
        trained(net, rows_of(net, 8), "float32", 3)


def test_shuffles_order_nothing(use: Use) -> None:
    """A wait of a warp is no shuffle."""
    use(change=replaced(r"__syncwarp\(0xffffffff\);", "__shfl_xor_sync(0xffffffff, 0.0f, 1);"))
    net = model("xor")
    with pytest.raises(AssertionError, match=RACE):
        trained(net, rows_of(net, 8), "float32", 3)
