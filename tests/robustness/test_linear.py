"""The work of checking or formatting a file grows as the file does. Calls are counted, so that no clock is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import pytest

import gpubp
from benchmarks.language import FORMS, repeat
from dsl.format import format_text
from dsl.source import Source


def calls(work: Callable[[Source], object], text: str) -> int:
    """Python functions that are called, and generators that go on, while something is done with a text."""
    source = Source("<string>", text)
    count = 0

    def tally(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(tally)
    try:
        work(source)
    finally:
        sys.setprofile(before)
    return count


def check(source: Source) -> None:
    """Checks a file and lists its layers, or refuses it."""
    with suppress(gpubp.NetError):
        gpubp.loads(source.text).summary()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_twice_the_layers_are_twice_the_work(form: Callable[[int], str]) -> None:
    gpubp.loads(repeat(1))  # what is made once is made
    small, middle, large = (calls(check, form(count)) for count in (100, 200, 400))
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
        return calls(check, text)

    work(300)  # the first hundred findings are put into words, and words are remembered
    small, middle, large = work(300), work(600), work(1200)
    assert large - middle <= 2.1 * (middle - small)


@pytest.mark.parametrize(
    ("before", "part", "after"),
    [
        ("model {\n", "a=b  ->c # d\n", "}"),
        ("", "# a\nlet x=[1,\n2]\n\n\n", ""),
        ("", "block b( ) on x{return x}\n", ""),
        ("", "train{a=1}\ndata{b=2\n c=3}\n", ""),
        ("let x = [", "[0,0,1], ", "]"),
        ("let x = [", "[0,0,1], # row\n", "]"),
        ("let x = f(", "a=1,", ")"),
        ("let x = a", "->b(c, d=[1])", ""),
        ("let x = a", f"\n->f({'a' * 60},[for i in 1..2 {{ {'b' * 60} }}])", ""),
        ("", "# a\n\n", ""),
    ],
)
def test_twice_the_text_is_twice_the_work_of_formatting(before: str, part: str, after: str) -> None:
    def work(count: int) -> int:
        text = before + part * count + after
        assert format_text(Source("<string>", text))[1] == []
        return calls(format_text, text)

    small, middle, large = work(100), work(200), work(400)
    assert large - middle < 2.1 * (middle - small)
