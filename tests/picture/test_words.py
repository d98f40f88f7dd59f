"""What a report says of rows and classes, in words."""

from __future__ import annotations

import numpy as np
import pytest

from gpubp.picture.predictions import Classes, Rows
from gpubp.picture.views import confusion


@pytest.mark.parametrize(
    ("of", "about"),
    [(3, "3 test rows"), (12_345, "the first 3 of 12,345 test rows"), (4, "the first 3 of 4 test rows")],
)
def test_how_many_rows_it_speaks_of(of: int, about: str) -> None:
    assert Rows("test", of, {"x": np.zeros((3, 2))}, {}, {}, ()).about == about
    assert Rows("test", 1, {"x": np.zeros((1, 2))}, {}, {}, ()).about == "1 test row"
    assert Rows("train", 3, {"x": np.zeros((3, 2))}, {}, {}, ()).about == "3 training rows"


def test_how_often_one_class_was_taken_for_another() -> None:
    true, taken = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 1, 1])
    told = confusion(Classes("p", "kind", ("a", "b"), true, taken, np.ones(6), np.arange(6))).description
    assert told.splitlines() == ["3 of 6 rows are right.", "a predicted as b: 2 times", "b predicted as a: 1 time"]
