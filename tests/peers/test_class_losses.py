"""Losses of probabilities, scores and counts beside PyTorch: the loss and every gradient, with random parameters."""

from __future__ import annotations

import pytest

from gpubp.registry import ENTRIES

from .nets import case, close, executor, fixture

FILE = fixture("class_losses")
NAMES = list(dict.fromkeys(key.split("/")[0] for key in FILE if "/" in key))
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])


@PRECISIONS
@pytest.mark.parametrize("name", NAMES)
def test_beside_the_peer(name: str, precision: str) -> None:
    c = case(FILE, name)
    width, units = c["w"].shape
    inner = "".join(f"{n}, " for n in c["x"].shape[1:-1])
    target = f"class({units})[{inner.strip(', ')}]" if "|" in name else f"[{units}]"
    stage = str(c["stage"])
    last = "" if stage.startswith("dense") else f" -> {stage}"
    ex = executor(
        f"""input x: [{inner}{width}]
            target y: {target.replace("[]", "")}
            output p = x -> dense({units}){last}""",
        name.partition("|")[0].replace("0 + ", ""),
        precision,
    )
    assert ex.net.warnings == ()
    ex.set_parameters({"p.dense.weight": c["w"], "p.dense.bias": c["b"]})
    batch = {"x": c["x"], "y": c["y"]}
    ex.fit(batch)
    loss, found = ex.gradients(batch)
    close(loss, c["loss"], precision)
    close(ex.loss(batch), c["loss"], precision)
    close(found["p.dense.weight"], c["dw"], precision)
    close(found["p.dense.bias"], c["db"], precision)


def test_every_loss_is_compared() -> None:
    here = {name.replace("0 + ", "").split("(")[0] for name in NAMES}
    there = {key.split("(")[0] for key in fixture("losses") if "(" in key}
    assert here | there == {name for part, name in ENTRIES if part == "loss"}
