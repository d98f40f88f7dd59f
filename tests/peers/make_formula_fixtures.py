"""Makes formulas.npz with PyTorch and scikit-learn: `python tests/peers/make_formula_fixtures.py`.

The tests need neither. What takes several values, or a mask: the functions that formulas are made of, masked attention,
positions; and what is fitted to the data. As in make_fixtures.py everything is float64; the values a, b, c, the
parameters and the upstream gradient u are random, and all but the latter get a gradient. The loss is the mean over
examples of sum(p * u).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.preprocessing import StandardScaler
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
ROWS = 5
Shape = tuple[int, ...]
Tensors = dict[str, Any]
Draw = Callable[[np.random.Generator, Shape], np.ndarray]


def plain(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(size=shape)


def positive(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(0.2, 3.0, shape)


def whole(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Few whole numbers, among which many are equal and many are 0."""
    return rng.integers(-1, 2, shape).astype(float)


def bits(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.integers(0, 2, shape).astype(float)


def measured(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Columns of other sizes, far from 0."""
    return rng.normal(size=shape) * [1.0, 0.01, 50.0, 7.0] + [0.0, 0.05, -100.0, 20.0]


def unseen(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A mask: of the first example all may be seen, of the second nothing, in the third one row is dark."""
    mask = bits(rng, shape)
    mask[..., 0] = 1
    mask[0], mask[1] = 1, 0
    mask[2].reshape(-1, shape[-1])[0] = 0
    return mask


@dataclass(frozen=True)
class Case:
    """A line of the language, and what PyTorch does; the shapes of the values, of the parameters, and of the inputs
    that get no gradient: numbers, or `(classes, shape)` of labels."""

    line: str
    f: Callable[[Tensors], Any]
    values: dict[str, Shape]
    weights: dict[str, Shape] = field(default_factory=dict)
    fixed: dict[str, tuple[Draw, Shape] | tuple[int, Shape]] = field(default_factory=dict)
    draw: Draw = plain


def attention(t: Tensors, heads: int, *, causal: bool = False) -> Any:
    """The projections as products, and PyTorch's attention, which gives zeros where a row sees nothing."""

    def projected(name: str, value: Any) -> Any:
        y = value @ t[f"{name}.weight"]
        return y + t[f"{name}.bias"] if f"{name}.bias" in t else y

    x, memory = t["a"], t.get("b", t["a"])
    parts = (
        projected(name, value).unflatten(-1, (heads, -1)).transpose(1, 2)
        for name, value in (("query", x), ("key", memory), ("value", memory))
    )
    seen = t["seen"] != 0
    seen = seen[:, None, None] if seen.ndim == 2 else seen[:, None]
    if causal:
        seen = seen & torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    with sdpa_kernel(SDPBackend.MATH):
        y = functional.scaled_dot_product_attention(*parts, attn_mask=seen)
    return projected("output", y.transpose(1, 2).flatten(2))


def projections(size: int, other: int, *, bias: bool = True) -> dict[str, Shape]:
    rows = {"query": size, "key": other, "value": other, "output": size}
    weights: dict[str, Shape] = {f"{name}.weight": (count, size) for name, count in rows.items()}
    return weights | ({f"{name}.bias": (size,) for name in rows} if bias else {})


def waves(steps: int, size: int) -> Any:
    """Section 3.5 of Vaswani et al. (2017), as real and imaginary parts."""
    rates = 10000.0 ** (-2 * torch.arange((size + 1) // 2).double() / size)
    angles = torch.outer(torch.arange(steps).double(), rates)
    turned = torch.polar(torch.ones_like(angles), angles)
    return torch.stack([turned.imag, turned.real], -1).flatten(1)[:, :size]


def standardized(t: Tensors) -> Any:
    """Its statistics are constants of the net."""
    scaler = StandardScaler().fit(t["a"].detach().numpy())
    return (t["a"] - torch.tensor(scaler.mean_)) / torch.tensor(scaler.scale_)


A = {"a": (3, 4)}
AB = {"a": (3, 4), "b": (3, 4)}
ROW = {"a": (3, 4), "b": (4,)}
CASES = (
    Case("concat(a, b)", lambda t: torch.cat([t["a"], t["b"]], 2), {"a": (3, 4), "b": (3, 2)}),
    Case(
        "concat(a, b, c, axis = 0)",
        lambda t: torch.cat([t["a"], t["b"], t["c"]], 1),
        {"a": (3, 4), "b": (2, 4), "c": (1, 4)},
    ),
    Case("stack(a, b, a)", lambda t: torch.stack([t["a"], t["b"], t["a"]], 1), AB),
    Case("slice(a, 1, 3)", lambda t: t["a"][:, 1:3], A),
    Case("slice(a, 0, 3, axis = -1)", lambda t: t["a"][..., 0:3], A),
    Case("reshape(a, [2, 6])", lambda t: t["a"].reshape(ROWS, 2, 6), A),
    Case("flatten(a)", lambda t: t["a"].flatten(1), A),
    Case("transpose(a)", lambda t: t["a"].mT, {"a": (2, 3, 4)}),
    Case("matmul(a, b)", lambda t: t["a"] @ t["b"], {"a": (2, 3, 4), "b": (2, 4, 2)}),
    Case("matmul(a, b)", lambda t: t["a"] @ t["b"][:, None], {"a": (2, 3, 4), "b": (4, 2)}),
    Case("matmul(a, transpose(a))", lambda t: t["a"] @ t["a"].mT, A),
    Case(
        "one_hot(kind) * a",
        lambda t: functional.one_hot(t["kind"], 4) * t["a"],
        A,
        fixed={"kind": (4, (3,))},
    ),
    Case("sum(a, axis = 0)", lambda t: t["a"].sum(1), A),
    Case("sum(a) * b", lambda t: t["a"].sum((1, 2))[:, None] * t["b"], ROW),
    Case("mean(a, axis = -1)", lambda t: t["a"].mean(2), A),
    Case("mean(a) + b", lambda t: t["a"].mean((1, 2))[:, None] + t["b"], ROW),
    Case("max(a, axis = 1)", lambda t: t["a"].amax(2), A, draw=whole),
    Case("max(a) * b", lambda t: t["a"].amax((1, 2))[:, None] * t["b"], ROW, draw=whole),
    Case("maximum(a, b)", lambda t: torch.maximum(t["a"], t["b"]), AB, draw=whole),
    Case("minimum(a, b)", lambda t: torch.minimum(t["a"], t["b"][:, None]), ROW, draw=whole),
    Case("minimum(a, 0.25)", lambda t: t["a"].clamp(max=0.25), A),
    Case(
        "where(seen, a, b)",
        lambda t: torch.where(t["seen"] != 0, t["a"], t["b"][:, None]),
        ROW,
        fixed={"seen": (bits, (3, 4))},
    ),
    Case("where(a < b, 2 * a, b^2)", lambda t: torch.where(t["a"] < t["b"], 2 * t["a"], t["b"] ** 2), AB, draw=whole),
    Case(
        "(a > b) * a + (a >= b) * b", lambda t: (t["a"] > t["b"]) * t["a"] + (t["a"] >= t["b"]) * t["b"], AB, draw=whole
    ),
    Case(
        "(a == b) * a - (a != b) * b + (a <= b)",
        lambda t: (t["a"] == t["b"]) * t["a"] - (t["a"] != t["b"]) * t["b"] + (t["a"] <= t["b"]) * 1.0,
        AB,
        draw=whole,
    ),
    Case("a + b", lambda t: t["a"] + t["b"][:, None], ROW),
    Case("a - b", lambda t: t["a"] - t["b"], {"a": (3, 1), "b": (1, 4)}),
    Case("a * b", lambda t: t["a"] * t["b"], {"a": (3, 1), "b": (3, 4)}),
    Case("b / a", lambda t: t["b"][:, None] / t["a"], ROW, draw=positive),
    Case("-a / 3 - 1 / a", lambda t: -t["a"] / 3 - 1 / t["a"], A, draw=positive),
    Case("a ^ b", lambda t: t["a"] ** t["b"], AB, draw=positive),
    Case("a ^ 2 + a ^ 3", lambda t: t["a"] ** 2 + t["a"] ** 3, A),
    Case("a ^ -1.5 + 2 ^ a", lambda t: t["a"] ** -1.5 + 2 ** t["a"], A, draw=positive),
    Case("exp(a)", lambda t: t["a"].exp(), A),
    Case("log(a)", lambda t: t["a"].log(), A, draw=positive),
    Case("sqrt(a)", lambda t: t["a"].sqrt(), A, draw=positive),
    Case("abs(a)", lambda t: t["a"].abs(), A, draw=whole),
    Case("sin(a) * cos(b)", lambda t: t["a"].sin() * t["b"].cos(), AB),
    Case("erf(a)", lambda t: t["a"].erf(), A),
    # The value of a, and -by times its gradient.
    Case("reverse_gradient(a, 0.5) * b", lambda t: (1.5 * t["a"].detach() - 0.5 * t["a"]) * t["b"], AB),
    Case("a * weight([4], init = normal)", lambda t: t["a"] * t["weight"], A, {"weight": (4,)}),
    Case(
        "attention(a, heads = 2, mask = seen)",
        lambda t: attention(t, 2),
        {"a": (5, 4)},
        projections(4, 4),
        {"seen": (unseen, (5,))},
    ),
    Case(
        "attention(a, 2, mask = seen, bias = false)",
        lambda t: attention(t, 2),
        {"a": (5, 4)},
        projections(4, 4, bias=False),
        {"seen": (unseen, (5, 5))},
    ),
    Case(
        "attention(a, causal = true, mask = seen)",
        lambda t: attention(t, 1, causal=True),
        {"a": (5, 4)},
        projections(4, 4),
        {"seen": (unseen, (5,))},
    ),
    Case(
        "attention(a, 3, memory = b, mask = seen)",
        lambda t: attention(t, 3),
        {"a": (4, 6), "b": (5, 2)},
        projections(6, 2),
        {"seen": (unseen, (4, 5))},
    ),
    Case("positional(a)", lambda t: t["a"] + waves(7, 6), {"a": (7, 6)}),
    Case("positional(a) * b", lambda t: (t["a"] + waves(100, 3)) * t["b"], {"a": (100, 3), "b": (1, 3)}),
    Case("standardize(a)", standardized, {"a": (4,)}, draw=measured),
)


def made(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The values `value/...`, parameters `weight/...`, inputs `fixed/...`, u, p, the loss; gradients `d/...`."""
    values = {n: torch.tensor(case.draw(rng, (ROWS, *s)), requires_grad=True) for n, s in case.values.items()}
    weights = {n: torch.tensor(rng.normal(size=s), requires_grad=True) for n, s in case.weights.items()}
    fixed = {
        n: torch.tensor(rng.integers(0, kind, (ROWS, *s)) if isinstance(kind, int) else kind(rng, (ROWS, *s)))
        for n, (kind, s) in case.fixed.items()
    }
    p = case.f({**values, **weights, **fixed})
    u = rng.normal(size=tuple(p.shape))
    loss = (p * torch.tensor(u)).sum() / ROWS
    loss.backward()
    out = {"u": u, "p": p.detach().numpy(), "loss": loss.detach().numpy()}
    for part, tensors in (("value", values), ("weight", weights), ("fixed", fixed)):
        out |= {f"{part}/{name}": t.detach().numpy() for name, t in tensors.items()}
    return out | {f"d/{name}": t.grad.numpy() for name, t in (values | weights).items()}


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the file says which version it was made with"
    rng = np.random.default_rng(20240801)
    arrays = {
        f"{' by '.join(map(str, case.values.values()))}: {case.line}|{key}": array
        for case in CASES
        for key, array in made(case, rng).items()
    }
    dark = arrays["(5, 4): attention(a, 2, mask = seen, bias = false)|p"][1]
    assert (dark == 0).all(), "the peer's rows that see nothing are zeros"
    assert all(np.isfinite(array).all() for array in arrays.values())
    made_with = {"torch": np.array(MADE_WITH), "sklearn": np.array(sklearn.__version__)}
    np.savez_compressed(HERE / "formulas.npz", **made_with, **arrays)


if __name__ == "__main__":
    main()
