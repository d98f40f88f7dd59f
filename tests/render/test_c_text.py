"""What compiled kernels look like, and that no access of theirs leaves its memory."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.frontend import build_plan, describe
from gpubp.ir import Aval, Program, Var, origin, recording, verify
from gpubp.passes import ITEM, Plan, plan
from gpubp.render import CSource, c_source, lanes_arena, lanes_source
from gpubp.render.c.literals import c_literal

from .compiled import COMPILER, needs_compiler, run_compiled

GOLDEN = Path(__file__).parent.parent / "golden" / "c"
MODELS = sorted(Path("models").glob("*.net"))


# Text ----------------------------------------------------------------------------------------------------------------
def softmax() -> Plan:
    x, bias = Var(Aval((3, 5), "float32"), "x"), Var(Aval((5,), "float32"), "bias")
    with recording() as eqns, origin("p: softmax"):
        y = ops.softmax(x + bias, axis=-1)
    return plan(verify(Program((x, bias), tuple(eqns), (y,))), (x,))


def momentum() -> Plan:
    p, v, g = (Var(Aval((100,), "float64"), name) for name in ("p", "v", "gradient"))
    with recording() as eqns, origin("the optimizer"):
        held = ops.isfinite(ops.max_(ops.absolute(g)))
        moved = 0.9 * v - 0.1 * g
        new = p + moved
    return plan(verify(Program((g, p, v), tuple(eqns), (held,), ((v, moved), (p, new)), held)), (g,))


def classes() -> Plan:
    labels, table = Var(Aval((4,), "int64"), "labels"), Var(Aval((6, 3), "float32"), "table")
    with recording() as eqns:
        rows = ops.gather(table, labels)
        hot = ops.one_hot(labels, classes=3, dtype="float32")
        counts = ops.sum_(ops.where(hot > rows, hot, -0.5), (0,))
    return plan(verify(Program((labels, table), tuple(eqns), (counts,))), (labels,))


@pytest.mark.parametrize("make", [softmax, momentum, classes], ids=lambda f: f.__name__)
def test_golden(make: Callable[[], Plan]) -> None:
    text = c_source(make(), "step").text
    functions = text[text.index("int step_0") :]
    assert functions == (GOLDEN / f"{make.__name__}.c").read_text("utf-8")


def test_text_is_the_same_each_time() -> None:
    texts = set()
    for _ in range(2):
        built, found = build_plan(gpubp.load("models/digits.net"), "train", 16, "float32")
        texts.add(c_source(found, "train", built.hints, describe).text)
    assert len(texts) == 1


def test_no_text_of_a_file_ends_a_comment() -> None:
    x = Var(Aval((3,), "float32"), "int")
    with recording() as eqns, origin('*/ #include "/etc/passwd" \\ /*'):
        y = ops.exp(x)
    text = c_source(plan(verify(Program((x,), tuple(eqns), (y,))), (x,)), "step").text
    (line,) = [line for line in text.splitlines() if "passwd" in line]
    assert line.count("*/") == 1
    assert line.endswith("*/")


NAMES = (
    "i0 i1 j k n p r0 r1 t0 x x_at x_at_ x_row x_all x_once0 x_2 sum_f32 exp_wide philox linux unix NAN M_PI INFINITY "
    "FMA EACH int double main arena tables memcpy int64_t bool8 first row sums packed exp index_within NULL signed "
    "number0 numbers NUMBER"
)


@pytest.mark.parametrize("model", ["digits_lstm", "digits_gru"])
def test_what_a_round_of_a_loop_computes_is_compiled(model: str) -> None:
    built, found = build_plan(gpubp.load(f"models/{model}.net"), "train", 32, "float32")
    source = c_source(found, "train", built.hints, describe)
    assert len(source.bodies) == sum(step.body is not None for step in found.steps) > 1
    for one, own in source.bodies.items():
        assert [(f.first, f.stop) for f in own.functions] == [(0, len(one.steps))]


@needs_compiler
def test_values_may_have_any_name() -> None:
    """Those of a file's layers: one that means something in C must not keep kernels from being compiled."""
    inputs = [Var(Aval((2, 3), "float32"), name) for name in NAMES.split()]
    with recording() as eqns:
        total = inputs[0]
        for v in inputs[1:]:
            total = ops.exp(total * 0.01) + v
        made = {eqn.output: name for eqn, name in zip(eqns, NAMES.split() * 3, strict=False)}
        row = ops.softmax(total, axis=-1)
    found = plan(verify(Program(tuple(inputs), tuple(eqns), (row, total))), inputs)
    arrays = [np.full(v.shape, 0.5, np.float32) for v in inputs]
    wanted = run_compiled(found, arrays, [])[1]
    for a, b in zip(run_compiled(found, arrays, [], hints=made)[1], wanted, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(wanted[0]).all()


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.1, "float32", "0.1f"),
        (0.1, "float64", "0.1"),
        (-0.5, "float32", "(-0.5f)"),
        (1 / 3, "float32", "0.33333334f"),
        (1e300, "float32", "INFINITY"),
        (float("-inf"), "float64", "(-INFINITY)"),
        (float("nan"), "float32", "NAN"),
        (3, "float32", "3.0f"),
        (3, "int64", "3LL"),
        (True, "bool", "1"),
        (1e-45, "float32", "1e-45f"),
    ],
)
def test_literals(value: float, dtype: str, text: str) -> None:
    assert c_literal(value, dtype) == text


# Memory --------------------------------------------------------------------------------------------------------------
# Nothing is optimised away, and a compilation takes half as long; lines are named with -g1, too, and what -g keeps of
# each variable takes most of the time.
CHECKED = ("-g1", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def _extent(found: Plan, var: Var) -> int:
    """Bytes from the first element of a state to behind its last."""
    place = found.places[var]
    steps = sum((n - 1) * s for n, s in zip(place.shape, place.strides, strict=True))
    return (1 + steps) * ITEM[var.dtype] if var.aval.size else 1


def _main(names: dict[str, tuple[Plan, list[str], list[int]]]) -> str:
    """A C program that runs functions on memory of exactly the size that they were promised."""
    lines = ["#include <stdio.h>", "#include <stdlib.h>", "typedef void *const *T;"]
    body = []
    for name, (found, functions, tables) in names.items():
        lines += [f"int {f}(char *, T);" for f in functions]
        body += [
            f"    {{ /* {name} */",
            f"        size_t sizes[] = {{{', '.join(map(str, tables))}}};",
            f"        void *tables[{len(tables)}], *arena = aligned_alloc(64, {max(-(-found.arena // 64), 1) * 64});",
            f"        for (size_t i = 0; i < {len(tables)}; i++) tables[i] = calloc(sizes[i], 1);",
            f"        for (size_t i = 0; i < {found.arena}; i++) ((char *)arena)[i] = 0;",
            *(f"        {f}(arena, tables);" for f in functions),
            f"        for (size_t i = 0; i < {len(tables)}; i++) free(tables[i]);",
            "        free(arena);",
            "    }",
        ]
    return "\n".join([*lines, "int main(void) {", *body, '    puts("clean");', "    return 0;", "}", ""])


def _run(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    assert COMPILER is not None
    paths = []
    for name, text in files.items():
        paths.append(folder / f"{name}.c")
        paths[-1].write_text(text, "utf-8")
    words = [COMPILER.command, *CHECKED, "-std=c11", "-pthread", "-march=native", "-w", "-fwrapv"]
    words.append("-fno-strict-aliasing")
    built = subprocess.run([*words, *map(str, paths), "-o", str(folder / "run"), "-lm"], capture_output=True, text=True)
    if built.returncode:
        return built
    return subprocess.run([str(folder / "run")], capture_output=True, text=True, env={"ASAN_OPTIONS": "detect_leaks=0"})


@pytest.fixture(scope="module")
def sanitizers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where the compiler has none, and shows that an access outside of its memory is found."""
    plain = "int main(void) { return 0; }\n"
    if _run(tmp_path_factory.mktemp("plain"), {"main": plain}).returncode:
        pytest.skip("the compiler has no sanitizers")
    wrong = "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(8); return p[8] == p[8] ? 0 : 1; }\n"
    found = _run(tmp_path_factory.mktemp("wrong"), {"main": wrong})
    assert found.returncode
    assert "main.c:2" in found.stderr


QUICK = {"digits_cnn": "float32", "digits_lstm": "float64", "spiral": "float64", "xor": "float32"}
"""Models whose kernels every run of the tests compiles with the sanitizers, which takes seconds for each: those of a
step in one type. `make sanitize` takes all."""


def _programs() -> Iterator[Any]:
    for path in MODELS:
        for mode, dtype in (("train", "float32"), ("train", "float64"), ("measure", "float32")):
            often = path.stem in QUICK and (mode == "measure" or dtype == QUICK[path.stem])
            name = f"{path.stem}-{mode}-{dtype}"
            yield pytest.param(path, mode, dtype, id=name, marks=[] if often else pytest.mark.sanitize)


@needs_compiler
@pytest.mark.usefixtures("sanitizers")
@pytest.mark.parametrize(("path", "mode", "dtype"), list(_programs()))
def test_kernels_of_every_model_stay_in_their_memory(path: Path, mode: Any, dtype: str, tmp_path: Path) -> None:
    name = f"{re.sub('[^a-z]', '_', path.stem)}_{mode}"
    built, found = build_plan(gpubp.load(path), mode, 5, dtype)
    source = c_source(found, name, built.hints, describe)
    names = {
        f"{name} {i}": (
            part,
            [f.name for f in own.functions],
            [*(_extent(part, v) for v in own.tables), len(own.numbers)],
        )
        for i, (part, own) in enumerate([(found, source), *source.bodies.items()])
    }
    done = _run(tmp_path, {name: source.text, "main": _main(names)})
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stderr[:3000]


def _lanes_main(found: Plan, source: CSource, numbers: Sequence[int]) -> str:
    """A C program that runs steps of so many copies of a program, for each of the numbers."""
    lines = [
        "#include <stdint.h>",
        "#include <stdio.h>",
        "#include <stdlib.h>",
        f"void {source.many}(char *, void *const *, const char *const *, const int64_t *, int64_t, int64_t, int64_t,",
        "    int64_t, unsigned char *, void *const *, int64_t);",
        "extern int pool_threads;",
    ]
    bodies = [f"static void of_{copies}(void) {{\n{_lanes_body(found, source, copies)}\n}}" for copies in numbers]
    calls = " ".join(f"of_{copies}();" for copies in numbers)
    return "\n".join([*lines, *bodies, f'int main(void) {{ pool_threads = 2; {calls} puts("clean"); return 0; }}', ""])


def _lanes_body(found: Plan, source: CSource, copies: int) -> str:
    """Three steps of all copies but the second, which stands still, then one more."""
    sizes = [v.aval.size * ITEM[v.dtype] * (copies if v in found.states else 1) for v in source.tables]
    sizes.append(len(source.numbers))
    batch = found.feeds[0].shape[0]
    lines = [
        f"    size_t sizes[] = {{{', '.join(map(str, sizes))}}};",
        f"    void *tables[{len(sizes)}], *rows[{len(found.feeds)}], *results[2];",
        f"    for (int i = 0; i < {len(sizes)}; i++) tables[i] = calloc(sizes[i], 1);",
        *(
            f"    rows[{i}] = calloc({2 * v.aval.size * ITEM[v.dtype]}, 1);"  # two batches
            for i, v in enumerate(found.feeds)
        ),
        f"    for (int i = 0; i < 2; i++) results[i] = calloc({3 * copies * 8}, 1);",
        f"    unsigned char *moving = malloc({copies});",
        f"    for (int i = 0; i < {copies}; i++) moving[i] = i != 1;",
        f"    int64_t *order = malloc({copies * 2 * batch} * 8);",
        f"    for (int i = 0; i < {copies * 2 * batch}; i++) order[i] = i % {2 * batch};",
        f"    char *arena = aligned_alloc(64, {-(-lanes_arena(found, copies) // 64) * 64});",
        "    const char *const *from = (const char *const *)rows;",
        f"    {source.many}(arena, tables, from, order, {2 * batch}, 0, 3, {copies}, moving, results, 3);",
        f"    {source.many}(arena, tables, from, 0, {2 * batch}, {batch}, 1, {copies}, moving, results, 3);",
    ]
    return "\n".join(lines)


@needs_compiler
@pytest.mark.usefixtures("sanitizers")
@pytest.mark.parametrize("model", ["xor", "iris", "worked_example", "xor_numpy", "diabetes"])
def test_lanes_stay_in_their_memory(model: str, tmp_path: Path) -> None:
    built, found = build_plan(gpubp.load(f"models/{model}.net"), "train", 4, "float32")
    numbers = [v for name, v in zip(built.outputs, found.program.outputs, strict=True) if name in ("data", "penalty")]
    source = lanes_source(found, "restarts", built.hints, describe, [v for v in numbers if not v.shape])
    assert source is not None
    done = _run(tmp_path, {"lanes": source.text, "main": _lanes_main(found, source, (1, 19))})
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stderr[:3000]
