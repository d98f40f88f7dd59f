"""Random programs, exported with some of their inputs known, compute what they compute value by value."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given, settings

from gpubp.ir import Program, evaluate
from gpubp.passes import dce, specialise
from gpubp.render import Interface, Slot, portable_source
from tests.ir.random_programs import Case, programs
from tests.render.compiled import needs_compiler
from tests.render.test_c_source import near

from .running import STRICT, command

TYPES = ("float32", "float64", "int32", "int64", "bool")


@needs_compiler
@settings(max_examples=12)
@given(case=programs(most=12), fed=st.integers(1, 2**12))
def test_random_programs(case: Case, fed: int) -> None:
    whole, arrays = case
    program = dce(Program(whole.inputs, whole.eqns, tuple(dict.fromkeys(whole.outputs)), ()))
    feeds = [v for k, v in enumerate(program.inputs) if fed >> k & 1]
    assume(all(v.dtype in TYPES for v in (*feeds, *program.outputs)))
    with np.errstate(all="ignore"):
        wanted = [np.array(v) for v in evaluate(program, [a.copy() for a in arrays], np)]
        known = {v: a for v, a in zip(program.inputs, arrays, strict=True) if v not in feeds}
        left, values = specialise(program, known, np)
        inputs = [Slot(f"x{k}", v.shape, v.dtype) for k, v in enumerate(feeds)]
        outputs = [Slot(f"y{k}", v.shape, v.dtype) for k, v in enumerate(left.outputs)]
        text = portable_source(left, values, {}, str, "net", Interface(["a random program"], inputs, outputs), np)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.c").write_text(text, "utf-8")
        words = command(
            "-std=c11", "-O1", *STRICT, "-fPIC", "-shared", f"{folder}/net.c", "-o", f"{folder}/net.so", "-lm"
        )
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:3000]
        library = ctypes.CDLL(f"{folder}/net.so")
    large = "net_predict_in(" in text
    work = [np.full(1 << 20, np.nan)] if large else []
    given = [np.ascontiguousarray(a, v.dtype) for v, a in zip(program.inputs, arrays, strict=True) if v in feeds]
    found = [np.zeros(v.shape, v.dtype) for v in left.outputs]
    function = library["net_predict_in" if large else "net_predict"]
    assert function(*(ctypes.c_void_p(a.ctypes.data) for a in (*work, *given, *found))) == 0
    for a, b in zip(found, wanted, strict=True):
        near(a, b, 64)
