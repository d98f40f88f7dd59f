"""Descriptions of how two shapes of one example differ."""

from __future__ import annotations

from collections.abc import Sequence

Shape = Sequence[int]


def difference(a: Shape, b: Shape) -> str:
    """How two shapes that should be equal differ: `axis 1 differs: 3 against 4`."""
    if len(a) != len(b):
        return f"{_axes(len(a))} against {_axes(len(b))}"
    return _named([i for i in range(len(a)) if a[i] != b[i]], a, b, 0)


def obstacle(a: Shape, b: Shape) -> str:
    """Why two shapes do not broadcast; axes are counted from the end if one shape has more of them."""
    rank = max(len(a), len(b))
    left, right = ((1,) * (rank - len(s)) + tuple(s) for s in (a, b))
    wrong = [i for i in range(rank) if left[i] != right[i] and 1 not in (left[i], right[i])]
    return f"{_named(wrong, left, right, 0 if len(a) == len(b) else rank)}; only size 1 broadcasts"


def _named(wrong: Sequence[int], a: Shape, b: Shape, shift: int) -> str:
    if len(wrong) == 1:
        return f"axis {wrong[0] - shift} differs: {a[wrong[0]]} against {b[wrong[0]]}"
    if len(wrong) == len(a):
        return f"{ {2: 'both', 3: 'all three'}.get(len(a), f'all {len(a)}') } axes differ"
    names = [str(i - shift) for i in wrong]
    return f"axes {', '.join(names[:-1])} and {names[-1]} differ"


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count or 'no'} axes"
