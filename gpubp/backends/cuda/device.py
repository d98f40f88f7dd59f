"""What compiled CUDA needs of a device: few things, so that a double can take its place where there is no GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ...render import Gemm

Work = Callable[[], None]
"""Something that is put into the current stream of the device."""
MAX_ALIGNED = 16
"""All memory of a device begins at a multiple of so many bytes. No more is asked of what a product works on, for the
widest loads take 16, so that its algorithm does not depend on where arrays happen to lie."""


class CaptureError(Exception):
    """Work cannot become a graph; the text says why, in a few words."""


class Memory(Protocol):
    """A piece of the device's memory, which lives as long as this object."""

    address: int

    def __hash__(self) -> int:
        """That of the object."""

    def write(self, data: bytes, at: int = 0) -> None:
        """Copy from the host to byte `at` and those that follow, in the order of the stream."""

    def read(self, size: int) -> bytes:
        """Copy to the host, when all work before is done."""


class Device(Protocol):
    """A GPU, or what stands in for one."""

    identity: str
    """Its compiler and the architecture that it compiles for."""
    room: int
    """The bytes that a block can have of its own, where it asks for them."""
    tensor: bool
    """Whether it has tensor cores that multiply numbers of TF32."""

    def module(self, text: str, numbers: bytes) -> Callable[[str, int], Any]:
        """A CUDA text compiled and loaded, with the table `numbers` in its constant memory: gives its kernels by name,
        with the bytes that each block asks for beside those that it declares. Raises NativeError where that fails."""

    def launch(self, kernel: Any, grid: tuple[int, int], block: int, arguments: Any) -> None:
        """Run a kernel of so many columns and rows of blocks on `arguments`, a C array of the addresses of its
        arguments."""

    def product(self, work: Gemm, a: int, b: int, c: int, bias: int | None) -> Work:
        """A product of the matrices at three addresses, and the address of its bias if it has one, ready to be put into
        the stream: everything that it needs is there already. Raises NativeError where the library cannot take it."""

    def memory(self, size: int) -> Memory:
        """Fresh memory."""

    def address(self, array: Any) -> int:
        """Where an array of this device begins."""

    def graph(self, work: Work) -> Work:
        """All that `work` puts into the stream, as one launch. Raises CaptureError; nothing has run then."""
