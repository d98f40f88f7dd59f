"""Exported nets, compiled into programs that read examples from standard input."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import gpubp
from gpubp.training import c_text
from tests.render.compiled import COMPILER

Array = np.ndarray[Any, Any]
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffp-contract=off")
CHECKED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1")
"""Options that find what a program does outside of its memory, or of the language."""


def text_of(executor: gpubp.Executor, name: str = "net") -> str:
    """What is exported of an executor, as if it were of a run."""
    run: Any = SimpleNamespace(executor=executor, folder=None, columns={})
    return c_text(run, name)


def filled(net: gpubp.Net, backend: str, precision: str | None = None, seed: int = 0) -> gpubp.Executor:
    """An executor whose weights and statistics are all of them numbers of their own."""
    executor = gpubp.Executor(net, "cpu", precision, backend=backend)
    rng = np.random.default_rng(seed)
    nodes = (*net.graph.inputs, *net.graph.targets)
    if net.fitted:
        executor.fit({n.name: some(n, rng, 20) for n in nodes})
    state = executor.state_dict()
    for name, value in executor.parameters.items():
        state[name] = value + 0.05 * rng.normal(size=value.shape).astype(value.dtype)
    for name, value in state.items():
        if "batchnorm" in name and value.dtype == "float64":
            state[name] = rng.uniform(0.5, 1.5, value.shape)
        if name.startswith("optimizer.average."):
            state[name] = state[name.removeprefix("optimizer.average.")] * value.dtype.type(1.1)
    executor.load_state_dict({**state, "step": np.int64(3)})
    return executor


def some(node: Any, rng: np.random.Generator, count: int) -> Array:
    """Examples of an input or target."""
    shape = (count, *node.type.shape)
    return rng.integers(0, node.type.classes, shape) if node.type.classes else rng.normal(size=shape)


def examples(net: gpubp.Net, count: int = 3) -> list[dict[str, Array]]:
    """Single rows of the inputs."""
    rng = np.random.default_rng(7)
    return [{n.name: some(n, rng, 1) for n in net.graph.inputs} for _ in range(count)]


def built(text: str, folder: Path, words: Sequence[str]) -> Path:
    """The program, of an exported text and a `main` around it, made by a compiler's command."""
    (prototype,) = re.findall(r"^int (\w+_predict\w*\([^;{]*\));$", text, re.MULTILINE)
    prototype = " ".join(prototype.split())
    function, _, rest = prototype.partition("(")
    slots = [slot.rsplit("*", 1) for slot in rest.removesuffix(")").split(", ")]
    sizes = [int(n.replace(",", "")) for n in re.findall(r"memory of ([\d,]+) doubles", text)]
    for shape in re.findall(r"^ {3}(?:in |out) \w+: [\w ]+?(?: \[([\d, ]+)\]|, one number)", text, re.MULTILINE):
        sizes.append(int(np.prod([int(n) for n in shape.split(", ")])) if shape else 1)
    names = [f"a{k}" for k in range(len(slots))]
    arrays = [f"static {kind.replace('const ', '')} {a}[{n}];" for (kind, _), a, n in zip(slots, names, sizes)]
    given = [a for (kind, _), a in zip(slots, names) if kind.startswith("const")]
    found = [a for (kind, word), a in zip(slots, names) if not kind.startswith("const") and word != "work"]
    main = [
        "#include <stdint.h>",
        "#include <stdio.h>",
        "#ifdef __cplusplus",
        'extern "C"',
        "#endif",
        f"int {prototype};",
        *arrays,
        "int main(void) {",
        f"    while ({' && '.join(f'fread({a}, sizeof {a}, 1, stdin) == 1' for a in given)}) {{",
        f"        const int code = {function}({', '.join(names)});",
        "        fwrite(&code, sizeof code, 1, stdout);",
        *(f"        fwrite({a}, sizeof {a}, 1, stdout);" for a in found),
        "    }",
        "    return 0;",
        "}",
    ]
    (folder / "net.c").write_text(text, "utf-8")
    (folder / "main.c").write_text("\n".join([*main, ""]), "utf-8")
    files = [str(folder / "net.c"), str(folder / "main.c")]
    done = subprocess.run([*words, *files, "-o", str(folder / "net"), "-lm"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]
    return folder / "net"


def answers(
    program: Path, executor: gpubp.Executor, rows: Sequence[Mapping[str, Array]], before: Sequence[str] = ()
) -> list[tuple[int, dict[str, Array]]]:
    """What the program returns for examples, and the outputs that it writes."""
    inputs = executor.net.graph.inputs
    types = {n.name: "int32" if n.type and n.type.classes else executor.dtype for n in inputs}
    data = b"".join(np.ascontiguousarray(row[name], types[name]).tobytes() for row in rows for name in types)
    done = subprocess.run(
        [*before, str(program)], input=data, capture_output=True, env={"ASAN_OPTIONS": "detect_leaks=0"}
    )
    assert done.returncode == 0, done.stderr[:3000].decode()
    wanted = executor.predict(examples(executor.net, 1)[0])
    layout = np.dtype([("code", "i4"), *((name, v.dtype, v.shape) for name, v in wanted.items())])
    found = np.frombuffer(done.stdout, layout)
    assert len(found) == len(rows)
    return [(int(one["code"]), {name: one[name] for name in wanted}) for one in found]


def same(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> bool:
    """Whether they are the same to the bit."""
    return all(found[name].tobytes() == np.ascontiguousarray(value).tobytes() for name, value in wanted.items())


def command(*options: str) -> list[str]:
    """The machine's compiler."""
    assert COMPILER is not None
    return [COMPILER.command, *options]
