"""Where a step's time goes, as `run --profile` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from ..executor import Profile, ProfiledKernel
from ..wording import counted
from .table import align

SMALL = 0.01
"""Kernels, and layers, that take less of the time are shown together."""
HEAD = ("time", "share", "FLOP", "bytes", "GFLOP/s", "GB/s", "of peak")


def profile_table(found: Profile) -> str:
    """The layers, the slowest first, each with its kernels."""
    total = sum(kernel.seconds for kernel in found.kernels)
    layers: dict[str, list[ProfiledKernel]] = {}
    for kernel in found.kernels:
        layers.setdefault(kernel.layer, []).append(kernel)
    lines: list[tuple[str, Sequence[str]]] = [("layer, and its kernels", HEAD)]
    few = {layer: kernels for layer, kernels in layers.items() if _time(kernels) < SMALL * total}
    shown = [item for item in layers.items() if item[0] not in few]
    for layer, kernels in sorted(shown, key=lambda item: -_time(item[1])):
        lines.append((layer, _figures(found, kernels, total)))
        large = [kernel for kernel in kernels if kernel.seconds >= SMALL * total]
        small = [kernel for kernel in kernels if kernel.seconds < SMALL * total]
        for kernel in sorted(large, key=lambda one: -one.seconds):
            lines.append((f"  {_name(kernel)}", _figures(found, [kernel], total)))
        if small and large:
            lines.append((f"  {len(small):,} more", _figures(found, small, total)))
    if few:
        rest = [kernel for kernels in few.values() for kernel in kernels]
        lines.append((counted(len(few), "more part"), _figures(found, rest, total)))
    lines.append((counted(len(found.kernels), "kernel"), _figures(found, found.kernels, total)))
    width = max(len(name) for name, _ in lines)
    columns = align([list(figures) for _, figures in lines]).split("\n")
    table = "\n".join(f"{name.ljust(width)}  {row}" for (name, _), row in zip(lines, columns, strict=True))
    return (
        f"a training step of {counted(found.rows, 'row')}, {found.dtype}: {_seconds(found.seconds)}, "
        f"the median of {found.steps:,} steps\n"
        f"this machine now: {found.peak_flops / 1e9:.0f} GFLOP/s in a matrix product, "
        f"{found.peak_bytes / 1e9:.3g} GB/s in a copy; `of peak` is the nearer of the two\n\n{table}\n\n"
        "each kernel was called and timed by itself, which adds about a microsecond to it;\n"
        "more than 100 % of the peak: what lies in a cache"
    )


def as_json(found: Profile) -> dict[str, Any]:
    """The same for programs."""
    kernels = [asdict(kernel) for kernel in found.kernels]
    figures = {"rows": found.rows, "precision": found.dtype, "seconds": found.seconds, "steps": found.steps}
    return {**figures, "peak_flops": found.peak_flops, "peak_bytes": found.peak_bytes, "kernels": kernels}


def _name(kernel: ProfiledKernel) -> str:
    """What a kernel computes, the equations in their order."""
    words = list(dict.fromkeys(kernel.work))
    text = " ".join(words[:5]) + (" ..." if len(words) > 5 else "")
    return f"{text} (compiled)" if kernel.compiled else text


def _time(kernels: Iterable[ProfiledKernel]) -> float:
    return sum(kernel.seconds for kernel in kernels)


def _figures(found: Profile, kernels: Sequence[ProfiledKernel], total: float) -> Sequence[str]:
    seconds = _time(kernels)
    done, moved = sum(kernel.flops for kernel in kernels), sum(kernel.bytes for kernel in kernels)
    reached = sum(found.reached(kernel) * kernel.seconds for kernel in kernels)
    if not seconds:
        return (_seconds(0.0), "0 %", _short(done), _short(moved), "", "", "")
    return (
        _seconds(seconds),
        f"{100 * seconds / total:.0f} %",
        _short(done),
        _short(moved),
        f"{done / seconds / 1e9:.3g}",
        f"{moved / seconds / 1e9:.3g}",
        f"{100 * reached / seconds:.0f} %",
    )


def _seconds(value: float) -> str:
    for limit, scale, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{value * scale:.3g} {unit}"
    return f"{value:.3g} s"


def _short(number: float) -> str:
    """A number with its prefix: 12.3 k, 4.56 M."""
    for prefix in ("", "k", "M", "G"):
        if number < 1000 or prefix == "G":
            break
        number /= 1000
    return f"{number:.3g} {prefix}".rstrip()
