"""Makes class_losses.npz with PyTorch and metrics.npz with scikit-learn: `python tests/peers/make_class_fixtures.py`.

The tests need neither. As in make_fixtures: float64, random parameters, dense weights [in, out]. Where PyTorch has no
such loss, the formula of the paper is written out and PyTorch differentiates it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from make_fixtures import ROWS, UNITS, WIDTH, Arrays, leaf, with_gradients
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

HERE = Path(__file__).parent
softmax = torch.nn.Softmax(-1)
Each = Callable[[Any, Any, Any], Any]


def focal(z: Any, y: Any, gamma: float, alpha: float | None = None) -> Any:
    """Lin et al. (2017), equations 4 and 5, of logits."""
    p = torch.sigmoid(z)
    right = p * y + (1 - p) * (1 - y)
    each = (1 - right) ** gamma * functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return each if alpha is None else each * (alpha * y + (1 - alpha) * (1 - y))


def dice(p: Any, y: Any, smooth: float) -> Any:
    return 1 - (2 * (p * y).sum(-1) + smooth) / ((p**2).sum(-1) + (y**2).sum(-1) + smooth)


def contrastive(d: Any, y: Any, margin: float) -> Any:
    return 0.5 * (y * d**2 + (1 - y) * torch.relu(margin - d) ** 2).mean(-1)


# By loss: the last stage of the output, what it is, the kind of target, and the loss of each example.
NUMBERS: dict[str, tuple[str, Callable[[Any], Any], str, Each]] = {
    "kl_divergence(p, y)": (
        "softmax",
        softmax,
        "shares",
        lambda z, p, y: functional.kl_div(functional.log_softmax(z, -1), y, reduction="none").sum(-1),
    ),
    "hinge(p, y)": ("dense(4)", lambda z: z, "signs", lambda z, p, y: torch.relu(1 - y * z).mean(-1)),
    "poisson(p, y)": (
        "exp",
        torch.exp,
        "counts",
        lambda z, p, y: functional.poisson_nll_loss(z, y, log_input=True, reduction="none").mean(-1),
    ),
    "0 + poisson(p, y)": (
        "softplus",
        functional.softplus,
        "counts",
        lambda z, p, y: functional.poisson_nll_loss(p, y, log_input=False, eps=0, reduction="none").mean(-1),
    ),
    "cosine(p, y)": ("tanh", torch.tanh, "normal", lambda z, p, y: 1 - functional.cosine_similarity(p, y)),
    "contrastive(p, y)": ("softplus", functional.softplus, "bits", lambda z, p, y: contrastive(p, y, 1.0)),
    "contrastive(p, y, margin = 0.5)": (
        "softplus",
        functional.softplus,
        "bits",
        lambda z, p, y: contrastive(p, y, 0.5),
    ),
    "dice(p, y)": ("sigmoid", torch.sigmoid, "bits", lambda z, p, y: dice(p, y, 1.0)),
    "dice(p, y, smooth = 0.1)": ("sigmoid", torch.sigmoid, "bits", lambda z, p, y: dice(p, y, 0.1)),
    "focal(p, y)": ("sigmoid", torch.sigmoid, "bits", lambda z, p, y: focal(z, y, 2).mean(-1)),
    "focal(p, y, gamma = 0.5, alpha = 25%)": (
        "sigmoid",
        torch.sigmoid,
        "bits",
        lambda z, p, y: focal(z, y, 0.5, 0.25).mean(-1),
    ),
    "focal(p, y, gamma = 0)": ("sigmoid", torch.sigmoid, "bits", lambda z, p, y: focal(z, y, 0).mean(-1)),
}


def cross_entropy(**options: Any) -> Each:
    return lambda z, p, y: functional.cross_entropy(z, y, reduction="none", **options)


WEIGHTS = torch.tensor([1.0, 1.0, 0.0, 7.5], dtype=torch.float64)


def balanced(ignored: int = -100) -> Each:
    """Cross-entropy with scikit-learn's weights of the labels that count, all of which come."""

    def each(z: Any, p: Any, y: Any) -> Any:
        counting = y[y != ignored].numpy()
        weights = torch.zeros(UNITS, dtype=torch.float64)
        kinds = np.unique(counting)
        weights[kinds] = torch.tensor(compute_class_weight("balanced", classes=kinds, y=counting))
        return functional.cross_entropy(z, y, weight=weights, reduction="none", ignore_index=ignored)

    return each


# By loss: the last stage, the ignored label, and the loss of each position by logits, probabilities, labels.
LABELS: dict[str, tuple[str, int | None, Each]] = {
    "cross_entropy(p, y, smooth = 10%)": ("softmax", None, cross_entropy(label_smoothing=0.1)),
    "cross_entropy(p, y, weights = [1, 1, 0, 7.5])": ("softmax", None, cross_entropy(weight=WEIGHTS)),
    "cross_entropy(p, y, ignore = 2)": ("softmax", 2, cross_entropy(ignore_index=2)),
    "cross_entropy(p, y, smooth = 0.3, weights = [1, 1, 0, 7.5], ignore = 0)": (
        "softmax",
        0,
        cross_entropy(label_smoothing=0.3, weight=WEIGHTS, ignore_index=0),
    ),
    "cross_entropy(p, y, weights = balanced)": ("softmax", None, balanced()),
    "cross_entropy(p, y, weights = balanced, ignore = 3)": ("softmax", 3, balanced(3)),
    "focal(p, y)": (
        "softmax",
        None,
        lambda z, p, y: (1 - p.gather(1, y[:, None])[:, 0]) ** 2 * functional.cross_entropy(z, y, reduction="none"),
    ),
    "focal(p, y, gamma = 0.7, ignore = 1)": (
        "softmax",
        1,
        lambda z, p, y: (1 - p.gather(1, y[:, None])[:, 0]) ** 0.7 * cross_entropy(ignore_index=1)(z, p, y),
    ),
    "hinge(p, y)": (
        "dense(4)",
        None,
        lambda z, p, y: (z + 1 - functional.one_hot(y, UNITS) - z.gather(1, y[:, None])).amax(1),
    ),
}


def target(rng: np.random.Generator, kind: str) -> np.ndarray:
    if kind == "shares":
        shares = rng.dirichlet(np.ones(UNITS), ROWS)
        shares[0] = [0, 1, 0, 0]
        return shares
    if kind == "counts":
        return rng.poisson(2.0, (ROWS, UNITS)).astype(float)
    bits = rng.integers(0, 2, (ROWS, UNITS)).astype(float)
    return {"bits": bits, "signs": 2 * bits - 1, "normal": rng.normal(size=(ROWS, UNITS))}[kind]


def losses(rng: np.random.Generator) -> Arrays:
    out: Arrays = {}
    for name, (stage, last, kind, each) in NUMBERS.items():
        x, y = rng.normal(size=(ROWS, WIDTH)), target(rng, kind)
        w, b = leaf(rng.normal(size=(WIDTH, UNITS))), leaf(rng.normal(size=UNITS))
        z = torch.tensor(x) @ w + b
        found = with_gradients(each(z, last(z), torch.tensor(y)).mean(), w=w, b=b)
        out |= {f"{name}/{k}": v for k, v in (found | {"x": x, "y": y, "stage": np.array(stage)}).items()}
    for name, (stage, ignored, each) in LABELS.items():
        for shape in ((), (3,)):
            x, y = rng.normal(size=(ROWS, *shape, WIDTH)), rng.integers(0, UNITS, (ROWS, *shape))
            if ignored is not None:
                y[0] = ignored
            if "balanced" in name:
                y.reshape(-1)[-UNITS:] = range(UNITS)
            w, b = leaf(rng.normal(size=(WIDTH, UNITS))), leaf(rng.normal(size=UNITS))
            z = (torch.tensor(x) @ w + b).reshape(-1, UNITS)
            values = each(z, softmax(z), torch.tensor(y.reshape(-1))).reshape(ROWS, -1)
            counts = torch.tensor(
                (y.reshape(ROWS, -1) != ignored) if ignored is not None else np.ones_like(values.detach())
            )
            loss = (values.sum(1) / counts.sum(1).clamp(min=1)).mean()
            found = with_gradients(loss, w=w, b=b) | {"x": x, "y": y, "stage": np.array(stage)}
            out |= {f"{name}|{len(shape)}/{k}": v for k, v in found.items()}
    return out


def figures(rng: np.random.Generator) -> Arrays:
    """Scores of 300 examples and what scikit-learn makes of them; scores rounded, so that many are equal."""
    out: Arrays = {}
    for classes in (2, 4):
        y = rng.integers(0, classes, 300) % 3
        p = functional.softmax(torch.tensor(rng.normal(size=(300, classes)) + 0.7 * np.eye(classes)[y]), -1).numpy()
        p = np.round(p, 2)
        best, every = p.argmax(1), list(range(classes))
        found: dict[str, Any] = {}
        for name, f in (
            ("precision", metrics.precision_score),
            ("recall", metrics.recall_score),
            ("f1", metrics.f1_score),
        ):
            for average in ("macro", "micro"):
                found[f"{name}(p, y, average = {average})"] = f(y, best, labels=every, average=average, zero_division=0)
            found[f"{name}(p, y, of = 1)"] = f(y, best, labels=[1], average="macro", zero_division=0)
        areas = [metrics.roc_auc_score(y == c, p[:, c]) for c in sorted(set(y))]
        found["auc(p, y)"] = areas[1] if classes == 2 else np.mean(areas)
        found["confusion"] = metrics.confusion_matrix(y, best, labels=every)
        out |= {f"labels{classes}/{k}": np.array(v) for k, v in (found | {"p": p, "y": y}).items()}
    y = rng.integers(0, 2, (300, 3))
    p = np.round(rng.uniform(size=(300, 3)) * 0.7 + 0.3 * y, 2)
    found = {"auc(p, y)": metrics.roc_auc_score(y, p)}
    for name, f in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        for average in ("macro", "micro"):
            found[f"{name}(p, y, average = {average})"] = f(y, p > 0.5, average=average)
    out |= {f"numbers/{k}": np.array(v) for k, v in (found | {"p": p, "y": y}).items()}
    y, p = rng.integers(0, 9, 300), rng.normal(size=(300, 9))
    found = {f"top_k(p, y, k = {k})": metrics.top_k_accuracy_score(y, p, k=k, labels=range(9)) for k in (1, 2, 5, 8)}
    found["top_k(p, y)"] = found["top_k(p, y, k = 5)"]
    out |= {f"top/{k}": np.array(v) for k, v in (found | {"p": p, "y": y}).items()}
    y, p = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    found = {
        "rmse(p, y)": np.sqrt(metrics.mean_squared_error(y, p)),
        "mse(p, y)": metrics.mean_squared_error(y, p),
        "mae(p, y)": metrics.mean_absolute_error(y, p),
        "r2(p, y)": metrics.r2_score(y, p),
    }
    out |= {f"distances/{k}": np.array(v) for k, v in (found | {"p": p, "y": y}).items()}
    y, p = rng.integers(0, 6, 300), rng.dirichlet(np.ones(6), 300)
    found = {
        "perplexity(p, y)": np.exp(metrics.log_loss(y, p)),
        "perplexity(p, y, ignore = 2)": np.exp(metrics.log_loss(y[y != 2], p[y != 2], labels=range(6))),
        "accuracy(p, y)": metrics.accuracy_score(y, p.argmax(1)),
    }
    out |= {f"shares/{k}": np.array(v) for k, v in (found | {"p": p, "y": y}).items()}
    y = 1e9 + rng.normal(size=(300, 2))
    p = y + 0.5 * rng.normal(size=(300, 2))
    return out | {f"far/{k}": np.array(v) for k, v in {"r2(p, y)": metrics.r2_score(y, p), "p": p, "y": y}.items()}


def main() -> None:
    rng = np.random.default_rng(20240602)
    made = {"torch": np.array(torch.__version__.split("+")[0]), "sklearn": np.array(sklearn.__version__)}
    np.savez_compressed(HERE / "class_losses.npz", **made, **losses(rng))
    np.savez_compressed(HERE / "metrics.npz", **made, **figures(rng))


if __name__ == "__main__":
    main()
