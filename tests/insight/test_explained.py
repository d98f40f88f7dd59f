"""`gpubp.explain`: the step that the command explains, of nets, executors and runs, as text, data and page."""

from __future__ import annotations

import json
import re
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.cli import main

MODELS = Path(__file__).resolve().parents[2] / "models"
XOR = MODELS / "xor.net"
ROWS: dict[str, Any] = {"x": [[0, 1], [1, 1]], "y": [[1], [0]]}


@pytest.fixture
def net() -> gpubp.Net:
    return gpubp.load(XOR)


def test_it_is_what_the_command_prints(net: gpubp.Net, capsys: pytest.CaptureFixture[str]) -> None:
    told = gpubp.explain(net, example=2)
    assert main(["explain", str(XOR), "--example", "2"]) == 0
    printed = capsys.readouterr().out
    assert f"{told}\n" == printed
    assert str(told).startswith(f"{XOR}, the weights of seed 0: example 2 of 4; float32\n")
    assert main(["explain", str(XOR), "--example", "2", "--show", "W1"]) == 0
    assert told.show("W1") in capsys.readouterr().out


def test_an_executor_stays_as_it_is(net: gpubp.Net) -> None:
    executor = gpubp.Executor(net, "cpu", "float64", seed=3)
    for _ in range(4):
        executor.train_step(ROWS)
    before = executor.state_dict()
    told = gpubp.explain(executor, ROWS)
    for name, array in executor.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert (told.about, told.document["example"]) == (f"{XOR}, step 4: example 1 of 2; float64", 1)
    after = told.document["update"]["parameters"]["p.dense.bias"]["after"]["values"]
    executor.train_step({name: rows[:1] for name, rows in ROWS.items()})
    np.testing.assert_allclose(np.reshape(after, -1), executor.parameters["p.dense.bias"], rtol=1e-12)


def test_a_run_is_explained_as_it_is_when_it_is_read_back(tmp_path: Path) -> None:
    net = gpubp.load(MODELS / "iris.net")
    run = gpubp.train(net, "cpu", epochs=1, out=tmp_path / "run")
    mine, ours = gpubp.explain(run, example=7), gpubp.explain(gpubp.load_run(tmp_path / "run", "cpu"), example=7)
    assert str(mine).partition("\n")[2] == str(ours).partition("\n")[2]
    assert "setosa" in str(mine)


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(net: gpubp.Net) -> None:
    told = gpubp.explain(net)
    (page,) = re.findall(r'srcdoc="([^"]*)"', told._repr_html_())
    assert unescape(page) == told.html()
    assert 'sandbox="allow-scripts"' in told._repr_html_()
    assert json.loads(re.findall(r'<script[^>]*id="trace"[^>]*>(.*?)</script>', told.html(), re.DOTALL)[0])
    assert repr(told).startswith(f"<Explanation of {XOR}, ")


def test_what_is_refused(net: gpubp.Net) -> None:
    with pytest.raises(gpubp.GpubpError, match="there is no example 5"):
        gpubp.explain(net, example=5)
    with pytest.raises(gpubp.GpubpError, match="there is no example 0"):
        gpubp.explain(net, example=0)
    with pytest.raises(gpubp.InputError, match="of type str"):
        gpubp.explain("models/xor.net")
    with pytest.raises(gpubp.InputError, match="`y`"):
        gpubp.explain(net, {"x": [[0, 1]]})
    assert gpubp.explain(gpubp.loads("model { input x: [2]\n output p = x -> dense(1) }")).about.count(
        "drawn example 1"
    )


def test_many_steps_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of which each keeps a loss for every step."""
    words = ["explain", str(XOR), "--step", "7"]
    assert main(words) == 0
    wanted = capsys.readouterr().out
    monkeypatch.setattr(import_module("gpubp.insight.explained"), "AT_ONCE", 3)
    assert main(words) == 0
    assert capsys.readouterr().out == wanted


def test_a_free_number_is_told_by_its_name() -> None:
    """Its layer only gives it the axis of the examples."""
    net = gpubp.loads("model {\n  input x: [2]\n  b = weight([], init = constant(0.5))\n  output p = x * b\n}")
    told = str(gpubp.explain(net, {"x": [[1, 2]]}))
    assert re.search(r"W1  b\.weight  0\.5\n  a1 = W1       0\.5\n", told)


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        ("[1.5, 3]", "[1.5, 3] * x"),
        ("[2, 2, 0.5, 2]", "[2, 2, 0.5, 2] * x"),
        ("[[1, -2], [3, 4]]", "[[1, -2], [3, 4]] * x"),
        (str([*range(17)]), "[0, 1, 2, 3, 4, 5, ...] * x"),
    ],
)
def test_a_list_of_numbers_is_written_as_in_the_file(factor: str, text: str) -> None:
    shape = [2, 2] if factor.startswith("[[") else [factor.count(",") + 1]
    net = gpubp.loads(f"model {{\n  input x: {shape}\n  output p = {factor} * x\n}}")
    assert f"a1 = {text} " in str(gpubp.explain(net)).replace("\n", " ")
