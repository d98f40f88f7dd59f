"""The experiments of tests/dsl/examples run: on small data that is made for them, for an epoch or a few."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest

import gpubp

from .worlds import MAKERS

EXAMPLES = Path(__file__).parents[1] / "dsl" / "examples"
HERE = {path.stem for path in EXAMPLES.glob("*.net")}
EXCERPTS = {"blocks", "pair", "resnet"}
"""Files without data or training."""

SMALL: dict[str, tuple[int, dict[str, Any]]] = {
    "01_linear": (5, {}),
    "02_logistic": (5, {}),
    "03_xor_textbook": (400, {}),
    "04_mlp_two_files": (8, {}),
    "05_multi_target": (5, {}),
    "06_multi_label": (4, {}),
    "07_imbalanced": (10, {}),
    "08_denoising": (3, {}),
    "09_vae": (3, {}),
    "10_siamese": (3, {}),
    "11_charlstm": (2, {"context": 16}),
    "12_transformer": (2, {"d": 64, "depth": 2}),
    "13_unet": (3, {"base": 4, "depth": 2, "size": 16}),
    "13b_unet_plain": (3, {"base": 4, "size": 16}),
    "14_densenet": (2, {"growth": 4, "depth": 3}),
    "15_pinn": (2, {"rows": 512}),
    "16_multitask": (3, {}),
    "18_moe": (5, {}),
    "19_gan": (1, {"rows": 640}),
    "digits_cnn": (1, {"width": 16}),
    "extra_tied": (2, {}),
    "xor": (100, {}),
}
"""Epochs, and params that make it small."""

World = Callable[[str], Path]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The folder of an experiment with its data."""

    def make(name: str) -> Path:
        (tmp_path / "data").mkdir(exist_ok=True)
        for path in EXAMPLES.glob("*.net"):
            copy(path, tmp_path)
        MAKERS[name](tmp_path / "data", np.random.default_rng(0))
        return tmp_path

    return make


def test_each_is_run() -> None:
    assert SMALL.keys() | {"17_finetune"} == MAKERS.keys() == HERE - EXCERPTS


@pytest.mark.parametrize("name", SMALL)
def test_it_learns(name: str, world: World) -> None:
    epochs, params = SMALL[name]
    net = gpubp.load(world(name) / f"{name}.net", params=params)
    run = gpubp.train(net, "cpu", epochs=epochs, backend="numpy")
    assert all(math.isfinite(value) for value in run.metrics.values() if isinstance(value, float))
    if epochs > 1:
        losses = [record["train.loss"] for record in run.history]
        assert losses[-1] < losses[0]


def test_the_critic_of_the_minimax_game_learns_and_the_generator_moves(world: World) -> None:
    """One loss: the critic's weights go down it, those behind the reversed gradient up."""
    net = gpubp.load(world("19_gan") / "19_gan.net", params={"rows": 640})
    ex = gpubp.Executor(net, device="cpu", precision="float64")
    rng = np.random.default_rng(0)
    rows = {"real": rng.normal(size=(64, 2)), "z": rng.normal(size=(64, 16))}
    before = ex.loss(rows)
    _, gradients = ex.gradients(rows)
    start = {name: array.copy() for name, array in ex.parameters.items()}
    for part, sign in (("critic", -1), ("fake", 1)):
        ex.set_parameters(start)
        ex.set_parameters({n: start[n] - 1e-3 * gradients[n] for n in start if n.startswith(f"{part}.")})
        assert sign * (ex.loss(rows) - before) > 0


def test_finetuning_starts_from_the_earlier_run(world: World) -> None:
    home = world("17_finetune")
    unet = gpubp.load(home / "13b_unet_plain.net", params={"size": 16})
    first = gpubp.train(unet, "cpu", home / "runs/unet", epochs=1, backend="numpy")
    net = gpubp.load(home / "17_finetune.net", params={"lib.size": 16})
    run = gpubp.train(net, "cpu", epochs=2, backend="numpy")
    trunk, now = first.executor.parameters, run.executor.parameters
    np.testing.assert_array_equal(now["d1.double.conv.weight"], trunk["d1.double.conv.weight"])
    moved = now["d1.double.conv_2.weight"] - trunk["d1.double.conv_2.weight"]
    assert 0 < abs(moved).max() < 1e-2
    assert math.isfinite(run.metrics["valid.loss"])


def test_tied_weights_are_one_array(world: World) -> None:
    net = gpubp.load(world("extra_tied") / "extra_tied.net")
    names = set(gpubp.Executor(net, device="cpu").parameters)
    assert sum(name.startswith("embed") for name in names) == 1
    assert not [name for name in names if re.match(r"p\.", name)]


def test_excerpts() -> None:
    rng = np.random.default_rng(0)
    resnet = gpubp.load(EXAMPLES / "resnet.net", params={"depth": 1})
    probabilities = gpubp.Executor(resnet, device="cpu").predict(rng.normal(size=(2, 32, 32, 3)))
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    text = (EXAMPLES / "pair.net").read_text(encoding="utf-8")
    text = text.replace("20_000", "50").replace("train { loss", "train {\n optimizer = adam\n loss")
    pair = gpubp.Executor(gpubp.loads(text, base=EXAMPLES, name=str(EXAMPLES / "pair.net")), device="cpu")
    rows = {name: rng.integers(0, 50, (32, 32)) for name in ("left", "right")} | {"same": rng.integers(0, 2, (32, 1))}
    losses = [pair.train_step(rows) for _ in range(30)]
    assert losses[-1] < losses[0]
