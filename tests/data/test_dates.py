"""Parts of dates as columns: those of the standard library, in tables and series, when new rows come, too."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Static, Type, Word
from gpubp.data import from_json, glance, read_table, to_json
from gpubp.data.dates import PARTS, moment, order_of
from gpubp.errors import DataError

from .worlds import World, choice, csv, entry

EPOCH = datetime(1970, 1, 1)
DAY, MINUTE = timedelta(hours=23, minutes=59), timedelta(minutes=1)
STANDARD = {
    "days": lambda when: (when - EPOCH).total_seconds() / 86_400,
    "year": lambda when: when.year,
    "month": lambda when: when.month,
    "day": lambda when: when.day,
    "weekday": lambda when: when.isoweekday(),
    "hour": lambda when: when.hour,
}


@given(whens=st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2400, 1, 1)), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_are_those_of_the_standard_library(world: World, whens: list[datetime]) -> None:
    world.inputs, world.targets = {"x": Type((len(PARTS),))}, {}
    world.write("a.csv", "when\n" + "".join(f"{when.isoformat(sep=' ')}\n" for when in whens))
    found = world.load(csv("x", columns=(tuple(f"when.{part}" for part in PARTS),))).arrays["x"]
    np.testing.assert_allclose(found, [[STANDARD[part](when) for part in PARTS] for when in whens], rtol=1e-12)


@given(when=st.datetimes(timezones=st.timedeltas(-DAY, DAY).map(lambda ahead: timezone(ahead // MINUTE * MINUTE))))
def test_zones_are_those_of_the_standard_library(when: datetime) -> None:
    text, ahead = when.isoformat(), when.utcoffset()
    assert ahead is not None
    hours = f"{text[:-6]}{text[-6:-3]}" if text.endswith(":00") else text
    zulu = f"{text[:-6]}Z" if not ahead else text
    for cell in (text, text[:-3] + text[-2:], hours, zulu):
        assert moment(cell, "ymd") == (when.replace(tzinfo=None), ahead)
    assert moment(text[:10], "ymd") == (datetime(when.year, when.month, when.day), None)


def test_beside_other_columns_and_of_new_rows(world: World) -> None:
    """`rest` has neither the dates nor a part that another name takes; a part may be a class, or a number for each."""
    world.inputs = {"x": Type((2,)), "month": Type((), 3), "day": Type((3,))}
    world.write("a.csv", "when,a,y,b\n2024-03-01,1,5,2\n2024-01-06 18:00,3,6,4\n2024-12-01,5,7,6\n")
    columns: Static = (Word("rest"), "when.month", "when.weekday", "y")
    data = world.load(csv("x, month, day, y", columns=columns, onehot="when.weekday"))
    assert data.arrays["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert data.classes["month"] == ("1", "3", "12")
    assert data.encoders["day"].fields[0].words == ("5", "6", "7")
    saved = from_json(json.loads(json.dumps(to_json(data.encoders))))
    inputs = {name: one for name, one in saved.items() if one.feature}
    world.write("new.csv", "b,a,when\n1,2,2025-01-04\n3,4,\n5,6,2025-02-04\n")
    found = read_table(world.base / "new.csv", inputs, keep=("when", "when.month"))
    assert found.arrays["month"].tolist() == [0]
    assert found.arrays["day"].tolist() == [[0, 1, 0]]
    assert (found.gaps, found.unused) == ((1, 2), ())
    assert found.kept == {"when": ["2025-01-04", "", "2025-02-04"], "when.month": ["1", "", "2"]}


def test_of_a_series(world: World) -> None:
    world.inputs, world.targets = {"past": Type((2, 2))}, {}
    world.write("a.csv", "when,load\n2024-01-01T22:00,1\n2024-01-01T23:00,2\n2024-01-02T00:00,3\n")
    use = choice("series", path="a.csv", window=2, columns=("when.hour", "load"))
    assert world.load(entry("past", use)).arrays["past"].tolist() == [[[22, 1], [23, 2]], [[23, 2], [0, 3]]]


def test_missing_dates(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", "when,a\n2024-01-01,1\n,2\n2024-03-01,3\nNA,4\n")
    options: dict[str, Static] = {"columns": ("when.month",)}
    assert world.load(csv("x", missing=Word("drop"), **options)).arrays["x"].tolist() == [[1], [3]]
    assert world.load(csv("x", missing=Word("mean"), **options)).arrays["x"].tolist() == [[1], [2], [3], [2]]
    refused = world.refused(csv("x", **options))
    assert refused.message == "`a.csv`, line 3, column `when`: the cell is empty"
    assert "there are 2 empty cells" in refused.notes[0]


def test_what_is_no_date(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    cells = ["2024-02-30", "01.03.2024", "2024-3/1", "2024-01-01 25:00", "2024-01-01Z", "today", "2024-01-01 13:00 PM"]
    cells += ["2024-01-01 0:30 AM", "2024-01-01T10", "24-03-01", "2024-01-01 10:00 CET", "2024-013-1", "0000-01-01"]
    cells += ["2024-01-01 10:00+24:00", "2024-01-01 10:00-01:60"]
    world.write("a.csv", "when,a\n2024-02-29 12:30:05.25,0\n" + "".join(f"{cell},1\n" for cell in cells))
    refused = world.refused(csv("x", columns=("when.year",)))
    assert refused.message == "`a.csv`, line 3, column `when`: `2024-02-30` is no date"
    assert refused.help == ("dates are written as 2024-03-01, with a time as 2024-03-01 12:30",)
    assert "there are 15 cells that are no dates" in refused.notes[0]
    assert not any(moment(cell, "ymd") for cell in cells)
    refused = world.refused(csv("x", columns=("when.moon",)))
    assert refused.message == "`a.csv` has no column `when.moon`"


FORMS = {
    "ymd": ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"],
    "dmy": ["%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%Y-%m-%d"],
    "mdy": ["%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%Y-%m-%d"],
}
TIMES = [" %H:%M:%S", "T%H:%M:%S", ", %I:%M:%S %p", " %I:%M:%S%p"]


@given(
    whens=st.lists(st.datetimes(datetime(1969, 1, 1), datetime(2068, 12, 31)), min_size=1, max_size=5),
    form=st.sampled_from([(order, date + time) for order, dates in FORMS.items() for date in dates for time in TIMES]),
    minutes=st.none() | st.integers(-14 * 60, 14 * 60),
    short=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_dates_in_any_order(
    world: World, whens: list[datetime], form: tuple[str, str], minutes: int | None, short: bool
) -> None:
    """Also with single digits, with AM and PM, with a time zone: hours are those of the clock, days those of UTC."""
    world.inputs, world.targets = {"x": Type((len(PARTS),))}, {}
    order, written = form
    whens = [when.replace(microsecond=0) for when in whens]
    cells = [when.strftime(written) for when in whens]
    if short:
        cells = [re.sub(r"(^|[-./])0(?=\d[-./])", r"\1", cell) for cell in cells]
    zone = "" if minutes is None else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    world.write("a.csv", "when;a\n" + "".join(f"{cell}{zone};1\n" for cell in cells))
    columns = (tuple(f"when.{part}" for part in PARTS),)
    data = world.load(csv("x", columns=columns, dates=Word(order), delimiter=";"))
    expected = np.array([[STANDARD[part](when) for part in PARTS] for when in whens])
    expected[:, list(PARTS).index("days")] -= (minutes or 0) / 1440
    np.testing.assert_allclose(data.arrays["x"], expected, rtol=1e-12, atol=1e-9)
    saved = from_json(json.loads(json.dumps(to_json(data.encoders))))
    np.testing.assert_array_equal(read_table(world.base / "a.csv", saved).arrays["x"], data.arrays["x"])


UNKNOWN = "`dates = dmy` takes the first number of `1/2/2026` for the day, `dates = mdy` for the month: "
UNKNOWN += "the column does not say which"


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("1-Mar-2024", "2024-03-01"),
        ("01-MAR-24 12:30", "2024-03-01T12:30"),
        ("24 December 1999, 5 PM", None),
        ("24 December 1999, 5:30 PM", "1999-12-24T17:30"),
        ("Sept. 9 2024", "2024-09-09"),
        ("May 1, 2024 00:00:01Z", "2024-05-01T00:00:01"),
        ("30-Feb-2024", None),
        ("1-Mar 2024", None),
        ("1-Mar-20245", None),
        ("Marc 1, 2024", None),
    ],
)
def test_months_in_words(cell: str, iso: str | None) -> None:
    for order in ("ymd", "dmy", "mdy"):
        found = moment(cell, order)
        assert (found and found[0]) == (iso and datetime.fromisoformat(iso))


def test_a_column_of_months_in_words(world: World) -> None:
    world.inputs, world.targets = {"x": Type((2,))}, {}
    world.write("a.csv", "when,a\n1-Mar-2024,1\n31-Dec-1969,1\n")
    assert world.load(csv("x", columns=(("when.month", "when.days"),))).arrays["x"].tolist() == [[3, 19783], [12, -1]]
    assert glance(world.base / "a.csv").columns[0].kind == "dates"
    assert order_of(["1-Mar-2024", "24.12.2026"]) == "dmy"


@pytest.mark.parametrize(
    ("cells", "order", "help"),
    [
        (["24.12.2026", "1.2.2026"], "dmy", "`dates = dmy` reads such dates"),
        (["1.2.2026", "03.04.26"], "dmy", "`dates = dmy` reads such dates"),
        (["12/24/2026", "1/2/2026"], "mdy", "`dates = mdy` reads such dates"),
        (["24/12/2026", "1/2/2026 5:30 PM"], "dmy", "`dates = dmy` reads such dates"),
        (["1/2/2026", "3/4/2026"], "", UNKNOWN),
        (["13/12/2026", "12/13/2026"], None, "dates are written as 2024-03-01, with a time as 2024-03-01 12:30"),
    ],
)
def test_the_order_is_told_by_the_whole_column_or_not_at_all(
    world: World, cells: list[str], order: str | None, help: str
) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", "when,a\n" + "".join(f"{cell},1\n" for cell in cells))
    assert order_of(cells) == order
    found = world.refused(csv("x", columns=("when.month",)))
    assert found.message == f"`a.csv`, line 2, column `when`: `{cells[0]}` is no date"
    assert found.help == (help,)
    number = world.refused(csv("x", columns=("when",)))
    if order is not None:
        assert "is a date, like the whole column, but numbers are needed" in number.message
        assert f"`dates = {order or 'dmy'}`" in number.help[0]


def test_time_zones_stand_everywhere_or_nowhere(world: World) -> None:
    world.inputs, world.targets = {"x": Type((2,))}, {}
    world.write("a.csv", "when,a\n2024-03-01T00:30+01:00,1\n2024-03-01T00:30Z,1\n,1\n2024-03-01T00:30:00.5-0530,1\n")
    use = csv("x", columns=(("when.days", "when.hour"),), missing=Word("drop"))
    days = [19783 - 0.5 / 24, 19783 + 0.5 / 24, 19783 + 6 / 24 + 0.5 / 86400]
    np.testing.assert_allclose(world.load(use).arrays["x"], [[day, 0] for day in days], rtol=1e-14)
    world.write("a.csv", "when,a\n2024-03-01T00:30+01:00,1\n2024-03-01T00:30,1\n")
    found = world.refused(use)
    assert found.message == (
        "`a.csv`, line 3, column `when`: `2024-03-01T00:30` has no time zone, but other cells have one"
    )


def test_a_part_that_dates_do_not_have(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", "when,price.usd,price\n2024-03-01,1,2\n")
    for name, help in (
        ("when.week", "the parts of a date are `when.days`, `when.year`, `when.month`, `when.day`, `when.weekday`, "),
        ("price.us", "did you mean `price.usd`?"),
    ):
        with pytest.raises(DataError, match=f"has no column `{name}`") as caught:
            world.load(csv("x", columns=((name,),)))
        assert caught.value.diagnostics[0].help[0].startswith(help)


def test_a_column_of_such_a_name_is_that_column(world: World) -> None:
    world.inputs, world.targets = {"x": Type((1,))}, {}
    world.write("a.csv", "when,when.year\n2024-01-01,7\n")
    assert world.load(csv("x", columns=("when.year",))).arrays["x"].tolist() == [[7]]


@pytest.mark.parametrize("unit", ["s", "us"])
def test_times_of_a_parquet_file(world: World, unit: str) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    whens = [datetime(2024, 3, 1, 12, 30), None, datetime(2024, 12, 31)]
    table = pa.table({"when": pa.array(whens, pa.timestamp(unit)), "a": [1.0, 2.0, 3.0]})
    parquet.write_table(table, world.base / "a.parquet")
    world.inputs, world.targets = {"x": Type((2,))}, {}
    use = choice("parquet", path="a.parquet", columns=(("when.weekday", "when.hour"),), missing=Word("drop"))
    assert world.load(entry("x", use)).arrays["x"].tolist() == [[5, 12], [2, 0]]


def test_texts_and_time_zones_of_a_parquet_file(world: World) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    when = datetime(2024, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=1)))
    zoned = {name: pa.array([when], pa.timestamp("us", tz=zone)) for name, zone in (("a", "+01:00"), ("b", "+00:00"))}
    parquet.write_table(pa.table({**zoned, "text": ["24.12.2026"]}), world.base / "a.parquet")
    world.inputs, world.targets = {"x": Type((5,))}, {}
    columns = (("a.days", "a.hour", "b.days", "b.hour", "text.month"),)
    found = world.load(entry("x", choice("parquet", path="a.parquet", columns=columns, dates=Word("dmy"))))
    days = 19783 + 11.5 / 24
    np.testing.assert_allclose(found.arrays["x"], [[days, 12, days, 11, 12]], rtol=1e-14)
    assert read_table(world.base / "a.parquet", found.encoders).arrays["x"].tolist() == found.arrays["x"].tolist()
