"""Checkpoints: one safetensors file each, written atomically, and verified by checksum when read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dsl.records import dataclass

from ..errors import CheckpointError, SaveError, reason, unsaved

LAST, BEST, ABOUT = "last.safetensors", "best.safetensors", "env.json"
"""Names of files in a run's folder."""
FORMAT = 1
MAX_HEADER = 16 << 20
"""Maximum size of a header in bytes; 100,000 arrays need no more."""
UNDECIDED, NOW, BESTS = "undecided", "restarts.", "best."
"""The entry in the metadata of a checkpoint of several restarts none of which is chosen yet; and what the names of its
arrays begin with: states (restarts, ...), and the best states of those that have one."""
_NUMPY = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64"}
"""The dtypes of safetensors that NumPy supports."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A state as returned by `Executor.state_dict`, with metadata."""

    state: Mapping[str, Any]
    about: Mapping[str, Any]


def save(path: Path, saved: Saved) -> None:
    """Write a state. Raises SaveError; an existing file at `path` then stays intact."""
    import numpy as np
    from safetensors.numpy import save as to_bytes

    # safetensors 0.8.0 writes the bytes of any layout and byte order as if they were in C order and native byte order.
    state = {
        name: np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)
        for name, array in saved.state.items()
    }
    about = {"format": FORMAT, **saved.about}
    about["sha256"] = hash_of(state, about)
    # safetensors writes metadata entries in random order: with a single entry, equal states give equal files.
    write(path, to_bytes(state, {"gpubp": json.dumps(about, sort_keys=True)}))


def write(path: Path, content: bytes) -> None:
    """Write a file atomically. Raises SaveError."""
    write_all({path: content})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files, each atomically: to a temporary name, synced to disk, then renamed. Raises SaveError."""
    for path, content in files.items():
        if os.path.isdir(path):
            raise SaveError(f"cannot save `{path}`: is a directory")
        temporary = path.with_name(f".{path.name}.saving")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):  # the folder may be read-only now, or gone
                temporary.unlink(missing_ok=True)
            raise unsaved(path, error) from None
    for folder in {path.parent for path in files}:
        try:
            flush_folder(folder)
        except OSError as error:
            raise SaveError(f"cannot save to `{folder}`: {reason(error)}") from None


def flush_folder(folder: Path) -> None:
    """Sync a directory: otherwise a rename may be lost in a power failure."""
    if sys.platform == "win32":  # a folder cannot be opened there
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read(path: Path, memory: int | None = None) -> Saved:
    """The state that `save` wrote; a folder stands for its last checkpoint. Files larger than `memory` bytes are
    refused. Raises CheckpointError if it cannot be read or is corrupt."""
    if path.is_dir():
        path = path / LAST
    return _saved(path, _content(path, memory))


def _saved(path: Path, content: bytes) -> Saved:
    """The state in a file's content. Raises CheckpointError if it is corrupt."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        state = dict(load(content))
        about = json.loads(json.loads(content[8 : 8 + _header_size(content)])["__metadata__"]["gpubp"])
        known = about.pop("sha256")
        version = about["format"]
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise CheckpointError(f"`{path}` is not a saved state, or is damaged: {said}") from None
    if version != FORMAT:
        raise CheckpointError(f"`{path}` has the format {version}, but this version of gpubp reads {FORMAT}")
    if known != hash_of(state, about):
        raise CheckpointError(f"`{path}` is damaged: its bytes are not those that were written")
    return Saved(state, about)


def part_of(state: Mapping[str, Any], prefix: str, index: int) -> dict[str, Any]:
    """One of the states that are stacked in arrays with names of this prefix."""
    return {name.removeprefix(prefix): array[index] for name, array in state.items() if name.startswith(prefix)}


def leader_of(saved: Saved) -> Saved:
    """Of a checkpoint of several restarts the one that leads so far, in its best state if it keeps one."""
    about = saved.about[UNDECIDED]
    k, kept = about["leader"], about["kept"]
    state = part_of(saved.state, BESTS, kept.index(k)) if k in kept else part_of(saved.state, NOW, k)
    return Saved(state, {**saved.about, "seed": about["seeds"][k]})


def read_weights(path: Path, memory: int | None) -> Mapping[str, Any]:
    """The arrays of a safetensors file from any source; of one that `save` wrote, its state. Files larger than `memory`
    bytes are refused. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = _content(path, memory)
    try:
        entries = json.loads(content[8 : 8 + _header_size(content)])
        if "gpubp" in entries.pop("__metadata__", {}):
            return _saved(path, content).state
        odd = next((name for name, entry in entries.items() if entry["dtype"] not in _NUMPY), None)
        if odd is not None:
            found = entries[odd]["dtype"]
            raise CheckpointError(f"`{odd}` in `{path}` is of {found}, which cannot be read here: save it as float32")
        return load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise CheckpointError(f"`{path}` is not a readable safetensors file: {said}") from None


def _content(path: Path, memory: int | None) -> bytes:
    """The file's content, if its size matches the header."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
            raise CheckpointError(f"cannot read `{path}`: not a regular file")
        with path.open("rb") as file:
            head = file.read(8)
            size = _header_size(head)
            if len(head) < 8 or not 2 <= size <= min(status.st_size - 8, MAX_HEADER):
                raise CheckpointError(f"`{path}` is not a saved state, or is damaged: it has no header")
            if memory is not None and status.st_size > memory:
                message = f"`{path}` has {status.st_size:,} bytes, but only {memory:,} bytes of memory are free"
                raise CheckpointError(message)
            header = file.read(size)
            if _end(header, path) != status.st_size - 8 - size:
                raise CheckpointError(f"`{path}` is not a saved state, or is damaged: it is cut short or too long")
            return head + header + file.read()
    except OSError as error:
        raise CheckpointError(f"cannot read `{path}`: {reason(error)}") from None


def _header_size(content: bytes) -> int:
    return int.from_bytes(content[:8], "little")


def _end(header: bytes, path: Path) -> int:
    """The number of bytes after the header, according to the header."""
    try:
        entries = json.loads(header)
        return max((int(e["data_offsets"][1]) for name, e in entries.items() if name != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise CheckpointError(f"`{path}` is not a saved state, or is damaged: its header cannot be read") from None


def hash_of(state: Mapping[str, Any], about: Mapping[str, Any] = {}) -> str:
    """SHA-256 over everything in a file: the metadata, and every array's name, dtype, shape and bytes."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, array in sorted(state.items()):
        digest.update(f"\n{name} {array.dtype} {array.shape} ".encode())
        digest.update(array.reshape(-1).view("uint8"))
    return digest.hexdigest()
