"""Exported models, run by onnxruntime, or by the reference that the package onnx has in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.frontend import build
from gpubp.ir import Eqn, Program, Var, evaluate
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


def near(
    found: Mapping[str, Array],
    wanted: Mapping[str, Array],
    bound: float,
    rounding: Callable[[], Mapping[str, Array]] | None = None,
) -> None:
    """Names, shapes and types alike, and numbers as far apart as `bound` times the largest of the array.
    `rounding`: how much farther apart two computations may be that round each of their results; it is called if the
    bound alone does not hold."""
    assert list(found) == list(wanted)
    for name, right in wanted.items():
        assert (found[name].shape, found[name].dtype) == (right.shape, right.dtype), name
        if right.dtype.kind != "f":
            np.testing.assert_array_equal(found[name], right)
            continue
        finite = np.isfinite(right)
        np.testing.assert_array_equal(found[name][~finite], right[~finite])
        apart, size = np.abs(found[name][finite] - right[finite]), np.abs(right[finite])
        allowed = bound * (size + size.max(initial=0.0)) + np.finfo(right.dtype).tiny
        if rounding is not None and not (apart < allowed).all():
            allowed += rounding()[name][finite]
        np.testing.assert_array_less(apart, allowed)


def float32_rounding(executor: gpubp.Executor, rows: Mapping[str, Array]) -> dict[str, Array]:
    """How far apart two predictions in float32 may be, element by element, where the net magnifies what is rounded.

    Each result on the way, computed in float64, is multiplied by 1 + 2^-24 or 1 - 2^-24, at random, and the outputs
    move (Monte Carlo arithmetic, Parker 1997). The largest of eight moves counts, times 8: the functions of each of the
    two computations may be off by four such units."""
    precise = gpubp.Executor(executor.net, "cpu", "float64", backend="numpy")
    types = {name: value.dtype for name, value in precise.state_dict().items()}
    precise.load_state_dict({name: value.astype(types[name]) for name, value in executor.state_dict().items()})
    count = len(next(iter(rows.values())))
    built, arrays = build(precise.net, "predict", count, "float64"), precise.arrays()
    fed = {name: np.asarray(a, executor.dtype) if a.dtype.kind == "f" else a for name, a in rows.items()}
    known = [fed[v.hint] if v.hint in fed else arrays[v.hint] for v in built.program.inputs]
    given = [np.asarray(a, v.dtype) for v, a in zip(built.program.inputs, known, strict=True)]
    rng = np.random.default_rng(0)

    def move(eqn: Eqn, found: object) -> None:
        for array in found if len(eqn.outputs) > 1 else (found,):
            if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.flags.writeable:
                array *= 1.0 + 2.0**-24 * rng.choice([-1.0, 1.0], array.shape)

    exact = evaluate(built.program, [a.copy() for a in given], np)
    moved = [evaluate(built.program, [a.copy() for a in given], np, move) for _ in range(8)]
    most = [8 * np.max([np.abs(one[k] - exact[k]) for one in moved], axis=0) for k in range(len(exact))]
    return dict(zip(built.outputs, most, strict=True))
