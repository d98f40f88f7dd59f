"""Text that fits into a terminal."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest

from gpubp.cli import color, main
from gpubp.cli.live import Live
from gpubp.cli.messages import advise
from gpubp.health import Finding

from .worlds import NET, write


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.parametrize(
    ("text", "hang", "lines"),
    [
        ("fits", None, ["fits"]),
        ("", None, [""]),
        ("x" * 40, None, ["x" * 40]),
        # Below the last column that begins in the left half ...
        ("  W1  [2, 3] 1 to 2: 0.1234, 0.2345, 0.3456", None, ["  W1  [2, 3] 1 to 2: 0.1234, 0.2345,", "      0.3456"]),
        # ... or a little further in.
        ("  t1 = -0.05 * rate_scale / expm1(step + 1)", None, ["  t1 = -0.05 * rate_scale / expm1(step +", "    1)"]),
        ("run     2026-11-26  500     train.loss 0.17", 4, ["run     2026-11-26  500     train.loss", "    0.17"]),
        # A word is never cut, and what is above and below stays as it is.
        (f"a\n{'x' * 45} y\nb", None, ["a", "x" * 45, "  y", "b"]),
    ],
)
@pytest.mark.usefixtures("narrow")
def test_a_line_goes_on_at_a_blank(text: str, hang: int | None, lines: list[str]) -> None:
    assert color.fitted(text, Terminal(), hang).split("\n") == lines
    assert color.fitted(text, io.StringIO(), hang) == text


TABLE = """
value  function  shape   parameters
x      input     [8, 8]
h      dense     [128]        8,320
total                         8,320
"""


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (35, TABLE.strip().split("\n")),
        (34, ["value  function  shape", "  parameters", "x      input     [8, 8]", "h      dense     [128]"]),
        (22, ["value  function", "  shape   parameters", "x      input", "  [8, 8]", "h      dense"]),
        (14, ["value", "  function", "    shape", "      parameters", "x", "  input", "    [8, 8]", "h"]),
    ],
)
def test_the_last_columns_of_a_table_are_below_the_first(
    monkeypatch: pytest.MonkeyPatch, width: int, lines: list[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(color, "_LEAST", 1)
    monkeypatch.setenv("COLUMNS", str(width))
    color.say_table(TABLE.strip())
    shown = terminal.getvalue().splitlines()
    assert shown[: len(lines)] == lines
    assert max(map(len, shown)) <= max(width, len("      parameters"))


@pytest.mark.usefixtures("narrow")
def test_the_layers_that_check_shows_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["check", str(write(tmp_path))]) == 0
    head, second = terminal.getvalue().splitlines()[:2]
    assert head.startswith("value ")
    assert second.startswith("  ")
    assert f"{head}{second}".split() == ["value", "function", "shape", "parameters", "FLOP", "a", "row"]


@pytest.mark.usefixtures("narrow")
def test_a_number_stays_with_its_name() -> None:
    text = f"epoch 1/9  loss{color.JOINT}0.5  valid.precision{color.JOINT}0.75"
    assert color.fitted(text, Terminal(), 11) == "epoch 1/9  loss 0.5\n           valid.precision 0.75"
    assert color.fitted(text, io.StringIO()) == "epoch 1/9  loss 0.5  valid.precision 0.75"


def test_the_help_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((60, 24)))
    with pytest.raises(SystemExit):
        main([])
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    first = next(i for i, line in enumerate(lines) if line.startswith("  explain "))
    assert lines[first + 1].startswith(" " * 13)


@pytest.mark.usefixtures("narrow")
def test_the_figures_of_an_epoch_stay_with_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    net = NET.replace("mse(p, y)\n", "mse(p, y)\n  metrics = [mae(p, y), r2(p, y)]\n")
    file = write(tmp_path, net=net, split="split = split(train = 50%, valid = 50%)\n")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["run", str(file), "--no-save", "--device", "cpu", "--epochs", "1"]) == 0
    text = terminal.getvalue()
    figures = text[text.index("epoch 1/1  train") :].split("\n\n")[0].splitlines()
    assert len(figures) > 1
    assert all(len(line) <= 40 and re.fullmatch(r"(epoch 1/1|  +)(  \S+ \S+)+", line) for line in figures)


@pytest.mark.usefixtures("narrow")
def test_a_warning_of_health_is_folded_and_its_remedies_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    finding = Finding(
        "dead", "70% of the units of layer 1, `h` are dead", ("`optimizer = sgd(lr = 0.01, momentum = 0.9)`",)
    )
    advise(Live(io.StringIO(), wanted=False), [], finding)
    assert terminal.getvalue().splitlines() == [
        "",
        "warning: 70% of the units of layer 1,",
        "  `h` are dead",
        "  help: `optimizer = sgd(lr = 0.01, momentum = 0.9)`",
    ]
