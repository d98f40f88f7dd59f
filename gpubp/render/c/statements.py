"""C statements as lines of text: blocks and loops."""

from __future__ import annotations

from collections.abc import Sequence


def indented(lines: Sequence[str]) -> list[str]:
    """Statements indented one level."""
    return [f"    {line}" for line in lines]


def braced(head: str, lines: Sequence[str]) -> list[str]:
    """Statements in braces after `head`."""
    return [f"{head} {{", *indented(lines), "}"]


def unrolled(name: str, count: int, lines: Sequence[str], step: int = 1) -> list[str]:
    """A loop over `name` from 0 to `count` that the compiler unrolls."""
    by = f"{name} += {step}" if step > 1 else f"{name}++"
    return ["#pragma unroll", *braced(f"for (int {name} = 0; {name} < {count}; {by})", lines)]


def lane_loop(body: Sequence[str]) -> list[str]:
    """Statements run for each lane, independently."""
    return ["EACH", *braced("for (int64_t l = 0; l < LANES; l++)", body)]


def loops(
    shape: Sequence[int],
    lines: Sequence[str],
    independent: bool = False,
    bounds: tuple[str, str] | None = None,
) -> list[str]:
    """A loop nest around statements. `independent`: the innermost loop carries no dependence; `bounds`: those of the
    outermost loop, if not its whole axis."""
    lines = list(lines)
    for k in reversed(range(len(shape))):
        begin, end = bounds if bounds is not None and k == 0 else ("0", str(shape[k]))
        lines = braced(f"for (int64_t i{k} = {begin}; i{k} < {end}; i{k}++)", lines)
        if independent and k == len(shape) - 1:
            lines.insert(0, "EACH")
    return lines
