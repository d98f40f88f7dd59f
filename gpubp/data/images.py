"""The reader `images`: images in folders, with the classes that the folders are, or with masks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dsl.records import dataclass
from dsl.source import Span

from ..registry import Flag, OptionType, Text, register
from ..wording import counted, listed
from .checks import problem, suggestion
from .dataset import Origin, ReadResult, Request, Rows, Want
from .encoders import Encoder
from .image_files import LEVELS, MODES, Folder, beside, channels, decoded, folder, opened, require_depth
from .labels import ordered
from .options import OptionalNames, OptionalText

if TYPE_CHECKING:
    from numpy.typing import NDArray

Folders = Annotated[Any, OptionType(("word",), words=("folders",))]
OptionalSizes = Annotated[Any, OptionType(("whole", "wholes"), minimum=1)]
MAX_PIXELS = 1 << 26
"""Of one image: what Pillow takes for an attack begins at about as many."""
EXACT, RESIZED = "exact", "resized"
FILE = "file"
"""What `--keep` calls the paths of images."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The images for training, or those for testing; the masks beside them."""

    images: Folder
    masks: Folder | None = None

    def files(self, *, masked: bool) -> list[tuple[str, Span | None]]:
        """The images, or their masks, each with what asks for it."""
        if not masked:
            return [(name, self.images.span) for name in self.images.names]
        return [] if self.masks is None else [(name, self.masks.span) for name in beside(self.images, self.masks)]


@register("reader", "images")
def images(
    request: Request,
    *,
    path: Text,
    labels: Folders = None,
    masks: OptionalText = None,
    size: OptionalSizes = None,
    test: OptionalNames = None,
    standardize: Flag = False,
) -> ReadResult:
    """The images in the folder `path`, sorted by name, for the first name. Needs Pillow (`pip install
    'gpubp[images]'`).

    Pixels are from 0 to 1: those of 8 bits are divided by 255, those of grey images of 16 bits, such as depth maps and
    scans, by 65535. Those of grey images of floats (TIFF) are taken as they stand; `standardize` brings them, and
    images that use a small part of 16 bits, to a range that a net learns from. Colours of 16 bits are read as 8.

    `labels = folders`: each subfolder is a class and contains its images; the second name gets the classes, numbered in
    alphabetical order.
    `masks`: a folder with an image of the same name for each, for the second name: pixels as above, or labels, which
    are grey levels or palette indices. The declared type determines how images are read: [height, width] or
    [height, width, 1] as greyscale, [height, width, 3] as colour, 4 with opacity.
    `size`: one side, or [height, width], to which all are resized: images by bilinear interpolation, masks by the
    nearest pixel.
    `test`: a folder of the same kind, for testing only; with `masks`, two: of images and of masks.
    `standardize`: as for `csv`. Names that start with a dot are ignored. Raises DiagnosticError.
    """
    _check_names(request, labels, masks)
    wanted = None if size is None else (size, size) if isinstance(size, int) else tuple(size)
    if wanted is not None and len(wanted) != 2:
        message = f"`size` has {counted(len(wanted), 'number')}, and images have two"
        raise problem("E0411", message, request.span("size"), help="`size = [height, width]`, or one for both")
    if wanted is not None and prod(wanted) > MAX_PIXELS:
        message = f"`size` is {list(wanted)}: {prod(wanted):,} pixels for each image, over {MAX_PIXELS:,}"
        raise problem("E0411", message, request.span("size"))
    parts = [_part(request, path, masks, "path", "masks", labels is not None)]
    parts += _test(request, test, masks, labels is not None)
    count = len(parts[1].images.names) if len(parts) > 1 else 0
    shown = (part.images for part in parts)
    origins = tuple(Origin(one.path, range(len(one.names)), one.names) for one in shown)
    rows: dict[str, Rows] = {}
    for name, want in request.wants.items():
        masked = name != request.entry.names[0]
        if masked and labels is not None:
            rows[name] = _classes(request, name, want, parts)
        elif want.kind == "class":
            rows[name] = _levels(request, name, want, parts, wanted, masked)
        else:
            rows[name] = replace(
                _pixels(request, name, want, parts, wanted, masked), standardize=standardize and not masked
            )
    return ReadResult(rows, count, origins=origins)


def _check_names(request: Request, labels: object, masks: str | None) -> None:
    names = request.entry.names
    if labels is not None and masks is not None:
        message = "`images` takes classes by `labels`, or masks, not both"
        raise problem("E0411", message, request.entry.value_span)
    second = labels is not None or masks is not None
    if len(names) != 1 + second:
        given = "images and their " + ("masks" if masks is not None else "classes") if second else "images alone"
        message = f"`images` gives {given} here, for {counted(1 + second, 'name')}, not {len(names)}: {listed(names)}"
        help = "`labels = folders` gives their classes, `masks = ...` an image for each" if len(names) == 2 else ""
        raise problem("E0411", message, request.entry.value_span, help=help)


def _part(request: Request, path: str, masks: str | None, own: str, other: str, classes: bool) -> _Part:
    images = folder(request.base, path, request.span(own), classes=classes)
    return _Part(images, None if masks is None else folder(request.base, masks, request.span(other)))


def _test(request: Request, test: object, masks: str | None, classes: bool) -> list[_Part]:
    if test is None:
        return []
    paths = list(test) if isinstance(test, tuple | list) else [test]
    if len(paths) != 1 + (masks is not None) or not all(isinstance(each, str) for each in paths):
        what = "two folders here, of images and of masks" if masks is not None else "one folder here"
        raise problem("E0411", f"`test` takes {what}", request.span("test"))
    return [_part(request, str(paths[0]), str(paths[1]) if masks is not None else None, "test", "test", classes)]


def _classes(request: Request, name: str, want: Want, parts: Sequence[_Part]) -> Rows:
    """The folders as labels. Raises DiagnosticError (E0419)."""
    import numpy as np

    main = parts[0].images
    book = ordered(set(main.kinds))
    if want.kind != "class":
        message = f"the folders of `{main.path}` are classes, but `{name}` takes numbers"
        help = f"`{name}: class({len(book)})`, or `class(?)`"
        raise problem("E0419", message, want.span or request.entry.value_span, help=help)
    if want.type is not None and want.type.classes != len(book):
        message = (
            f"`{main.path}` has {counted(len(book), 'folder')} ({listed(book)}), the type of `{name}` is {want.type}"
        )
        help = f"`class({len(book)})`, or `class(?)`"
        raise problem("E0419", message, main.span, labels=want.declared, help=help)
    for part in parts[1:]:
        for kind in part.images.kinds:
            if kind not in book:
                message = f"`{part.images.path}/{kind}`: there is no such folder in `{main.path}`"
                help = suggestion(kind, book, f"the classes are {listed(book)}")
                raise problem("E0419", message, part.images.span, help=help)
    index = {kind: i for i, kind in enumerate(book)}
    column = np.array([index[kind] for part in parts for kind in part.images.kinds], dtype=np.int64)
    return Rows(column, Encoder((), len(book), want.feature, words=book))


def _pixels(
    request: Request, name: str, want: Want, parts: Sequence[_Part], size: tuple[int, int] | None, masked: bool
) -> Rows:
    """Pixels as numbers, which the encoder brings to 0 to 1; of a name whose type is to be found, of one image."""
    files = [file for part in parts for file in part.files(masked=masked)]
    first = opened(request.base, *files[0])
    height, width = size or (first.height, first.width)
    if want.type is None:
        shape: tuple[int, ...] = (height, width, channels(first))
        files = files[:1]
    else:
        shape = want.type.shape
        if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in MODES):
            message = f"`{name}` is {want.type}, and images are [height, width], or with 1, 3 or 4 channels behind"
            raise problem("E0418", message, want.span or request.entry.value_span)
        _check_size(request, name, want, (height, width), files[0][0], size)
    mode = MODES[shape[2] if len(shape) == 3 else 1]
    column = decoded(request.base, files, mode, size, smooth=not masked)
    scale, how = 1 / LEVELS[str(column.dtype)], EXACT if size is None else RESIZED
    return Rows(column.reshape(len(column), *shape), Encoder(shape, None, want.feature, scale=scale, image=how))


def _levels(
    request: Request, name: str, want: Want, parts: Sequence[_Part], size: tuple[int, int] | None, masked: bool
) -> Rows:
    """The pixels of masks as labels. Raises DiagnosticError (E0419) for one that is none."""
    import numpy as np

    if not masked:
        message = f"`{name}` is a class label, and images are numbers"
        help = "`labels = folders` makes classes of the folders, for a second name"
        raise problem("E0419", message, want.span or request.entry.value_span, help=help)
    files = [file for part in parts for file in part.files(masked=True)]
    first = opened(request.base, *files[0])
    height, width = size or (first.height, first.width)
    _check_size(request, name, want, (height, width), files[0][0], size)
    column = decoded(request.base, files, "", size, smooth=False).astype(np.int64)
    highest = column.reshape(len(column), -1).max(1)
    classes = (want.type and want.type.classes) or int(highest.max()) + 1
    if (highest >= classes).any():
        at = int(np.argmax(highest >= classes))
        message = f"`{files[at][0]}` has pixels of {highest[at]}, but the labels of `{name}` are 0 to {classes - 1}"
        help = "a number of the palette, or a level of grey, is a label"
        raise problem("E0419", message, files[at][1], help=help)
    return Rows(column, Encoder((height, width), classes, want.feature, image=EXACT if size is None else RESIZED))


def _check_size(
    request: Request, name: str, want: Want, found: tuple[int, int], file: str, size: tuple[int, int] | None
) -> None:
    """Raises DiagnosticError (E0418) where images are not as large as their type says."""
    if want.type is None or want.type.shape[:2] == found:
        return
    if size is not None:
        message = f"`size` is {list(found)}, but the type of `{name}` is {want.type}"
        raise problem("E0418", message, request.span("size"), labels=want.declared)
    message = f"`{file}` is {found[0]} by {found[1]} pixels, but the type of `{name}` is {want.type}"
    help = f"`size = {list(want.type.shape[:2])}` brings all images to this size" if len(want.type.shape) > 1 else ""
    raise problem("E0418", message, request.entry.value_span, labels=want.declared, help=help)


def new_images(
    path: str, span: Span, encoders: Mapping[str, Encoder], keep: Sequence[str]
) -> tuple[dict[str, NDArray[Any]], dict[str, list[str]]]:
    """The images in a folder, or in the folders of their classes, for names that were trained on images and their
    classes; and the `file` of each, if it is to be kept. Raises DiagnosticError."""
    import numpy as np

    other = next((n for n, e in encoders.items() if not (e.image and e.feature) and not e.words), None)
    if other is not None:
        what = "is a mask" if encoders[other].image else "is not made of images"
        message = f"`{path}` is a folder of images, and `{other}` {what}"
        raise problem("E0411", message, span, help="in Python, `load_run(run).evaluate(...)` takes arrays of any names")
    if any(name != FILE for name in keep):
        wrong = next(name for name in keep if name != FILE)
        raise problem("E0415", f"a folder of images has no column {listed([wrong])}", span, help=f"`{FILE}` is one")
    with os.scandir(path) as entries:
        classes = any(entry.is_dir() and not entry.name.startswith(".") for entry in entries)
    given = folder(Path(), path, span, classes=classes)
    arrays: dict[str, NDArray[Any]] = {}
    for name, encoder in encoders.items():
        if encoder.image:
            files = [(file, given.span) for file in given.names]
            arrays[name] = encoder.numbers(_as_trained(files, name, encoder))
            continue
        unknown = sorted(set(given.kinds).difference(encoder.words))
        if unknown or not classes:
            message = f"`{path}/{unknown[0]}` is the folder of no class" if unknown else f"`{path}` has no folders"
            help = f"the classes of `{name}` are {listed(encoder.words)}, a folder each"
            raise problem("E0419", message, span, help=help)
        arrays[name] = np.array([encoder.words.index(kind) for kind in given.kinds], dtype=np.int64)
    return arrays, {key: list(given.names) for key in keep}


def _as_trained(files: Sequence[tuple[str, Span | None]], name: str, encoder: Encoder) -> NDArray[Any]:
    size, shape = (encoder.shape[0], encoder.shape[1]), encoder.shape
    if encoder.image == EXACT:
        first = opened(Path(), *files[0])
        if (first.height, first.width) != size:
            message = f"`{files[0][0]}` is {first.height} by {first.width} pixels, but `{name}` is {encoder.type}"
            raise problem("E0418", message, files[0][1], help="the net was trained on images of this one size")
    mode = MODES[shape[2] if len(shape) == 3 else 1]
    found = decoded(Path(), files, mode, size if encoder.image == RESIZED else None, smooth=True)
    depth = next(depth for depth, levels in LEVELS.items() if encoder.scale == 1 / levels)
    require_depth(found, *files[0], depth, "but the net was trained on")
    return found
