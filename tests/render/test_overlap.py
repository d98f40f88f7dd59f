"""Whether places share memory: no two that are taken for disjoint have an element in common."""

from __future__ import annotations

from itertools import product

import hypothesis.strategies as st
from hypothesis import given, settings

from gpubp.passes import Buffer, Place
from gpubp.render.c.memory import places_overlap

PLACES = st.integers(1, 3).flatmap(
    lambda axes: st.builds(
        Place,
        st.sampled_from([Buffer(kind, 1 << 10, "float64", 0, 9) for kind in ("arena", "arena", "state")]),
        st.integers(0, 12),
        st.tuples(*[st.integers(0, 4)] * axes),
        st.tuples(*[st.sampled_from([0, 1, 2, 3, 4, 6, 8, 12])] * axes),
    )
)


@given(PLACES, PLACES)
@settings(max_examples=500)
def test_places_that_do_not_overlap_share_no_element(a: Place, b: Place) -> None:
    def elements(place: Place) -> set[int]:
        axes = [range(0, n * s, s) if s else [0] * bool(n) for n, s in zip(place.shape, place.strides, strict=True)]
        return {place.offset + sum(at) for at in product(*axes)}

    alike = a.buffer is b.buffer or {a.buffer.kind, b.buffer.kind} == {"arena"}
    if alike and elements(a) & elements(b):
        assert places_overlap(a, "float64", b, "float64")


def test_parts_of_a_concatenation_do_not_overlap() -> None:
    buffer = Buffer("arena", 36, "float64", 0, 9)
    first, second = (Place(buffer, at, (3, 4), (12, 1)) for at in (0, 4))
    assert not places_overlap(first, "float64", second, "float64")
    assert places_overlap(first, "float64", Place(buffer, 3, (3, 4), (12, 1)), "float64")
