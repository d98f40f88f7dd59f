"""`weights = balanced`: factors from the labels of the training rows, counted before the first step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.errors import InputError
from gpubp.executor import Ensemble

from .test_regressions import refused

CLASSES = 3
COUNTS = (12, 60, 8)
FACTORS = [sum(COUNTS) / (CLASSES * n) for n in COUNTS]
TEXT = """
model {
  input  x: [2]
  target y: class(3)
  output p = x -> standardize -> dense(4) -> tanh -> dense(3) -> softmax
}
train {
  loss      = cross_entropy(p, y, weights = balanced) + l2(1e-3)
  optimizer = adam(lr = 0.02)
  epochs    = 2
  batch     = 32
}
"""


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(CLASSES), COUNTS))
    return {"x": rng.normal(size=(len(y), 2)) + y[:, None], "y": y}


def executor(text: str = TEXT, seed: int = 0) -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(text), device="cpu", precision="float64", seed=seed)


def test_it_is_the_training_with_those_factors_written_out() -> None:
    counted, written = executor(), executor(TEXT.replace("balanced", f"[{', '.join(map(repr, FACTORS))}]"))
    for ex in (counted, written):
        ex.train_steps(rows(), 9, 32)
    assert counted.loss(rows()) == pytest.approx(written.loss(rows()), rel=1e-12)
    for name, array in written.parameters.items():
        np.testing.assert_allclose(counted.parameters[name], array, rtol=1e-12, err_msg=name)


def test_rare_classes_count_as_much_as_frequent_ones() -> None:
    ex = executor(TEXT.replace(" + l2(1e-3)", ""))
    ex.fit(rows())
    ex.set_parameters({name: np.zeros_like(array) for name, array in ex.parameters.items()})
    assert ex.loss(rows()) == pytest.approx(np.log(CLASSES)), "the factors have the mean 1 over the rows"
    _, gradients = ex.gradients(rows())
    np.testing.assert_allclose(gradients["p.dense_2.bias"], 0, atol=1e-15)


def test_labels_of_more_rows_than_are_looked_at_at_once_and_of_positions() -> None:
    text = (
        TEXT.replace("x: [2]", "x: [2, 2]")
        .replace("class(3)", "class(3)[2]")
        .replace("balanced", "balanced, ignore = 1")
    )
    ex = executor(text)
    rng = np.random.default_rng(1)
    data = {"x": rng.normal(size=(9000, 2, 2)), "y": rng.choice(3, size=(9000, 2), p=[0.2, 0.3, 0.5])}
    ex.fit(data)
    (name,) = (name for name in ex.state_dict() if name.endswith("counts"))
    assert ex.state_dict()[name].tolist() == [(data["y"] == 0).sum(), 0, (data["y"] == 2).sum()]


def test_counted_once_kept_in_the_state_and_not_by_evaluation() -> None:
    first, second = executor(), executor()
    first.fit(rows())
    other = {name: array[:7] for name, array in rows().items()}
    first.loss(other)
    first.train_step(other)
    second.load_state_dict(first.state_dict())
    second.train_step(other)
    first.train_step(other)
    assert first.loss(rows()) == second.loss(rows())
    (counts,) = (array for name, array in second.state_dict().items() if name.endswith("counts"))
    assert counts.tolist() == list(COUNTS)


def test_a_class_without_rows() -> None:
    some = {name: array[rows()["y"] != 2] for name, array in rows().items()}
    ex = executor()
    assert np.isfinite(ex.train_steps(some, 5, 32)).all()
    assert np.isfinite(ex.loss(rows()))


def test_restarts_share_the_counts() -> None:
    net = gpubp.loads(TEXT)
    many = Ensemble(net, 3, "cpu", "float64", seed=4)
    losses, _, _ = many.run_steps(many.place(rows()), 6, 32)
    for k in range(3):
        one = executor(seed=4 + k)
        np.testing.assert_array_equal(losses[k], one.run_steps(one.place(rows()), 6, 32)[0])
        assert many.evaluate(rows())[k] == one.evaluate(rows())


def test_of_a_file_the_training_rows_alone_are_counted_and_a_resume_goes_on(tmp_path: Path) -> None:
    data = rows()
    lines = [f"{a},{b},{y}" for (a, b), y in zip(data["x"], data["y"], strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y", *lines, ""]), "utf-8")
    head = 'data {\n  x, y = csv("a.csv", target = "y")\n  split = split(train = 50%, test = 50%)\n}\n'
    (tmp_path / "a.net").write_text(head + TEXT, "utf-8")
    net = gpubp.load(tmp_path / "a.net")
    run = gpubp.train(net, "cpu", out=tmp_path / "run")
    whole = run.dataset.part("train")["y"]
    (counts,) = (array for name, array in run.executor.state_dict().items() if name.endswith("counts"))
    assert counts.tolist() == [(whole == c).sum() for c in range(CLASSES)]
    half = gpubp.train(net, "cpu", out=tmp_path / "half", epochs=1)
    assert half.executor.step < run.executor.step
    resumed = gpubp.train(net, "cpu", resume=tmp_path / "half", epochs=2)
    for name, array in run.executor.state_dict().items():
        assert resumed.executor.state_dict()[name].tobytes() == array.tobytes(), name


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="y"):
        executor().fit({"x": rows()["x"]})
    model = "input x: [2]\ntarget y: class(3)\noutput p = x -> dense(3) -> softmax"
    (message,) = refused(model, "cross_entropy(p, y, weights = even)")
    assert "balanced" in message or "even" in message
