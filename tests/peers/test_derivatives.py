"""Derivatives inside of a loss beside PyTorch: their values, and the gradients of the loss through them."""

from __future__ import annotations

import pytest

import gpubp

from .nets import Array, case, close, executor, fixture

FILE = {key.replace("|", "/"): array for key, array in fixture("derivatives").items()}
NETS = ["tanh", "sigmoid", "softplus", "gelu", "silu", "mish", "sin", "exp", "erf"]
LAYERS = [
    "conv(3, 3, pad = same) -> avgpool(2)",
    "layernorm",
    "lstm(3, sequence = false)",
    "softmax",
    "softmax -> log",
]
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def compare(ex: gpubp.Executor, c: dict[str, Array], inputs: dict[str, Array], precision: str) -> None:
    names = {key.removeprefix("weight/") for key in c if key.startswith("weight/")}
    assert names == set(ex.parameters)
    ex.set_parameters({name: c[f"weight/{name}"] for name in names})
    close(ex.predict(inputs)["p"], c["p"], precision)
    loss, found = ex.gradients({**inputs, "g": c["g"]})
    close(loss, c["loss"], precision)
    for name in names:
        close(found[name], c[f"d/{name}"], precision)


@PRECISIONS
@pytest.mark.parametrize("name", NETS)
def test_up_to_the_third_derivative(name: str, precision: str) -> None:
    c = case(FILE, f"net/{name}")
    ex = executor(
        f"""input x: [1]
            input t: [1]
            target g: [6]
            layer net = dense(6) -> {name} -> dense(5) -> {name} -> dense(1)
            u    = concat(x, t) -> net
            u_x  = derivative(u, x)
            u_xx = derivative(u_x, x)
            output p = concat(u, u_x, derivative(u, t), u_xx, derivative(u_x, t), derivative(u_xx, x))""",
        "sum(p * g)",
        precision,
    )
    compare(ex, c, {"x": c["x"], "t": c["t"]}, precision)


@PRECISIONS
@pytest.mark.parametrize("name", LAYERS)
def test_the_slope_behind_a_layer(name: str, precision: str) -> None:
    c = case(FILE, f"layer/{name}")
    ex = executor(
        f"""input x: {list(c["x"].shape[1:])}
            target g: {list(c["g"].shape[1:])}
            layer score = dense(1, bias = false)
            y = x -> {name} -> tanh -> flatten
            output p = derivative(y -> score, x)""",
        "sum(p * g)",
        precision,
    )
    compare(ex, c, {"x": c["x"]}, precision)


def test_every_case_is_compared() -> None:
    assert {f"net/{name}" for name in NETS} | {f"layer/{name}" for name in LAYERS} == {
        key.rpartition("|")[0] for key in fixture("derivatives") if "|" in key
    }
