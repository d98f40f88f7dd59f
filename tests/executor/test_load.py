"""`load` and `loads`: a checked net, or NetError and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp

from .nets import LABELS, PREDICT_ONLY

MODELS = Path(__file__).resolve().parents[2] / "models"
DIGITS = MODELS / "digits.net"


def test_text_is_no_path() -> None:
    with pytest.raises(gpubp.NetError, match="`load` takes the path of a file") as caught:
        gpubp.load(DIGITS.read_text("utf-8"))
    assert caught.value.diagnostics[0].help == ("`gpubp.loads` takes the text itself",)


def test_a_path_may_have_a_line_break(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.net"
    path.write_text(LABELS, "utf-8")
    assert gpubp.load(path).outputs == gpubp.loads(LABELS).outputs


def test_what_a_net_tells() -> None:
    net = gpubp.load(DIGITS, params={"hidden": 64})
    assert net.params == {"hidden": 64, "lr": 0.002}
    assert dict(net.outputs) == {"p": (10,)}
    assert net.size == 64 * 64 + 64 + 64 * 10 + 10
    assert [node.name for node in net.graph.inputs] == ["image"]
    summary = net.summary().splitlines()
    assert summary[-1].split() == ["total", "4,810"]
    assert dict(gpubp.loads(LABELS).outputs) == {"p": (4,), "top": ()}


@pytest.mark.parametrize("value", [64, 64.0, "64", "32 + 32", np.int64(64)])
def test_params_are_numbers_or_text_of_the_language(value: Any) -> None:
    assert gpubp.load(str(DIGITS), params={"hidden": value}).size == 4810


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"nope": 1}, "there is no param `nope`"),
        ({"hidden": "x"}, "the word `x` is set"),
        ({"hidden": [1]}, "a list is set"),
        ({"hidden": True}, "the boolean `true` is set"),
        ({"hidden": "64) -> dense("}, "`)` closes nothing"),
        ({"hidden": 0}, "must be at least 1"),
        ({"hidden": float("nan")}, "nan"),
    ],
)
def test_params_that_cannot_be(params: dict[str, Any], message: str) -> None:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.load(DIGITS, params=params)
    assert message in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("params", "text", "marked", "help"),
    [
        ({"hiden": 3}, "hiden = 3", "hiden", "did you mean `hidden`?"),
        ({"hidden": "x"}, "hidden = x", "x", 'for example `params={"hidden": 128}`'),
        ({"hidden": "3 +"}, "hidden = 3 +", "+", None),
        ({"seed": 3}, "seed = 3", "seed", "a key of `train`: `gpubp.train(net, seed=3)`"),
        (
            {"precision": "float64"},
            "precision = float64",
            "precision",
            'a key of `train`: `gpubp.train(net, precision="float64")`',
        ),
    ],
)
def test_params_are_shown_as_python_has_them(params: dict[str, Any], text: str, marked: str, help: str | None) -> None:
    for load in (gpubp.load, lambda path, params: gpubp.loads(path.read_text("utf-8"), params=params)):
        with pytest.raises(gpubp.NetError) as caught:
            load(DIGITS, params=params)
        (found,) = caught.value.diagnostics
        assert found.span is not None
        assert (found.span.source.name, found.span.source.text, found.span.text) == ("params", text, marked)
        assert help is None or found.help == (help,)
        assert "--" not in str(caught.value).replace("-->", "")


def test_a_word_is_advised_between_quotes() -> None:
    net = "param act = tanh\nmodel { input x: [2]\n output p = x -> dense(2) -> act }"
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(net, params={"act": 3})
    assert caught.value.diagnostics[0].help == ('for example `params={"act": "tanh"}`',)


def test_a_text_has_the_name_it_is_given() -> None:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads("model { input x: [2]\n output p = x -> dens(2) }", name="mine.net")
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert found.span.source.name == "mine.net"
    assert found.span.text == "dens"
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads("")
    assert caught.value.diagnostics


@pytest.mark.parametrize("name", ["nowhere.net", "", "a\0b", "x" * 5_000, MODELS])
def test_a_file_that_cannot_be_read(name: Any) -> None:
    with pytest.raises(gpubp.NetError, match="cannot read"):
        gpubp.load(name)


def test_a_byte_order_mark_and_the_line_ends_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_bytes(b"\xef\xbb\xbf" + PREDICT_ONLY.replace("\n", "\r\n").encode())
    assert gpubp.load(path).size == gpubp.loads(PREDICT_ONLY).size == 8


def test_data_are_found_beside_the_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert dict(gpubp.load(MODELS / "iris.net").outputs) == {"p": (3,)}


def test_an_import_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "b.net").write_bytes(b"\xff\xfe\0")
    path = tmp_path / "a.net"
    path.write_text('import "b.net" as lib\n' + PREDICT_ONLY, "utf-8")
    with pytest.raises(gpubp.NetError, match=r"cannot read .*b\.net"):
        gpubp.load(path)
