"""docs/worked-example.md: its numbers of gpubp are those of `explain`, those of the textbook are near them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from gpubp.insight import trace
from tests.insight.worlds import model
from tools.markdown import blocks, commands, run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/worked-example.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([a-z ]+) \| `(.+)` \| (\[.*?\]) \| (\[.*?\]) \|$", PAGE, re.MULTILINE)
PRINTED, PRINTED_DERIVATIVE = 0.001, 0.006


def test_the_table_is_there() -> None:
    assert len(ROWS) == 13


@pytest.mark.parametrize(("name", "formula", "printed", "exact"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_table(name: str, formula: str, printed: str, exact: str) -> None:
    told = trace(*model("worked_example"))
    every = (*told.feeds, *told.loss, *(line for step in told.steps for line in (*step.forward, *step.backward)))
    known = {line.name.replace("/", "_"): line.value.reshape(-1) for line in every}
    value = eval(formula.replace("/", "_"), known)
    assert ast.literal_eval(exact) == [round(float(number), 6) for number in value]
    near = PRINTED_DERIVATIVE if name.startswith("derivative") else PRINTED
    np.testing.assert_allclose(ast.literal_eval(printed), value, rtol=0, atol=near)


def test_the_command_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ((command,),) = [commands(block) for block in blocks(PAGE) if block.kind == "console"]
    assert run(command, Path()) == command.printed
