"""A net is told from another one, and not from itself as a version with fewer options saved it."""

from __future__ import annotations

import re

import pytest

import gpubp
from gpubp.frontend import changed_parts, identity

TEXT = """
data {
  x = csv("a.csv", columns = ["u", "v"], scale = 2, missing = median)
  y = csv("a.csv", columns = ["w"])
  split = split(train = 70%, test = 30%)
}
model {
  input  x: [2]
  target y: [1]
  output p = x -> dense(4, init = he_normal) -> tanh -> dense(1)
}
train {
  loss      = huber(p, y) + l2(1e-3)
  optimizer = adam(lr = 0.01)
  schedule  = warmup(10steps, cosine(to = 1%))
  rates     = [rate(p.dense_2, 0.5)]
  epochs    = 3
}
"""


def net(text: str = TEXT) -> gpubp.Net:
    return gpubp.loads(text)


def test_a_net_is_the_one_that_was_saved() -> None:
    assert changed_parts(identity(net()), net()) == []
    assert changed_parts(identity(net()), net(TEXT.replace("scale = 2,", "header = auto, scale = 2,"))) == []


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("data", "standardize = false, "),
        ("data", "header = auto, "),
        ("data", ', decimal = "."'),
        ("optimizer", "beta1 = 0.9, "),
        ("optimizer", ", eps = 1e-08"),
        ("restarts", "1"),
        ("health", "true"),
        ("rates", ""),
    ],
)
def test_an_option_that_came_later_is_at_its_default(key: str, default: str) -> None:
    saved = identity(net())
    assert default in saved[key]
    before = {**saved, key: saved[key].replace(default, "")}
    assert changed_parts(before, net()) == []
    if not before[key]:
        del before[key]
        assert changed_parts(before, net()) == []


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("data", "scale = 1.0", "scale = 3.0"),
        ("data", "scale = 2", ""),
        ("data", '"u", "v"', '"v", "u"'),
        ("data", "missing = median", "missing = mean"),
        ("data", "header = auto", "header = true"),
        ("split", "0.7", "0.6"),
        ("optimizer", "beta1 = 0.9", "beta1 = 0.8"),
        ("schedule", "cosine(to = 0.01)", "cosine(to = 0.02)"),
        ("rates", "0.5", "0.25"),
        ("batch", "32", "16"),
        ("model", "", "0"),
    ],
)
def test_what_it_does_not_say_is_another_experiment(key: str, old: str, new: str) -> None:
    """A value that is none of the net's, be it a default that another version had."""
    saved = identity(net())
    assert old in saved[key]
    assert changed_parts({**saved, key: saved[key].replace(old, new)}, net()) == [key]


def test_options_stay_with_their_entry() -> None:
    """A scale that went from one reader to the other."""
    saved = identity(net())
    first, second = saved["data"].split("; ")
    swapped = re.sub(r"scale = [\d.]+", "scale = 1.0", first), re.sub(r"scale = [\d.]+", "scale = 2", second)
    assert changed_parts({**saved, "data": "; ".join(swapped)}, net()) == ["data"]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("dense(1)", "dense(1, bias = true)", True),
        ("dense(1)", "dense(1, init = glorot_uniform)", True),
        ("dense(1)", "dense(1, bias = false)", False),
        ("init = he_normal", "init = he_uniform", False),
        ("huber(p, y)", "huber(p, y, delta = 1)", True),
        ("huber(p, y)", "huber(p, y, delta = 2)", False),
        ("tanh", "relu", False),
    ],
)
def test_models_and_losses(old: str, new: str, same: bool) -> None:
    other = net(TEXT.replace(old, new))
    key = "loss" if "huber" in old else "model"
    assert changed_parts(identity(net()), other) == ([] if same else [key])
