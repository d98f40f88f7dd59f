"""docs/from-pytorch.md: both nets are one, its weights fit, and its words are words."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from tests.peers.nets import case, fixture
from tools.markdown import blocks, tables

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/from-pytorch.md").read_text("utf-8")
BLOCKS = {block.detail: block.text for block in blocks(PAGE)}
PEER = fixture("translated")
WEIGHTS = case(PEER, "weights")


def net(keys: str = "", rate: str = "adam(lr = 2e-3)") -> gpubp.Net:
    return gpubp.loads(
        BLOCKS["digits.net"].replace("train {", "train {\n" + keys).replace("adam(lr = 2e-3)", rate),
        base=ROOT / "models/data",
    )


def translated() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(BLOCKS["weights"], names)
    found: dict[str, Any] = names["from_torch"](WEIGHTS)
    return found


def steps(arrays: dict[str, Any]) -> tuple[list[float], Any]:
    """The losses of the fixture's batches, and what the net then answers to the first."""
    executor = gpubp.Executor(net(), "cpu", precision="float64")
    executor.load_state_dict(executor.state_dict() | {name: array.astype("f8") for name, array in arrays.items()})
    rows = zip(PEER["images"], PEER["digits"], strict=True)
    losses = [executor.train_step({"image": image, "digit": digit}) for image, digit in rows]
    return losses, executor.predict(PEER["images"][0])


def test_both_nets_learn_alike() -> None:
    losses, answers = steps(translated())
    np.testing.assert_allclose(losses, PEER["losses"], rtol=1e-12)
    np.testing.assert_allclose(answers, PEER["answers"], rtol=0, atol=1e-10)


def classified() -> tuple[list[float], Any]:
    """The losses of the padded sequences, and what the net then answers to the first batch."""
    peer, functions = fixture("sequences"), dict[str, Any]()
    exec(BLOCKS["layers"], functions)
    functions["lstm"] = partial(functions["bidirectional"], functions["lstm"])
    places = {"embed": ("both", "embedding"), "lstm": ("both", "lstm"), "head": ("p", "dense")}
    arrays = {
        f"{value}.{layer}.{name}": array
        for theirs, (value, layer) in places.items()
        for name, array in functions[layer](case(peer, f"weights/{theirs}")).items()
    }
    executor = gpubp.Executor(gpubp.loads(BLOCKS["sequences.net"]), "cpu", precision="float64")
    executor.set_parameters({name: arrays[name] for name in executor.parameters})
    executor.set_counters({"total_steps": 80})
    batches = zip(peer["token"], peer["label"], strict=True)
    losses = [executor.train_step({"token": token, "label": label}) for token, label in batches]
    return losses, executor.predict(peer["token"][0])


def test_both_read_padded_sequences_alike() -> None:
    peer = fixture("sequences")
    losses, answers = classified()
    np.testing.assert_allclose(losses[0], peer["losses"][0], rtol=1e-12)
    # PyTorch clips by a norm to which 1e-6 is added, 1e-5 of it.
    np.testing.assert_allclose(losses, peer["losses"], rtol=1e-7)
    np.testing.assert_allclose(answers, peer["answers"], rtol=0, atol=1e-6)


def test_another_order_of_what_flatten_gives_is_noticed() -> None:
    losses, _ = steps(translated() | {"hidden.dense.weight": WEIGHTS["5.weight"].T})
    assert abs(losses[0] - PEER["losses"][0]) > 1e-3


def test_the_weights_come_back() -> None:
    names: dict[str, Any] = {}
    exec(BLOCKS["inverse"], names)
    back = names["to_torch"](translated())
    assert back.keys() == WEIGHTS.keys() - {"1.num_batches_tracked"}
    for name, array in back.items():
        np.testing.assert_array_equal(array, WEIGHTS[name])


@pytest.mark.parametrize("suffix", ["c", "onnx"])
def test_the_executor_is_exported(suffix: str, tmp_path: Path) -> None:
    executor = gpubp.Executor(net(), "cpu")
    exec(BLOCKS["direct"], {"executor": executor, "arrays": translated()})
    path = tmp_path / f"digits.{suffix}"
    gpubp.export(executor, path)
    if suffix == "c":
        assert "int digits_predict(const float *image, float *p);" in path.read_text("utf-8")
        return
    onnxruntime = pytest.importorskip("onnxruntime")
    (p,) = onnxruntime.InferenceSession(path).run(None, {"image": PEER["images"][1]})
    np.testing.assert_allclose(p, executor.predict(PEER["images"][1]), atol=1e-6)


def test_weights_are_saved_and_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tensors = {name: SimpleNamespace(numpy=lambda force, array=array: array) for name, array in WEIGHTS.items()}
    theirs = SimpleNamespace(state_dict=lambda: tensors)
    exec(BLOCKS["weights"] + BLOCKS["save"], {"net": theirs})
    path = tmp_path / "from_torch.safetensors"
    run = gpubp.train(net(f'  start = load("{path}")\n', "sgd(lr = 0)"), "cpu", epochs=1)
    for name, array in translated().items():
        if name in run.executor.parameters:
            np.testing.assert_array_equal(run.executor.parameters[name], array)


@pytest.mark.parametrize("name", sorted({key.split("/")[1] for key in PEER if key.startswith("layers/")}))
def test_a_layer_is_that_of_pytorch(name: str) -> None:
    peer = case(PEER, f"layers/{name}")
    layer, x = str(peer["layer"]), peer["x"]
    input = "class(5)[4]" if name == "embedding" else str([*x.shape[1:]])
    executor = gpubp.Executor(
        gpubp.loads(f"model {{\n  input x: {input}\n  output p = x -> {layer}\n}}"), "cpu", "float64"
    )
    functions: dict[str, Any] = {}
    exec(BLOCKS["layers"], functions)
    word = re.split(r"\W", layer)[0]
    used = "conv" if word == "depthwise_conv" else "norm" if word.endswith("norm") else word
    arrays = {f"p.{word}.{key}": array for key, array in functions[used](case(peer, "w")).items()}
    state = executor.state_dict()
    assert arrays.keys() >= executor.parameters.keys()
    executor.load_state_dict(state | arrays)
    found = executor.predict(x.astype(int) if name == "embedding" else x)
    np.testing.assert_allclose(found, peer["p"], rtol=1e-11, atol=1e-12)


def test_the_words_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    torch, sklearn = [rows for head, rows in tables(PAGE) if head[-1] == "gpubp"]
    assert len(torch) > 25
    others = r"`[^`]*\b(?:executor|run|gpubp|input|param)\b[^`]*`|\[.*?\]"  # Python, commands, declarations
    told = " ".join(re.sub(others, "", row[-1]) for row in [*torch, *sklearn])
    names = {name for code in re.findall(r"`(.*?)`", told) for name in re.findall(r"^[a-z]\w+|[a-z]\w+(?=\()", code)}
    assert len(names) > 40
    for name in names - {"class", "sequence"}:
        assert main(["words", name]) == 0, name


def test_lines_are_short() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > 120 and not line.startswith("|")] == []
