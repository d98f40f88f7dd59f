"""Equations in textbook notation: names for values that have one, operators and parentheses for the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dsl.records import dataclass

from ..ir import Eqn, Operand, Primitive, Program, Var, bodies, fill, with_params
from ..ops.constants import is_constant

LONGEST = 72
"""Maximum characters of an expression; parts of a longer one get names."""
SHORT, SHORT_CALL = 16, 32
"""Maximum characters of an expression, and of a call, that is repeated rather than named if used twice."""

FEW, FIRST = 16, 6
"""Of a list or an array of more elements than `FEW`, only the `FIRST` are written."""

_SIGN = re.compile(r"\{(\d)\} (\S+) \{(\d)\}")
_LEVELS = dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 1) | {"&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "@": 4}
_MINUS, _BEHIND, _ATOM = 3, 5, 6
_LITERAL = "-1"
"""The operator of a negative number."""
_CHAINS = frozenset({("*", "*"), ("*", "/"), ("/", "*"), ("/", "/"), ("@", "@")})
"""Pairs of operators of equal precedence that associate to the left without parentheses."""


class Text(NamedTuple):
    """An expression; `level` is the precedence of its outermost operator, `sign` the operator."""

    text: str
    level: int = _ATOM
    sign: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """`name = text`. `vars`: the values named, several for an equation with several results. `inner`: the formulas of a
    loop body."""

    name: str
    text: str
    vars: tuple[Var, ...]
    inner: tuple[str, ...] = ()


class Notation:
    """The values of a program by name, and the formulas that relate them.

    `names`: the given names; `t1`, `t2`, ... are added for long expressions and those used several times. Each value is
    explained once, in the formulas of the first value that needs it.
    """

    def __init__(self, program: Program, names: Mapping[Var, str], prefix: str = "t") -> None:
        self.names = {v: v.hint for v in program.inputs if v.hint} | dict(names)
        self._producers = {v: eqn for eqn in program.eqns for v in eqn.outputs}
        self._order = {eqn: number for number, eqn in enumerate(program.eqns)}
        self._uses = Counter(x for eqn in program.eqns for x in eqn.operands)
        self._explained: set[Var] = set(program.inputs)
        self._texts: dict[Var, Text] = {}
        self._prefix, self._count = prefix, 0

    def name(self, names: Mapping[Var, str]) -> None:
        """Add names of values; existing names are kept."""
        self.names = {**names, **self.names}

    def formulas(self, var: Var) -> list[Formula]:
        """The formulas that lead to a named value from other named values or values explained before; the last formula
        is its own. Empty if it was explained before."""
        if var in self._explained:
            return []
        self._explained.add(var)
        formulas: list[Formula] = []
        eqn = self._producers[var]
        self._prepare(eqn, formulas)
        if bodies(eqn):
            self._loop(eqn, formulas)
            return formulas
        text = self._apply(eqn, formulas)
        return [*formulas, Formula(self.names[var], text.text, (var,))]

    def _prepare(self, eqn: Eqn, formulas: list[Formula]) -> None:
        """Write the operands of an equation in program order: recursion would overflow Python's stack for long
        chains."""
        needed: dict[Eqn, Var] = {}
        work = list(eqn.operands)
        while work:
            x = work.pop()
            producer = self._producers.get(x)
            if producer is not None and x not in self.names and x not in self._texts and producer not in needed:
                needed[producer] = x
                work += producer.operands
        for producer in sorted(needed, key=self._order.__getitem__):
            self._expression(needed[producer], formulas)

    def _expression(self, x: Operand, formulas: list[Formula]) -> Text:
        """What stands for an operand; formulas of parts that get a name of their own are added to `formulas`."""
        if not isinstance(x, Var):
            return _number(x)
        if x in self.names:
            return Text(self.names[x])
        if x not in self._texts:
            eqn = self._producers[x]
            if bodies(eqn):
                self._loop(eqn, formulas)
                return Text(self.names[x])
            text = self._apply(eqn, formulas)
            # A call needs no parentheses, and stays readable when longer.
            short = SHORT if text.level < _ATOM else SHORT_CALL
            if len(text.text) > (short if self._uses[x] > 1 else LONGEST):
                self._give_name(x)
                self._explained.add(x)
                formulas.append(Formula(self.names[x], text.text, (x,)))
                return Text(self.names[x])
            self._texts[x] = text
        return self._texts[x]

    def _give_name(self, var: Var) -> str:
        if var not in self.names:
            taken = set(self.names.values())
            while (name := f"{self._prefix}{self._count + 1}") in taken:
                self._count += 1
            self._count += 1
            self.names[var] = name
        return self.names[var]

    def _apply(self, eqn: Eqn, formulas: list[Formula]) -> Text:
        """An equation's primitive on the texts of its inputs."""
        numbers = self._numbers(eqn)
        if numbers:
            return Text(_listed(numbers, eqn.output.shape[1:]))
        template = template_of(eqn.op, eqn.params)
        inputs = [self._expression(x, formulas) for x in eqn.inputs]
        if template == "{0}":
            return inputs[0]
        sign = _SIGN.fullmatch(template)
        if sign is not None and sign[2] == "*" and eqn.inputs[0] is eqn.inputs[-1]:
            return Text(f"{_bracketed(inputs[0], inputs[0].level < _ATOM)}^2", _BEHIND)
        if sign is not None and sign[2] == "+" and eqn.inputs[0] is eqn.inputs[-1]:
            return Text(f"2 * {_bracketed(inputs[0], inputs[0].level < _LEVELS['*'])}", _LEVELS["*"], "*")
        if sign is not None:
            left, right = inputs[int(sign[1])], inputs[int(sign[3])]
            if sign[2] == "*" and "1" in (left.text, right.text):
                return left if right.text == "1" else right
            operation = Text("", _LEVELS[sign[2]], sign[2])
            if operation.sign == "+" and right.text.startswith("-") and right.sign != "-":
                operation, right = operation._replace(sign="-"), right._replace(text=right.text[1:])
            return operation._replace(text=f"{_left(left, operation)} {operation.sign} {_right(right, operation)}")
        if template == "-{0}":
            return Text(f"-{_bracketed(inputs[0], inputs[0].level <= _MINUS)}", _MINUS, "-")
        if template.startswith("{0}"):
            inputs[0] = Text(_bracketed(inputs[0], inputs[0].level < _ATOM))
            inputs[1:] = [Text(_bracketed(x, x.level < _ATOM and "[" not in template)) for x in inputs[1:]]
            return Text(fill(template, [x.text for x in inputs]), _BEHIND)
        return Text(fill(template, [x.text for x in inputs]))

    def _numbers(self, eqn: Eqn) -> list[float]:
        """The numbers of a value that is a list in the file: constants side by side. Empty for other values."""
        joined = self._producers.get(eqn.operands[0]) if eqn.op.trait == "view" else eqn
        if joined is None or joined.op.concat_starts is None or eqn.output.aval.size != joined.output.aval.size:
            return []
        parts = [self._producers.get(x) for x in joined.operands]
        constants = [part for part in parts if part is not None and is_constant(part)]
        if len(constants) < len(parts):
            return []
        return [part.params["value"] for part in constants for _ in range(part.output.aval.size)]

    def _loop(self, eqn: Eqn, formulas: list[Formula]) -> None:
        """The formula of a loop, with those of its body inside."""
        results = ", ".join(self._give_name(v) for v in eqn.outputs)
        self._explained.update(eqn.outputs)
        arguments = [self._expression(x, formulas) for x in eqn.inputs]
        (body,) = bodies(eqn)
        inner = Notation(body, dict(zip(body.inputs, _letters(len(body.inputs)), strict=True)), "u")
        lines = [
            f"with {', '.join(f'{inner.names[v]} = {g.text}' for v, g in zip(body.inputs, arguments, strict=True))}"
        ]
        for number, var in enumerate(body.outputs, start=1):
            inner.names.setdefault(var, f"r{number}")
        for var in body.outputs:
            lines += [line for one in inner.formulas(var) for line in one_line(one)]
        lines.append(f"gives {', '.join(inner.names[v] for v in body.outputs)}")
        counts = {key: value for key, value in eqn.params.items() if isinstance(value, bool | int)}
        about = ", ".join(f"{key} {value}" for key, value in counts.items() if value is not False)
        formulas.append(Formula(results, f"{eqn.op.name} ({about})", eqn.outputs, tuple(lines)))


def one_line(formula: Formula) -> Iterator[str]:
    """The lines of a formula, with inner ones indented."""
    yield f"{formula.name} = {formula.text}"
    yield from (f"  {line}" for line in formula.inner)


def template_of(op: Primitive, params: Mapping[str, object]) -> str:
    """How a primitive is written, with `{0}`, `{1}` for its inputs: by its formula; by its sign, where its text over
    arrays is one; or else as a function of its inputs."""
    if op.formula:
        return with_params(op.formula if isinstance(op.formula, str) else op.formula(**params), params)
    if isinstance(op.numpy, str) and (op.numpy == "-{0}" or _SIGN.fullmatch(op.numpy)):
        return op.numpy
    return f"{op.name}({{*}})"


def _number(value: float | int | bool) -> Text:
    text = f"{value:.6g}"
    return Text(text, _MINUS, _LITERAL) if text.startswith("-") else Text(text)


def _listed(numbers: Sequence[float], shape: Sequence[int]) -> str:
    """Numbers as nested lists, or as the first of many."""
    if len(numbers) > FEW:
        return f"[{', '.join(_number(x).text for x in numbers[:FIRST])}, ...]"
    if not shape:
        return _number(numbers[0]).text
    each = len(numbers) // shape[0]
    inner = (_listed(numbers[i : i + each], shape[1:]) for i in range(0, len(numbers), each))
    return f"[{', '.join(inner)}]"


def _left(x: Text, own: Text) -> str:
    mixed = x.level == own.level == _LEVELS["*"] and (x.sign, own.sign) not in _CHAINS
    return _bracketed(x, (x.level < own.level and x.sign != _LITERAL) or mixed)


def _right(x: Text, own: Text) -> str:
    chained = x.level == own.level and own.sign == "+" and x.sign in ("+", "-") and not x.text.startswith("-")
    return _bracketed(x, x.level < own.level or (x.level == own.level and not chained))


def _bracketed(x: Text, wanted: bool) -> str:
    return f"({x.text})" if wanted else x.text


def _letters(count: int) -> Sequence[str]:
    """Names for the inputs of a body."""
    return [f"x{i + 1}" for i in range(count)]
