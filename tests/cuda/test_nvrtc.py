"""Every kernel of every model compiled by NVRTC, which needs its wheels and CuPy, but no GPU and no driver."""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.backends.cuda.nvrtc import Nvrtc
from gpubp.backends.native import KernelCache, NativeError
from gpubp.frontend import build_plan, describe
from gpubp.ops import cuda_orders
from gpubp.render import CudaSource, Launch, cuda_source
from gpubp.render.cuda import tiles as cuda_tiles
from gpubp.render.cuda.tiles import FAN_IN
from tests.cuda import test_cuda_tiles as tiles
from tests.cuda import test_tensor as tensor
from tests.cuda.test_cuda_tiles import drawn, each_tile, program
from tests.cuda.test_loops import LAYERS, net_of
from tests.cuda.test_split_k import split_k
from tests.render.test_c_source import MODELS

ROOM = {"sm_75": 64 << 10, "sm_80": 163 << 10, "sm_90": 227 << 10, "sm_120": 99 << 10}
"""The most bytes of shared memory that a block may ask for (CUDA C++ Programming Guide, table of compute
capabilities)."""
HEAD = re.compile(r"__global__ void __launch_bounds__\((\d+), 1\) (\w+)\(")


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    pytest.importorskip("cupy", reason="CuPy is not installed; the wheels of [cuda12] bring it", exc_type=ImportError)
    try:
        compiler("sm_90").identity  # noqa: B018
    except NativeError as error:
        pytest.skip(str(error))


def compiler(architecture: str) -> Nvrtc:
    from cupy.cuda import nvrtc

    return Nvrtc(architecture, nvrtc)


@cache
def source_of(path: Path, mode: Any, dtype: str, room: int, nets: bool = False) -> CudaSource:
    built, found = build_plan(gpubp.load(path), mode, 32, dtype)
    results = dict(zip(built.outputs, found.program.outputs, strict=True))
    collect = [results[name] for name in ("data", "penalty") if name in results]
    return cuda_source(found, mode, built.hints, describe, collect, nets=nets, room=room)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize(
    ("mode", "dtype"), [("train", "float32"), ("train", "float64"), ("measure", "float32"), ("predict", "float32")]
)
@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_kernel_fits_into_registers(path: Path, mode: str, dtype: str, architecture: str) -> None:
    fits(source_of(path, mode, dtype, ROOM[architecture]), architecture)


@pytest.mark.parametrize("architecture", ["sm_75", "sm_120"])
@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_the_oldest_and_the_newest_architecture(path: Path, architecture: str) -> None:
    fits(source_of(path, "train", "float32", ROOM[architecture]), architecture)


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90", "sm_120"])
def test_the_kernel_for_orders_of_epochs_fits(architecture: str) -> None:
    text_fits(cuda_orders(), {"orders"}, architecture)


@pytest.mark.parametrize("architecture", ["sm_37", "sm_990"])
def test_an_architecture_that_is_not_known(architecture: str) -> None:
    with pytest.raises(NativeError, match=f"NVRTC .* compiles for sm_.* to sm_.*, and this GPU is {architecture};"):
        compiler(architecture).identity  # noqa: B018


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", ["digits_resnet", "siamese"])
def test_every_kernel_with_tensor_cores_fits(name: str, architecture: str) -> None:
    _, found = build_plan(gpubp.load(Path("models") / f"{name}.net"), "train", 128, "float32")
    source = cuda_source(found, "train", tf32=True)
    assert "mma_tf32(sums" in source.text
    fits(source, architecture)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", ["digits", "digits_tuned", "digits_cnn", "digits_lstm", "transformer"])
def test_every_kernel_for_several_nets_fits(name: str, architecture: str) -> None:
    path = Path("models") / f"{name}.net"
    fits(source_of(path, "train", "float32", ROOM[architecture], nets=True), architecture)


def assert_whole(code: bytes) -> None:
    """The tables of programs and of sections lie within an ELF file."""
    programs, sections = struct.unpack_from("<2Q", code, 32)
    size, count, section_size, section_count = struct.unpack_from("<4H", code, 54)
    assert max(programs + size * count, sections + section_size * section_count) <= len(code)


def fits(source: CudaSource, architecture: str) -> None:
    launched = {work.kernel for works in source.work.values() for work in works if isinstance(work, Launch)}
    text_fits(source.text, launched, architecture)
    if source.block is not None:
        text_fits(source.block.text, {source.block.name}, architecture)


def text_fits(text: str, launched: set[str], architecture: str) -> None:
    code, used = compiler(architecture).cubin(text)
    assert code[:4] == b"\x7fELF"
    assert_whole(code)
    threads = {name: int(block) for block, name in HEAD.findall(text)}
    assert used.keys() == threads.keys()
    assert launched <= used.keys()
    for name, kernel in used.items():
        assert kernel.spilled == 0, f"{name} spills {kernel.spilled} bytes"
        assert kernel.registers * threads[name] <= 65536, name


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_a_block_that_asks_for_memory(architecture: str, recurrent: bool) -> None:
    """A deep net, and turns of all recurrent layers."""
    net = net_of(LAYERS["all"]) if recurrent else gpubp.load("models/spiral.net")
    built, found = build_plan(net, "train", 32, "float64")
    results = dict(zip(built.outputs, found.program.outputs, strict=True))
    collect = [results["data"], results["penalty"]]
    source = cuda_source(found, "train", built.hints, describe, collect, room=ROOM[architecture])
    assert source.block is not None
    assert source.block.dynamic_shared > 48 * 1024
    _, used = compiler(architecture).cubin(source.block.text)
    kernel = used[source.block.name]
    assert kernel.spilled == 0
    assert kernel.registers * source.block.threads <= 65536


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@each_tile
def test_tiles_of_every_size_fit(monkeypatch: pytest.MonkeyPatch, tile: Any, dtype: str, architecture: str) -> None:
    monkeypatch.setattr(cuda_tiles, "choose", lambda *_: tile)
    for layer in (tiles.LAYERS[name] for name in ("vectors", "one channel", "strides", "copies and groups")):
        for name, (shapes, params, _) in layer.works().items():
            source = cuda_source(program(name, drawn(shapes, dtype), params), "run")
            _, used = compiler(architecture).cubin(source.text)
            assert [kernel.stack for kernel in used.values()] == [0] * len(used), (name, layer)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@tensor.each_tile
def test_tiles_for_tensor_cores_fit(monkeypatch: pytest.MonkeyPatch, tile: Any, architecture: str) -> None:
    """Also where the terms are divided among blocks."""
    for parts in (False, True):
        if parts:
            split_k(monkeypatch, tile, FAN_IN)
        tensor.forced(monkeypatch, tile)
        works = tensor.works_of(
            [tiles.LAYERS[name] for name in ("vectors", "one channel", "strides", "copies and groups")]
        )
        found = tensor.program(works, drawn([shape for _, pair, _, _ in works for shape in pair], "float32"))
        _, used = compiler(architecture).cubin(tensor.tensor_source(found, unfused=True).text)
        for name, kernel in used.items():
            assert (kernel.stack, kernel.spilled) == (0, 0), name


@each_tile
def test_sums_divided_among_blocks_fit(monkeypatch: pytest.MonkeyPatch, tile: Any, dtype: str) -> None:
    split_k(monkeypatch, tile, FAN_IN)
    shapes, params, _ = tiles.LAYERS["vectors"].works()["conv_weight"]
    source = cuda_source(program("conv_weight", drawn(shapes, dtype), params), "run")
    assert "last_of(counter" in source.text
    _, used = compiler("sm_90").cubin(source.text)
    assert [(kernel.stack, kernel.spilled) for kernel in used.values()] == [(0, 0)] * len(used)


def test_what_does_not_fit_into_registers_is_found() -> None:
    text = """
extern "C" __global__ void __launch_bounds__(1024, 2) many(float *p) {
    float a[96];
    #pragma unroll
    for (int i = 0; i < 96; i++) a[i] = p[i * 1024 + threadIdx.x];
    __syncthreads();
    #pragma unroll
    for (int i = 0; i < 96; i++) p[i * 1024 + threadIdx.x] = a[95 - i];
}
extern "C" __global__ void one(float *p, int k) {
    float a[8] = {};
    for (int i = 0; i < k; i++) a[i * k % 8] += p[i];
    p[0] = a[k];
}"""
    _, used = compiler("sm_90").cubin(text)
    assert used["many"].spilled > 0
    assert used["one"].spilled == 0 < used["one"].stack


def test_a_cubin_is_kept(tmp_path: Path) -> None:
    cache = KernelCache(tmp_path / "kernels")
    text = source_of(Path("models/xor.net"), "train", "float32", ROOM["sm_80"]).text
    first = cache.library(text, compiler("sm_90"), ".cubin")
    before = first.stat().st_mtime_ns
    assert cache.library(text, compiler("sm_90"), ".cubin") == first
    assert first.stat().st_mtime_ns == before
    assert cache.library(text, compiler("sm_80"), ".cubin") != first


def test_an_error_is_told_in_a_line() -> None:
    with pytest.raises(NativeError, match=r"^NVRTC failed: kernels.cu\(1\): error: .*nothing"):
        compiler("sm_90").cubin("nothing here")
