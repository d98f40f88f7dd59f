"""C forms of window reductions: each element as an unrolled expression of the pixels of its window; empty if the window
is too large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ir import Read

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]
MAX_WINDOW = 64
"""Largest window that is unrolled."""


def _sum(i: str, step: int, offset: int) -> str:
    """step i + offset."""
    text = i if step == 1 else f"{i} * {step}"
    return f"({text} {'+' if offset > 0 else '-'} {abs(offset)})" if offset else text if step == 1 else f"({text})"


def _pixels(
    index: Sequence[str], outputs: tuple[int, ...], kernel: Pair, spread: Spread, image: tuple[int, ...]
) -> Iterator[tuple[list[str], str]]:
    """For each position in the window of an output, in row-major order: the indices of its pixel, and the condition
    under which it exists, empty if always."""
    strides, dilations, before = spread
    n, row, column, channel = index
    for a in range(kernel[0]):
        for b in range(kernel[1]):
            inside, at = [], []
            for i, k, axis in ((row, a, 0), (column, b, 1)):
                offset = k * dilations[axis] - before[axis]
                text = _sum(i, strides[axis], offset)
                at.append(text)
                if offset < 0:
                    inside.append(f"{text} >= 0")
                if strides[axis] * (outputs[axis + 1] - 1) + offset >= image[axis + 1]:
                    inside.append(f"{text} < {image[axis + 1]}")
            yield [n, *at, channel], " && ".join(inside)


def _windows(
    index: Sequence[str], outputs: tuple[int, ...], kernel: Pair, spread: Spread
) -> Iterator[tuple[int, list[str], str]]:
    """For each window position, in row-major order, the output that reads a pixel there: the position, the indices of
    the output, and the condition under which it exists. Where windows neither overlap nor leave gaps there is one for
    all."""
    (strides, dilations, before), (n, row, column, channel) = spread, index
    if strides == kernel and dilations == (1, 1) and before == (0, 0):
        at = [f"({i} / {step})" for i, step in zip((row, column), strides, strict=True)]
        conditions = [f"{i} < {size}" for i, size in zip(at, outputs[1:3], strict=True)]
        yield -1, [n, *at, channel], " && ".join(conditions)
        return
    for a in range(kernel[0]):
        for b in range(kernel[1]):
            at, conditions = [], []
            for i, k, axis in ((row, a, 0), (column, b, 1)):
                text = _sum(i, 1, before[axis] - k * dilations[axis])
                step = strides[axis]
                conditions += [f"{text} >= 0", *([f"{text} % {step} == 0"] if step > 1 else [])]
                at.append(f"({text} / {step})" if step > 1 else text)
                conditions.append(f"{at[-1]} < {outputs[axis + 1]}")
            yield a * kernel[1] + b, [n, *at, channel], " && ".join(conditions)


def max_text(index: Sequence[str], shape: tuple[int, ...], x: Read, *, size: Pair, kernel: Pair, spread: Spread) -> str:
    """The largest pixel of the window; -inf if it has none."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    text = ""
    for at, inside in _pixels(index, shape, kernel, spread, x.shape):
        pixel = f"({inside} ? {x(at)} : -INFINITY)" if inside else x(at)
        text = f"larger_{{t}}({text}, {pixel})" if text else pixel
    return text


def sum_text(index: Sequence[str], shape: tuple[int, ...], x: Read, *, size: Pair, kernel: Pair, spread: Spread) -> str:
    """The sum of the window's pixels."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    terms = _pixels(index, shape, kernel, spread, x.shape)
    return " + ".join(f"({inside} ? {x(at)} : 0)" if inside else x(at) for at, inside in terms)


def first_text(index: Sequence[str], shape: tuple[int, ...], x: Read, y: Read, *, kernel: Pair, spread: Spread) -> str:
    """The first position whose pixel equals the maximum."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    text = "0"
    for k, (at, inside) in reversed([*enumerate(_pixels(index, shape, kernel, spread, x.shape))]):
        hit = f"{x(at)} == {y(index)}"
        text = f"({f'{inside} && ' if inside else ''}{hit} ? {k} : {text})"
    return text


def take_text(
    index: Sequence[str], shape: tuple[int, ...], x: Read, places: Read, *, kernel: Pair, spread: Spread
) -> str:
    """The pixel at the given position; 0 if there is none."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    text = "0"
    for k, (at, inside) in reversed([*enumerate(_pixels(index, shape, kernel, spread, x.shape))]):
        text = f"({f'{inside} && ' if inside else ''}{places(index)} == {k} ? {x(at)} : {text})"
    return text


def put_text(
    index: Sequence[str],
    shape: tuple[int, ...],
    g: Read,
    places: Read,
    *,
    size: Pair,
    kernel: Pair,
    spread: Spread,
) -> str:
    """The sum of the values of the windows whose maximum is this pixel."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    terms = []
    for k, at, inside in _windows(index, g.shape, kernel, spread):
        place = f"{index[1]} % {kernel[0]} * {kernel[1]} + {index[2]} % {kernel[1]}" if k < 0 else str(k)
        terms.append(f"({inside} && {places(at)} == {place} ? {g(at)} : 0)")
    return " + ".join(terms)


def spread_text(
    index: Sequence[str], shape: tuple[int, ...], g: Read, *, size: Pair, kernel: Pair, spread: Spread
) -> str:
    """The sum of the values of the windows that contain this pixel."""
    if kernel[0] * kernel[1] > MAX_WINDOW:
        return ""
    return " + ".join(f"({inside} ? {g(at)} : 0)" for _, at, inside in _windows(index, g.shape, kernel, spread))
