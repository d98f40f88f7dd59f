"""The learning-rate range test beside a recursion by hand, and what the command says of it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli.range import verdict
from gpubp.training import RangeTest

from .worlds import Call

LINE = """
data {{
  x = [[1], [1]]
  y = [[0], [0]]
}}

model {{
  input  x: [1]
  target y: [1]
  output p = x -> dense(1, bias = false, init = constant(3))
}}

train {{
  loss      = 2 * sum((p - y)^2)
  optimizer = {optimizer}
  epochs    = 1
  precision = float64
}}
"""


@pytest.mark.parametrize("loss", ["2 * sum((p - y)^2)", "sum((p - y)^2) + l2(1)"])
def test_a_parabola_by_hand(loss: str) -> None:
    """L = 2 w^2, so w' = (1 - 4 lr) w: gradient descent diverges from lr = 1/2 on."""
    text = LINE.format(optimizer="sgd(lr = 0.3)\n  schedule  = warmup(5steps)")
    net = gpubp.loads(text.replace("2 * sum((p - y)^2)", loss))
    told = gpubp.range_test(net, "cpu", low=1e-3, high=100, steps=60)
    w, losses = 3.0, []
    for rate in 1e-3 * 1e5 ** (np.arange(60) / 59):
        losses.append(2 * w * w)
        w *= 1 - 4 * rate
    np.testing.assert_allclose(told.losses, losses[: len(told.losses)], rtol=1e-9)
    np.testing.assert_allclose(told.rates, 1e-3 * 1e5 ** (np.arange(len(told.rates)) / 59), rtol=1e-12)
    for i, mean in enumerate(told.smoothed):
        assert mean == pytest.approx(np.average(losses[: i + 1], weights=0.9 ** np.arange(i, -1, -1)), rel=1e-9)
    assert told.diverged, "the growth of the loss ended it"
    assert told.rates[-1] < 10
    assert told.lr == 0.3, "the file's, whose schedule has no part"
    assert told.steepest < 0.5 < told.rates[-1]
    assert told.least < told.rates[-1]
    assert told.suggested == float(f"{told.least / 10:.0e}")
    assert repr(told).startswith("<RangeTest of ")
    assert repr(told).endswith(f": the loss is least at {told.least:.2g}, suggested lr = {told.suggested:g}>")


def test_a_loss_that_is_not_finite_is_an_end_as_well() -> None:
    net = gpubp.loads(LINE.format(optimizer="sgd(lr = 1)").replace("2 * sum((p - y)^2)", "mean((p - y)^4)"))
    told = gpubp.range_test(net, "cpu", low=1, high=1e40, steps=8)
    assert told.diverged
    assert len(told.rates) < 8
    assert np.isfinite(told.losses).all()


def test_a_loss_that_only_falls() -> None:
    net = gpubp.loads(LINE.format(optimizer="sgd(lr = 1)"))
    told = gpubp.range_test(net, "cpu", low=1e-3, high=0.1, steps=40)
    assert not told.diverged
    assert told.least == told.rates[-1]
    assert told.suggested == float(f"{told.steepest:.0e}")
    first, second = verdict(told).splitlines()
    assert re.fullmatch(r"the loss falls fastest at a rate of \S+, and still falls at 0.1: `--high` goes .*", first)
    assert second == f"try `lr = {told.suggested:g}`, the rate at which it falls fastest; the file has 1"


def test_noise_before_the_fall_is_not_taken_for_it() -> None:
    """Small rates change nothing: a steeper dip there comes of the batches."""
    rates = [10 ** (i / 20 - 6) for i in range(121)]
    noisy = [1 - 0.15 * math.exp(-(((i - 20) / 3) ** 2)) for i in range(121)]
    smoothed = [one - 0.3 / (1 + math.exp(-(i - 80) / 9)) for i, one in enumerate(noisy)]
    told = RangeTest(rates, smoothed, smoothed, diverged=False, lr=0.1)
    assert 10 ** (76 / 20 - 6) < told.steepest < 10 ** (84 / 20 - 6)


def test_arrays_in_place_of_the_file_s_data() -> None:
    net = gpubp.loads(LINE.format(optimizer="sgd(lr = 1)"))
    told = gpubp.range_test(net, "cpu", data={"x": np.zeros((4, 1)), "y": np.ones((4, 1))}, steps=3)
    assert list(told.losses) == [2, 2, 2]
    assert told.suggested is None
    assert verdict(told) == "the loss never falls: smaller rates (`--low`) or more steps may show more"
    assert told.suggested is None


def test_few_steps_tell_little() -> None:
    net = gpubp.loads(LINE.format(optimizer="sgd(lr = 1)"))
    told = gpubp.range_test(net, "cpu", low=1e-3, high=0.1, steps=8)
    assert told.steepest is None
    assert told.suggested is None
    assert verdict(told) == "the loss still falls at 0.1; where it falls fastest, only more `--steps` tell"
    told = gpubp.range_test(net, "cpu", low=0.1, high=100, steps=8)
    assert told.steepest is None
    assert told.suggested == float(f"{told.least / 10:.0e}")
    assert verdict(told).startswith(f"the loss is least at {told.least:.2g}, and rises up to 1e+02\ntry `lr = ")


@pytest.mark.parametrize("loss", ["sum(log(p - 3.5))", "sum(log(p - 3))", "mean(exp(1000 * p))"])
def test_a_loss_that_is_not_finite_before_any_update_is_not_blamed_on_the_rate(loss: str) -> None:
    text = LINE.format(optimizer="sgd(lr = 1)").replace("2 * sum((p - y)^2)", f"mse(p, y) + {loss}")
    with pytest.raises(gpubp.DivergedError, match="before any update: the data or a formula of the model gives it"):
        gpubp.range_test(gpubp.loads(text), "cpu")


def test_rates_of_all_sizes() -> None:
    told = gpubp.range_test(gpubp.loads(LINE.format(optimizer="sgd(lr = 1)")), "cpu", low=1e-300, high=1e300, steps=61)
    np.testing.assert_allclose(told.rates, 10.0 ** np.arange(-300, -300 + 10 * len(told.rates), 10), rtol=1e-12)
    assert told.diverged


@pytest.mark.parametrize(("low", "high", "steps"), [(0, 1, 9), (1, 1, 9), (1, float("inf"), 9), (1, 2, 1)])
def test_numbers_out_of_range(low: float, high: float, steps: int) -> None:
    with pytest.raises(gpubp.InputError):
        gpubp.range_test(gpubp.loads(LINE.format(optimizer="sgd(lr = 1)")), "cpu", low=low, high=high, steps=steps)


def test_a_rate_of_0_cannot_be_scaled() -> None:
    with pytest.raises(gpubp.GpubpError, match="has none, or 0"):
        gpubp.range_test(gpubp.loads(LINE.format(optimizer="sgd(lr = 0)")), "cpu")


def test_the_command(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text(LINE.format(optimizer="sgd(lr = 0.3)"), "utf-8")
    words = ("range", "a.net", "--device", "cpu", "--low", "1e-3", "--steps", "60")
    told = json.loads(call(*words, "--json").out)
    assert told["lr"] == 0.3
    said = call(*words)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("loss, smoothed")
    assert lines[14].split() == ["0.001", "learning", "rate", f"{told['rates'][-1]:.2g}"]
    assert lines[-1].startswith(f"try `lr = {told['suggested']:g}`, a tenth of the rate at which it is least; the file")
    assert [path.name for path in tmp_path.iterdir()] == ["a.net"], "nothing is saved"
    assert "is not a rate above 0" in call("range", "a.net", "--low", "0").err
    assert call("range", "a.net", "-o", "x.pdf").err == "error: `x.pdf` is neither a .png nor an .svg file\n"


def test_a_picture(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text(LINE.format(optimizer="sgd(lr = 0.3)"), "utf-8")
    said = call("range", "a.net", "--device", "cpu", "--steps", "20", "-o", "a.svg")
    assert said.out.startswith("wrote a.svg\n\nthe loss falls fastest at a rate of")
    assert "at learning rate 1e-06" in (tmp_path / "a.svg").read_text("utf-8")


def test_an_optimizer_of_full_batches_sees_all_rows() -> None:
    """Two columns of four rows: the first loss is that of all four."""
    text = (
        LINE.format(optimizer="rprop")
        .replace("[[1], [1]]", "[[1], [2], [3], [4]]")
        .replace("[[0], [0]]", "[[0], [0], [0], [0]]")
    )
    told = gpubp.range_test(gpubp.loads(text), "cpu", steps=2)
    assert told.losses[0] == pytest.approx(2 * 9 * (1 + 4 + 9 + 16) / 4)
