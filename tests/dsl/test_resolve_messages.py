"""The messages that the likeliest mistakes deserve: code, text, marked place, remedy."""

from __future__ import annotations

import pytest

from dsl.resolve.suggest import distance, listed, nearest

from .resolving import HEAD, error, found

TRAINED = f"{HEAD}  output p = x -> dense(1)\n}}\ntrain {{\n  loss = mse(p, y)\n  optimizer = adam()\n  "


@pytest.mark.parametrize(
    ("text", "code", "message", "marked", "help"),
    [
        (
            TRAINED + "kl = mse(p, y)\n}",
            "E0211",
            "`train` has no key `kl`",
            "kl",
            "compute it in `model`; `metrics = [kl]` then shows it",
        ),
        (
            HEAD + "  h = dense(8)\n  output p = x -> dense(1)\n}",
            "E0210",
            "`dense` has no input value",
            "dense",
            "`x -> dense(8)`; for shared weights `layer h = dense(8)`",
        ),
        (
            HEAD + "  h = relu\n  output p = x -> dense(1)\n}",
            "E0210",
            "`relu` has no input value",
            "relu",
            "`x -> relu`; for shared weights `layer h = relu`",
        ),
        *(
            (
                TRAINED.replace("loss = mse(p, y)", f"loss = {call} + mse(p, y)") + "}",
                "E0205",
                "`mse` takes 2 values (p, y), but got 1",
                "mse",
                help,
            )
            for call, help in (
                ("mse(p)", "`mse(p, y)`"),
                ("mse(y)", "`mse(..., y)`"),
                ("mse(p - 1)", "`mse(p - 1, y)`"),
            )
        ),
        (
            HEAD.replace("target y", "target z: [1]\n  target y") + "  output p = x -> dense(1)\n}\n"
            "train {\n  loss = mse(p) + mse(p, y) + mse(p, z)\n  optimizer = adam()\n}",
            "E0205",
            "`mse` takes 2 values (p, y), but got 1",
            "mse",
            "`mse(p, ...)`",
        ),
        (
            "block two(k) on a, b { return a -> dense(k) }\n" + HEAD + "  output p = x -> two(k = 4)\n}",
            "E0205",
            "`two` takes 2 values (a, b), but got 1",
            "two",
            "`two(x, ...)`",
        ),
        (
            TRAINED.replace("adam()", "adam(0.1, 0.9, 0.99, 1, 2, 3, 4)") + "}",
            "E0206",
            "`adam` takes 3 arguments at most",
            "1",
            "leave out `1` and `2` and `3` and the rest",
        ),
        (
            HEAD + "  output p = if x > 0 then x else 0\n}",
            "E0315",
            "`if` is evaluated when the file is loaded, but `x` is a tensor",
            "x",
            "`where(x > 0, x, 0)` chooses per element",
        ),
        (TRAINED + "epochs = 20epochs\n}", "E0313", "`epochs` takes a plain number", "20epochs", "`epochs = 20`"),
        (
            HEAD + "  output p = x -> dropout(25)\n}",
            "E0313",
            "`rate` is a fraction, but this is 25",
            "25",
            "did you mean `25%`?",
        ),
        (
            HEAD + "  output p = x -> conv(4, 3, strides = 2)\n}",
            "E0204",
            "`conv` has no argument `strides`",
            "strides",
            "did you mean `stride`?",
        ),
        (
            TRAINED.replace("mse(p, y)", "mse(p, y, sample_weight = w)") + "epochs = 1\n}",
            "E0204",
            "`mse` has no argument `sample_weight`",
            "sample_weight",
            "a factor for each example stands before the loss: `w * mse(...)`, with `target w: []`",
        ),
        (
            TRAINED + "early_stop = early_stop(valid.loss, patience = 3)\n}",
            "E0313",
            "`patience` takes a duration",
            "3",
            "`patience = 3epochs` or `patience = 3steps`",
        ),
        (
            HEAD + "  output p = x -> matmul\n}",
            "E0205",
            "`matmul` takes 2 values (a, b), but got 1",
            "matmul",
            "`matmul(x, ...)`",
        ),
        (
            HEAD + "  output p = x + [x]\n}",
            "E0310",
            "`+` takes numbers, but this is a list of values",
            "[x]",
            "`stack` or `concat` makes one tensor of a list of values",
        ),
        (
            HEAD + "  output p = x -> dense(3, bias = false, 4)\n}",
            "E0206",
            "a positional argument follows a named one",
            "4",
            "positional arguments come first",
        ),
        (
            "model {\n  input x: clas(3)\n  output p = x -> embedding(3)\n}",
            "E0227",
            "there is no type `clas`",
            "clas",
            "did you mean `class`?",
        ),
    ],
)
def test_messages(text: str, code: str, message: str, marked: str, help: str | None) -> None:
    wrong = error(text)
    assert (wrong.code, wrong.message) == (code, message)
    assert wrong.span is not None
    assert wrong.span.text == marked
    assert wrong.help == ((help,) if help else ())


def test_the_signature_stands_beside_a_wrong_argument() -> None:
    wrong = error(HEAD + "  output p = x -> conv(4, 3, strides = 2)\n}")
    assert wrong.label == "unknown argument"
    assert wrong.notes == ("conv(channels, size, stride = 1, pad = valid, bias = true, init = glorot_uniform)",)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [("", "ab", 2), ("abc", "abc", 0), ("acb", "abc", 1), ("dense", "dens", 1), ("relu", "tanh", 4)],
)
def test_distance(a: str, b: str, edits: int) -> None:
    assert distance(a, b, 9) == distance(b, a, 9) == edits
    assert distance(a, b, 1) == min(edits, 2)


def test_nearest() -> None:
    assert nearest("dens", ["dense", "tense"]) == "dense"
    assert nearest("unit", ["init", "units"]) == "units"
    assert nearest("dens", ["dense"], lambda name: False) is None
    assert nearest("q", ["relu", "x"]) is None
    assert listed(["a", "b", "c"]) == "`a`, `b` or `c`"


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("batch_size = 16", "did you mean `batch`?"),
        ("stopping = 10", "keys not used yet: "),
        ("kl = mse(p, y)", "metrics = [kl]"),
    ],
)
def test_an_unknown_key_of_train(line: str, remedy: str) -> None:
    text = f"""model {{
  input  x: [2]
  target y: [2]
  output p = x -> dense(2)
}}
train {{
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
  {line}
}}
"""
    _, findings = found(text)
    assert [(d.code, remedy in d.help[0]) for d in findings] == [("E0211", True)]
