"""Files with mistakes in them, and what is said of them."""

from __future__ import annotations

import pytest

import gpubp
from dsl.diagnostics import Diagnostic

HEAD = "input x: [4]\n  input image: [8, 8, 1]\n  target y: [1]\n  target digit: class(10)\n"
TRAIN = "train {{\n  loss = {}\n  optimizer = adam\n  metrics = [{}]\n}}\n"


def errors(text: str) -> list[Diagnostic]:
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(text, name="a.net")
    return [found for found in caught.value.diagnostics if found.severity == "error"]


def model(body: str) -> str:
    """A file whose every input is used, so that only `body` can be wrong."""
    return f"model {{\n  {HEAD}{body}\n  output used = sum(x) + sum(image)\n}}\n"


def only(text: str) -> Diagnostic:
    (found,) = errors(text)
    return found
