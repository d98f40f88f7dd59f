"""What stands in an exported file: names, numbers, words; and what is refused."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.errors import GpubpError, NetError, SaveError
from gpubp.registry import ENTRIES
from gpubp.training.exporting import onnx_file
from tests.portable.running import examples, filled
from tests.training.worlds import write_net

from .running import as_fed, by_runtime, checked, model_of, near, needs_onnx, needs_runtime

MAXIMA = """
model {
  input  x: [4, 4, 1]
  output p = derivative(sum(x -> maxpool(2)), x)
}
"""


@needs_onnx
def test_parameters_have_their_names_and_are_there_once() -> None:
    executor = filled(gpubp.load("models/siamese.net"), "numpy")
    proto = checked(model_of(executor))
    sizes = {one.name: np.prod(one.dims) for one in proto.graph.initializer}
    assert {name: sizes[name] for name in executor.parameters} == {n: v.size for n, v in executor.parameters.items()}
    assert sum(size for name, size in sizes.items() if name not in executor.parameters) < 10, "and no others"
    assert all(node.name == node.output[0] for node in proto.graph.node)
    assert "encode.conv_2: conv(32, 3, pad = same)" in {node.doc_string for node in proto.graph.node}


@needs_onnx
def test_images_are_turned_at_the_ends_alone() -> None:
    """Channels stand last in a net and first in ONNX."""
    proto = checked(model_of(filled(gpubp.load("models/digits_resnet.net", {"depth": 1}), "numpy")))
    counts = Counter(node.op_type for node in proto.graph.node)
    assert (counts["Conv"], counts["Transpose"]) == (6, 1)


@needs_onnx
def test_one_net_is_one_file() -> None:
    executor = filled(gpubp.load("models/digits_lstm.net"), "numpy")
    assert model_of(executor) == model_of(executor)


@needs_onnx
def test_what_a_file_says(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    text = path.read_text("utf-8").replace('target = "y"', 'target = "y", scale = 0.5, standardize = true')
    path.write_text(text, "utf-8")
    run = gpubp.train(gpubp.load(path), "cpu")
    gpubp.export(run, tmp_path / "net of a.onnx")
    proto = checked((tmp_path / "net of a.onnx").read_bytes())
    assert (proto.producer_name, proto.producer_version, proto.graph.name) == ("gpubp", gpubp.__version__, "net of a")
    assert proto.doc_string.startswith(f"net of a.onnx: the net of {path} after step {run.executor.step:,}.")
    assert (
        "each times 0.5\nthen each less its mean, divided by its deviation:\n[0] a: " in proto.graph.input[0].doc_string
    )
    told = {one.key: one.value for one in proto.metadata_props}
    encoder = run.columns["x"]
    assert (told.pop("net"), told.pop("step")) == (str(path), str(run.executor.step))
    assert {key: json.loads(value) for key, value in told.items()} == {
        "x.columns": ["a", "b", "c"],
        "x.scale": 0.5,
        "x.mean": list(encoder.mean),
        "x.deviation": list(encoder.deviation),
    }


@needs_onnx
def test_classes_are_told() -> None:
    run = gpubp.train(gpubp.load("models/iris.net"), "cpu", epochs=1)
    proto = checked(onnx_file(run, "iris"))
    told = {one.key: one.value for one in proto.metadata_props}
    assert json.loads(told["p.classes"]) == ["setosa", "versicolor", "virginica"]
    assert proto.graph.output[0].doc_string == "the probabilities of species: setosa, versicolor, virginica"


@needs_onnx
@needs_runtime
@pytest.mark.parametrize(
    "keys",
    ["  average = ema(decay = 0.9)\n", "  restarts = 3\n  early_stop = early_stop(valid.loss, patience = 3epochs)\n"],
)
def test_the_state_that_predict_works_with(keys: str, tmp_path: Path) -> None:
    """Averages, the best restart and its best epoch, the statistics of the training rows."""
    gpubp.train(gpubp.load(write_net(tmp_path, keys=keys)), "cpu", out=tmp_path / "run")
    run = gpubp.load_run(tmp_path / "run", "cpu")
    gpubp.export(run, tmp_path / "a.onnx")
    (row,) = examples(run.net, 1)
    near(by_runtime((tmp_path / "a.onnx").read_bytes(), as_fed(run.executor, row)), run.predict(row), 1e-5)


@needs_onnx
@needs_runtime
def test_inputs_and_outputs_of_all_kinds() -> None:
    """Outputs that are inputs, one value twice; labels; a comparison."""
    net = gpubp.loads(
        """model {
  input  NAN: [2]
  input  word: class(4)
  output same = NAN
  output one = NAN * 2
  output two = one
  output code = word -> embedding(2)
  output above = NAN > 0
}
"""
    )
    executor = filled(net, "numpy")
    model = model_of(executor)
    (row,) = examples(net, 1)
    rows = {name: np.repeat(value, 4, 0) for name, value in row.items()}
    found = by_runtime(model, as_fed(executor, rows))
    near(found, executor.predict(rows), 1e-6)
    assert [one.name for one in checked(model).graph.input] == ["NAN", "word"]


@needs_onnx
@needs_runtime
def test_a_value_that_is_another_takes_no_name_from_it() -> None:
    """`reverse_gradient` stops the gradient of a product that it reads again."""
    executor = filled(gpubp.loads("model { input x: [2]\n output p = x -> exp -> reverse_gradient(0.5) }"), "numpy")
    (row,) = examples(executor.net, 1)
    near(by_runtime(model_of(executor), as_fed(executor, row)), executor.predict(row), 1e-6)


@pytest.fixture
def across() -> Iterator[None]:
    @gpubp.layer("across_rows")
    def across_rows(cx, x):  # type: ignore[no-untyped-def]
        return x - ops.mean(x, (0,), keepdims=True)

    yield
    del ENTRIES["function", "across_rows"]


@needs_onnx
def test_what_has_no_form() -> None:
    with pytest.raises(NetError) as caught:
        model_of(gpubp.Executor(gpubp.loads(MAXIMA), "cpu"))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0506", "`p.derivative` cannot be exported: it has no form in ONNX")
    assert found.span is not None
    assert "net.c" in found.help[0]


@needs_onnx
def test_rows_that_depend_on_each_other(across: None) -> None:
    net = gpubp.loads("model {\n  input x: [3]\n  output p = x -> across_rows\n}\n")
    with pytest.raises(NetError, match="depend on the number of rows"):
        model_of(gpubp.Executor(net, "cpu"))


@needs_onnx
def test_paths(tmp_path: Path) -> None:
    run = gpubp.train(gpubp.load(write_net(tmp_path, length="epochs = 1")), "cpu")
    (tmp_path / "b.onnx").mkdir()
    with pytest.raises(SaveError, match="is a directory"):
        gpubp.export(run, tmp_path / "b.onnx")
    with pytest.raises(SaveError, match="cannot save"):
        gpubp.export(run, tmp_path / "nowhere" / "a.onnx")


@needs_onnx
def test_a_net_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpubp.render.onnx.model.MOST", 100)
    with pytest.raises(GpubpError, match=r"an ONNX file holds at most .*; a C file has no such limit"):
        model_of(gpubp.Executor(gpubp.load("models/xor.net"), "cpu"))


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    executor = gpubp.Executor(gpubp.loads("model {\n  input x: [2]\n  output p = x -> dense(1)\n}\n"), "cpu")
    with pytest.raises(GpubpError, match=r"`pip install 'gpubp\[onnx\]'` brings it"):
        gpubp.export(executor, tmp_path / "a.onnx")
