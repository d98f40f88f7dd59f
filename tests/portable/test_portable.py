"""Exported nets are standard C, stay in their memory, and give the bits of compiled kernels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import gpubp
from tests.render.compiled import COMPILER, FEWER, QUICK, needs_compiler

from .running import CHECKED, STRICT, answers, built, command, examples, filled, same, text_of

pytestmark = needs_compiler
MODELS = sorted(Path("models").glob("*.net"))
NO_FMA = ("-mno-fma", "-mno-avx512f")
OFTEN = (
    *("autoencoder", "diabetes", "digits_cnn", "digits_gru", "digits_lstm", "digits_tuned", "mixture", "siamese"),
    *("transformer", "vae", "worked_example"),
)
"""Models that every run of the tests compiles; `make sanitize` takes all."""
DRAWN = ("vae",)
"""Models that draw: their random numbers are NumPy's, of which sines and logarithms differ in the last place."""

MIXED = """
model {
  input  new: [7, 6, 2]
  input  word: class(11)[5]
  input  NAN: [3]
  input  p_at: [4]
  image = new -> pad(1) -> conv(6, 3, stride = 2, pad = same) -> batchnorm -> relu -> maxpool(2)
  seen = image -> depthwise_conv(3, pad = same) -> gelu -> conv_transpose(3, 2, stride = 2) -> global_maxpool
  rows = word -> embedding(6) -> positional -> attention(2) -> layernorm
  last = rows -> gru(5) -> lstm(4, bidirectional = true, sequence = false, mask = max(rows, axis = 1) > 1)
  first = p_at -> standardize -> dense(4) -> softplus
  output fma = concat(seen, last, first) -> dense(5) -> softmax
  output sum_f32 = mean(rows * rows) + NAN
  output over = (NAN > 0) * erf(NAN)
  output double = transpose(rows)
  output still = NAN
  output part = slice(p_at, 1, 3)
  wave = tanh(rows)
  output twice = concat(wave, rows, wave)
}
"""
"""All kinds of kernels, in a net of few numbers, whose names mean something else in C."""


def check(executor: gpubp.Executor, folder: Path, words: list[str], before: tuple[str, ...] = ()) -> None:
    """Compile what is exported, and compare it with one row after the other."""
    rows = examples(executor.net)
    for (code, found), row in zip(answers(built(text_of(executor), folder, words), executor, rows, before), rows):
        assert code == 0
        assert same(found, executor.predict(row)), max(
            abs(found[k] - v).max() for k, v in executor.predict(row).items()
        )


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=[] if p.stem in OFTEN else [pytest.mark.sanitize]) for p in MODELS],
)
def test_every_model_gives_the_bits_of_compiled_kernels(path: Path, tmp_path: Path) -> None:
    executor = filled(gpubp.load(path, FEWER.get(path.stem, {})), QUICK)
    words = command("-std=c11", "-O0", "-march=native", *STRICT, *CHECKED)
    if path.stem not in DRAWN:
        check(executor, tmp_path, words)
        return
    rows = examples(executor.net)
    for (code, found), row in zip(answers(built(text_of(executor), tmp_path, words), executor, rows), rows):
        assert code == 0
        np.testing.assert_array_max_ulp(found["copy"], executor.predict(row)["copy"], 8)


def _with(*options: str) -> str:
    assert COMPILER is not None
    return f"native:{COMPILER.command} -O0 {' '.join(options)}"


@pytest.mark.parametrize(
    ("words", "precision", "options"),
    [
        (("gcc", "-std=c11", "-O2"), "float32", NO_FMA),
        (("gcc", "-std=c11", "-O3", "-march=native"), "float64", ()),
        (("g++", "-std=c++17", "-O1", "-march=native", "-x", "c++"), "float64", ()),
        (("clang", "-std=c11", "-O2", "-march=native"), "float32", ()),
    ],
    ids=lambda words: words if isinstance(words, str) else " ".join(words),
)
def test_every_compiler_gives_the_same_bits(
    words: tuple[str, ...], precision: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    if shutil.which(words[0]) is None or COMPILER is None or (options and "x86" not in COMPILER.identity):
        pytest.skip("there is no such compiler")
    check(filled(gpubp.loads(MIXED), _with(*options), precision), tmp_path, [*words, *STRICT])


def test_the_mixed_net_stays_in_its_memory(tmp_path: Path) -> None:
    executor = filled(gpubp.loads(MIXED), _with())
    check(executor, tmp_path, command("-std=c11", "-O0", "-march=native", *STRICT, *CHECKED))
