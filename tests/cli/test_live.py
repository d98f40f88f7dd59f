"""The line at the bottom of a terminal."""

from __future__ import annotations

import io
import logging
import re

import pytest

from gpubp.cli import live
from gpubp.training import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(step: int, rate: float = 100.0) -> Progress:
    return Progress(step, 1000, 1 + step // 50, 20, 0.123456, rate)


@pytest.mark.parametrize(
    ("step", "rate", "line"),
    [
        (0, 50.0, "epoch  1/20  [>                   ]  50 steps/s  loss 0.1235  0:20 left"),
        (500, 1234.5, "epoch 11/20  [==========>         ]  1,234 steps/s  loss 0.1235  0:00 left"),
        (1000, 0.25, "epoch 21/20  [====================]  0.25 steps/s  loss 0.1235  0:00 left"),
        (100, 0.25, "epoch  3/20  [==>                 ]  0.25 steps/s  loss 0.1235  1:00:00 left"),
    ],
)
def test_text(step: int, rate: float, line: str) -> None:
    assert live.text(progress(step), rate) == line


def test_a_head_takes_its_room_from_the_bar() -> None:
    plain, headed = live.text(progress(500), 50.0), live.text(progress(500), 50.0, "12 trials")
    assert headed == "12 trials  epoch 11/20  [====>    ]  50 steps/s  loss 0.1235  0:10 left"
    assert len(headed) == len(plain)
    assert "[>]" in live.text(progress(500), 50.0, "all trials of a search")


def test_it_is_one_line_and_goes_away() -> None:
    terminal = Terminal()
    line = live.Live(terminal, wanted=True)
    line(progress(1))
    first = terminal.getvalue()
    assert first.startswith("\repoch")
    assert first.endswith("\x1b[K")
    line(progress(2))
    assert terminal.getvalue() == first, "not faster than the eye"
    line.clear()
    assert terminal.getvalue() == f"{first}\r\x1b[K"
    line.clear()
    assert terminal.getvalue() == f"{first}\r\x1b[K"


def test_the_rate_does_not_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_EVERY", 0.0)
    terminal = Terminal()
    line = live.Live(terminal, wanted=True)
    for rate in (100.0, 1000.0):
        line(progress(1, rate))
    line.begin("trial 2")
    line(progress(1, 1000.0))
    assert re.findall(r"(\d+|1,000) steps/s", terminal.getvalue()) == ["100", "280", "1,000"]


def test_what_takes_long_before_the_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    """A warning meanwhile takes the line away, and is printed as ever."""
    terminal, log = Terminal(), logging.getLogger("gpubp")
    line = live.Live(terminal, wanted=True)
    log.info("before")
    with line:
        log.info("choosing ...")
        log.warning("the disk is full")
        log.info("compiling ...")
        line(progress(1))
    log.info("behind")
    shown = [part.removesuffix("\x1b[K") for part in terminal.getvalue().split("\r")]
    assert shown == ["", "choosing ...", "", "compiling ...", live.text(progress(1), 100.0), ""]
    assert capsys.readouterr().err == "the disk is full\n"
    assert log.level == logging.NOTSET


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_elsewhere_nothing_is_shown(stream: io.StringIO, wanted: bool) -> None:
    line = live.Live(stream, wanted=wanted)
    with line:
        logging.getLogger("gpubp").info("choosing ...")
        line(progress(1))
        line.show("2 processes at work")
    assert stream.getvalue() == ""
