"""Every model that ships: it loads without a warning, trains to what it promises, and its program runs by itself."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.data import load
from tests.peers.test_certified import PROBLEMS
from tests.render.compiled import FEWER, needs_compiler

MODELS = Path(__file__).resolve().parents[2] / "models"
ALL = sorted(path.stem for path in MODELS.glob("*.net"))


def test_they_are_all_here() -> None:
    assert {
        "xor",
        "worked_example",
        "xor_numpy",
        "iris",
        "digits",
        "digits_lstm",
        "digits_gru",
        "diabetes",
        "spiral",
    } <= set(ALL)
    assert {"digits_cnn", "digits_resnet", "autoencoder", "vae", "deep_sigmoid", "deep_mended"} <= set(ALL)
    assert {"fashion_mlp", "fashion_cnn", "cifar_cnn", "parity"} <= set(ALL)
    assert {"pinn", "transformer", "siamese", "robust", "mixture", "mackey_glass", "mobility"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_no_warnings_and_a_first_line_that_says_what_it_is(name: str) -> None:
    path = MODELS / f"{name}.net"
    assert gpubp.load(path).warnings == ()
    text = path.read_text("utf-8")
    assert text.startswith(f"# {name}.net: ")
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("name", "mode"),
    [(name, mode) for k, name in enumerate(ALL) for mode in ("train", ("gradients", "measure", "predict")[k % 3])],
)
def test_its_program_runs_by_itself(name: str, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    """That of a training, and one of the others."""
    assert main(["ir", str(MODELS / f"{name}.net"), "--mode", mode, "--batch", "3"]) == 0
    text = capsys.readouterr().out
    assert "import gpubp" not in text
    out = io.StringIO()
    with redirect_stdout(out), np.errstate(all="ignore"):
        exec(compile(text, f"{name}.py", "exec"), {"__name__": "__main__"})
    assert len(re.findall("[0-9]", out.getvalue())) > 3


@pytest.mark.parametrize("name", ALL)
def test_its_equations_print(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ir", str(MODELS / f"{name}.net"), "--stage", "program"]) == 0
    assert capsys.readouterr().out.strip()


def figures(name: str, seed: int = 0) -> dict[str, float]:
    return gpubp.train(gpubp.load(MODELS / f"{name}.net"), "cpu", seed=seed).metrics


# benchmarks/accuracy.py measures the means over many seeds; here a few seeds show that nothing broke.


@pytest.mark.parametrize("seed", range(3))
def test_xor(seed: int) -> None:
    run = gpubp.train(gpubp.load(MODELS / "xor.net"), "cpu", seed=seed)
    assert run.metrics["train.loss"] < 0.01
    p = run.executor.predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(p > 0.5, [[False], [True], [True], [False]])


def test_xor_numpy_solves_xor() -> None:
    run = gpubp.train(gpubp.load(MODELS / "xor_numpy.net"), "cpu")
    assert run.metrics["train.accuracy"] == 1
    assert run.metrics["train.loss"] < 0.02


def test_parity_needs_many_starts() -> None:
    """Four hidden units are just enough: few starts find the answer, and the best one is taken."""
    run = gpubp.train(gpubp.load(MODELS / "parity.net"), "cpu")
    solved = sum(restart["figure"] < 0.02 for restart in run.restarts)
    assert len(run.restarts) == 64
    assert 1 <= solved <= 16
    assert run.metrics["train.accuracy"] == 1


def test_iris() -> None:
    assert sum(figures("iris", seed)["test.accuracy"] for seed in range(3)) / 3 >= 0.94


def test_digits() -> None:
    assert figures("digits")["test.accuracy"] >= 0.95


def test_digits_tuned() -> None:
    found = figures("digits_tuned")
    assert found["test.accuracy"] >= 0.95
    assert found["test.accuracy"] <= found["test.top_k"] <= 1


@pytest.mark.parametrize(("name", "backend"), [("digits_lstm", "auto"), ("digits_gru", "numpy")])
def test_digits_read_row_by_row(name: str, backend: str) -> None:
    assert after(name, 6, backend)["test.accuracy"] >= 0.9


def test_a_series_is_foretold_better_than_by_its_last_value() -> None:
    """Whose root of the mean squared error is 0.19, six moments ahead."""
    assert after("mackey_glass", 4)["test.rmse"] < 0.1


def test_a_formula_has_its_certified_constants() -> None:
    """And is no net whose layers could vanish."""
    run = gpubp.train(gpubp.load(MODELS / "mobility.net"), "cpu", backend="numpy")
    found = [run.executor.parameters[f"b{k}.weight"].item() for k in range(1, 8)]
    np.testing.assert_allclose(found, PROBLEMS["Thurber"][3], rtol=1e-6)
    assert not run.health


def test_diabetes() -> None:
    assert sum(figures("diabetes", seed)["test.r2"] for seed in range(3)) / 3 >= 0.40


def test_spiral() -> None:
    assert figures("spiral")["test.accuracy"] >= 0.97


def test_spiral_needs_its_hidden_layers() -> None:
    flat = gpubp.load(MODELS / "spiral.net", params={"depth": 0})
    assert flat.size == 3
    assert gpubp.train(flat, "cpu", epochs=20).metrics["test.accuracy"] < 0.75


def after(name: str, epochs: int, backend: str = "numpy") -> dict[str, float]:
    """By NumPy: a compiler takes longer for the kernels than a few epochs take without. What kernels compute,
    tests/executor/test_native.py shows of each model."""
    return gpubp.train(gpubp.load(MODELS / f"{name}.net"), "cpu", epochs=epochs, backend=backend).metrics


@pytest.mark.parametrize(
    ("name", "backend"), [("digits_cnn", "auto"), pytest.param("digits_resnet", "native", marks=needs_compiler)]
)
def test_digits_with_convolutions(name: str, backend: str) -> None:
    """The one with most kernels, of the layers that it repeats fewer, by what is compiled alone, as users have it."""
    net = gpubp.load(MODELS / f"{name}.net", params=FEWER.get(name))
    assert gpubp.train(net, "cpu", epochs=3, backend=backend).metrics["test.accuracy"] >= 0.93


def test_autoencoders() -> None:
    """The variance of a pixel is 0.07; a code of 8 numbers keeps most of it."""
    assert after("autoencoder", 10)["test.mse"] < 0.04
    figures = after("vae", 10)
    assert figures["test.loss"] < 29
    assert figures["test.kl"] > 1


def test_attention_beats_a_table_of_pairs() -> None:
    """Of tables that know the place and the last word none does better than the one made of the test rows themselves.
    A layer of attention does after two epochs, in a net small enough for one thread."""
    net = gpubp.load(MODELS / "transformer.net", params={"d": 32, "depth": 1})
    rows = load(net.graph, net.base, 0).part("test")
    last, word = rows["text"], rows["next"]
    count = np.zeros((last.shape[1], last.max() + 1, word.max() + 1))
    places = np.broadcast_to(np.arange(last.shape[1]), last.shape)
    np.add.at(count, (places, last, word), 1)
    share = count[places, last, word] / count.sum(axis=2)[places, last]
    table = np.exp(-np.log(share).mean())
    assert 2.5 < table < 2.6
    assert gpubp.train(net, "cpu", epochs=2, backend="numpy").metrics["test.perplexity"] < table - 0.02


def test_wrong_readings_are_not_chased() -> None:
    robust, plain = (
        gpubp.train(gpubp.load(MODELS / "robust.net", params={"distance": distance}), "cpu").metrics["test.rmse"]
        for distance in ("huber", "mse")
    )
    assert robust < 0.2
    assert plain > 0.35


def test_both_answers_are_found() -> None:
    """The true density has -0.2 nats, one normal density 1.15; the net answers with two places, far from their mean."""
    run = gpubp.train(gpubp.load(MODELS / "mixture.net"), "cpu", epochs=30, backend="numpy")
    assert run.metrics["test.loss"] < 0.2
    found = run.executor.predict({"x": [[0.0], [0.6]]})
    for row, height in enumerate((1.0, 0.8)):
        likely = found["centre"][row][found["share"][row] > 0.2]
        assert likely.min() == pytest.approx(-height, abs=0.15)
        assert likely.max() == pytest.approx(height, abs=0.15)


def test_two_images_through_one_net() -> None:
    assert after("siamese", 3)["test.accuracy"] >= 0.75


def test_a_differential_equation() -> None:
    """The exact solution goes from 0 to 1."""
    assert after("pinn", 30)["test.rmse"] < 0.03


def test_ten_layers_of_sigmoids_fail_and_their_twins_do_not() -> None:
    """The loss of guessing is ln 2 = 0.693. With batch normalization the first epochs go up and down: the least loss of
    them is what learning shows by."""
    assert after("deep_sigmoid", 30)["test.accuracy"] < 0.6
    assert after("deep_mended", 15)["test.accuracy"] >= 0.9
    run = gpubp.train(gpubp.load(MODELS / "deep_batchnorm.net"), "cpu", epochs=30, backend="numpy")
    assert min(record["train.loss"] for record in run.history) < 0.65
