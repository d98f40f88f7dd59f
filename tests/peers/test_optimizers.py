"""Optimizers beside PyTorch and, where conventions differ, the papers: 20 steps with gradients from 1 down to 1e-12."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES

from .nets import Array, case, executor, fixture

FILE = fixture("optimizers")
SIZE = FILE["start"].size
SHOWN = FILE["shown"].tolist()
NAMES = list(dict.fromkeys(key.split("/")[0] for key in FILE if key.endswith("/w")))
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


def make(optimizer: str, precision: str) -> gpubp.Executor:
    """With x = 1 and the loss sum(p * g), weight and bias both get the gradient g."""
    ex = executor(
        f"""input x: [1]
            target g: [{SIZE}]
            output p = x -> dense({SIZE})""",
        "sum(p * g)",
        precision,
        optimizer,
    )
    ex.set_parameters({"p.dense.weight": FILE["start"][None], "p.dense.bias": FILE["start"]})
    return ex


def run(ex: gpubp.Executor, scale: Array | None = None) -> tuple[Array, Array]:
    """Weights and biases after the steps of the fixture; `scale`: a factor of the rate for each step."""
    weights, biases = [], []
    for t, g in enumerate(FILE["g"]):
        if scale is not None:
            ex.load_state_dict(ex.state_dict() | {"rate_scale": np.array(scale[t])})
        ex.train_step({"x": [[1.0]], "g": g[None]})
        weights.append(ex.parameters["p.dense.weight"][0].copy())
        biases.append(ex.parameters["p.dense.bias"].copy())
    return np.array(weights)[SHOWN], np.array(biases)[SHOWN]


def compare(found: Array, wanted: Array, precision: str) -> None:
    """Each component by its own size: where it started at 0, moves of 1e-15 count."""
    tolerance = 1e-10 if precision == "float64" else 1e-5
    size = np.abs(wanted).max(axis=0)
    assert (size > 0).all()
    assert (np.abs(found - wanted) <= tolerance * size).all()


@PRECISIONS
@pytest.mark.parametrize("name", NAMES)
def test_beside_the_peer(name: str, precision: str) -> None:
    c = case(FILE, name)
    weights, biases = run(make(name, precision))
    compare(weights, c["w"], precision)
    compare(biases, c["b"], precision)


@PRECISIONS
@pytest.mark.parametrize("form", ["classical", "nesterov"])
def test_momentum_holds_the_rate_inside(form: str, precision: str) -> None:
    """Under a changing rate the velocity keeps the moves that were made, as Sutskever et al. (2013) have it."""
    c = case(FILE, "rates")
    optimizer = f"sgd(lr = 0.01, momentum = 0.9, nesterov = {'true' if form == 'nesterov' else 'false'})"
    weights, biases = run(make(optimizer, precision), c["scale"])
    compare(weights, c[form], precision)
    compare(biases, c[form], precision)


def nadam(product: type[np.floating]) -> Array:
    """Dozat (2016) as written there, with the product of the momenta kept in a type."""
    p, so_far = FILE["start"].copy(), product(1)
    m, v, places = np.zeros(SIZE), np.zeros(SIZE), []
    for t, g in enumerate(FILE["g"], 1):
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (step / 250)) for step in (t, t + 1))
        so_far = product(so_far * product(now))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        move = (1 - now) * g / (1 - float(so_far)) + after * m / (1 - float(so_far) * after)
        p = p - 0.01 * move / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        places.append(p)
    return np.array(places)[SHOWN]


def test_where_nadam_departs_from_the_peer() -> None:
    """PyTorch keeps the product of the momenta in its default type, which is float32 where nobody chose another, for
    parameters of float64 too: ours is the paper's, and the peer's the paper's with that product."""
    ours, theirs = run(make("nadam(lr = 0.01)", "float64"))[0], case(FILE, "product32")["nadam"]
    np.testing.assert_allclose(ours, nadam(np.float64), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(theirs, nadam(np.float32), rtol=1e-13, atol=1e-16)
    assert 1e-10 < np.abs(ours - theirs).max() < 1e-8


def test_every_optimizer_is_compared() -> None:
    """Those that need the loss, too, in test_lbfgs.py and test_certified.py."""
    assert {name.split("(")[0] for name in NAMES} | {"lbfgs", "levenberg_marquardt"} == {
        name for part, name in ENTRIES if part == "optimizer"
    }
