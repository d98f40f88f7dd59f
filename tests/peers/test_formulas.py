"""Functions of several values, masked attention, positions and fitted layers beside PyTorch and scikit-learn: the
result, and the gradient of every value and parameter, all of them random."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES

from .nets import Array, close, executor, fixture

FILE = fixture("formulas")
NAMES = list(dict.fromkeys(key.split("|")[0] for key in FILE if "|" in key))
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
ROWS = 5


def case(name: str) -> dict[str, Array]:
    return {key.removeprefix(f"{name}|"): a for key, a in FILE.items() if key.startswith(f"{name}|")}


def part(c: dict[str, Array], of: str) -> dict[str, Array]:
    return {key.removeprefix(f"{of}/"): array for key, array in c.items() if key.startswith(f"{of}/")}


def net(line: str, c: dict[str, Array], precision: str) -> gpubp.Executor:
    """Rows are those of the identity, so that each value of the line is a parameter, a row for each example."""
    lines = [f"input row: [{ROWS}]", f"target u: {list(c['u'].shape[1:])}"]
    for name, array in part(c, "fixed").items():
        shape = list(array.shape[1:])
        lines.append(f"input {name}: {f'class(4){shape}' if array.dtype.kind == 'i' else shape}")
    for name, array in part(c, "value").items():
        lines.append(f"layer given_{name} = dense({array[0].size}, bias = false)")
        lines.append(f"{name} = row -> given_{name} -> reshape({list(array.shape[1:])})")
    return executor("\n".join([*lines, f"output p = {line}"]), "sum(p * u)", precision)


@PRECISIONS
@pytest.mark.parametrize("name", NAMES)
def test_beside_the_peer(name: str, precision: str) -> None:
    c, line = case(name), name.partition(": ")[2]
    ex = net(line, c, precision)
    paths = {value: f"given_{value}.weight" for value in part(c, "value")}
    paths |= {
        key: next(p for p in ex.parameters if p[:2] == "p." and p.endswith(f".{key}")) for key in part(c, "weight")
    }
    assert set(paths.values()) == set(ex.parameters)
    arrays = part(c, "value") | part(c, "weight")
    ex.set_parameters({path: arrays[key].reshape(ex.parameters[path].shape) for key, path in paths.items()})
    rows = {"row": np.eye(ROWS), **part(c, "fixed")}
    ex.fit(rows)
    close(ex.predict(rows)["p"], c["p"], precision)
    loss, found = ex.gradients({**rows, "u": c["u"]})
    close(loss, c["loss"], precision)
    for key, path in paths.items():
        close(found[path].reshape(arrays[key].shape), c[f"d/{key}"], precision)


def test_every_function_is_compared() -> None:
    """Here, or in another file of this folder; what is drawn at random is compared with its definition elsewhere."""
    lines = [name.partition(": ")[2] for name in NAMES]
    words = {word for line in lines for word in re.findall(r"\w+", line)}
    for file in ("activations", "layers", "recurrent"):
        words |= {re.split(r"\W", key)[0] for key in fixture(file)}
    drawn = {"normal", "uniform", "dropout", "gaussian_noise", "random_flip", "random_shift", "random_crop"}
    own = {name for (kind, name), e in ENTRIES.items() if kind == "function" and e.function.__module__[:5] == "gpubp"}
    assert own - words - drawn == {"dense", "derivative"}  # the first stands in every case, the other has its own file


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "^"])
def test_every_operator_is_compared(sign: str) -> None:
    assert any(f" {sign} " in name for name in NAMES)
