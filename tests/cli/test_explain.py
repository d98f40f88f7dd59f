"""The verb `explain`: of a file, of a run, of what cannot be explained."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import gpubp

from .worlds import MODELS, ROWS, Call, write


def test_a_file_is_followed_through_a_step(call: Call) -> None:
    said = call("explain", MODELS / "worked_example.net")
    assert (said.code, said.err) == (0, "")
    assert "delta1 = dL/da1 * (a1 * (1 - a1))  [-0.01111, -0.01634]" in said.out
    assert "hidden.dense.bias    [0, 0] becomes [0.01111, 0.01634]" in said.out


def test_more_digits(call: Call) -> None:
    path = MODELS / "worked_example.net"
    assert "a1 = sigmoid(z1)         [0.5249792, 0.5744425]" in call("explain", path, "--digits", "7").out
    shown = call("explain", path, "--digits", "15", "--show", "a1", "--show", "x").out
    assert shown.endswith("  [0.52497918747894, 0.574442516811659]\n  x                 [0.5, 0.8]\n")
    four, six = (
        call("explain", MODELS / "digits.net", "--digits", n, "--show", "W2").out.splitlines()[-1] for n in "46"
    )
    assert len(six) > len(four), "tables too"
    for words, said in (
        (("7", "--json"), "`--digits` is for what is printed; a page and a JSON document have all digits"),
        (("16",), "`--digits` goes up to 15; `--json` tells each number from all others"),
    ):
        refused = call("explain", path, "--digits", *words)
        assert (refused.code, refused.err) == (2, f"error: {said}\n")


def test_another_example_and_a_later_step(call: Call) -> None:
    first, second = (json.loads(call("explain", MODELS / "xor.net", "--json", "--example", n).out) for n in "12")
    assert [feed["value"]["values"] for feed in first["feeds"]] == [[0, 0], [0]]
    assert [feed["value"]["values"] for feed in second["feeds"]] == [[0, 1], [1]]
    # Of an input of zeros nothing comes to the weights.
    shown = call("explain", MODELS / "xor.net").out.splitlines()
    assert [line.split()[0] for line in shown if line.endswith(" stays as it is")] == [
        *("hidden.dense.weight", "m", "v"),
        *("p.dense.weight", "m", "v"),
    ]
    later = json.loads(call("explain", MODELS / "xor.net", "--json", "--example", "2", "--step", "400").out)
    assert later["step"] == 400
    head = call("explain", MODELS / "xor.net", "--example", "2", "--step", "1").out.partition("\n")[0]
    assert head == f"{MODELS / 'xor.net'}, the weights of seed 0 after 1 step: example 2 of 4; float32"
    assert later["loss"][-1]["value"]["values"] < 0.01 < second["loss"][-1]["value"]["values"]


@pytest.mark.parametrize(
    ("model", "form"), [("xor", "sigmoid_cross_entropy(z, y)"), ("iris", "log_softmax(z)"), ("worked_example", "")]
)
def test_the_stable_form_of_a_loss_is_explained(call: Call, model: str, form: str) -> None:
    lines = call("explain", MODELS / f"{model}.net").out.splitlines()
    told = lines[lines.index("the loss") : lines.index("backward")]
    assert [line.partition(" = ")[0] for line in told if line.startswith("  with ")] == [f"  with {form}"] * bool(form)


def test_a_label_has_its_word_and_statistics_their_numbers(call: Call) -> None:
    lines = call("explain", MODELS / "iris.net").out.splitlines()
    assert "  species  setosa  0" in lines
    assert "  count1  p.standardize.count         105" in lines
    assert any(line.startswith("  mean1  p.standardize.mean           [5.864, ") for line in lines)


def test_running_statistics_are_told_with_their_new_values(call: Call) -> None:
    said = call("explain", MODELS / "deep_batchnorm.net").out
    assert "t1, t2 ... stand for what is between;\na prime marks the new value of a running statistic" in said
    assert "\n  mean2  p.batchnorm.mean " in said
    assert "\n  mean2' = 0.9 * mean2 + 0.1 * t1 " in said


def test_a_run_is_explained_with_its_weights(call: Call, tmp_path: Path) -> None:
    assert call("run", MODELS / "xor.net", "--out", tmp_path / "run", "--device", "cpu", "--quiet").code == 0
    for place in (tmp_path / "run", tmp_path / "run" / "last.safetensors"):
        told = json.loads(call("explain", place, "--json", "--example", "3").out)
        assert told["step"] == 500
        run = gpubp.load_run(place, "cpu")
        loss, gradients = run.executor.gradients({"x": [[1, 0]], "y": [[1]]})
        assert told["loss"][-1]["value"]["values"] == pytest.approx(loss, rel=1e-4)
        shown = told["gradients"]["p.dense.weight"]["values"]
        np.testing.assert_allclose(shown, gradients["p.dense.weight"], rtol=1e-4)
    for words in (("--set", "a=1"), ("--seed", "1")):
        said = call("explain", tmp_path / "run", *words)
        assert said.code == 2
        assert "cannot be given with a run" in said.err
    assert "cannot be given with a run" in call("explain", tmp_path / "run", "--step", "3").err


def test_json_has_every_number(call: Call) -> None:
    told = json.loads(call("explain", MODELS / "digits.net", "--json", "--example", "2").out)
    executor = gpubp.Executor(gpubp.load(MODELS / "digits.net"), "cpu")
    for name, value in executor.parameters.items():
        before = told["update"]["parameters"][name]["before"]["values"]
        np.testing.assert_array_equal(np.array(before, value.dtype), value)
    shapes = {name: np.shape(one["values"]) for name, one in told["gradients"].items()}
    assert shapes == {name: value.shape for name, value in executor.parameters.items()}


def test_a_named_thing_is_shown_whole(call: Call) -> None:
    about, _, rest = call("explain", MODELS / "digits.net", "--show", "W4").out.partition("\n\n")
    assert about.endswith("example 1 of 1,438; float32")
    title, sizes, heads, *rows = rest.splitlines()
    assert title.split() == ["W4", "p.dense.weight"]
    assert sizes.startswith("  128 by 10 numbers, -0.")
    assert heads.split() == list("0123456789")
    value = gpubp.Executor(gpubp.load(MODELS / "digits.net"), "cpu").parameters["p.dense.weight"]
    cells = np.array([list(map(float, row.split())) for row in rows])
    np.testing.assert_array_equal(cells[:, 0], np.arange(128))
    np.testing.assert_allclose(cells[:, 1:], value, rtol=1e-3)
    said = call("explain", MODELS / "digits.net").out.splitlines()
    assert said[4] == "of more than 16 numbers the first 6 are shown: `--show image` shows all"
    assert "--show" not in call("explain", MODELS / "worked_example.net").out


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("z1", ["z1 = x @ W1 + b1 [0.1, 0.3]"]),
        ("dL/dW2", ["dL/dW2 = a1^T @ delta2 [[-0.0585], [-0.06401]]"]),
        (
            "p.dense.weight",
            [
                "W2 p.dense.weight [[0.4], [0.6]]",
                "dL/dW2 = a1^T @ delta2 [[-0.0585], [-0.06401]]",
                "p.dense.weight after the update [[0.4585], [0.664]]",
            ],
        ),
        ("L", ["L = 0.5 * (a2 - y)^2 0.1013"]),
        ("loss", ["L = 0.5 * (a2 - y)^2 0.1013"]),
        ("y", ["y [1]"]),
    ],
)
def test_a_name_is_a_sign_or_a_parameter(call: Call, name: str, lines: list[str]) -> None:
    shown = call("explain", MODELS / "worked_example.net", "--show", name).out
    assert [" ".join(line.split()) for line in shown.splitlines()[2:]] == lines


def test_a_layer_is_all_of_its_lines(call: Call) -> None:
    shown = call("explain", MODELS / "worked_example.net", "--show", "hidden", "--show", "x").out
    names = [line.split()[0] for line in shown.splitlines()[2:]]
    assert names == ["W1", "b1", "z1", "a1", "dL/da1", "delta1", "dL/dW1", "dL/db1", "x"]


def test_several_weights_of_a_layer_are_told_apart(call: Call) -> None:
    shown = call("explain", MODELS / "transformer.net").out
    assert "\n  t3 = a3 @ key_weight4 + key_bias4 " in shown
    assert "\n  dL/doutput_weight4 = t7^T @ delta5 " in shown


def test_images_and_filters_are_shown_one_by_one(call: Call) -> None:
    shown = call("explain", MODELS / "digits_cnn.net", "--show", "image", "--show", "W1").out.splitlines()
    assert [line for line in shown if "[" in line] == ["  [:, :, 0]", *(f"  [:, :, 0, {i}]" for i in range(32))]
    at = shown.index("  [:, :, 0]")
    assert [len(line.split()) for line in shown[at + 1 : at + 10]] == [8] + [9] * 8


@pytest.mark.parametrize(
    ("name", "help"),
    [("delta9", "did you mean `delta2`?"), ("\x1b[2J", "the whole explanation has all names, on its left side")],
)
def test_a_name_that_is_nothing_is_refused(call: Call, name: str, help: str) -> None:
    said = call("explain", MODELS / "worked_example.net", "--show", name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: nothing in this step is called `")
    assert said.err.endswith(f"`; {help}\n")
    assert "\x1b" not in said.err


def test_streamed_rows_are_rows_too(call: Call, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(40.0).reshape(20, 2) / 40)
    np.save(tmp_path / "y.npy", np.ones((20, 1)))
    text = write(tmp_path).read_text("utf-8")
    data = '  x = npy("x.npy", stream = true)\n  y = npy("y.npy", stream = true)\n'
    path = tmp_path / "streamed.net"
    path.write_text(f"data {{\n{data}}}\n{text[text.index('model') :]}", "utf-8")
    told = json.loads(call("explain", path, "--example", "20", "--step", "2", "--json").out)
    assert told["feeds"][0]["value"]["values"] == pytest.approx([38 / 40, 39 / 40])
    assert call("gradcheck", path).code == 0


def test_batch_statistics_take_the_rows_of_a_batch(call: Call) -> None:
    said = call("explain", MODELS / "deep_batchnorm.net", "--example", "800")
    assert said.code == 0
    assert "example 800 of 800, in a batch of 50 rows whose statistics it shares" in said.out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--example", "11"), "there is no example 11: the training data has 10 rows"),
        (("--example", "0"), "must be at least 1"),
        (("--step", "-1"), "must be at least 0"),
    ],
)
def test_what_is_not_there_is_refused(call: Call, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    found = call("explain", write(tmp_path), *words)
    assert found.code == 2
    assert said in found.err
    assert "data has 1 row\n" in call("explain", MODELS / "worked_example.net", "--example", "2").err


BARE = """\
model {
  input x: [2]
  output p = x -> dense(1, init = constant([[2], [3]]), bias_init = constant([1])) -> relu
}
"""


def test_a_file_without_train_shows_its_forward_pass(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "bare.net"
    path.write_text(f"data {{ x = [[0.5, 1], [-2, 0.25]] }}\n{BARE}", "utf-8")
    said = call("explain", path, "--example", "2")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].endswith("example 2 of 2; float32")
    assert re.search(r"z1 = x @ W1 \+ b1 +\[-2.25\]\n  a1 = relu\(z1\) +\[0\]\n\nno loss, so nothing comes", said.out)
    assert not re.search("delta|dL|the update|the loss", said.out)
    assert call("explain", path, "--show", "z1").out.endswith("\n  z1 = x @ W1 + b1  [5]\n")
    assert call("explain", path, "--html", tmp_path / "page.html").code == 0
    said = call("explain", path, "--step", "1")
    assert said.code == 2
    assert re.match(r"error\[E0501\]: `[^`]+` has no `train` section\nhelp: add `train \{ \.\.\. \}`", said.err)


def test_a_file_without_data_shows_drawn_examples(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "bare.net"
    path.write_text(BARE, "utf-8")
    first, second = (json.loads(call("explain", path, "--example", n, "--json").out) for n in "12")
    x = [np.array(one["feeds"][0]["value"]["values"]) for one in (first, second)]
    assert (x[0] != x[1]).all()
    for rows, told in zip(x, (first, second), strict=True):
        assert told["layers"][0]["forward"][2]["value"]["values"] == pytest.approx(rows @ [[2], [3]] + 1, rel=1e-5)
    assert call("explain", path).out.splitlines()[0].endswith(": drawn example 1; float32")
    train = "  target y: [1]\n}\ntrain {\n  loss = mse(p, y)\n  optimizer = sgd(lr = 0.1)\n}\n"
    path.write_text(BARE[:-2] + train, "utf-8")
    assert "\nthe update\n" in call("explain", path).out
    assert call("explain", path, "--example", "999").err.endswith("no example 999: without `data` 256 are drawn\n")
    assert call("explain", path, "--step", "1").err.startswith("error[E0410]: ")


def test_a_formula_without_weights_is_followed_too(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "formula.net"
    model = "data { x = [[1, 2]] }\nmodel {\n  input x: [2]\n  output p = mean(x^2)\n  output q = x\n}\n"
    path.write_text(model, "utf-8")
    said = call("explain", path)
    assert (said.code, said.err) == (0, "")
    assert "\n  a2 = sum(a1, axis 1) * 0.5  2.5\n" in said.out
    path.write_text(f"{model}train {{\n  loss = p\n  optimizer = adam\n}}\n", "utf-8")
    assert call("explain", path).out.endswith("the update\n  nothing is trained\n")
    path.write_text("block b(n) on x { return x -> dense(n) }\n", "utf-8")
    assert call("explain", path).err.endswith("` has no inputs, so there is no example to follow through it\n")
    assert call("run", path).err.count("help") == 1


def test_what_is_no_file_and_no_run_is_refused(call: Call, tmp_path: Path) -> None:
    assert call("explain", tmp_path / "nowhere.net").code == 2
    assert call("explain", tmp_path).err == f"error: `{tmp_path}` is not a run: it has no `resolved.net`\n"


def test_a_gradient_that_is_not_finite_is_told(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, rows=ROWS)
    path.write_text(
        path.read_text("utf-8")
        .replace("dense(1)", "dense(1) -> f")
        .replace("model {", "fn f(z) = sqrt(z - z)\nmodel {", 1),
        "utf-8",
    )
    said = call("explain", path)
    assert said.code == 1
    assert "holds NaN" in said.err or "holds inf" in said.err


def test_a_file_whose_name_is_no_text_has_a_page(call: Call, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.net")
    path.write_bytes((MODELS / "xor.net").read_bytes())
    assert call("explain", path, "--html", tmp_path / "page.html").code == 0
    assert '"file": "\\udcff.net"' in (tmp_path / "page.html").read_text("utf-8").replace(f"{tmp_path}/", "")


def test_what_is_wrong_with_a_net_is_said_in_words(call: Call) -> None:
    said = call("explain", MODELS / "deep_sigmoid.net")
    assert "\n\nthe layers over 256 rows: root mean squares\n" in said.out
    last = said.out.strip().splitlines()[-4:]
    assert last[0].startswith("the gradient vanishes: the delta of layer 1, `p.dense`, is ")
    assert last[1] == "  help: `-> dense(width, init = he_normal) -> relu`"
    told = json.loads(call("explain", MODELS / "deep_mended.net", "--json").out)
    assert told["health"]["findings"] == []
    # Those that have weights, not what only adds up.
    numbers = [one["number"] for one in told["layers"] if one["functions"] != ["+"]]
    assert [one["number"] for one in told["health"]["layers"]] == numbers
