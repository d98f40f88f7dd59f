"""Layered layout of a small acyclic graph: positions of boxes and routes of edges, from top to bottom.

The steps are those of Sugiyama, Tagawa & Toda (1981): assign boxes to layers, split long edges by dummy points, order
each layer to reduce crossings, then assign x-coordinates. In each layer these are as close as possible to those of the
neighbours without overlap: isotonic regression, solved by pooling adjacent violators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from itertools import pairwise

from dsl.records import dataclass

GAP, DROP = 26.0, 34.0
"""Pixels between adjacent boxes of a layer, and between layers."""

_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Edge:
    """From one box to another; `exit`, `entry`: how far from the left side of the box, or None: where it is best."""

    source: int
    target: int
    exit: float | None = None
    entry: float | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The upper left corner of each box; the way of each edge, as points that it runs through vertically."""

    corners: list[tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


@dataclass(eq=False, slots=True)
class _Place:
    """A box, or a point on an edge (`box` is -1). `x` is its middle; `above`, `below` name neighbours, with weights."""

    box: int
    layer: int
    width: float
    x: float = 0.0
    above: list[tuple[_Place, float]] = field(default_factory=list)
    below: list[tuple[_Place, float]] = field(default_factory=list)


def arrange(sizes: Sequence[tuple[float, float]], edges: Sequence[Edge]) -> Arrangement:
    """Lay out boxes of the given (width, height). The edges must not form a cycle."""
    layers_of = _layers(len(sizes), edges)
    places = [_Place(i, layers_of[i], sizes[i][0]) for i in range(len(sizes))]
    rows: list[list[_Place]] = [[] for _ in range(max(layers_of, default=-1) + 1)]
    for place in places:
        rows[place.layer].append(place)
    chains = _add_edge_points(places, rows, edges)
    _order(rows)
    _assign_x(rows)
    return _arrangement(sizes, edges, places, rows, chains)


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The layer of each box: below all its predecessors; a box without any is just above its first successor."""
    successors: list[list[int]] = [[] for _ in range(count)]
    remaining = [0] * count
    for edge in edges:
        successors[edge.source].append(edge.target)
        remaining[edge.target] += 1
    is_source = [not not_yet for not_yet in remaining]
    layers = [0] * count
    ready = [i for i in range(count) if is_source[i]]
    for box in ready:
        for target in successors[box]:
            layers[target] = max(layers[target], layers[box] + 1)
            remaining[target] -= 1
            if not remaining[target]:
                ready.append(target)
    for box in range(count):
        if is_source[box] and successors[box]:
            layers[box] = min(layers[target] for target in successors[box]) - 1
    return layers


def _add_edge_points(places: list[_Place], rows: list[list[_Place]], edges: Sequence[Edge]) -> list[list[_Place]]:
    """Put points on edges that cross layers, and join neighbours; edges that leave a box at one place share their
    points. Returns the points of each edge."""
    shared: dict[tuple[int, float | None], list[_Place]] = {}
    joined: set[tuple[int, int]] = set()
    chains = []
    for edge in edges:
        source, target = places[edge.source], places[edge.target]
        chain = shared.setdefault((edge.source, edge.exit), [])
        for layer in range(source.layer + 1 + len(chain), target.layer):
            chain.append(_Place(-1, layer, 6.0))
            rows[layer].append(chain[-1])
        route = chain[: target.layer - source.layer - 1]
        for upper, lower in zip((source, *route), (*route, target)):
            if (id(upper), id(lower)) not in joined:
                joined.add((id(upper), id(lower)))
                # A large weight straightens long edges; a small one lets boxes align with boxes.
                weight = 8.0 if upper.box == lower.box == -1 else 0.05 if -1 in (upper.box, lower.box) else 1.0
                upper.below.append((lower, weight))
                lower.above.append((upper, weight))
        chains.append(route)
    return chains


def _order(rows: list[list[_Place]]) -> None:
    """Order each layer by the mean position of its neighbours, sweeping down and up, and keep the order with the fewest
    crossings."""
    best, fewest = [row[:] for row in rows], _crossings(rows)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for number in range(len(rows)) if down else reversed(range(len(rows))):
            fixed = number - 1 if down else number + 1
            if not 0 <= fixed < len(rows):
                continue
            fixed_positions = {id(place): i for i, place in enumerate(rows[fixed])}
            current = {id(place): i for i, place in enumerate(rows[number])}

            def middle(
                place: _Place,
                down: bool = down,
                fixed_positions: dict[int, int] = fixed_positions,
                current: dict[int, int] = current,
            ) -> float:
                neighbours = [fixed_positions[id(neighbour)] for neighbour, _ in (place.above if down else place.below)]
                return sum(neighbours) / len(neighbours) if neighbours else current[id(place)]

            rows[number].sort(key=middle)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [row[:] for row in rows], crossings
    rows[:] = best


def _crossings(rows: list[list[_Place]]) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        positions = {id(place): i for i, place in enumerate(lower)}
        targets = [sorted(positions[id(neighbour)] for neighbour, _ in place.below) for place in upper]
        for i, left in enumerate(targets):
            for right in targets[i + 1 :]:
                count += sum(a > b for a in left for b in right)
    return count


def _assign_x(rows: list[list[_Place]]) -> None:
    """Assign x-coordinates close to those of the neighbours above, below, and finally both."""
    for row in rows:
        _isotonic(row, [0.0] * len(row), [1.0] * len(row))
    for sweep in range(3 * _SWEEPS):
        sides = (True, sweep % 2 == 1 or sweep > 2 * _SWEEPS, sweep % 2 == 0 or sweep > 2 * _SWEEPS)
        for row in rows if sweep % 2 else reversed(rows):
            targets, weights = [], []
            for place in row:
                neighbours = [*(place.above if sides[1] else ()), *(place.below if sides[2] else ())]
                total = sum(weight for _, weight in neighbours)
                targets.append(
                    sum(neighbour.x * weight for neighbour, weight in neighbours) / total if neighbours else place.x
                )
                weights.append(total or 0.01)
            _isotonic(row, targets, weights)


def _isotonic(row: list[_Place], targets: Iterable[float], weights: Iterable[float]) -> None:
    """The places of a row nearest to the wanted ones, by weighted squares, that do not overlap."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []
    for offset, x, weight in zip(offsets, targets, weights):
        mean, total, count = x - offset, weight, 1
        while pools and pools[-1][0] > mean:
            previous, previous_total, previous_count = pools.pop()
            mean = (mean * total + previous * previous_total) / (total + previous_total)
            total, count = total + previous_total, count + previous_count
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    for place, mean, offset in zip(row, means, offsets):
        place.x = mean + offset


def _arrangement(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    places: list[_Place],
    rows: list[list[_Place]],
    chains: list[list[_Place]],
) -> Arrangement:
    bands, y = [], 0.0
    for row in rows:
        height = max((sizes[place.box][1] for place in row if place.box >= 0), default=0.0)
        bands.append((y, y + height))
        y += height + DROP
    left = min((place.x - place.width / 2 for row in rows for place in row), default=0.0)
    right = max((place.x + place.width / 2 for row in rows for place in row), default=0.0)
    corners = []
    for place, (width, height) in zip(places, sizes, strict=True):
        top, bottom = bands[place.layer]
        corners.append((place.x - left - width / 2, (top + bottom - height) / 2))
    entries = _entries(sizes, edges, places, chains)
    routes = []
    for edge, chain, entry in zip(edges, chains, entries, strict=True):
        source, target = places[edge.source], places[edge.target]
        x = corners[edge.source][0] + (sizes[edge.source][0] / 2 if edge.exit is None else edge.exit)
        route = [(x, corners[edge.source][1] + sizes[edge.source][1]), (x, bands[source.layer][1])]
        for point in chain:
            route += [(point.x - left, bands[point.layer][0]), (point.x - left, bands[point.layer][1])]
        x = corners[edge.target][0] + entry
        route += [(x, bands[target.layer][0]), (x, corners[edge.target][1])]
        routes.append(route)
    return Arrangement(corners, routes, right - left, max(y - DROP, 0.0))


def _entries(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], places: list[_Place], chains: list[list[_Place]]
) -> list[float]:
    """How far from the left side of its box each edge enters: in the order of where it comes from."""
    entries = [0.0] * len(edges)
    incoming: dict[int, list[int]] = {}
    for i, edge in enumerate(edges):
        incoming.setdefault(edge.target, []).append(i)
    for box, indices in incoming.items():
        indices.sort(key=lambda i: chains[i][-1].x if chains[i] else places[edges[i].source].x)
        width = sizes[box][0]
        step = min(22.0, 0.6 * width / max(len(indices) - 1, 1))
        for number, i in enumerate(indices):
            fixed = edges[i].entry
            entries[i] = width / 2 + (number - (len(indices) - 1) / 2) * step if fixed is None else fixed
    return entries
