"""The verb `gradcheck`: what it prints, its exit codes, what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

from gpubp import ops
from tests.insight.test_gradcheck import planted

from .worlds import MODELS, ROWS, Call, write

RIGHT = """\
models/worked_example.net, the weights of seed 0: 1 training row, loss 0.101325

parameter            checked  kinks  worst at        backprop      difference    error
"""


def test_gradients_that_are_right(call: Call) -> None:
    said = call("gradcheck", MODELS / "worked_example.net")
    assert (said.code, said.err) == (0, "")
    assert said.out.replace(f"{MODELS}/", "models/").startswith(RIGHT)
    lines = said.out.splitlines()
    assert [line.split()[:2] for line in lines[3:7]] == [
        ["hidden.dense.weight", "4"],
        ["hidden.dense.bias", "2"],
        ["p.dense.weight", "2"],
        ["p.dense.bias", "1"],
    ]
    assert all(float(line.split()[-1]) < 1e-8 for line in lines[3:7])
    assert lines[-1] == "the gradients are right"


def test_a_wrong_derivative_is_named_and_fails(call: Call) -> None:
    with planted(ops.tanh):
        said = call("gradcheck", MODELS / "xor.net")
        told = json.loads(call("gradcheck", MODELS / "xor.net", "--json").out)
    assert said.code == 1
    assert [line.endswith("wrong") for line in said.out.splitlines()[3:7]] == [True, True, False, False]
    verdict = said.out.split("\n\n")[-1].splitlines()
    assert verdict[0] == "the gradients of hidden.dense.weight, hidden.dense.bias are wrong"
    assert verdict[1].startswith("the derivative of `tanh` with respect to input 1 is wrong: its rule gives ")
    assert verdict[1].endswith(f", in `hidden.tanh`, `tanh` at {MODELS / 'xor.net'}:10:31")
    assert not told["ok"]
    assert told["blamed"][0]["primitive"] == "tanh"
    kinds = {name: {e["kind"] for e in one["elements"]} for name, one in told["parameters"].items()}
    assert kinds["hidden.dense.bias"] == {"fault"}
    assert kinds["p.dense.bias"] == {"ok"}


def test_kinks_are_said(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, rows="a,b,y\n0,0,1\n0,0,2\n")
    path.write_text(path.read_text("utf-8").replace("tanh", "relu"), "utf-8")
    said = call("gradcheck", path)
    assert said.code == 0
    assert "3 derivatives stand on a kink, such as relu at 0, where the loss has no derivative" in said.out


def test_a_run_and_a_file_without_data(call: Call, tmp_path: Path) -> None:
    assert call("run", MODELS / "xor.net", "--out", tmp_path / "run", "--device", "cpu", "--quiet").code == 0
    said = call("gradcheck", tmp_path / "run", "--rows", "2")
    assert said.code == 0
    assert said.out.startswith(f"{tmp_path / 'run'}, step 500: 2 training rows, loss 0.000")
    path = write(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(text[text.index("model") :], "utf-8")
    said = call("gradcheck", path, "--elements", "2", "--seed", "3")
    assert said.code == 0
    assert "the weights of seed 3: 4 drawn rows" in said.out
    assert "2 of 6" in said.out


def test_a_file_starts_as_in_training(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, rows=ROWS)
    scaled = path.read_text("utf-8").replace("x -> dense", "x -> standardize -> dense")
    path.write_text(scaled, "utf-8")
    assert call("run", path, "--out", tmp_path / "first", "--device", "cpu", "--quiet").code == 0
    # Other rows have other statistics, and they are not the ones that the training starts with.
    (tmp_path / "a.csv").write_text("a,b,y\n7,8,1\n1,2,3\n9,9,9\n", "utf-8")
    path.write_text(scaled.replace("epochs", 'start = load("first")\n  epochs'), "utf-8")
    run, file = ([call(verb, where) for where in (tmp_path / "first", path)] for verb in ("explain", "gradcheck"))
    assert file[1].out.startswith(f"{path}, the weights of seed 0 and those of `first`: 3 training rows, loss ")
    first, second = (re.findall(r"^  (?:W|b|mean)\d .*", said.out, re.MULTILINE) for said in run)
    assert len(first) == 5
    assert first == second
    assert file[1].out.splitlines()[-1] == "the gradients are right"
    path.write_text(scaled.replace("epochs", 'start = load("nowhere")\n  epochs'), "utf-8")
    assert call("explain", path).err.startswith("error[E0505]: ")


def test_what_is_refused(call: Call, tmp_path: Path) -> None:
    assert call("gradcheck", tmp_path / "nowhere.net").code == 2
    assert call("gradcheck", write(tmp_path), "--rows", "0").code == 2
    text = write(tmp_path).read_text("utf-8")
    path = tmp_path / "bare.net"
    path.write_text(text[text.index("model") : text.index("train")].replace("  target y: [1]\n", ""), "utf-8")
    said = call("gradcheck", path)
    assert said.code == 2
    assert re.match(r"error\[E0501\]: `[^`]+` has no `train` section\nhelp: add `train \{ \.\.\. \}`", said.err)
