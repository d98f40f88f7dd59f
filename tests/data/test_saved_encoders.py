"""Encoders as they are saved: to the bit, and refused where they were changed."""

from __future__ import annotations

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.graph import Type
from gpubp.data import Encoder, from_json, to_json
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
        with pytest.raises(CheckpointError, match="the saved encoder of `x` is damaged: ") as caught:
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
