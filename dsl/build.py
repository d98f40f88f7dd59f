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
    """Converts the tree of one source: `node` any of its trees, by a rule for each name of the grammar."""

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

    # What a child becomes --------------------------------------------------------------------------------------------

    def maybe(self, tree: Parsed | None) -> Any:
        return None if tree is None else self.node(tree)

    def several(self, tree: Parsed | None) -> tuple[Any, ...]:
        """The children of an optional list rule."""
        if tree is None:
            return ()
        assert isinstance(tree, Tree)
        return tuple(self.node(child) for child in tree.children)

    def arguments(self, tree: Parsed | None) -> tuple[syntax.Argument, ...]:
        return tuple(
            node if isinstance(node, syntax.Argument) else syntax.Argument(node.span, None, node)
            for node in self.several(tree)
        )

    def name(self, token: Parsed | None) -> syntax.Name:
        assert isinstance(token, Token)
        return syntax.Name(self.span(token), str(token))

    def maybe_name(self, token: Parsed | None) -> syntax.Name | None:
        return None if token is None else self.name(token)

    def names(self, tree: Parsed) -> tuple[syntax.Name, ...]:
        assert isinstance(tree, Tree)
        return tuple(self.name(child) for child in tree.children)

    def sign(self, token: Parsed) -> str:
        return str(token)

    # Nodes whose fields are not those of the tree, one by one --------------------------------------------------------

    def number(self, token: Token) -> syntax.Number:
        parsed = number_value(token)
        assert parsed is not None
        return syntax.Number(self.span(token), *parsed)

    def binary(self, tree: Tree[Token]) -> syntax.Binary:
        left, operator, right = tree.children
        return syntax.Binary(self.span(tree), self.sign(operator), self.node(left), self.node(right))

    def pipe(self, tree: Tree[Token]) -> syntax.Pipe:
        source, *steps = tree.children
        return syntax.Pipe(self.span(tree), self.node(source), tuple(self.node(step) for step in steps))

    def stage(self, tree: Tree[Token]) -> syntax.Stage:
        function, alias = tree.children
        return syntax.Stage(self.span(tree), self.node(function), None, self.maybe_name(alias))

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


_Rule = Callable[[Builder, Tree[Token]], Any]


def _of(kind: Callable[..., Any], *parts: Callable[[Builder, Any], Any]) -> _Rule:
    """The rule for a node with a field for each child."""

    def rule(builder: Builder, tree: Tree[Token]) -> Any:
        made = [part(builder, child) for part, child in zip(parts, tree.children, strict=True)]
        return kind(builder.span(tree), *made)

    return rule


def _of_all(kind: Callable[..., Any], part: Callable[[Builder, Tree[Token]], Any] = Builder.several) -> _Rule:
    """The rule for a node with a field for all children together."""
    return lambda builder, tree: kind(builder.span(tree), part(builder, tree))


_LEAVES: dict[str, Callable[[Builder, Token], syntax.Expr]] = {
    "NUMBER": Builder.number,
    "STRING": lambda builder, token: syntax.String(builder.span(token), string_value(token)),
    "TRUTH": lambda builder, token: syntax.Truth(builder.span(token), token == "true"),
    "PI": lambda builder, token: syntax.Number(builder.span(token), math.pi),
}
_RULES: dict[str, _Rule] = {
    # Expressions
    "path": _of_all(syntax.Path, Builder.names),
    "call": _of(syntax.Call, Builder.node, Builder.arguments),
    "named": _of(syntax.Argument, Builder.name, Builder.node),
    "list": _of(syntax.List, Builder.several),
    "each": _of(syntax.Each, Builder.names, Builder.node, Builder.node),
    "unary": _of(syntax.Unary, Builder.sign, Builder.node),
    "binary": Builder.binary,
    "range": _of(syntax.Range, Builder.node, Builder.node),
    "if": _of(syntax.If, Builder.node, Builder.node, Builder.node),
    "pipe": Builder.pipe,
    "stage": Builder.stage,
    "applied": _of(syntax.Stage, Builder.node, Builder.arguments, Builder.maybe_name),
    "repeat": _of(syntax.Repeat, Builder.node, Builder.several),
    "for": _of(syntax.For, Builder.names, Builder.node, Builder.several),
    # Types
    "unknown": _of(syntax.Unknown, Builder.maybe_name),
    "shape": _of(syntax.ShapeType, Builder.several),
    "labels": _of(syntax.LabelType, Builder.name, Builder.node, Builder.maybe),
    # Statements
    "formal": _of(syntax.Formal, Builder.name, Builder.maybe),
    "bind": _of(syntax.Bind, Builder.names, Builder.node),
    "input": _of(syntax.Input, Builder.name, Builder.node),
    "target": _of(syntax.Target, Builder.name, Builder.node),
    "output": _of(syntax.Output, Builder.name, Builder.node),
    "layer": _of(syntax.Layer, Builder.name, Builder.several),
    "import": _of(syntax.Import, Builder.node, Builder.name),
    "param": _of(syntax.Param, Builder.name, Builder.node, Builder.maybe),
    "let": _of(syntax.Let, Builder.name, Builder.node),
    "fn": _of(syntax.Fn, Builder.name, Builder.several, Builder.node),
    "block": Builder.block,
    "data": _of_all(syntax.Data),
    "model": _of_all(syntax.Model),
    "train": _of_all(syntax.Train),
}
"""By the name of a rule of the grammar."""
