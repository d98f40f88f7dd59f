"""PTX text as syntax."""

from __future__ import annotations

from collections.abc import Iterator

from .ptx_syntax import (
    LINES,
    LINKS,
    SPACES,
    Address,
    Bracket,
    Function,
    Group,
    Instruction,
    Label,
    Module,
    Operand,
    PtxError,
    Registers,
    Statement,
    Targets,
    Variable,
    bits,
    tokens,
)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [*tokens(text), ("", 0)]
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at][0]

    @property
    def line(self) -> int:
        return self.tokens[self.at][1]

    def take(self, wanted: str = "") -> str:
        found = self.next
        if not found or (wanted and found != wanted):
            raise PtxError(f"line {self.line}: `{found}` stands where `{wanted or 'more'}` is expected")
        self.at += 1
        return found

    def takes(self, wanted: str) -> bool:
        if self.next != wanted:
            return False
        self.at += 1
        return True

    def rest_of_line(self) -> None:
        line = self.line
        while self.next and self.line == line:
            self.at += 1

    # Modules ---------------------------------------------------------------------------------------------------------
    def module(self) -> Module:
        made = Module()
        while self.next:
            if self.next in LINES:
                self.rest_of_line()
                continue
            if self.next == ".section":
                self.until("{")
                self.until("}")
                continue
            if self.next == ".pragma":
                self.until(";")
                continue
            link = self.take() if self.next in LINKS else ""
            if self.next in (".entry", ".func"):
                made.functions.append(self.function())
            elif self.next in SPACES:
                made.variables += self.variables(link)
            else:
                raise PtxError(f"line {self.line}: `{self.next}` is not known")
        return made

    def until(self, last: str) -> None:
        while self.take() != last:
            pass

    def function(self) -> Function:
        entry = self.take() == ".entry"
        results = self.parameters() if self.next == "(" else []
        name = self.take()
        made = Function(name, entry, self.parameters() if self.next == "(" else [], results)
        while self.next not in ("{", ";"):
            directive = self.take()
            if directive in (".maxntid", ".reqntid"):
                made.threads = int(self.take())
                while self.takes(","):
                    made.threads *= int(self.take())
            elif directive in (".minnctapersm", ".maxnreg", ".maxnctapersm", ".pragma"):
                self.take()
            elif directive != ".noreturn":
                raise PtxError(f"line {self.line}: the directive `{directive}` is not known")
        if not self.takes(";"):
            self.take("{")
            made.body = list(self.body())
        return made

    def parameters(self) -> list[Variable]:
        self.take("(")
        made: list[Variable] = []
        while not self.takes(")"):
            made += self.declared("", (",", ")"))
            self.takes(",")
        return made

    # Variables -------------------------------------------------------------------------------------------------------
    def variables(self, link: str) -> list[Variable]:
        made = self.declared(link, (",", ";"))
        while self.takes(","):
            made += self.declarator(made[0])
        self.take(";")
        return made

    def declared(self, link: str, ends: tuple[str, ...]) -> list[Variable]:
        line, space, align, kind, vector = self.line, self.take()[1:], 0, "", 1
        if space == "reg":
            raise PtxError(f"line {line}: parameters in registers are not known")
        while self.next.startswith("."):
            word = self.take()[1:]
            if word == "align":
                align = int(self.take())
            elif word in ("v2", "v4"):
                vector = int(word[1])
            elif word == "ptr":
                while self.next in (".global", ".const", ".shared", ".local"):
                    self.take()
                if self.takes(".align"):
                    self.take()
            else:
                kind = word
        return self.declarator(Variable(line, link, space, align, kind, "", vector))

    def declarator(self, first: Variable) -> list[Variable]:
        name, count = self.take(), first.count
        while self.takes("["):
            count *= 0 if self.next == "]" else int(self.take(), 0)
            self.take("]")
        values: tuple[int | tuple[str, int], ...] = ()
        if self.takes("="):
            values = tuple(self.values())
            count = count or len(values)
        return [Variable(first.line, first.link, first.space, first.align, first.type, name, count, values)]

    def values(self) -> Iterator[int | tuple[str, int]]:
        if self.takes("{"):
            while not self.takes("}"):
                yield from self.values()
                self.takes(",")
            return
        negative = self.takes("-")
        word = self.take()
        if word[0].isdigit():
            if self.next == "(":
                raise PtxError(f"line {self.line}: a part of an address as a value is not known")
            yield bits(word) * (-1 if negative else 1)
            return
        if word == "generic":
            self.take("(")
            word = self.take()
            self.take(")")
        yield word, int(self.take(), 0) if self.takes("+") else 0

    # Bodies ----------------------------------------------------------------------------------------------------------
    def body(self) -> Iterator[Statement]:
        depth = 1
        while True:
            word = self.next
            if word in ("{", "}"):
                self.take()
                depth += 1 if word == "{" else -1
                if not depth:
                    return
                yield Bracket(word == "{")
            elif word == ".loc":
                self.rest_of_line()
            elif word == ".pragma":
                self.until(";")
            elif word.startswith(".reg"):
                yield self.registers()
            elif word in SPACES:
                yield from self.variables("")
            elif word.startswith("."):
                raise PtxError(f"line {self.line}: `{word}` is not known")
            elif self.tokens[self.at + 1][0] == ":":
                yield from self.labelled()
            else:
                yield self.instruction()

    def registers(self) -> Registers:
        kind = self.take().removeprefix(".reg.")  # `.reg.b32` is written, too
        kind, names = self.take()[1:] if kind == ".reg" else kind, list[str]()
        while True:
            name = self.take()
            if self.takes("<"):
                names += [f"{name}{k}" for k in range(int(self.take()))]
                self.take(">")
            else:
                names.append(name)
            if not self.takes(","):
                break
        self.take(";")
        return Registers(kind, tuple(names))

    def labelled(self) -> Iterator[Statement]:
        name = self.take()
        self.take(":")
        if self.takes(".branchtargets"):
            labels = [self.take()]
            while self.takes(","):
                labels.append(self.take())
            self.take(";")
            yield Targets(name, tuple(labels))
        elif self.next in (".callprototype", ".calltargets"):
            self.until(";")
        else:
            yield Label(name)

    def instruction(self) -> Instruction:
        line, predicate, negated = self.line, "", False
        if self.takes("@"):
            negated = self.takes("!")
            predicate = self.take()
        op, *parts = self.take().split(".")
        operands: list[Operand] = []
        while not self.takes(";"):
            operands.append(self.operand())
            if self.next != ";":
                self.take(",")
        return Instruction(line, predicate, negated, op, tuple(parts), tuple(operands))

    def operand(self) -> Operand:
        if self.takes("["):
            base, offset = self.take(), 0
            while self.next in ("+", "-"):
                sign = self.take()
                offset += int(self.signed()) * (1 if sign == "+" else -1)
            self.take("]")
            return Address(base, offset)
        for first, last in (("{", "}"), ("(", ")")):
            if self.takes(first):
                items: list[Operand] = []
                while not self.takes(last):
                    items.append(self.operand())
                    self.takes(",")
                return Group(first, tuple(items))
        if self.takes("!"):
            return "!" + self.take()
        if not (self.next[0].isalnum() or self.next[0] in "%$_.-"):
            raise PtxError(f"line {self.line}: `{self.next}` stands where an operand is expected")
        word = self.signed()
        if self.takes("|"):
            return Group("|", (word, self.take()))
        return f"{word}+{self.take()}" if self.takes("+") else word

    def signed(self) -> str:
        return "-" + self.take() if self.takes("-") else self.take()


def parse(text: str) -> Module:
    """A module. Raises PtxError where something is not known."""
    return _Parser(text.rstrip("\0")).module()
