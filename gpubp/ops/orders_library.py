"""The orders in which epochs visit rows, as gpubp.seeds.shuffled makes them, in C and in CUDA."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def c_orders() -> str:
    """A C text with the function `orders`."""
    return _joined("c/base.h", "orders/draws.h", "orders/orders.c")


def cuda_orders() -> str:
    """A CUDA text with the kernel `orders`."""
    return _joined("cuda/base.cuh", "orders/draws.h", "orders/orders.cuh")


@cache
def _joined(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in names)
