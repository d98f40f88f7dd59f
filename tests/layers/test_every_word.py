"""What holds for every word: on plain numbers, on values of odd kinds, and for the parameters that it makes."""

from __future__ import annotations

from inspect import Parameter

import numpy as np
import pytest

import gpubp
import gpubp.layers
from gpubp.layers.initializers import fans
from gpubp.registry import ENTRIES, Entry

WORDS = [entry for (part, _), entry in ENTRIES.items() if part in ("function", "loss", "metric")]
STATIC = [entry for entry in WORDS if entry.static is not None]


@pytest.mark.parametrize("entry", STATIC, ids=lambda entry: entry.name)
def test_a_function_of_numbers_is_that_of_values(entry: Entry) -> None:
    """Those of a `let`, also where exp overflows."""
    assert entry.static is not None
    least = 0.01 if entry.name in ("log", "sqrt") else -700.0
    numbers = [x for x in (-700.0, -3.0, -0.5, 0.0, 0.01, 0.75, 3.0, 700.0) if x >= least]
    inputs = [f"x{i}" for i in range(len(entry.inputs))]
    declared = "\n".join(f"  input {name}: []" for name in inputs)
    ex = gpubp.Executor(
        gpubp.loads(f"model {{\n{declared}\n  output p = {entry.name}({', '.join(inputs)})\n}}"), "cpu", "float64"
    )
    pairs = [(x, y)[: len(inputs)] for x in numbers for y in (numbers if len(inputs) > 1 else (0.0,))]
    found = ex.predict(dict(zip(inputs, np.array(pairs).T, strict=True)))["p"]
    np.testing.assert_allclose(found, [entry.static(*pair) for pair in pairs], rtol=1e-14, atol=1e-16)


INPUTS = {"value": "  input value: [4]\n", "single": "  input single: []\n", "label": "  input label: class(3)\n"}


@pytest.mark.parametrize("odd", ["2", "single", "label"])
def test_no_word_fails_inside_its_function(odd: str) -> None:
    """Where it cannot take a plain number, a value without axes or a label, it says so in its own words."""
    failed = []
    for entry in WORDS:
        options = [f"{name} = 2" for name, _, default in entry.options if default is Parameter.empty]
        for at in range(len(entry.inputs) or 2):
            values = ["value"] * (len(entry.inputs) or 2)
            values[at] = odd
            call = f"{entry.name}({', '.join([*values, *options])})"
            inputs = "".join(INPUTS[name] for name in sorted({"value", *values} & INPUTS.keys()))
            output = call if entry.part == "function" else "value -> dense(4)"
            loss = call if entry.part == "loss" else "sum(value)"
            metric = f"  metrics = [{call}]\n" if entry.part == "metric" else ""
            try:
                gpubp.loads(
                    f"model {{\n{inputs}  output p = {output}\n}}\n"
                    f"train {{\n  loss = {loss}\n  optimizer = sgd(0.1)\n{metric}}}\n"
                )
            except gpubp.NetError as error:
                codes = {d.code for d in error.diagnostics}
                failed += [call] if codes & {"E0307", "E0221"} else []
    assert failed == []


LAYERS = {
    "attention": "x -> reshape([4, 4]) -> attention(2{})",
    "conv": "x -> reshape([4, 4]) -> conv(3, 2{})",
    "depthwise_conv": "x -> reshape([4, 4]) -> depthwise_conv(2{})",
    "conv_transpose": "x -> reshape([4, 4]) -> conv_transpose(3, 2{})",
    "dense": "x -> dense(3{})",
    "weight": "x * weight([16])",
    "embedding": "label -> embedding(4)",
    "positional": "x -> reshape([4, 4]) -> positional",
    "batchnorm": "x -> batchnorm",
    "layernorm": "x -> layernorm",
    "groupnorm": "x -> groupnorm(2)",
    "rmsnorm": "x -> rmsnorm",
    "rnn": "x -> reshape([4, 4]) -> rnn(3{})",
    "lstm": "x -> reshape([4, 4]) -> lstm(3{})",
    "gru": "x -> reshape([4, 4]) -> gru(3{})",
}


@pytest.mark.parametrize("name", LAYERS)
def test_weights_decay_and_biases_can_be_left_out(name: str) -> None:
    def made(options: str) -> dict[str, bool]:
        layer = LAYERS[name].format(options)
        kind = "label: class(3)" if layer.startswith("label") else "x: [16]"
        net = gpubp.loads(f"model {{\n  input {kind}\n  output p = {layer}\n}}")
        return {p.name.split(".")[-1]: p.decays for group in net.layout.groups for p in group.parameters}

    found = made("")
    assert {kept for kept, decays in found.items() if not decays} == {
        kept for kept in found if kept.endswith(("bias", "gain"))
    }
    if "bias" in [option for option, *_ in ENTRIES["function", name].options]:
        assert made(", bias = false").keys() == {kept for kept in found if not kept.endswith("bias")} < found.keys()


def test_every_layer_with_weights_is_listed() -> None:
    assert {entry.name for entry in WORDS if entry.makes_weights} == LAYERS.keys()


def test_the_fans_of_a_weight() -> None:
    assert fans((5,)) == (5, 5)
    assert fans((4, 7)) == (4, 7)
    assert fans((2, 3, 4, 7)) == (24, 42)


def test_an_orthogonal_kernel() -> None:
    """Over all places of the window, and all channels."""
    w = ENTRIES["initializer", "orthogonal"].function(np.random.default_rng(0), (2, 3, 2, 5)).reshape(12, 5)
    np.testing.assert_allclose(w.T @ w, np.eye(5), atol=1e-14)
