"""Settings from outside the file: what is in force, and the text that says so by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.frontend import identity, standalone_files, with_options

HEAD = """
param long = 4
data { x = [[0], [1]]
  y = [[0], [1]] }
model { input x: [1]
  target y: [1]
  output p = x -> dense(1) }
"""
ON_LINES = "train {\n  loss = mse(p, y)  # the error\n  optimizer = sgd(lr = 0.1)\n%s}\n"


@pytest.mark.parametrize(
    "train",
    [
        ON_LINES % "",
        ON_LINES % "  epochs = long\n  seed = 1  # mine\n  precision = float64\n",
        ON_LINES % "  steps    = 7 * long\n",
        "train { loss = mse(p, y)\n  optimizer = sgd(lr = 0.1) }",
        "train { loss = mse(p, y)\n  optimizer = sgd(lr = 0.1)\n\n\n}\n# the end }\n",
        "train { seed = 5\n  loss = mse(p, y)\n  optimizer = sgd(lr = 0.1)\n  steps = 3 }",
    ],
)
def test_the_text_in_force_means_the_same(train: str) -> None:
    net = gpubp.loads(HEAD + train)
    told = with_options(net, epochs=5, seed=3, precision="float64")
    assert (told.option("epochs"), told.option("steps")) == (5, None)
    assert (told.option("seed"), told.dtype) == (3, "float64")
    text = standalone_files(told)["resolved.net"]
    alone = gpubp.loads(text)
    assert identity(alone) == identity(told)
    assert standalone_files(alone)["resolved.net"] == text
    assert text.count("epochs = 5") == text.count("seed = 3") == 1
    if "seed = 1" in train:
        assert "  seed = 3  # mine\n" in text, "the rest of the file stays as it was written"


def test_what_the_file_says_already_changes_nothing() -> None:
    net = gpubp.loads(HEAD + ON_LINES % "  epochs = 5\n")
    assert with_options(net) is net
    assert with_options(net, epochs=5, seed=0, precision="float32") is net
    assert with_options(with_options(net, epochs=6), seed=2).option_overrides == {"epochs": "6", "seed": "2"}


@pytest.mark.parametrize("written", ["adam", '"adam"', r'"a \"b\" \\ c"', 'a "b" \\ c'])
def test_a_string_that_is_set_is_quoted_in_the_text_in_force(written: str) -> None:
    text = 'param how = "sgd"\n' + HEAD.replace("param long = 4\n", "") + ON_LINES % ""
    text = text.replace("sgd(lr = 0.1)", 'if how == "sgd" then sgd(lr = 0.1) else adam')
    told = gpubp.loads(text, params={"how": written})
    alone = gpubp.loads(standalone_files(told)["resolved.net"])
    assert alone.params == told.params
    assert identity(alone) == identity(told)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("some", np.array([3, 4]), (3, 4)),
        ("some", np.float32([0.1, 2]), (0.1, 2.0)),
        ("some", np.arange(2000), tuple(range(2000))),  # more than NumPy prints
        ("some", range(2), (0, 1)),
        ("yes", np.True_, True),
        ("yes", np.array(False), False),
        ("each", [np.False_, True], (False, True)),
        ("each", np.array([True]), (True,)),
        ("word", Path("a/b"), "a/b"),
        ("word", np.str_("a"), "a"),
    ],
)
def test_a_param_is_set_to_what_python_has(name: str, value: object, read: object) -> None:
    text = 'param some = [1, 2]\nparam yes = true\nparam each = [true]\nparam word = "w"\n' + HEAD
    assert gpubp.loads(text, params={name: value}).params[name] == read


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "NoneType"), ({"a": 1}, "dict"), (b"x", "bytes"), ([1, [None]], "NoneType"), (object, "type")],
)
def test_a_param_is_set_to_nothing_that_the_language_has_not(value: object, kind: str) -> None:
    with pytest.raises(
        gpubp.InputError, match=rf"^`params\['word'\]` is of type {kind}; it must be a number, a boolean,"
    ):
        gpubp.loads('param word = "w"\n' + HEAD, params={"word": value})


@pytest.mark.parametrize("params", [[("long", 3)], "long=3", 5])
def test_params_are_set_by_a_mapping(params: Any) -> None:
    with pytest.raises(
        gpubp.InputError, match=f"^params are set by a mapping from names to values, not by {type(params).__name__}$"
    ):
        gpubp.loads(HEAD, params=params)
