"""Fingerprints of an experiment: short texts that can be saved and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from dsl.graph import Choice, DataEntry, Duration, Node, Static, Train, Word

from ..data.batches import takes_all_rows
from ..registry import ENTRIES, lookup
from .net import Net

MODEL, LOSS, DATA = "model", "loss", "data"
"""Names of parts that are not keys of `train`."""
_NODES = ("function", "loss", "metric", "penalty")
"""Parts of the catalogue whose entries become nodes."""
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


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
        out |= {key: format_value(value) for key, value in settings(graph.train).items()}
    return out


def settings(train: Train) -> dict[str, Static]:
    """The keys of `train` with their values; `batch` is `all` where the optimizer has all rows in every update."""
    return {**train.options, **({"batch": Word("all")} if takes_all_rows(train) else {})}


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
            return f'"{value.translate(_ESCAPES)}"'
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
