"""Sound files of every form of the grammar, laid out wildly. What they say makes no sense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from .wild_layout import CLOSE, COMPARE, MINUS, OPEN, START, Layout

NAMES = ("a", "x1", "_y", "dense", "class", "a_name_that_is_longer_than_others", "w" * 40)
KEYWORDS = ("target", "in", "loss", "on", "train")
NUMBERS = ("0", "1", "20_000", "1e-3", "0.50", "25%", "3epochs", "007", "pi", "true")
STRINGS = ('"a"', '""', '"# no comment"', r'"\"\\\n\t"', '"ünï \t{"', '"' + "long " * 30 + '"')


Make = Callable[[], None]


class SoundText:
    """One file, written by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.words: list[str] = []
        self.most = chance.choice((10, 40, 150))  # words, after which no expression has parts any more
        self.inner = 0  # loops and layers around this place, where `as` may not stand
        for _ in range(chance.randint(1, 4)):
            self.statement()
        self.text = Layout(chance).text(self.words)

    # What the file says ----------------------------------------------------------------------------------------------

    def put(self, *words: str) -> None:
        self.words += words

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def often(self, share: float = 0.5) -> bool:
        return self.chance.random() < share

    def several(self, make: Make, between: str, most: int = 4, least: int = 1) -> None:
        for i in range(self.chance.randint(least, most)):
            if i:
                self.put(between)
            make()

    def series(self, opener: str, make: Make, closer: str, least: int = 0) -> None:
        """Items in brackets, perhaps with a comma after the last."""
        self.put(opener)
        before = len(self.words)
        self.several(make, ",", self.chance.choice((1, 2, 4, 12)), least)
        if len(self.words) > before and self.often(0.2):
            self.put(",")
        self.put(closer)

    def name(self) -> None:
        self.put(self.pick(*NAMES))

    def path(self) -> None:
        self.name()
        while self.often(0.15):
            self.put(".", self.pick(*NAMES, *KEYWORDS), ".", self.pick(*NAMES))

    def statement(self) -> None:
        self.put(START)
        match self.chance.randrange(9):
            case 0:
                self.put("import", self.pick(*STRINGS), "as", self.pick(*NAMES))
            case 1:
                self.put("param", self.pick(*NAMES), "=")
                self.expr(2)
                if self.often():
                    self.put("in")
                    self.domain(2)
            case 2:
                self.put("let", self.pick(*NAMES), "=")
                self.expr(3)
            case 3:
                self.put("fn", self.pick(*NAMES))
                self.series("(", self.formal, ")")
                self.put("=")
                self.expr(3)
            case 4:
                self.put("block", self.pick(*NAMES))
                self.series("(", self.formal, ")")
                self.put("on")
                self.several(self.name, ",", 2)
                self.section((self.bind, self.layer), 2, self.returns)
            case 5 | 6:
                self.put("model")
                self.section((self.bind, self.layer, self.output, self.typed, self.typed), 6)
            case _:
                self.put(self.pick("data", "train"))
                self.section((self.bind,), 4)

    def section(self, kinds: Sequence[Make], most: int, last: Make | None = None) -> None:
        self.put(OPEN)
        for _ in range(self.chance.randint(0, most)):
            self.put(START)
            self.chance.choice(kinds)()
        if last:
            self.put(START)
            last()
        self.put(CLOSE)

    def bind(self) -> None:
        self.several(self.name, ",", 2)
        self.put("=")
        self.expr(3)

    def output(self) -> None:
        self.put("output", self.pick(*NAMES), "=")
        self.expr(3)

    def layer(self) -> None:
        self.put("layer", self.pick(*NAMES), "=")
        self.chain(2)

    def returns(self) -> None:
        self.put("return")
        self.several(lambda: self.expr(2), ",", 2)

    def typed(self) -> None:
        self.put(self.pick("input", "target"), self.pick(*NAMES), ":")
        if self.often():
            self.put("class", "(")
            self.size()
            self.put(")")
            if self.often():
                return
        self.series("[", self.size, "]")

    def size(self) -> None:
        if self.often(0.3):
            self.put("?")
            if self.often():
                self.name()
        else:
            self.sum(1)

    def formal(self) -> None:
        self.name()
        if self.often(0.4):
            self.put("=")
            self.expr(1)

    def domain(self, depth: int) -> None:
        if self.often():
            self.expr(depth)
        else:
            self.sum(depth)
            self.put("..")
            self.sum(depth)

    def expr(self, depth: int) -> None:
        depth = depth if len(self.words) < self.most else 0
        match self.chance.randrange(6) if depth else 5:
            case 0:
                self.put("if")
                self.expr(depth - 1)
                self.put("then")
                self.expr(depth - 1)
                self.put("else")
                self.expr(depth - 1)
            case 1 | 2:
                self.compared(depth - 1)
                for _ in range(self.chance.choice((1, 2, 3, 12))):
                    self.put("->")
                    self.step(depth - 1)
            case _:
                self.compared(depth)

    def compared(self, depth: int) -> None:
        self.sum(depth)
        if self.often(0.1):
            self.put(self.pick(*COMPARE))
            self.sum(depth)

    def sum(self, depth: int) -> None:
        self.product(depth)
        while self.often(0.2):
            self.put(self.pick("+", MINUS))
            self.product(depth)

    def product(self, depth: int) -> None:
        self.unary(depth)
        while self.often(0.15):
            self.put(self.pick("*", "/", "//"))
            self.unary(depth)

    def unary(self, depth: int) -> None:
        while self.often(0.1):
            self.put("-")
        self.atom(depth)
        if self.often(0.1):
            self.put("^")
            self.unary(depth)

    def atom(self, depth: int) -> None:
        match self.chance.randrange(9) if depth > 0 else self.chance.randrange(3):
            case 0:
                self.put(self.pick(*NUMBERS))
            case 1:
                self.path()
            case 2:
                self.put(self.pick(*NUMBERS, *STRINGS))
            case 3:
                self.put("(")
                self.expr(depth - 1)
                self.put(")")
            case 4:
                self.put("[", "for")
                self.several(self.name, ",", 2)
                self.put("in")
                self.domain(depth - 1)
                self.put("{")
                self.inner += 1
                self.expr(depth - 1)
                self.inner -= 1
                self.put("}", "]")
            case 5 | 6:
                self.series("[", lambda: self.expr(depth - 1), "]")
            case _:
                self.path()
                self.series("(", lambda: self.argument(depth - 1), ")")

    def argument(self, depth: int) -> None:
        if self.often(0.3):
            self.put(self.pick(*NAMES, *KEYWORDS), "=")
        self.expr(depth)

    def step(self, depth: int) -> None:
        kind = self.chance.randrange(5) if depth > 0 else 4
        if kind > 1:
            self.path()
            if self.often():
                self.series("(", lambda: self.argument(max(depth - 1, 0)), ")")
            if not self.inner and self.often(0.1):
                self.put("as", self.pick(*NAMES))
            return
        if kind:
            self.put("repeat")
            self.sum(depth - 1)
        else:
            self.put("for")
            self.several(self.name, ",", 2)
            self.put("in")
            self.domain(depth - 1)
        self.put("{")
        self.chain(depth - 1)
        self.put("}")

    def chain(self, depth: int) -> None:
        self.inner += 1
        self.several(lambda: self.step(depth), "->")
        self.inner -= 1
