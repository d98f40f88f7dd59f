"""What makes two nets the same experiment, as short texts that can be saved and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from dsl.graph import Choice, DataEntry, Duration, Node, Static, Word

from ..ir import source_of
from .net import Net
from .remedies import ancestors

MODEL, LOSS, DATA = "model", "loss", "data"
"""Names of the parts that are no keys of `train`."""


def identity(net: Net) -> dict[str, str]:
    """The experiment by parts: `data`, `split`, `model`, `loss` and every other key of `train`, each as a text that
    does not depend on how the file is laid out. Long ones are their SHA-256."""
    graph, out = net.graph, {}
    if graph.rows is not None:
        out[DATA] = "; ".join(_entry(entry) for entry in graph.rows.entries)
    if graph.data is not None:
        out["split"] = written(graph.data.split)
    number = {node: i for i, node in enumerate((*graph.inputs, *graph.targets, *graph.nodes))}
    outputs = (f"output {name} = {number[node]}" for name, node in graph.outputs.items())
    out[MODEL] = _hash((*(_node(node, number) for node in number), *outputs))
    if graph.train is not None:
        terms = _needed(graph.train.loss, graph.train.nodes)
        number |= {node: len(number) + i for i, node in enumerate(terms)}
        out[LOSS] = _hash((*(_node(node, number) for node in terms), str(number[graph.train.loss])))
        out["metrics"] = ", ".join(name for name, _ in graph.train.metrics)
        out |= {key: written(value) for key, value in graph.train.options.items()}
    return out


def written(value: Static) -> str:
    """A static value as the language writes it, with all of its options that have a value."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case Word(name):
            return name
        case Duration(amount, unit):
            return f"{amount}{unit}"
        case Choice(name, options):
            told = (f"{key} = {written(one)}" for key, one in options.items() if one is not None)
            return f"{name}({', '.join(told)})"
        case tuple():
            return f"[{', '.join(map(written, value))}]"
    return repr(value)


def answers(net: Net) -> dict[str, str]:
    """For each output that holds the probabilities of a target's classes, that target: the loss or a metric compares
    the two."""
    targets = {node.label or node.name for node in net.graph.targets}
    return {output: name for output, (name, of) in foretold(net).items() if name == of and name in targets}


def foretold(net: Net) -> dict[str, tuple[str, str]]:
    """For each output that holds the probabilities of labels' classes, what the labels are called, and of which input
    or target they are: the loss or a metric compares the two. They may be moved, as the next words of a text are."""
    graph = net.graph
    outputs = {node: name for name, node in graph.outputs.items()}
    found: dict[str, tuple[str, str]] = {}
    for node in graph.train.nodes if graph.train is not None else ():
        pair = [source for source in node.inputs if source in outputs]
        for labels in node.inputs if pair else ():
            base = _taken_from(labels)
            if base is None or base.type is None:
                continue
            of = base.label or base.name
            name = labels.label if labels.label and labels.label not in graph.outputs else of
            for output in pair:
                if net.outputs[outputs[output]] == (*net.shapes[labels], base.type.classes):
                    found.setdefault(outputs[output], (name, of))
    return found


_MOVES = frozenset({"slice", "concat", "stack", "reshape", "flatten", "transpose"})
"""Functions that labels come out of as they are."""


def _taken_from(node: Node) -> Node | None:
    """The input or target of labels that a value consists of, if it is one alone."""
    known: dict[Node, Node | None] = {}
    for one in ancestors(node):
        if one.type is not None:
            known[one] = one if one.type.classes is not None else None
        elif one.kind in _MOVES:
            bases = {known[source] for source in one.inputs}
            known[one] = bases.pop() if len(bases) == 1 else None
        else:
            known[one] = None
    return known[node]


def describe_place(source: object) -> str:
    """Where an equation comes from, in words: a value of the file with its text and place, or a part of training."""
    source = source_of(source)
    if not isinstance(source, Node):
        return str(source or "the program")
    line, column = source.span.source.position(source.span.start)
    text = " ".join(source.span.text.split())
    shown = f", `{text if len(text) <= 60 else source.kind}`"
    return f"`{source.name}`{shown} at {source.span.source.name}:{line}:{column}"


def _entry(entry: DataEntry) -> str:
    names = ", ".join(entry.names)
    if isinstance(entry.value, Choice):
        return f"{names} = {written(entry.value)}"
    return f"{names} = {len(entry.value)} rows, {_hash([written(entry.value)])[:16]}"


def _node(node: Node, number: Mapping[Node, int]) -> str:
    attrs = (f"{k} = {number[v] if isinstance(v, Node) else written(v)}" for k, v in node.attrs.items())
    return f"{node.name} = {node.kind}({', '.join(attrs)}) {[number[source] for source in node.inputs]} {node.type}"


def _needed(node: Node, among: Sequence[Node]) -> list[Node]:
    """Those of some nodes, each after its inputs, that a node stands on, and itself."""
    needed = {node}
    for each in reversed(among):
        if each in needed:
            needed.update(each.inputs, (value for value in each.attrs.values() if isinstance(value, Node)))
    return [each for each in among if each in needed]


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


FOLDERS = ("path", "masks", "test")
"""The options of readers that may name a folder of data."""


def data_files(net: Net) -> dict[str, Path]:
    """The files that the data is read from, by their names as written: every text among the readers' options that is
    the path of a file; and the folders, where an option is to name one."""
    found: dict[str, Path] = {}
    for entry in net.graph.rows.entries if net.graph.rows is not None else ():
        for option, value in entry.value.options.items() if isinstance(entry.value, Choice) else ():
            for text in _strings(value):
                place = net.base / text
                try:
                    if place.is_file() or (option in FOLDERS and place.is_dir()):
                        found[text] = place
                except (OSError, ValueError):  # no path at all
                    continue
    return found


def _strings(value: Static) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Choice):
        for option in value.options.values():
            yield from _strings(option)
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
