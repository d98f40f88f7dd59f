"""C forms of convolution: calls of the functions in c/conv.h."""

from __future__ import annotations

from ..ir import Aval, ParallelCall
from .window_helpers import conv_scratch

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]
MAX_OPERATIONS = 5e9
"""Maximum floating-point operations of a single call for one copy, some 50 ms: Ctrl-C waits for its end."""


def _parallel_call(
    name: str, images: Aval, pixels: Aval, w: tuple[int, ...], copies: int, spread: Spread, groups: int
) -> ParallelCall | None:
    """A convolution from images to pixels with weights of shape `w`, those of one copy, or a derivative, parallel over
    images, or for the weights over positions of a patch. None if the scratch of one copy is too small for a table of a
    block's pixels, or there is too much to compute for it: several copies are then computed as each of them alone."""
    kh, kw, channels, filters = w
    count, rows, columns = pixels.shape[:3]
    own = conv_scratch((count // copies, rows, columns), 1, channels, (kh, kw), filters, spread)
    (_, _, block_rows), (patches, *_) = own
    size, item = kh * kw * channels, 8 if images.dtype == "float64" else 4
    table = block_rows * columns + size
    if 8 * table > patches * item or 2 * (pixels.size // copies) * size > MAX_OPERATIONS:
        return None
    numbers = (
        *images.shape,
        *pixels.shape[1:],
        kh,
        kw,
        groups,
        copies,
        *(n for pair in spread for n in pair),
        block_rows,
    )
    sizes = f"&(const conv_sizes){{{', '.join(map(str, numbers))}}}"
    _, (block, padded, _) = conv_scratch((1, block_rows, columns), 1, channels, (kh, kw), filters, spread)
    scratch_sizes = (block,) if name == "conv_input" else (-(-8 * table // item), padded)
    scratch = ", ".join(f"{{s{i}}}" for i in range(len(scratch_sizes)))
    call = f"{name}_{{t}}({sizes}, {{begin}}, {{end}}, {{0}}, {{1}}, {{out}}, {scratch})"
    iterations, granule = (size, 8) if name == "conv_weight" else (images.shape[0], 1)
    return ParallelCall(call, iterations, pixels.size * size // 8, granule, scratch_sizes)


def conv_text(out: Aval, x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> ParallelCall | None:
    return _parallel_call("conv", x, out, w.shape[-4:], w.shape[0] if len(w.shape) == 5 else 1, spread, groups)


def input_text(out: Aval, g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> ParallelCall | None:
    return _parallel_call("conv_input", out, g, w.shape[-4:], w.shape[0] if len(w.shape) == 5 else 1, spread, groups)


def weight_text(
    out: Aval, x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int, copies: int | None
) -> ParallelCall | None:
    return _parallel_call("conv_weight", x, g, out.shape[-4:], copies or 1, spread, groups)
