"""Modified source code: a stage with another initialiser, the optimizer with another rate."""

from __future__ import annotations

from dsl.graph import Choice, Node

from .identity import format_value
from .learning_rate import optimizer_rate
from .net import Net


def with_init(node: Node, init: str) -> str:
    """A stage as the file writes it, without its option `init`."""
    text, span = node.span.text, node.attr_spans.get("init")
    if span is not None and span.source is node.span.source and node.span.start <= span.start < node.span.end:
        start, stop = span.start - node.span.start, span.end - node.span.start
        return _one_line(f"{text[:start]}{init}{text[stop:]}")
    if not text.endswith(")"):
        return f"{_one_line(text)}(init = {init})"
    inside = text[:-1].rstrip()
    return _one_line(f"{inside}{'' if inside.endswith(('(', ',')) else ', '}init = {init})")


def initialiser(node: Node) -> str | None:
    """The name of a stage's initialiser: "" for literal numbers, None if it has none."""
    init = node.attrs.get("init")
    return init.name if isinstance(init, Choice) else "" if "init" in node.attrs else None


def with_rate(net: Net, factor: float) -> str | None:
    """The optimizer's line with its rate times a factor; None if it has no rate, or one of 0."""
    choice, lr = net.graph.choice("optimizer"), optimizer_rate(net.graph)
    if choice is None or not lr:
        return None
    # Options with default values are omitted.
    options = {key: value for key, value in choice.options.items() if key in choice.option_spans or key == "lr"}
    texts = {key: format_value(value) for key, value in options.items()}
    texts["lr"] = f"{lr * factor:.3g}".replace("e+0", "e").replace("e-0", "e-")
    return f"optimizer = {choice.name}({', '.join(f'{key} = {text}' for key, text in texts.items())})"


def _one_line(text: str) -> str:
    return " ".join(text.split())
