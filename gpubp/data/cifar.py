"""The reader `cifar`: the images of CIFAR-10 and CIFAR-100, in the folder that their binary version unpacks to.

Krizhevsky, "Learning multiple layers of features from tiny images" (2009); https://www.cs.toronto.edu/~kriz/cifar.html,
"binary version": records without a header, the label (of CIFAR-100 the coarse one and the fine one), a byte each, then
the red, the green and the blue pixels of 32 rows, a byte each.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dsl.records import dataclass
from dsl.source import Span

from ..registry import OptionType, Text, register
from ..wording import counted, listed
from .checks import AGAIN, Findings, problem
from .dataset import ReadResult, Request, Rows, Want
from .encoders import Encoder
from .files import read_bytes, read_text
from .image_files import LEVELS
from .images import EXACT
from .options import OptionalNames, texts
from .tables import row_place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS
OptionalLabels = Annotated[Any, OptionType(("word",), words=("fine", "coarse"))]


@dataclass(frozen=True, slots=True)
class _Labels:
    """One label of each record: its byte there, how many classes there are, and the file of their words."""

    byte: int
    classes: int
    words: str


@dataclass(frozen=True, slots=True)
class _Set:
    """What lies in the folder of a data set; the last file holds the rows for testing."""

    name: str
    files: tuple[str, ...]
    labels: dict[str | None, _Labels]

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return 1 + max(labels.byte for labels in self.labels.values()) + PIXELS


_TEN = _Labels(0, 10, "batches.meta.txt")
_COARSE, _FINE = _Labels(0, 20, "coarse_label_names.txt"), _Labels(1, 100, "fine_label_names.txt")
CIFAR_10 = _Set("CIFAR-10", (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"), {None: _TEN})
CIFAR_100 = _Set("CIFAR-100", ("train.bin", "test.bin"), {None: _FINE, "fine": _FINE, "coarse": _COARSE})


@register("reader", "cifar")
def cifar(request: Request, *, path: Text, labels: OptionalLabels = None, source: OptionalNames = None) -> ReadResult:
    """The images of CIFAR-10 or CIFAR-100 for the first name, pixels from 0 to 1, and their classes for the second.

    `path`: the folder to which the binary version unpacks, with `data_batch_1.bin` of CIFAR-10 or `train.bin` of
    CIFAR-100; any file in it may be gzipped. The rows of its last file are for testing only. The classes are named as
    in the text file next to them, if there is one.
    `labels`: for CIFAR-100, the 100 classes (`fine`, the default) or the 20 groups of them (`coarse`).
    `source`: where to get the files, one or more strings, shown as help if a file is missing. Raises DiagnosticError.
    """
    names = request.entry.names
    if len(names) != 2:
        message = f"`cifar` gives images and their classes, for two names, not {len(names)}: {listed(names)}"
        raise problem("E0411", message, request.entry.value_span, help='`image, label = cifar("...")`')
    own = CIFAR_100 if os.path.exists(request.base / path / CIFAR_100.files[0]) else CIFAR_10
    if labels not in own.labels:
        message = f"`labels` chooses between those of CIFAR-100, but `{path}` does not contain it"
        raise problem("E0411", message, request.span("labels"), help=f"it lacks `{CIFAR_100.files[0]}`; leave it out")
    kind = own.labels[labels]
    files = [(Path(path) / file).as_posix() for file in own.files]
    records = [_records(request, own, file, texts(source)) for file in files]
    rows: dict[str, Rows] = {}
    for name, want in request.wants.items():
        if name == names[0]:
            # While types are measured, one image is enough.
            rows[name] = _images(request, name, want, records if want.type else [records[0][:1]])
        else:
            rows[name] = _classes(request, name, want, kind, records, files)
    return ReadResult(rows, len(records[-1]))


def _records(request: Request, own: _Set, file: str, ways: tuple[str, ...]) -> NDArray[np.uint8]:
    """The records (rows, bytes) of a file. Raises DiagnosticError (E0412, E0414, E0422)."""
    import numpy as np

    span = request.span("path")
    raw = read_bytes(request.base, file, span, ways)
    if not raw:
        raise problem("E0414", f"`{file}` is empty", span, help=AGAIN)
    rows, rest = divmod(len(raw), own.record)
    if rest:
        message = f"`{file}` is no file of {own.name}, or is cut short: its {len(raw):,} bytes are not records of "
        raise problem("E0422", f"{message}{own.record:,}", span, help=AGAIN)
    return np.frombuffer(raw, dtype=np.uint8).reshape(rows, own.record)


def _images(request: Request, name: str, want: Want, records: list[NDArray[np.uint8]]) -> Rows:
    """Pixels (rows, 32, 32, 3), which the encoder brings to 0 to 1. Raises DiagnosticError (E0419)."""
    import numpy as np

    if want.kind == "class":
        message = f"`{name}` is a class label, and the images are numbers"
        help = f"`{name}: [{SIDE}, {SIDE}, {CHANNELS}]`; the second name is the label"
        raise problem("E0419", message, want.span or request.entry.value_span, help=help)
    shape = (SIDE, SIDE, CHANNELS)
    planes = [part[:, -PIXELS:].reshape(-1, CHANNELS, SIDE, SIDE) for part in records]
    pixels = np.concatenate([part.transpose(0, 2, 3, 1) for part in planes])
    encoder = Encoder(shape, None, want.feature, scale=1 / LEVELS["uint8"], image=EXACT)
    return Rows(np.ascontiguousarray(pixels), encoder)


def _classes(
    request: Request, name: str, want: Want, kind: _Labels, records: list[NDArray[np.uint8]], files: list[str]
) -> Rows:
    """The labels. Raises DiagnosticError (E0419, E0422)."""
    import numpy as np

    if want.kind != "class" or (want.type is not None and want.type.classes != kind.classes):
        message = f"the data has {kind.classes} classes, and "
        message += f"`{name}` takes numbers" if want.kind != "class" else f"the type of `{name}` is {want.type}"
        help = f"`{name}: class({kind.classes})`, or `class(?)`"
        raise problem("E0419", message, request.entry.value_span, labels=want.declared, help=help)
    span, findings = request.span("path"), Findings(request.span("path"))
    for file, part in zip(files, records, strict=True):
        column = part[:, kind.byte]
        for row in np.flatnonzero(column >= kind.classes):
            message = f"label `{column[row]}` is not below {kind.classes}, the number of classes"
            findings.add("E0419", "labels that are too high", row_place(file, int(row)), message, AGAIN)
    findings.raise_all()
    values = np.concatenate([part[:, kind.byte] for part in records]).astype(np.int64)
    words = _words(request.base, (Path(files[0]).parent / kind.words).as_posix(), kind.classes, span)
    return Rows(values, Encoder((), kind.classes, want.feature, words=words))


def _words(base: Path, file: str, classes: int, span: Span) -> tuple[str, ...]:
    """What the classes are called; nothing where no file says it. Raises DiagnosticError (E0422)."""
    if not os.path.exists(base / file):
        return ()
    words = tuple(read_text(base, file, span).decode().split())
    if len(set(words)) != len(words) or len(words) != classes:
        message = f"`{file}` has {counted(len(set(words)), 'different word')} for {classes} classes"
        raise problem("E0422", message, span, help=AGAIN)
    return words
