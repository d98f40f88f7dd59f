"""Fingerprints of an experiment: short texts that can be saved and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dsl.graph import Choice, DataEntry, Duration, Node, Static, Word, ancestors

from ..ir import source_of
from ..registry import ENTRIES, lookup
from .net import Net

MODEL, LOSS, DATA = "model", "loss", "data"
"""Names of parts that are not keys of `train`."""
_NODES = ("function", "loss", "metric", "penalty")
"""Parts of the catalogue whose entries become nodes."""


def identity(net: Net) -> dict[str, str]:
    """The experiment by parts: `data`, `split`, `model`, `loss` and every other key of `train`, each as text
    independent of the file's layout. Long texts are replaced by their SHA-256, taken without options at their default
    values, because other versions may have more of these."""
    graph, out = net.graph, {}
    if graph.rows is not None:
        out[DATA] = "; ".join(entry_text(entry) for entry in graph.rows.entries)
    if graph.data is not None:
        out["split"] = format_value(graph.data.split)
    out |= _graph_hashes(net)
    if graph.train is not None:
        out["metrics"] = ", ".join(name for name, _ in graph.train.metrics)
        out |= {key: format_value(value) for key, value in graph.train.options.items()}
    return out


def _graph_hashes(net: Net) -> dict[str, str]:
    """The SHA-256 of the model and of the loss."""
    graph = net.graph
    number = {node: i for i, node in enumerate((*graph.inputs, *graph.targets, *graph.nodes))}

    def line(node: Node) -> str:
        explicit = _explicit_options(node).items()
        options = ", ".join(f"{k} = {number[v] if isinstance(v, Node) else format_value(v)}" for k, v in explicit)
        return f"{node.name} = {node.kind}({options}) {[number[source] for source in node.inputs]} {node.type}"

    outputs = (f"output {name} = {number[node]}" for name, node in graph.outputs.items())
    out = {MODEL: _hash((*map(line, number), *outputs))}
    if graph.train is not None:
        terms = _needed(graph.train.loss, graph.train.nodes)
        number |= {node: len(number) + i for i, node in enumerate(terms)}
        out[LOSS] = _hash((*map(line, terms), str(number[graph.train.loss])))
    return out


def _explicit_options(node: Node) -> dict[str, Static | Node]:
    """The options of a node that are not at their default values."""
    entry = next((ENTRIES[part, node.kind] for part in _NODES if (part, node.kind) in ENTRIES), None)
    usual = {} if entry is None else {name: (kind.part, default) for name, kind, default in entry.options}
    return {k: v for k, v in node.attrs.items() if k not in usual or not is_default(v, *usual[k])}


def is_default(value: object, part: str | None, default: object) -> bool:
    """Whether an option's value, of a part of the catalogue perhaps, is its default, as the registry has it: words and
    choices by their names."""
    if isinstance(value, Choice):
        usual = {name: (kind.part, one) for name, kind, one in lookup(str(part), value.name).options}
        return value.name == default and all(is_default(one, *usual[name]) for name, one in value.options.items())
    if isinstance(value, Word):
        return value.name == default
    return value == (tuple(default) if isinstance(default, list) else default)


def format_value(value: Static) -> str:
    """A static value in the language's syntax, with all options that have a value."""
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
            texts = (f"{key} = {format_value(one)}" for key, one in options.items() if one is not None)
            return f"{name}({', '.join(texts)})"
        case tuple():
            return f"[{', '.join(map(format_value, value))}]"
    return repr(value)


def label_targets(net: Net) -> dict[str, str]:
    """For each output of class probabilities, the target that the loss or a metric compares it with."""
    targets = {node.name for node in net.graph.targets}
    return {output: name for output, (name, of) in predicted_labels(net).items() if name == of and name in targets}


def predicted_labels(net: Net) -> dict[str, tuple[str, str]]:
    """For each output of class probabilities, the name of its labels and the input or target they come from, according
    to the loss or a metric. Labels may be rearranged, like the next words of a text."""
    graph = net.graph
    outputs = {node: name for name, node in graph.outputs.items()}
    found: dict[str, tuple[str, str]] = {}
    for node in graph.train.nodes if graph.train is not None else ():
        pair = [source for source in node.inputs if source in outputs]
        for labels in node.inputs if pair else ():
            base = _label_source(labels)
            if base is None or base.type is None:
                continue
            of = base.name
            name = labels.label if labels.label and labels.label not in graph.outputs else of
            for output in pair:
                if net.outputs[outputs[output]] == (*net.shapes[labels], base.type.classes):
                    found.setdefault(outputs[output], (name, of))
    return found


def metric_labels(net: Net) -> dict[str, str]:
    """For each metric that compares with labels, by name, the input or target that these come from."""
    metrics = net.graph.train.metrics if net.graph.train is not None else ()
    bases = ((name, base) for name, node in metrics for source in node.inputs if (base := _label_source(source)))
    return {name: base.name for name, base in bases}


_KEEP_LABELS = frozenset({"slice", "concat", "stack", "reshape", "flatten", "transpose"})
"""Functions that preserve labels."""


def _label_source(node: Node) -> Node | None:
    """The input or target that labels originate from, if there is exactly one."""
    known: dict[Node, Node | None] = {}
    for one in ancestors(node):
        if one.type is not None:
            known[one] = one if one.type.classes is not None else None
        elif one.kind in _KEEP_LABELS:
            bases = {known[source] for source in one.inputs}
            known[one] = bases.pop() if len(bases) == 1 else None
        else:
            known[one] = None
    return known[node]


def describe_place(source: object) -> str:
    """The origin of an equation, in words: a value of the file with its code and place, or a part of training."""
    source = source_of(source)
    if not isinstance(source, Node):
        return str(source or "the program")
    line, column = source.span.source.position(source.span.start)
    text = " ".join(source.span.text.split())
    shown = f", `{text if len(text) <= 60 else source.kind}`"
    return f"`{source.name}`{shown} at {source.span.source.name}:{line}:{column}"


def entry_text(entry: DataEntry) -> str:
    """What an entry of `data` reads, or the number of its rows and their hash."""
    names = ", ".join(entry.names)
    if isinstance(entry.value, Choice):
        return f"{names} = {format_value(entry.value)}"
    return f"{names} = {len(entry.value)} rows, {_hash([format_value(entry.value)])[:16]}"


def _needed(node: Node, among: Sequence[Node]) -> list[Node]:
    """The nodes of `among`, in topological order, that a node depends on, including itself."""
    needed = {node}
    for each in reversed(among):
        if each in needed:
            needed.update(each.inputs, (value for value in each.attrs.values() if isinstance(value, Node)))
    return [each for each in among if each in needed]


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


FOLDERS = ("path", "masks", "test")
"""Options of readers that may name a folder of data."""


def data_files(net: Net) -> dict[str, Path]:
    """The files that the data is read from, by their names as written: every string option of a reader that is the path
    of a file; and folders, if the option is one of `FOLDERS`."""
    found: dict[str, Path] = {}
    for entry in net.graph.rows.entries if net.graph.rows is not None else ():
        for option, value in entry.value.options.items() if isinstance(entry.value, Choice) else ():
            for text in _strings(value):
                place = net.base / text
                try:
                    if place.is_file() or (option in FOLDERS and place.is_dir()):
                        found[text] = place
                except (OSError, ValueError):  # not a path
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
