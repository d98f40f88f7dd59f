"""Makes translated.npz with PyTorch: `python -m tests.peers.make_translated`. The tests need no PyTorch.

The net of docs/from-pytorch.md in PyTorch, in float64: its first weights, some batches, the losses of a step on each,
and what the net then answers to the first batch. Beside it single modules with random weights, by the names of gpubp's
layers: their weights, inputs in gpubp's layout, and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tools.markdown import blocks

ROOT = Path(__file__).resolve().parents[2]
MADE_WITH = "2.13.0"
STEPS, ROWS = 5, 16
Run = Callable[[Any, torch.Tensor], torch.Tensor]


def channels_first(module: Any, x: torch.Tensor) -> torch.Tensor:
    return module(x.movedim(-1, 1)).movedim(1, -1)


def first(module: Any, x: torch.Tensor) -> torch.Tensor:
    return module(x)[0]


# The layer as a file has it, the shape of an example, PyTorch's module, and how it is called.
LAYERS: dict[str, tuple[str, tuple[int, ...], Callable[[], Any], Run]] = {
    "dense": ("dense(4)", (3,), lambda: nn.Linear(3, 4), lambda m, x: m(x)),
    "conv": ("conv(6, 3)", (5, 6, 4), lambda: nn.Conv2d(4, 6, 3), channels_first),
    "conv of steps": ("conv(6, 3)", (5, 4), lambda: nn.Conv1d(4, 6, 3), channels_first),
    "conv of groups": ("conv(6, 3, groups = 2)", (5, 6, 4), lambda: nn.Conv2d(4, 6, 3, groups=2), channels_first),
    "depthwise_conv": (
        "depthwise_conv(3, multiplier = 2)",
        (5, 6, 4),
        lambda: nn.Conv2d(4, 8, 3, groups=4),
        channels_first,
    ),
    "conv_transpose": (
        "conv_transpose(3, [3, 2], stride = 2)",
        (3, 4, 2),
        lambda: nn.ConvTranspose2d(2, 3, (3, 2), stride=2),
        channels_first,
    ),
    "batchnorm": ("batchnorm", (4, 3), lambda: nn.BatchNorm1d(3).eval(), channels_first),
    "layernorm": ("layernorm", (4, 3), lambda: nn.LayerNorm(3), lambda m, x: m(x)),
    "groupnorm": ("groupnorm(2)", (3, 4), lambda: nn.GroupNorm(2, 4), channels_first),
    "embedding": ("embedding(3)", (4,), lambda: nn.Embedding(5, 3), lambda m, x: m(x.long())),
    "rnn": ("rnn(3)", (4, 2), lambda: nn.RNN(2, 3, batch_first=True), first),
    "lstm": ("lstm(3)", (4, 2), lambda: nn.LSTM(2, 3, batch_first=True), first),
    "gru": ("gru(3)", (4, 2), lambda: nn.GRU(2, 3, batch_first=True), first),
    "attention": (
        "attention(heads = 2)",
        (5, 4),
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
        lambda m, x: m(x, x, x)[0],
    ),
    "dense without bias": ("dense(4, bias = false)", (3,), lambda: nn.Linear(3, 4, bias=False), lambda m, x: m(x)),
    "conv with a stride": (
        "conv(6, 3, pad = 1, stride = 2, bias = false)",
        (6, 6, 4),
        lambda: nn.Conv2d(4, 6, 3, padding=1, stride=2, bias=False),
        channels_first,
    ),
}


def modules(rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    for name, (layer, shape, make, run) in LAYERS.items():
        module = make().double()
        state = {key: value for key, value in module.state_dict().items() if value.is_floating_point()}
        for value in state.values():
            value.copy_(torch.tensor(rng.uniform(0.2, 1, tuple(value.shape))))
        x = rng.integers(0, 5, (2, *shape)).astype(float) if name == "embedding" else rng.normal(size=(2, *shape))
        yield f"layers/{name}/layer", np.array(layer)
        yield f"layers/{name}/x", x
        with torch.no_grad():
            yield f"layers/{name}/p", run(module, torch.tensor(x)).numpy()
        yield from ((f"layers/{name}/w/{key}", value.numpy()) for key, value in state.items())


def main() -> None:
    assert torch.__version__.startswith(MADE_WITH)
    torch.manual_seed(0)
    page: dict[str, Any] = {}
    (text,) = [b.text for b in blocks((ROOT / "docs/from-pytorch.md").read_text("utf-8")) if b.detail == "torch"]
    exec(text, page)
    net = page["net"]
    weights = {f"weights/{name}": value.numpy().copy() for name, value in net.state_dict().items()}
    net.double()
    rng = np.random.default_rng(0)
    images, digits = rng.random((STEPS, ROWS, 8, 8, 1), "float32"), rng.integers(0, 10, (STEPS, ROWS))
    theirs = torch.tensor(images.transpose(0, 1, 4, 2, 3), dtype=torch.float64)
    losses = [page["train_step"](*one) for one in zip(theirs, torch.tensor(digits), strict=True)]
    answers = torch.softmax(net.eval()(theirs[0]), 1).numpy(force=True)
    shown = {"images": images, "digits": digits, "losses": losses, "answers": answers}
    np.savez_compressed(Path(__file__).parent / "translated.npz", **weights, **shown, **dict(modules(rng)))


if __name__ == "__main__":
    main()
