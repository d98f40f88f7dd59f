"""How diagnostics are printed in a narrow terminal."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dsl.diagnostics import Diagnostic
from dsl.render import to_text
from dsl.source import Source, Span

WORDS = st.text(st.sampled_from("ab 中`"), max_size=60)


@given(WORDS, WORDS, WORDS, st.integers(40, 90), st.integers(0, 60))
def test_no_line_is_wider_than_the_terminal(message: str, label: str, help: str, columns: int, place: int) -> None:
    """All words are there, in their order, in lines that fit; the place stays under its text."""
    source = Source("t.net", "x" * place + "中" + "y" * (70 - place))
    finding = Diagnostic("E0101", message, Span(source, place, place + 1), label, help=(help,))
    lines = to_text(finding, columns=columns).split("\n")
    whole = to_text(finding).split("\n")
    for line in lines:
        assert width(line) <= columns or not re.search(r"\S\s+\S", line.partition(": ")[2])
    assert "".join(lines).count("^") == 2
    assert "".join("".join(lines[:-1]).split()).startswith("".join(whole[0].split()))
    marked = next(line for line in lines if "^" in line)
    above = lines[lines.index(marked) - 1]
    assert width(above.partition("中")[0]) == marked.index("^")


def width(text: str) -> int:
    return len(text) + text.count("中")


def test_a_narrow_terminal() -> None:
    source = Source("t.net", "model {\n  hidden = x -> dense(8) -> tanh -> dense(8, act = relu)\n}\n")
    help = ("`relu` is a stage of its own: `-> dense(...) -> relu`",)
    finding = Diagnostic("E0204", "`dense` has no argument `act`", Span(source, 53, 56), "unknown argument", help=help)
    assert to_text(finding, columns=40).split("\n") == [
        "error[E0204]: `dense` has no argument",
        "              `act`",
        "  --> t.net:2:46",
        "   |",
        " 2 | ... -> tanh -> dense(8, act = relu)",
        "   |                         ^^^",
        "   |                         |",
        "   |                    unknown argument",
        "help: `relu` is a stage of its own:",
        "      `-> dense(...) -> relu`",
    ]
