"""Tensor cores: in which banks of shared memory their threads read and write, and planted faults."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from gpubp.render import CudaSource, cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.multiply import Tile
from gpubp.render.cuda.tensor import TENSOR, TensorTile

from .host import needs_host
from .test_cuda_kernels import changed
from .test_cuda_tiles import Layer, drawn
from .test_epilogues import planned_of
from .test_tensor import exactly, forced, outer, program, ran, tensor_source, whole_numbers, works_of

pytestmark = needs_host


# Banks of shared memory ----------------------------------------------------------------------------------------------
def ways(addresses: Sequence[int]) -> int:
    """How many numbers of one bank are asked for at once."""
    banks = [[a for a in set(addresses) if a % 32 == bank] for bank in range(32)]
    return max(map(len, banks))


def python(words: str, **names: int) -> int:
    return int(eval(words.replace("/", "//"), {}, names))


def factors(tile: Tile, depth: int, shape: tuple[int, int]) -> list[Any]:
    """The two factors of a product of `shape` rows and columns by a tile."""
    made: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        forced(patch, tile)
        real = cuda_tiles.Factor
        patch.setattr(cuda_tiles, "Factor", lambda *given: made.append(real(*given)) or made[-1])
        arrays = drawn([(shape[0], 256), (256, shape[1])], "float32")
        cuda_source(planned_of(lambda a, b: [a @ b], arrays), "run", tf32=True, unfused=True)
    assert made[0].depth == depth
    return made


@pytest.mark.parametrize("tile", TENSOR, ids=lambda t: f"{t.rows}x{t.columns}")
def test_no_two_threads_ask_for_one_bank(tile: TensorTile) -> None:
    """Of reads of 16 bytes the hardware serves eight threads at once, of 8 bytes sixteen, of 4 all 32. Where terms lie
    beside each other the rows of a tile are written number by number, its columns four at once."""
    depth = tile.depth(256)
    for factor in factors(tile, depth, (256, 256)):
        lines = tile.multiply_slice(4, "float", factor, factor)
        (deep,) = (line.split("= ")[1].rstrip(";") for line in lines if "const int deep" in line)
        (read,) = (line for line in lines if ("a[u][g] =" if factor.name == "rows" else "b[u][g] =") in line)
        width, address = (2 if "Pack" in read else 1), read.split("[half])[")[1].split("]")[0]
        at_once = 32 // width
        for warp, t, first in product(range(tile.threads // 32), range(depth // 8), range(0, 32, at_once)):
            asked: list[int] = []
            for lane in range(first, first + at_once):
                own = {"lane": lane, "warp": warp, "t": t, "u": 1, "g": 0}
                own["y"] = warp // tile.warps_across * 8 + lane // 4
                begin = python(address, deep=python(deep, **own), **own)
                asked += range(begin, begin + width)
            assert ways(asked) == 1
            assert len(set(asked)) == 32
        assert written(factor) == (1 if factor.k_contiguous or tile.columns > 16 else 2)


def written(factor: Any) -> int:
    """The most numbers of one bank that threads beside each other write at once."""
    lines = factor.store_shared(4)
    address = lines[-2].split("[1 - half])[")[1].split(" = ")[0].removesuffix(")").removesuffix("]")
    (names,) = (line.strip().removeprefix("const int ").rstrip(";") for line in lines if "slot %" in line)
    first, second = (part.split(" = ") for part in names.split(", "))
    width = 1 if factor.k_contiguous else factor.width
    most = 0
    for v in range(factor.width if factor.k_contiguous else 1):
        for begin in range(0, min(factor.threads, 32), 32 // width):
            asked = []
            for thread in range(begin, begin + 32 // width):
                where = {name: python(words, slot=thread) for name, words in (first, second)}
                start = python(address, v=v, **where)
                asked += range(start, start + width)
            most = max(most, ways(asked))
    return most


# Planted faults ------------------------------------------------------------------------------------------------------
FAULTS = [
    ("b[0][c / 2], b[1][c / 2]", "b[1][c / 2], b[0][c / 2]"),
    ("a[0][r / 2].at[0], a[0][r / 2].at[1]", "a[0][r / 2].at[1], a[0][r / 2].at[0]"),
    ("a[0][r / 2].at[1], a[1][r / 2].at[0]", "a[1][r / 2].at[0], a[0][r / 2].at[1]"),
    ("sums[r][c + 1], sums[r + 1][c]", "sums[r + 1][c], sums[r][c + 1]"),
    ("t % 2 * 2 + lane % 4 * 4", "t % 2 * 2 + lane % 4 * 2"),
    ("(warp % 2 + g * 2) * 8 + lane / 4", "(warp % 2 + g * 2) * 8 + lane % 8"),
    ("y = warp / 2 * 8 + lane / 4", "y = warp / 2 * 8 + lane % 8"),
    ("x = warp % 2 * 4 + lane % 4", "x = warp % 2 * 4 + lane / 8"),
    ("+ v * 68 + at", "+ v * 72 + at"),
    ("        __syncthreads();\n        half", "        half"),
]


@pytest.mark.parametrize(("old", "new"), FAULTS)
def test_faults_are_found(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Parts of the factors in other places, sums in others, memory that is not written where it is read, a missing
    barrier."""
    forced(monkeypatch, TensorTile(64, 64, 4, 8))
    works = works_of([Layer(3, 12, 12, 8, 64)])[:1]
    arrays = whole_numbers(works[0][1])
    found = program(works, arrays)
    source, exact = tensor_source(found), exactly("conv", arrays, works[0][2])

    def wrong(source: CudaSource) -> bool:
        return any(not np.array_equal(ran(found, arrays, source, order)[0], exact) for order in (0, 1))

    assert not wrong(source)
    assert wrong(changed(source, old, new))


@pytest.mark.parametrize(
    ("test", "told"),
    [("if (threadIdx.x != 5)", "never come to a barrier"), ("if (threadIdx.x == 5) return; else", "without all")],
)
def test_a_thread_that_does_not_take_part_is_found(monkeypatch: pytest.MonkeyPatch, test: str, told: str) -> None:
    """It goes on, or it ends."""
    forced(monkeypatch, TensorTile(32, 32, 2, 4))
    found, arrays = outer()
    bad = changed(tensor_source(found), "mma_tf32(sums", f"{test} mma_tf32(sums")
    with pytest.raises(AssertionError, match=told):
        ran(found, arrays, bad)
