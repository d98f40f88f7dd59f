"""The nets of the cases in PyTorch, with the weights of gpubp: the layouts of weights are turned once, here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..suite import Case


class Dense(nn.Module):
    """Layers of `x W + b` with an activation between them."""

    def __init__(self, weights: Sequence[Any], activation: str) -> None:
        super().__init__()
        tensors = [torch.tensor(w) for w in weights]
        self.weights = nn.ParameterList(w.T.contiguous() for w in tensors[::2])
        self.biases = nn.ParameterList(tensors[1::2])
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[activation]

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.weights) - 1
        for i in range(last + 1):
            x = functional.linear(x, self.weights[i], self.biases[i])
            x = self.activation(x) if i < last else x
        return x


class Restarts(nn.Module):
    """The same for many nets at once: each weight has an axis of restarts in front."""

    def __init__(self, weights: Sequence[Any], activation: str) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.tensor(w) for w in weights[::2])
        self.biases = nn.ParameterList(torch.tensor(b)[:, None] for b in weights[1::2])
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[activation]

    def forward(self, x: Tensor) -> Tensor:
        x, last = x.expand(len(self.weights[0]), *x.shape), len(self.weights) - 1
        for i in range(last + 1):
            x = torch.baddbmm(self.biases[i], x, self.weights[i])
            x = self.activation(x) if i < last else x
        return x


class Convolutions(nn.Module):
    """cnn.net. `last`: channels last in memory; the images come as [rows, 1, 28, 28]."""

    def __init__(self, weights: Sequence[Any], last: bool) -> None:
        super().__init__()
        tensors = [torch.tensor(w) for w in weights]
        form = torch.channels_last if last else torch.contiguous_format
        self.kernels = nn.ParameterList(w.permute(3, 2, 0, 1).contiguous(memory_format=form) for w in tensors[0:4:2])
        self.biases = nn.ParameterList(tensors[1:4:2])
        dense, self.last = tensors[4], last
        if not last:  # flattened by channel, row, column
            dense = dense.reshape(7, 7, 32, 10).permute(2, 0, 1, 3).reshape(1568, 10)
        self.dense, self.bias = nn.Parameter(dense.T.contiguous()), nn.Parameter(tensors[5])

    def forward(self, x: Tensor) -> Tensor:
        for kernel, bias in zip(self.kernels, self.biases):
            x = functional.max_pool2d(torch.relu(functional.conv2d(x, kernel, bias, padding=1)), 2)
        x = x.permute(0, 2, 3, 1) if self.last else x
        return functional.linear(x.reshape(len(x), -1), self.dense, self.bias)


class Recurrent(nn.Module):
    """lstm.net. PyTorch orders the gates i, f, g, o, gpubp i, f, o, g; PyTorch's second bias stays zero."""

    def __init__(self, weights: Sequence[Any]) -> None:
        super().__init__()
        wide, recurrent, bias, dense, end = (torch.tensor(w) for w in weights)
        units = len(recurrent)
        order = torch.cat([torch.arange(k * units, (k + 1) * units) for k in (0, 1, 3, 2)])
        self.lstm = nn.LSTM(wide.shape[0], units, batch_first=True)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(wide[:, order].T)
            self.lstm.weight_hh_l0.copy_(recurrent[:, order].T)
            self.lstm.bias_ih_l0.copy_(bias[order])
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)
        self.dense, self.bias = nn.Parameter(dense.T.contiguous()), nn.Parameter(end)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.lstm(x)[0][:, -1], self.dense, self.bias)


class Block(nn.Module):
    """A block of transformer.net from its 16 arrays; query, key and value are one product."""

    def __init__(self, weights: Sequence[Tensor], heads: int) -> None:
        super().__init__()
        gain, shift, wq, bq, wk, bk, wv, bv, wo, bo, gain2, shift2, w1, b1, w2, b2 = weights
        self.heads = heads
        self.norms = nn.ParameterList((gain, shift, gain2, shift2))
        self.joint, self.joint_bias = (
            nn.Parameter(torch.cat([wq, wk, wv], 1).T.contiguous()),
            nn.Parameter(torch.cat([bq, bk, bv])),
        )
        self.weights = nn.ParameterList(w.T.contiguous() for w in (wo, w1, w2))
        self.biases = nn.ParameterList((bo, b1, b2))

    def forward(self, x: Tensor) -> Tensor:
        gain, shift, gain2, shift2 = self.norms
        rows, steps, width = x.shape
        z = functional.linear(functional.layer_norm(x, (width,), gain, shift), self.joint, self.joint_bias)
        q, k, v = z.view(rows, steps, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        z = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(rows, steps, width)
        x = x + functional.linear(z, self.weights[0], self.biases[0])
        z = functional.gelu(
            functional.linear(functional.layer_norm(x, (width,), gain2, shift2), self.weights[1], self.biases[1])
        )
        return x + functional.linear(z, self.weights[2], self.biases[2])


class Transformer(nn.Module):
    def __init__(self, weights: Sequence[Any]) -> None:
        super().__init__()
        tensors = [torch.tensor(w) for w in weights]
        self.blocks = nn.Sequential(Block(tensors[:16], 4), Block(tensors[16:32], 4))
        self.norm = nn.ParameterList(tensors[32:34])
        self.dense, self.bias = nn.Parameter(tensors[34].T.contiguous()), nn.Parameter(tensors[35])

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(x)
        return functional.linear(functional.layer_norm(x, x.shape[-1:], *self.norm).mean(1), self.dense, self.bias)


def net_of(case: Case, weights: Sequence[Any], channels_last: bool) -> nn.Module:
    if case.family == "mlp":
        return (Restarts if case.kind == "restarts" else Dense)(weights, case.activation)
    if case.family == "cnn":
        return Convolutions(weights, channels_last)
    return Recurrent(weights) if case.family == "lstm" else Transformer(weights)


def loss_of(case: Case, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What is differentiated, and what is reported."""
    if case.kind == "restarts":
        each = functional.binary_cross_entropy_with_logits(logits, y.expand(logits.shape), reduction="none").mean(
            (1, 2)
        )
        return each.sum(), each
    one = (
        functional.binary_cross_entropy_with_logits(logits, y)
        if y.dtype.is_floating_point
        else functional.cross_entropy(logits, y)
    )
    return one, one


def images(case: Case, x: Any, channels_last: bool) -> Tensor:
    """The rows as PyTorch wants them."""
    x = torch.tensor(x)
    if case.family != "cnn":
        return x
    return x.permute(0, 3, 1, 2).contiguous(
        memory_format=torch.channels_last if channels_last else torch.contiguous_format
    )
