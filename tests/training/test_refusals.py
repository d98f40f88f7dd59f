"""Training that ends in no usable numbers, and nets that ask for what cannot be: said, and nothing saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.cli import main

NET = """
data {{
  x = [[0, 0], [0, 1], [1, 0], [1, 1]]
  y = [[0], [1], [1], [0]]
}}
model {{
  input  x: [2]
  target y: [1]
  {model}
}}
train {{
  loss      = {loss}
  optimizer = {optimizer}
  epochs    = {epochs}
}}
"""


def text(
    model: str = "output p = x -> dense(1)", loss: str = "mse(p, y)", optimizer: str = "sgd(lr = 0.1)", epochs: int = 1
) -> str:
    return NET.format(model=model, loss=loss, optimizer=optimizer, epochs=epochs)


def test_a_last_step_that_diverges_is_not_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.net"
    file.write_text(text(optimizer="sgd(lr = 1e300)"))
    assert main(["run", str(file), "--device", "cpu", "--out", str(tmp_path / "out")]) == 1
    assert "is no longer finite" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nan_before_any_update_does_not_blame_the_rate() -> None:
    net = gpubp.loads(text(model="output p = log(x - 2) -> dense(1)"))
    with pytest.raises(gpubp.DivergedError, match="before any update"):
        gpubp.train(net, device="cpu")


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "3"])
def test_epochs_are_whole_and_positive(epochs: object) -> None:
    with pytest.raises(gpubp.GpubpError, match="epochs"):
        gpubp.train(gpubp.loads(text()), device="cpu", epochs=epochs)  # type: ignore[arg-type]


def test_a_number_in_the_loss_is_no_penalty() -> None:
    data = {"x": [[0, 0], [1, 1]], "y": [[0], [1]]}
    plain, raised = (
        gpubp.Executor(gpubp.loads(text(loss=loss)), device="cpu") for loss in ("mse(p, y)", "mse(p, y) + 3")
    )
    assert raised.evaluate(data)["penalty"] == 0
    assert raised.evaluate(data)["loss"] == pytest.approx(plain.evaluate(data)["loss"] + 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("output p = concat(x, 1) -> dense(1)", "`concat` takes values of the model, but 1 is a plain number"),
        ("output p = stack(x, 1) -> flatten -> dense(1)", "`stack` takes values of the model"),
        ("output p = y -> dense(1)", "target"),
        ("output p = x -> reshape([" + "1, " * 63 + "2]) -> flatten -> dense(1)", "at most 30 axes"),
    ],
)
def test_what_cannot_be_is_found_by_check(model: str, message: str) -> None:
    with pytest.raises(gpubp.NetError, match=message):
        gpubp.loads(text(model=model))


@pytest.mark.parametrize("function", ["tanh", "dense(1)", "standardize", "softmax", "leaky_relu", "dropout(10%)"])
def test_labels_are_no_numbers(function: str) -> None:
    net = f"model {{\n input k: class(3)[4]\n output p = k -> {function}\n}}"
    with pytest.raises(gpubp.NetError, match="takes numbers, but this is a class label"):
        gpubp.loads(net)


def test_a_metric_that_is_no_number_is_called_a_metric() -> None:
    net = text(model="h = x -> dense(3)\n  output p = h -> dense(1)").replace("epochs ", "metrics = [h]\n  epochs ")
    with pytest.raises(gpubp.NetError, match="the metric `h` is one number per example"):
        gpubp.loads(net)


def test_an_initialiser_that_cannot_draw_is_named() -> None:
    net = gpubp.loads(text(model="output p = x -> dense(1, init = uniform(low = 1, high = -1))"))
    with pytest.raises(gpubp.NetError, match=r"`p.dense.weight`"):
        gpubp.Executor(net, device="cpu")


def test_a_mean_that_forgets_nothing() -> None:
    with pytest.raises(gpubp.GpubpError, match="below 1"):
        gpubp.train(gpubp.loads(text(optimizer="adam(beta1 = 100%)")), device="cpu")


def test_a_callback_stands_in_a_list() -> None:
    for wrong in (print, [3]):
        with pytest.raises(gpubp.InputError, match="callbacks is a list of functions"):
            gpubp.train(gpubp.loads(text()), "cpu", callbacks=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"x": [[1.0]]}, np.ones((3, 1))])
def test_arrays_in_the_place_of_the_device(wrong: object) -> None:
    with pytest.raises(gpubp.InputError, match='the device is a string, such as "cpu"; arrays are passed as `data='):
        gpubp.train(gpubp.loads(text()), wrong)  # type: ignore[arg-type]


def test_a_folder_has_a_name() -> None:
    with pytest.raises(gpubp.InputError, match="`out` is empty"):
        gpubp.train(gpubp.loads(text()), "cpu", out="")


@pytest.mark.parametrize("seed", [-1, 1.5, "3", True])
@pytest.mark.parametrize("call", [gpubp.train, gpubp.Executor, gpubp.range_test])
def test_a_seed_is_a_whole_number(call: Any, seed: Any) -> None:
    with pytest.raises(gpubp.InputError, match="the seed must be a whole number of at least 0"):
        call(gpubp.loads(text()), "cpu", seed=seed)


def test_a_device_file_is_not_read() -> None:
    with pytest.raises(gpubp.NetError, match="not a regular file"):
        gpubp.load("/dev/zero")


def test_an_input_called_mask() -> None:
    text_ = text(model="output p = x -> dense(1)").replace("x", "mask").replace("mmaske", "mae")
    net = gpubp.loads(text_.replace("emaskp", "exp"))
    source = gpubp.Executor(net, device="cpu").source("measure", 4, {"mask": [[7.5, 0]] * 4, "y": [[1]] * 4})
    assert "7.5" in source
