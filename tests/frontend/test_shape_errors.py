"""Shapes that do not fit are told on the text that caused them, in the file's terms, with the chain that led there."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from dsl.render import to_text

from .wrong import TRAIN, model, only

# Whole texts ---------------------------------------------------------------------------------------------------------
RESIDUAL = """\
block widen(ch) on x {
  return x -> dense(ch) -> relu
}
block residual(ch) on x {
  main = x -> widen(ch) -> relu -> widen(ch)
  skip = x
  return main + skip -> relu
}
model {
  input image: [32, 32, 3]
  output p = image -> widen(16)
    -> for ch in [16, 32] { repeat 2 { residual(ch) } }
}
"""


def test_a_sum_in_a_block_in_loops() -> None:
    assert (
        to_text(only(RESIDUAL))
        == """\
error[E0301]: cannot add shapes [32, 32, 32] and [32, 32, 16]
  --> a.net:7:10
   |
 5 |   main = x -> widen(ch) -> relu -> widen(ch)
   |               --------- [32, 32, 16] becomes [32, 32, 32]
 6 |   skip = x
   |          - still [32, 32, 16]
 7 |   return main + skip -> relu
   |          ^^^^^^^^^^^ axis 2 differs: 32 against 16; only size 1 broadcasts
note: in `residual(ch = 32)`, expanded from a.net:12:40
note: in `repeat 2, turn 1`, expanded from a.net:12:29
note: in `for ch = 32`, expanded from a.net:12:8
help: project it: `skip -> dense(32)` has the shape [32, 32, 32]"""
    )


def test_the_branch_of_an_if() -> None:
    found = only(RESIDUAL.replace("skip = x\n", "skip = if ch > 0 then x else x -> dense(ch)\n"))
    assert [(label.span.text, label.text) for label in found.labels] == [
        ("widen(ch)", "[32, 32, 16] becomes [32, 32, 32]"),
        ("x", "still [32, 32, 16]"),
    ]


def test_an_imported_formula(tmp_path: Path) -> None:
    (tmp_path / "lib.net").write_text("fn mix(a, b, t = 0.5) = t * a + (1 - t) * b\n")
    main = tmp_path / "main.net"
    main.write_text('import "lib.net" as lib\nmodel {\n  input x: [4]\n  output p = lib.mix(x, x -> dense(3))\n}\n')
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.load(main)
    (found,) = caught.value.diagnostics
    assert (
        to_text(found).replace(f"{tmp_path}/", "")
        == """\
error[E0301]: cannot add shapes [4] and [3]
  --> lib.net:1:25
   |
 1 | fn mix(a, b, t = 0.5) = t * a + (1 - t) * b
   |                         ^^^^^^^^^^^^^^^^^^^ axis 0 differs: 4 against 3; only size 1 broadcasts
  ::: main.net:3:3
   |
 3 |   input x: [4]
   |   ------------ [4], declared here
 4 |   output p = lib.mix(x, x -> dense(3))
   |                              -------- [4] becomes [3]
note: in `lib.mix(t = 0.5)`, expanded from main.net:4:14"""
    )


def test_a_loss_of_two_shapes() -> None:
    found = only(model("output p = x -> dense(10) -> softmax") + TRAIN.format("mse(p, y)", ""))
    assert (
        to_text(found)
        == """\
error[E0301]: `mse` needs equal shapes, got [10] and [1]
  --> a.net:10:10
   |
 4 |   target y: [1]
   |   ------------- [1], declared here
 5 |   target digit: class(10)
 6 | output p = x -> dense(10) -> softmax
   |                 --------- [4] becomes [10]
...
10 |   loss = mse(p, y)
   |          ^^^^^^^^^ axis 0 differs: 10 against 1
help: `dense(1)` in place of `dense(10)` would fit
note: mse(p, y)"""
    )


def test_weights_shared_by_values_of_two_shapes() -> None:
    found = only(model("layer enc = dense(8) -> relu\n  a = x -> enc\n  b = concat(x, x) -> enc\n  output p = a + b"))
    assert (
        to_text(found)
        == """\
error[E0305]: the shared weight `enc.dense.weight` cannot have the shapes [4, 8] and [8, 8]
  --> a.net:8:23
   |
 7 |   a = x -> enc
   |            --- made it [4, 8]
 8 |   b = concat(x, x) -> enc
   |       ------------    ^^^ would make it [8, 8]
   |       |
   |       [4] and [4] become [8]
note: in `enc`, expanded from a.net:8:23
help: a `layer` has weights of one shape; a block creates new ones for each use: `block f() on x { return x -> ... }`"""
    )


# One by one ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "code", "message", "label", "help"),
    [
        (
            "a = (image -> dense(3)) + x",
            "E0301",
            "cannot add shapes [8, 8, 3] and [4]",
            "axis -1 differs: 3 against 4; only size 1 broadcasts",
            "`dense(4)` in place of `dense(3)` would fit",
        ),
        (
            "a = (x -> dense(3)) - (x -> dense(5))",
            "E0301",
            "cannot subtract shapes [3] and [5]",
            "axis 0 differs: 3 against 5; only size 1 broadcasts",
            "`dense(5)` in place of `dense(3)` would fit",
        ),
        (
            "a = x * (x -> dense(6) -> reshape([2, 3]))",
            "E0301",
            "cannot multiply shapes [4] and [2, 3]",
            "axis -1 differs: 4 against 3; only size 1 broadcasts",
            None,
        ),
        (
            "a = (x -> dense(6) -> reshape([2, 3])) / (x -> dense(12) -> reshape([3, 4]))",
            "E0301",
            "cannot divide shapes [2, 3] and [3, 4]",
            "both axes differ; only size 1 broadcasts",
            None,
        ),
        ("a = -digit", "E0306", "cannot negate labels: they are names, not numbers", "", None),
        (
            "a = digit + 1",
            "E0306",
            "cannot add labels: they are names, not numbers",
            "",
            "`one_hot(digit)` turns labels into numbers: [10]",
        ),
        ("a = digit == x", "E0306", "cannot compare labels with numbers: they are names", "", None),
        ("a = digit -> dense(3)", "E0306", "`dense` takes numbers, but this is a class label", "", None),
        (
            "a = one_hot(x)",
            "E0306",
            "`one_hot` takes class labels, but this is a tensor of numbers",
            "",
            None,
        ),
        (
            "a = sum(x) -> dense(3)",
            "E0301",
            "`dense` needs at least one axis to work on, got a single number",
            "",
            "`reshape([1])` makes it one",
        ),
        ("a = sum(x) -> softmax", "E0301", "`softmax` needs an axis of classes, got a single number", "", None),
        ("a = x -> reshape([3, 2])", "E0301", "cannot reshape [4] to [3, 2]", "4 values against 6", None),
        ("a = slice(x, 2, 9)", "E0301", "cannot take 2 to 9 of an axis of 4", "", "counted from 0, end not included"),
        ("a = mean(x, axis = 3)", "E0301", "axis 3 does not exist in shape [4]", "", None),
        (
            "a = concat(image, x)",
            "E0301",
            "cannot join shapes [8, 8, 1] and [4] along axis -1",
            "3 axes against 1 axis",
            None,
        ),
        (
            "a = concat(image, image -> dense(3), axis = 1)",
            "E0301",
            "cannot join shapes [8, 8, 1] and [8, 8, 3] along axis 1",
            "axis 2 differs: 1 against 3",
            None,
        ),
        (
            "a = stack(x, x -> dense(3))",
            "E0301",
            "cannot stack shapes [4] and [3]",
            "axis 0 differs: 4 against 3",
            None,
        ),
        (
            "a = where(x > 0, x, image -> dense(3))",
            "E0301",
            "cannot choose between shapes [4] and [4] and [8, 8, 3]",
            "axis -1 differs: 4 against 3; only size 1 broadcasts",
            None,
        ),
    ],
)
def test_a_model(line: str, code: str, message: str, label: str | None, help: str | None) -> None:
    found = only(model(line))
    assert (found.code, found.message) == (code, message)
    assert label is None or found.label == label
    assert help is None or found.help == (help,)


LABELS = "`cross_entropy` needs class labels, but the target is a tensor of numbers"
CLASSES = "`cross_entropy` needs one probability per class: 3 outputs for 10 classes"
ROWS = "`cross_entropy` needs one row of probabilities per label, got [] for labels []"
ONE = "a loss is one number per example, this is"


@pytest.mark.parametrize(
    ("loss", "code", "message", "help"),
    [
        ("mse(p, digit)", 6, "`mse` compares numbers, but the target is a class label", "`cross_entropy(p, digit)`"),
        (
            "cross_entropy(digit, p)",
            6,
            "`cross_entropy` takes probabilities first, but this is a class label",
            "second",
        ),
        ("cross_entropy(p, y)", 6, LABELS, "`target y: class(10)`"),
        ("cross_entropy(s, y)", 6, LABELS, "`binary_cross_entropy(s, y)`"),
        ("cross_entropy(q, digit)", 1, CLASSES, "`dense(10)` in place of `dense(3)`"),
        ("cross_entropy(sum(q), digit)", 1, ROWS, ""),
        ("cross_entropy(stack(p, p), digit)", 1, ROWS.replace("[]", "[2, 10]", 1), "`flatten`, of images `global_av"),
        ("mse(sum(q), y)", 1, "`mse` needs equal shapes, got [] and [1]", ""),
        (
            "mse(total, y)",
            1,
            "`mse` needs equal shapes, got [] and [1]",
            "`total -> reshape([1])` has the other's shape",
        ),
        ("q", 2, f"{ONE} [3]", "`mean(...)` or `sum(...)`"),
        ("mse(s, y) + q", 2, f"{ONE} [3]", "`mean(...)` or `sum(...)`"),
        ("digit", 6, f"{ONE} a class label", ""),
    ],
)
def test_a_loss(loss: str, code: int, message: str, help: str) -> None:
    outputs = "output p = x -> dense(10) -> softmax\n  output s = x -> dense(1) -> sigmoid\n"
    found = only(model(f"{outputs}  q = x -> dense(3)\n  total = sum(x)") + TRAIN.format(loss, ""))
    assert (found.code, found.message) == (f"E030{code}", message)
    assert help in "".join(found.help)
    assert bool(help) == bool(found.help)


@pytest.mark.parametrize("metric", ["accuracy(q, digit)", "accuracy(q, y)", "mae(q, y)", "r2(y, q)"])
def test_a_metric(metric: str) -> None:
    found = only(model("q = x -> dense(3)\n  output s = x -> dense(1)") + TRAIN.format("mse(s, y)", metric))
    assert found.code == "E0301"
    assert found.span is not None
    assert found.span.text == metric
    assert ("dense(3)", "[4] becomes [3]") in [(label.span.text, label.text) for label in found.labels]


def test_a_penalty_of_many_numbers() -> None:
    body = "layer e = dense(1)\n  output p = x -> e"
    found = only(model(body) + TRAIN.format("mse(p, y) + e.weight", ""))
    assert (found.code, found.message) == ("E0302", "a penalty is one number, this is [4, 1]")
