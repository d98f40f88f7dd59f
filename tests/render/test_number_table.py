"""Programs that differ in numbers alone are one text."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import gpubp
from gpubp import ops
from gpubp.cli import main
from gpubp.executor import recorded_scalars
from gpubp.frontend import build_plan, describe
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import plan
from gpubp.render import c_source, cuda_source, lanes_source

NET = """
model {
  input  x: [3]
  target y: [1]
  hidden   = x -> dense(4) -> LAYER
  output p = hidden -> dense(1)
}
train {
  loss      = LOSS
  optimizer = OPTIMIZER
  schedule  = SCHEDULE
  clip      = CLIP
  average   = AVERAGE
  rates     = [rate(hidden, FACTOR)]
  epochs    = 20
}
"""
USUAL = {
    "LAYER": "tanh",
    "LOSS": "mse(p, y)",
    "OPTIMIZER": "sgd(lr = 0.05)",
    "SCHEDULE": "cosine(to = 0.1)",
    "CLIP": "clip_norm(3)",
    "AVERAGE": "ema(0.97)",
    "FACTOR": "3",
}
SWEEPS = {
    "OPTIMIZER": [
        ("sgd(lr = 0.1)", "sgd(lr = 0.03)"),
        ("sgd(lr = 0.1, momentum = 0.9)", "sgd(lr = 0.03, momentum = 0.7)"),
        ("sgd(lr = 0.1, momentum = 0.9, nesterov = true)", "sgd(lr = 0.03, momentum = 0.7, nesterov = true)"),
        ("rmsprop(lr = 1e-2, rho = 0.9, eps = 1e-8)", "rmsprop(lr = 3e-3, rho = 0.95, eps = 1e-7)"),
        ("adam(lr = 0.01)", "adam(lr = 0.02, beta1 = 0.8, beta2 = 0.99, eps = 1e-7)"),
        ("adamw(lr = 0.01, decay = 0.1)", "adamw(lr = 0.02, beta1 = 0.8, beta2 = 0.99, decay = 0.03)"),
        ("adamax(lr = 0.01)", "adamax(lr = 0.02, beta1 = 0.8, beta2 = 0.99)"),
        ("nadam(lr = 0.01)", "nadam(lr = 0.02, beta1 = 0.8, beta2 = 0.99, eps = 1e-7)"),
        ("amsgrad(lr = 0.01)", "amsgrad(lr = 0.02, beta1 = 0.8, beta2 = 0.99, eps = 1e-7)"),
        ("lion(lr = 0.01, decay = 0.1)", "lion(lr = 0.02, beta1 = 0.8, beta2 = 0.95, decay = 0.03)"),
        ("adagrad(lr = 0.01)", "adagrad(lr = 0.02, eps = 1e-7)"),
        ("adadelta(lr = 0.9)", "adadelta(lr = 0.7, rho = 0.9, eps = 1e-7)"),
        ("rprop(eta_minus = 0.6)", "rprop(lr = 0.02, eta_minus = 0.4, eta_plus = 1.3, min_step = 1e-4, max_step = 3)"),
        ("quickprop", "quickprop(lr = 0.03, growth = 1.5)"),
    ],
    "SCHEDULE": [
        ("step(every = 3steps, factor = 0.3)", "step(every = 5steps, factor = 0.7)"),
        ("drops(at = [3steps, 9steps], factor = 0.3)", "drops(at = [5steps, 7steps], factor = 0.7)"),
        ("exponential(factor = 0.3, every = 3steps)", "exponential(factor = 0.7, every = 5steps)"),
        ("linear(to = 0.1)", "linear(to = 0.3)"),
        ("cosine(to = 0.1)", "cosine(to = 0.3)"),
        ("cosine_restarts(every = 3steps, to = 0.1)", "cosine_restarts(every = 5steps, to = 0.3)"),
        ("one_cycle(rise = 0.3, start = 0.1, to = 0.01)", "one_cycle(rise = 0.4, start = 0.2, to = 0.02)"),
        ("warmup(3steps, cosine(to = 0.1))", "warmup(5steps, cosine(to = 0.3))"),
        ("inverse_sqrt(3steps)", "inverse_sqrt(5steps)"),
    ],
    "CLIP": [("clip_norm(3)", "clip_norm(0.1)"), ("clip_value(3)", "clip_value(0.1)")],
    "AVERAGE": [("ema(0.9)", "ema(0.99)")],
    "FACTOR": [("3", "0.1")],
    "LAYER": [
        ("dropout(10%)", "dropout(30%)"),
        ("gaussian_noise(0.1)", "gaussian_noise(0.3)"),
        ("leaky_relu(0.1)", "leaky_relu(0.01)"),
        ("elu(0.9)", "elu(0.7)"),
    ],
    "LOSS": [
        ("mse(p, y) + l2(0.01)", "mse(p, y) + l2(0.003)"),
        ("0.3 * mse(p, y) + l1(0.01)", "0.7 * mse(p, y) + l1(0.003)"),
        ("huber(p, y, 0.3)", "huber(p, y, 0.7)"),
    ],
}
CASES = [(word, pair) for word, pairs in SWEEPS.items() for pair in pairs]


def text_of(**changed: str) -> str:
    text = NET
    for word, value in (USUAL | changed).items():
        text = text.replace(word, value)
    return text


def texts(net: gpubp.Net, dtype: str) -> Iterator[tuple[str, bytes]]:
    """Every text of its training program that is compiled, with the numbers that it is given."""
    built, found = build_plan(net, "train", 5, dtype)
    kept = recorded_scalars(built, found)
    for make in (c_source, lanes_source):
        source = make(found, "train", built.hints, describe, kept)
        assert source is not None
        yield source.code, source.numbers
    for more in ({}, {"unfused": True}, {"nets": True}):
        source = cuda_source(found, "train", built.hints, describe, kept, **more)  # type: ignore[arg-type]
        yield source.code, source.numbers
        if source.block is not None:
            yield source.block.code, source.numbers


@pytest.mark.parametrize(("word", "pair"), CASES, ids=[pair[0] for _, pair in CASES])
def test_settings_are_no_part_of_any_text(word: str, pair: tuple[str, str]) -> None:
    """In one type, the next setting in the other."""
    dtype = ("float32", "float64")[CASES.index((word, pair)) % 2]
    one, other = (texts(gpubp.loads(text_of(**{word: value})), dtype) for value in pair)
    for (code, numbers), (same, others) in zip(one, other, strict=True):
        assert code == same
        assert len(numbers) == len(others)
        assert numbers != others


def test_neither_are_the_name_of_a_file_nor_its_lines(tmp_path: Path) -> None:
    moved = tmp_path / "moved.net"
    moved.write_text("# a line more\n" + text_of(), "utf-8")
    one, other = (next(texts(net, "float32")) for net in (gpubp.loads(text_of()), gpubp.load(moved)))
    assert one == other


def test_simple_numbers_stay_in_the_text() -> None:
    """Compilers make a product of a quotient by a power of two, and less of 0."""
    x = Var(Aval((5,), "float32"), "x")
    with recording() as eqns:
        y = ops.maximum((x / 8.0 - 0.25) * 0.1, 0.0)
    source = c_source(plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), "step")
    assert source.numbers == struct.pack("=f4x", 0.1)
    assert "/ 8.0f" in source.code
    assert "- 0.25f" in source.code
    assert "const float number0 = NUMBER(float, 0); /* 0.1f */" in source.text


def test_an_exponent_stays_in_the_text() -> None:
    x = Var(Aval((5,), "float32"), "x")
    with recording() as eqns:
        y = ops.power(x, 3.0) * ops.power(3.0, x)
    source = c_source(plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), "step")
    assert source.numbers == struct.pack("=f4x", 3.0)
    assert re.search(r"power_f32\(x\w*\[j\], 3\.0f\)", source.code)


def test_a_table_is_no_larger_than_constant_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpubp.render.c.number_table.MAX_NUMBERS", 1)
    x = Var(Aval((5,), "float32"), "x")
    with recording() as eqns:
        y = (x + 0.1) * 0.3
    source = c_source(plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), "step")
    assert source.numbers == struct.pack("=f4x", 0.1)
    assert "* 0.3f" in source.code


@pytest.mark.parametrize(("value", "dtype"), [(1e300, "float32"), (float("inf"), "float64"), (float("nan"), "float32")])
def test_what_is_no_finite_number_stays_in_the_text(value: float, dtype: str) -> None:
    x = Var(Aval((5,), dtype), "x")
    with recording() as eqns:
        y = x * value
    source = c_source(plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), "step")
    assert source.numbers == b""
    assert "number" not in source.code[source.code.index("int step_0") :]


def test_the_text_tells_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "one.net"
    path.write_text(text_of(LAYER="dropout(30%)"), "utf-8")
    for stage in ("c", "cuda"):
        assert main(["ir", str(path), "--stage", stage]) == 0
        printed = capsys.readouterr().out
        listed = printed[printed.index("/* Numbers passed at run time") :]
        listed = listed[: listed.index("*/")]
        (line,) = [line for line in listed.splitlines() if " 0.3f " in line and "dropout(30%)" in line]
        name = line.split()[0]
        assert f"const float {name} = NUMBER(float, {name.removeprefix('number')}); /* 0.3f */" in printed
        assert " 0.05 " in listed
        assert "the optimizer" in listed
