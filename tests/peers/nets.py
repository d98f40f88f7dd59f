"""What the tests beside the fixtures share: the files, small nets, the executor's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import gpubp

Array = np.ndarray[Any, Any]
HERE = Path(__file__).parent


def fixture(name: str) -> dict[str, Array]:
    """All arrays of a file."""
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def case(arrays: dict[str, Array], name: str) -> dict[str, Array]:
    """The arrays of one case, by their names in it."""
    return {key.removeprefix(f"{name}/"): value for key, value in arrays.items() if key.startswith(f"{name}/")}


def executor(model: str, loss: str, precision: str = "float64", optimizer: str = "sgd(lr = 0.1)") -> gpubp.Executor:
    """An executor on the CPU for the lines of a model and a loss."""
    lines = "\n".join(f"  {line.strip()}" for line in model.strip().splitlines())
    text = f"model {{\n{lines}\n}}\ntrain {{\n  loss = {loss}\n  optimizer = {optimizer}\n  epochs = 1\n}}\n"
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision=precision)


def close(found: Any, wanted: Any, precision: str) -> None:
    """Equal to 1e-10 in float64, to 1e-5 in float32: of the value, or of 1 where it is smaller."""
    tolerance = 1e-10 if precision == "float64" else 1e-5
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
