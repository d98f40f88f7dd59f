"""Values that go bad are named where they do; nets larger than memory are refused before anything is allocated."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.executor import first_non_finite, require_memory
from gpubp.memory import free_memory

NET = """
data {{
  x = [[1, 2], [3, 4], [5, 6], [{big}, 8]]
  y = [[0], [1], [1], [0]]
}}
model {{
  input  x: [2]
  target y: [1]
  {model}
}}
train {{
  loss      = mse(p, y)
  optimizer = {optimizer}
  epochs    = {epochs}
  batch     = {batch}
  shuffle   = false
}}
"""


def text(model: str, *, optimizer: str = "sgd(lr = 0)", epochs: int = 2, batch: int = 4, big: str = "7") -> str:
    return NET.format(model=model, optimizer=optimizer, epochs=epochs, batch=batch, big=big)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("log(x - 2)", "NaN, in `h.log`, `log(x - 2)` at bad.net:9:7; the values that go in reach"),
        ("exp(x * 90)", "inf, in `h.exp`, `exp(x * 90)` at bad.net:9:7; the values that go in reach"),
        ("x / (x - 3)", "inf, in `h.div`, `x / (x - 3)` at bad.net:9:7; the values that go in reach"),
        ("sqrt(x - 7)", "NaN, in `h.sqrt`, `sqrt(x - 7)` at bad.net:9:7; the values that go in reach"),
        ("exp(1e3 * x) -> dense(3) -> tanh", "inf, in `h.exp`, `exp(1e3 * x)` at bad.net:9:7"),
    ],
)
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_the_first_bad_value_is_named(formula: str, said: str, batch: int) -> None:
    net = gpubp.loads(text(f"h = {formula}\n  output p = h -> dense(1)", batch=batch), name="bad.net")
    with pytest.raises(gpubp.DivergedError) as caught:
        gpubp.train(net, "cpu")
    message, note = str(caught.value).splitlines()
    assert "at step " in message
    assert f"the first value that is not finite is {said}" in note


@pytest.mark.parametrize("batch", [1, 3])
def test_the_first_bad_value_is_named_among_rows_in_any_order(batch: int) -> None:
    ordered = text("h = log(x - 0.5)\n  output p = h -> dense(1)", batch=batch, big="0")
    net = gpubp.loads(ordered.replace("shuffle   = false", "shuffle = true"), name="bad.net")
    for seed in range(4):
        with pytest.raises(gpubp.DivergedError, match=r"the first value that is not finite is NaN, in `h\.log`"):
            gpubp.train(net, "cpu", seed=seed)


def test_looking_changes_nothing_and_finds_nothing_where_all_is_well() -> None:
    ex = gpubp.Executor(gpubp.loads(text("output p = x -> dense(1)", optimizer="adam")), "cpu")
    data = {"x": [[1, 2], [3, 4]], "y": [[0], [1]]}
    ex.train_steps(data, steps=3, batch=2)
    before = {name: value.tobytes() for name, value in ex.state_dict().items()}
    assert first_non_finite(ex, ex.place(data), 2) == ""
    assert {name: value.tobytes() for name, value in ex.state_dict().items()} == before
    ex.parameters["p.dense.weight"][1] = np.inf
    told = "\nnote: the parameter `p.dense.weight` was not finite before this step"
    assert first_non_finite(ex, ex.place(data), 2) == told


def test_a_loss_that_is_too_large_is_named_while_its_gradient_is_not() -> None:
    net = gpubp.loads(text("output p = x -> dense(1)", optimizer="sgd(lr = 1)", epochs=500), name="bad.net")
    with pytest.raises(gpubp.DivergedError) as caught:
        gpubp.train(net, "cpu")
    message, note = str(caught.value).splitlines()
    assert re.match(r"epoch \d+: the loss is inf at step \d+: training stopped; a smaller learning rate", message)
    assert "the first value that is not finite is inf, in `train.loss.mse`, `mse(p, y)` at bad.net:" in note


def test_the_first_step_that_goes_wrong_is_named_however_many_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss overflows some steps before the gradient does."""
    net, said = gpubp.loads(text("output p = x -> dense(1)", optimizer="sgd(lr = 1)", epochs=1, batch=1)), set[str]()
    rows = {"x": np.tile([[1.0, 2.0], [3.0, 4.0]], (200, 1)), "y": np.zeros((400, 1))}
    for size in (1, 3, 400):
        monkeypatch.setattr("gpubp.training.pace.Pace.piece", lambda *_, size=size, **__: size)
        with pytest.raises(gpubp.DivergedError) as caught:
            gpubp.train(net, "cpu", data=rows)
        said.add(str(caught.value).partition("\n")[0])
    assert len(said) == 1
    assert said.pop().startswith("epoch 1: the loss is inf at step ")
    with pytest.raises(gpubp.DivergedError, match=r"^the loss is inf at step "):
        gpubp.Executor(net, "cpu").train_steps(rows, steps=400, batch=1)


def test_a_backward_pass_that_goes_bad_is_named_too() -> None:
    """The root of 0 is finite, and its derivative is not."""
    net = gpubp.loads(text("h = x -> dense(1, init = zeros, bias = false)\n  output p = sqrt(h)"), name="bad.net")
    with pytest.raises(gpubp.DivergedError, match=r"is NaN, in the gradient through `p\.sqrt`, `sqrt\(h\)` at"):
        gpubp.train(net, "cpu")


@pytest.mark.parametrize(
    ("model", "batch"),
    [
        ("output p = x -> dense(100000) -> dense(1000000) -> dense(1)", 4),
        ("output p = x -> dense(1000000) -> tanh -> dense(1)", 4_000_000),
    ],
)
def test_a_net_larger_than_memory(model: str, batch: int) -> None:
    net = gpubp.loads(text(model), name="large.net")
    backend = gpubp.Executor(gpubp.loads(text("output p = x -> dense(1)")), "cpu").backend
    with pytest.raises(gpubp.GpubpError, match=r"`large\.net` does not fit into memory: .* of weights, .* are free"):
        require_memory(net, backend, "float32", batch)
    with pytest.raises(gpubp.GpubpError, match=r" rows?, 3 times, make .*; fewer restarts, a smaller batch or"):
        require_memory(net, backend, "float32", batch, 3)
    require_memory(gpubp.loads(text("output p = x -> dense(1)")), backend, "float32", 4)


LIMITED = """
import resource, sys, gpubp
net = gpubp.loads(sys.argv[1], name="large.net")
gpubp.Executor(gpubp.loads(sys.argv[2]), "cpu")  # every module is there
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    gpubp.train(net, "cpu")
except gpubp.GpubpError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 32 << 10)
"""


def test_the_limit_of_the_process_counts() -> None:
    """200 MB of weights where 64 MiB are left: refused, with the numbers, before they are made."""
    words = [text("output p = x -> dense(5000) -> dense(10000) -> dense(1)"), text("output p = x -> dense(1)")]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, timeout=60, check=True
    )
    message, small = done.stdout.splitlines()
    assert message.startswith("`large.net` does not fit into memory: 191 MiB of weights, ")
    assert "are free on the CPU; a smaller batch or smaller layers need less" in message
    assert small == "True"


def test_free_memory_is_known_here() -> None:
    free = free_memory()
    assert free is not None
    assert 0 < free < 1 << 50
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        line = next(x for x in Path("/proc/meminfo").read_text("ascii").splitlines() if x.startswith("MemAvailable"))
        assert free <= 1.5 * int(line.split()[1]) * 1024
