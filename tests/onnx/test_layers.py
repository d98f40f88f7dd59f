"""Random nets give in onnxruntime, for any number of rows, what `predict` gives."""

from __future__ import annotations

from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gpubp
from gpubp import ops
from gpubp.ir import Decomposition
from tests.portable.running import filled, some

from .running import as_fed, by_runtime, checked, float32_rounding, model_of, near, needs_onnx, needs_runtime

pytestmark = [needs_onnx, needs_runtime]

ANY = (
    *("batchnorm", "elu", "gelu", "hardswish", "leaky_relu(0.1)", "mish", "relu", "selu", "sigmoid", "silu", "softmax"),
    *("softplus", "tanh", "layernorm", "rmsnorm", "dropout(0.2)", "gaussian_noise(0.1)", "standardize", "dense(4)"),
)
IMAGES = (
    *("conv(4, 3, pad = 1)", "conv(4, 3, stride = 2, pad = same)", "conv(4, 3, pad = same, groups = 2)"),
    *("conv(2, 1, stride = 2)", "conv(2, 2, dilation = 2)", "depthwise_conv(3, pad = 1)", "groupnorm(2)"),
    *("conv_transpose(4, 3)", "conv_transpose(2, 2, stride = 3)", "conv_transpose(4, 3, stride = 2, pad = same)"),
    *("maxpool(2)", "maxpool(3, stride = 2, pad = same)", "avgpool(2)", "avgpool(3, stride = 2, pad = same)"),
    *("pad(1, value = 0.5)", "upsample(2)", "upsample(2, mode = bilinear)", "random_flip", "random_shift(1)"),
)
SEQUENCES = (
    *("gru(4)", "lstm(4)", "rnn(4)", "lstm(2, bidirectional = true)", "attention(2)", "attention(2, causal = true)"),
    *("conv(4, 3, pad = same)", "conv_transpose(4, 2, stride = 2)", "maxpool(2)", "avgpool(2)", "positional"),
    "gru(2, bidirectional = true, mask = mean(x, axis = 1) > 0)",
)
FORMULAS = (
    *("max(x)", "sum(x^2)", "mean(abs(x))", "exp(minimum(x, 2)) - 1", "where(x > 0, x, 0.1 * x)", "sin(x) * cos(x)"),
    *("sqrt(maximum(x, 0))", "uniform([3]) + sum(x)", "derivative(sum(x^3), x)", "max(x, axis = 0)"),
    *("concat(flatten(x), normal([2]))", "matmul(word -> embedding(3), weight([3, 2]))", "log(1 + x^2)"),
)
KINDS = {"[8, 8, 4]": IMAGES, "[8, 4]": SEQUENCES, "[4]": ("dense(3)", "dense(4, bias = false)")}


@settings(max_examples=12)
@given(data=st.data(), shape=st.sampled_from([*KINDS]))
def test_random_nets(data: st.DataObject, shape: str) -> None:
    layers = data.draw(st.lists(st.sampled_from([*KINDS[shape], *ANY]), min_size=1, max_size=4))
    formula = data.draw(st.sampled_from(FORMULAS))
    text = f"""model {{
  input  x: {shape}
  input  word: class(5)[2]
  output y = x -> {" -> ".join(layers)}
  output z = {formula}
  output w = word -> embedding(2)
}}
"""
    try:
        net = gpubp.loads(text)
    except gpubp.NetError:
        return  # an image has become too small for the next window
    executor = filled(net, "numpy", seed=data.draw(st.integers(0, 9)))
    model = model_of(executor)
    checked(model)
    rng = np.random.default_rng(0)
    for count in (1, 3):
        rows = {n.name: some(n, rng, count) for n in net.graph.inputs}
        found, wanted = by_runtime(model, as_fed(executor, rows)), executor.predict(rows)
        near(found, wanted, 1e-5, partial(float32_rounding, executor, rows))


def test_what_a_normalization_magnifies() -> None:
    """Two sigmoids bring the channels so near to each other that layernorm divides by little more than the root of its
    eps: what each of them is rounded by comes out 300 times as large, in gpubp's own float32 as in a runtime's. A
    wrong sigmoid comes out, too."""
    net = gpubp.loads("model { input x: [8, 8, 4]\n output y = x -> sigmoid -> sigmoid -> layernorm -> tanh }")
    executor = filled(net, "numpy")
    rows = {"x": some(net.graph.inputs[0], np.random.default_rng(0), 1)}
    fed, wanted = as_fed(executor, rows), executor.predict(rows)
    rounding = partial(float32_rounding, executor, rows)
    found = by_runtime(model_of(executor), fed)
    with pytest.raises(AssertionError):
        near(found, wanted, 1e-5)
    near(found, wanted, 1e-5, rounding)
    right = ops.sigmoid.onnx
    object.__setattr__(ops.sigmoid, "onnx", Decomposition(lambda x: 1.0 / (1.0 + ops.exp(-1.0001 * x))))
    try:
        wrong = by_runtime(model_of(executor), fed)
    finally:
        object.__setattr__(ops.sigmoid, "onnx", right)
    with pytest.raises(AssertionError):
        near(wrong, wanted, 1e-5, rounding)
