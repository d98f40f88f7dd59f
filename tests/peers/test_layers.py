"""Dense layers, activations and losses beside PyTorch: the output and every gradient, with random parameters."""

from __future__ import annotations

import pytest

from .nets import case, close, executor, fixture

ACTIVATIONS, LOSSES = fixture("activations"), fixture("losses")
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
LAST = {"binary_cross_entropy(p, y)": "sigmoid"}


def names(file: dict[str, object]) -> list[str]:
    return list(dict.fromkeys(key.split("/")[0] for key in file if "/" in key))


@PRECISIONS
@pytest.mark.parametrize("name", names(ACTIVATIONS))
def test_activation(name: str, precision: str) -> None:
    c = case(ACTIVATIONS, name)
    ex = executor(
        f"""input x: [{c["x"].shape[1]}]
            target u: [{c["u"].shape[1]}]
            output p = x -> dense({c["u"].shape[1]}) -> {name}""",
        "sum(p * u)",
        precision,
    )
    ex.set_parameters({"p.dense.weight": c["w"], "p.dense.bias": c["b"]})
    close(ex.predict(c["x"]), c["p"], precision)
    loss, found = ex.gradients({"x": c["x"], "u": c["u"]})
    close(loss, c["loss"], precision)
    close(found["p.dense.weight"], c["dw"], precision)
    close(found["p.dense.bias"], c["db"], precision)
    assert found["p.dense.bias"].dtype == precision


@PRECISIONS
@pytest.mark.parametrize("name", names(ACTIVATIONS))
def test_activation_far_out_and_at_zero(name: str, precision: str) -> None:
    """Chosen values as biases, 0 among them: there the derivative is the peer's."""
    c = case(ACTIVATIONS, f"{name}/grid")
    size = len(c["z"])
    ex = executor(
        f"""input x: [1]
            target u: [{size}]
            output p = x -> dense({size}, init = zeros) -> {name}""",
        "sum(p * u)",
        precision,
    )
    ex.set_parameters({"p.dense.bias": c["z"]})
    close(ex.predict([[1.0]])[0], c["p"], precision)
    _, found = ex.gradients({"x": [[1.0]], "u": c["u"][None]})
    close(found["p.dense.bias"], c["dz"], precision)


def test_the_fixtures_cover_every_activation_and_loss_of_numbers() -> None:
    plain = {name.split("(")[0] for name in names(ACTIVATIONS)}
    assert plain == {
        *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softmax"),
    }
    plain = {name.split("(")[0] for name in names(LOSSES)} - {"positions"}
    assert plain == {"mse", "half_squared_error", "mae", "huber", "binary_cross_entropy", "cross_entropy"}


@PRECISIONS
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [n for n in names(LOSSES) if "(" in n])
def test_loss(name: str, weighted: bool, precision: str) -> None:
    """The mean over an example's outputs, then over the examples; a weight of an example multiplies its loss."""
    c = case(LOSSES, name)
    units = c["y"].shape[1]
    ex = executor(
        f"""input x: [{c["x"].shape[1]}]
            target y: [{units}]
            {"target a: [1]" if weighted else ""}
            output p = x -> dense({units}) -> {LAST.get(name, "tanh")}""",
        f"a * {name}" if weighted else name,
        precision,
    )
    ex.set_parameters({"p.dense.weight": c["w"], "p.dense.bias": c["b"]})
    batch = {"x": c["x"], "y": c["y"]} | ({"a": c["a"]} if weighted else {})
    suffix = "a" if weighted else ""
    loss, found = ex.gradients(batch)
    close(loss, c[f"loss{suffix}"], precision)
    close(ex.loss(batch), c[f"loss{suffix}"], precision)
    close(found["p.dense.weight"], c[f"dw{suffix}"], precision)
    close(found["p.dense.bias"], c[f"db{suffix}"], precision)


@PRECISIONS
@pytest.mark.parametrize(("name", "shape"), [("cross_entropy", ""), ("positions", "3, ")])
def test_cross_entropy(name: str, shape: str, precision: str) -> None:
    """Labels, one per example or one for each of three positions."""
    c = case(LOSSES, name)
    width, units = c["w"].shape
    ex = executor(
        f"""input x: [{shape}{width}]
            target y: class({units}){"[3]" if shape else ""}
            output p = x -> dense({units}) -> softmax""",
        "cross_entropy(p, y)",
        precision,
    )
    ex.set_parameters({"p.dense.weight": c["w"], "p.dense.bias": c["b"]})
    loss, found = ex.gradients({"x": c["x"], "y": c["y"]})
    close(loss, c["loss"], precision)
    close(ex.loss({"x": c["x"], "y": c["y"]}), c["loss"], precision)
    close(found["p.dense.weight"], c["dw"], precision)
    close(found["p.dense.bias"], c["db"], precision)
