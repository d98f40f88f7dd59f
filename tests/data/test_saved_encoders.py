"""Encoders as they are saved: to the bit, and refused where they were changed."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Type
from gpubp.data import Encoder, from_json, to_json
from gpubp.data.encoders import Field
from gpubp.errors import CheckpointError

from .test_apply import houses
from .worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"x": Type((5,))}, {"y": Type((), 2)})


def test_statistics_come_back_to_the_bit(world: World) -> None:
    data = houses(world)
    text = json.dumps(to_json(data.encoders))
    assert json.dumps(to_json(from_json(json.loads(text)))) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": [2]}, "its sizes do not fit together"),
        ({"shape": [-5]}, "-5 is no size"),
        ({"shape": [1 << 40]}, "1099511627776 is no size"),
        ({"scale": float("nan")}, "nan is not a finite number"),
        ({"mean": []}, "its sizes do not fit together"),
        ({"deviation": [0.0] * 5}, "a deviation is 0"),
        ({"words": "abc"}, "a list of words holds something else"),
        ({"words": ["a"]}, "its words are not as many as its classes"),
        ({"fields": []}, None),
        ({"fields": [{"name": "a", "words": [], "fill": None}]}, "its columns do not fit its shape"),
        ({"surprise": 1}, "it has a part `surprise` that this version does not know"),
    ],
)
def test_what_was_changed_is_refused(world: World, change: dict[str, object], message: str | None) -> None:
    known = to_json(houses(world).encoders)
    known["x"] |= change
    if message is None:
        from_json(known)
    else:
        with pytest.raises(CheckpointError, match="the saved encoder of `x` is damaged, or of another") as caught:
            from_json(known)
        assert str(caught.value).endswith(message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(["", *Encoder.__slots__]), value=json_values)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_any_value_is_taken_or_refused(world: World, key: str, value: object) -> None:
    known: dict[str, object] = to_json({"x": Encoder((2,), mean=(0.0, 1.0), deviation=(1.0, 1.0))})
    if key:
        known["x"][key] = value  # type: ignore[index]
    else:
        known["x"] = value
    try:
        found = from_json(known)
    except CheckpointError:
        return
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


@given(
    st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=4, max_size=12),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
)
def test_statistics_may_be_applied_later(
    cells: list[float | None], scale: float, mean: float, deviation: float
) -> None:
    """To the bit: the table is read without those of any member."""
    fields = (Field("a", fill=mean / 3), Field("w", words=("u", "v")), Field("b", fill=None))
    encoder = Encoder(
        (4,), feature=True, fields=fields, scale=scale, mean=(mean, 0, 0, 1), deviation=(deviation, 1, 1, 2)
    )
    raw = np.array([[np.nan if cell is None else cell, 1, 0, 2.5] for cell in cells])
    with warnings.catch_warnings(action="error"):
        later = encoder.with_statistics(encoder.without_statistics().numbers(raw))
    assert later.tobytes() == encoder.numbers(raw).tobytes()
    other = Encoder((4,), feature=True, fields=(Field("a", fill=7.0), *fields[1:]), scale=scale)
    assert encoder.without_statistics() == other.without_statistics()
