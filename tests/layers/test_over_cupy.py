"""The layers of the catalogue on the GPU's path, over the stand-in for CuPy: a step gives what it gives on NumPy."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import gpubp
from tests.stand_in.fake_cupy import cupy

CHAINS = (
    ("[9, 8, 3]", "conv(4, 3, pad = same) -> batchnorm -> relu -> maxpool(2) -> conv(4, 3, 2, pad = same) -> flatten"),
    ("[9, 8, 3]", "depthwise_conv(3, multiplier = 2) -> groupnorm(2) -> avgpool(3, 2, pad = same) -> global_avgpool"),
    ("[5, 4, 3]", "conv_transpose(4, 3, 2, pad = same) -> upsample(2) -> pad(1) -> conv(4, 1) -> global_maxpool"),
    ("[12, 4]", "conv(4, 3, dilation = 2) -> mish -> maxpool(3, 1) -> layernorm -> attention(2) -> flatten"),
    ("class(9)[6]", "embedding(4) -> positional -> attention(2, causal = true) -> rmsnorm -> swiglu -> flatten"),
    (
        "[6, 4]",
        "gaussian_noise(0.1) -> dropout(20%, channels = true) -> hardswish -> glu -> flatten -> reverse_gradient",
    ),
)


@pytest.mark.parametrize(("shape", "chain"), CHAINS)
def test_steps_are_alike(shape: str, chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    text = f"""
    model {{
      input  x: {shape}
      target y: class(3)
      output p = x -> {chain} -> dense(3) -> softmax
    }}
    train {{
      loss = cross_entropy(p, y)
      optimizer = adam(0.01)
      epochs = 1
    }}
    """
    net = gpubp.loads(text)
    rng = np.random.default_rng(0)
    (node,) = net.graph.inputs
    assert node.type is not None
    x = rng.integers(0, 9, (10, *node.type.shape)) if node.type.classes else rng.normal(size=(10, *node.type.shape))
    rows = {"x": x, "y": rng.integers(0, 3, 10)}
    gpu, cpu = (gpubp.Executor(net, device=device) for device in ("gpu", "cpu"))
    for _ in range(2):
        assert gpu.train_step(rows) == cpu.train_step(rows)
    np.testing.assert_array_equal(gpu.predict(x).get(), cpu.predict(x))
    for name, array in cpu.state_dict().items():
        np.testing.assert_array_equal(gpu.state_dict()[name], array)
