"""Backends: where programs run. Importing this package imports neither NumPy nor CuPy."""

from __future__ import annotations

import re
from importlib import import_module

from ..errors import DeviceError
from .base import Backend
from .cupy import CupyBackend

__all__ = ["Backend", "select"]


def select(device: str) -> Backend:
    """The backend for `auto`, `cpu`, `gpu` or `gpu:N`. `auto` takes a GPU where one works. Raises DeviceError with
    the reason."""
    number = re.fullmatch(r"gpu(?::(\d+))?", device)
    if number is None and device not in ("auto", "cpu"):
        raise DeviceError(f"there is no device `{device}`: it is auto, cpu, gpu or gpu:N")
    if number is not None:
        return _gpu(int(number[1] or 0))
    why = ""
    if device == "auto":
        try:
            return _gpu(0)
        except DeviceError as error:
            why = error.reason
    # Importing NumPy takes most of a short command's time: it waits until somebody computes.
    cpu: Backend = import_module(".numpy", __name__).NumpyBackend(why)
    return cpu


def _gpu(number: int) -> Backend:
    gpu: Backend = CupyBackend(number)
    return gpu
