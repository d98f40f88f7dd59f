"""Whether a net is the experiment that was saved, perhaps by a version with fewer options."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dsl.graph import Choice, DataEntry, Static

from ..registry import lookup
from .catalog import TRAIN
from .identity import DATA, entry_text, format_value, identity, is_default, settings
from .net import Net


def changed_parts(before: Mapping[str, str], net: Net) -> list[str]:
    """The parts in which a net is not the one that `identity` gave `before`.

    An option that a version lacked is not in what it saved; at its default it means what was meant then. A default that
    is another one now is a change.
    """
    now, known = identity(net), _patterns(net)
    return [
        key
        for key in {**before, **now}
        if before.get(key) != now.get(key) and not re.fullmatch(known.get(key, "(?!)"), str(before.get(key, "")))
    ]


def _patterns(net: Net) -> dict[str, str]:
    """For each part of the identity, a regular expression for what versions that lacked some options may have saved."""
    graph, found = net.graph, dict[str, str]()
    if graph.rows is not None:
        found[DATA] = "; ".join(map(_entry, graph.rows.entries))
    if graph.data is not None:
        found["split"] = _pattern(graph.data.split, "split")
    for key, value in settings(graph.train).items() if graph.train is not None else ():
        option = next(one for one in TRAIN if one.name == key)
        usual = is_default(value, option.part, option.default)
        found[key] = f"(?:{_pattern(value, option.part)}){'?' * usual}"
    return found


def _entry(entry: DataEntry) -> str:
    if not isinstance(entry.value, Choice):
        return re.escape(entry_text(entry))
    return re.escape(f"{', '.join(entry.names)} = ") + _pattern(entry.value, "reader")


def _pattern(value: Static, part: str | None) -> str:
    match value:
        case Choice(name, options) if part is not None:
            usual = {option: (kind.part, default) for option, kind, default in lookup(part, name).options}
            inside = ""
            for option, one in options.items():
                text = rf"{option} = {_pattern(one, usual[option][0])}(?:, |(?=\)))"
                inside += f"(?:{text})?" if is_default(one, *usual[option]) else text
            return rf"{re.escape(name)}\({inside}\)"
        case tuple():
            return rf"\[{', '.join(_pattern(one, part) for one in value)}\]"
    return re.escape(format_value(value))
