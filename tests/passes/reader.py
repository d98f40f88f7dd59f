"""Programs out of the text that they print as: what goes into a pass, and what comes out, lie in files."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gpubp.ir import PRIMITIVES, Aval, Eqn, Operand, Program, Var, verify

GOLDEN = Path(__file__).parent.parent / "golden" / "passes"
_LONG = {"f": "float", "i": "int", "u": "uint"}
_PARAM = re.compile(r"(\w+)=(\((?:[^()]|\([^()]*\))*\)|'[^']*'|\S+)\s*")


def cases(name: str) -> list[tuple[str, str, str]]:
    """The cases of a file: title, the program that goes in, the one that comes out."""
    found = []
    for part in (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split("## ")[1:]:
        title, _, texts = part.partition("\n")
        before, after = texts.strip().split("\n=>\n")
        found.append((title, before, after))
    return found


def read(text: str) -> Program:
    """The verified program that prints as `text`."""
    lines = [line.strip() for line in text.strip().splitlines()]
    program = _program(lines)
    assert not lines, lines[0]
    return verify(program)


def _program(lines: list[str]) -> Program:
    """Takes the lines of one program off the front; an equation's body follows its line."""
    vars_: dict[str, Var] = {}
    line = lines.pop(0)
    head = re.fullmatch(r"program\((.*)\) \{", line)
    assert head is not None, line
    inputs = [_declared(word, vars_) for word in _words(head[1])]
    eqns: list[Eqn] = []
    updates: list[tuple[Var, Var]] = []
    outputs: tuple[Var, ...] = ()
    guard: Var | None = None
    while (line := lines.pop(0)) != "}":
        if line.startswith("return"):
            outputs = tuple(vars_[name] for name in line.removeprefix("return").replace(",", " ").split())
        elif line.startswith("if "):
            guard = vars_[line.removeprefix("if ").rstrip(":")]
        elif " <- " in line:
            state, value = line.split(" <- ")
            updates.append((vars_[state], vars_[value]))
        else:
            body = {"body": _program(lines)} if lines[0].startswith("program(") else {}
            eqns.append(_equation(line, vars_, body))
    return Program(tuple(inputs), tuple(eqns), outputs, tuple(updates), guard)


def _words(text: str) -> list[str]:
    """`a:f32[2,3], b:i64[]` divided at the commas outside of brackets."""
    return re.findall(r"\w+:\w+\[[^\]]*\]", text)


def _declared(word: str, vars_: dict[str, Var]) -> Var:
    name, kind, bits, shape = re.fullmatch(r"(\w+):([a-z]+)(\d*)\[(.*)\]", word).groups()  # type: ignore[union-attr]
    hint = "" if re.fullmatch(r"t\d+", name) else name
    dims = tuple(int(n) for n in shape.split(",") if n)
    vars_[name] = Var(Aval(dims, _LONG.get(kind, kind) + bits), hint)
    return vars_[name]


def _equation(line: str, vars_: dict[str, Var], body: dict[str, Program]) -> Eqn:
    left, _, right = line.partition(" = ")
    op, _, rest = right.partition(" ")
    params: dict[str, Any] = dict(body)
    while (match := _PARAM.match(rest)) is not None:
        params[match[1]] = ast.literal_eval(match[2])
        rest = rest[match.end() :]
    operands = tuple(_operand(word, vars_) for word in rest.split())
    outputs = tuple(_declared(word, vars_) for word in _words(left))
    return Eqn(PRIMITIVES[op], operands, MappingProxyType(params), outputs)


def _operand(word: str, vars_: dict[str, Var]) -> Operand:
    if word in vars_:
        return vars_[word]
    number: float | int | bool = float(word) if word in ("nan", "inf", "-inf") else ast.literal_eval(word)
    return number
