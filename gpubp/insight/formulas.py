"""Equations as a textbook writes them: names for the values that have one, signs and brackets for what lies between."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dsl.records import dataclass

from ..ir import Eqn, Operand, Primitive, Program, Var, bodies, fill, with_params

LONGEST = 72
"""Signs of an expression from which on a part of it gets a name of its own."""
SHORT, SHORT_CALL = 16, 32
"""Signs of an expression, and of a call, that is rather written twice than named."""

_SIGN = re.compile(r"\{(\d)\} (\S+) \{(\d)\}")
_LEVELS = dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 1) | {"&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "@": 4}
_MINUS, _BEHIND, _ATOM = 3, 5, 6
_LITERAL = "-1"
"""In the place of a sign: the text is a negative number."""
_CHAINS = frozenset({("*", "*"), ("*", "/"), ("/", "*"), ("/", "/"), ("@", "@")})
"""Signs of one level that read from left to right without brackets."""


class Text(NamedTuple):
    """An expression; `level` says how tightly its outermost sign binds, `sign` which it is."""

    text: str
    level: int = _ATOM
    sign: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """`name = text`. `vars` are the values of the name; several where an equation gives several. `inner`: the formulas
    of a body that is run many times."""

    name: str
    text: str
    vars: tuple[Var, ...]
    inner: tuple[str, ...] = ()


class Notation:
    """The values of a program by name, and the formulas that make them of each other.

    `names` are those that have one at first; `t1`, `t2`, ... are given to what is long or used several times. Every
    value is explained once, in the formulas of the first that needs it.
    """

    def __init__(self, program: Program, names: Mapping[Var, str], prefix: str = "t") -> None:
        self.names = {v: v.hint for v in program.inputs if v.hint} | dict(names)
        self._makers = {v: eqn for eqn in program.eqns for v in eqn.outputs}
        self._order = {eqn: number for number, eqn in enumerate(program.eqns)}
        self._uses = Counter(x for eqn in program.eqns for x in eqn.operands)
        self._told: set[Var] = set(program.inputs)
        self._texts: dict[Var, Text] = {}
        self._prefix, self._count = prefix, 0

    def name(self, names: Mapping[Var, str]) -> None:
        """Give more values a name; one that has a name keeps it."""
        self.names = {**names, **self.names}

    def formulas(self, var: Var) -> list[Formula]:
        """The formulas that lead to a named value from others that are named, or were told before; the last one is its
        own. None where it was told before."""
        if var in self._told:
            return []
        self._told.add(var)
        found: list[Formula] = []
        eqn = self._makers[var]
        self._prepare(eqn, found)
        if bodies(eqn):
            self._loop(eqn, found)
            return found
        text = self._applied(eqn, found)
        return [*found, Formula(self.names[var], text.text, (var,))]

    def _prepare(self, eqn: Eqn, found: list[Formula]) -> None:
        """Write what an equation is made of in the order of the program: a chain may be longer than Python's stack."""
        needed: dict[Eqn, Var] = {}
        work = list(eqn.operands)
        while work:
            x = work.pop()
            maker = self._makers.get(x)
            if maker is not None and x not in self.names and x not in self._texts and maker not in needed:
                needed[maker] = x
                work += maker.operands
        for maker in sorted(needed, key=self._order.__getitem__):
            self._expression(needed[maker], found)

    def _expression(self, x: Operand, found: list[Formula]) -> Text:
        """What stands for an operand; formulas of parts that get a name of their own are added to `found`."""
        if not isinstance(x, Var):
            return _number(x)
        if x in self.names:
            return Text(self.names[x])
        if x not in self._texts:
            eqn = self._makers[x]
            if bodies(eqn):
                self._loop(eqn, found)
                return Text(self.names[x])
            text = self._applied(eqn, found)
            # A call needs no brackets around it, and is read at a glance for longer.
            short = SHORT if text.level < _ATOM else SHORT_CALL
            if len(text.text) > (short if self._uses[x] > 1 else LONGEST):
                self._named(x)
                self._told.add(x)
                found.append(Formula(self.names[x], text.text, (x,)))
                return Text(self.names[x])
            self._texts[x] = text
        return self._texts[x]

    def _named(self, var: Var) -> str:
        if var not in self.names:
            taken = set(self.names.values())
            while (name := f"{self._prefix}{self._count + 1}") in taken:
                self._count += 1
            self._count += 1
            self.names[var] = name
        return self.names[var]

    def _applied(self, eqn: Eqn, found: list[Formula]) -> Text:
        """An equation's primitive on the texts of its inputs."""
        template = template_of(eqn.op, eqn.params)
        inputs = [self._expression(x, found) for x in eqn.inputs]
        if template == "{0}":
            return inputs[0]
        sign = _SIGN.fullmatch(template)
        if sign is not None and sign[2] == "*" and eqn.inputs[0] is eqn.inputs[-1]:
            return Text(f"{_bracketed(inputs[0], inputs[0].level < _ATOM)}^2", _BEHIND)
        if sign is not None:
            left, right = inputs[int(sign[1])], inputs[int(sign[3])]
            if sign[2] == "*" and "1" in (left.text, right.text):
                return left if right.text == "1" else right
            own = Text("", _LEVELS[sign[2]], sign[2])
            if own.sign == "+" and right.text.startswith("-") and right.sign != "-":
                own, right = own._replace(sign="-"), right._replace(text=right.text[1:])
            return own._replace(text=f"{_left(left, own)} {own.sign} {_right(right, own)}")
        if template == "-{0}":
            return Text(f"-{_bracketed(inputs[0], inputs[0].level <= _MINUS)}", _MINUS, "-")
        if template.startswith("{0}"):
            inputs[0] = Text(_bracketed(inputs[0], inputs[0].level < _ATOM))
            inputs[1:] = [Text(_bracketed(x, x.level < _ATOM and "[" not in template)) for x in inputs[1:]]
            return Text(fill(template, [x.text for x in inputs]), _BEHIND)
        return Text(fill(template, [x.text for x in inputs]))

    def _loop(self, eqn: Eqn, found: list[Formula]) -> None:
        """The formula of an equation with a body, and inside of it those of the body."""
        results = ", ".join(self._named(v) for v in eqn.outputs)
        self._told.update(eqn.outputs)
        given = [self._expression(x, found) for x in eqn.inputs]
        (body,) = bodies(eqn)
        inner = Notation(body, dict(zip(body.inputs, _letters(len(body.inputs)), strict=True)), "u")
        lines = [f"with {', '.join(f'{inner.names[v]} = {g.text}' for v, g in zip(body.inputs, given, strict=True))}"]
        for number, var in enumerate(body.outputs, start=1):
            inner.names.setdefault(var, f"r{number}")
        for var in body.outputs:
            lines += [line for one in inner.formulas(var) for line in one_line(one)]
        lines.append(f"gives {', '.join(inner.names[v] for v in body.outputs)}")
        counts = {key: value for key, value in eqn.params.items() if isinstance(value, bool | int)}
        about = ", ".join(f"{key} {value}" for key, value in counts.items() if value is not False)
        found.append(Formula(results, f"{eqn.op.name} ({about})", eqn.outputs, tuple(lines)))


def one_line(formula: Formula) -> Iterator[str]:
    """The lines of a formula, what is inside of it set in."""
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


def _left(x: Text, own: Text) -> str:
    mixed = x.level == own.level == _LEVELS["*"] and (x.sign, own.sign) not in _CHAINS
    return _bracketed(x, (x.level < own.level and x.sign != _LITERAL) or mixed)


def _right(x: Text, own: Text) -> str:
    chained = x.level == own.level and own.sign == "+" and x.sign in ("+", "-") and not x.text.startswith("-")
    return _bracketed(x, x.level < own.level or (x.level == own.level and not chained))


def _bracketed(x: Text, wanted: bool) -> str:
    return f"({x.text})" if wanted else x.text


def _letters(count: int) -> Sequence[str]:
    """Names for what a body takes."""
    return [f"x{i + 1}" for i in range(count)]
