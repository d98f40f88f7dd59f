"""Exported models, run by onnxruntime, or by the reference that the package onnx has in Python."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.ir import Program, Var
from gpubp.render import Interface, Slot, onnx_model
from gpubp.training.exporting import onnx_file

Array = np.ndarray[Any, Any]
needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="the package onnx is not installed")
needs_runtime = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


def model_of(executor: gpubp.Executor, name: str = "net") -> bytes:
    """What is exported of an executor, as if it were of a run."""
    run: Any = SimpleNamespace(executor=executor, folder=None, columns={})
    return onnx_file(run, name)


def model_of_program(program: Program, arrays: Mapping[Var, Array]) -> bytes:
    """The model of a program of which some inputs are known."""
    feeds = [v for v in program.inputs if v not in arrays]
    inputs = [Slot(f"x{k}", v.shape, v.dtype) for k, v in enumerate(feeds)]
    outputs = [Slot(f"y{k}", v.shape, v.dtype) for k, v in enumerate(program.outputs)]
    return onnx_model(program, arrays, {}, str, 0, "net", Interface(["a program"], inputs, outputs), "0", {})


def checked(model: bytes) -> Any:
    """The model, if it is what the standard asks for and its shapes are those that it says."""
    import onnx

    proto = onnx.load_from_string(model)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def by_runtime(model: bytes, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """What onnxruntime makes of it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def by_reference(model: bytes, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """What the standard's own evaluator makes of it: all types, no speed."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)
    with np.errstate(all="ignore"):
        return dict(zip(evaluator.output_names, map(np.asarray, evaluator.run(None, dict(feeds))), strict=True))


def as_fed(executor: gpubp.Executor, rows: Mapping[str, Array]) -> dict[str, Array]:
    """Rows in the types that a model takes."""
    return {name: np.asarray(a, "int64" if a.dtype.kind == "i" else executor.dtype) for name, a in rows.items()}


def near(found: Mapping[str, Array], wanted: Mapping[str, Array], bound: float) -> None:
    """Names, shapes and types alike, and numbers as far apart as `bound` times the largest of the array."""
    assert list(found) == list(wanted)
    for name, right in wanted.items():
        assert (found[name].shape, found[name].dtype) == (right.shape, right.dtype), name
        if right.dtype.kind != "f":
            np.testing.assert_array_equal(found[name], right)
            continue
        finite = np.isfinite(right)
        np.testing.assert_array_equal(found[name][~finite], right[~finite])
        scale = np.abs(right[finite]).max(initial=0.0)
        np.testing.assert_allclose(found[name][finite], right[finite], rtol=bound, atol=bound * scale)
