"""Lark's tree to the frozen nodes of `syntax`, spans included."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

from lark import Token, Tree

from . import syntax
from .source import Source, Span
from .tokens import number_value, string_value

Parsed = Token | Tree[Token]


class Builder:
    """Converts the tree of one source; one method for each rule of the grammar."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def file(self, tree: Tree[Token]) -> syntax.File:
        return syntax.File(
            Span(self.source, 0, len(self.source.text)), tuple(self.node(child) for child in tree.children)
        )

    def expression(self, tree: Parsed) -> syntax.Expr:
        return cast(syntax.Expr, self.node(tree))

    def node(self, tree: Parsed) -> Any:
        """The node of a tree or of a token that stands for a value."""
        if isinstance(tree, Token):
            return _LEAVES[tree.type](self, tree)
        return _RULES[tree.data](self, tree)

    def span(self, tree: Parsed) -> Span:
        place = tree if isinstance(tree, Token) else tree.meta
        return Span(self.source, cast(int, place.start_pos), cast(int, place.end_pos))

    def name(self, token: Parsed | None) -> syntax.Name:
        assert isinstance(token, Token)
        return syntax.Name(self.span(token), str(token))

    def maybe_name(self, token: Parsed | None) -> syntax.Name | None:
        return None if token is None else self.name(token)

    def maybe(self, tree: Parsed | None) -> Any:
        return None if tree is None else self.node(tree)

    def several(self, tree: Parsed | None) -> tuple[Any, ...]:
        """The children of an optional list rule."""
        if tree is None:
            return ()
        assert isinstance(tree, Tree)
        return tuple(self.node(child) for child in tree.children)

    def names(self, tree: Parsed) -> tuple[syntax.Name, ...]:
        assert isinstance(tree, Tree)
        return tuple(self.name(child) for child in tree.children)

    # Leaves ----------------------------------------------------------------------------------------------------------

    def number(self, token: Token) -> syntax.Number:
        parsed = number_value(token)
        assert parsed is not None
        return syntax.Number(self.span(token), *parsed)

    def string(self, token: Token) -> syntax.String:
        return syntax.String(self.span(token), string_value(token))

    def truth(self, token: Token) -> syntax.Truth:
        return syntax.Truth(self.span(token), token == "true")

    def pi(self, token: Token) -> syntax.Number:
        return syntax.Number(self.span(token), math.pi)

    # Expressions -----------------------------------------------------------------------------------------------------

    def path(self, tree: Tree[Token]) -> syntax.Path:
        return syntax.Path(self.span(tree), self.names(tree))

    def arguments(self, tree: Parsed | None) -> tuple[syntax.Argument, ...]:
        return tuple(
            node if isinstance(node, syntax.Argument) else syntax.Argument(node.span, None, node)
            for node in self.several(tree)
        )

    def named(self, tree: Tree[Token]) -> syntax.Argument:
        name, value = tree.children
        return syntax.Argument(self.span(tree), self.name(name), self.node(value))

    def call(self, tree: Tree[Token]) -> syntax.Call:
        function, arguments = tree.children
        return syntax.Call(self.span(tree), self.node(function), self.arguments(arguments))

    def list(self, tree: Tree[Token]) -> syntax.List:
        return syntax.List(self.span(tree), self.several(tree.children[0]))

    def each(self, tree: Tree[Token]) -> syntax.Each:
        names, domain, body = tree.children
        return syntax.Each(self.span(tree), self.names(names), self.node(domain), self.node(body))

    def unary(self, tree: Tree[Token]) -> syntax.Unary:
        operator, operand = tree.children
        return syntax.Unary(self.span(tree), str(operator), self.node(operand))

    def binary(self, tree: Tree[Token]) -> syntax.Binary:
        left, operator, right = tree.children
        return syntax.Binary(self.span(tree), str(operator), self.node(left), self.node(right))

    def range(self, tree: Tree[Token]) -> syntax.Range:
        first, last = tree.children
        return syntax.Range(self.span(tree), self.node(first), self.node(last))

    def if_(self, tree: Tree[Token]) -> syntax.If:
        condition, then, otherwise = tree.children
        return syntax.If(self.span(tree), self.node(condition), self.node(then), self.node(otherwise))

    def pipe(self, tree: Tree[Token]) -> syntax.Pipe:
        source, *steps = tree.children
        return syntax.Pipe(self.span(tree), self.node(source), tuple(self.node(step) for step in steps))

    def stage(self, tree: Tree[Token]) -> syntax.Stage:
        function, alias = tree.children
        return syntax.Stage(self.span(tree), self.node(function), None, self.maybe_name(alias))

    def applied(self, tree: Tree[Token]) -> syntax.Stage:
        function, arguments, alias = tree.children
        return syntax.Stage(self.span(tree), self.node(function), self.arguments(arguments), self.maybe_name(alias))

    def repeat(self, tree: Tree[Token]) -> syntax.Repeat:
        count, chain = tree.children
        return syntax.Repeat(self.span(tree), self.node(count), self.several(chain))

    def for_(self, tree: Tree[Token]) -> syntax.For:
        names, domain, chain = tree.children
        return syntax.For(self.span(tree), self.names(names), self.node(domain), self.several(chain))

    # Types -----------------------------------------------------------------------------------------------------------

    def unknown(self, tree: Tree[Token]) -> syntax.Unknown:
        return syntax.Unknown(self.span(tree), self.maybe_name(tree.children[0]))

    def shape(self, tree: Tree[Token]) -> syntax.ShapeType:
        return syntax.ShapeType(self.span(tree), self.several(tree.children[0]))

    def labels(self, tree: Tree[Token]) -> syntax.LabelType:
        keyword, classes, shape = tree.children
        return syntax.LabelType(self.span(tree), self.name(keyword), self.node(classes), self.maybe(shape))

    # Statements ------------------------------------------------------------------------------------------------------

    def formal(self, tree: Tree[Token]) -> syntax.Formal:
        name, default = tree.children
        return syntax.Formal(self.span(tree), self.name(name), self.maybe(default))

    def bind(self, tree: Tree[Token]) -> syntax.Bind:
        names, value = tree.children
        return syntax.Bind(self.span(tree), self.names(names), self.node(value))

    def input(self, tree: Tree[Token]) -> syntax.Input:
        name, kind = tree.children
        return syntax.Input(self.span(tree), self.name(name), self.node(kind))

    def target(self, tree: Tree[Token]) -> syntax.Target:
        name, kind = tree.children
        return syntax.Target(self.span(tree), self.name(name), self.node(kind))

    def output(self, tree: Tree[Token]) -> syntax.Output:
        name, value = tree.children
        return syntax.Output(self.span(tree), self.name(name), self.node(value))

    def layer(self, tree: Tree[Token]) -> syntax.Layer:
        name, chain = tree.children
        return syntax.Layer(self.span(tree), self.name(name), self.several(chain))

    def import_(self, tree: Tree[Token]) -> syntax.Import:
        path, alias = tree.children
        return syntax.Import(self.span(tree), self.node(path), self.name(alias))

    def param(self, tree: Tree[Token]) -> syntax.Param:
        name, value, domain = tree.children
        return syntax.Param(self.span(tree), self.name(name), self.node(value), self.maybe(domain))

    def let(self, tree: Tree[Token]) -> syntax.Let:
        name, value = tree.children
        return syntax.Let(self.span(tree), self.name(name), self.node(value))

    def fn(self, tree: Tree[Token]) -> syntax.Fn:
        name, formals, value = tree.children
        return syntax.Fn(self.span(tree), self.name(name), self.several(formals), self.node(value))

    def block(self, tree: Tree[Token]) -> syntax.Block:
        name, formals, inputs, *statements = tree.children
        body: list[syntax.Layer | syntax.Bind] = []
        returns: tuple[syntax.Expr, ...] = ()
        for statement in statements:
            assert isinstance(statement, Tree)
            if statement.data == "return":
                returns = self.several(statement)
            else:
                body.append(self.node(statement))
        return syntax.Block(
            self.span(tree), self.name(name), self.several(formals), self.names(inputs), tuple(body), returns
        )

    def data(self, tree: Tree[Token]) -> syntax.Data:
        return syntax.Data(self.span(tree), self.several(tree))

    def model(self, tree: Tree[Token]) -> syntax.Model:
        return syntax.Model(self.span(tree), self.several(tree))

    def train(self, tree: Tree[Token]) -> syntax.Train:
        return syntax.Train(self.span(tree), self.several(tree))


_LEAVES: dict[str, Callable[[Builder, Token], syntax.Expr]] = {
    "NUMBER": Builder.number,
    "STRING": Builder.string,
    "TRUTH": Builder.truth,
    "PI": Builder.pi,
}
_RULES: dict[str, Callable[[Builder, Tree[Token]], Any]] = {
    name.rstrip("_"): method for name, method in vars(Builder).items() if not name.startswith("_")
}
