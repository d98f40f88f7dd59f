"""A function of PTX as one of C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .ptx_access import ACCESS, Places
from .ptx_arithmetic import ARITHMETIC
from .ptx_syntax import Bracket, Function, Group, Instruction, Label, PtxError, Registers, Statement, Targets, Variable
from .ptx_values import VALUES
from .ptx_waiting import WAITING
from .ptx_words import TYPES, Scope, c_name, unknown

HANDLERS = {**ARITHMETIC, **VALUES, **ACCESS, **WAITING}
KNOWN = {"vprintf": "print_text", "__assertfail": "assertion_failed"}
"""Functions that CUDA's own library would bring, and those of the runtime that do their work."""
_STORED = {"float": "float", "double": "double"}


def size_of(variable: Variable) -> int:
    return TYPES[variable.type].bytes * variable.count


def aligned(at: int, variable: Variable) -> int:
    align = variable.align or TYPES[variable.type].bytes
    return -(-at // align) * align


def c_function(name: str) -> str:
    return f"F_{c_name(name)}"


def head(function: Function) -> str:
    if function.entry:
        return f"static void {c_function(function.name)}(void)"
    names = [f"unsigned char *V_{c_name(v.name)}" for v in (*function.results, *function.parameters)]
    return f"static void {c_function(function.name)}({', '.join(names) or 'void'})"


class Translator(Places):
    """`shared`: where the variables of the block's memory begin. `places`: of the parameters of a kernel."""

    def __init__(self, scope: Scope, functions: Mapping[str, Function]) -> None:
        super().__init__()
        self.scopes = [scope]
        self.all = functions
        self.functions = {name: c_function(name) for name in functions}
        self.functions |= {name: c for name, c in KNOWN.items() if name in functions}

    def function(self, function: Function, shared: int, places: list[int]) -> Iterator[str]:
        body = function.body or []
        self.entry, self.shared, self.local = function.entry, shared, 0
        scope = Scope()
        for variable, place in zip(function.parameters, places or [0] * len(function.parameters)):
            base = f"(parameters + {place})" if function.entry else f"V_{c_name(variable.name)}"
            scope.variables[variable.name] = (variable, base, size_of(variable))
        for variable in function.results:
            scope.variables[variable.name] = (variable, f"V_{c_name(variable.name)}", size_of(variable))
        self.inner = dict(self._scopes(body, scope))
        self.scopes.append(scope)
        self.framed = not function.entry or any(isinstance(s, Variable) and s.space == "local" for s in body)
        lines: list[str] = []
        for k, statement in enumerate(body):
            lines += self.statement(k, statement)
        yield f"{head(function)} {{"
        if self.framed:
            yield f"const uint32_t before = now->top, local = enter({self.local}, 0);"
        yield "uint64_t carry = 0;"
        yield from lines
        yield from self.left()
        yield "}"
        self.scopes.pop()

    def _scopes(self, body: list[Statement], outer: Scope) -> Iterator[tuple[int, Scope]]:
        """The scope that each bracket opens, with its labels, which may be named before they come."""
        open_ = [outer]
        for k, statement in enumerate(body):
            if isinstance(statement, Bracket):
                if statement.opens:
                    open_.append(Scope())
                    yield k, open_[-1]
                else:
                    open_.pop()
            elif isinstance(statement, Label):
                open_[-1].labels[statement.name] = k
            elif isinstance(statement, Targets):
                open_[-1].targets[statement.name] = statement.labels

    def left(self) -> Iterator[str]:
        if self.framed and not self.entry:
            yield "leave(before);"

    def statement(self, k: int, statement: Statement) -> Iterator[str]:
        if isinstance(statement, Bracket):
            if statement.opens:
                self.scopes.append(self.inner[k])
            else:
                self.scopes.pop()
            yield "{" if statement.opens else "}"
        elif isinstance(statement, Label):
            yield f"L{k}:;"
        elif isinstance(statement, Registers):
            kind = TYPES[statement.type]
            c = kind.c if kind.kind == "float" else kind.unsigned
            for name in statement.names:
                self.scopes[-1].registers[name] = kind
            yield f"{c} {', '.join(c_name(f'R{name}') + ' = 0' for name in statement.names)};"
        elif isinstance(statement, Variable):
            yield from self.variable(statement)
        elif isinstance(statement, Instruction):
            yield from self.guarded(k, statement)

    def variable(self, v: Variable) -> Iterator[str]:
        base = f"V_{c_name(v.name)}"
        if v.space == "shared" and v.count:
            self.shared = aligned(self.shared, v)
            base, self.shared = str(self.shared), self.shared + size_of(v)
        elif v.space == "shared":
            base = "(launch.shared - launch.dynamic)"
        elif v.space == "local":
            self.local = aligned(self.local, v)
            base, self.local = f"(local + {self.local})", self.local + size_of(v)
        elif v.space == "param":
            yield f"_Alignas(16) unsigned char {base}[{max(size_of(v), 1)}];"
        else:
            raise PtxError(f"line {v.line}: a variable of the space `{v.space}` in a function is not known")
        self.scopes[-1].variables[v.name] = (v, base, size_of(v))

    # Instructions ----------------------------------------------------------------------------------------------------
    def guarded(self, k: int, i: Instruction) -> Iterator[str]:
        lines = list(self.instruction(k, i))
        if i.predicate:
            test = self.read(i, i.predicate, TYPES["pred"])
            yield f"if ({'!' if i.negated else ''}{test}) {{ {' '.join(lines)} }}"
        elif len(lines) > 1:
            yield f"{{ {' '.join(lines)} }}"
        else:
            yield from lines

    def instruction(self, k: int, i: Instruction) -> Iterator[str]:
        if i.op in HANDLERS:
            try:
                yield from HANDLERS[i.op](self, i)
            except (ValueError, IndexError, KeyError) as error:
                raise unknown(i, f"its operands or qualifiers ({error})") from None
        elif i.op == "bra":
            yield self.jump(k, i, str(i.operands[0]))
        elif i.op == "brx":
            labels = self.find("targets", str(i.operands[1]))
            assert isinstance(labels, tuple)
            cases = [f"case {n}: {self.jump(k, i, label)}" for n, label in enumerate(labels)]
            yield f"switch ({self.number(i, i.operands[0])}) {{ {' '.join(cases)} }}"
            yield f'fault(FAILED, {i.line}, "a branch by an index beyond its targets");'
        elif i.op == "ret":
            yield from self.left()
            yield "return;"
        elif i.op == "exit":
            yield "ends();"
        elif i.op == "trap":
            yield f'fault(FAILED, {i.line}, "a trap");'
        elif i.op == "call":
            yield from self.call(i)
        else:
            raise unknown(i)

    def jump(self, k: int, i: Instruction, label: str) -> str:
        place = self.find("labels", label)
        if not isinstance(place, int):
            raise PtxError(f"line {i.line}: the label `{label}` is not declared")
        return f"{f'turn_back({i.line}); ' if place <= k else ''}goto L{place};"

    def call(self, i: Instruction) -> Iterator[str]:
        groups = [x for x in i.operands if isinstance(x, Group)]
        names = [x for x in i.operands if isinstance(x, str)]
        results = groups[0].items if i.operands and isinstance(i.operands[0], Group) else ()
        given = next((x.items for x in i.operands[1:] if isinstance(x, Group)), ())
        passed = []
        for x in (*results, *given):
            found = self.find("variables", str(x))
            if not isinstance(found, tuple):
                raise unknown(i, f"`{x}` is passed")
            passed.append(found[1])
        if self.find("registers", names[0]) is not None:
            kinds = ", ".join(["unsigned char *"] * len(passed)) or "void"
            at = self.read(i, names[0], TYPES["u64"])
            yield f"((void (*)({kinds}))function_at({at}, {i.line}))({', '.join(passed)});"
            return
        function = self.all.get(names[0])
        if function is None or (function.body is None and names[0] not in KNOWN):
            raise PtxError(f"line {i.line}: the function `{names[0]}` is called, and not there")
        if len(passed) != len(function.results) + len(function.parameters):
            raise unknown(i, "the number of its parameters")
        yield f"{self.functions[names[0]]}({', '.join(passed)});"
