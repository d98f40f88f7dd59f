"""The work of checking a file grows as the file does. Calls of functions are counted, so that no clock is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

import gpubp
from benchmarks.language import FORMS, repeat


def calls(text: str) -> int:
    """Python functions that are called, and generators that go on, while a file is checked and listed or refused."""
    count = 0

    def tally(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(tally)
    try:
        gpubp.loads(text).summary()
    except gpubp.NetError:
        pass
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_twice_the_layers_are_twice_the_work(form: Callable[[int], str]) -> None:
    gpubp.loads(repeat(1))  # what is made once is made
    small, middle, large = (calls(form(count)) for count in (100, 200, 400))
    assert large - middle < 2.1 * (middle - small)


@pytest.mark.parametrize(
    "line",
    ["  a%d = b%d -> dense(3)", "  a%d = x -> dens(%d)", "  a%d = x + %d", "  a%d = x -> relu as r%d", "  ; %d %d"],
)
def test_twice_the_mistakes_are_twice_the_work(line: str) -> None:
    """Errors, warnings and what cannot be read; above a hundred findings nothing is made of them any more."""

    def work(count: int) -> int:
        body = "\n".join(line % (i, i) for i in range(count))
        text = f"model {{\n  input x: [3]\n{body}\n  output p = x -> dense(1)\n}}\n"
        return calls(text)

    work(300)  # the first hundred findings are put into words, and words are remembered
    small, middle, large = work(300), work(600), work(1200)
    assert large - middle <= 2.1 * (middle - small)
