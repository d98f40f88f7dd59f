"""Checkpoints that are not, byte for byte, what was written: refused with a message, and quickly."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpubp
from gpubp.executor.checkpoint import MAX_HEADER
from gpubp.training import Saved, read, save

STATE = {"w": np.arange(12, dtype=np.float32).reshape(3, 4), "step": np.array(3), "flag": np.array([True, False])}
ABOUT = {"step": 3, "sums": {"loss": 0.1}, "net": {"model": "ä"}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.safetensors"
    save(path, Saved(STATE, ABOUT))
    assert dict(read(path).about) == {"format": 1, **ABOUT}
    return path.read_bytes()


def refused(tmp: Path, content: bytes) -> str:
    path = tmp / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(gpubp.CheckpointError) as caught:
        read(path)
    message = str(caught.value)
    assert "a.safetensors" in message
    assert len(message) < 600
    return message


def test_every_bit_counts(whole: bytes, tmp_path: Path) -> None:
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        refused(tmp_path, bytes(flipped))


def test_every_byte_is_needed_and_no_more(whole: bytes, tmp_path: Path) -> None:
    for size in range(len(whole)):
        refused(tmp_path, whole[:size])
    refused(tmp_path, whole + b"\0")


@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    refused(tmp_path_factory.mktemp("any"), data)


def with_header(change: Callable[[dict[str, object]], object], whole: bytes) -> bytes:
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + whole[8 + size :]


HUGE = 1 << 60
CHANGES: dict[str, Callable[[dict[str, object]], object]] = {
    "no metadata": lambda h: h.pop("__metadata__"),
    "metadata that is none": lambda h: h.update(__metadata__={"gpubp": "[1"}),
    "a number for metadata": lambda h: h.update(__metadata__=3),
    "another's metadata": lambda h: h.update(__metadata__={"format": "pt"}),
    "a huge array": lambda h: h["w"].update(shape=[HUGE]),  # type: ignore[attr-defined]
    "a huge array and its place": lambda h: h["w"].update(shape=[HUGE], data_offsets=[0, HUGE * 4]),  # type: ignore[attr-defined]
    "a negative size": lambda h: h["w"].update(shape=[-3, -4]),  # type: ignore[attr-defined]
    "an unknown type": lambda h: h["w"].update(dtype="F7"),  # type: ignore[attr-defined]
    "a type that numpy lacks": lambda h: h["w"].update(dtype="BF16", shape=[24]),  # type: ignore[attr-defined]
    "another type": lambda h: h["w"].update(dtype="I32"),  # type: ignore[attr-defined]
    "another shape": lambda h: h["w"].update(shape=[4, 3]),  # type: ignore[attr-defined]
    "another name": lambda h: h.update(v=h.pop("w")),
    "a list": lambda h: h.update(w=[]),
    "offsets that are words": lambda h: h["w"].update(data_offsets=["a", "b"]),  # type: ignore[attr-defined]
    "one more array": lambda h: h.update(more={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_headers_that_lie(name: str, whole: bytes, tmp_path: Path) -> None:
    refused(tmp_path, with_header(CHANGES[name], whole))


def test_a_header_that_is_too_large(whole: bytes, tmp_path: Path) -> None:
    for size in (MAX_HEADER + 1, 1 << 40, (1 << 64) - 1):
        refused(tmp_path, size.to_bytes(8, "little") + whole[8:])
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.write((MAX_HEADER + 1).to_bytes(8, "little"))
        file.truncate(1 << 36)
    tracemalloc.start()
    try:
        with pytest.raises(gpubp.CheckpointError, match="no header"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_nesting_without_end(tmp_path: Path) -> None:
    text = b"[" * 1_000_000
    refused(tmp_path, len(text).to_bytes(8, "little") + text)


def test_a_file_larger_than_memory(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(whole)
    with pytest.raises(gpubp.CheckpointError, match=r"bytes, but only 100 bytes of memory are free"):
        read(path, memory=100)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(gpubp.CheckpointError, match="not a regular file"):
        read(tmp_path / "pipe")


def test_another_format(whole: bytes, tmp_path: Path) -> None:
    def later(header: dict[str, object]) -> None:
        told = json.loads(header["__metadata__"]["gpubp"])  # type: ignore[index]
        header["__metadata__"] = {"gpubp": json.dumps({**told, "format": 2})}

    assert "has the format 2, but this version of gpubp reads 1" in refused(tmp_path, with_header(later, whole))
