"""Translation of statements of other tools: loops as statements, weights, Keras's `Sequential`."""

from __future__ import annotations

import re

from .tokens import Tokens
from .wording import short

_ASSIGNED = re.compile(r"(?:(\{)|:)\s*+\w++\s*+=\s*+(\w++)\s*+->\s*+([^\n{}#]++)(?(1)\s*+\}|)")
"""The only statement of a loop, in braces or as in Python: the name on its right, and the stages after it."""
_PYTHON_RANGE = re.compile(r"(?:range\()?(\d+)\)?")
_SEQUENTIAL = re.compile(r"\s*+(?:\w++\.)*+Sequential\(\s*+\[?")
_LAYER = re.compile(r"\s*+(?:\w++\.)*+(\w++)\(((?:[^()\n]++|\([^()\n]*+\))*+)\)\s*+,?")
_ACTIVATION = re.compile(r"""(?:,\s*)?activation\s*=\s*['"]?(\w+)['"]?""")
_IF = re.compile(r"(?:if|else\s++if|elif) ([^\n{}:]*+)[{:]\s*+(\w++) = ([^\n{}#]++)\s*+\}?+\s*+")
_ELSE = re.compile(r"else\s*+[{:]\s*+(\w++) = ([^\n{}#]++)")
_DECLARED = re.compile(r"\w++\s++(\w++)(?:\s*+[=:][^\[\n]*+(\[[\w ,]++\]))?")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_GROW = (
    "what accumulates is the value that flows: `block grow() on x { return concat(x, ...) }`, then "
    "`x -> repeat n { grow }`"
)


def loop_as_statement(tokens: Tokens, first: int) -> tuple[str, ...]:
    """The help for `for i in 1..3 { x = x -> dense(8) }`, or the same in Python, from token `first` on."""
    word, text = str(tokens.all[first]), tokens.source.text[tokens.span(first).start :]
    head = re.match(r"[^\n{:]*", text)
    written = head[0].strip() if head else word
    body = _ASSIGNED.match(text, head.end() if head else 0)
    variable, _, over = written.partition(" in ")
    number = _PYTHON_RANGE.fullmatch(over.strip())
    if number:
        written = f"{variable} in 1..{number[1]}"
    if body:
        remedy = f"`h = {body[2]} -> {short(written, 60)} {{ {short(body[3].strip(), 60)} }}`; read `h` below it"
        return (f"a loop of stages gives one value: {remedy}",)
    return f"one stage after the other: `h = x -> {short(written, 60)} {{ dense(8) -> relu }}`", _GROW


def if_as_statement(text: str) -> str:
    """The translation of `if a { h = ... } else { h = ... }` at the start of a text, also with `else if` in between;
    "" for anything else."""
    names, written, place = set(), "", 0
    while found := _IF.match(text, place):
        condition, name, value = found.groups()
        names.add(name)
        written += f"if {condition.strip()} then {value.strip()} else "
        place = found.end()
    last = _ELSE.match(text, place)
    if last is None or names != {last[1]}:
        return ""
    return f"{last[1]} = {written}{last[2].strip()}"


def free_weight(text: str) -> str:
    """The statement that `weight W = [2, 3]` or its like at the start of a text means, with the name and, where it is
    told, the shape."""
    found = _DECLARED.match(text)
    name, shape = (found[1], found[2]) if found else ("W", None)
    return f"{short(name)} = weight({short(shape or '[2, 3]')})"


def sequential(text: str) -> str:
    """The pipe equivalent to `Sequential([Dense(8, activation="relu"), ...])` at the start of a text; "" for anything
    else."""
    start = _SEQUENTIAL.match(text)
    stages: list[str] = []
    layer = _LAYER.match(text, start.end()) if start else None
    while layer:
        options, activation = _ACTIVATION.sub("", layer[2]).strip(), _ACTIVATION.search(layer[2])
        name = _HUMP.sub("_", layer[1]).lower()
        if name not in ("input", "input_layer"):
            stages.append(f"{name}({options})" if options else name)
        stages += [activation[1]] if activation else []
        layer = _LAYER.match(text, layer.end())
    return " -> ".join(["x", *stages]) if stages else ""
