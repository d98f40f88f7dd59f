"""A prediction program as one self-contained C file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...ir import FLOATS, Program, Var, identifiers
from ...ops import c_names, portable_functions
from ...passes import ITEM, dense, plan, split_arena
from ..c.identifiers import C_KEYWORDS, readable_name
from ..c.literals import c_literal
from ..c.memory import C_TYPE, offset
from ..c.parts import code_of
from .contraction import nest
from .decompose import decompose_rows
from .signature import Interface, Signature, rows
from .text import ARENAS, WORDS, PortableText

STACK = 1 << 16
"""Maximum bytes of values on the stack; threads have at least 128 KiB of it."""
FRAME = 512
"""Estimated bytes of stack for everything else, in optimised code."""


def portable_source(
    program: Program,
    arrays: Mapping[Var, Any],
    hints: Mapping[Var, str],
    describe: Callable[[object], str],
    name: str,
    interface: Interface,
    xp: Any,
) -> str:
    """The C file of a program for one row, whose inputs are those that are `interface`, except `arrays`, which have the
    given values. Its function is `<name>_predict`, or `<name>_predict_in`, which works in memory of the caller, if a
    thread's stack may be too small. Raises CannotExportError."""
    return _File(program, arrays, hints, describe, name, interface, xp).text()


class _File:
    def __init__(
        self,
        program: Program,
        arrays: Mapping[Var, Any],
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        name: str,
        interface: Interface,
        xp: Any,
    ) -> None:
        feeds = [v for v in program.inputs if v not in arrays]
        self.plan, self.sections = split_arena(plan(decompose_rows(program), feeds))
        self.name, self.interface, self.xp = name, interface, xp
        self.tables: dict[str, str] = {}
        text = PortableText(self.plan, hints, describe, self.sections, {}, self._table)
        for v in self.plan.states:
            text.homes[self.plan.places[v].buffer] = self._table(text.names[v], arrays[v])
        self.memory = text.memory
        body = [line.rstrip() for line in text.function(xp) if line.strip() != "EACH"]
        arguments = self._arguments()
        inputs, outputs = arguments[: len(feeds)], arguments[len(feeds) :]
        results = [
            line
            for v, argument in zip(program.outputs, outputs, strict=True)
            for line in self._copy_output(v, argument)
        ]
        read = set(re.findall(r"\w+", "\n".join((*body, *results))))
        operands = {*program.outputs, *(x for eqn in program.eqns for x in eqn.operands)}
        # Nothing reads the labels of an only class.
        used = {v for v in feeds if v in operands and ARENAS[v.dtype] in read}
        self.statements = [
            *(line for k, v in enumerate(feeds) for line in self._copy_input(k, v, inputs[k], v in used)),
            *body,
            *results,
        ]
        self.words = set(re.findall(r"\w+", "\n".join(self.statements)))
        # Values of some dtypes are all in loops.
        self.arenas = {dtype: len(section) for dtype, section in self.sections.items() if ARENAS[dtype] in self.words}
        size = sum(self.arenas.values())
        declared = (_LOCAL.match(line) for line in body)
        scratch = sum(ITEM[_DTYPES[match[1]]] * int(match[2]) for match in declared if match is not None)
        work = size // 8 if size > STACK else 0
        stack = FRAME + scratch + (0 if work else size)
        self.signature = Signature(f"{name}_predict{'_in' if work else ''}", arguments, interface, work, stack)

    def _arguments(self) -> list[str]:
        """The names of inputs and outputs in C."""
        hints = [readable_name(one.name) or f"{one.name}_" for one in self.interface.slots]
        named = {Var(v.aval): hint for v, hint in zip((*self.plan.feeds, *self.plan.program.outputs), hints)}
        own = (f"{self.name}_predict", f"{self.name}_predict_in", "n", *(f"i{k}" for k in range(10)))
        taken = {*C_KEYWORDS, *WORDS, *c_names(), *C_TYPE.values(), *self.tables, *own}
        return list(identifiers(named, named, taken).values())

    def text(self) -> str:
        """The whole file."""
        body = "\n".join(self._definition())
        tables = (text for table, text in self.tables.items() if table in self.words)
        parts = [self.signature.comment(), portable_functions(code_of(body)), *tables, body]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    # Weights ----------------------------------------------------------------------------------------------------------
    def _table(self, name: str, values: Any) -> str:
        """The name of a table of constants."""
        array = self.xp.asarray(values)
        own = base = f"{self.name}_{name}"
        number = 1
        while own in self.tables:
            number += 1
            own = f"{base}_{number}"
        shape = f" /* {' x '.join(map(str, array.shape))} */" if array.ndim > 1 else ""
        flat = array.reshape(-1)
        head = f"static const {C_TYPE[str(array.dtype)]} {own}[{max(flat.size, 1)}] = {{"
        numbers = ",\n    ".join(rows(_numbers(flat), 112)) if flat.any() else ""
        self.tables[own] = f"{head}{shape}\n    {numbers}\n}};" if numbers else f"{head}0}};{shape}"
        return own

    # The function -----------------------------------------------------------------------------------------------------
    def _definition(self) -> Iterator[str]:
        prototype = self.signature.prototype
        yield from ("#ifdef __cplusplus", 'extern "C"', "#endif", f"{prototype};", "", f"{prototype} {{")
        at = 0
        for dtype, size in self.arenas.items():
            kind, arena = C_TYPE[dtype], ARENAS[dtype]
            if self.signature.work:
                yield f"    {kind} *const {arena} = ({kind} *)(work + {at // 8});"
            else:
                yield f"    {kind} {arena}[{size // ITEM[dtype]}];"
            at += size
        yield from self.statements
        yield from ("    return 0;", "}")

    def _copy_input(self, k: int, v: Var, name: str, used: bool) -> Iterator[str]:
        """An input is validated, and copied to its place, which may be overwritten."""
        one, place = self.interface.inputs[k], self.plan.places[v]
        wrong = f"{name}[n] < 0 || {name}[n] >= {one.classes}" if one.classes else f"!({name}[n] - {name}[n] == 0)"
        start = (place.buffer.start - self.sections[v.dtype].start) // ITEM[v.dtype] + place.offset
        yield f"    for (int64_t n = 0; n < {one.size}; n++) {{"
        yield f"        if ({wrong}) return {k + 1};"
        if used:
            yield f"        {ARENAS[v.dtype]}[{f'{start} + ' if start else ''}n] = {name}[n];"
        yield "    }"

    def _copy_output(self, v: Var, name: str) -> Iterator[str]:
        """An output is copied to the caller."""
        memory = self.memory()
        read = memory.access(v, v.shape)
        index = [f"i{k}" if n > 1 else "0" for k, n in enumerate(v.shape)]
        lines = nest(index, v.shape, [f"{name}[{offset(index, dense(v.shape))}] = {read.at(index)};"])
        yield from ("    {", *(f"        {line}" for line in (*memory.declarations(), *lines)), "    }")


def _numbers(values: Any) -> list[str]:
    """Exact: floats in hexadecimal."""
    dtype = str(values.dtype)
    if dtype not in FLOATS:
        return [c_literal(x, dtype) for x in values.tolist()]
    mark = "f" if dtype == "float32" else ""
    texts = _ZEROS.sub("p", " ".join(x.hex() for x in values.tolist())).split()
    return [f"{text}{mark}" if "x" in text else c_literal(float(text), dtype).strip("()") for text in texts]


_ZEROS = re.compile(r"\.?0*p")
_LOCAL = re.compile(r" *(\w+) \w+\[(\d+)\];")
_DTYPES = {kind: dtype for dtype, kind in C_TYPE.items()}
