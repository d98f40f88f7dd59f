"""Data classes that are made quickly are those of the standard library in all that is used of them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from typing import Any

import pytest

from dsl.records import dataclass

OPTIONS = [
    {},
    {"frozen": True},
    {"slots": True},
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "eq": False},
    {"eq": False, "repr": False},
]


def both(options: dict[str, Any], make: Callable[[], type]) -> tuple[Any, Any]:
    """The class that `make` gives as this module's data class, and as the standard library's."""
    quick, standard = dataclass(**options)(make()), dataclasses.dataclass(**options)(make())
    return quick, standard


def point() -> type:
    class Point:
        """A point."""

        x: int
        y: float = 2.0
        tags: list[str] = field(default_factory=list)

        def sum(self) -> float:
            return self.x + self.y

    return Point


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_objects_are_made_shown_and_compared_alike(options: dict[str, Any]) -> None:
    quick, standard = both(options, point)
    for cls in (quick, standard):
        a, b, c = cls(1), cls(x=1, y=2.0), cls(1, 3.0, ["t"])
        assert (a.x, a.y, a.tags, a.sum()) == (1, 2.0, [], 3.0)
        assert a.tags is not b.tags
        assert (a == b) == options.get("eq", True)
        assert a != c
        assert a != (1, 2.0, [])
        assert asdict(c) == {"x": 1, "y": 3.0, "tags": ["t"]}
        assert replace(a, x=5) == cls(5) or not options.get("eq", True)
        assert cls.__match_args__ == ("x", "y", "tags")
    assert [f.name for f in fields(quick)] == [f.name for f in fields(standard)]
    if options.get("repr", True):
        assert repr(quick(1)) == repr(standard(1))
    assert quick.__doc__ == standard.__doc__
    assert hasattr(quick(1), "__dict__") == hasattr(standard(1), "__dict__")


@pytest.mark.parametrize("given", [((), {}), ((1, 2.0, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_wrong_arguments_are_told_alike(given: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    said = []
    for cls in both({"frozen": True, "slots": True}, point):
        for _ in range(2):  # the first object is made another way
            with pytest.raises(TypeError) as error:
                cls(*given[0], **given[1])
            said.append(str(error.value))
    assert len(set(said)) == 1


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_hashes_and_changes(options: dict[str, Any]) -> None:
    def pair() -> type:
        class Pair:
            a: int
            b: str = "b"

        return Pair

    for cls in both(options, pair):
        one = cls(1)
        if not options.get("eq", True):
            assert hash(one) == hash(one) != hash(cls(1))
        elif options.get("frozen"):
            assert hash(one) == hash(cls(1)) == hash((1, "b"))
        else:
            with pytest.raises(TypeError, match="unhashable"):
                hash(one)
        if options.get("frozen"):
            with pytest.raises(FrozenInstanceError, match="cannot assign to field 'a'"):
                one.a = 2
            with pytest.raises(FrozenInstanceError, match="cannot delete field 'a'"):
                del one.a
        else:
            one.a = 2
            assert one.a == 2


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: tuple[int, ...] = ()


@dataclass(slots=True)
class Loose:
    a: int


@pytest.mark.parametrize("one", [Frozen(1, (2,)), Loose(3)])
def test_copies_and_pickles(one: Any) -> None:
    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one
        assert again is not one


def test_a_class_of_a_class_has_the_fields_of_both() -> None:
    for make in (dataclass, dataclasses.dataclass):

        @make(frozen=True, slots=True)
        class Base:
            a: int
            b: int = 2

        @make(frozen=True, slots=True)
        class Above(Base):
            c: int = 3

        above = Above(1, c=5)
        assert (above.a, above.b, above.c) == (1, 2, 5)
        assert Base(1) == Base(1)
        assert Base(1) != above
        assert Above(1) != Above(2)
        assert repr(above).endswith("Above(a=1, b=2, c=5)")


def test_what_follows_the_making_is_called() -> None:
    seen = []
    for make in (dataclass, dataclasses.dataclass):

        @make(frozen=True)
        class Checked:
            a: int

            def __post_init__(self) -> None:
                seen.append(self.a)

        Checked(1)
        Checked(2)
    assert seen == [1, 2, 1, 2]


def test_one_field_and_none() -> None:
    for make in (dataclass, dataclasses.dataclass):

        @make(frozen=True)
        class One:
            a: int

        @make(frozen=True)
        class Nothing:
            pass

        assert One(1) == One(1) != One(2)
        assert hash(One(1)) == hash((1,))
        assert Nothing() == Nothing()
        assert hash(Nothing()) == hash(())


def test_one_that_holds_itself_can_be_shown() -> None:
    @dataclass
    class Ring:
        next: Any = None

    ring = Ring()
    ring.next = ring
    assert repr(ring).endswith("Ring(next=...)")
