"""Faults put in, each of which must be reported, and text that is not understood."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .instructions import HEAD
from .kernels import Fault, needs_gcc
from .make_ptx import FOLDER
from .ptx import translate
from .ptx_syntax import PtxError
from .test_ptx import INT, aligned_copy, both_orders, ints, snippet

pytestmark = needs_gcc


# Faults --------------------------------------------------------------------------------------------------------------
def test_a_promise_that_is_not_kept() -> None:
    with pytest.raises(
        Fault, match=r"^710: promised, block \(0, 0, 0\), thread \(3, 0, 0\).*assertion `x.*< 3` failed"
    ):
        snippet("calls")("promised", 1, 5, [np.arange(5, dtype=np.int32)])


def test_a_trap() -> None:
    with pytest.raises(Fault, match=r"^719: .*thread \(3, 0, 0\), line \d+: a trap"):
        snippet("calls")("stopped", 1, 4, [ints(4)])


def test_calls_that_do_not_end() -> None:
    with pytest.raises(Fault, match=r"^719: .*nested more than 64 deep"):
        snippet("calls")("deeper", 1, 1, [ints(1)])


FAULTS = {
    "outside": (700, r"thread \(3, 0, 0\), line \d+: a write of 4 bytes at 0x\w+ is outside of all memory"),
    "null": (700, r"thread \(2, 0, 0\).*is outside of all memory"),
    "before": (700, r"thread \(0, 0, 0\).*is outside of all memory"),
    "read": (700, r"thread \(3, 0, 0\).*a read of 1 bytes"),
    "unaligned": (716, r"thread \(1, 0, 0\).*of 16 bytes .*not aligned"),
    "half_a_word": (716, "of 2 bytes .*not aligned"),
    "beyond_shared": (700, "outside of the 32 bytes of shared memory"),
    "beyond_local": (700, "outside of the 16 bytes of local memory"),
    "unaligned_shared": (716, r"thread \(1, 0, 0\).*of shared memory are not aligned"),
    "unreached": (719, "a barrier of 64 threads is not reached by all of them; 3 threads of the block have ended"),
    "two_barriers": (719, "threads of a warp wait at different barriers"),
    "odd_count": (719, "a barrier is for 40 threads, which are no warps"),
    "disagreement": (719, "a barrier of (96|64) threads is one of (64|96) elsewhere"),
    "number": (719, "a barrier has the number 16, of at most 15"),
    "not_in_mask": (719, r"a thread is not in the mask 0xff"),
    "beyond_mask": (719, "reads lane 8, which is not in its mask 0xff"),
    "lonely": (719, "do not all come to what waits for those in the mask 0xffff"),
    "endless": (719, "goes round for ever"),
    "endless_together": (719, "goes round for ever"),
    "nowhere": (719, "where no function is"),
    "constant_written": (700, "a write into constant memory"),
}


def test_every_planted_fault_is_tried() -> None:
    assert set(snippet("faults").table) == set(FAULTS)


@both_orders
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_reported(name: str, order: int) -> None:
    """A launch after it works."""
    code, text = FAULTS[name]
    room = aligned_copy(ints(8, 0))
    with pytest.raises(Fault, match=f"{name}, block") as found:
        snippet("faults")(name, 1, 40, [room, INT(8)], order=order)
    assert found.value.code == code
    text = re.sub(r"\\\(\d, 0, 0\\\)", ".*", text) if order else text
    assert re.search(text, found.value.text), found.value.text
    out = ints(40)
    snippet("threads")("where", 1, 40, [out], order=order)
    np.testing.assert_array_equal(out, np.arange(40) * 10 + 1)


@pytest.mark.parametrize(
    ("grid", "block", "dynamic", "text"),
    [
        (1, 1025, 0, "1025 threads"),
        (0, 1, 0, "no threads"),
        (1, 1, 1 << 18, "bytes of shared memory, of at most 232448"),
    ],
)
def test_a_launch_that_no_gpu_can_do(grid: int, block: int, dynamic: int, text: str) -> None:
    with pytest.raises(Fault, match=text):
        snippet("threads")("total", grid, block, [ints(1), ints(1), INT(1)], dynamic)


# Text that is not understood -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("wgmma.fence.sync.aligned;", "line 8: `wgmma.fence.sync.aligned` is not known"),
        ("add.s33 %r0, %r0, %r0;", r"line 8: `add.s33` is not known"),
        ("add.rn.bf16 %r0, %r0;", "line 8: `add.rn.bf16` is not known to the translator: 1 operands"),
        ("ld.global.v4.f32 %r0, [%r0];", "line 8: .*: the elements of a vector"),
        ("mov.u32 %r0, nobody;", "line 8: `nobody` is not declared"),
        ("bra nowhere;", "line 8: the label `nowhere` is not declared"),
        ("call nobody, (%r0);", "line 8: .*`%r0` is passed"),
        ("call nobody;", "line 8: the function `nobody` is called, and not there"),
        ("cvt.f32.u32.extra %r0, %r0;", "line 8: `cvt.f32.u32.extra` is not known"),
        ("atom.global.swap.b32 %r0, [%r0], %r0;", "line 8: `atom.global.swap.b32` is not known.*`.swap`"),
        ("ret", "line 9: `}` stands where an operand is expected"),
        ("add.s32 ?;", "line 8: `\\?` is no PTX"),
    ],
)
def test_what_is_not_known_is_an_error(line: str, text: str) -> None:
    with pytest.raises(PtxError, match=f"^{text}"):
        translate(HEAD + ".entry k()\n{\n.reg .b32 %r<2>;\n" + line + "\n}\n")


def test_on_the_command_line(tmp_path: Path) -> None:
    made, broken = tmp_path / "made.so", tmp_path / "broken.ptx"
    words = [sys.executable, "-m", "tests.emulator.ptx"]
    subprocess.run([*words, FOLDER / "threads.ptx", made], check=True)
    assert ctypes.c_uint.in_dll(ctypes.CDLL(str(made)), "emulated_kernel_count").value == 6
    broken.write_text("nothing\n", "utf-8")
    done = subprocess.run([*words, broken, made], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{broken}: line 1: `nothing` is not known\n")
