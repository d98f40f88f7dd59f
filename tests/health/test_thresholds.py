"""From where on an ill is told: just above a bound and just below it, by sizes that were made up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

import gpubp
from gpubp.frontend import with_rate
from gpubp.health import Finding, Size, diagnose, grown, risen, sizes, still, typical
from gpubp.insight import drawn

TEXT = """
model {{
  input  x: [4]
  target y: [1]
  output p = x -> {body} -> dense(1){last}
}}
train {{
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
{keys}}}
"""


def made(body: str, last: str = "", keys: str = "") -> tuple[gpubp.Net, list[Size]]:
    """A net, and sizes of its layers with which all is well."""
    net = gpubp.loads(TEXT.format(body=body, last=last, keys=keys))
    measured = sizes(gpubp.Executor(net, "cpu", backend="numpy"), drawn(net, 4))
    return net, [replace(one, result=1.0, delta=1.0, dead=0.0, saturated=0.0) for one in measured]


RELU, TANH = (made(f"repeat 3 {{ dense(8) -> {kind} }}") for kind in ("relu", "tanh"))


def found(case: tuple[gpubp.Net, list[Size]], **changed: Sequence[float | None]) -> list[Finding]:
    """What is said where figures of the layers are others."""
    net, well = case
    return diagnose(net, [replace(one, **{key: row[i] for key, row in changed.items()}) for i, one in enumerate(well)])


def kinds(findings: list[Finding]) -> list[str]:
    return [one.kind for one in findings]


@pytest.mark.parametrize(("part", "wanted"), [(0.5, ["dead"]), (0.49, [])])
def test_units_that_are_dead(part: float, wanted: list[str]) -> None:
    assert kinds(found(RELU, dead=[0, part, 0, 0])) == wanted


def test_the_worst_of_the_dead_is_named() -> None:
    one, two, three = (found(RELU, dead=dead)[0] for dead in ([0, 0.8, 0, 0], [0.6, 0.9, 0, 0], [0.6, 0.9, 0.6, 0]))
    assert one.message == "80% of the units of layer 2, `p.dense_2` are dead: relu gives 0 for every row"
    assert two.message.startswith("90% of the units of layer 2, `p.dense_2`")
    assert two.message.endswith("; the same holds for 1 other layer")
    assert three.message.endswith("; the same holds for 2 other layers")


@pytest.mark.parametrize(
    ("part", "delta", "wanted"),
    [(0.9, 1.0, ["saturated"]), (0.89, 1.0, []), (0.95, None, []), (1.0, 1.0, ["saturated"])],
)
def test_numbers_that_are_saturated(part: float, delta: float | None, wanted: list[str]) -> None:
    """A layer that sends nothing back learns nothing that could be better."""
    assert kinds(found(TANH, saturated=[0, part, 0, 0], delta=[1.0, delta, 1.0, 1.0])) == wanted


def test_the_worst_of_the_saturated_is_named_and_no_output() -> None:
    (told,) = found(TANH, saturated=[0.91, 0.99, 0, 0])
    assert told.message.startswith("99% of the numbers of layer 2, `p.dense_2` are saturated: tanh is flat there")
    case = made("dense(8) -> relu", " -> sigmoid")
    assert [one.output for one in case[1]] == [False, True]
    assert found(case, saturated=[0, 1.0]) == []


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (0.9e-3, 1.0, ["vanishing"]),
        (1.1e-3, 1.0, []),
        (1.1e3, 1.0, ["exploding"]),
        (0.9e3, 1.0, []),
        (1.0, math.inf, []),
        (math.inf, 1.0, ["exploding"]),
        (math.nan, 1.0, []),
        (0.0, 1.0, ["lost"]),
        (0.0, 0.0, []),
    ],
)
def test_gradients_from_the_last_layer_to_the_first(first: float, last: float, wanted: list[str]) -> None:
    assert kinds(found(RELU, delta=[first, 1.0, 1.0, last])) == wanted


@pytest.mark.parametrize(("layers", "wanted"), [(1, []), (2, ["vanishing"])])
def test_two_layers_tell_nothing_of_a_gradient(layers: int, wanted: list[str]) -> None:
    case = made(f"repeat {layers} {{ dense(8) -> relu }}")
    assert kinds(found(case, delta=[1e-9, *[1.0] * layers])) == wanted


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        ([1.0], 1.1e4, ["exploding"]),
        ([1.0], 0.9e4, []),
        ([100.0, 1.0], 5e5, []),
        ([1.0, 100.0], 5e5, []),
        ([0.0], 1.0, []),
        ([], 1.0, []),
        ([1.0], math.nan, []),
        ([1.0], math.inf, ["exploding"]),
    ],
)
def test_gradients_that_grow(before: list[float], now: float, wanted: list[str]) -> None:
    net, well = RELU

    def step(delta: float) -> list[Size]:
        return [replace(one, delta=delta) for one in well]

    assert kinds(grown(net, [step(delta) for delta in before], step(now))) == wanted


def test_the_middle_of_several_steps() -> None:
    """The lower one of two."""
    one = RELU[1][0]
    steps = [(9.0, None, 0.0, 0.0), (1.0, 3.0, 1.0, 0.2), (2.0, 7.0, 0.0, 1.0), (3.0, 5.0, 0.0, 0.3)]
    (middle,) = typical([[replace(one, result=a, delta=b, dead=c, saturated=d)] for a, b, c, d in steps])
    assert (middle.result, middle.delta, middle.dead, middle.saturated) == (2.0, 5.0, 0.0, 0.2)
    assert typical([[replace(one, delta=None)]] * 3)[0].delta is None


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([1.0, 1.0, 1.0], ["still"]),
        ([1.0, 1.0], []),
        ([1.0, 0.995, 0.9901], ["still"]),
        ([1.0, 0.98, 0.995], []),
        ([-1.0, -0.995, -1.0], ["still"]),
        ([math.nan, math.nan, math.nan], []),
    ],
)
def test_a_loss_that_does_not_move(losses: list[float], wanted: list[str]) -> None:
    assert kinds(still(RELU[0], losses)) == wanted


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([1.0, 0.1, 1.2], ["risen"]),
        ([1.0, 9.0, 1.19], []),
        ([1.0, 2.0], []),
        ([-2.0, -1.0, -1.0], []),
        ([-1.0, 0.0, 1.0], []),
        ([0.0, 0.0, 1.0], []),
        ([1.0, 2.0, math.nan], []),
    ],
)
def test_a_loss_that_rises(losses: list[float], wanted: list[str]) -> None:
    assert kinds(risen(RELU[0], losses)) == wanted


# Remedies ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "changed", "remedy", "there"),
    [
        ("dense(8, init = ones) -> relu", "dead", "another initialiser: `dense(8, init = he_normal)`", True),
        ("dense(8, init = he_uniform) -> relu", "dead", "other first weights", False),
        ("dense(8) -> relu", "dead", "other first weights", False),
        ("dense(8) -> relu", "dead", "a smaller rate: `optimizer = sgd(lr = 0.01)`", True),
        ("dense(8, init = ones) -> tanh", "saturated", "another initialiser: `dense(8, init = glorot_uniform)`", True),
    ],
)
def test_what_may_be_written(body: str, changed: str, remedy: str, there: bool) -> None:
    (told,) = found(made(body), **{changed: [1.0, 0.0]})
    assert any(line.startswith(remedy) for line in told.help) == there


@pytest.mark.parametrize(("rate", "smaller"), [("100", "10"), ("1e9", "1e8"), ("0.05", "0.005"), ("2e-4", "2e-5")])
def test_a_rate_is_written_as_by_hand(rate: str, smaller: str) -> None:
    text = (
        f"model {{\n input x: [1]\n output p = x -> dense(1)\n}}\ntrain {{\n loss = p^2\n optimizer = sgd({rate})\n}}"
    )
    assert with_rate(gpubp.loads(text), 0.1) == f"optimizer = sgd(lr = {smaller})"
    gpubp.loads(text.replace(f"sgd({rate})", f"sgd(lr = {smaller})"))


@pytest.mark.parametrize(("keys", "there"), [("", True), ("  clip = clip_norm(2)\n", False)])
def test_what_is_clipped_is_not_to_be_clipped(keys: str, there: bool) -> None:
    case = made("repeat 3 { dense(8) -> relu }", keys=keys)
    for told in (
        found(case, delta=[1e9, 1.0, 1.0, 1.0]),
        grown(case[0], [case[1]], [replace(one, delta=1e9) for one in case[1]]),
    ):
        assert ("`clip = clip_norm(1.0)`" in told[0].help) == there


def test_a_gradient_that_vanishes_is_let_through() -> None:
    """By an activation in place of the first that is bounded; one that is sound is kept."""
    mixed, sound = (
        found(made(f"dense(8) -> elu -> dense(9) -> {kind} -> dense(8) -> elu"), delta=[1e-9, 1.0, 1.0, 1.0])[0]
        for kind in ("tanh", "elu")
    )
    assert mixed.help[0] == "`-> dense(9, init = he_normal) -> relu`"
    assert sound.help[0] == "`-> dense(8, init = he_normal) -> elu`"
