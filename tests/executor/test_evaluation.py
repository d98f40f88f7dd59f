"""Evaluation: the same figures whatever the batch, nothing changed, regularisers silent."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend

from .nets import DROPOUT, LABELS, PLAIN, PREDICT_ONLY, contents, executor, labelled, rows


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_predictions_do_not_depend_on_the_batch(precision: str) -> None:
    ex = executor(precision=precision)
    x = rows(10_000)["x"]
    whole = ex.predict({"x": x})["p"]
    assert whole.shape == (10_000, 1)
    assert whole.dtype == precision
    tolerance = 1e-6 if precision == "float32" else 1e-14
    for count in (1, 2, 3, 7, 64, 100, 4096, 4097, 9_999):
        np.testing.assert_allclose(ex.predict({"x": x[:count]})["p"], whole[:count], rtol=0, atol=tolerance)
    for row in (0, 4095, 4096, 9_999):
        np.testing.assert_allclose(ex.predict(x[row : row + 1]), whole[row : row + 1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_rows_are_predicted_in_pieces_that_stay_in_the_cache(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small these are, with several inputs and outputs, and the number of a wrong row is that among all."""
    text = """model {
      input  a: [3]
      input  b: class(4)
      hidden = concat(a, one_hot(b)) -> dense(5)
      output p = hidden -> tanh
      output q = hidden -> dense(1)
    }"""
    given = {"a": np.arange(303.0).reshape(101, 3) / 100, "b": np.arange(101) % 4}
    net = gpubp.loads(text)
    whole = gpubp.Executor(net, device="cpu", backend=backend).predict(given)
    monkeypatch.setattr(NumpyBackend, "near", 2000)
    ex = gpubp.Executor(net, device="cpu", backend=backend)
    in_pieces = ex.predict(given)
    assert list(in_pieces) == ["p", "q"]
    for name, values in in_pieces.items():
        assert values.shape == whole[name].shape
        np.testing.assert_allclose(values, whole[name], rtol=0, atol=1e-6)
    assert given["a"][0, 1] == 0.01
    for name, wrong, message in (
        ("a", np.inf, r"`a\[77, 1\]`: inf is not a finite"),
        ("b", 4, r"`b\[77\]`: 4 is no label"),
    ):
        changed = {key: value.copy() for key, value in given.items()}
        changed[name][(77, 1)[: changed[name].ndim]] = wrong
        with pytest.raises(gpubp.InputError, match=message):
            ex.predict(changed)


def test_a_result_is_the_callers_own() -> None:
    ex = executor(PREDICT_ONLY)
    first = ex.predict(np.ones((2, 3)))
    first[...] = 99
    np.testing.assert_array_equal(ex.predict(np.ones((2, 3))), [[4, 5], [4, 5]])
    _, gradients = (plain := executor()).gradients(rows(3))
    before = contents(plain)
    for gradient in gradients.values():
        gradient[...] = 99
    assert contents(plain) == before


def test_a_result_outlives_the_next_call() -> None:
    ex = executor()
    a, b = rows(5, 1)["x"], rows(5, 2)["x"]
    first = ex.predict(a)
    copy = first.copy()
    ex.predict(b)
    np.testing.assert_array_equal(first, copy)


@pytest.mark.parametrize("text", [PLAIN, DROPOUT])
def test_evaluation_changes_nothing(text: str) -> None:
    ex = executor(text)
    ex.train_step(rows(4))
    before = contents(ex)
    ex.predict(rows(9)["x"])
    ex.loss(rows(9))
    ex.gradients(rows(9))
    assert contents(ex) == before
    assert ex.step == 1


def test_the_loss_is_the_whole_loss() -> None:
    ex = executor(precision="float64")
    data = rows(10)
    error = ex.predict(data["x"]) - data["y"]
    weights = [value for name, value in ex.parameters.items() if name.endswith("weight")]
    expected = (error**2).mean() + 0.01 * sum((w**2).sum() for w in weights)
    assert ex.loss(data) == pytest.approx(expected, rel=1e-14)
    assert isinstance(ex.loss(data), float)
    loss, _ = ex.gradients(data)
    assert isinstance(loss, float)
    assert loss == pytest.approx(expected, rel=1e-14)
    assert ex.train_step(data) == pytest.approx(expected, rel=1e-14)
    assert ex.loss(data) < expected


def test_the_loss_is_the_mean_over_rows_whatever_their_number() -> None:
    ex = executor(precision="float64")
    data = rows(9_000)
    parts = [slice(0, 1), slice(1, 5_000), slice(5_000, 9_000)]
    penalty = ex.evaluate(data)["penalty"]
    means = [(ex.loss({k: v[p] for k, v in data.items()}) - penalty) * (p.stop - p.start) for p in parts]
    assert ex.loss(data) - penalty == pytest.approx(sum(means) / 9_000, rel=1e-12)


def test_padding_is_no_row() -> None:
    """7 rows are computed as 8: what stands in the eighth counts for nothing, not even as NaN."""
    text = PLAIN.replace("output p = hidden", "output p = log(sum(x * x)) * hidden").replace(" + l2(0.01)", "")
    ex = executor(text, precision="float64")
    data = rows(7)
    expected = np.mean([ex.loss({k: v[i : i + 1] for k, v in data.items()}) for i in range(7)])
    assert ex.loss(data) == pytest.approx(expected, rel=1e-12)


def test_dropout_is_silent_in_evaluation_and_acts_in_training() -> None:
    ex, plain = executor(DROPOUT), executor(PLAIN)
    data = rows(50)
    ex.set_parameters(plain.parameters)
    np.testing.assert_array_equal(ex.predict(data["x"]), plain.predict(data["x"]))
    assert ex.loss(data) == plain.loss(data)
    assert ex.gradients(data)[0] != plain.gradients(data)[0]


def test_gradients_are_of_the_step_that_would_come() -> None:
    ex = executor(DROPOUT)
    data = rows(50)
    loss, gradients = ex.gradients(data)
    again, same = ex.gradients(data)
    assert again == loss
    assert [g.tobytes() for g in same.values()] == [g.tobytes() for g in gradients.values()]
    assert ex.train_step(data) == pytest.approx(loss, rel=1e-6)


def test_gradients_are_the_slopes_of_the_loss() -> None:
    ex = executor(precision="float64")
    data = rows(6)
    _, gradients = ex.gradients(data)
    assert list(gradients) == list(ex.parameters)
    for name, view in ex.parameters.items():
        assert gradients[name].shape == view.shape
        assert gradients[name].dtype == view.dtype
        for place in np.ndindex(view.shape):
            kept = view[place]
            view[place] = kept + 1e-6
            up = ex.loss(data)
            view[place] = kept - 1e-6
            down = ex.loss(data)
            view[place] = kept
            assert gradients[name][place] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-9)


def test_a_net_that_does_not_train_predicts_and_says_why_it_has_no_loss() -> None:
    ex = executor(PREDICT_ONLY)
    np.testing.assert_array_equal(ex.predict([[1, 2, 3]]), [[7, 8]])
    data = {"x": np.ones((2, 3))}
    for call in (ex.loss, ex.evaluate, ex.gradients, ex.train_step, lambda d: ex.train_steps(d, steps=1)):
        with pytest.raises(gpubp.GpubpError, match="no `train` section"):
            call(data)
    with pytest.raises(gpubp.GpubpError, match="no `train` section"):
        ex.source("train", 4)
    assert "predict(" in ex.source("predict", 4)
    fresh = executor(PREDICT_ONLY)
    fresh.load_state_dict(ex.state_dict())


def test_metrics_are_over_all_rows() -> None:
    ex = executor(LABELS)
    data = labelled(5_001)
    p = ex.predict({k: data[k] for k in ("x", "kind")})["p"]
    figures = ex.evaluate(data)
    assert set(figures) == {"loss", "penalty", "accuracy"}
    assert figures["accuracy"] == pytest.approx((p.argmax(axis=1) == data["label"]).mean(), abs=1e-12)
    assert figures["loss"] == pytest.approx(-np.log(p[np.arange(5_001), data["label"]]).mean(), rel=1e-5)
    assert figures["penalty"] == 0


def test_calls_from_several_threads_queue() -> None:
    ex, alone = executor(DROPOUT), executor(DROPOUT)
    data = rows(16)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                ex.train_step(data)
                assert np.isfinite(ex.predict(data["x"])).all()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert ex.step == 80
    for _ in range(80):
        alone.train_step(data)
    assert contents(ex) == contents(alone)


def test_calls_of_executors_that_share_programs_queue() -> None:
    """On a GPU they share the scratch memory of their kernels."""
    first = executor(DROPOUT)
    second = gpubp.Executor(first.net, "cpu", seed=1, programs=first.programs)
    second.train_step(rows(16))
    thread = threading.Thread(target=second.train_step, args=(rows(16),))
    with first.backend.running():
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    assert second.step == 2


def test_numpy_is_left_as_it_was() -> None:
    errors, printing = np.geterr(), np.get_printoptions()
    random = np.random.get_state()  # noqa: NPY002 -- the state that must not change
    ex = executor(DROPOUT)
    ex.train_steps(rows(9), steps=5, batch=4)
    ex.predict(np.full((3, 3), 3e38))
    with pytest.raises(gpubp.InputError):
        ex.predict(np.full((3, 3), np.nan))
    assert np.geterr() == errors
    assert np.get_printoptions() == printing
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(random, after, strict=True))
