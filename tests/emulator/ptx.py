"""PTX to a shared object that the host's processor runs: `python -m tests.emulator.ptx IN.ptx OUT.so`.

The object exports a table of kernels, `emulated_kernels` (ptx_memory.h), and the module's variables by their names.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .ptx_function import Translator, aligned, c_function, head, size_of
from .ptx_parse import parse
from .ptx_syntax import Function, Instruction, Module, PtxError, Variable
from .ptx_waiting import WAITING
from .ptx_words import TYPES, Scope, c_name

FLAGS = (
    "-std=gnu11",
    "-O1",
    "-march=native",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-U_FORTIFY_SOURCE",
    "-w",
    # A thread has a stack of 128 KiB.
    "-Werror=frame-larger-than=65536",
    "-fPIC",
    "-shared",
)
MAX_STATIC = 48 * 1024
"""Bytes of shared memory that a kernel may declare; ptxas refuses more."""
CC = shutil.which("gcc") or ""


def reached(module: Module, function: Function) -> list[Function]:
    """A function and all that it may call: by name, or by an address that it takes."""
    by_name, found, left = {f.name: f for f in module.functions}, {}, [function]
    while left:
        one = left.pop()
        if one.name in found:
            continue
        found[one.name] = one
        for statement in one.body or []:
            if isinstance(statement, Instruction) and statement.op in ("call", "mov"):
                left += [by_name[x] for x in statement.operands if isinstance(x, str) and x in by_name]
    return list(found.values())


def translate(text: str) -> str:
    """The C of a module. Raises PtxError."""
    return "\n".join(_module(parse(text))) + "\n"


def _module(module: Module) -> Iterator[str]:
    yield '#include "ptx_runtime.h"'
    scope, base = Scope(), 0
    for v in module.variables:
        if v.space == "shared":
            base = aligned(base, v) if v.count else base
            at = str(base) if v.count else "(launch.shared - launch.dynamic)"
            scope.variables[v.name] = (v, at, size_of(v))
            base += size_of(v)
        else:
            scope.variables[v.name] = (v, f"V_{c_name(v.name)}", size_of(v))
    defined = [f for f in module.functions if f.body is not None]
    yield from (f"{head(f)};" for f in defined)
    yield from _variables(module, {f.name for f in defined})
    translator = Translator(scope, {f.name: f for f in module.functions})
    kernels = []
    for f in sorted(defined, key=lambda f: f.entry):
        places = _places(f) if f.entry else []
        yield from translator.function(f, base if f.entry else 0, places)
        if not f.entry and translator.shared:
            raise PtxError(f"shared memory of the function `{f.name}` is not known to the translator")
        if f.entry:
            waits = any(
                isinstance(s, Instruction) and s.op in WAITING for g in reached(module, f) for s in g.body or []
            )
            size = -(-translator.shared // 16) * 16
            if size > MAX_STATIC:
                raise PtxError(f"`{f.name}` declares {size} bytes of shared memory, of at most {MAX_STATIC}")
            kernels.append((f, places, size, int(waits)))
    plain = [f for f in defined if not f.entry]
    yield f"static void *const functions[] = {{{', '.join(c_function(f.name) for f in plain) or '0'}}};"
    yield f"static const unsigned function_count = {len(plain)};"
    yield f"static struct site sites[{translator.sites + 1}];"
    yield f"static const unsigned site_count = {translator.sites + 1};"
    yield from _table(kernels)


def _variables(module: Module, functions: set[str]) -> Iterator[str]:
    kept = [v for v in module.variables if v.space in ("global", "const")]
    for v in kept:
        if v.link == ".extern" or not v.count:
            raise PtxError(f"line {v.line}: the variable `{v.name}` is declared, and not there")
        # A text of the compiler's own, such as `$str`, is named so that no assembler takes it.
        label = "" if v.name.startswith("$") else f' __asm__("{v.name}")'
        yield f"extern {TYPES[v.type].unsigned} V_{c_name(v.name)}[{v.count}]{label};"
    for v in kept:
        kind, align = TYPES[v.type], v.align or TYPES[v.type].bytes
        values = ", ".join(_value(x, kind.bits, v, functions) for x in v.values)
        yield f"_Alignas({align}) {kind.unsigned} V_{c_name(v.name)}[{v.count}] = {{{values or '0'}}};"
        if not v.name.startswith("$"):
            yield f'const unsigned long S_{c_name(v.name)} __asm__("emulated_size_{v.name}") = {size_of(v)};'
    items = [f"{{V_{c_name(v.name)}, {size_of(v)}, {int(v.space == 'const')}}}" for v in kept]
    yield f"static const struct variable variables[] = {{{', '.join([*items, '{0, 0, 0}'])}}};"
    yield f"static const unsigned variable_count = {len(items)};"


def _value(value: int | tuple[str, int], bits: int, v: Variable, functions: set[str]) -> str:
    if isinstance(value, int):
        return f"{value % 2**bits:#x}ull" if value % 2**bits > 9 else str(value % 2**bits)
    if bits != 64:
        raise PtxError(f"line {v.line}: an address in {bits} bits is not known")
    name, more = value
    return f"(uint64_t){c_function(name) if name in functions else 'V_' + c_name(name)} + {more}"


def _places(function: Function) -> list[int]:
    places, at = [], 0
    for v in function.parameters:
        at = aligned(at, v)
        places.append(at)
        at += size_of(v)
    return places


def _table(kernels: list[tuple[Function, list[int], int, int]]) -> Iterator[str]:
    rows = []
    for k, (f, places, shared, _) in enumerate(kernels):
        sizes = ", ".join(str(size_of(v)) for v in f.parameters) or "0"
        yield f"static const unsigned sizes_{k}[] = {{{sizes}}};"
        yield f"static const unsigned places_{k}[] = {{{', '.join(map(str, places)) or '0'}}};"
        yield f"static int run_{k}(void **, const unsigned[3], const unsigned[3], unsigned, owner *, char[512]);"
        rows.append(f'{{"{f.name}", {len(places)}, sizes_{k}, {shared}, {f.threads}, run_{k}}}')
    yield f"const struct emulated_kernel emulated_kernels[] = {{{', '.join([*rows, '{0}'])}}};"
    yield f"const unsigned emulated_kernel_count = {len(rows)};"
    for k, (f, _, _, waits) in enumerate(kernels):
        given = f"&emulated_kernels[{k}], {c_function(f.name)}, places_{k}, {waits}"
        yield f"static int run_{k}(void **p, const unsigned *g, const unsigned *b, unsigned d, owner *o, char *r) {{"
        yield f"    return run_kernel({given}, p, g, b, d, o, r);"
        yield "}"


def build(text: str, out: Path) -> None:
    """Make the shared object. Raises PtxError where the text is not understood or gcc fails."""
    source = out.with_suffix(".c")
    source.write_text(translate(text), "utf-8")
    compile_c(source, out)


def compile_c(source: Path, out: Path) -> None:
    if not CC:
        raise PtxError("there is no gcc")
    here = Path(__file__).parent
    command = [CC, *FLAGS, f"-I{here}", str(source), "-o", str(out), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PtxError(f"gcc failed: {done.stderr[:2000]}")


def main() -> int:
    given, out = sys.argv[1:]
    try:
        build(Path(given).read_text("utf-8", "replace"), Path(out))
    except PtxError as error:
        print(f"{given}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
