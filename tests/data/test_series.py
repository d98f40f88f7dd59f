"""The reader `series`: windows of moments, what follows them, their parts, and new tables."""

from __future__ import annotations

import io
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import DataEntry, Static, Type, Word
from gpubp.data import NewRows, from_json, measure, read_table, to_json
from gpubp.errors import DataError

from .worlds import World, choice, data, entry

TABLE = "a,b,kind\n" + "".join(f"{i},{-i / 2},{'xyz'[i % 3]}\n" for i in range(12))
TRIED = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def reads(names: str, **options: Static) -> DataEntry:
    return entry(names, choice("series", **{"path": "a.csv", **options}))


@pytest.fixture
def made(world: World) -> World:
    world.write("a.csv", TABLE)
    world.inputs, world.targets = {"past": Type((3, 2))}, {"next": Type((2,))}
    return world


def test_windows_and_what_follows_them(made: World) -> None:
    found = made.load(reads("past, next", window=3, columns=("a", "b")))
    assert found.arrays["past"].shape == (9, 3, 2)
    np.testing.assert_array_equal(found.arrays["past"][0], [[0, 0], [1, -0.5], [2, -1]])
    np.testing.assert_array_equal(found.arrays["past"][-1, :, 0], [8, 9, 10])
    np.testing.assert_array_equal(found.arrays["next"][:, 0], np.arange(3, 12))
    assert found.place(0) == ("a.csv", 2)


def test_labels_of_the_last_moment_of_each_window(made: World) -> None:
    made.targets = {"next": Type((), 3)}
    found = made.load(reads("past, next", window=3, columns=("a", "b"), target=("kind",), ahead=0, step=2))
    assert [found.classes["next"][k] for k in found.arrays["next"]] == [*"zyxzy"]
    np.testing.assert_array_equal(found.arrays["past"][:, 0, 0], [0, 2, 4, 6, 8])


def test_labels_of_all_moments_of_each_window(made: World) -> None:
    made.targets = {"next": Type((3,), 3)}
    found = made.load(reads("past, next", window=3, columns=("a", "b"), target=("kind",), ahead=-2, length=3))
    assert ["".join(found.classes["next"][k] for k in row) for row in found.arrays["next"][:2]] == ["xyz", "yzx"]
    assert len(found.arrays["past"]) == 10


def test_sizes_that_the_table_says(made: World) -> None:
    def types(**options: Static) -> dict[str, Type]:
        return measure(
            data(reads("past, next", window=3, **options)), {"past": "float", "next": "float"}, made.base, ("next",)
        )

    assert types(columns=("a", "b")) == {"past": Type((3, 2)), "next": Type((2,))}
    assert types(columns=("a",), length=4) == {"past": Type((3, 1)), "next": Type((4, 1))}
    for length, shape in ((1, ()), (2, (2,))):
        use = reads("past, next", window=3, columns=("a", "b"), target=("kind",), length=length)
        assert measure(data(use), {"next": "class"}, made.base, ("next",)) == {"next": Type(shape, 3)}


def test_a_declared_shape_of_as_many_elements_will_do(made: World) -> None:
    made.inputs, made.targets = {"past": Type((6,))}, {"next": Type(())}
    found = made.load(reads("past, next", window=3, columns=("a", "b"), target=("a",), scale=0.5))
    np.testing.assert_array_equal(found.arrays["past"][0], [0, 0, 0.5, -0.25, 1, -0.5])
    assert found.arrays["next"].tolist() == [*range(3, 12)]


@TRIED
@given(
    rows=st.integers(1, 60),
    window=st.integers(1, 9),
    ahead=st.integers(-8, 6),
    length=st.integers(1, 5),
    step=st.integers(1, 7),
)
def test_each_row_is_a_piece_of_the_table(
    world: World, rows: int, window: int, ahead: int, length: int, step: int
) -> None:
    world.write("a.csv", "a\n" + "".join(f"{i}\n" for i in range(rows)))
    world.inputs, world.targets = {"past": Type((window, 1))}, {"next": Type((length,))}
    use = reads("past, next", window=window, ahead=ahead, length=length, step=step)
    if ahead <= -window:
        assert "before the first moment" in world.refused(use).message
        return
    needed = max(window, window - 1 + ahead + length)
    if rows < needed:
        assert world.refused(use).code == "E0424"
        return
    found = world.load(use).arrays
    starts = [*range(0, rows - needed + 1, step)]
    assert found["past"][:, :, 0].tolist() == [[*range(s, s + window)] for s in starts]
    first = window - 1 + ahead
    assert found["next"].tolist() == [[*range(s + first, s + first + length)] for s in starts]


@TRIED
@given(
    rows=st.integers(80, 200), length=st.integers(1, 4), step=st.integers(1, 4), share=st.sampled_from([0.1, 0.2, 0.35])
)
def test_parts_follow_each_other_and_share_nothing_to_be_learned(
    world: World, rows: int, length: int, step: int, share: float
) -> None:
    world.write("a.csv", "a\n" + "".join(f"{i}\n" for i in range(rows)))
    world.inputs, world.targets = {"past": Type((2, 1))}, {"next": Type((length,))}
    use = reads("past, next", window=2, length=length, step=step)
    found = world.load(use, split=choice("split", valid=share, test=share))
    told = [{*found.arrays["next"][found.parts[part]].reshape(-1).tolist()} for part in ("train", "valid", "test")]
    assert max(told[0]) < min(told[1])
    assert max(told[1]) < min(told[2])
    kept = sum(map(len, found.parts.values()))
    assert len(found.arrays["next"]) - kept <= 2 * (-(-length // step) - 1)
    assert abs(len(found.parts["test"]) - share * len(found.arrays["next"])) <= 1


def test_a_second_file_is_for_testing(made: World) -> None:
    made.write("b.csv", "b,a,kind\n1,50,x\n2,51,x\n3,52,x\n4,53,x\n")
    made.inputs, made.targets = {"past": Type((3, 1))}, {"next": Type((1,))}
    found = made.load(reads("past, next", window=3, columns=("a",), test="b.csv"))
    assert found.part("test")["past"][0, :, 0].tolist() == [50, 51, 52]  # type: ignore[index]
    assert len(found.parts["train"]) == 9


def test_windows_with_a_gap_are_left_out_if_asked(made: World) -> None:
    made.write("a.csv", TABLE.replace("\n5,", "\n,"))
    made.inputs, made.targets = {"past": Type((3, 1))}, {"next": Type((1,))}
    use = {"window": 3, "columns": ("a",)}
    refused = made.refused(reads("past, next", **use))
    assert refused.message == "`a.csv`, line 7, column `a`: the cell is empty"
    assert "`missing = drop` leaves out the windows that hold it" in refused.help[0]
    found = made.load(reads("past, next", **use, missing=Word("drop")))
    assert (found.arrays["next"][:, 0].tolist(), found.left_out) == ([3, 4, 9, 10, 11], 4)


def test_labels_with_a_gap(made: World) -> None:
    made.write("a.csv", TABLE.replace("x\n", "\n", 1))
    made.targets = {"next": Type((), 3)}
    use = reads("past, next", window=3, columns=("a", "b"), target=("kind",), ahead=-2, missing=Word("drop"))
    found = made.load(use)
    assert "".join(found.classes["next"][k] for k in found.arrays["next"]) == "yzxyzxyzx"


def test_labels_that_no_window_holds_may_be_missing(made: World) -> None:
    made.targets = {"next": Type((), 3)}
    use = reads("past, next", window=3, columns=("a", "b"), target=("kind",), missing=Word("drop"))
    for first in "x0":
        text = TABLE.replace("y", "1").replace("z", "2") if first == "0" else TABLE
        made.write("a.csv", text.replace("x\n", "\n", 1).replace("x", first))
        found = made.load(use)
        assert found.arrays["next"].tolist() == [0, 1, 2] * 3
        assert found.left_out == 0


def test_windows_that_reproduce_themselves_share_no_moment(world: World) -> None:
    """An autoencoder has no target: the inputs are what it learns."""
    world.write("a.csv", "a\n" + "".join(f"{i}\n" for i in range(60)))
    world.inputs, world.targets = {"past": Type((5, 1))}, {}
    found = world.load(reads("past", window=5, step=2), split=choice("split", valid=0.2, test=0.2))
    told = [{*found.arrays["past"][found.parts[part]].reshape(-1).tolist()} for part in ("train", "valid", "test")]
    assert [max(told[0]) < min(told[1]), max(told[1]) < min(told[2])] == [True, True]
    world.inputs = {"past": Type((40, 1))}
    refused = world.refused(reads("past", window=40), split=choice("split", valid=0.2, test=0.2))
    assert refused.message == "the part `train` is empty: of 60% of 21 rows the last 39 are left out"


def test_decimal_commas(world: World) -> None:
    world.write("a.csv", "day;a\nmon;0,5\ntue;1,5\nwed;2.000,5\nthu;3,5\n")
    world.inputs, world.targets = {"past": Type((2, 1))}, {"next": Type((1,))}
    use = reads("past, next", window=2, columns=("a",), decimal=",")
    assert world.load(use).arrays["next"].tolist() == [[2000.5], [3.5]]
    rows = new(world, "a;day\n1,25;fri\n2,5;sat\n", ("past",), use, ("day",))
    assert (rows.arrays["past"].tolist(), rows.kept) == ([[[1.25], [2.5]]], {"day": ["sat"]})
    assert (
        world.refused(reads("past, next", window=2, decimal=";")).message == "`decimal` is neither a point nor a comma"
    )


KINDS = "`kinds` takes labels, of one column, and gets `kind`, `a`"


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ("past, next, more", {}, "`series` gives windows and what follows them, two names at most, not 3"),
        ("past", {"target": ("a",)}, "`target` is for a second name, but there is only one"),
        ("past, next", {"columns": ("c",)}, "`a.csv` has no column `c`"),
        ("past, next", {"columns": ()}, "`columns` names no column"),
        ("past, next", {"columns": ("a", "b"), "target": ()}, "`target` names no column"),
        ("past, kinds", {"columns": ("a", "b"), "target": ("kind", "a")}, KINDS),
        ("past, next", {}, "`a.csv` has the column `kind`, which holds text"),
        ("past, next", {"path": "none.csv"}, "`none.csv` does not exist"),
        ("past, next", {"columns": ("a", "b"), "scale": 0.0}, "`scale` is 0.0; a finite number other than 0 is wanted"),
        ("past, next", {"columns": ("a",)}, "`past` has shape [3, 1] in the data, its type is [3, 2]"),
    ],
)
def test_what_is_refused(made: World, names: str, options: dict[str, Static], message: str) -> None:
    if names == "past, next, more":
        made.targets["more"] = Type((2,))
    if "next" not in names:
        made.targets = {name: Type((), 3) for name in names.split(", ")[1:]}
    assert made.refused(reads(names, window=3, **options)).message == message


def test_a_split_by_labels_is_refused(made: World) -> None:
    made.targets = {"next": Type((), 3)}
    use = reads("past, next", window=3, columns=("a", "b"), target=("kind",))
    refused = made.refused(use, split=choice("split", test=0.2, stratify=Word("next")))
    assert refused.message == "the windows of a series are divided in their order, not by a label"


def test_an_array_is_a_series_too(world: World) -> None:
    file = io.BytesIO()
    np.save(file, np.arange(10, dtype=np.float32))
    world.write("a.npy", file.getvalue())
    world.inputs, world.targets = {"past": Type((4,))}, {"next": Type(())}
    found = world.load(reads("past, next", path="a.npy", window=4))
    assert found.arrays["next"].tolist() == [4, 5, 6, 7, 8, 9]
    again = read_table(world.base / "a.npy", found.encoders)
    np.testing.assert_array_equal(again.arrays["past"], found.arrays["past"])
    assert read_table(world.base / "a.npy", {"past": found.encoders["past"]}, ("1",)).kept["1"] == [*"3456789"]
    with pytest.raises(DataError, match=r"no column `day`(.|\n)*its columns are `1`"):
        read_table(world.base / "a.npy", found.encoders, ("day",))
    np.save(file := io.BytesIO(), np.array([[0, np.inf]]))
    world.write("a.npy", file.getvalue())
    assert world.refused(reads("past, next", path="a.npy", window=1)).message == "`a.npy`, row 1, column `2`: it is inf"
    np.save(file := io.BytesIO(), np.zeros((2, 2, 2)))
    world.write("a.npy", file.getvalue())
    assert world.refused(reads("past, next", path="a.npy", window=1)).message.startswith("`a.npy` holds an array of")


def new(world: World, text: str, names: tuple[str, ...], use: DataEntry, keep: tuple[str, ...] = ()) -> NewRows:
    """What new rows are for a run that was trained on `use`, saved and read back."""
    known = from_json(to_json(world.load(use).encoders))
    (Path(world.base) / "new.csv").write_text(text, encoding="utf-8")
    return read_table(world.base / "new.csv", {name: known[name] for name in names}, keep)


def test_new_rows_are_windows_to_the_end_of_the_table(made: World) -> None:
    use = reads("past, next", window=3, columns=("a", "b"), scale=2.0)
    text = "day,b,a\nmon,0,1\ntue,1,2\nwed,2,3\nthu,3,4\n"
    rows = new(made, text, ("past",), use, ("day",))
    np.testing.assert_array_equal(rows.arrays["past"][1], [[4, 2], [6, 4], [8, 6]])
    assert rows.kept == {"day": ["wed", "thu"]}
    assert rows.unused == ("day",)
    both = new(made, text, ("past", "next"), use)
    assert both.arrays["next"].tolist() == [[4, 3]]
    assert len(both.arrays["past"]) == 1
    made.inputs, made.targets = {"past": Type((3, 2)), "next": Type((2,))}, {}
    assert new(made, text, ("past", "next"), use, ("day",)).kept == {"day": ["thu"]}


def test_new_labels_are_those_that_were_learned(made: World) -> None:
    made.targets = {"next": Type((), 3)}
    use = reads("past, next", window=3, columns=("a", "b"), target=("kind",), missing=Word("drop"))
    rows = new(made, "a,b,kind\n1,1,z\n2,2,z\n3,3,z\n4,4,y\n5,,x\n6,6,x\n7,7,x\n8,8,z\n", ("past", "next"), use)
    assert rows.arrays["next"].tolist() == [1, 0]
    assert rows.gaps == (2, 3, 4)
    with pytest.raises(DataError, match="class `q` does not occur in the data that was learned from"):
        new(made, "a,b,kind\n1,1,z\n2,2,z\n3,3,z\n4,4,q\n", ("past", "next"), use)


def test_a_run_that_knows_of_no_series_is_read_as_before(made: World) -> None:
    known = to_json(made.load(reads("past, next", window=3, columns=("a", "b"))).encoders)
    old = {name: {**saved, "fields": ()} for name, saved in known.items()}
    assert all(old[name].pop("moments") for name in old)
    assert all(encoder.moments == () for encoder in from_json(old).values())
    damaged = {"past": {**known["past"], "moments": (3, 1, 1)}}
    with pytest.raises(Exception, match="its moments are none"):
        from_json(damaged)
