"""Faults that other libraries had: numbers far out, shapes that broadcast by accident, memory that grows."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.layers import activations
from gpubp.registry import ENTRIES
from tests.peers.nets import executor

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
ACTIVATIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardswish", "softplus"),
    "softmax",
)
NUMBER_LOSSES = ("mse", "half_squared_error", "mae", "huber", "binary_cross_entropy")
OPTIMIZERS = ("rmsprop", "adam", "adamw", "amsgrad", "adamax", "nadam", "adagrad", "adadelta", "lion", "rprop")
OTHER_LOSSES = ("poisson", "cosine", "contrastive", "dice", "kl_divergence")


def refused(model: str, loss: str, metrics: str = "") -> list[str]:
    """The messages of a file that must not load."""
    lines = "\n".join(f"  {line.strip()}" for line in model.strip().splitlines())
    keys = f"  loss = {loss}\n  optimizer = adam\n  epochs = 1\n{metrics}"
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(f"model {{\n{lines}\n}}\ntrain {{\n{keys}\n}}\n")
    errors = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert all(d.span is not None for d in errors)
    return [d.message for d in errors]


def test_every_activation_is_tried() -> None:
    found = {name for part, name in ENTRIES if ENTRIES[part, name].function.__module__ == activations.__name__}
    assert found == set(ACTIVATIONS)


# Far out -------------------------------------------------------------------------------------------------------------
@PRECISIONS
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_finite_far_out(activation: str, precision: str) -> None:
    """Also where a factor of the derivative overflows beside one that is 0."""
    tiny = float(np.finfo(precision).smallest_subnormal)
    z = [-1e30, -1e4, -800.0, -90.0, -tiny, 0.0, tiny, 90.0, 800.0, 1e4, 1e30]
    ex = executor(
        f"input x: [1]\ntarget u: [{len(z)}]\noutput p = x -> dense({len(z)}, init = zeros) -> {activation}",
        "sum(p * u)",
        precision,
    )
    ex.set_parameters({"p.dense.bias": z})
    assert np.isfinite(ex.predict([[1.0]])).all()
    loss, found = ex.gradients({"x": [[1.0]], "u": np.ones((1, len(z)))})
    assert np.isfinite(loss)
    assert np.isfinite(found["p.dense.bias"]).all()


@PRECISIONS
@pytest.mark.parametrize("scale", [1e4, 1e37])
def test_labels_far_on_the_wrong_side(scale: float, precision: str) -> None:
    """Rows right and wrong by far, in one batch: the loss is the distance, the gradient p - y, and training goes on."""
    y = [0, 1, 0, 1]
    x = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    many = executor(
        "input x: [1]\ntarget y: class(2)\noutput p = x -> dense(2) -> softmax", "cross_entropy(p, y)", precision
    )
    many.set_parameters({"p.dense.weight": [[0.0, scale]]})
    loss, found = many.gradients({"x": x, "y": y})
    assert loss == pytest.approx(scale / 2)
    np.testing.assert_allclose(found["p.dense.weight"], [[-0.5, 0.5]])
    np.testing.assert_array_equal(found["p.dense.bias"], [0, 0])
    two = executor(
        "input x: [1]\ntarget y: [1]\noutput p = x -> dense(1) -> sigmoid", "binary_cross_entropy(p, y)", precision
    )
    two.set_parameters({"p.dense.weight": [[scale]]})
    loss, found = two.gradients({"x": x, "y": np.array(y)[:, None]})
    assert loss == pytest.approx(scale / 2)
    np.testing.assert_allclose(found["p.dense.weight"], [[0.5]])
    for ex, labels in ((many, y), (two, np.array(y)[:, None])):
        for _ in range(3):
            assert np.isfinite(ex.train_step({"x": x, "y": labels}))


@PRECISIONS
def test_a_formula_is_as_safe_as_the_loss(precision: str) -> None:
    """log(sigmoid(z)) and log(1 - sigmoid(z)) written out."""
    model = "input x: [1]\ntarget y: [1]\noutput p = x -> dense(1) -> sigmoid"
    loss = "binary_cross_entropy(p, y)"
    written = executor(model, "mean(-(y * log(p) + (1 - y) * log(1 - p)))", precision)
    ready = executor(model, loss, precision)
    for z in (-1e4, -3.0, 0.0, 2.0, 1e4):
        for ex in (written, ready):
            ex.set_parameters({"p.dense.weight": [[z]]})
        for y in (0.0, 1.0, 0.25):
            rows = {"x": [[1.0]], "y": [[y]]}
            (a, da), (b, db) = written.gradients(rows), ready.gradients(rows)
            assert a == pytest.approx(b, rel=1e-6)
            np.testing.assert_allclose(da["p.dense.weight"], db["p.dense.weight"], rtol=1e-6)


@PRECISIONS
@pytest.mark.parametrize(("p", "y"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
def test_a_probability_of_0_or_1_that_no_rule_makes_safe(p: float, y: float, precision: str) -> None:
    """The loss is that of the smallest normal number, with a warning when the file is checked."""
    ex = executor(
        "input x: [1]\ntarget y: [1]\noutput p = x -> dense(1) -> relu", "binary_cross_entropy(p, y)", precision
    )
    assert [w.code for w in ex.net.warnings] == ["W0501"]
    ex.set_parameters({"p.dense.weight": [[1.0]]})
    rows = {"x": [[p]], "y": [[y]]}
    wanted = 0.0 if p == y else -float(np.log(np.finfo(precision).tiny))
    assert ex.loss(rows) == pytest.approx(wanted)
    assert np.isfinite(ex.gradients(rows)[1]["p.dense.weight"]).all()


# Shapes that broadcast by accident -----------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", [*NUMBER_LOSSES, *OTHER_LOSSES, "focal", "hinge"])
@pytest.mark.parametrize(("target", "units"), [("[]", 1), ("[1]", 3), ("[3]", 1), ("[1, 3]", 3), ("[3, 1]", 3)])
def test_losses_refuse_other_shapes(loss: str, target: str, units: int) -> None:
    model = f"input x: [2]\ntarget y: {target}\noutput p = x -> dense({units}) -> sigmoid"
    (message,) = refused(model, f"{loss}(p, y)")
    assert message == f"`{loss}` needs equal shapes, got [{units}] and {target}"


@pytest.mark.parametrize("metric", ["accuracy", "mae", "mse", "rmse", "r2", "precision", "recall", "f1", "auc"])
def test_metrics_refuse_other_shapes(metric: str) -> None:
    model = "input x: [2]\ntarget y: [3]\noutput p = x -> dense(1)"
    (message,) = refused(model, "sum(p) + 0 * sum(y)", f"  metrics = [{metric}(p, y)]")
    assert message == f"`{metric}` needs equal shapes, got [1] and [3]"


@pytest.mark.parametrize("loss", [*NUMBER_LOSSES, *OTHER_LOSSES])
def test_losses_of_numbers_refuse_labels(loss: str) -> None:
    (message,) = refused("input x: [2]\ntarget y: class(3)\noutput p = x -> dense(3) -> softmax", f"{loss}(p, y)")
    assert message == f"`{loss}` compares numbers, but the target is a class label"


@pytest.mark.parametrize(
    ("target", "units", "message"),
    [
        ("[3]", 3, "`cross_entropy` needs class labels, but the target is a tensor of numbers"),
        ("class(4)", 3, "`cross_entropy` needs one probability per class: 3 outputs for 4 classes"),
        ("class(3)[2]", 3, "`cross_entropy` needs one row of probabilities per label, got [3] for labels [2]"),
    ],
)
def test_cross_entropy_refuses_what_is_no_row_per_label(target: str, units: int, message: str) -> None:
    model = f"input x: [2]\ntarget y: {target}\noutput p = x -> dense({units}) -> softmax"
    assert refused(model, "cross_entropy(p, y)") == [message]


def test_a_loss_is_one_number_per_example() -> None:
    (message,) = refused("input x: [2]\ntarget y: [3]\noutput p = x -> dense(3)", "(p - y) ^ 2")
    assert message == "a loss is one number per example, this is [3]"


# Sizes at their edges ------------------------------------------------------------------------------------------------
@PRECISIONS
@pytest.mark.parametrize("loss", NUMBER_LOSSES)
def test_one_row_one_unit(loss: str, precision: str) -> None:
    ex = executor(
        "input x: [1]\ntarget y: [1]\noutput p = x -> standardize -> dense(1) -> sigmoid", f"{loss}(p, y)", precision
    )
    rows = {"x": [[0.0]], "y": [[1.0]]}
    ex.fit(rows)
    first = ex.train_step(rows)
    assert np.isfinite([first, *(ex.train_step(rows) for _ in range(20))]).all()
    assert ex.loss(rows) < first


@PRECISIONS
def test_zeros_everywhere_stay_finite(precision: str) -> None:
    for optimizer in ("sgd(lr = 0.1, momentum = 0.9)", *OPTIMIZERS):
        ex = executor(
            """input x: [3]
               target y: [2]
               output p = x -> standardize -> dense(4, init = zeros) -> relu -> dense(2, init = zeros)""",
            "mse(p, y) + l1(0.1) + l2(0.1)",
            precision,
            optimizer,
        )
        rows = {"x": np.zeros((4, 3)), "y": np.zeros((4, 2))}
        ex.fit(rows)
        assert [ex.train_step(rows) for _ in range(3)] == [0, 0, 0]
        assert all((p == 0).all() for p in ex.parameters.values())


# Runs ----------------------------------------------------------------------------------------------------------------
NOISY = """input x: [3]
target y: class(3)
output p = x -> standardize -> dense(8) -> gelu -> dropout(30%) -> dense(3) -> softmax"""


def trained(precision: str, optimizer: str = "adamw", steps: int = 25) -> tuple[gpubp.Executor, Any]:
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(50, 3)), "y": rng.integers(0, 3, 50)}
    ex = executor(NOISY, "cross_entropy(p, y) + l2(1e-4)", precision, optimizer)
    ex.fit(rows)
    return ex, ex.train_steps(rows, steps, 16)


@PRECISIONS
@pytest.mark.parametrize("optimizer", ["sgd(lr = 0.1, momentum = 0.9)", *OPTIMIZERS])
def test_two_runs_are_the_same_bytes(optimizer: str, precision: str) -> None:
    (one, losses), (two, others) = trained(precision, optimizer), trained(precision, optimizer)
    assert np.asarray(losses).tobytes() == np.asarray(others).tobytes()
    again = two.state_dict()
    assert {k: v.tobytes() for k, v in one.state_dict().items()} == {k: v.tobytes() for k, v in again.items()}


def test_memory_is_flat_over_fifty_epochs() -> None:
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(50, 3)), "y": rng.integers(0, 3, 50)}
    ex = executor(NOISY, "cross_entropy(p, y)", "float32", "adam")

    def epochs(count: int) -> int:
        for _ in range(count):
            ex.train_steps(rows, 4, 16)
            ex.evaluate(rows)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = epochs(5)
        assert epochs(50) - before < 20_000
    finally:
        tracemalloc.stop()
