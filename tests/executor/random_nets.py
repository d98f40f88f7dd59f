"""Random nets. Each has several chains of layers, each ended by what loses its shape in some way, so that what comes
back to the layers has strides of all kinds."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import gpubp
from tests.portable.running import some

SEEDS = (0, 11, 21)
"""The seeds that tests use. Seed 11 of `[]` has a row of one element, seed 21 of `[5, 4]` a mean over the states of a
loop: compiled kernels have been wrong on each."""
ANY = (
    *("batchnorm", "elu", "gelu", "hardswish", "leaky_relu(0.1)", "mish", "selu", "sigmoid", "silu", "softmax"),
    *("softplus", "tanh", "layernorm", "rmsnorm", "dropout(0.2)", "standardize", "dense(4)"),
)
KINDS = {
    "[6, 6, 4]": (
        *("conv(4, 3, pad = 1)", "conv(4, 3, stride = 2, pad = same)", "conv(4, 3, pad = same, groups = 2)"),
        *("conv(2, 2, dilation = 2)", "depthwise_conv(3, pad = 1)", "groupnorm(2)", "conv_transpose(4, 3)"),
        *("maxpool(2)", "avgpool(3, stride = 2, pad = same)", "pad(1, value = 0.5)", "upsample(2, mode = bilinear)"),
    ),
    "[5, 4]": (
        *(
            "gru(4)",
            "lstm(4)",
            "rnn(4)",
            "lstm(2, bidirectional = true)",
            "attention(2)",
            "attention(2, causal = true)",
        ),
        *("conv(4, 3, pad = same)", "conv_transpose(4, 2, stride = 2)", "avgpool(2)", "positional"),
    ),
    "[4]": ("dense(3)", "dense(4, bias = false)", "repeat 2 { dense(4) -> tanh }"),
    "[]": (
        *("minimum(0.4) -> reshape([1])", "sin -> reshape([1])", "abs", "max", "sum", "reshape([1]) -> dense(1)"),
        *("reshape([1, 1]) -> gru(1)", "reshape([1, 1]) -> conv(1, 3, pad = 1)", "max(axis = 0)", "mean(axis = -1)"),
    ),
}
ENDS = (
    *(
        "mean({})",
        "sum({}^2)",
        "max({})",
        "mean({}, axis = 0) -> flatten -> dense(1)",
        "flatten({}) -> dense(2) -> sum",
    ),
    *(
        "({} -> flatten -> dense(3) -> softmax -> max)",
        "mean(abs({}))",
        "sum(transpose({}) * 0.5)",
        "sqrt(1 + sum({}^2))",
    ),
    *("sum(slice({}, 0, 1))", "sum(concat({0}, {0}))", "mean(exp(minimum({}, 1)))", "max({0}) + sum(sin({0}))"),
)


def random_net(chance: Random, shape: str) -> gpubp.Net:
    """Six chains on one input; one that does not fit its shape is left out."""
    kept: list[str] = []
    while len(kept) < 6:
        layers = " -> ".join(chance.choice((*KINDS[shape], *ANY)) for _ in range(chance.choice((1, 1, 2, 3))))
        name = f"h{len(kept)}"
        chain = f"  {name} = x -> {layers}\n  e{name} = {chance.choice(ENDS).format(name)}\n"
        try:
            net = _net(shape, [*kept, chain])
        except gpubp.NetError:
            continue
        kept.append(chain)
    return net


def _net(shape: str, chains: list[str]) -> gpubp.Net:
    total = " + ".join(f"eh{i}" for i in range(len(chains)))
    model = f"model {{\n  input x: {shape}\n{''.join(chains)}  output p = {total}\n}}\n"
    return gpubp.loads(f"{model}train {{\n  loss = sum(p)^2\n  optimizer = sgd(1e-3)\n}}")


def compare(net: gpubp.Net, found: gpubp.Executor, wanted: gpubp.Executor, seed: int, rel: float) -> None:
    """The loss, to `rel`, the gradients and the losses of three updates on random rows are those that are wanted."""
    rows = {"x": some(net.graph.inputs[0], np.random.default_rng(seed), 3)}
    host = found.backend.to_host
    for executor in (found, wanted):
        executor.fit(rows)
    (loss, gradients), (true_loss, true_gradients) = found.gradients(rows), wanted.gradients(rows)
    assert loss == pytest.approx(true_loss, rel=rel)
    largest = max(np.abs(value).max() for value in true_gradients.values())  # terms may cancel
    for name, value in true_gradients.items():
        np.testing.assert_allclose(host(gradients[name]), value, rtol=1e-8, atol=1e-12 * largest, err_msg=name)
    np.testing.assert_allclose(host(found.train_steps(rows, 3, 3)), wanted.train_steps(rows, 3, 3), rtol=1e-8)
