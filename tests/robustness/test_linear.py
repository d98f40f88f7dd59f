"""The work of checking or formatting a file grows as the file does. Calls are counted, so that no clock is needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

import gpubp
from benchmarks.language import FORMS, repeat
from dsl.format import format_text
from dsl.source import Source
from tests.work import calls


def checking(text: str) -> int:
    """The work of checking a file and listing its layers, or of refusing it."""

    def check() -> None:
        with suppress(gpubp.NetError):
            gpubp.loads(text).summary()

    return calls(check)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_twice_the_layers_are_twice_the_work(form: Callable[[int], str]) -> None:
    gpubp.loads(repeat(1))  # what is made once is made
    small, middle, large = (checking(form(count)) for count in (50, 100, 200))
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
        return checking(text)

    work(150)  # the first hundred findings are put into words, and words are remembered
    small, middle, large = work(150), work(300), work(600)
    assert large - middle <= 2.1 * (middle - small)


def test_twice_the_frozen_places_are_twice_the_work() -> None:
    def work(count: int) -> int:
        body = "".join(f"  h{i} = {f'h{i - 1}' if i else 'x'} -> dense(3)\n" for i in range(count))
        frozen = ", ".join(f"h{i}" for i in range(count - 1))
        return checking(
            f"model {{\n  input x: [3]\n{body}  output p = h{count - 1} -> relu\n}}\n"
            f"train {{\n  loss = mean(p)\n  optimizer = adam\n  freeze = [{frozen}]\n}}\n"
        )

    work(2)
    small, middle, large = work(50), work(100), work(200)
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
        source = Source("<string>", before + part * count + after)
        assert format_text(source)[1] == []
        return calls(lambda: format_text(source))

    small, middle, large = work(50), work(100), work(200)
    assert large - middle < 2.1 * (middle - small)
