"""NVIDIA's libraries where wheels for CUDA 12 and CUDA 13 are installed, and CuPy is for one of them."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from gpubp.backends import wheels

TWELVE = ("cuda_nvrtc/lib/libnvrtc.so.12", "cublas/lib/libcublasLt.so.12", "cublas/lib/libcublas.so.12")
THIRTEEN = ("cu13/lib/libnvrtc.so.13", "cu13/lib/libcublasLt.so.13", "cu13/lib/libcublas.so.13")


@pytest.mark.parametrize(
    ("installed", "cuda", "wanted"),
    [
        ((*TWELVE, *THIRTEEN), 12, TWELVE),
        ((*TWELVE, *THIRTEEN), 13, THIRTEEN),
        (TWELVE, 12, ()),  # cuda.pathfinder finds them
        (THIRTEEN, 12, ()),
        ((*TWELVE[1:], *THIRTEEN), 12, TWELVE[1:]),
        ((), 12, ()),
    ],
)
def test_those_of_another_cuda_are_left_alone(
    installed: tuple[str, ...], cuda: int, wanted: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cuBLAS needs cuBLASLt, and finds the one that is loaded."""
    loaded: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", loaded.append)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    for name in (*installed, "cuda_nvrtc/lib/libnvrtc-builtins.so.12.9"):
        path = tmp_path / "nvidia" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    wheels.load_matching(cuda)
    assert loaded == [str(tmp_path / "nvidia" / name) for name in wanted]
