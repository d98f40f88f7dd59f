"""C forms of convolution: calls of the functions in c/conv.h."""

from __future__ import annotations

from ..ir import Aval
from .window_helpers import conv_scratch

Pair = tuple[int, int]
Spread = tuple[Pair, Pair, Pair]
MOST = 5e9
"""Floating-point operations up to which one is a single call, of some 50 ms: Ctrl-C waits for its end."""


def _sizes(images: Aval, pixels: Aval, w: tuple[int, ...], copies: int, spread: Spread, groups: int) -> str:
    """The sizes of a convolution of images to pixels by weights of the shape `w`, those of one copy; empty where the
    scratch is too small for a table of a block's pixels, or there is too much to do."""
    kh, kw, part, filters = w
    (_, _, some), (patches, *_) = conv_scratch(pixels.shape[:3], copies, part, (kh, kw), filters, spread)
    size, item = kh * kw * part, 8 if images.dtype == "float64" else 4
    if 8 * (some * pixels.shape[2] + size) > patches * item or 2 * pixels.size * size > MOST:
        return ""
    numbers = (*images.shape, *pixels.shape[1:], kh, kw, groups, copies, *(n for pair in spread for n in pair), some)
    return f"&(const conv_sizes){{{', '.join(map(str, numbers))}}}"


def _called(name: str, sizes: str, scratch: str) -> str:
    return f"{name}_{{t}}({sizes}, {{0}}, {{1}}, {{out}}, {scratch})" if sizes else ""


def conv_text(out: Aval, x: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> str:
    sizes = _sizes(x, out, w.shape[-4:], w.shape[0] if len(w.shape) == 5 else 1, spread, groups)
    return _called("conv", sizes, "{s0}, {s1}")


def input_text(out: Aval, g: Aval, w: Aval, *, size: Pair, spread: Spread, groups: int) -> str:
    sizes = _sizes(out, g, w.shape[-4:], w.shape[0] if len(w.shape) == 5 else 1, spread, groups)
    return _called("conv_input", sizes, "{s0}")


def weight_text(out: Aval, x: Aval, g: Aval, *, size: Pair, spread: Spread, groups: int, copies: int | None) -> str:
    return _called("conv_weight", _sizes(x, g, out.shape[-4:], copies or 1, spread, groups), "{s0}, {s1}")
