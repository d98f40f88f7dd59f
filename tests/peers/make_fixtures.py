"""Makes the .npz files of this folder with PyTorch: `python tests/peers/make_fixtures.py`. The tests need no PyTorch.

Everything is float64. Parameters, inputs and the upstream gradient are random: a gradient of ones hides faults in
whatever normalises. Layouts are gpubp's: dense weights are [in, out]. An upstream gradient u enters as the loss mean
over examples of sum(output * u).
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
ROWS, WIDTH, UNITS = 7, 5, 4

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "leaky_relu(0.2)": lambda z: functional.leaky_relu(z, 0.2),
    "elu": functional.elu,
    "elu(0.7)": lambda z: functional.elu(z, 0.7),
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "softmax": lambda z: functional.softmax(z, dim=-1),
}
# The last stage of the output, and the loss of each example by (value before that stage, output, target).
LOSSES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any, Any], Any]]] = {
    "mse(p, y)": (torch.tanh, lambda z, p, y: functional.mse_loss(p, y, reduction="none").mean(1)),
    "half_squared_error(p, y)": (torch.tanh, lambda z, p, y: 0.5 * functional.mse_loss(p, y, reduction="none").sum(1)),
    "mae(p, y)": (torch.tanh, lambda z, p, y: functional.l1_loss(p, y, reduction="none").mean(1)),
    "huber(p, y)": (torch.tanh, lambda z, p, y: functional.huber_loss(p, y, reduction="none").mean(1)),
    "huber(p, y, delta = 0.3)": (
        torch.tanh,
        lambda z, p, y: functional.huber_loss(p, y, reduction="none", delta=0.3).mean(1),
    ),
    "binary_cross_entropy(p, y)": (
        torch.sigmoid,
        lambda z, p, y: functional.binary_cross_entropy_with_logits(z, y, reduction="none").mean(1),
    ),
}
SLOW = {"lr": 0.01}


class Uncorrected(torch.optim.Adam):
    """PyTorch's Adam without the corrections of the moments for their start at 0, which algorithm 2 of Reddi, Kale &
    Kumar (2018) does not have: the rate and epsilon of each step undo them."""

    def step(self) -> None:  # type: ignore[override]
        self.t = getattr(self, "t", 0) + 1
        for group in self.param_groups:
            given = group["lr"], group["eps"]
            first, second = (1 - beta**self.t for beta in group["betas"])
            group["lr"] = given[0] * first / second**0.5
            group["eps"] = given[1] / second**0.5
            group["given"] = given
        super().step()
        for group in self.param_groups:
            group["lr"], group["eps"] = group.pop("given")


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd(lr = 0.01)": lambda p: torch.optim.SGD(p, **SLOW),
    "sgd(lr = 0.01, momentum = 0.9)": lambda p: torch.optim.SGD(p, **SLOW, momentum=0.9),
    "sgd(lr = 0.01, momentum = 0.8, nesterov = true)": lambda p: torch.optim.SGD(
        p, **SLOW, momentum=0.8, nesterov=True
    ),
    "rmsprop(lr = 0.01)": lambda p: torch.optim.RMSprop(p, **SLOW, alpha=0.9, eps=1e-8),
    "rmsprop(lr = 0.01, rho = 0.5, eps = 1e-3)": lambda p: torch.optim.RMSprop(p, **SLOW, alpha=0.5, eps=1e-3),
    "adam(lr = 0.01)": lambda p: torch.optim.Adam(p, **SLOW),
    "adam(lr = 0.01, beta1 = 0.8, beta2 = 0.99, eps = 1e-4)": lambda p: torch.optim.Adam(
        p, **SLOW, betas=(0.8, 0.99), eps=1e-4
    ),
    "adamw(lr = 0.01)": lambda p: torch.optim.AdamW([{"params": p[:1]}, {"params": p[1:], "weight_decay": 0}], **SLOW),
    "adamw(lr = 0.01, decay = 0.2)": lambda p: torch.optim.AdamW(
        [{"params": p[:1], "weight_decay": 0.2}, {"params": p[1:], "weight_decay": 0}], **SLOW
    ),
    "adagrad(lr = 0.01)": lambda p: torch.optim.Adagrad(p, **SLOW, eps=1e-8),
    "adadelta": lambda p: torch.optim.Adadelta(p, rho=0.95, eps=1e-6),
    "adadelta(lr = 0.5, rho = 0.8, eps = 1e-10)": lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.8, eps=1e-10),
    # The paper's algorithm has no epsilon.
    "adamax(lr = 0.01)": lambda p: torch.optim.Adamax(p, **SLOW, eps=0),
    "adamax(lr = 0.01, beta1 = 0.7, beta2 = 0.9)": lambda p: torch.optim.Adamax(p, **SLOW, betas=(0.7, 0.9), eps=0),
    "nadam(lr = 0.01)": lambda p: torch.optim.NAdam(p, **SLOW),
    "nadam(lr = 0.01, beta1 = 0.8, beta2 = 0.99, eps = 1e-4)": lambda p: torch.optim.NAdam(
        p, **SLOW, betas=(0.8, 0.99), eps=1e-4
    ),
    "amsgrad(lr = 0.01)": lambda p: Uncorrected(p, **SLOW, amsgrad=True),
    "amsgrad(lr = 0.01, beta1 = 0.8, beta2 = 0.5, eps = 1e-4)": lambda p: Uncorrected(
        p, **SLOW, betas=(0.8, 0.5), eps=1e-4, amsgrad=True
    ),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.1),
    "rprop(lr = 0.01, eta_minus = 0.3, eta_plus = 2, min_step = 0.002, max_step = 0.05)": lambda p: torch.optim.Rprop(
        p, **SLOW, etas=(0.3, 2.0), step_sizes=(0.002, 0.05)
    ),
}
STEPS, SIZE = 20, 26
SHOWN = [0, 1, 4, 19]
Arrays = dict[str, np.ndarray]


def leaf(array: np.ndarray) -> Any:
    return torch.tensor(array, requires_grad=True)


def with_gradients(loss: Any, **leaves: Any) -> Arrays:
    loss.backward()
    out = {name: t.detach().numpy() for name, t in leaves.items()}
    out |= {f"d{name}": t.grad.numpy() for name, t in leaves.items() if t.grad is not None}
    return out | {"loss": loss.detach().numpy()}


def activations(rng: np.random.Generator) -> Arrays:
    """Random values, and a row of chosen ones with 0 among them as biases."""
    out: Arrays = {}
    grid = np.array([-40.0, -3.0, -0.5, 0.0, 1e-3, 0.5, 3.0, 40.0])
    for name, f in ACTIVATIONS.items():
        x, u = rng.normal(size=(ROWS, WIDTH)), rng.normal(size=(ROWS, UNITS))
        w, b = leaf(rng.normal(size=(WIDTH, UNITS))), leaf(rng.normal(size=UNITS))
        p = f(torch.tensor(x) @ w + b)
        case = with_gradients((p * torch.tensor(u)).sum(1).mean(), w=w, b=b) | {"x": x, "u": u, "p": p.detach().numpy()}
        z, v = leaf(grid), rng.normal(size=grid.shape)
        q = f(z)
        case |= {f"grid/{k}": a for k, a in with_gradients((q * torch.tensor(v)).sum(), z=z).items()}
        case |= {"grid/u": v, "grid/p": q.detach().numpy()}
        out |= {f"{name}/{key}": value for key, value in case.items()}
    return out


def losses(rng: np.random.Generator) -> Arrays:
    """Losses and gradients `loss`, `dw`, `db`; with a weight `a` for each example, `lossa`, `dwa`, `dba`."""
    out: Arrays = {}
    for name, (last, f) in LOSSES.items():
        x, a = rng.normal(size=(ROWS, WIDTH)), rng.uniform(0.1, 2.0, (ROWS, 1))
        y = rng.uniform(size=(ROWS, UNITS)) if "binary" in name else rng.normal(size=(ROWS, UNITS))
        w0, b0 = rng.normal(size=(WIDTH, UNITS)), rng.normal(size=UNITS)
        for suffix, weights in (("", np.ones(ROWS)), ("a", a[:, 0])):
            w, b = leaf(w0), leaf(b0)
            z = torch.tensor(x) @ w + b
            loss = (f(z, last(z), torch.tensor(y)) * torch.tensor(weights)).mean()
            found = with_gradients(loss, w=w, b=b)
            out |= {f"{name}/{key}{suffix}": value for key, value in found.items()}
        out |= {f"{name}/x": x, f"{name}/y": y, f"{name}/a": a}
    for name, shape in (("cross_entropy", ()), ("positions", (3,))):
        x, y = rng.normal(size=(ROWS, *shape, WIDTH)), rng.integers(0, UNITS, (ROWS, *shape))
        w, b = leaf(rng.normal(size=(WIDTH, UNITS))), leaf(rng.normal(size=UNITS))
        z = torch.tensor(x) @ w + b
        each = functional.cross_entropy(z.reshape(-1, UNITS), torch.tensor(y.reshape(-1)), reduction="none")
        loss = each.reshape(ROWS, -1).mean(1).mean()
        out |= {f"{name}/{k}": v for k, v in (with_gradients(loss, w=w, b=b) | {"x": x, "y": y}).items()}
    return out


def gradients_to_take(rng: np.random.Generator) -> Arrays:
    """Gradients of 1 down to 1e-12, twice: from a start at 0, where a small move shows, and from a random one."""
    scale = np.tile(10.0 ** -np.arange(13), 2)
    start = np.where(np.arange(SIZE) < SIZE // 2, 0.0, rng.normal(size=SIZE))
    return {"g": rng.normal(size=(STEPS, SIZE)) * scale, "start": start, "shown": np.array(SHOWN)}


def optimizers(given: Arrays) -> Arrays:
    """A weight and a bias that get the same gradients: where they were after the steps SHOWN."""
    out: Arrays = {}
    for name, make in OPTIMIZERS.items():
        w, b = leaf(given["start"]), leaf(given["start"])
        optimizer = make([w, b])
        for p, letter in ((w, "w"), (b, "b")):
            out[f"{name}/{letter}"] = np.empty((STEPS, SIZE))
            p.grad = torch.zeros(SIZE, dtype=torch.float64)
        for t, g in enumerate(given["g"]):
            w.grad, b.grad = torch.tensor(g), torch.tensor(g)
            optimizer.step()
            out[f"{name}/w"][t], out[f"{name}/b"][t] = w.detach().numpy(), b.detach().numpy()
    return {key: places[SHOWN] for key, places in out.items()}


def product_in_float32(given: Arrays) -> Arrays:
    """NAdam as PyTorch has it unless told otherwise: parameters of float64, but the product of the momenta in the
    default type, float32."""
    torch.set_default_dtype(torch.float32)
    w = leaf(given["start"])
    optimizer, places = torch.optim.NAdam([w], lr=0.01), []
    for g in given["g"]:
        w.grad = torch.tensor(g)
        optimizer.step()
        places.append(w.detach().numpy().copy())
    torch.set_default_dtype(torch.float64)
    return {"nadam": np.array(places)[SHOWN]}


def changing_rates(given: Arrays) -> Arrays:
    """Momentum under a rate that changes from step to step, which PyTorch does otherwise.

    Sutskever, Martens, Dahl & Hinton (2013), as written there. Equations 1 and 2: v' = mu v - lr g(w), w' = w + v'.
    Equations 3 and 4, Nesterov: v' = mu v - lr g(w + mu v), w' = w + v'. In the latter what is trained is the point
    w + mu v where the gradient is taken.
    """
    mu, scale = 0.9, 0.9 ** np.arange(STEPS)
    w, v = given["start"].copy(), np.zeros(SIZE)
    classical, nesterov = [], []
    for g, factor in zip(given["g"], scale, strict=True):
        v = mu * v - 0.01 * factor * g
        w = w + v
        classical.append(w)
        # Here the gradient does not depend on the place, so that v and w are those of equations 3 and 4 too.
        nesterov.append(w + mu * v)
    return {"scale": scale, "classical": np.array(classical)[SHOWN], "nesterov": np.array(nesterov)[SHOWN]}


def lion(given: Arrays) -> Arrays:
    """Chen et al. (2023), algorithm 2, as written there, which PyTorch does not have."""
    lr, beta1, beta2 = 0.01, 0.9, 0.99
    out: Arrays = {}
    for name, decay in (("lion(lr = 0.01)", 0.0), ("lion(lr = 0.01, decay = 0.2)", 0.2)):
        for letter, share in (("w", decay), ("b", 0.0)):
            p, m, places = given["start"].copy(), np.zeros(SIZE), []
            for g in given["g"]:
                c = beta1 * m + (1 - beta1) * g
                p = p - lr * (np.sign(c) + share * p)
                m = beta2 * m + (1 - beta2) * g
                places.append(p)
            out[f"{name}/{letter}"] = np.array(places)[SHOWN]
    return out


def rprop_of_1993(given: Arrays) -> Arrays:
    """Riedmiller & Braun (1993), each weight by itself, as written there: where the gradient turns, the last move is
    taken back, and the gradient counts as 0 in the next update. PyTorch has the form without that."""
    places = np.empty((STEPS, SIZE))
    for i in range(SIZE):
        p, step, before, move = given["start"][i], 0.1, 0.0, 0.0
        for t, g in enumerate(given["g"][:, i]):
            if before * g > 0:
                step = min(step * 1.2, 50.0)
                move, before = -np.sign(g) * step, g
            elif before * g < 0:
                step = max(step * 0.5, 1e-6)
                move, before = -move, 0.0
            else:
                move, before = -np.sign(g) * step, g
            p += move
            places[t, i] = p
    return {f"rprop(backtrack = true)/{letter}": places[SHOWN] for letter in "wb"}


def quickprop(given: Arrays) -> Arrays:
    """Fahlman (1988), each weight by itself, as written there, which PyTorch does not have. S is a slope, d a move."""
    out: Arrays = {}
    for name, rate, growth in (("quickprop", 0.01, 1.75), ("quickprop(lr = 0.1, growth = 1.2)", 0.1, 1.2)):
        places = np.empty((STEPS, SIZE))
        for i in range(SIZE):
            p, d, before = given["start"][i], 0.0, 0.0
            for t, S in enumerate(given["g"][:, i]):
                if d == 0:
                    d = -rate * S
                elif S * d > 0:  # beyond the lowest point
                    d = S / (before - S) * d
                else:
                    steeper = abs(S) >= abs(before)
                    ratio = growth if steeper else min(S / (before - S), growth)
                    d = ratio * d - rate * S
                before = S
                p += d
                places[t, i] = p
        out |= {f"{name}/{letter}": places[SHOWN] for letter in "wb"}
    return out


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the files say which version they were made with"
    torch.set_default_dtype(torch.float64)  # also of the numbers that an optimizer keeps
    rng = np.random.default_rng(20240601)
    given = gradients_to_take(rng)
    files = {
        "activations": activations(rng),
        "losses": losses(rng),
        "optimizers": given
        | optimizers(given)
        | lion(given)
        | rprop_of_1993(given)
        | quickprop(given)
        | {f"rates/{k}": v for k, v in changing_rates(given).items()}
        | {f"product32/{k}": v for k, v in product_in_float32(given).items()},
    }
    for name, arrays in files.items():
        np.savez_compressed(HERE / f"{name}.npz", torch=np.array(MADE_WITH), **arrays)


if __name__ == "__main__":
    main()
