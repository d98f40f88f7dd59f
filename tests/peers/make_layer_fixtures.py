"""Makes layers.npz with PyTorch: `python tests/peers/make_layer_fixtures.py`. The tests need no PyTorch.

As in make_fixtures.py everything is float64, and parameters, inputs and the upstream gradient u are random; the loss is
the mean over examples of sum(output * u). Layouts are gpubp's: channels last, weights [kernel..., in, out].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
ROWS = 3
Shape = tuple[int, ...]
Tensors = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A layer as the language writes it, the shape of its input, of its parameters, and what PyTorch does."""

    layer: str
    shape: Shape
    f: Callable[[Any, Tensors], Any]
    weights: dict[str, Shape] = field(default_factory=dict)
    whole: bool = False  # whole numbers as inputs, among which many are equal


def first(x: Any) -> Any:
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(y: Any) -> Any:
    return y.movedim(1, -1)


def kernel(w: Any) -> Any:
    """[kernel..., in, out] to [out, in, kernel...]."""
    return w.movedim((-1, -2), (0, 1))


def conv(x: Any, p: Tensors, pads: tuple[int, ...] = (), **options: Any) -> Any:
    """`pads`: left, right, top, bottom."""
    f = functional.conv2d if x.ndim == 4 else functional.conv1d
    return last(f(functional.pad(first(x), pads), kernel(p["weight"]), p.get("bias"), **options))


def transposed(x: Any, p: Tensors, keep: slice = slice(None), **options: Any) -> Any:
    f = functional.conv_transpose2d if x.ndim == 4 else functional.conv_transpose1d
    y = f(first(x), p["weight"].movedim((-2, -1), (0, 1)), p["bias"], **options)
    return last(y)[:, keep, keep] if x.ndim == 4 else last(y)[:, keep]


def pooled(f: Callable[..., Any], x: Any, *args: Any, pads: tuple[int, ...] = (), **options: Any) -> Any:
    return last(f(functional.pad(first(x), pads, value=-torch.inf), *args, **options))


def batchnorm(x: Any, p: Tensors) -> Any:
    return last(functional.batch_norm(first(x), None, None, p.get("gain"), p.get("bias"), training=True))


def attention(x: Any, p: Tensors, heads: int, **options: Any) -> Any:
    size = x.shape[-1]
    names = ("query", "key", "value")
    bias = torch.cat([p[f"{n}.bias"] for n in names]) if "query.bias" in p else None
    y, _ = functional.multi_head_attention_forward(
        *(x.transpose(0, 1),) * 3, size, heads, torch.cat([p[f"{n}.weight"].T for n in names]), bias, None, None,
        False, 0.0, p["output.weight"].T, p.get("output.bias"), need_weights=False, **options,
    )  # fmt: skip
    return y.transpose(0, 1)


def square(size: int, *, bias: bool = True) -> dict[str, Shape]:
    names = ("query", "key", "value", "output")
    weights: dict[str, Shape] = {f"{n}.weight": (size, size) for n in names}
    return weights | ({f"{n}.bias": (size,) for n in names} if bias else {})


def both(shape: Shape, out: int) -> dict[str, Shape]:
    return {"weight": shape, "bias": (out,)}


def gains(size: int) -> dict[str, Shape]:
    return {"gain": (size,), "bias": (size,)}


UP = {"scale_factor": 2, "mode": "nearest"}


def between(x: Any, *factors: int) -> Any:
    """Bilinear over images, linear over sequences."""
    mode = "bilinear" if x.ndim == 4 else "linear"
    return last(functional.interpolate(first(x), scale_factor=factors, mode=mode, align_corners=False))


AHEAD = torch.ones(5, 5, dtype=torch.bool).triu(1)
CASES = (
    Case("conv(3, 3)", (5, 6, 2), conv, both((3, 3, 2, 3), 3)),
    Case("conv(3, 3, bias = false)", (5, 6, 2), conv, {"weight": (3, 3, 2, 3)}),
    Case("conv(3, 1)", (3, 4, 2), conv, both((1, 1, 2, 3), 3)),
    Case("conv(3, 3, pad = same)", (5, 4, 2), lambda x, p: conv(x, p, (1, 1, 1, 1)), both((3, 3, 2, 3), 3)),
    Case("conv(2, 2, pad = same)", (4, 3, 2), lambda x, p: conv(x, p, (0, 1, 0, 1)), both((2, 2, 2, 2), 2)),
    Case(
        "conv(3, 3, stride = 2, pad = same)",
        (6, 5, 2),
        lambda x, p: conv(x, p, (1, 1, 0, 1), stride=2),
        both((3, 3, 2, 3), 3),
    ),
    Case(
        "conv(3, [3, 2], [2, 1], pad = [1, 0])",
        (6, 5, 2),
        lambda x, p: conv(x, p, stride=(2, 1), padding=(1, 0)),
        both((3, 2, 2, 3), 3),
    ),
    Case(
        "conv(2, 3, dilation = 2, pad = 2)",
        (6, 5, 2),
        lambda x, p: conv(x, p, dilation=2, padding=2),
        both((3, 3, 2, 2), 2),
    ),
    Case(
        "conv(6, 3, groups = 2, stride = 3)",
        (7, 6, 4),
        lambda x, p: conv(x, p, groups=2, stride=3),
        both((3, 3, 2, 6), 6),
    ),
    Case("conv(2, 3, stride = 4)", (5, 4, 1), lambda x, p: conv(x, p, stride=4), both((3, 3, 1, 2), 2)),
    Case("conv(4, 3)", (8, 2), conv, both((3, 2, 4), 4)),
    Case(
        "conv(4, 3, 2, dilation = 2, pad = same)",
        (9, 2),
        lambda x, p: conv(x, p, (2, 2), stride=2, dilation=2),
        both((3, 2, 4), 4),
    ),
    Case("depthwise_conv(3)", (5, 4, 3), lambda x, p: conv(x, p, groups=3), both((3, 3, 1, 3), 3)),
    Case(
        "depthwise_conv(3, multiplier = 2, pad = same)",
        (4, 5, 3),
        lambda x, p: conv(x, p, (1, 1, 1, 1), groups=3),
        both((3, 3, 1, 6), 6),
    ),
    Case("depthwise_conv(3)", (7, 2), lambda x, p: conv(x, p, groups=2), both((3, 1, 2), 2)),
    Case("conv_transpose(2, 3)", (3, 4, 3), transposed, both((3, 3, 3, 2), 2)),
    Case(
        "conv_transpose(2, 3, stride = 2, pad = 1)",
        (3, 4, 3),
        lambda x, p: transposed(x, p, stride=2, padding=1),
        both((3, 3, 3, 2), 2),
    ),
    Case(
        "conv_transpose(2, 3, stride = 2, pad = same)",
        (3, 4, 3),
        lambda x, p: transposed(x, p, slice(0, -1), stride=2),
        both((3, 3, 3, 2), 2),
    ),
    Case(
        "conv_transpose(2, 4, 3, dilation = 2)",
        (4, 3),
        lambda x, p: transposed(x, p, stride=3, dilation=2),
        both((4, 3, 2), 2),
    ),
    Case("maxpool(2)", (5, 6, 2), lambda x, p: pooled(functional.max_pool2d, x, 2)),
    Case("maxpool(3, stride = 2)", (5, 6, 2), lambda x, p: pooled(functional.max_pool2d, x, 3, 2), whole=True),
    Case(
        "maxpool(3, stride = 2, pad = same)",
        (5, 6, 2),
        lambda x, p: pooled(functional.max_pool2d, x, 3, 2, pads=(0, 1, 1, 1)),
        whole=True,
    ),
    Case("maxpool(2)", (7, 3), lambda x, p: pooled(functional.max_pool1d, x, 2)),
    Case("avgpool(2)", (5, 6, 2), lambda x, p: pooled(functional.avg_pool2d, x, 2)),
    Case(
        "avgpool(3, stride = 2, pad = 1)",
        (5, 6, 2),
        lambda x, p: pooled(functional.avg_pool2d, x, 3, 2, padding=1, count_include_pad=False),
    ),
    Case("avgpool(3, stride = 1)", (7, 3), lambda x, p: pooled(functional.avg_pool1d, x, 3, 1)),
    Case("global_avgpool", (3, 4, 2), lambda x, p: x.mean((1, 2))),
    Case("global_maxpool", (3, 4, 2), lambda x, p: x.amax((1, 2)), whole=True),
    Case("upsample(2)", (2, 3, 2), lambda x, p: last(functional.interpolate(first(x), **UP))),
    Case("upsample(2)", (3, 2), lambda x, p: last(functional.interpolate(first(x), **UP))),
    Case("pad(1)", (2, 3, 2), lambda x, p: functional.pad(x, (0, 0, 1, 1, 1, 1))),
    Case("pad([0, 2], value = -1.5)", (2, 3, 2), lambda x, p: functional.pad(x, (0, 0, 2, 2, 0, 0), value=-1.5)),
    Case("batchnorm", (2, 3, 4), batchnorm, gains(4)),
    Case("batchnorm", (4,), batchnorm, gains(4)),
    Case("batchnorm(affine = false)", (3, 2), batchnorm),
    Case("layernorm", (2, 5), lambda x, p: functional.layer_norm(x, (5,), p["gain"], p["bias"]), gains(5)),
    Case("layernorm(eps = 0.1, affine = false)", (5,), lambda x, p: functional.layer_norm(x, (5,), eps=0.1)),
    Case(
        "groupnorm(2)", (2, 3, 4), lambda x, p: last(functional.group_norm(first(x), 2, p["gain"], p["bias"])), gains(4)
    ),
    Case("rmsnorm", (2, 5), lambda x, p: functional.rms_norm(x, (5,), p["gain"], 1e-6), {"gain": (5,)}),
    Case("attention(heads = 2)", (5, 4), lambda x, p: attention(x, p, 2), square(4)),
    Case(
        "attention(2, causal = true, bias = false)",
        (5, 4),
        lambda x, p: attention(x, p, 2, attn_mask=AHEAD),
        square(4, bias=False),
    ),
    Case("positional(kind = learned)", (3, 4), lambda x, p: x + p["weight"], {"weight": (3, 4)}),
    Case("mish", (9,), lambda x, p: functional.mish(x)),
    Case("hardswish", (9,), lambda x, p: functional.hardswish(x)),
    Case("glu", (2, 6), lambda x, p: functional.glu(x)),
    Case("swiglu", (2, 6), lambda x, p: functional.silu(x[..., :3]) * x[..., 3:]),
    Case("upsample(2, mode = bilinear)", (2, 3, 2), lambda x, p: between(x, 2, 2)),
    Case("upsample([3, 4], mode = bilinear)", (4, 5, 1), lambda x, p: between(x, 3, 4)),
    Case("upsample([1, 2], mode = bilinear)", (3, 1, 2), lambda x, p: between(x, 1, 2)),
    Case("upsample(5, mode = bilinear)", (3, 2), lambda x, p: between(x, 5)),
)


def made(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """x, u, p and the parameters; the loss and the gradients `d/x`, `d/<parameter>`."""
    numbers = rng.integers(-1, 2, (ROWS, *case.shape)) if case.whole else rng.normal(size=(ROWS, *case.shape))
    x = torch.tensor(numbers.astype(float), requires_grad=True)
    weights = {name: torch.tensor(rng.normal(size=s), requires_grad=True) for name, s in case.weights.items()}
    p = case.f(x, weights)
    u = rng.normal(size=tuple(p.shape))
    loss = (p * torch.tensor(u)).sum() / ROWS
    loss.backward()
    leaves = {"x": x} | weights
    out = {name: t.detach().numpy() for name, t in leaves.items()}
    out |= {f"d/{name}": t.grad.numpy() for name, t in leaves.items()}
    return out | {"u": u, "p": p.detach().numpy(), "loss": loss.detach().numpy()}


def statistics(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Running mean and variance after two batches, and what evaluation makes of a third."""
    layer = torch.nn.BatchNorm2d(3, momentum=0.1, dtype=torch.float64)
    x = rng.normal(2.0, 3.0, (3, ROWS, 2, 4, 3))
    for batch in x[:2]:
        layer(first(torch.tensor(batch)))
    mean, variance = layer.running_mean.numpy(), layer.running_var.numpy()
    layer.eval()
    return {"x": x, "mean": mean, "variance": variance, "p": last(layer(first(torch.tensor(x[2])))).detach().numpy()}


def table(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """An embedding of 7 classes, in which some do not come and some come often."""
    labels = torch.tensor(rng.choice([0, 2, 2, 2, 3, 6], (ROWS, 5)))
    weight = torch.tensor(rng.normal(size=(7, 4)), requires_grad=True)
    p = functional.embedding(labels, weight)
    u = rng.normal(size=tuple(p.shape))
    (p * torch.tensor(u)).sum().div(ROWS).backward()
    return {"x": labels.numpy(), "weight": weight.detach().numpy(), "u": u, "d/weight": weight.grad.numpy()}


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the file says which version it was made with"
    rng = np.random.default_rng(20240602)
    arrays = {f"{c.layer} on {list(c.shape)}|{key}": a for c in CASES for key, a in made(c, rng).items()}
    arrays |= {f"statistics|{key}": a for key, a in statistics(rng).items()}
    arrays |= {f"embedding|{key}": a for key, a in table(rng).items()}
    np.savez_compressed(HERE / "layers.npz", torch=np.array(MADE_WITH), **arrays)


if __name__ == "__main__":
    main()
