"""What `doctor` tries on a GPU: trainings by compiled kernels and by CuPy alone, and faults that it must see."""

from __future__ import annotations

import pytest

from gpubp.errors import GpubpError
from gpubp.executor import compare_kernels, self_test

from .conftest import Use


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "STEPS", 4)


def test_alike(use: Use) -> None:
    """One net as a block, one as a graph with products of the library."""
    device = use()
    assert compare_kernels("gpu:0") == "4 steps of two nets by compiled kernels, with the losses of CuPy's own"
    assert any(name.startswith("train_block") for name in device.log)
    assert {"gemm", "replay"} <= {*device.log}


@pytest.mark.parametrize("width", [8, 768])
def test_a_kernel_that_is_wrong(use: Use, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(self_test, "WIDTHS", (width,))
    use(change=lambda text: text.replace("tanhf(", "sinf("))
    with pytest.raises(GpubpError, match=rf"after 4 steps of a net {width} wide the loss is .*, and by CuPy 0\.\d+$"):
        compare_kernels("gpu:0")


def test_no_compiler(use: Use) -> None:
    use(broken="NVRTC failed: a test")
    with pytest.raises(GpubpError, match=r"no kernels are compiled: .*NVRTC failed: a test"):
        compare_kernels("gpu:0")
