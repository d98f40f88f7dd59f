"""Loops divided among threads: no bit of a result changes, and each turn is done once."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.ops import c_functions
from gpubp.passes import Plan, plan
from gpubp.render import c_source
from gpubp.render.c.parallel import CACHE_LINE, MIN_WORK

from .compiled import COMPILER, library, needs_compiler, run_compiled

By = Callable[..., Var]


Shapes = Sequence[tuple[int, ...]]


def made(*works: tuple[Shapes, By], dtype: str = "float32") -> tuple[Plan, list[np.ndarray[Any, Any]]]:
    """The plan of functions, each applied to inputs of its shapes, and values for them."""
    inputs = [[Var(Aval(shape, dtype), f"x{i}") for i, shape in enumerate(shapes)] for shapes, _ in works]
    with recording() as eqns:
        results = [by(*xs) for xs, (_, by) in zip(inputs, works, strict=True)]
    every = tuple(x for xs in inputs for x in xs)
    rng = np.random.default_rng(0)
    values = [rng.normal(size=x.shape).astype(dtype) for x in every]
    return plan(verify(Program(every, tuple(eqns), tuple(results))), every), values


def swapped(x: Var) -> Var:
    return ops.transpose(x, (1, 0))


SHARED: dict[str, tuple[Shapes, By]] = {
    "elements": ([(300_007,), (300_007,)], lambda a, b: ops.exp(a) * b),
    "elements of a view": ([(700, 900), (900, 700)], lambda a, b: ops.tanh(a) + swapped(b)),
    "rows": ([(900, 800), (800,)], lambda a, b: ops.softmax(a + b, axis=-1)),
    "a product by columns": ([(65, 300), (300, 200)], ops.matmul),
    "a product by rows": ([(301, 165), (165, 100)], ops.matmul),
    "one narrow": ([(3001, 165), (165, 9)], ops.matmul),
    "one whose left matrix is turned": ([(165, 300), (165, 100)], lambda a, b: ops.matmul(swapped(a), b)),
    "one whose right matrix is turned": ([(65, 300), (200, 300)], lambda a, b: ops.matmul(a, swapped(b))),
}


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype: str) -> None:
    """All works are one program, so that they are compiled at once."""
    for name, work in SHARED.items():
        assert "parallel_for(run_part" in c_source(made(work, dtype=dtype)[0], "run").text, name
    found, values = made(*SHARED.values(), dtype=dtype)
    source = c_source(found, "run")
    assert source.text.count("parallel_for(run_part") >= len(SHARED)
    threads = ctypes.c_int.in_dll(library(source.code, source.numbers)._library, "pool_threads")
    before, results = threads.value, []
    try:
        for number in (1, 2, 5):
            threads.value = number
            results.append(run_compiled(found, values, [])[1])
    finally:
        threads.value = before
    for other in results[1:]:
        for name, a, b in zip(SHARED, results[0], other, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def test_parts_begin_at_lines_of_the_cache() -> None:
    source = c_source(made(SHARED["elements"])[0], "run").text
    ((turns, grain),) = re.findall(r"parallel_for\(run_part\d+, arena, tables, (\d+), (\d+)\)", source)
    assert int(turns) == 300_007
    assert int(grain) % CACHE_LINE == 0
    assert 2 <= -(-int(turns) // int(grain)) <= 16


def test_small_loops_are_not_divided() -> None:
    few, _ = made(([(MIN_WORK // 8,)], lambda a: ops.exp(a) * 2.0))
    assert "parallel_for" not in c_source(few, "run").text


# The threads ---------------------------------------------------------------------------------------------------------
DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
enum { TURNS = 997, GRAIN = 10 };
static void one(char *arena, void *const *tables, int64_t begin, int64_t end) {
    sched_yield(); /* whatever another thread may do meanwhile happens */
    for (int64_t i = begin; i < end; i++) ((int *)arena)[i]++;
}
static void *many(void *arena) {
    int *const counts = arena;
    for (int k = 0; k < 300; k++) {
        const int before = counts[0];
        parallel_for(one, arena, 0, TURNS, GRAIN);
        for (int i = 0; i < TURNS; i++)
            if (counts[i] != before + 1) counts[i] = -1000000;
    }
    return 0;
}
static int right(const int *counts, int wanted) {
    for (int i = 0; i < TURNS; i++)
        if (counts[i] != wanted) return 0;
    return 1;
}
int main(void) {
    pool_threads = 4;
    static int mine[TURNS], theirs[TURNS];
    many(mine);
    if (!right(mine, 300)) return puts("a turn was lost or done twice"), 1;
    pthread_t other; /* a second caller */
    pthread_create(&other, 0, many, theirs);
    many(mine);
    pthread_join(other, 0);
    if (!right(mine, 600) || !right(theirs, 300)) return puts("two callers disturbed each other"), 1;
    for (int k = 0; k < 20; k++) { /* long enough apart for the threads to fall asleep */
        usleep(2000);
        parallel_for(one, (char *)mine, 0, TURNS, GRAIN);
    }
    if (!right(mine, 620)) return puts("the sleepers were not woken"), 1;
    if (!FORKS) return puts("done"), 0;
    const pid_t child = fork();
    if (!child) {
        many(mine);
        _exit(!right(mine, 920));
    }
    int status = 1;
    waitpid(child, &status, 0);
    puts(status ? "a forked process has no threads" : "done");
    return status != 0;
}
"""


def _driven(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    assert COMPILER is not None
    (folder / "driver.c").write_text(text, "utf-8")
    words = [COMPILER.command, "-std=gnu11", "-O2", "-pthread", "-w", *options, "driver.c", "-o", "driver", "-lm"]
    built = subprocess.run(words, capture_output=True, text=True, cwd=folder)
    if built.returncode:
        return built
    return subprocess.run([str(folder / "driver")], capture_output=True, text=True, timeout=120, cwd=folder)


def _text() -> str:
    return c_functions(DRIVER) + DRIVER


@needs_compiler
def test_every_turn_is_done_once(tmp_path: Path) -> None:
    done = _driven(tmp_path, _text(), "-DFORKS=1")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@needs_compiler
@pytest.mark.skipif(sys.platform != "linux", reason="the thread sanitizer's options are those of Linux")
@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("", ""),
        ("atomic_load(&pool.done) < parts", "spins < 0"),  # nobody waits for the others' parts
        ("|| atomic_flag_test_and_set(&pool.busy)", ""),  # two callers at once
    ],
    ids=["as it is", "without waiting", "without asking who else calls"],
)
def test_the_thread_sanitizer_finds_no_race_but_planted_ones(line: str, instead: str, tmp_path: Path) -> None:
    text = _text()
    assert line in text
    done = _driven(tmp_path, text.replace(line, instead), "-DFORKS=0", "-fsanitize=thread", "-g")
    if "cannot find" in done.stderr or "unexpected memory mapping" in done.stderr:
        pytest.skip("the compiler has no thread sanitizer here")
    assert (done.returncode == 0) == (not line), done.stdout + done.stderr


IMAGES = """
model {
  input  x: [20, 20, 3]
  target y: class(10)
  output p = x -> conv(24, 3, pad = same) -> relu -> maxpool(2) -> conv(16, 3, groups = 2) -> avgpool(2) -> flatten
    -> dense(10) -> softmax
}
train {
  loss = cross_entropy(p, y)
  optimizer = sgd(lr = 0.1)
}
"""


@needs_compiler
def test_images_are_divided_without_a_change_of_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(64, 20, 20, 3)), "y": rng.integers(0, 10, 64)}
    found = []
    for number in (1, 2, 5):
        monkeypatch.setattr("gpubp.backends.native.library.threads", lambda number=number: number)
        ex = gpubp.Executor(gpubp.loads(IMAGES), "cpu", backend="native")
        ex.train_steps(data, 3, 32)
        found.append(ex.state_dict())
    source, _ = ex._machine.native("train", 32)
    shared = "".join(re.findall(r"static void train_part\d+.*?\n}", source.text, re.DOTALL))
    assert {"conv_f32", "conv_weight_f32", "conv_input_f32", "larger_f32"} <= set(re.findall(r"\w+", shared))
    for other in found[1:]:
        for name, value in found[0].items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)
