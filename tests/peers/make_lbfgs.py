"""Makes lbfgs.npz with PyTorch and SciPy: `python -m tests.peers.make_lbfgs`. The tests need neither.

A softmax regression with a penalty, whose minimum is unique. `path`: the parameters after each step of PyTorch's LBFGS
without its line search, which moves by -H g; `path2`: the same with a history of 2. `lowest`: the minimum by SciPy's
L-BFGS-B, `evaluations` the losses that it computed until it was within 1e-9 of that minimum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy
import torch
from scipy.optimize import minimize
from torch.nn.functional import cross_entropy

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
ROWS, WIDTH, CLASSES, PENALTY = 60, 4, 3, 0.02
STEPS = 9


def loss_of(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return cross_entropy(x @ w + b, y) + PENALTY * (w * w).sum()


def path(x: torch.Tensor, y: torch.Tensor, start: np.ndarray, history: int) -> np.ndarray:
    """Weights and biases, flat, after each step."""
    w = torch.tensor(start, requires_grad=True)
    b = torch.zeros(CLASSES, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=1, max_eval=1, history_size=history)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(x, y, w, b)
        loss.backward()
        return loss

    places = []
    for _ in range(STEPS):
        optimizer.step(closure)
        places.append(np.concatenate([w.detach().numpy().ravel(), b.detach().numpy()]))
    return np.array(places)


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the file says which version it was made with"
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(20261127)
    y = rng.integers(0, CLASSES, ROWS)
    x = 0.25 * rng.normal(size=(CLASSES, WIDTH))[y] + 0.25 * rng.normal(size=(ROWS, WIDTH))
    start = 0.1 * rng.normal(size=(WIDTH, CLASSES))
    tx, ty = torch.tensor(x), torch.tensor(y)
    losses = []

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = torch.tensor(flat[: WIDTH * CLASSES].reshape(WIDTH, CLASSES), requires_grad=True)
        b = torch.tensor(flat[WIDTH * CLASSES :], requires_grad=True)
        loss = loss_of(tx, ty, w, b)
        loss.backward()
        losses.append(loss.item())
        return loss.item(), np.concatenate([w.grad.numpy().ravel(), b.grad.numpy()])

    first = np.concatenate([start.ravel(), np.zeros(CLASSES)])
    minimize(value, first, jac=True, method="L-BFGS-B", options={"maxcor": 10, "ftol": 0, "gtol": 1e-12})
    lowest = min(losses)
    evaluations = next(k for k, loss in enumerate(losses, 1) if loss - lowest < 1e-9)
    made = {"torch": np.array(MADE_WITH), "scipy": np.array(scipy.__version__)}
    given = {"x": x, "y": y, "start": start, "lowest": np.array(lowest), "evaluations": np.array(evaluations)}
    paths = {"path": path(tx, ty, start, 10), "path2": path(tx, ty, start, 2)}
    np.savez_compressed(HERE / "lbfgs.npz", **made, **given, **paths)


if __name__ == "__main__":
    main()
