"""The picture of a net as SVG: boxes with shapes and parameter counts, from the inputs at the top to the outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..errors import GpubpError
from ..frontend import Net, required
from ..training import source_name
from ..wording import counted
from .boxes import NUMBER, Box, Scope, scope_of
from .layered import Edge, arrange
from .page import part

if TYPE_CHECKING:
    from dsl.graph import Node

ALL = "all"
"""Stands for the names of all blocks."""

CHARACTER, LINE, PAD = 7.3, 17.0, 10.0
"""Pixels that a character of the font is wide, a line is high, and that stand between text and border."""

MAX_CHARACTERS = 34
_HEAD, _EDGE = 26.0, 12.0
"""Room for the title of an open block, and at its other sides."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Part of an SVG: its text, its size, and how far from the left each thing enters and leaves."""

    text: str
    width: float
    height: float
    entries: tuple[float, ...] = ()
    exits: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A picture of a net; a notebook shows it with the blocks below it, each to be opened."""

    net: Net
    expand: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Graph of {self.net!r}>"

    @property
    def title(self) -> str:
        return f"{Path(source_name(self.net)).name}: {counted(self.net.size, 'parameter')}"

    @cached_property
    def _opened(self) -> frozenset[str]:
        return frozenset(self.expand)

    @cached_property
    def _scope(self) -> Scope:
        return scope_of(self.net, ALL not in self._opened)

    def svg(self) -> str:
        """The picture, which stands alone: no script, no font and no address but that of the SVG standard."""
        return _document(self._scope, self._opened, self.title)

    def html(self) -> str:
        """The picture, and below it a picture of the inside of each block that is closed in it."""
        parts = [f'<div class="gpubp-graph-frame" style="overflow-x: auto">{self.svg()}</div>']
        for number, (block, times) in enumerate(_closed(self._scope, self._opened), 1):
            title = _usage(block)
            assert block.inner is not None
            inner = _document(block.inner, frozenset(), title, number)
            size = block.parameters // block.count
            many = (f", {times} times" if times > 1 else "") + (f", {counted(size, 'parameter')}" if size else "")
            many += " each" * (times > 1 and size > 0)
            parts.append(
                f"<details><summary>inside <code>{escape(title)}</code>{many}</summary>"
                f'<div class="gpubp-graph-frame" style="overflow-x: auto">{inner}</div></details>'
            )
        return "\n".join(parts)

    @property
    def closed(self) -> bool:
        """Whether it shows a block from outside, which its page opens below it."""
        return bool(_closed(self._scope, self._opened))

    def _repr_html_(self) -> str:
        return self.html()


def graph(of: Any, expand: Collection[str] = ()) -> Graph:
    """Draw a net, with shapes for one example and parameter counts.

    - `of`: a Net, or a run or an executor.
    - `expand`: the names of blocks and layers of the file whose inside is shown in their place, or `["all"]`.

    Returns a Graph. Raises GpubpError for a name that it has not, and for what is no net.

    >>> picture = gpubp.graph(gpubp.load("models/siamese.net"))
    >>> written = (folder / "siamese.svg").write_text(picture.svg())
    """
    net = required(getattr(of, "net", of))
    wanted = tuple(dict.fromkeys([expand] if isinstance(expand, str) else expand))
    names = sorted({box.name for box in _blocks(scope_of(net))})
    for name in wanted:
        if name != ALL and name not in names:
            there = f"there are {', '.join(f'`{one}`' for one in names)}" if names else "it has none"
            raise GpubpError(f"`{net.graph.source.name}` has no block `{name}` to expand; {there}")
    return Graph(net, wanted)


def _blocks(scope: Scope) -> Iterator[Box]:
    for box in scope.boxes:
        if box.inner is not None:
            yield box
            yield from _blocks(box.inner)


def _is_open(box: Box, opened: frozenset[str]) -> bool:
    return box.inner is not None and bool({ALL, box.name} & opened)


def _closed(scope: Scope, opened: frozenset[str]) -> list[tuple[Box, int]]:
    """One of each kind of the blocks that are drawn closed, and of those within them, with how often it stands."""
    found: dict[object, tuple[Box, int]] = {}
    for box, times in _walk(scope, 1):
        if not _is_open(box, opened):
            first, count = found.get(box.signature, (box, 0))
            found[box.signature] = first, count + times
    return list(found.values())


def _walk(scope: Scope, times: int) -> Iterator[tuple[Box, int]]:
    for box in scope.boxes:
        if box.inner is not None:
            yield box, times * box.count
            yield from _walk(box.inner, times * box.count)


def _document(scope: Scope, opened: frozenset[str], title: str, number: int = 0) -> str:
    """An SVG; `number` tells those of one page apart."""
    picture = _scope(scope, opened, ports=False)
    description = "\n".join(_description(scope))
    key = "g" + sha256(f"{number} {title} {picture.text}".encode()).hexdigest()[:10]
    width, height = picture.width + 2 * _EDGE, picture.height + 2 * _EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gpubp-graph" role="img" aria-labelledby="{key}t {key}d" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">\n'
        f'<title id="{key}t">{escape(title)}</title>\n<desc id="{key}d">{escape(description)}</desc>\n'
        f"<style>\n{part('graph.css')}</style>\n"
        f'<rect class="gpubp-paper" width="100%" height="100%" rx="6"/>\n'
        f'<g transform="translate({_EDGE:.0f} {_EDGE:.0f})">\n{picture.text}</g>\n</svg>\n'
    )


def _description(scope: Scope) -> Iterator[str]:
    """A line for each box: what it is, and what leads to it."""
    for i, box in enumerate(scope.boxes):
        before = list(dict.fromkeys(scope.boxes[a].lines[0] for a, b, _ in scope.links if b == i))
        yield box.about + (f"; from {', '.join(before)}" if before else "") + "."


def _scope(scope: Scope, opened: frozenset[str], ports: bool) -> Picture:
    """The boxes and the edges of a scope; with `ports`, edges from its upper border and to its lower one, too."""
    pictures = [_open(box, opened) if _is_open(box, opened) else _closed_box(box) for box in scope.boxes]
    sizes = [(one.width, one.height) for one in pictures]
    edges = [
        Edge(a, b, _exit_of(scope.boxes[a], pictures[a], node), _entry_of(scope.boxes[b], pictures[b], node))
        for a, b, node in scope.links
    ]
    entries = list(dict.fromkeys(node for node, _ in scope.entries)) if ports else []
    exits = scope.exits if ports else ()
    first = len(sizes)
    sizes += [(4.0, 0.0)] * (len(entries) + len(exits))
    for node, box in scope.entries if ports else ():
        edges.append(Edge(first + entries.index(node), box, None, _entry_of(scope.boxes[box], pictures[box], node)))
    for i, (node, box) in enumerate(exits):
        edges.append(Edge(box, first + len(entries) + i, _exit_of(scope.boxes[box], pictures[box], node)))
    edges = list(dict.fromkeys(edges))
    placed = arrange(sizes, edges)
    out = []
    for edge, route in zip(edges, placed.routes, strict=True):
        last = ports and edge.target >= first + len(entries)
        out.append(_edge_path(route, arrow=not last))
    for picture, (x, y) in zip(pictures, placed.corners):
        out.append(f'<g transform="translate({x:.1f} {y:.1f})">{picture.text}</g>\n')
    middles = [x + 2.0 for x, _ in placed.corners[first:]]
    return Picture(
        "".join(out), placed.width, placed.height, tuple(middles[: len(entries)]), tuple(middles[len(entries) :])
    )


def _exit_of(box: Box, picture: Picture, node: Node) -> float | None:
    if not picture.exits or box.inner is None:
        return None
    # Of several that are drawn as one, the first is seen: what leaves the last leaves where the first's does.
    exits = [one for one, _ in box.inner.exits]
    return picture.exits[exits.index(node) if node in exits else 0]


def _entry_of(box: Box, picture: Picture, node: Node) -> float | None:
    if not picture.entries or box.inner is None:
        return None
    return picture.entries[list(dict.fromkeys(one for one, _ in box.inner.entries)).index(node)]


def _edge_path(points: list[tuple[float, float]], arrow: bool) -> str:
    """A line that is vertical at each point; the pieces between layers are curves."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number == len(rest) - 1 and arrow:
            to_y -= 5
        if abs(to_x - x) < 0.5:
            path.append(f"V{to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    out = f'<path class="gpubp-edge" d="{"".join(path)}"/>\n'
    if arrow:
        out += f'<path class="gpubp-tip" d="M{x - 4:.1f} {y - 2:.1f}L{x:.1f} {y + 5:.1f}L{x + 4:.1f} {y - 2:.1f}Z"/>\n'
    return out


def _open(box: Box, opened: frozenset[str]) -> Picture:
    """A block with its inside in a frame."""
    assert box.inner is not None
    inner = _scope(box.inner, opened, ports=True)
    title = _short(_usage(box), 60) + _times(box)
    width = max(inner.width, len(title) * CHARACTER) + 2 * _EDGE
    shift = (width - inner.width) / 2
    height = inner.height + _HEAD
    text = (
        f"<title>{escape(box.about)}</title>"
        f'<rect class="gpubp-frame" width="{width:.1f}" height="{height:.1f}" rx="8"/>'
        f'<g transform="translate({shift:.1f} {_HEAD - 4:.1f})">\n{inner.text}</g>'
    )
    for x in inner.entries:
        text += f'<path class="gpubp-edge" d="M{x + shift:.1f} 0V{_HEAD - 4:.1f}"/>'
    for x in inner.exits:
        text += f'<path class="gpubp-edge" d="M{x + shift:.1f} {height - 4:.1f}V{height:.1f}"/>'
    # An edge may pass behind the title, so its outline is drawn first.
    text += "".join(
        f'<text class="gpubp-{style}" x="{_EDGE:.0f}" y="17">{escape(title)}</text>' for style in ("halo", "head")
    )
    takes, gives = (tuple(x + shift for x in side) for side in (inner.entries, inner.exits))
    return Picture(text, width, height, takes, gives)


def _closed_box(box: Box) -> Picture:
    """A box with its lines, its shape and its parameters; a block shows that there is more behind it."""
    lines = [_short(line) for line in box.lines]
    lines[0] += _times(box)
    facts = [box.shape] if box.shape not in ("", NUMBER) else []
    if box.parameters:
        facts.append(counted(box.parameters, "param") + ", shared" * box.shared)
    foot = "  ·  ".join(facts)
    rows = [("name", line) if i == 0 else ("stage", line) for i, line in enumerate(lines)]
    rows += [("foot", foot)] if foot else []
    rows += [("out", f"output {name}") for name in box.outputs if (name,) != box.lines]
    sign = box.kind == "plain" and len(rows) <= 2 and len(lines[0]) == 1
    width = max(len(text) for _, text in rows) * CHARACTER + 2 * PAD + (0 if sign else 4)
    height = len(rows) * LINE + PAD
    text = f"<title>{escape(box.about)}</title>"
    if box.kind == "block" or box.count > 1:
        text += f'<rect class="gpubp-box" x="4" y="4" width="{width:.1f}" height="{height:.1f}" rx="6"/>'
    text += f'<rect class="gpubp-box" width="{width:.1f}" height="{height:.1f}" rx="6"/>'
    if not sign:
        text += f'<rect class="gpubp-{box.kind}" x="0" y="5" width="4" height="{height - 10:.1f}" rx="2"/>'
    for i, (style, line) in enumerate(rows):
        x, y = width / 2 + 1, PAD / 2 + LINE * i + 12.5
        text += f'<text class="gpubp-{style}" x="{x:.1f}" y="{y:.1f}">{escape(line)}</text>'
    return Picture(text, width, height)


def _usage(box: Box) -> str:
    """A block as the file would use it."""
    return f"{box.name}({box.lines[1]})" if len(box.lines) > 1 else box.name


def _times(box: Box) -> str:
    return f"  × {box.count}" if box.count > 1 else ""


def _short(text: str, most: int = MAX_CHARACTERS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
