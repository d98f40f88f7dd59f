"""Layers beside PyTorch: the output, and the gradient of every parameter and of the input, all of them random."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gpubp

from .nets import Array, close, executor, fixture

FILE = fixture("layers")
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
NAMES = [name for name in dict.fromkeys(key.split("|")[0] for key in FILE) if " on " in name]


def case(name: str) -> dict[str, Array]:
    return {key.removeprefix(f"{name}|"): a for key, a in FILE.items() if key.startswith(f"{name}|")}


def around(layer: str, x: Array, u: Array, precision: str) -> gpubp.Executor:
    """A net whose rows are rows of the identity and whose first weight is x, so that x is a parameter too."""
    return executor(
        f"""input row: [{len(x)}]
            target u: {list(u.shape[1:])}
            layer given = dense({x[0].size}, bias = false)
            output p = row -> given -> reshape({list(x.shape[1:])}) -> {layer}""",
        "sum(p * u)",
        precision,
    )


@PRECISIONS
@pytest.mark.parametrize("name", NAMES)
def test_layer(name: str, precision: str) -> None:
    c = case(name)
    layer = name.split(" on ")[0]
    ex = around(layer, c["x"], c["u"], precision)
    kind = re.split(r"\W", layer)[0]
    names = {key: f"p.{kind}.{key}" for key in c if f"d/{key}" in c} | {"x": "given.weight"}
    assert set(names.values()) == set(ex.parameters)
    ex.set_parameters({path: c[key].reshape(ex.parameters[path].shape) for key, path in names.items()})
    rows = np.eye(len(c["x"]))
    if kind != "batchnorm":  # which does something else in evaluation
        close(ex.predict(rows), c["p"], precision)
    loss, found = ex.gradients({"row": rows, "u": c["u"]})
    close(loss, c["loss"], precision)
    for key, path in names.items():
        close(found[path].reshape(c[f"d/{key}"].shape), c[f"d/{key}"], precision)


def test_every_layer_has_a_fixture() -> None:
    kinds = {re.split(r"\W", name)[0] for name in NAMES}
    assert kinds >= {
        *("conv", "depthwise_conv", "conv_transpose", "maxpool", "avgpool", "global_avgpool", "global_maxpool", "pad"),
        *("upsample", "batchnorm", "layernorm", "groupnorm", "rmsnorm", "attention", "positional", "mish"),
        *("hardswish", "glu", "swiglu"),
    }


@PRECISIONS
def test_running_statistics_of_batchnorm(precision: str) -> None:
    """They move in training steps as the peer's do, and evaluation uses them and leaves them alone."""
    c = case("statistics")
    ex = executor(
        "input x: [2, 4, 3]\ntarget y: [2, 4, 3]\noutput p = x -> batchnorm", "mse(p, y)", precision, "sgd(lr = 0)"
    )
    for x in c["x"][:2]:
        ex.train_step({"x": x, "y": x})
    close(ex.predict(c["x"][2]), c["p"], precision)
    ex.gradients({"x": c["x"][2], "y": c["x"][2]})
    state = ex.state_dict()
    close(state["p.batchnorm.mean"], c["mean"], precision)
    close(state["p.batchnorm.variance"], c["variance"], precision)


@PRECISIONS
def test_embedding(precision: str) -> None:
    c = case("embedding")
    ex = executor("input x: class(7)[5]\ntarget u: [5, 4]\noutput p = x -> embedding(4)", "sum(p * u)", precision)
    ex.set_parameters({"p.embedding.weight": c["weight"]})
    close(ex.predict(c["x"]), c["weight"][c["x"]], precision)
    _, found = ex.gradients({"x": c["x"], "u": c["u"]})
    close(found["p.embedding.weight"], c["d/weight"], precision)
