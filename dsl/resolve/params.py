"""`param name = value in domain`, and overrides from outside the file."""

from __future__ import annotations

from collections.abc import Iterable

from .. import syntax
from ..catalog import Option, Signature
from ..diagnostics import Diagnostic, Label
from ..graph import Choice, Param, Static, Word
from ..parse import parse_expression
from ..source import Span
from ..wording import quoted
from .context import Context, Shared
from .options import bind_choice
from .scopes import Entry
from .suggest import did_you_mean, listed
from .values import POISON, Percent, Poison, Value, describe, has_node, has_poison, is_number, plain, show, sort_of

DOMAINS = {
    "log": Signature("log", "function", options=(Option("first", ("real",)), Option("last", ("real",)))),
}
"""Named domains; like ranges, they go from `first` to `last`, but are uniform in the logarithm."""

FLAGS = frozenset({"epochs", "precision", "seed"})
"""Keys of `train` that can be set from outside, though not as params."""


def define_param(cx: Context, statement: syntax.Param, prefix: str, params: dict[str, Param]) -> None:
    """Resolve default and domain, apply and check an override, and define the name."""
    name = statement.name
    value = _static(cx, statement.value, f"the value of `{name.text}`")
    span = statement.value.span
    overriding = cx.shared.overrides.get(prefix + name.text)
    if overriding is not None:
        replacement, span = override(cx, prefix + name.text, overriding, value)
        if value is not POISON and replacement is not POISON and sort_of(replacement) != sort_of(value):
            message = f"`{prefix}{name.text}` is {describe(value)} in the file, but {describe(replacement)} is set"
            example = cx.shared.notation.example(prefix + name.text, show(value))
            replacement = cx.error("E0310", message, span, help=[f"for example `{example}`"])
        value = replacement
    domain: Static | Poison = None
    if statement.domain is not None:
        domain = _domain(cx, statement.domain)
        if domain is not POISON and value is not POISON and not _in_domain(value, domain):
            text = statement.domain.span.text
            value = cx.error(
                "E0317",
                f"{show(value)} is not in the domain of `{prefix}{name.text}`",
                span,
                labels=[] if overriding is None else [Label(statement.domain.span, "the domain")],
                help=[f"the domain is {text}{_integer_hint(value, domain)}"],
            )
    cx.define(Entry("param", name, value))
    if not isinstance(domain, Poison) and value is not POISON:
        params.setdefault(prefix + name.text, Param(plain(value), plain(domain), statement.span))


def _static(cx: Context, expr: syntax.Expr, what: str) -> Value:
    value = cx.static(expr)
    if has_poison(value):
        return POISON
    if has_node(value):
        return cx.error(
            "E0316", f"{what} is evaluated when the file is loaded, but this is {describe(value)}", expr.span
        )
    return value


def override(cx: Context, name: str, text: str, default: Value) -> tuple[Value, Span]:
    """The value that an override sets, and its span in a source of its own. Of a string, the quotes may be missing: a
    shell drops them. Where the default is no word, any word has the wrong type; otherwise an unknown one is an
    error."""
    _, span = cx.shared.notation.spans(name, text)
    if isinstance(default, str) and text and not text.startswith('"'):
        return text, span
    expr, findings = parse_expression(span.source, span.start)
    cx.shared.report.extend(findings)
    if expr is None:
        if not findings:
            cx.error("E0216", f"`{name}` is set to nothing", span)
        return POISON, span
    if (
        not isinstance(default, Word | Poison)
        and isinstance(expr, syntax.Path)
        and cx.scope.find(expr.parts[0].text) is None
    ):
        return Word(expr.text), span
    return _static(cx, expr, f"the value of `{name}`"), span


def unknown_overrides(shared: Shared, declared: Iterable[str]) -> None:
    """Report overrides of params that no file declares."""
    names = set(declared)
    for name in shared.overrides:
        if name not in names:
            listing = "the file declares no params"
            if name.isidentifier():
                written = f"param {name} = {quoted(shared.overrides[name])}"
                listing += f": add `{written}` at its top, and write `{name}` where its value belongs"
            if names:
                listing = f"the param{'s are' if len(names) > 1 else ' is'} {listed(sorted(names), 'and')}"
            span, _ = shared.notation.spans(name, shared.overrides[name])
            imported = [candidate for candidate in sorted(names) if candidate.endswith(f".{name}")]
            help = (f"did you mean `{imported[0]}`?",) if imported else did_you_mean(name, names) or (listing,)
            if name in FLAGS:
                help = (f"a key of `train`: `{shared.notation.key(name, quoted(shared.overrides[name]))}`",)
            shared.report.add(Diagnostic("E0216", f"there is no param `{name}` to set", span, help=help))


def _domain(cx: Context, expr: syntax.Expr) -> Static | Poison:
    if isinstance(expr, syntax.Range):
        first, last = _static(cx, expr.first, "a domain"), _static(cx, expr.last, "a domain")
        return _ordered(cx, first, last, expr, ("..", first, last))
    if isinstance(expr, syntax.Call) and expr.function.text in DOMAINS:
        choice = bind_choice(cx, DOMAINS[expr.function.text], expr.arguments, expr.span, expr.function.span)
        if not isinstance(choice, Choice):
            return POISON
        first, last = choice.options["first"], choice.options["last"]
        if is_number(first) and first <= 0:
            positive = is_number(last) and last > 0
            example = [f"for example `log({last / 1e4:g}, {show(last)})`"] if positive else []  # type: ignore[operator]
            return cx.error("E0317", "a logarithmic domain starts above 0", expr.span, help=example)
        return _ordered(cx, first, last, expr, choice)
    if isinstance(expr, syntax.Call):
        help = did_you_mean(expr.function.text, DOMAINS) or ("a domain is a list, `a..b` or `log(a, b)`",)
        return cx.error("E0208", f"there is no domain `{expr.function.text}`", expr.function.span, help=help)
    value = _static(cx, expr, "a domain")
    if value is POISON:
        return POISON
    if not isinstance(value, tuple):
        help = ("`[a, b, c]`, `a..b` or `log(a, b)`",)
        return cx.error("E0317", f"a domain is a list or a range, but this is {describe(value)}", expr.span, help=help)
    return value  # type: ignore[return-value]


def _ordered(cx: Context, first: Value, last: Value, expr: syntax.Expr, domain: Value) -> Static | Poison:
    if first is POISON or last is POISON:
        return POISON
    for value in (first, last):
        if not is_number(value) and not isinstance(value, Percent):
            return cx.error("E0317", f"a domain goes from number to number, but this is {describe(value)}", expr.span)
    if first > last:  # type: ignore[operator]
        help = [f"the smaller end comes first: `{show(last)}..{show(first)}`"] if isinstance(expr, syntax.Range) else ()
        message = f"this domain is empty: {show(first)} is above {show(last)}"
        return cx.error("E0317", message, expr.span, help=help)
    return domain  # type: ignore[return-value]


def _integer_hint(value: Value, domain: Static | Poison) -> str:
    """An addition to the message if a range of integers was probably meant as a range of reals."""
    if not (isinstance(domain, tuple) and len(domain) == 3 and domain[0] == ".."):
        return ""
    _, first, last = domain
    if not (isinstance(first, int) and isinstance(last, int) and isinstance(value, float) and first <= value <= last):
        return ""
    return f", whole numbers; for all numbers between: `{first}.0..{last}.0`"


def _in_domain(value: Value, domain: Static | Poison) -> bool:
    if isinstance(domain, Choice):
        return is_number(value) and domain.options["first"] <= value <= domain.options["last"]  # type: ignore[operator]
    if not isinstance(domain, tuple):
        return True
    if len(domain) == 3 and domain[0] == "..":
        _, first, last = domain
        if not is_number(value) and not isinstance(value, Percent):
            return False
        if isinstance(first, int) and isinstance(last, int) and value != int(value):
            return False
        return bool(first <= value <= last)  # type: ignore[operator]
    return any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in domain)
