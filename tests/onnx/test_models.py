"""Exported models are what the standard asks for, and give what `predict` gives, for any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.ir import Decomposition, OneNode, OnnxForm, Primitive
from tests.portable.running import filled, some
from tests.render.compiled import FEWER

from .running import Array, as_fed, by_reference, by_runtime, checked, model_of, near, needs_onnx, needs_runtime

pytestmark = needs_onnx
Run = Callable[[bytes, Mapping[str, Array]], dict[str, Array]]


def check(executor: gpubp.Executor, run: Run, bound: float, counts: tuple[int, ...] = (1, 5)) -> None:
    """Compare a model with what it was made of."""
    model = model_of(executor)
    proto = checked(model)
    sizes = {one.type.tensor_type.shape.dim[0].dim_param for one in (*proto.graph.input, *proto.graph.output)}
    assert sizes == {"batch"}
    for count in counts:
        rng = np.random.default_rng(count)
        rows = {n.name: some(n, rng, count) for n in executor.net.graph.inputs}
        near(run(model, as_fed(executor, rows)), executor.predict(rows), bound)


@needs_runtime
@pytest.mark.parametrize("path", sorted(Path("models").glob("*.net")), ids=lambda path: path.stem)
def test_every_model(path: Path) -> None:
    check(filled(gpubp.load(path, FEWER.get(path.stem, {})), "numpy", "float32"), by_runtime, 1e-5)


@needs_runtime
@pytest.mark.parametrize("name", ["digits_gru", "digits_lstm", "mixture", "pinn", "transformer", "vae"])
def test_float64(name: str) -> None:
    check(filled(gpubp.load(f"models/{name}.net", FEWER.get(name, {})), "numpy", "float64"), by_runtime, 1e-12)


@pytest.mark.parametrize("name", ["autoencoder", "siamese"])
def test_what_runtimes_do_not_have_in_float64(name: str) -> None:
    """Convolution: the standard's own evaluator has it."""
    check(filled(gpubp.load(f"models/{name}.net"), "numpy", "float64"), by_reference, 1e-12, (2,))


@needs_runtime
@pytest.mark.parametrize(
    ("primitive", "wrong"),
    [(ops.tanh, OneNode("Erf")), (ops.sigmoid, Decomposition(lambda x: 1.0 / (1.0 + ops.exp(-1.0001 * x))))],
    ids=["another node", "a factor"],
)
def test_a_wrong_form_is_found(primitive: Primitive, wrong: OnnxForm) -> None:
    """The checks of this file see what they are to see."""
    executor, right = filled(gpubp.load("models/xor.net"), "numpy", "float32"), primitive.onnx
    check(executor, by_runtime, 1e-5)
    object.__setattr__(primitive, "onnx", wrong)
    try:
        with pytest.raises(AssertionError, match="not strictly ordered"):
            check(executor, by_runtime, 1e-5)
    finally:
        object.__setattr__(primitive, "onnx", right)
