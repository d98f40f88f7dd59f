"""Writes the malformed data files of tests/golden/errors, and those of `fixed` in their place:
`python -m tests.golden.damaged`."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "errors"


def npy(header: str, body: bytes = b"") -> bytes:
    """An npy file of version 1 with any header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def header(descr: str, shape: tuple[int, ...]) -> str:
    return f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}}}"


def idx(shape: tuple[int, ...], body: bytes, code: int = 8) -> bytes:
    return bytes((0, 0, code, len(shape))) + b"".join(struct.pack(">I", size) for size in shape) + body


def npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return file.getvalue()


def array(values: object, dtype: str = "<f8") -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(values, dtype=dtype), allow_pickle=False)
    return file.getvalue()


GOOD = array([[1, 2], [3, 4]])


def broken_zip() -> bytes:
    content = bytearray(npz(x=GOOD))
    content[60] ^= 0xFF
    return bytes(content)


FILES: dict[str, bytes] = {
    "E0413_latin.csv": "a,é\n1,2\n3,4\n".encode("latin-1"),
    "E0413_truncated.csv.gz": gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0)[:-6],
    "E0413_zero.csv": b"a,b\n1,2\n\x00,4\n",
    "E0416_not_finite.npy": array([[1, 2], [3, float("nan")], [5, 6]]),
    "E0419_fraction.npy": array([0, 1, 1.5]),
    "E0422_huge.npy": npy(header("<f8", (1_000_000, 1_000_000)), b"\0" * 64),
    "E0422_huge_idx.idx": idx((100_000, 100_000, 28), b"\0" * 64),
    "E0422_truncated.npy": GOOD[:-5],
    "E0422_pickle.npy": npy(header("|O", (1,)), b"cos\nsystem\n(S'true'\ntR."),
    "E0422_text.npy": npy(header("<U5", (2,)), b"\0" * 40),
    "E0422_header.npy": npy("{'descr': '<f8', 'shape': (2, __import__('os'))}"),
    "E0422_no_array.npz": npz(image=GOOD, label=GOOD),
    "E0422_broken.npz": broken_zip(),
    "E0422_truncated_idx.idx": idx((4, 2), b"\1\2\3"),
    "E0422_not_idx.gz": gzip.compress(b"a,b\n1,2\n", mtime=0),
}

FIXED: dict[str, bytes] = {
    "E0411_files_images.gz": gzip.compress(idx((2, 2), b"\1\2\3\4"), mtime=0),
    "E0411_files_labels.gz": gzip.compress(idx((2, 1), b"\0\1"), mtime=0),
    "E0412_missing_set/mnist/images.gz": gzip.compress(idx((2, 28, 28), bytes(1568)), mtime=0),
    "E0412_missing_set/mnist/labels.gz": gzip.compress(idx((2,), b"\0\1"), mtime=0),
    "E0413_truncated.csv.gz": gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0),
    "E0416_not_finite.npy": array([[1, 2], [5, 6]]),
    "E0419_fraction.npy": array([0, 1, 1]),
    "E0422_huge.npy": GOOD,
    "E0422_huge_idx.idx": idx((3, 2), b"\1\2\3\4\5\6"),
    "E0422_truncated.npy": GOOD,
    "E0422_pickle.npy": GOOD,
    "E0422_text.npy": GOOD,
    "E0422_header.npy": GOOD,
    "E0422_broken.npz": npz(x=GOOD),
    "E0422_truncated_idx.idx": idx((4, 2), b"\1\2\3\4\5\6\7\0"),
    "E0422_not_idx.gz": gzip.compress(idx((3, 2), b"\1\2\3\4\5\6"), mtime=0),
}


def write() -> None:
    for name, content in FILES.items():
        (FOLDER / name).write_bytes(content)
    for name, content in FIXED.items():
        path = FOLDER.parent / "fixed" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write()
