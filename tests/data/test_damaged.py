"""Files that are damaged, lie about themselves, or want more than memory: one message each, at once."""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import tracemalloc
import zipfile
import zlib

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dsl.diagnostics import Diagnostic
from dsl.graph import Static, Type
from gpubp.data import Stream, glance
from gpubp.errors import DataError
from tests.golden.damaged import GOOD, array, header, idx, npy, npz

from .worlds import World, choice, entry

MIB = 1 << 20
HUGE = "its header says float64 of shape [1000000, 1000000], 8,000,000,000,000 bytes"
SMALL = "its header says float64 of shape [2, 2], 32 bytes"
OBJECTS = "`a` holds Python objects, which are never unpickled: that could run arbitrary code"
FIELDS = npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8))


@pytest.fixture
def world(world: World) -> World:
    world.targets = {}
    return world


def reading(world: World, reader: str, content: bytes, **options: Static) -> Diagnostic:
    """The one diagnostic of a file that is refused, within little memory."""
    world.write("a", content)
    tracemalloc.start()
    try:
        found = world.refused(entry("x", choice(reader, path="a", **options)))
        assert tracemalloc.get_traced_memory()[1] < 10 * MIB + 400 * len(content)
    finally:
        tracemalloc.stop()
    return found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "`a` is empty"),
        (b"1,2\n3,4\n", "`a` is no npy file: it does not begin as one"),
        (GOOD[:5], "`a` is no npy file: it does not begin as one"),
        (GOOD[:6] + b"\x09" + GOOD[7:], "`a` is an npy file of version 9; 1 to 3 are known"),
        (GOOD[:40], "`a` is damaged: a header of 118 bytes is not there"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "`a` is damaged: a header of 4,294,967,295 bytes is not there"),
        (npy("0"), "`a` is damaged: its header is not that of an npy file"),
        (npy("{'descr': '<f8'}"), "`a` is damaged: its header is not that of an npy file"),
        (npy("(" * 5000), "`a` is damaged: its header is not that of an npy file"),
        (npy("-" * 60_000 + "1"), "`a` is damaged: its header is not that of an npy file"),
        (npy("9" * 10_000), "`a` is damaged: its header is not that of an npy file"),
        (npy("print(1)"), "`a` is damaged: its header is not that of an npy file"),
        (npy(header("<f8", (-1, 2))), "`a` is damaged: its header gives no sound shape"),
        (npy(header("<f8", (2**60, 2))), "`a` is damaged: its header gives no sound shape"),
        (npy(header("<f8", (1,) * 40)), "`a` is damaged: its header gives no sound shape"),
        (npy(header("<f8", (True, 2))), "`a` is damaged: its header gives no sound shape"),
        (npy(header("<f8", (10**6, 10**6)), bytes(64)), f"`a` is cut short: {HUGE}, but 64 follow"),
        (GOOD[:-1], f"`a` is cut short: {SMALL}, but 31 follow"),
        (GOOD + b"\0", f"`a` holds more than one array: {SMALL}, but 33 follow"),
        (npy(header("|O", (1,)), pickle.dumps([1])), OBJECTS),
        (npy(header("<U5", (1,)), bytes(20)), "`a` holds `<U5`, not whole or floating-point numbers"),
        (npy(header("<M8[s]", (1,)), bytes(8)), "`a` holds `<M8[s]`, not whole or floating-point numbers"),
        (npy(header("<c16", (1,)), bytes(16)), "`a` holds `<c16`, not whole or floating-point numbers"),
        (FIELDS, "`a` holds records of several fields, not whole or floating-point numbers"),
        (npz(x=GOOD), "`a` is an npz file, not an npy file"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_npy(world: World, content: bytes, message: str, stream: bool) -> None:
    found = reading(world, "npy", content, stream=stream)
    assert (found.code, found.message) == ("E0422", message)


class _Runs:
    """What a pickle that attacks looks like."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("import pathlib; pathlib.Path('pwned').touch()",)


def test_nothing_is_unpickled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.base)
    content = io.BytesIO()
    np.save(content, np.array([_Runs()], dtype=object), allow_pickle=True)
    assert "never unpickled" in reading(world, "npy", content.getvalue()).message
    assert "never unpickled" in reading(world, "npz", npz(x=content.getvalue())).message
    assert not (world.base / "pwned").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "`a` is empty"),
        (b"1,2\n", "`a` is not an IDX file: it does not start like one"),
        (idx((2, 2), bytes(4))[:9], "`a` is cut short: its header has 2 sizes, but they are not all there"),
        (idx((2, 2), bytes(3)), "`a` is cut short: its header says shape [2, 2], 4 bytes, but 3 follow"),
        (idx((2, 2), bytes(5)), "`a` is too long: its header says shape [2, 2], 4 bytes, but 5 follow"),
        (idx((2, 2), bytes(4), 7), "`a` is not an IDX file: it does not start like one"),
        (idx((2,) * 200, bytes(4)), "`a` is not an IDX file: it does not start like one"),
        (
            idx((2**32 - 1,) * 3, bytes(4)),
            f"`a` is cut short: its header says shape {[2**32 - 1] * 3}, {(2**32 - 1) ** 3:,} bytes, but 4 follow",
        ),
        (
            gzip.compress(idx((2, 2), bytes(3)), mtime=0),
            "`a` is cut short: its header says shape [2, 2], 4 bytes, but 3 follow",
        ),
    ],
)
def test_idx(world: World, content: bytes, message: str) -> None:
    found = reading(world, "idx", content)
    assert (found.code, found.message) == ("E0422", message)


def encrypted() -> bytes:
    content = bytearray(npz(x=GOOD))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def bzipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(zipfile.ZipInfo("x.npy"), GOOD, zipfile.ZIP_BZIP2)
    return file.getvalue()


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "`a` is not a valid npz file: file is not a zip file"),
        (GOOD, "`a` is an npy file, not an npz file"),
        (npz(x=GOOD)[:-30], "`a` is not a valid npz file: file is not a zip file"),
        (npz(y=GOOD), "`a` has no array `x`"),
        (npz(x=GOOD[:-1]), f"`a`, array `x` is cut short: {SMALL}, but 31 follow"),
        (npz(x=npy(header("<f8", (10**6, 10**6)))), f"`a`, array `x` is cut short: {HUGE}, but 0 follow"),
        (encrypted(), "`a` is encrypted"),
        (bzipped(), "`a` is packed as no npz file is"),
        (workbook(), "`a` is a ZIP archive without arrays"),
    ],
)
def test_npz(world: World, content: bytes, message: str) -> None:
    found = reading(world, "npz", content)
    assert (found.code, found.message) == ("E0422", message)


# Files that grow when they are unpacked


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """As little as 1 MiB is a lot."""
    monkeypatch.setattr("gpubp.data.files.MAX_UNPACKED", MIB)


@pytest.mark.usefixtures("little")
def test_bombs(world: World) -> None:
    zeros = bytes(64 * MIB)
    for reader, content in {
        "csv": gzip.compress(b"a,b\n" + b"1,2\n" * MIB),
        "idx": gzip.compress(idx((64, MIB), zeros)),
        "npy": gzip.compress(npy(header("<f8", (4 * MIB, 2)), zeros)),
        "npz": npz(x=npy(header("<f8", (4 * MIB, 2)), zeros)),
    }.items():
        found = reading(world, reader, content)
        most = max(MIB, 200 * len(content))
        name = "`a`, array `x`" if reader == "npz" else "`a`"
        assert found.message == f"{name} has {len(content):,} bytes and unpacks to more than {most:,}"
        assert found.code == "E0413"


@pytest.mark.usefixtures("little")
def test_what_lies_about_its_size(world: World) -> None:
    """The directory of an archive says how large each file is; it is not believed."""
    content = bytearray(npz(x=npy(header("<f8", (MIB, 2)), bytes(16 * MIB))))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.rindex(mark) + at
        content[place : place + 4] = (32).to_bytes(4, "little")
    assert reading(world, "npz", bytes(content)).code in ("E0413", "E0422")


def test_what_is_well_packed_is_read(world: World) -> None:
    """Zeros shrink to a thousandth: up to 256 MiB that is nobody's fault."""
    world.write("a", gzip.compress(idx((MIB, 2), bytes(2 * MIB))))
    assert world.load(entry("x", choice("idx", path="a"))).arrays["x"].shape == (MIB, 2)


# Any damage


PLAIN = {
    "npy": array([[1, 2], [3, 4]]),
    "idx": idx((2, 2), bytes((1, 2, 3, 4))),
    "npz": npz(x=GOOD),
    "csv": b"a,b\n1,2\n3,4\n",
    "text": b"ab ab",
}
KINDS = [*sorted(PLAIN), "csv.gz", "idx.gz"]


@given(
    kind=st.sampled_from(KINDS),
    flips=st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 7)), max_size=4),
    cut=st.none() | st.integers(0, 400),
    more=st.binary(max_size=4),
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_bits_and_cuts(
    world: World, kind: str, flips: list[tuple[int, int]], cut: int | None, more: bytes
) -> None:
    reader, _, packed = kind.partition(".")
    content = bytearray(gzip.compress(PLAIN[reader], mtime=0) if packed else PLAIN[reader])
    for at, bit in flips:
        content[at % len(content)] ^= 1 << bit
    world.write("a", bytes(content[:cut]) + more)
    world.inputs = {"x": Type((2,), 3)} if reader == "text" else {"x": Type((2,))}
    options: dict[str, Static] = {"window": 2} if reader == "text" else {}
    for extra in ({}, {"stream": True}) if reader == "npy" else ({},):
        with contextlib.suppress(DataError):
            found = world.load(entry("x", choice(reader, path="a", **options, **extra)))
            part = found.part("train")
            rows = part.batch(0, 0, 0, 1) if isinstance(part, Stream) else part
            assert np.isfinite(rows["x"]).all()


STARTS = [b"", b"\x93NUMPY\1\0", b"\0\0\x08\x01", b"PK\3\4", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0", b"PAR1", b"ARROW1"]


@given(content=st.binary(max_size=200), start=st.sampled_from(STARTS))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(world: World, content: bytes, start: bytes) -> None:
    world.write("a", start + content)
    for reader in ("npy", "npz", "idx", "csv", "excel", "parquet", "arrow"):
        with contextlib.suppress(DataError):
            world.load(entry("x", choice(reader, path="a")))


def test_a_checksum_that_does_not_fit(world: World) -> None:
    content = bytearray(gzip.compress(PLAIN["idx"]))
    content[-8] ^= 1
    assert "gzip data cannot be unpacked" in reading(world, "idx", bytes(content)).message
    assert zlib.crc32(PLAIN["idx"]).to_bytes(4, "little") != bytes(content[-8:-4])


def test_a_first_look_says_the_same_of_a_packed_table(world: World) -> None:
    """As the reader does: cut short, or damaged."""
    packed = gzip.compress(b"a,y\n" + b"1.5,0\n" * 999, mtime=0)
    for content, said in ((packed[:-20], "cut short"), (packed[:20] + b"?" * 9 + packed[29:], "damaged")):
        world.write("t.csv.gz", content)
        with pytest.raises(DataError) as caught:
            glance(world.base / "t.csv.gz")
        told = caught.value.diagnostics[0].message
        assert f"is {said}: its gzip data" in told
        assert reading(world, "csv", content).message == told.replace(f"{world.base}/t.csv.gz", "a")
