"""Boxes that do not overlap, edges that run down and past the boxes, the same for every graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpubp.picture.layered import DROP, GAP, Arrangement, Edge, arrange

SIZES = st.lists(st.tuples(st.floats(4, 200), st.floats(4, 80)), min_size=1, max_size=14)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[Edge]]:
    sizes = draw(SIZES)
    pairs = [(a, b) for b in range(len(sizes)) for a in range(b)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=24)) if pairs else []
    return sizes, [Edge(a, b) for a, b in chosen]


def boxes(sizes: list[tuple[float, float]], placed: Arrangement) -> list[tuple[float, float, float, float]]:
    return [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]


@given(graphs())
def test_boxes_stand_apart_and_inside(graph: tuple[list[tuple[float, float]], list[Edge]]) -> None:
    sizes, edges = graph
    placed = arrange(sizes, edges)
    found = boxes(sizes, placed)
    for i, (left, top, right, bottom) in enumerate(found):
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= placed.width + 1e-6
        assert bottom <= placed.height + 1e-6
        for other in found[:i]:
            beside = left >= other[2] + GAP - 1e-6 or other[0] >= right + GAP - 1e-6
            below = top >= other[3] + DROP - 1e-6 or other[1] >= bottom + DROP - 1e-6
            assert beside or below


@given(graphs())
def test_edges_run_down_and_past_the_boxes(graph: tuple[list[tuple[float, float]], list[Edge]]) -> None:
    sizes, edges = graph
    placed = arrange(sizes, edges)
    found = boxes(sizes, placed)
    for edge, way in zip(edges, placed.routes, strict=True):
        assert way[0][1] == pytest.approx(found[edge.source][3])
        assert way[-1][1] == pytest.approx(found[edge.target][1])
        assert found[edge.source][0] <= way[0][0] <= found[edge.source][2]
        assert found[edge.target][0] <= way[-1][0] <= found[edge.target][2]
        assert all(b[1] >= a[1] - 1e-6 for a, b in pairwise(way))
        for x, y in way[2:-2]:
            for left, top, right, bottom in found:
                assert not (left < x < right and top < y < bottom), "a point of an edge lies in a box"


def test_a_chain_is_straight_and_a_skip_goes_beside_it() -> None:
    placed = arrange([(100, 40), (60, 40), (80, 40)], [Edge(0, 1), Edge(1, 2), Edge(0, 2)])
    middles = [x + w / 2 for (x, _), w in zip(placed.corners, (100, 60, 80))]
    assert max(middles) - min(middles) < 12
    beside = [x for x, _ in placed.routes[2][2:-2]]
    assert all(x < placed.corners[1][0] or x > placed.corners[1][0] + 60 for x in beside)


def test_lines_that_can_be_untangled_do_not_cross() -> None:
    placed = arrange([(40, 20)] * 6, [Edge(0, 5), Edge(1, 4), Edge(2, 3)])
    tops = [placed.corners[i][0] for i in (0, 1, 2)]
    bottoms = [placed.corners[i][0] for i in (5, 4, 3)]
    assert sorted(range(3), key=tops.__getitem__) == sorted(range(3), key=bottoms.__getitem__)


def test_given_ports_are_kept() -> None:
    placed = arrange([(100, 40), (100, 40)], [Edge(0, 1, 10.0, 90.0)])
    assert placed.routes[0][0][0] == pytest.approx(placed.corners[0][0] + 10)
    assert placed.routes[0][-1][0] == pytest.approx(placed.corners[1][0] + 90)


def test_no_boxes() -> None:
    assert arrange([], []) == Arrangement([], [], 0.0, 0.0)
