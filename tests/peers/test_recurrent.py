"""Recurrent layers beside PyTorch: the output and every gradient, with random parameters."""

from __future__ import annotations

import pytest

from .nets import case, close, executor, fixture

CASES = fixture("recurrent")
NAMES = list(dict.fromkeys(key.split("/")[0] for key in CASES if "/" in key))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_layer(name: str, precision: str) -> None:
    c = case(CASES, name)
    _, steps, features = c["x"].shape
    ex = executor(
        f"""input x: [{steps}, {features}]
            target u: {list(c["u"].shape[1:])}
            output p = x -> dense({c["v"].shape[1]}, bias = false) -> {name}""",
        "sum(p * u)",
        precision,
    )
    kind = name.partition("(")[0]
    known = {"p.dense.weight": "v"} | {n: n.removeprefix(f"p.{kind}.") for n in ex.parameters if f".{kind}." in n}
    assert known.keys() == ex.parameters.keys()
    ex.set_parameters({n: c[key] for n, key in known.items()})
    close(ex.predict(c["x"]), c["p"], precision)
    _, found = ex.gradients({"x": c["x"], "u": c["u"]})
    for n, key in known.items():
        close(found[n], c[f"d{key}"], precision)
    assert {key.removeprefix("d") for key in c} == {"x", "u", "p", *known.values()}


def test_every_form_is_there() -> None:
    assert len(NAMES) == 18
    assert {name.partition("(")[0] for name in NAMES} == {"rnn", "lstm", "gru"}
