"""Each warning comes where it should, stays away from what merely looks like it, and no model of ours has any."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpubp
from dsl.diagnostics import Diagnostic
from dsl.render import to_text
from gpubp.frontend.suspicions.layers import ACTIVATIONS
from gpubp.frontend.suspicions.losses import ANY_NUMBER
from gpubp.layers import activations
from gpubp.registry import ENTRIES

MODELS = sorted((Path(__file__).resolve().parents[2] / "models").glob("*.net"))
EXAMPLES = Path(__file__).resolve().parents[1] / "dsl" / "examples"
HEAD = "  input x: [4]\n  target y: [1]\n  target z: [3]\n  target digit: class(3)\n"


def warnings(
    body: str, loss: str = "", *, optimizer: str = "adam", metrics: str = "", before: str = ""
) -> list[Diagnostic]:
    """The warnings about a model, but for those of the names (W02)."""
    text = f"{before}model {{\n{HEAD}{body}\n}}\n"
    if loss:
        text += f"train {{\n  loss = {loss}\n  optimizer = {optimizer}\n  metrics = [{metrics}]\n}}\n"
    return [w for w in gpubp.loads(text, name="a.net").warnings if not w.code.startswith("W02")]


def told(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(w.code, w.span.text if w.span is not None else "") for w in found]


SIGMOID = "output p = x -> dense(1) -> sigmoid"
SOFTMAX = "output p = x -> dense(3) -> softmax"
BCE, MSE, CE = "binary_cross_entropy(p, y)", "mse(p, y)", "cross_entropy(p, digit)"


@pytest.mark.parametrize(
    ("body", "loss", "expected"),
    [
        ("output p = x -> dense(1) -> softmax", "", ("W0301", "softmax")),
        ("output p = x -> dense(5) -> relu -> relu -> dense(1)", "", ("W0302", "relu")),
        ("output p = x -> dense(5) -> relu -> dropout(10%) -> relu -> dense(1)", "", ("W0302", "relu")),
        ("output p = x -> dense(5) -> sigmoid -> leaky_relu", "", ("W0302", "leaky_relu")),
        ("output p = x -> dense(5) -> tanh -> tanh", "", ("W0302", "tanh")),
        ("output p = x -> dense(5) -> relu -> sigmoid", "", ("W0302", "sigmoid")),
        ("output p = x -> dense(3) -> softmax -> softmax", "", ("W0302", "softmax")),
        ("output p = x -> dense(3) -> relu -> softmax", "", ("W0302", "softmax")),
        ("q = x -> dense(3) -> sigmoid\n  output p = softmax(q)", "", ("W0302", "softmax(q)")),
        ("output p = x -> dense(8) -> dense(3)", "", ("W0303", "dense(3)")),
        ("output p = x -> dense(4) -> dropout(20%) -> dense(9)", "", ("W0303", "dense(9)")),
        ("output p = x -> dropout(100%) -> dense(3)", "", ("W0304", "dropout(100%)")),
        ("output p = x -> dropout(0) -> dense(3)", "", ("W0304", "dropout(0)")),
        ("output p = x -> dense(3) -> dropout(20%)", "", ("W0305", "dropout(20%)")),
        ("output p = x -> dense(6) -> dropout(20%) -> reshape([2, 3])", "", ("W0305", "dropout(20%)")),
        ("output p = x -> dense(5, init = zeros) -> tanh -> dense(1)", "", ("W0306", "zeros")),
        ("output p = x -> dense(5, init = constant(0.5)) -> relu -> dense(1)", "", ("W0306", "constant(0.5)")),
        ("output p = x -> dense(5, init = ones) -> relu -> dense(1)", "", ("W0306", "ones")),
        ("output p = x -> dense(1)", BCE, ("W0501", BCE)),
        ("output p = x -> dense(1) -> relu", BCE, ("W0501", BCE)),
        ("output p = x -> dense(3)", CE, ("W0501", CE)),
        ("output p = x -> dense(3) -> relu", CE, ("W0501", CE)),
        (SIGMOID, MSE, ("W0502", MSE)),
        ("output p = x -> dense(1) -> sigmoid -> reshape([1])", f"2 * {MSE}", ("W0502", MSE)),
        (SOFTMAX, "binary_cross_entropy(p, z)", ("W0503", "binary_cross_entropy(p, z)")),
        ("output p = x -> dense(3) -> sigmoid", CE, ("W0503", CE)),
        ("output p = x -> dense(1)\n  output q = x -> dense(2)", MSE, ("W0505", "dense(2)")),
        (
            "output p = x -> dense(5) -> batchnorm -> tanh -> dense(1)\n  slope = derivative(p, x)",
            f"{MSE} + mean(slope^2)",
            ("W0507", "derivative(p, x)"),
        ),
        (
            "q = x -> dense(2)\n  output p = x -> dense(1)\n  output r = q > 0",
            f"{MSE} + mean(r)",
            ("W0505", "dense(2)"),
        ),
    ],
)
def test_it_is_told(body: str, loss: str, expected: tuple[str, str]) -> None:
    found = warnings(body, loss)
    assert told(found) == [expected]
    (one,) = found
    assert one.severity == "warning"
    assert one.help
    assert not one.message.endswith(".")


@pytest.mark.parametrize(
    ("body", "loss"),
    [
        ("output p = x -> dense(2) -> softmax", ""),
        ("output p = x -> dense(5) -> relu -> dense(2) -> relu", ""),
        ("output p = x -> dense(5) -> tanh -> relu", ""),
        ("a = x -> dense(5)\n  output p = a * tanh(softplus(a))", ""),
        ("a = x -> dense(5) -> relu\n  output p = softmax(10 - a)", ""),
        ("output p = x -> dense(2) -> dense(3)", ""),  # a bottleneck is something of its own
        ("h = x -> dense(8)\n  output p = h -> dense(3)\n  output q = h -> relu", ""),
        ("output h = x -> dense(8)\n  output p = h -> dense(3)", ""),
        ("layer f = dense(4)\n  output p = x -> f -> f", ""),
        ("output p = x -> dropout(50%) -> dense(3)", ""),
        ("output p = x -> dense(3) -> dropout(20%) -> relu -> dense(1)", ""),
        ("output p = x -> dense(3) -> dropout(20%) -> softmax", ""),
        ("output p = x -> dense(5, bias_init = zeros) -> relu -> dense(1)", ""),
        ("output p = x -> dense(1, init = zeros)", ""),
        ("s = weight([], init = zeros)\n  output p = s * (x -> dense(1)) + tanh(s)", ""),  # one number, no layer
        ("output p = x -> dense(5, init = zeros) -> softmax", ""),
        ("output p = x + (x -> dense(9) -> relu -> dense(4, init = zeros)) -> relu -> dense(1)", ""),
        ("output p = x -> dense(2, init = constant([[1, 2], [3, 4], [5, 6], [7, 8]])) -> relu -> dense(1)", ""),
        (SIGMOID, BCE),
        (SIGMOID, "half_squared_error(p, y)"),  # textbooks do it
        ("output p = x -> dense(1) -> tanh", MSE),
        ("output p = x -> dense(3) -> sigmoid", "binary_cross_entropy(p, z)"),
        (SOFTMAX, CE),
        ("output p = x -> dense(3) -> softmax -> reshape([3])", CE),
        ("output p = x -> dense(1)\n  output q = p -> dense(1)", MSE + " + 0 * mse(q, y)"),
        ("q = x -> dense(2)\n  output p = x -> dense(1)\n  output r = q -> tanh", f"{MSE} + mean(r)"),
        ("output p = x -> dense(5) -> tanh -> dense(1)", "sum(derivative(p, x)^2)"),  # the bias changes no slope
        (
            "h = x -> dense(5) -> batchnorm\n  output p = h -> tanh -> dense(1)\n  slope = derivative(p, h)",
            f"{MSE} + mean(slope^2)",
        ),
        ("output p = x -> dense(1)\n  q = x -> dense(2)", MSE),  # its name is told as unused, that is enough
    ],
)
def test_it_is_not_told(body: str, loss: str) -> None:
    assert told(warnings(body, loss)) == []


@pytest.mark.parametrize(
    ("body", "loss", "expected"),
    [
        ("output p = x -> dense(1)", MSE, True),
        ("output p = x -> dense(1) -> tanh", MSE, True),
        (SIGMOID, BCE, False),
        ("output p = 0.5 + 0.5 * (x -> dense(1) -> tanh)", MSE, False),
    ],
)
def test_accuracy_of_numbers(body: str, loss: str, expected: bool) -> None:
    found = told(warnings(body, loss, metrics="accuracy(p, y)"))
    assert found == [("W0504", "accuracy(p, y)")] * expected


@pytest.mark.parametrize(("rows", "expected"), [("[[0], [1]]", []), ("[[0], [2]]", ["W0504"])])
def test_accuracy_of_numbers_that_are_0_and_1(rows: str, expected: list[str]) -> None:
    text = f"""
data {{
  x = [[1], [2]]
  y = {rows}
}}
model {{
  input x: [1]
  target y: [1]
  output p = x -> dense(1)
}}
train {{
  loss = mse(p, y)
  optimizer = adam
  metrics = [accuracy(p, y)]
}}
"""
    assert [w.code for w in gpubp.loads(text).warnings] == expected


def test_a_param_may_be_no_dropout() -> None:
    assert warnings("output p = x -> dropout(drop) -> dense(3)", before="param drop = 0% in [0%, 50%]\n") == []


def test_a_place_that_is_expanded_often_is_told_once() -> None:
    found = warnings("output p = x -> repeat 3 { dense(8) -> relu -> relu }")
    assert told(found) == [("W0302", "relu")]


def test_weights_in_blocks_are_told_at_the_call() -> None:
    before = "block head(n) on v { return v -> dense(8) -> relu -> dense(n) }\n"
    found = warnings("output p = x -> head(1)\n  output q = x -> head(2)", MSE, before=before)
    assert told(found) == [("W0505", "head(2)")]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_our_models_are_above_suspicion(path: Path) -> None:
    assert gpubp.load(path).warnings == ()


@pytest.mark.parametrize("name", ["01_linear", "02_logistic", "03_xor_textbook", "04_mlp_two_files", "18_moe", "xor"])
def test_the_examples_are_above_suspicion(name: str) -> None:
    """The examples name data that is not there: sizes stand in for what it would say."""
    text = (EXAMPLES / f"{name}.net").read_text(encoding="utf-8")
    text = re.sub(r"^data \{.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    for size in re.findall(r"\?(\w+)", text):
        text = text.replace(f"?{size}", "3").replace(f"dense({size})", "dense(3)")
    assert gpubp.loads(text.replace("?", "6")).warnings == ()


# Whole texts ---------------------------------------------------------------------------------------------------------
def text_of(body: str, loss: str = "") -> str:
    (found,) = warnings(body, loss)
    return to_text(found)


def test_the_text_of_an_activation_twice() -> None:
    assert (
        text_of("output p = x -> dense(3) -> softmax -> softmax")
        == """\
warning[W0302]: `softmax` follows `softmax`
  --> a.net:6:40
   |
 6 | output p = x -> dense(3) -> softmax -> softmax
   |                             -------    ^^^^^^^ no probability can exceed 0.58
   |                             |
   |                             `softmax` is here already
help: keep one of the two, or put a layer with weights between them"""
    )


def test_the_text_of_equal_units() -> None:
    assert (
        text_of("output p = x -> dense(5, init = zeros) -> relu -> dense(1)")
        == """\
warning[W0306]: all 5 hidden units start alike
  --> a.net:6:33
   |
 6 | output p = x -> dense(5, init = zeros) -> relu -> dense(1)
   |                                 ^^^^^ every weight starts at 0
help: leave `init` out: its default makes the units differ
note: `relu` has no slope at 0: these units never change"""
    )


def test_the_text_of_a_logarithm() -> None:
    assert (
        text_of("output p = x -> dense(1) -> relu", BCE)
        == """\
warning[W0501]: `binary_cross_entropy` takes the logarithm of a value that is not the result of sigmoid or softmax
  --> a.net:9:10
   |
 6 | output p = x -> dense(1) -> relu
   |                             ---- gives numbers from 0 up
...
 9 |   loss = binary_cross_entropy(p, y)
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^ needs probabilities
help: end the output with `sigmoid`: then the logarithm is computed without overflow
note: 0 counts as the smallest normal number there; a negative value gives NaN"""
    )


def test_the_text_of_weights_that_nothing_trains() -> None:
    body = "q = x -> dense(2)\n  output p = x -> dense(1)\n  output r = q > 0"
    assert (
        text_of(body, f"{MSE} + mean(r)")
        == """\
warning[W0505]: nothing trains the weights of `q`
  --> a.net:6:10
   |
 6 | q = x -> dense(2)
   |          ^^^^^^^^ no derivative leads here from the loss
 7 |   output p = x -> dense(1)
 8 |   output r = q > 0
   |              ----- a comparison has no derivative
help: let it reach the loss another way"""
    )


def test_every_activation_is_known() -> None:
    """A new one is looked at as the others are; those without a place here give probabilities."""
    there = {e.name for e in ENTRIES.values() if e.part == "function" and e.function.__module__ == activations.__name__}
    assert there == ACTIVATIONS
    assert there - ANY_NUMBER.keys() == {"sigmoid", "softmax"}
