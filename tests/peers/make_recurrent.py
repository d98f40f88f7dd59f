"""Makes recurrent.npz with PyTorch: `python -m tests.peers.make_recurrent`. The tests need no PyTorch.

Everything is float64; parameters, inputs and the upstream gradient u of the results are random, and all of them in
gpubp's layouts: W [in, parts], R [units, parts], one bias b for what PyTorch keeps in two. A dense layer without bias
stands before, so that its gradient `dv` shows the gradient of the inputs. The loss is the mean over examples of
sum(p * u). PyTorch has no GRU that resets before the product: that one is written out here, for its autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
MADE_WITH = "2.13.0"
ROWS, STEPS, FEATURES, WIDTH, UNITS = 5, 6, 2, 3, 4

# The order of our parts among PyTorch's: input, forget, candidate, output; reset, update, candidate.
ORDER = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}
MODULES: dict[str, Callable[..., Any]] = {
    "rnn": torch.nn.RNN,
    "rnn relu": lambda *sizes, **more: torch.nn.RNN(*sizes, nonlinearity="relu", **more),
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
}
Arrays = dict[str, np.ndarray]


def ours(torch_array: np.ndarray, order: list[int]) -> np.ndarray:
    """PyTorch's [parts * units, ...] in our order, the parts last."""
    parts = torch_array.reshape(len(order), UNITS, *torch_array.shape[1:])[order]
    return np.ascontiguousarray(parts.reshape(torch_array.shape).T)


def module_case(rng: np.random.Generator, kind: str, sequence: bool, both: bool) -> Arrays:
    """One of PyTorch's layers."""
    order = ORDER[kind.split()[0]]
    module = MODULES[kind](WIDTH, UNITS, batch_first=True, bidirectional=both).double()
    for p in module.parameters():
        p.data = torch.tensor(rng.normal(scale=0.7, size=tuple(p.shape)))
    x, v = (
        rng.normal(size=(ROWS, STEPS, FEATURES)),
        torch.tensor(rng.normal(size=(FEATURES, WIDTH)), requires_grad=True),
    )
    p, last = module(torch.tensor(x) @ v)
    if not sequence:
        h = last[0] if kind == "lstm" else last
        p = torch.cat(list(h), 1)
    u = rng.normal(size=tuple(p.shape))
    (p * torch.tensor(u)).flatten(1).sum(1).mean().backward()
    out = {"x": x, "u": u, "p": p.detach().numpy(), "v": v.detach().numpy(), "dv": v.grad.numpy()}
    for prefix, end in (("", "_l0"), ("reverse_", "_l0_reverse"))[: 1 + both]:
        w, r, b, c = (getattr(module, f"{name}{end}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        for letter, pick in (("", lambda t: t.detach().numpy()), ("d", lambda t: t.grad.numpy())):
            out[f"{letter}{prefix}weight"] = ours(pick(w), order)
            out[f"{letter}{prefix}recurrent_weight"] = ours(pick(r), order)
            first, second = ours(pick(b), order), ours(pick(c), order)
            # The two biases of a part that are only ever added are one; their gradients are the same.
            shared = 2 * UNITS if kind == "gru" else len(second)
            out[f"{letter}{prefix}bias"] = first.copy()
            if not letter:
                out[f"{prefix}bias"][:shared] += second[:shared]
            if kind == "gru":
                out[f"{letter}{prefix}recurrent_bias"] = second[shared:]
    return out


def reset_before_case(rng: np.random.Generator, sequence: bool) -> Arrays:
    """Cho et al. (2014), equations 5 to 8."""
    sizes = {"v": (FEATURES, WIDTH), "weight": (WIDTH, 3 * UNITS), "recurrent_weight": (UNITS, 3 * UNITS)}
    leaves = {
        name: torch.tensor(rng.normal(scale=0.7, size=size), requires_grad=True)
        for name, size in (*sizes.items(), ("bias", (3 * UNITS,)))
    }
    x = rng.normal(size=(ROWS, STEPS, FEATURES))
    z = torch.tensor(x) @ leaves["v"] @ leaves["weight"] + leaves["bias"]
    by_r, by_u, by_n = leaves["recurrent_weight"].split(UNITS, 1)
    h, states = torch.zeros(ROWS, UNITS, dtype=torch.float64), []
    for t in range(STEPS):
        zr, zu, zn = z[:, t].split(UNITS, 1)
        r, u = torch.sigmoid(zr + h @ by_r), torch.sigmoid(zu + h @ by_u)
        h = u * h + (1 - u) * torch.tanh(zn + (r * h) @ by_n)
        states.append(h)
    p = torch.stack(states, 1) if sequence else h
    upstream = rng.normal(size=tuple(p.shape))
    (p * torch.tensor(upstream)).flatten(1).sum(1).mean().backward()
    out = {"x": x, "u": upstream, "p": p.detach().numpy()}
    out |= {name: leaf.detach().numpy() for name, leaf in leaves.items()}
    return out | {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}


def main() -> None:
    assert torch.__version__.split("+")[0] == MADE_WITH, "the file says which version it was made with"
    rng = np.random.default_rng(20240701)
    cases: dict[str, Arrays] = {}
    for kind in MODULES:
        name, _, word = kind.partition(" ")
        options = f", activation = {word}" if word else ""
        for sequence in (True, False):
            for both in (True, False):
                more = f"{options}{'' if sequence else ', sequence = false'}{', bidirectional = true' if both else ''}"
                cases[f"{name}({UNITS}{more})"] = module_case(rng, kind, sequence, both)
    cases[f"gru({UNITS}, reset_after = false)"] = reset_before_case(rng, True)
    cases[f"gru({UNITS}, reset_after = false, sequence = false)"] = reset_before_case(rng, False)
    arrays = {f"{name}/{key}": value for name, case in cases.items() for key, value in case.items()}
    np.savez_compressed(HERE / "recurrent.npz", torch=np.array(MADE_WITH), **arrays)


if __name__ == "__main__":
    main()
