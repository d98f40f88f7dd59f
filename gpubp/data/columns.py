"""Which columns of a table belong to which name: `target = "price"`, or `columns = [rest, "tag_*", ["x", "y"]]`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set

from dsl.graph import Word
from dsl.source import Span

from ..wording import counted, listed
from .checks import problem, remedy, suggestion
from .dataset import Request
from .dates import PARTS
from .options import Options
from .tables import DatedTable, Table, text_of


def mentioned(*parts: object) -> list[str]:
    """The column names that the options of an entry mention, patterns left out."""
    return [name for part in parts for name in _flat(part) if isinstance(name, str) and "*" not in name]


def matching(request: Request, table: Table, names: object, option: str) -> list[int]:
    """The numbers of the columns that an option lists, by name or by pattern. Raises DiagnosticError."""
    found = [i for item in _flat(names) for i in _matches(request, table, item, option, literal=False)]
    return list(dict.fromkeys(found))


def choose(request: Request, table: Table, options: Options) -> dict[str, list[int]]:
    """Column numbers by name. Raises DiagnosticError where the options do not say it, or a column is not there."""
    target, columns = options.target, options.columns
    names = request.entry.names
    if target is not None and columns is not None:
        message = "`target` and `columns` both say which columns to take"
        help = f'leave `target` out, and make `"{target}"` the last entry of `columns`: it has one per name'
        raise problem("E0411", message, request.span("columns"), help=help)
    if columns is not None:
        parts = [*columns] if isinstance(columns, (tuple, list)) else [columns]
        if len(parts) != len(names):
            entries = "1 entry" if len(parts) == 1 else f"{len(parts)} entries"
            message = f"`columns` has {entries} for {counted(len(names), 'name')}"
            help = 'several columns for one name form a list of their own: `columns = [["a", "b"]]`'
            help = help if len(parts) > len(names) else "one entry per name"
            raise problem("E0411", message, request.span("columns"), help=help)
    elif target is not None:
        if len(names) != 2:
            there = "there is one" if len(names) == 1 else f"there are {len(names)}"
            message = f"`target` splits a table between two names, and {there}"
            help = "`columns = [...]` gives the columns of each name; `rest` takes those that are left"
            if len(names) == 1:
                help = (
                    f"one reader gives both: `{names[0]}, {target} = ...`; or `columns = [...]` those of `{names[0]}`"
                )
            raise problem("E0411", message, request.span("target"), help=help)
        parts = [Word("rest"), (target,)]
    elif len(names) == 1:
        parts = [Word("rest")]
    else:
        message = f"nothing says which columns are {listed(names)}"
        help = f'`target = "..."` names the column of `{names[-1]}`, or `columns = [...]` those of each name'
        help += f"; the table has {listed(table.names)}"
        raise problem("E0411", message, request.entry.value_span, help=help)
    option = "columns" if columns is not None else "target"
    without = _without(request, table, options.without)
    return _assign(request, table, dict(zip(names, parts, strict=True)), option, without, literal=target is not None)


def _without(request: Request, table: Table, names: object) -> frozenset[int]:
    """The numbers of the columns that no name is to have; of those that share a name, all. Raises DiagnosticError."""
    told = {str(name) for name in _flat(names)}
    others = [name for name in _flat(names) if str(name) not in table.names]
    same = [i for i, name in enumerate(table.names) if name in told]
    return frozenset([*same, *matching(request, table, others, "without")])


def find(table: Table, wanted: Sequence[str], span: Span | None, why: str = "") -> list[int]:
    """The numbers of the columns named `wanted`, which `span` asks for; `why` in words. Raises DiagnosticError (E0415)
    with a suggestion where some are missing, or share their name."""
    places = {name: i for i, name in enumerate(table.names)}
    missing = [name for name in wanted if name not in places]
    if missing:
        shown = _shown(table)
        others, base = [name for name in table.names if name not in wanted], missing[0].rpartition(".")[0]
        help = suggestion(missing[0], others) if table.header else ""
        if base in places and not suggestion(missing[0], [other for other in table.names if other != base]):
            help = f"the parts of a date are {listed([f'{base}.{part}' for part in PARTS])}"
        message = f"`{table.path}` has no column{'s' * (len(missing) > 1)} {listed(missing, 4)}{why}"
        raise problem("E0415", message, span, notes=(shown,) if help else (), help=help or shown)
    found = [places[name] for name in wanted]
    require_own_names(table, found)
    return found


def _shown(table: Table) -> str:
    """The columns that a table has."""
    sheet = text_of(table)
    if sheet is None or table.header:
        uncut = sheet is not None and len(table.names) == 1
        told = remedy(table.span, '; `delimiter = "..."` parts them', "") if uncut else ""
        return f"its columns are {listed(table.names)}{told}"
    told = f'it has no header, so its columns are "1" to "{len(table.names)}"'
    help = f"its first row holds numbers: put a {sheet.line} with the names of the columns above it"
    return remedy(table.span, told, help)


def require_own_names(table: Table, columns: Sequence[int], *, header: bool = True) -> None:
    """Raises DiagnosticError (E0415) where one of these columns has no name, or shares it with another; other columns
    may have what names they like, as the index that pandas writes has none. `header`: whether the reader has this
    option."""
    used = sorted(set(columns))
    options = "`header = false` if the first row is data; " * header + "`columns = [...]` picks the others"
    unnamed = [i + 1 for i in used if not table.names[i]]
    if unnamed:
        more = f" (and {counted(len(unnamed) - 1, 'other')})" if len(unnamed) > 1 else ""
        message = f"`{table.path}`: column {unnamed[0]}{more} has no name in the header"
        raise problem("E0415", message, table.span, help=remedy(table.span, f"name it; {options}", "name it"))
    count = Counter(table.names)
    twice = sorted({table.names[i] for i in used if count[table.names[i]] > 1})
    if twice:
        message = f"`{table.path}`: more than one column is named {listed(twice, 4)}"
        raise problem("E0415", message, table.span, help=remedy(table.span, f"rename one; {options}", "rename one"))


def _assign(
    request: Request, table: Table, parts: dict[str, object], option: str, without: Set[int], *, literal: bool
) -> dict[str, list[int]]:
    """`without`: columns that neither `rest` nor a pattern takes."""
    rests = [name for name, part in parts.items() if _is_rest(part)]
    if len(rests) > 1:
        raise problem("E0411", f"`rest` stands for one name only, but {listed(rests)} have it", request.span(option))
    found: dict[str, list[int]] = {}
    for name, part in parts.items():
        if name not in rests:
            told = ((item, _matches(request, table, item, option, literal=literal)) for item in _flat(part))
            found[name] = [i for item, own in told for i in own if i not in without or str(item) in table.names]
            if not found[name]:
                raise problem("E0411", f"`columns` gives `{name}` no column", request.span(option))
            both = [table.names[i] for i in found[name] if i in without]
            if both:
                message = f"`without` leaves out {listed(both, 3)}, which `{option}` gives `{name}`"
                raise problem("E0411", message, request.span("without"), help="one of the two is to go")
            twice = [table.names[i] for i in dict.fromkeys(found[name]) if found[name].count(i) > 1]
            if twice:
                raise problem(
                    "E0411", f"`columns` gives `{name}` the column {listed(twice, 3)} twice", request.span(option)
                )
    for name in rests:
        taken = {i for columns in found.values() for i in columns}
        taken |= {i for i, column in enumerate(table.names) if column == request.by}
        taken |= {*without, *(table.bases if isinstance(table, DatedTable) else ())}
        found[name] = [i for i in range(len(table.names)) if i not in taken]
        if not found[name]:
            raise problem("E0415", f"`{table.path}` has no columns left for `{name}`", request.span(option))
    return {name: found[name] for name in parts}


def _matches(request: Request, table: Table, item: object, option: str, *, literal: bool) -> list[int]:
    if isinstance(item, Word):
        help = "it must be alone, for one name" if item.name == "rest" else f'column names need quotes: "{item.name}"'
        raise problem("E0411", f"`{item.name}` is not a column's name here", request.span(option), help=help)
    text = str(item)
    if literal or "*" not in text or text in table.names:
        return find(table, [text], request.span(option))
    pattern = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
    matches = [i for i, name in enumerate(table.names) if pattern.fullmatch(name) and name != request.by]
    if not matches:
        message = f"no column of `{table.path}` matches `{text}`"
        raise problem("E0415", message, request.span(option), help=f"its columns are {listed(table.names)}")
    return matches


def _is_rest(part: object) -> bool:
    return isinstance(part, Word) and part.name == "rest"


def _flat(part: object) -> Iterator[object]:
    if isinstance(part, (tuple, list)):
        for item in part:
            yield from _flat(item)
    elif part is not None:
        yield part
