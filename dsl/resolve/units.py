"""Files: their declarations, params with domains and `--set`, and imports."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import field

from .. import syntax
from ..diagnostics import Label
from ..graph import Param
from ..limits import MAX_IMPORT_BYTES, MAX_IMPORTS
from ..parse import parse
from ..records import dataclass
from ..source import Source, Span
from .context import Context, Shared
from .naming import StageNames
from .params import define_param
from .scopes import BlockDef, Entry, FnDef, Scope, Unit
from .values import POISON, Value, describe, has_node, has_poison

Read = Callable[[str], str]


@dataclass(slots=True)
class Loader:
    """Loads files, each once. `open`: those being loaded, to detect cycles."""

    shared: Shared
    read: Read | None
    loaded: dict[str, Unit] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    params: dict[str, Param] = field(default_factory=dict)
    param_names: set[str] = field(default_factory=set)
    imported: int = 0

    def load(self, source: Source, path: str, prefix: str) -> Unit:
        """Parse a file and resolve its declarations; what is wrong is reported. `prefix` goes before its params'
        names."""
        file, findings = parse(source)
        self.shared.report.extend(list(findings))
        unit = Unit(source, path, Scope(closed=True), file, prefix, broken=any(f.severity == "error" for f in findings))
        self.loaded[path] = unit
        self.open.append(path)
        self._declare(unit)
        self.open.pop()
        return unit

    def _declare(self, unit: Unit) -> None:
        cx = context_of(self.shared, unit)
        statements = unit.file.statements
        unit.scope.later = {s.name.text: s.name.span for s in statements if isinstance(s, (syntax.Param, syntax.Let))}
        for statement in statements:
            if isinstance(statement, syntax.Param) and statement.domain is not None:
                _domain_words(self.shared, statement.domain)
            if isinstance(statement, syntax.Block):
                cx.define(Entry("block", statement.name, definition=BlockDef(statement, unit)))
                _check_formals(cx, statement.formals, statement.inputs)
            elif isinstance(statement, syntax.Fn):
                cx.define(Entry("fn", statement.name, definition=FnDef(statement, unit)))
                _check_formals(cx, statement.formals, ())
        for statement in statements:
            if isinstance(statement, syntax.Param):
                self.param_names.add(unit.prefix + statement.name.text)
                define_param(cx, statement, unit.prefix, self.params)
            elif isinstance(statement, syntax.Let):
                cx.define(Entry("let", statement.name, _let(cx, statement)))
            elif isinstance(statement, syntax.Import):
                self._import(cx, statement)

    def _import(self, cx: Context, statement: syntax.Import) -> None:
        name = statement.alias
        cx.define(Entry("import", name, POISON, self._unit(cx, statement)))

    def _unit(self, cx: Context, statement: syntax.Import) -> Unit | None:
        written = statement.path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(cx.unit.path), written.value))
        if path in self.open:
            chain = " -> ".join([*self.open[self.open.index(path) :], path])
            message = f"these files import each other in a circle: {chain}"
            help = ["move what both need to a third file, and import that"]
            if path == cx.unit.path:
                message = "this file imports itself"
                help = ["delete the import: the blocks, fns and params of a file are known all over it"]
            cx.error("E0215", message, written.span, help=help)
            return None
        if path in self.loaded:
            return self.loaded[path]
        if self.read is None:
            cx.error("E0214", "this text cannot import: it stands in no folder", written.span)
            return None
        if len(self.loaded) > MAX_IMPORTS:
            cx.stop(written.span, f"this file imports more than {MAX_IMPORTS} files", "use fewer")
        try:
            text = self.read(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            help = getattr(error, "__notes__", None) or ["paths start in the folder of the importing file"]
            cx.error("E0214", f"cannot read `{path}`: {reason[:1].lower()}{reason[1:]}", written.span, help=help)
            return None
        self.imported += len(text)
        if self.imported > MAX_IMPORT_BYTES:
            cx.stop(written.span, f"this file imports more than {MAX_IMPORT_BYTES // 1024} KiB of text", "import less")
        return self.load(Source(path, text), path, f"{cx.unit.prefix}{statement.alias.text}.")


def context_of(shared: Shared, unit: Unit) -> Context:
    """The context of a file's own declarations."""
    return Context(shared, unit, unit.scope, "", StageNames("file"), no_alias="this makes no value of the model")


def _let(cx: Context, statement: syntax.Let) -> Value:
    value = cx.static(statement.value)
    if has_poison(value):
        return POISON
    if has_node(value):
        return cx.error("E0316", f"a let is a constant, but this is {describe(value)}", statement.value.span)
    return value


def _check_formals(cx: Context, formals: tuple[syntax.Formal, ...], inputs: tuple[syntax.Name, ...]) -> None:
    seen: dict[str, Span] = {}
    for name in (*[formal.name for formal in formals], *inputs):
        if name.text in seen:
            labels = [Label(seen[name.text], "first here")]
            cx.error("E0202", f"the name `{name.text}` is assigned twice", name.span, label="again here", labels=labels)
        seen.setdefault(name.text, name.span)
    for formal in formals:
        cx.refuse_function_name(Entry("formal", formal.name))


def _domain_words(shared: Shared, domain: syntax.Expr) -> None:
    """Names in the domain of a param, which are words."""
    if isinstance(domain, syntax.List):
        for item in domain.items:
            if isinstance(item, syntax.Path) and len(item.parts) == 1:
                shared.words.add(item.text)
