"""Arguments that several commands take."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_file(parser: argparse.ArgumentParser, *, needed: bool = True, help: str = "a .net file") -> None:
    """The `.net` file and new values for its params."""
    parser.add_argument("file", metavar="FILE", nargs=None if needed else "?", help=help)
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_assignment,
        help="set a param of the file (may be repeated)",
    )


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=VALUE")
    return name.strip(), value.strip()


def add_device(parser: argparse.ArgumentParser, default: str | None = "auto") -> None:
    """Where to compute; `default`: None to tell whether it was given."""
    parser.add_argument("--device", default=default, metavar="DEVICE", help="auto, cpu, gpu or gpu:N (default: auto)")


def add_backend(parser: argparse.ArgumentParser) -> None:
    """How the CPU or the GPU is used."""
    parser.add_argument(
        "--backend",
        choices=("auto", "numpy", "native", "cupy"),
        help="on the CPU: numpy, native (compiled kernels), or auto (compiled if there is a C compiler, which CC may "
        "name, and it pays); on a GPU: cupy (CuPy's own kernels), or auto (compiled kernels)",
    )


def with_compiler(backend: str) -> str:
    """The backend, with the compiler that the environment names."""
    command = os.environ.get("CC", "")
    return f"{backend}:{command}" if command and backend in ("auto", "native") else backend


def folder(text: str) -> Path:
    """The type of an argument that names a folder: `""`, as of a shell's variable that was never set, names none."""
    if not text:
        raise argparse.ArgumentTypeError("the name of a folder is empty")
    return Path(text)


def whole(least: int, most: int | None = None) -> type[int]:
    """An argument type: a whole number of at least `least`, and of at most `most` if given."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"`{text}` is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {number}")
        if most is not None and number > most:
            raise argparse.ArgumentTypeError(f"must be at most {most:,}, not {number:,}")
        return number

    return read  # type: ignore[return-value]
