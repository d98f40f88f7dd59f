"""Losses and metrics of classes at their edges: logits far out, empty classes, equal scores, wrong options."""

from __future__ import annotations

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES
from tests.peers.nets import Array, executor

from .test_metrics import evaluate
from .test_regressions import refused

PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])

NUMBERS = {
    "poisson(p, y)": ("softplus", [0.0, 1.0, 7.0]),
    "cosine(p, y)": ("tanh", [0.0, 1.0, -1.0]),
    "1 + cosine(p, y)": ("relu", [0.0, 1.0, -1.0]),
    "contrastive(p, y)": ("softplus", [0.0, 1.0, 1.0]),
    "dice(p, y)": ("sigmoid", [0.0, 1.0, 1.0]),
    "dice(p, y, smooth = 0)": ("sigmoid", [0.0, 0.0, 0.0]),
    "kl_divergence(p, y)": ("softmax", [0.0, 1.0, 0.0]),
    "1 + kl_divergence(p, y)": ("sigmoid", [0.0, 1.0, 0.0]),
    "focal(p, y)": ("sigmoid", [0.0, 1.0, 1.0]),
    "focal(p, y, gamma = 0.3, alpha = 0.25)": ("sigmoid", [0.0, 1.0, 1.0]),
    "focal(p, y, gamma = 0)": ("sigmoid", [0.0, 1.0, 1.0]),
    "hinge(p, y)": ("reshape([3])", [-1.0, 1.0, 1.0]),
    "binary_cross_entropy(p, y)": ("sigmoid", [0.0, 1.0, 0.3]),
}
LABELS = {
    "cross_entropy(p, y, smooth = 10%)": "softmax",
    "cross_entropy(p, y, smooth = 100%)": "softmax",
    "cross_entropy(p, y, weights = [0, 5, 1])": "softmax",
    "cross_entropy(p, y, ignore = 0)": "softmax",
    "focal(p, y)": "softmax",
    "focal(p, y, gamma = 0.3)": "softmax",
    "hinge(p, y)": "reshape([3])",
}
LOGITS = [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [0.0, 0.0, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4], [1e4, 0.0, -1e4]]


def check_far_out(loss: str, stage: str, target: str, y: Array, precision: str) -> None:
    """Loss and gradients are finite, in training and evaluation."""
    for z in LOGITS:
        ex = executor(
            f"input x: [1]\ntarget y: {target}\noutput p = x -> dense(3, init = zeros) -> {stage}", loss, precision
        )
        ex.set_parameters({"p.dense.bias": z})
        for one in y:
            batch = {"x": [[1.0]], "y": one[None]}
            value, found = ex.gradients(batch)
            assert np.isfinite(value)
            assert all(np.isfinite(g).all() for g in found.values())
            assert np.isfinite(ex.loss(batch))


@PRECISIONS
@pytest.mark.parametrize("loss", NUMBERS)
def test_logits_far_out(loss: str, precision: str) -> None:
    stage, y = NUMBERS[loss]
    check_far_out(loss, stage, "[3]", np.array([y, y[::-1]]), precision)


@PRECISIONS
@pytest.mark.parametrize("loss", LABELS)
def test_logits_far_out_of_labels(loss: str, precision: str) -> None:
    check_far_out(loss, LABELS[loss], "class(3)", np.array([0, 1, 2]), precision)


@PRECISIONS
def test_a_rate_is_as_safe_as_its_logarithm(precision: str) -> None:
    """log(exp(z)) is z and log(softplus(z)) is z far below 0, also in a formula of one's own."""
    for stage in ("exp", "softplus"):
        model = f"input x: [1]\ntarget y: [1]\noutput p = x -> dense(1) -> {stage}"
        for loss in ("poisson(p, y)", "sum(p - y * log(p))"):
            ex = executor(model, loss, precision)
            ex.set_parameters({"p.dense.weight": [[-500.0]]})
            value, found = ex.gradients({"x": [[1.0]], "y": [[3.0]]})
            assert value == pytest.approx(1500)
            assert found["p.dense.weight"] == pytest.approx(-3)


# What the options mean -----------------------------------------------------------------------------------------------
MODEL = "input x: [3]\ntarget y: class(3)\noutput p = x -> softmax"


def test_weights_and_smoothing_by_hand() -> None:
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    batch = {"x": np.log(p), "y": [0, 2]}
    each = -np.log([0.5, 0.7])
    assert executor(MODEL, "cross_entropy(p, y, weights = [1, 100, 3])").loss(batch) == pytest.approx(
        (each * [1, 3]).mean()
    )
    mixed = 0.9 * each - 0.1 * np.log(p).mean(1)
    assert executor(MODEL, "cross_entropy(p, y, smooth = 10%)").loss(batch) == pytest.approx(mixed.mean())
    # An ignored example counts among the examples: its loss is 0.
    assert executor(MODEL, "cross_entropy(p, y, ignore = 0)").loss(batch) == pytest.approx(each[1] / 2)


def test_ignored_positions_do_not_count() -> None:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(4, 5, 3)), rng.integers(1, 3, (4, 5))
    y[0, 2:], y[1] = 0, 0
    text = "input x: [5, 3]\n  target y: class(3)[5]\n  output p = x -> softmax"
    nll = np.logaddexp.reduce(logits, -1) - np.take_along_axis(logits, y[..., None], -1)[..., 0]
    found = evaluate(text, "cross_entropy(p, y, ignore = 0)", "perplexity(p, y, ignore = 0)", {"x": logits, "y": y})
    counts = y > 0
    assert found["perplexity"] == pytest.approx(np.exp(nll[counts].mean()))
    means = [nll[i][counts[i]].mean() if counts[i].any() else 0 for i in range(4)]
    assert found["loss"] == pytest.approx(np.mean(means))
    found = evaluate(text, "cross_entropy(p, y)", "perplexity(p, y)", {"x": logits, "y": y})
    assert found["perplexity"] == pytest.approx(np.exp(nll.mean()))
    nothing = evaluate(text, "cross_entropy(p, y)", "perplexity(p, y, ignore = 0)", {"x": logits, "y": 0 * y})
    assert nothing["perplexity"] == 1


def test_perplexity_of_no_number_is_none() -> None:
    text = "input x: [3]\n  target y: class(3)\n  output p = sqrt(x) -> softmax"
    found = evaluate(text, "cross_entropy(p, y)", "perplexity(p, y)", {"x": -np.ones((2, 3)), "y": np.array([0, 1])})
    assert np.isnan(found["perplexity"])


def test_perplexity_is_no_mean_of_batches() -> None:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(5000, 3)), rng.integers(0, 3, 5000)
    logits[4096:] *= 20
    found = evaluate(MODEL.replace("\n", "\n  "), "cross_entropy(p, y)", "perplexity(p, y)", {"x": logits, "y": y})
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]))


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("cross_entropy(p, y, weights = [1, 2])", "`cross_entropy` needs a list of one weight per class, 3 in all"),
        ("cross_entropy(p, y, weights = [[1], [2], [3]])", "`cross_entropy` needs a list of one weight per class"),
        ("cross_entropy(p, y, weights = 2)", "`cross_entropy` needs a list of one weight per class, 3 in all"),
        ("cross_entropy(p, y, weights = [1, -2, 3])", "a weight of `cross_entropy` is -2: they are not negative"),
        ("cross_entropy(p, y, ignore = 3)", "`ignore` is a label from 0 to 2, but this is 3"),
        ("focal(p, y, alpha = 0.25)", "`alpha` weighs ones against zeros, but the target is a class label"),
    ],
)
def test_options_that_do_not_fit(loss: str, message: str) -> None:
    (found,) = refused("input x: [2]\ntarget y: class(3)\noutput p = x -> dense(3) -> softmax", loss)
    assert found.startswith(message)


def test_the_ignored_label_of_a_metric_is_a_class() -> None:
    model = "input x: [2]\ntarget y: class(3)\noutput p = x -> dense(3) -> softmax"
    (found,) = refused(model, "cross_entropy(p, y)", "  metrics = [perplexity(p, y, ignore = 3)]")
    assert found == "`ignore` is a label from 0 to 2, but this is 3"


def test_losses_along_an_axis_need_one() -> None:
    for loss in ("cosine", "kl_divergence"):
        (message,) = refused("input x: [2]\ntarget y: []\noutput p = sum(x -> dense(2))", f"{loss}(p, y)")
        assert message == f"`{loss}` goes along the last axis, but this is a single number"


# Metrics -------------------------------------------------------------------------------------------------------------
def of_labels(metric: str, p: Array, y: Array) -> float:
    text = f"input x: [{p.shape[-1]}]\n  target y: class({p.shape[-1]})\n  output p = 1 * x"
    return evaluate(text, "sum(p * one_hot(y))", metric, {"x": p, "y": y})[metric.split("(")[0]]


def test_auc_at_its_edges() -> None:
    y = np.array([0, 0, 1, 1])
    for p, wanted in (
        ([0.1, 0.2, 0.3, 0.4], 1.0),
        ([0.4, 0.3, 0.2, 0.1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),
        ([0.1, 0.3, 0.3, 0.4], 0.875),
    ):
        assert of_labels("auc(p, y)", np.stack([1 - np.array(p), p], 1), y) == wanted
    for only in (0, 1):
        assert of_labels("auc(p, y)", np.eye(2)[y], 0 * y + only) == 0.5


def test_auc_of_many_pieces_is_exact() -> None:
    """Not a mean of the pieces' areas: the scores drift."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 9000)
    s = rng.normal(size=9000) + y + np.arange(9000) / 2000
    order = np.argsort(s)
    ranks = np.empty(9000)
    ranks[order] = np.arange(1, 9001)
    wanted = (ranks[y == 1].sum() - (y == 1).sum() * ((y == 1).sum() + 1) / 2) / ((y == 1).sum() * (y == 0).sum())
    assert of_labels("auc(p, y)", np.stack([0 * s, s], 1), y) == pytest.approx(wanted, rel=1e-12)


def test_more_is_better_of_the_metrics_that_rise() -> None:
    """Of right predictions and of wrong ones."""
    y = np.array([0, 1, 2])
    for (part, name), entry in ENTRIES.items():
        if part == "metric" and not entry.table:
            if name in ("mse", "rmse", "mae", "r2"):
                text = "input x: [1]\n  target y: [1]\n  output p = 1 * x"
                right, wrong = (
                    evaluate(text, "sum(p - y)", f"{name}(p, y)", {"x": x[:, None], "y": y[:, None]})[name]
                    for x in (y, 2 - y)
                )
            else:
                metric = f"{name}(p, y{', k = 1' if name == 'top_k' else ''})"
                right, wrong = (of_labels(metric, p, y) for p in (np.eye(3), np.eye(3)[[1, 2, 0]]))
            assert (right > wrong) == entry.rising, name


def test_top_k_of_equal_scores_is_not_given_away() -> None:
    y = np.array([0, 1, 2, 3])
    assert of_labels("top_k(p, y, k = 2)", np.full((4, 4), 0.25), y) == 0
    assert of_labels("top_k(p, y, k = 1)", np.eye(4)[y], y) == 1
    (message,) = refused(
        "input x: [2]\ntarget y: class(3)\noutput p = x -> dense(3) -> softmax",
        "cross_entropy(p, y)",
        "  metrics = [top_k(p, y)]",
    )
    assert message == "all of 3 classes are among the 5 most probable"


def test_classes_that_are_never_taken_or_never_there() -> None:
    p, y = np.eye(3)[[0, 0, 1, 1]], np.array([0, 0, 0, 0])
    assert of_labels("precision(p, y)", p, y) == pytest.approx(1 / 3)
    assert of_labels("recall(p, y)", p, y) == pytest.approx(0.5 / 3)
    assert of_labels("f1(p, y, of = 0)", p, y) == pytest.approx(2 / 3)
    assert of_labels("f1(p, y, of = 2)", p, y) == 0
    assert of_labels("f1(p, y, average = micro)", p, y) == 0.5


def test_figures_of_sequences_are_over_positions() -> None:
    rng = np.random.default_rng(0)
    p, y = rng.normal(size=(20, 6, 3)), rng.integers(0, 3, (20, 6))
    text = "input x: [6, 3]\n  target y: class(3)[6]\n  output p = 1 * x"
    metrics = ["f1(p, y)", "precision(p, y, average = micro)", "auc(p, y)", "top_k(p, y, k = 2)"]
    for metric in metrics:
        found = evaluate(text, "sum(p)", metric, {"x": p, "y": y})[metric.split("(")[0]]
        assert found == pytest.approx(of_labels(metric, p.reshape(-1, 3), y.reshape(-1)), rel=1e-12)


@pytest.mark.parametrize("rows", [1, 3, 4097])
def test_rmse(rows: int) -> None:
    rng = np.random.default_rng(rows)
    p, y = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 2))
    text = "input x: [2]\n  target y: [2]\n  output p = 1 * x"
    found = evaluate(text, "mse(p, y)", "rmse(p, y)", {"x": p, "y": y})
    assert found["rmse"] == pytest.approx(np.sqrt(((p - y) ** 2).mean()), rel=1e-12)


def test_warnings_name_the_loss() -> None:
    def warned(stage: str, target: str, loss: str) -> list[str]:
        text = f"""
model {{
  input  x: [2]
  target y: {target}
  output p = x -> dense(3){stage}
}}
train {{
  loss      = {loss}
  optimizer = adam
}}
"""
        return [w.message for w in gpubp.loads(text).warnings]

    other = "takes the logarithm of a value that is not the result of"
    assert warned("", "[3]", "poisson(p, y)") == [f"`poisson` {other} exp or softplus"]
    assert warned("", "[3]", "focal(p, y)") == [f"`focal` {other} sigmoid or softmax"]
    assert warned(" -> sigmoid", "class(3)", "focal(p, y)") == ["`focal` of a sigmoid"]
    assert warned(" -> softmax", "[3]", "focal(p, y)") == ["`focal` of a softmax"]
    for stage, target, loss in (
        (" -> exp", "[3]", "poisson(p, y)"),
        (" -> softplus", "[3]", "poisson(p, y)"),
        (" -> sigmoid", "[3]", "focal(p, y)"),
        (" -> softmax", "class(3)", "focal(p, y)"),
        (" -> softmax", "[3]", "kl_divergence(p, y)"),
        ("", "class(3)", "hinge(p, y)"),
    ):
        assert warned(stage, target, loss) == []
