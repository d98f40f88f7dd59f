"""A weight by itself is a value, `W = weight([2, 3])`: however else it is tried, the message says so."""

from __future__ import annotations

import re

import pytest

from gpubp import NetError
from gpubp.frontend import loads

NET = """\
model {{
  input  x: [1, 2]
  target y: [1, 3]
  {line}
  output p = matmul(x, W)
}}

train {{
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
}}
"""
RIGHT = "W = weight([2, 3])"


@pytest.mark.parametrize(
    "line",
    [
        "weight W = [2, 3]",
        "weight W: [2, 3]",
        "param W = [2, 3]",
        "parameter W = glorot([2, 3])",
        "tensor W: [2, 3]",
        "W: [2, 3]",
        "W = parameter([2, 3])",
        "weight([2, 3])",
        "layer W {\n    weight w = [2, 3]\n  }",
    ],
)
def test_the_message_has_the_line_that_is_meant(line: str) -> None:
    with pytest.raises(NetError) as caught:
        loads(NET.format(line=line))
    helps = "\n".join(text for found in caught.value.diagnostics for text in found.help)
    named = re.search("did you mean `(.*)`", helps)
    assert f"`{RIGHT}`" in helps or (named and line.replace("parameter", named[1]) == RIGHT), helps
    loads(NET.format(line=RIGHT))


@pytest.mark.parametrize("name", ["weight", "normal"])
def test_what_makes_a_value_by_itself_takes_none_in(name: str) -> None:
    with pytest.raises(NetError) as caught:
        loads(NET.format(line=f"W = x -> {name}([2, 3])"))
    found = caught.value.diagnostics[0]
    assert (found.code, found.message) == ("E0206", f"`{name}` takes no value in")
    assert found.help == (f"it makes a value by itself: `h = {name}([2, 3])`",)
