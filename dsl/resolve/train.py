"""The section `train`: its keys, and the loss and metrics over the model's values."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from .. import syntax
from ..catalog import REQUIRED, Option, Part
from ..diagnostics import Label
from ..graph import Node, Static, Train, Word
from ..otherwise import KEYS, otherwise
from ..source import Span
from ..wording import quoted
from .apply import values_for
from .arguments import OptionArgument
from .conditions import branch
from .context import Context
from .expand import apply, run
from .naming import StageNames
from .options import bind
from .signatures import default_of
from .suggest import called_here, did_you_mean, done_in_model, listed, meant, nearest
from .usage import paths_in
from .values import POISON, MultiValue, Operand, Poison, Value, describe

WEIGHTLESS = "`train` cannot create weights"


def resolve_train(cx: Context, section: syntax.Train) -> Train | Poison:
    """All keys, defaults included. Its nodes are those created after the model's."""
    catalog = cx.shared.catalog
    cx = cx.derive(weightless=WEIGHTLESS, no_alias="`train` contains only keys")
    start = len(cx.shared.nodes)
    written: dict[str, syntax.Bind] = {}
    valid = True
    for statement in section.body:
        valid &= _key(cx, statement, written)
    options: dict[str, Static] = {}
    spans: dict[str, Span] = {}
    loss: Node | None = None
    metrics: tuple[tuple[str, Node], ...] = ()
    missing: list[str] = []
    for key, option in catalog.train.items():
        setting = written.get(key)
        if setting is None:
            if option.default is REQUIRED:
                missing.append(key)
            elif "loss" not in option.kinds and "metrics" not in option.kinds:
                options[key] = default_of(cx, option, section.span)
            continue
        spans[key] = setting.value.span
        if "loss" in option.kinds:
            value = _loss(cx, setting.value)
            loss = value if isinstance(value, Node) else None
            valid &= loss is not None
        elif "metrics" in option.kinds:
            resolved = _metrics(cx, setting.value)
            valid &= not isinstance(resolved, Poison)
            metrics = () if isinstance(resolved, Poison) else resolved
        else:
            static = bind(cx, option, OptionArgument(setting.value.span, setting.value, name=setting.names[0]))
            if isinstance(static, (Node, Poison)):
                valid = False
            else:
                options[key] = static
    unreported = [key for key in missing if key not in _misspelled(section, catalog.train)]
    if unreported and not cx.unit.broken:
        cx.error(
            "E0211",
            f"`train` lacks {listed(unreported, 'and')}",
            _keyword(section.span),
            help=_missing_help(cx, unreported),
        )
    if not valid or missing or loss is None:
        return POISON
    return Train(tuple(cx.shared.nodes[start:]), loss, metrics, options, spans, section.span)


def _misspelled(section: syntax.Train, keys: Mapping[str, Option]) -> set[str]:
    """Required keys that are present under a misspelled name, so that they are not reported as missing, too."""
    written = [name.text for statement in section.body for name in statement.names]
    return {similar for name in written if name not in keys and (similar := nearest(name, keys))}


def _missing_help(cx: Context, missing: list[str]) -> list[str]:
    examples = {"optimizer": "adam"}
    targets = [entry.value for entry in cx.scope.entries() if entry.kind == "target"]
    if len(targets) == len(cx.shared.outputs) == 1 and isinstance(targets[0], Node) and targets[0].type is not None:
        loss = "mse" if targets[0].type.classes is None else "cross_entropy"
        examples["loss"] = f"{loss}({cx.shared.outputs[0]}, {targets[0].label})"
    return [f"add `{key} = {examples.get(key, '...')}`" for key in missing]


def _keyword(span: Span) -> Span:
    return Span(span.source, span.start, span.start + len("train"))


def _key(cx: Context, statement: syntax.Bind, written: dict[str, syntax.Bind]) -> bool:
    """Assign a statement to its key; False after an error."""
    name = statement.names[0]
    catalog = cx.shared.catalog
    if name.text not in catalog.train:
        help = _other_key(cx, statement, written)
        cx.error("E0211", f"`train` has no key `{name.text}`", name.span, label="unknown key", help=help)
        return False
    if len(statement.names) > 1:
        cx.error("E0218", "a key of `train` takes one value", name.span.to(statement.names[-1].span))
        return False
    if name.text in written:
        labels = [Label(written[name.text].names[0].span, "first here")]
        help = ("keep one of them" + "; several losses are added: `loss = a + b`" * (name.text == "loss"),)
        cx.error("E0202", f"`{name.text}` is given twice", name.span, label="again here", labels=labels, help=help)
        return False
    written[name.text] = statement
    return True


def _other_key(cx: Context, statement: syntax.Bind, written: Mapping[str, syntax.Bind]) -> tuple[str, ...]:
    """The help for an unknown key: one similar in spelling, an option of the optimizer, or a value of the model."""
    catalog, name = cx.shared.catalog, statement.names[0].text
    unused = [key for key in catalog.train if key not in written]
    prefixes = [key for key in catalog.train if name.startswith(key + "_") and key not in written]
    similar = did_you_mean(name, unused, elsewhere=catalog.elsewhere)
    if similar or prefixes:
        return similar or (f"did you mean `{prefixes[0]}`?",)
    duplicate = meant(name, written, elsewhere=catalog.elsewhere)
    if duplicate:
        return (f"`{duplicate}` is already given",)
    elsewhere = otherwise(name, KEYS)
    if elsewhere:
        return elsewhere
    if name.lower().startswith(("val", "test", "split", "divide")):
        return ("`data` divides the rows: `split = split(train = 80%, valid = 20%)`",)
    entries = (cx.scope.find(path.parts[0].text) for path in paths_in(statement.value))
    if any(entry is not None and isinstance(entry.value, Node) for entry in entries):
        return (f"compute it in `model`; `metrics = [{name}]` then shows it",)
    for signature in catalog.entries.get("optimizer", {}).values():
        for option in signature.options:
            if option.name in (name, *called_here(name, catalog.elsewhere)):
                example = f"`optimizer = {signature.name}({option.name} = {statement.value.span.text})`"
                return (f"this is the optimizer's: {example}",)
    model_help = done_in_model(name, catalog)
    if model_help:
        return model_help
    free = [key for key in catalog.train if key not in written]
    return (f"keys not used yet: {', '.join(free)}",)


def _loss(cx: Context, expr: syntax.Expr) -> Node | Poison:
    inner = cx.derive(parts=("loss", "penalty", "function"), base="train.loss.", place=StageNames("train.loss"))
    return _tensor(inner, inner.evaluate(expr), expr.span, "the loss")


def _tensor(cx: Context, value: Value, span: Span, what: str) -> Node | Poison:
    if isinstance(value, (Node, Poison)):
        return value
    if isinstance(value, MultiValue):
        return cx.unnamed(value, span)
    parts = ("metric", *cx.parts) if what == "a metric" else cx.parts
    word = value.name if isinstance(value, Word) else value if isinstance(value, str) else ""
    help = _on_values(cx, parts, word, "without quotes, " if isinstance(value, str) else "")
    message = f"{what} is an expression over the model's values, but this is {describe(value)}"
    return cx.error("E0316", message, span, help=help)


def _on_values(cx: Context, parts: tuple[Part, ...], word: str, before: str) -> list[str]:
    """The help for the bare name of a function: a call, with the model's values if they are unambiguous."""
    known = [name for part in parts for name in cx.shared.catalog.entries.get(part, {})]
    name = word if word in known else (meant(word, known, elsewhere=cx.shared.catalog.elsewhere) or "")
    signature = next((s for part in parts if (s := cx.shared.catalog.find(part, name))), None)
    if signature is None or not signature.inputs:
        return []
    return [f"{before}on values: `{name}({', '.join(values_for(cx, signature))})`"]


def _metrics(cx: Context, written: syntax.Expr) -> tuple[tuple[str, Node], ...] | Poison:
    """`[accuracy(p, y), kl, q -> accuracy(z) as second]`: each bears the name of its function or value, or
    the one that `as` gives it."""
    expr = branch(cx, written)
    if expr is None:
        return POISON
    if not isinstance(expr, syntax.List):
        return cx.error("E0318", "`metrics` takes a list", expr.span, help=[f"`[{expr.span.text}]`"])
    found: dict[str, tuple[Span, Node | None]] = {}
    taken = {name for name in map(_metric_name, expr.items) if name is not None}
    for item in expr.items:
        name = _metric_name(item)
        if name is None or name in found:
            _misnamed(cx, item, found.get(name, (None,))[0] if name is not None else None, taken)
            found[f"?{len(found)}"] = (item.span, None)
            continue
        value = _metric(cx, item, name)
        found[name] = (item.span, value if isinstance(value, Node) else None)
    made = tuple([(name, node) for name, (_, node) in found.items() if node is not None])
    return made if len(made) == len(found) else POISON


def _metric_name(item: syntax.Expr) -> str | None:
    """The name under which a metric is reported."""
    match item:
        case syntax.Call():
            return item.function.text
        case syntax.Path():
            return item.text
        case syntax.Pipe(steps=(*_, syntax.Stage(alias=syntax.Name(text=text)))):
            return text
        case _:
            return None


def _misnamed(cx: Context, item: syntax.Expr, first: Span | None, taken: set[str]) -> None:
    """Report a metric without a name, or with the name of the `first`; `taken`: names that a remedy cannot give."""
    if first is None:
        help = ["compute it in `model`, and give it a name there"]
        if isinstance(item, syntax.String):
            help = _on_values(cx, ("metric", "loss", "function"), item.value, "without quotes, ") or help
        elif isinstance(item, syntax.Pipe) and isinstance(item.steps[-1], syntax.Stage):
            name = _free(item.steps[-1].function.text, item.source.span.text, taken)
            help = [f"`as` names it: `{quoted(item.span.text)} as {name}`"]
        cx.error("E0228", "a metric is a call or a value, or is named by `as`", item.span, help=help)
        return
    help = ["delete one"]
    if isinstance(item, syntax.Call) and item.arguments and item.arguments[0].name is None:
        flows, *others = [argument.span.text for argument in item.arguments]
        function = item.function.text
        stage = f"{function}({', '.join(others)})" if others else function
        help = [f"delete one, or name it: `{quoted(f'{flows} -> {stage}')} as {_free(function, flows, taken)}`"]
    message = f"two metrics are called `{_metric_name(item)}`"
    cx.error("E0228", message, item.span, label="again here", labels=[Label(first, "first here")], help=help)


def _free(function: str, flows: str, taken: set[str]) -> str:
    """An unused name for the result of a function on a value."""
    base = f"{function}_{flows}".lower() if flows.isidentifier() else f"{function}_2"
    name = next(one for i in count(1) if (one := base if i == 1 else f"{base}_{i}") not in taken)
    taken.add(name)
    return name


def _metric(cx: Context, item: syntax.Expr, name: str) -> Node | Poison:
    place = StageNames(f"train.metrics.{name}")
    inside = cx.derive(parts=("function", "loss"), place=place, base=f"{place.prefix}.")
    outer = inside.derive(parts=("metric", "loss", "function"))
    if isinstance(item, syntax.Pipe):
        last = item.steps[-1]
        assert isinstance(last, syntax.Stage), "its name is the last stage's"
        before = run(inside, Operand(inside.evaluate(item.source), item.source.span), item.steps[:-1])
        value = apply(outer, last.function, last.arguments or (), [before], last.span)
    else:
        value = (outer if isinstance(item, syntax.Call) else inside).evaluate(item)
    return _tensor(inside, value, item.span, "a metric")
