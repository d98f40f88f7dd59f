"""Folders of images: which files there are, in one order, and their pixels, by the optional Pillow."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

from ..wording import clipped, counted, listed
from .checks import AGAIN, problem, remedy, suggestion
from .files import find_file, unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_OF_WINDOWS = ("thumbs.db", "desktop.ini")
GREY = ("1", "L", "LA")
"""Pillow's modes without colour, of 8 bits or less; PALETTE are numbers of a table of colours."""
PALETTE = ("P", "PA")
COLOURED = ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", *PALETTE)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""By the number of channels."""
LEVELS = {"uint8": 255, "uint16": 65535, "float32": 1}
"""What pixels are divided by: floats are taken as they stand."""
_DEPTHS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "float"}


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of a folder, as messages name them, in the order of their names; `kinds`: the folder of each in it,
    where those are classes."""

    path: str
    span: Span | None
    base: Path
    names: tuple[str, ...]
    kinds: tuple[str, ...] = ()


def folder(base: Path, path: str, span: Span | None, *, classes: bool = False) -> Folder:
    """The images in the folder `path`, or with `classes` in the folders within it. Names that begin with a dot, and
    what Windows puts there, are not looked at. Raises DiagnosticError (E0412, E0413, E0414) where there is anything but
    images, or none."""
    path = path.rstrip("/") or path
    if not classes:
        names = _images(base, path, span)
        return Folder(path, span, base, tuple(f"{path}/{name}" for name in names))
    files, folders = _entries(base, path, span)
    if files:
        message = f"`{path}/{clipped(files[0])}` stands in no folder of a class"
        raise problem("E0413", message, span, help="each class is a folder: `cats/1.png`, `dogs/1.png`")
    if not folders:
        raise problem("E0414", f"`{path}` has no folders; each folder is a class", span)
    found = [(f"{path}/{kind}/{name}", kind) for kind in folders for name in _images(base, f"{path}/{kind}", span)]
    return Folder(path, span, base, tuple(name for name, _ in found), tuple(kind for _, kind in found))


def _images(base: Path, path: str, span: Span | None) -> list[str]:
    files, folders = _entries(base, path, span)
    if folders:
        message = f"`{path}` holds the folder `{clipped(folders[0])}` where images are wanted"
        help = "`labels = folders` where each folder holds the images of a class"
        raise problem("E0413", message, span, help=remedy(span, help, "move it elsewhere"))
    others = [name for name in files if not name.lower().endswith(SUFFIXES)]
    if others:
        help = f"keep images alone there; their names end with {', '.join(SUFFIXES)}"
        notes = (f"and {counted(len(others) - 1, 'other')}: {listed(others[1:])}",) if others[1:] else ()
        raise problem("E0413", f"`{path}/{clipped(others[0])}` is no image", span, notes=notes, help=help)
    if not files:
        raise problem("E0414", f"`{path}` has no images", span)
    return files


def _entries(base: Path, path: str, span: Span | None) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in a folder, sorted; each can be printed."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(base / path) as entries:
            for entry in entries:
                if not (entry.name.startswith(".") or entry.name.lower() in _OF_WINDOWS):
                    (folders if entry.is_dir() else files).append(entry.name)
    except NotADirectoryError:
        raise problem("E0412", f"`{path}` is a file, not a folder", span) from None
    except FileNotFoundError:
        near = _siblings(base / path)
        help = suggestion(Path(path).name, near, "paths start in the folder of the `.net` file")
        raise problem("E0412", f"the folder `{path}` does not exist", span, help=help) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise unreadable(path, span, error) from None
        raise problem("E0412", f"`{clipped(path)}` is not a path of a folder", span) from None
    for name in (*files, *folders):
        if not f"{path}{name}".isprintable():  # and so no lone surrogates, which stand for bytes that are no UTF-8
            message = f"`{clipped(path)}/{clipped(name)}` has signs in its name that cannot be printed"
            raise problem("E0413", message, span, help="rename it")
    return sorted(files), sorted(folders)


def _siblings(place: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(place.parent) if os.path.isdir(place.parent / name))
    except OSError:
        return []


def beside(images: Folder, masks: Folder) -> tuple[str, ...]:
    """For each image the file of `masks` that has its name, whatever the ending. Raises DiagnosticError (E0420)."""
    own = {_stem(name): name for name in images.names}
    found: dict[str, str] = {}
    for name in masks.names:
        stem = _stem(name)
        if stem in found or stem not in own:
            what = f"the name of `{found[stem]}`" if stem in found else f"the name of no image in `{images.path}`"
            raise problem("E0420", f"`{name}` has {what}", masks.span)
        found[stem] = name
    missing = [name for stem, name in own.items() if stem not in found]
    if missing or len(own) < len(images.names):
        if missing:
            message = f"`{masks.path}` has no mask for {listed(missing, 3)}"
            raise problem("E0420", message, masks.span, help="a mask has the name of its image")
        raise problem("E0420", f"two images of `{images.path}` have the same name", images.span)
    return tuple(found[_stem(name)] for name in images.names)


def _stem(name: str) -> str:
    return Path(name).stem


@cache
def _pillow() -> tuple[Any, Any]:
    """Pillow's parts that open and turn images; what it logs of damaged ones is not shown."""
    from PIL import Image, ImageOps

    logging.getLogger("PIL").addHandler(logging.NullHandler())
    return Image, ImageOps


def opened(base: Path, name: str, span: Span | None) -> Any:
    """An image, turned as its camera was held. Raises DiagnosticError (E0412, E0422, E0423)."""
    try:
        Image, ImageOps = _pillow()
    except ImportError:
        help = "`pip install 'gpubp[images]'` brings it; or save the pixels as one array by `numpy.save`, and use `npy`"
        raise problem("E0423", f"`{name}` needs Pillow, which is not installed", span, help=help) from None
    try:
        raw = find_file(base, name, span).read_bytes()
    except OSError as error:
        raise unreadable(name, span, error) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of metadata that is damaged
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(raw))
            if (image.format, image.mode) == ("PPM", "I"):  # grey of 16 bits, which others call I;16
                image = image.convert("I;16")
            return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise problem("E0422", f"`{name}` has more pixels than are read", span, help="make it smaller") from None
    except Exception as error:  # a decoder of Pillow may raise anything for a damaged file
        raise _damaged(name, span, error) from None


def pixels(
    image: Any, name: str, span: Span | None, mode: str, size: tuple[int, int] | None, *, smooth: bool
) -> NDArray[Any]:
    """Its pixels [height, width] or [height, width, channels], in Pillow's `mode` ("" for the numbers of a palette or
    the levels of grey as they stand), brought to `size` [height, width]: uint8, or, of grey, uint16 or float32. Raises
    DiagnosticError."""
    import numpy as np

    Image, _ = _pillow()
    depth = _depth(image)
    _require_known(image, name, span, mode, depth)
    try:
        if depth != "uint8" and size is not None:  # Pillow resizes some of them only so
            image = Image.fromarray(np.asarray(image).astype(np.float32))
        elif mode and depth == "uint8":
            image = image.convert(mode)
        elif image.mode == "LA":
            image = image.getchannel("L")
        if size is not None and size != (image.height, image.width):
            how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
            image = image.resize((size[1], size[0]), how)
        array = np.asarray(image)
        array = (np.rint(array) if depth == "uint16" else array).astype(depth)
    except MemoryError:
        raise
    except Exception as error:  # as in `opened`: the pixels are decoded here
        raise _damaged(name, span, error) from None
    if depth == "float32" and not np.isfinite(array).all():
        raise problem("E0422", f"`{name}` has pixels that are NaN or infinite", span, help="give them a number")
    return array


def _depth(image: Any) -> str:
    """The type of its pixels."""
    return "uint16" if image.mode.startswith("I;16") else "float32" if image.mode == "F" else "uint8"


def _require_known(image: Any, name: str, span: Span | None, mode: str, depth: str) -> None:
    """Raises DiagnosticError (E0422) for an image of a kind that is not read."""
    if depth == "uint8" and image.mode not in (*GREY, *(COLOURED if mode else ("P",))):
        what = f"is of the kind `{clipped(image.mode)}`"
        help = (
            "images of 8 bits are read, and grey ones of 16 bits or of floats" if mode else "labels are levels of grey"
        )
        if image.mode == "I":
            what, help = "has 32-bit integers, which have no usual range", "save them as 16-bit integers, or as floats"
        raise problem("E0422", f"`{name}` {what}", span, help=help)
    if depth == "float32" and not mode:
        raise problem("E0422", f"`{name}` has float pixels, but labels are wanted", span, help="save whole numbers")
    if depth != "uint8" and mode not in ("", MODES[1]):
        message = f"`{name}` is grey, with {_DEPTHS[depth]} pixels, but colours are wanted"
        raise problem("E0422", message, span, help="the type of grey images is [height, width, 1], or [height, width]")


def channels(image: Any) -> int:
    """1 for an image without colour, else 3."""
    return 1 if image.mode in GREY or _depth(image) != "uint8" else 3


def _damaged(name: str, span: Span | None, error: Exception) -> DiagnosticError:
    # That it cannot be identified says no more, and the message names no file.
    said = "" if type(error).__name__ == "UnidentifiedImageError" else str(error).partition("\n")[0].lower().rstrip(".")
    notes = (f"Pillow says: {clipped(said)}",) if said else ()
    return problem("E0422", f"`{name}` cannot be read as an image", span, notes=notes, help=AGAIN)


def decoded(
    base: Path, files: Sequence[tuple[str, Span | None]], mode: str, size: tuple[int, int] | None, *, smooth: bool
) -> NDArray[Any]:
    """All of them, (n, height, width) or (n, height, width, channels); without `size` they must have that of the first,
    and all have pixels of its type. Each name comes with what asks for it. Raises DiagnosticError (E0418)."""
    import numpy as np

    found: NDArray[Any] | None = None
    for i, (name, span) in enumerate(files):
        one = pixels(opened(base, name, span), name, span, mode, size, smooth=smooth)
        if found is None:
            found = np.empty((len(files), *one.shape), one.dtype)
        require_depth(one, name, span, str(found.dtype), f"`{files[0][0]}`")
        if one.shape != found.shape[1:]:
            first, other = (" by ".join(map(str, shape[:2])) for shape in (found.shape[1:], one.shape))
            message = f"`{name}` is {other} pixels large, `{files[0][0]}` {first}"
            help = f"`size = {list(found.shape[1:3])}` brings all to one size"
            raise problem("E0418", message, span, help=help)
        found[i] = one
    assert found is not None, "a folder has images"
    return found


def require_depth(array: NDArray[Any], name: str, span: Span | None, depth: str, other: str) -> None:
    """Raises DiagnosticError (E0418) for pixels of another type than those of `other`."""
    if str(array.dtype) != depth:
        message = f"`{name}` has {_DEPTHS[str(array.dtype)]} pixels, {other} {_DEPTHS[depth]} pixels"
        raise problem("E0418", message, span, help="save all images alike")
