"""Spelling suggestions: the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from .. import syntax
from ..catalog import Catalog
from ..wording import quoted

_IDENTITY = ("identity", "purelin")
"""What other tools call the activation that passes on its input."""


def distance(a: str, b: str, limit: int) -> int:
    """Edits (insert, delete, replace, swap of neighbors) from `a` to `b`; `limit + 1` where there are more than
    `limit`.

    Optimal string alignment: Damerau, "A technique for computer detection and correction of spelling errors", 1964;
    only the diagonals that `limit` edits reach: Ukkonen, "Algorithms for approximate string matching", 1985.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    alike = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[alike:], b[alike:]
    far = limit + 1
    before: list[int] = []
    row = [min(j, far) for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [far] * (len(b) + 1)
        row[0] = min(i, far)
        for j in range(max(1, i - limit), min(len(b), i + limit) + 1):
            y = b[j - 1]
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, last[j - 2] + 1)
            row[j] = best
        if min(row) > limit:
            return far
    return min(row[-1], far)


def nearest(wrong: str, names: Iterable[str], fits: Callable[[str], bool] = lambda name: True) -> str | None:
    """The name nearest in spelling for which `fits` holds, or None if none is near enough."""
    limit = max(1, min(3, len(wrong) // 3))
    if len(wrong) > 60:
        return None
    ranked = sorted(
        (edits, name[:1] != wrong[:1], name)
        for name in set(names)
        if name != wrong and (edits := distance(wrong.lower(), name.lower(), limit)) <= limit and edits < len(name)
    )
    for *_, name in ranked:
        if fits(name):
            return name
    return None


def did_you_mean(
    wrong: str,
    names: Iterable[str],
    fits: Callable[[str], bool] = lambda name: True,
    elsewhere: Mapping[str, tuple[str, ...]] = {},
) -> tuple[str, ...]:
    """The help with the name that was probably meant; empty if there is none."""
    name = meant(wrong, names, fits, elsewhere)
    return (f"did you mean `{name}`?",) if name else ()


def meant(
    wrong: str,
    names: Iterable[str],
    fits: Callable[[str], bool] = lambda name: True,
    elsewhere: Mapping[str, tuple[str, ...]] = {},
) -> str | None:
    """The equivalent of a name of other tools (`elsewhere`, see `Catalog`), or the nearest name in spelling."""
    known = list(names)
    same = [name for name in called_here(wrong, elsewhere) if name in known and fits(name)]
    return same[0] if same else nearest(wrong, known, fits)


def called_here(word: str, elsewhere: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What a word of other tools may be called here: `MaxPool2D`, `maxPooling2dLayer`, `tanhLayer`."""
    plain = word.lower().replace("_", "")
    bare = plain.removesuffix("layer")
    return elsewhere.get(plain) or ((*elsewhere.get(bare, ()), bare) if bare != plain else ())


def done_in_model(wrong: str, catalog: Catalog) -> tuple[str, ...]:
    """The help for an option of other tools that is a stage of the model here: `augment`, `noise`."""
    functions = catalog.entries.get("function", {})
    found = [name for name in called_here(wrong, catalog.elsewhere) if name in functions]
    return (f"this is done in `model`, by stages such as `x -> {found[0]}`",) if found else ()


def listed(names: Iterable[str], last: str = "or") -> str:
    """`a`, `b` or `c`, each in backticks."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def foreign_word(text: str, option: str = "") -> tuple[str, ...]:
    """The help for `True`, `yes` and `None`, where `option` is given them."""
    if text.lower() in ("true", "false", "pi"):
        return (f"did you mean `{text.lower()}`?",)
    if text.lower() in ("yes", "on", "no", "off"):
        return (f"did you mean `{'true' if text.lower() in ('yes', 'on') else 'false'}`?",)
    if text.lower() in ("none", "null", "nil"):
        return (f"there is no `{text}`: leave out {f'`{option}`' if option else 'the argument'}",)
    return ()


def weight_of_a_layer(name: str) -> tuple[str, ...]:
    """The help for `W1 * x + b1`: what textbooks write as a formula is a layer."""
    if re.fullmatch(r"(?:[Ww]|weights?|b|bias)_?\d*", name) is None:
        return ()
    return (f"weights are made by layers: `x -> dense(8)` is x @ W + b; or one alone: `{name} = weight([8])`",)


def changes_nothing(name: str) -> tuple[str, ...]:
    """The help for `-> identity`: a layer without an activation needs none of that name."""
    return (f"without an activation a layer is linear: leave out `-> {name}`",) if name.lower() in _IDENTITY else ()


def without_value(path: syntax.Path) -> tuple[str, ...]:
    """The help for `layer f = x -> dense(8)`: a layer is the function, not its value."""
    text = path.span.source.text
    before = re.search(r"\blayer[ ]+(\w+)[ ]*=[ ]*\Z", text[max(0, path.span.start - 100) : path.span.start])
    chain = text[path.span.end :].partition("\n")[0].partition("#")[0].strip()
    if before is None or not chain.startswith("->"):
        return ()
    return (f"a layer names no value: `layer {before[1]} = {quoted(chain.removeprefix('->').strip())}`",)
