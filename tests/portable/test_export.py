"""What is exported of a run: the file's own words, its return codes, the states of a run, and what is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.errors import GpubpError, NetError, SaveError
from gpubp.training import identifier
from tests.render.compiled import QUICK, needs_compiler
from tests.training.worlds import write_net

from .running import CHECKED, STRICT, answers, built, command, examples, filled, same, text_of

NET = """
model {
  input  word: class(4)[2]
  input  x: [3]
  output p = concat(word -> embedding(2) -> flatten, x) -> dense(2)
}
"""
WORDS = ("-std=c11", "-O0", "-march=native", *STRICT)


@needs_compiler
def test_what_the_net_does_not_take_has_a_code(tmp_path: Path) -> None:
    executor = filled(gpubp.loads(NET), QUICK)
    (row,) = examples(executor.net, 1)
    wrong = [
        {**row, "word": np.array([[0, 4]])},
        {**row, "word": np.array([[-1, 0]])},
        {**row, "x": np.array([[0, np.nan, 0]])},
        {**row, "x": np.array([[0, 0, -np.inf]])},
        {"word": np.array([[3, 9]]), "x": np.array([[np.nan, 0, 0]])},
    ]
    found = answers(built(text_of(executor), tmp_path, command(*WORDS, *CHECKED)), executor, [row, *wrong, row])
    assert [code for code, _ in found] == [0, 1, 1, 2, 2, 1, 0]
    wanted = executor.predict(row)
    assert all(same(outputs, wanted) for _, outputs in found), "where there is a code, nothing is written"


def test_labels_of_an_only_class_are_validated_and_not_copied() -> None:
    """A compiler would warn of a variable that nothing reads."""
    text = text_of(filled(gpubp.loads("model { input word: class(1)\n output p = word -> embedding(2) }"), "numpy"))
    assert "word[n] < 0 || word[n] >= 1" in text
    assert "i64[" not in text


@needs_compiler
@pytest.mark.parametrize(
    "keys",
    ["  average = ema(decay = 0.9)\n", "  restarts = 3\n  early_stop = early_stop(valid.loss, patience = 3epochs)\n"],
)
def test_the_state_that_predict_works_with(keys: str, tmp_path: Path) -> None:
    """Averages, the best restart and its best epoch, the statistics of the training rows."""
    gpubp.train(gpubp.load(write_net(tmp_path, keys=keys)), "cpu", out=tmp_path / "run")
    run = gpubp.load_run(tmp_path / "run", "cpu")
    gpubp.export(run, tmp_path / "a.c")
    text = (tmp_path / "a.c").read_text("utf-8")
    assert re.match(rf"/\* a.c: the net of \S*a\.net after step \d+ of {tmp_path / 'run'}\.", text)
    assert "in  x: float [3]\n         the columns a, b, c\n" in text
    quick = gpubp.Executor(run.net, "cpu", run.executor.precision, run.executor.seed, QUICK)
    quick.load_state_dict(run.executor.state_dict())
    rows = examples(run.net)
    for (code, found), row in zip(answers(built(text, tmp_path, command(*WORDS)), quick, rows), rows, strict=True):
        assert (code, same(found, quick.predict(row))) == (0, True)
        np.testing.assert_allclose(found["p"], run.predict(row)["p"], rtol=1e-5)


def test_what_a_reader_does_is_told(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    path.write_text(
        path.read_text("utf-8").replace('target = "y"', 'target = "y", scale = 0.5, standardize = true'), "utf-8"
    )
    run = gpubp.train(gpubp.load(path), "cpu")
    gpubp.export(run, tmp_path / "a.c")
    mean, deviation = (run.dataset.encoders["x"].mean[1], run.dataset.encoders["x"].deviation[1])
    text = (tmp_path / "a.c").read_text("utf-8")
    told = "         each times 0.5\n         then each less its mean, divided by its deviation:\n         [0] a: "
    assert told in text
    assert f"         [1] b: {mean!r}, {deviation!r}\n" in text


@needs_compiler
def test_a_file_has_one_name_and_keeps_nothing(tmp_path: Path) -> None:
    """So it can be linked with any program, and called by many threads."""
    (tmp_path / "a.c").write_text(text_of(filled(gpubp.loads(NET), "numpy"), "a"), "utf-8")
    words = command("-std=c11", "-c", str(tmp_path / "a.c"), "-o", str(tmp_path / "a.o"))
    subprocess.run(words, check=True)
    names = subprocess.run(["nm", str(tmp_path / "a.o")], check=True, capture_output=True, text=True).stdout
    kinds = [line.split()[-2:] for line in names.splitlines()]
    assert [name for kind, name in kinds if kind == "T"] == ["a_predict"]
    assert {kind for kind, _ in kinds} <= set("TtrRU"), "no data that changes"


def test_the_text_asks_for_nothing_but_standard_c() -> None:
    text = text_of(filled(gpubp.load("models/transformer.net", {"depth": 1}), "numpy"))
    assert re.findall("#include <(.*)>", text) == ["math.h", "stdint.h", "string.h"]
    assert not re.search(r"__builtin|__attribute__|vector_size|_mm|pthread|malloc|#pragma GCC|EACH|LANES|NUMBER", text)


@needs_compiler
def test_the_stack_is_as_large_as_it_says(tmp_path: Path) -> None:
    for model in ("digits_lstm", "mixture"):
        text = text_of(filled(gpubp.load(f"models/{model}.net"), "numpy"))
        (tmp_path / "a.c").write_text(text, "utf-8")
        words = command("-std=c11", "-O2", "-fstack-usage", "-c", "a.c", "-o", "a.o")
        if subprocess.run(words, cwd=tmp_path, capture_output=True).returncode:
            pytest.skip("the compiler does not tell")
        used = max(int(line.split("\t")[1]) for line in (tmp_path / "a.su").read_text("utf-8").splitlines())
        (told,) = re.findall(r"It needs some ([\d,]+) bytes of stack", text)
        assert used <= int(told.replace(",", "")) <= used + 1024


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("digits", "digits"),
        ("digits-2.net", "digits_2_net"),
        ("3d", "net_3d"),
        ("größe", "gro_e"),
        ("日本", "net"),
        ("_x", "x"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert identifier(text) == name


def test_windows_that_are_too_large(tmp_path: Path) -> None:
    net = gpubp.loads("model {\n  input x: [9, 9, 1]\n  output p = x -> maxpool(9)\n}\n")
    with pytest.raises(NetError) as caught:
        text_of(gpubp.Executor(net, "cpu", backend="numpy"))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("E0506", "`p.maxpool` cannot be exported: it has no form in C")
    assert found.span is not None
    assert found.span.text == "maxpool(9)"
    assert "64 places" in found.help[0]


def test_paths(tmp_path: Path) -> None:
    run = gpubp.train(gpubp.load(write_net(tmp_path, length="epochs = 1")), "cpu")
    with pytest.raises(GpubpError, match=r"`a\.h` is neither a \.c nor an \.onnx file"):
        gpubp.export(run, "a.h")
    (tmp_path / "b.c").mkdir()
    with pytest.raises(SaveError, match="is a directory"):
        gpubp.export(run, tmp_path / "b.c")
    with pytest.raises(SaveError, match="cannot save"):
        gpubp.export(run, tmp_path / "nowhere" / "a.c")


@pytest.mark.parametrize("given", ["runs/xor", None, 3])
def test_what_is_no_run_is_not_exported(given: Any, tmp_path: Path) -> None:
    with pytest.raises(gpubp.GpubpError, match=r"a run or an executor is exported, not .*: `gpubp"):
        gpubp.export(given, tmp_path / "a.c")


@pytest.mark.parametrize("file", ["a.c", "a.onnx"])
def test_a_net_without_its_statistics_is_not_exported(file: str, tmp_path: Path) -> None:
    if file.endswith(".onnx"):
        pytest.importorskip("onnx")
    net = gpubp.loads("model {\n  input x: [2]\n  output p = x -> standardize -> dense(1)\n}\n")
    executor = gpubp.Executor(net, "cpu")
    with pytest.raises(GpubpError, match=r"`p\.standardize` has no statistics of the training rows yet: `fit\(rows\)`"):
        gpubp.export(executor, tmp_path / file)
    executor.fit({"x": [[1.0, 2.0], [3.0, 5.0]]})
    for name in (file, f"B{file.upper()}"):
        gpubp.export(executor, tmp_path / name)
        assert (tmp_path / name).is_file()


def test_statistics_that_only_the_loss_uses_are_not_needed(tmp_path: Path) -> None:
    net = gpubp.loads(
        "model {\n  input x: [2]\n  target y: class(2)\n  output p = x -> dense(2) -> softmax\n}\n"
        "train {\n  loss = cross_entropy(p, y, weights = balanced)\n  optimizer = adam\n}\n"
    )
    assert not gpubp.Executor(net, "cpu").fitted
    gpubp.export(gpubp.Executor(net, "cpu"), tmp_path / "a.c")
