"""Export of a trained net as a C file or an ONNX model, for programs without gpubp."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

from ..errors import GpubpError
from ..executor import Executor
from ..executor.checkpoint import write
from ..frontend import Built, build, build_for_any_batch, describe, result_names, unsupported
from ..ir import Eqn, Program, Var
from ..passes import specialise
from ..render import CannotExportError, onnx_model, portable_source
from .environment import VERSION
from .export_interface import BareExecutor, Source, interface_of, metadata
from .loaded import LoadedRun
from .run import Run


def export(run: Run | LoadedRun | Executor, path: str | os.PathLike[str]) -> None:
    """Export a trained net as one file, for programs without gpubp.

    - `run`: a Run or LoadedRun; or an Executor, whose file lacks what only a run records: the names of columns and
      classes.
    - `path`: C source if it ends in `.c`: in `digits.c` the function is `int digits_predict(inputs..., outputs...)`,
      which takes one example in the format of `predict`; the comment at the top documents the rest; it needs a C11
      compiler and libm. An ONNX model if it ends in `.onnx`: it takes and returns the arrays of `predict`, with any
      number of rows; writing it requires the package onnx.

    Raises GpubpError for other suffixes and arguments, if onnx is missing, or if a layer has no statistics yet
    (`Executor.fit`), NetError (E0506) if the net needs an operation without such a form, SaveError.

    >>> gpubp.export(gpubp.Executor(gpubp.load("models/xor.net"), "cpu"), folder / "xor.c")
    >>> "int xor_predict(" in (folder / "xor.c").read_text()
    True
    """
    if not isinstance(run, Run | LoadedRun | Executor):
        what = "a path" if isinstance(run, str | os.PathLike) else type(run).__name__
        raise GpubpError(f"a run or an executor is exported, not {what}: `gpubp.load_run` reads a saved run")
    place = Path(path)
    check_suffix(place)
    write(place, exported(BareExecutor(run) if isinstance(run, Executor) else run, place))


def check_suffix(path: Path) -> None:
    """Raise GpubpError if a net cannot be exported to a file of that name, or the package for it is missing."""
    if path.suffix.lower() not in (".c", ".onnx"):
        raise GpubpError(f"`{path}` is neither a .c nor an .onnx file: a net is exported as `net.c` or `net.onnx`")
    if path.suffix.lower() == ".onnx":
        try:
            import onnx  # noqa: F401
        except ImportError:
            message = "exporting to ONNX needs onnx, which is not installed: `pip install 'gpubp[onnx]'` brings it"
            raise GpubpError(message) from None


def exported(run: Source, path: Path) -> bytes:
    """The content of a file of that name. Raises NetError."""
    return onnx_file(run, path.stem) if path.suffix.lower() == ".onnx" else c_text(run, identifier(path.stem)).encode()


def identifier(text: str) -> str:
    """An identifier of letters, digits and underscores that starts with a letter."""
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in plain).strip("_")
    return name if name[:1].isalpha() else f"net_{name}" if name else "net"


def c_text(run: Source, name: str) -> str:
    """The C source, with names prefixed by `name`. Raises NetError."""
    import numpy as np

    executor = run.executor
    built = build(executor.net, "predict", 1, executor.dtype)
    program, values = _with_state(executor, built)
    interface = interface_of(run, f"{name}.c", dict(zip(built.outputs, program.outputs, strict=True)))
    try:
        with executor.backend.running():
            return portable_source(program, values, built.hints, describe, name, interface, np)
    except CannotExportError as error:
        raise unsupported(error.eqn, "C") from None


def onnx_file(run: Source, name: str) -> bytes:
    """The ONNX model, named `name`, for any batch size. Raises NetError, GpubpError if it would be too large."""
    executor = run.executor
    built, batch = build_for_any_batch(executor.net, executor.dtype)
    program, values = _with_state(executor, built, batch)
    interface = interface_of(run, f"{name}.onnx", dict(zip(built.outputs, program.outputs, strict=True)))
    hints = {**result_names(built.program), **built.hints}
    try:
        return onnx_model(program, values, hints, describe, batch, name, interface, VERSION, metadata(run))
    except CannotExportError as error:
        raise unsupported(error.eqn, "ONNX") from None
    except OverflowError as error:
        raise GpubpError(f"{error}; a C file has no such limit") from None


def _with_state(executor: Executor, built: Built, batch: int = 0) -> tuple[Program, dict[Var, Any]]:
    """The program specialised to the present state, and the arrays it needs. With a placeholder `batch`, results that
    scale with the batch are left to be computed."""
    import numpy as np

    executor.require_statistics("predict")
    executor.compiled("predict", 1)  # it allocates all state that it needs
    arrays, backend = executor.arrays(), executor.backend
    states = {v: backend.to_host(arrays[v.hint]) for v in built.program.inputs[len(built.feeds) :]}

    def scales(eqn: Eqn) -> bool:
        return batch > 0 and any(n and n % batch == 0 for v in eqn.outputs for n in v.shape)

    with backend.running():
        return specialise(built.program, states, np, scales)
