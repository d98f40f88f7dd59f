"""Convolutions as contractions: which pixel, weight and output are multiplied in which sum.

The three primitives share one relation between an image pixel, a window position, and the output pixel that reads it
there. `conv` sums over window positions, `conv_weight` over outputs, `conv_input` over window positions and filters.
With a stride, an image row is read at some window positions only, depending on its phase (its index modulo the stride).
"""

from __future__ import annotations

from collections.abc import Sequence

from dsl.records import dataclass

from ..ir import Aval, Contraction, MaskedIndex

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]
Index = Sequence[str]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution from `images` to `pixels` with weights of shape `w`. Indices: of the copy and the group (`batch`);
    of an image, its row and column; of a window position and channel; of a filter in the group."""

    images: Aval
    pixels: Aval
    w: tuple[int, ...]
    spread: Spread
    groups: int

    @property
    def batch(self) -> Pair:
        return self.w[0] if len(self.w) == 5 else 1, self.groups

    @property
    def group_filters(self) -> int:
        """The number of filters per group."""
        return self.w[-1] // self.groups

    def grid(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The axes of the images of one copy."""
        return (shape[0] // self.batch[0], *shape[1:3])

    def weight(self, batch: Index, place: Index, f: str) -> MaskedIndex:
        copy, group = batch
        return MaskedIndex((*([copy] if len(self.w) == 5 else []), *place, _offset_by(group, self.group_filters, f)))

    def output(self, batch: Index, at: Index, f: str) -> MaskedIndex:
        copy, group = batch
        return MaskedIndex(
            (
                _offset_by(copy, self.grid(self.pixels.shape)[0], at[0]),
                *at[1:],
                _offset_by(group, self.group_filters, f),
            )
        )

    def image(self, batch: Index, at: Index, k: str) -> MaskedIndex:
        copy, group = batch
        first = _offset_by(copy, self.grid(self.images.shape)[0], at[0])
        return MaskedIndex((first, *at[1:], _offset_by(group, self.w[-2], k)))

    def pixel_read(self, batch: Index, at: Index, place: Index) -> MaskedIndex:
        """The image pixel that the output at `at` reads at a window position."""
        (strides, dilations, before), conditions, index = self.spread, [], []
        for axis in (0, 1):
            step, dilation, offset = strides[axis], dilations[axis], before[axis]
            index.append(_affine(at[axis + 1], step, place[axis], dilation, -offset))
            last = step * (self.pixels.shape[axis + 1] - 1) + dilation * (self.w[-4 + axis] - 1) - offset
            conditions += [f"{index[-1]} >= 0"] if offset else []
            conditions += (
                [f"{index[-1]} < {self.images.shape[axis + 1]}"] if last >= self.images.shape[axis + 1] else []
            )
        found = self.image(batch, (at[0], *index), place[2])
        return MaskedIndex(found.index, " && ".join(conditions))

    def phases(self, axis: int) -> int:
        """The number of phases of image rows (or columns), each read at its own window positions: the stride, if it
        divides the image."""
        step = self.spread[0][axis]
        return step if self.spread[1][axis] == 1 and self.images.shape[axis + 1] % step == 0 else 1

    def window_position(self, axis: int, phase: str, number: str) -> tuple[str, str]:
        """The window position, given its number, at which rows of a phase are read, and the condition under which it
        exists."""
        phases, size = self.phases(axis), self.w[-4 + axis]
        if phases == 1:
            return number, ""
        text = _affine(number, phases, f"({phase} + {self.spread[2][axis]}) % {phases}", 1, 0)
        return text, f"{text} < {size}" if size % phases else ""

    def output_reading(self, batch: Index, phase: Index, at: Index, numbers: Index, f: str) -> MaskedIndex:
        """The output that reads the pixel `at` of a phase, at the window positions given by two numbers."""
        index, conditions = [], []
        for axis in (0, 1):
            step, dilation, offset = (pair[axis] for pair in self.spread)
            if self.phases(axis) > 1:
                text = index_text = f"({at[axis + 1]} - {numbers[axis]} + ({phase[axis]} + {offset}) / {step})"
                least = offset // step - (self.w[-4 + axis] - 1) // step
                conditions += [self.window_position(axis, phase[axis], numbers[axis])[1]]
            else:
                text = _affine(at[axis + 1], 1, numbers[axis], -dilation, offset)
                index_text = f"({text} / {step})" if step > 1 else text
                least = offset - dilation * (self.w[-4 + axis] - 1)
                conditions += [f"{text} % {step} == 0" if step > 1 else ""]
            most = (self.images.shape[axis + 1] - 1 + offset) // step
            conditions += [f"{text} >= 0" if least < 0 else ""]
            conditions += [
                f"{index_text} < {self.pixels.shape[axis + 1]}" if most >= self.pixels.shape[axis + 1] else ""
            ]
            index.append(index_text)
        return MaskedIndex(self.output(batch, (at[0], *index), f).index, " && ".join(filter(None, conditions)))


def _offset_by(first: str, size: int, index: str) -> str:
    """The index in concatenated blocks of `size`: `index` in block number `first`."""
    return index if first == "0" else f"({first} * {size} + {index})"


def _affine(first: str, step: int, second: str, by: int, offset: int) -> str:
    """first step + second by + offset."""
    text = first if step == 1 else f"{first} * {step}"
    for sign, part, times in ((by, second, abs(by)), (offset, str(abs(offset)), 1)):
        if part != "0":
            text += f" {'-' if sign < 0 else '+'} {part if times == 1 else f'{part} * {times}'}"
    return f"({text})" if " " in text else text


def conv_sums(out: Aval, x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Contraction:
    layer = _Layer(x, out, w.shape, spread, groups)
    return Contraction(
        layer.batch,
        layer.grid(out.shape),
        (layer.group_filters,),
        w.shape[-4:-1],
        left=layer.pixel_read,
        right=lambda batch, terms, columns: layer.weight(batch, terms, columns[0]),
        out=lambda batch, rows, columns: layer.output(batch, rows, columns[0]),
    )


def input_sums(out: Aval, g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> Contraction:
    layer = _Layer(out, g, w.shape, spread, groups)
    phases = layer.phases(0), layer.phases(1)
    images, *sides = layer.grid(out.shape)

    def weight(batch: Index, terms: Index, columns: Index) -> MaskedIndex:
        places = [layer.window_position(axis, batch[2 + axis], terms[axis]) for axis in (0, 1)]
        index = layer.weight(batch[:2], (places[0][0], places[1][0], columns[0]), terms[2]).index
        return MaskedIndex(index, " && ".join(conditions for _, conditions in places if conditions))

    def image(batch: Index, rows: Index, columns: Index) -> MaskedIndex:
        at = (_affine(rows[1 + axis], phases[axis], batch[2 + axis], 1, 0) for axis in (0, 1))
        return layer.image(batch[:2], (rows[0], *at), columns[0])

    return Contraction(
        (*layer.batch, *phases),
        (images, *(n // p for n, p in zip(sides, phases, strict=True))),
        (w.shape[-2],),
        (*(-(-n // p) for n, p in zip(w.shape[-4:-2], phases, strict=True)), layer.group_filters),
        left=lambda batch, rows, terms: layer.output_reading(batch[:2], batch[2:], rows, terms[:2], terms[2]),
        right=weight,
        out=image,
        partial_axes=2,
    )


def weight_sums(
    out: Aval, x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int, copies: int | None
) -> Contraction:
    layer = _Layer(x, g, out.shape, spread, groups)
    return Contraction(
        layer.batch,
        out.shape[-4:-1],
        (layer.group_filters,),
        layer.grid(g.shape),
        left=lambda batch, rows, terms: layer.pixel_read(batch, terms, rows),
        right=lambda batch, terms, columns: layer.output(batch, terms, columns[0]),
        out=lambda batch, rows, columns: layer.weight(batch, rows, columns[0]),
    )
