"""Makes derivatives.npz with PyTorch: `python -m tests.peers.make_derivatives`. The tests need no PyTorch.

Derivatives inside of a loss, by `torch.autograd.grad(..., create_graph=True)`, and the gradients of that loss.
Everything is float64; parameters, inputs and the upstream gradient of the results are random, in gpubp's layouts and by
its names. The loss is the mean over examples of sum(p * g). One sort of case takes derivatives up to the third of a
small net of two numbers, another the slope of a scalar behind some layer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
ROWS = 4
Arrays = dict[str, np.ndarray]
Leaves = dict[str, Any]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "sin": torch.sin,
    "exp": torch.exp,
    "erf": torch.erf,
}


def drawn(rng: np.random.Generator, *shape: int, scale: float = 0.6) -> Any:
    return torch.tensor(rng.normal(scale=scale, size=shape), requires_grad=True)


def slope(of: Any, by: Any) -> Any:
    """The derivative of each example's number."""
    return torch.autograd.grad(of.sum(), by, create_graph=True)[0]


def finished(rng: np.random.Generator, inputs: Arrays, p: Any, leaves: Leaves) -> Arrays:
    """The case with its results, upstream gradient, loss and gradients."""
    g = rng.normal(size=tuple(p.shape))
    loss = (p * torch.tensor(g)).flatten(1).sum(1).mean()
    found = torch.autograd.grad(loss, list(leaves.values()))
    out = {**inputs, "p": p.detach().numpy(), "g": g, "loss": loss.detach().numpy()}
    out |= {f"weight/{name}": leaf.detach().numpy() for name, leaf in leaves.items()}
    return out | {f"d/{name}": d.numpy() for name, d in zip(leaves, found, strict=True)}


def net_case(rng: np.random.Generator, act: Callable[[Any], Any]) -> Arrays:
    """u(x, t) of three dense layers, u_x, u_t, u_xx, u_xt, u_xxx."""
    x, t = (torch.tensor(rng.normal(size=(ROWS, 1)), requires_grad=True) for _ in "xt")
    sizes = {"dense": (2, 6), "dense_2": (6, 5), "dense_3": (5, 1)}
    leaves = {}
    for name, (n, m) in sizes.items():
        leaves[f"net.{name}.weight"], leaves[f"net.{name}.bias"] = drawn(rng, n, m), drawn(rng, m)
    u = torch.cat([x, t], 1)
    for name in sizes:
        u = u @ leaves[f"net.{name}.weight"] + leaves[f"net.{name}.bias"]
        u = u if name == "dense_3" else act(u)
    u_x, u_t = slope(u, x), slope(u, t)
    u_xx, u_xt = slope(u_x, x), slope(u_x, t)
    p = torch.cat([u, u_x, u_t, u_xx, u_xt, slope(u_xx, x)], 1)
    return finished(rng, {"x": x.detach().numpy(), "t": t.detach().numpy()}, p, leaves)


def layer_case(rng: np.random.Generator, shape: tuple[int, ...], layer: Callable[[Any, Leaves], Any]) -> Arrays:
    """The slope of sum(tanh(layer(x)) * c), c a weight, by x."""
    x = torch.tensor(rng.normal(size=(ROWS, *shape)), requires_grad=True)
    leaves: Leaves = {}
    y = torch.tanh(layer(x, leaves)).flatten(1)
    leaves["score.weight"] = drawn(rng, y.shape[1], 1)
    return finished(rng, {"x": x.detach().numpy()}, slope(y @ leaves["score.weight"], x), leaves)


def conv(x: Any, leaves: Leaves) -> Any:
    rng = np.random.default_rng(1)
    w, b = drawn(rng, 3, 3, 2, 3), drawn(rng, 3)
    leaves["y.conv.weight"], leaves["y.conv.bias"] = w, b
    z = functional.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, padding=1)
    return functional.avg_pool2d(z, 2).permute(0, 2, 3, 1)


def layernorm(x: Any, leaves: Leaves) -> Any:
    rng = np.random.default_rng(2)
    g, b = drawn(rng, 4), drawn(rng, 4)
    leaves["y.layernorm.gain"], leaves["y.layernorm.bias"] = g, b
    return functional.layer_norm(x, (4,), g, b)


def lstm(x: Any, leaves: Leaves) -> Any:
    """The parts in gpubp's order: input, forget, output, candidate."""
    rng, units = np.random.default_rng(5), 3
    w, r, b = drawn(rng, 2, 4 * units), drawn(rng, units, 4 * units), drawn(rng, 4 * units)
    leaves["y.lstm.weight"], leaves["y.lstm.recurrent_weight"], leaves["y.lstm.bias"] = w, r, b
    h = c = torch.zeros(ROWS, units, dtype=torch.float64)
    for k in range(x.shape[1]):
        i, f, o, g = (x[:, k] @ w + h @ r + b).split(units, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return h


def softmax(x: Any, leaves: Leaves) -> Any:
    return functional.softmax(x, -1)


def log_softmax(x: Any, leaves: Leaves) -> Any:
    return functional.log_softmax(x, -1)


LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any, Leaves], Any]]] = {
    "conv(3, 3, pad = same) -> avgpool(2)": ((4, 4, 2), conv),
    "layernorm": ((3, 4), layernorm),
    "lstm(3, sequence = false)": ((5, 2), lstm),
    "softmax": ((2, 4), softmax),
    "softmax -> log": ((2, 4), log_softmax),
}


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the file says which version it was made with"
    rng = np.random.default_rng(20251125)
    cases = {f"net/{name}": net_case(rng, act) for name, act in ACTIVATIONS.items()}
    cases |= {f"layer/{name}": layer_case(rng, shape, layer) for name, (shape, layer) in LAYERS.items()}
    arrays = {f"{name}|{key}": value for name, case in cases.items() for key, value in case.items()}
    np.savez_compressed(HERE / "derivatives.npz", torch=np.array(MADE_WITH), **arrays)


if __name__ == "__main__":
    main()
