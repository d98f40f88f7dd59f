"""`init` of Parquet, Feather and Arrow files, whose columns have types."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .test_init import sound
from .worlds import Call

pa = pytest.importorskip("pyarrow")
ROWS = 80
TABLE: dict[str, Any] = {
    "id": range(ROWS),
    "size": [(37 * i % ROWS) / 4 for i in range(ROWS)],
    "": range(ROWS),
    "rooms": [None if i % 9 == 0 else float("nan") if i % 9 == 1 else i % 7 for i in range(ROWS)],
    "town": pa.array([None if i == 3 else ("Ulm", "NA")[i % 2] for i in range(ROWS)]).dictionary_encode(),
    "when": pa.array([datetime(2026, 1, 1) + timedelta(days=i) for i in range(ROWS)], pa.timestamp("ns")),
    "sold": [i % 3 > 0 for i in range(ROWS)],
    "zip": [f"{10_000 + i}" for i in range(ROWS)],
    "tags": [["a", "b"]] * ROWS,
    "empty": pa.array([None] * ROWS, pa.float64()),
    "price": [Decimal(f"{3 * i + 2}.50") for i in range(ROWS)],
}


def write(name: str, table: Any) -> None:
    from pyarrow import feather, ipc, parquet

    if name.endswith(".parquet"):
        parquet.write_table(table, name)
    elif name.endswith(".feather"):
        feather.write_feather(table, name)
    else:
        with ipc.new_stream(name, table.schema) as stream:
            stream.write_table(table)


@pytest.mark.parametrize(("name", "reader"), [("a.parquet", "parquet"), ("a.feather", "arrow"), ("a.arrows", "arrow")])
def test_types_say_what_a_column_holds(call: Call, name: str, reader: str) -> None:
    write(name, pa.table(TABLE))
    said = call("init", name)
    assert (said.code, said.err) == (0, "")
    assert "target: `price`, a number\ninputs: 3 columns of numbers and 1 column of words (`town`)\n" in said.out
    left = 'left out: `id` (identifiers); `column 3` (no name in the header); `when` (dates; `"when.month"` and '
    left += '`"when.weekday"` in `columns` are numbers); `zip` (numbers, but they are written as text); '
    assert f"{left}`tags` (neither numbers nor text); `empty` (empty)\n" in said.out
    assert (
        "missing cells: `rooms` (18), `town` (1); numbers are filled by the median, and 1 row is left out" in said.out
    )
    columns = 'columns = [["size", "rooms", "sold"], "town", "price"], missing = median)'
    assert f'  x, town, price = {reader}("{name}", {columns}\n' in sound(call, "a.net")


@pytest.mark.parametrize("target", ["sold", "town"])
def test_truth_values_and_words_are_classes(call: Call, target: str) -> None:
    write("a.parquet", pa.table({name: TABLE[name] for name in ("size", "town", "sold")}))
    assert f"target: `{target}`, one of 2 classes\n" in call("init", "a.parquet", "--target", target).out
    sound(call, "a.net")


def test_of_many_rows_the_first_are_looked_at(call: Call) -> None:
    write("a.parquet", pa.table({"a": range(1, 20_001), "b": [float(i % 5) for i in range(20_000)]}))
    assert "guessed from the first 10,000 rows; the others may differ\n" in call("init", "a.parquet").out
    assert Path("a.net").read_text().count('parquet("a.parquet", target = "b")') == 1


def test_a_damaged_file(call: Call) -> None:
    Path("a.csv").write_bytes(b"PAR1\x15\0\x15")
    assert call("init", "a.csv").err.startswith("error[E0422]: `a.csv` is not a valid Parquet, Feather or Arrow file\n")


def test_columns_that_are_neither_numbers_nor_text_are_left_out(call: Call) -> None:
    """Durations and bytes can be written as text, but are no labels."""
    spans = pa.array([timedelta(seconds=i % 3) for i in range(12)])
    size, sold = [float(i) for i in range(12)], [float(i * i % 7) for i in range(12)]
    columns = {"size": size, "took": spans, "raw": pa.array([b"ab"[i % 2 :] for i in range(12)]), "no": pa.nulls(12)}
    write("a.parquet", pa.table({**columns, "sold": sold}))
    out = call("init", "a.parquet").out
    assert "left out: `took`, `raw` (neither numbers nor text); `no` (empty)\n" in out
