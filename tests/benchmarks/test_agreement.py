"""gpubp comes to the losses that PyTorch came to on the cases of the benchmark, and who computes something else is
found out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gpubp
from benchmarks.agreement import STEPS, TOLERANCE, departure
from benchmarks.peers import gpubp as peer
from benchmarks.suite import BY_NAME, CASES, ROOT, Case, materials, reference

LOSSES = json.loads((Path(__file__).parent / "losses.json").read_text("utf-8"))


FEW = 5
"""Steps of the nets that take long."""


def losses(case: Case, way: str, steps: int = STEPS) -> np.ndarray:
    found = peer.prepare(case, way, materials(case), True).steps(steps)
    return np.asarray(found, np.float64).reshape(steps, -1).mean(1)


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_are_those_of_pytorch(name: str) -> None:
    steps = FEW if name in ("cnn", "lstm", "transformer") else STEPS
    assert departure(losses(BY_NAME[name], "numpy", steps), LOSSES[name][:steps]) < TOLERANCE / 10


@pytest.mark.parametrize("name", ["xor", "restarts", "mlp_small", "epoch"])
def test_those_of_compiled_kernels_too(name: str) -> None:
    assert departure(losses(BY_NAME[name], "native"), LOSSES[name]) < TOLERANCE / 10


@pytest.mark.parametrize("name", ["xor", "mlp_small", "lstm"])
def test_double_precision_is_the_same_to_rounding(name: str) -> None:
    case = BY_NAME[name]
    steps = FEW if name == "lstm" else STEPS
    assert departure(reference(case, materials(case), steps), LOSSES[name][:steps]) < TOLERANCE / 10


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("xor", "lr = 0.05", "lr = 0.0505"),
        ("mlp_small", "lr = 0.001", "lr = 0.00101"),
        ("lstm", "lr = 0.001", "lr = 0.00101"),
        ("epoch", "lr = 0.001", "lr = 0.00101"),
        ("mlp_small", "lr = 0.001", "lr = 0.001, beta2 = 0.99"),
        ("xor", "lr = 0.05", "lr = 0.05, beta1 = 0.91"),
        ("mlp_small", "cross_entropy(p, y)", "cross_entropy(p, y) + l2(1e-3)"),
        ("mlp_small", "cross_entropy(p, y)", "cross_entropy(p, y, smooth = 0.01)"),
    ],
)
def test_a_departure_is_found_out(tmp_path: Path, name: str, right: str, wrong: str) -> None:
    case = BY_NAME[name]
    changed = replace(case, net=tmp_path / "changed.net")
    text = case.net.read_text("utf-8").replace("../../models/data", (ROOT / "models" / "data").as_posix())
    changed.net.write_text(text.replace(right, wrong), "utf-8")
    assert right in text
    assert departure(losses(changed, "numpy"), LOSSES[name]) > TOLERANCE


def test_another_shape_and_nan_are_departures() -> None:
    assert departure([1.0, 2.0], [1.0]) == float("inf")
    assert departure([1.0, float("nan")], [1.0, 2.0]) == float("inf")
    assert departure([1.0, 2.0], [1.0, 2.0]) == 0


def test_the_restarts_are_compared_one_by_one() -> None:
    case = replace(BY_NAME["restarts"], count=6)
    arrays = materials(case)
    found = np.asarray(peer.prepare(case, "numpy", arrays, True).steps(STEPS), np.float64)
    right = reference(case, arrays)
    assert found.shape == right.shape == (STEPS, case.count)
    assert departure(found, right) < TOLERANCE / 10
    found[:, [3, 4]] = found[:, [4, 3]]
    assert departure(found, right) > TOLERANCE


@pytest.mark.parametrize("case", [c for c in CASES if c.kind == "predict"], ids=lambda c: c.name)
def test_the_outputs_are_those_of_double_precision(case: Case) -> None:
    few = replace(case, rows=min(case.rows, STEPS))
    arrays = materials(few)
    found = peer.prepare(few, "numpy", arrays, True).steps(1)
    assert departure(found[:STEPS], reference(few, arrays)) < TOLERANCE / 10


def test_every_net_is_there_with_the_rows_of_its_case() -> None:
    assert len(BY_NAME) == len(CASES)
    for case in CASES:
        batch = gpubp.load(case.net).option("batch")
        assert batch == case.rows or case.kind == "predict" or case.net.stem == "xor"
