"""Does a static fit an option, and what to say where it does not."""

from __future__ import annotations

from collections.abc import Mapping

from ..catalog import Kind, Option, Signature
from ..graph import Duration, Static, Word
from ..limits import MAX_WHOLE
from ..wording import quoted
from .signatures import takes_text
from .suggest import did_you_mean
from .values import Percent, Value, describe, is_number, plain, shape_of_numbers, show


class _NoFit:
    pass


NO_FIT = _NoFit()


def fit(option: Option, value: Value) -> Static | _NoFit:
    """The value as the first kind that takes it wants it, or NO_FIT. Choices are resolved elsewhere."""
    for kind in option.kinds:
        found = _fit_kind(option, kind, value)
        if found is not NO_FIT:
            return found
    return NO_FIT


def _fit_kind(option: Option, kind: Kind, value: Value) -> Static | _NoFit:
    match kind:
        case "whole":
            return _whole(option, value)
        case "real" if is_number(value) or (isinstance(value, Percent) and "fraction" in option.kinds):
            number = float(value) if isinstance(value, Percent) else value
            return number if option.minimum is None or number >= option.minimum else NO_FIT
        case "fraction" if isinstance(value, Percent) or is_number(value):
            return (float(value) if isinstance(value, Percent) else value) if 0 <= value <= 1 else NO_FIT
        case "duration" if isinstance(value, Duration):
            return value
        case "flag" if isinstance(value, bool):
            return value
        case "string" if isinstance(value, str):
            return value
        case "word" if isinstance(value, Word) and value.name in option.words:
            return value
        case "numbers":
            return plain(value) if shape_of_numbers(value) is not None else NO_FIT
        case "wholes" if isinstance(value, tuple):
            wholes = [_whole(option, item) for item in value]
            return NO_FIT if NO_FIT in wholes else tuple(wholes)  # type: ignore[arg-type]
        case "durations" if isinstance(value, tuple):
            return plain(value) if all(isinstance(item, Duration) for item in value) else NO_FIT
        case "names":
            return plain(value) if _names(option, value) else NO_FIT
    return NO_FIT


def _whole(option: Option, value: Value) -> int | _NoFit:
    if not is_number(value) or value != int(value) or abs(value) > MAX_WHOLE:
        return NO_FIT
    if option.minimum is not None and value < option.minimum:
        return NO_FIT
    return int(value)


def _names(option: Option, value: Value) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, Word):
        return not option.words or value.name in option.words
    return isinstance(value, tuple) and all(_names(option, item) for item in value)


def calls(entries: Mapping[str, Signature], value: Value, written: str) -> list[str]:
    """Calls of those of some entries whose first option would take a value."""
    firsts = {name: entry.options[0] for name, entry in sorted(entries.items()) if entry.options}
    return [f"{name}({quoted(written)})" for name, first in firsts.items() if fit(first, value) is not NO_FIT]


def _number(option: Option, value: Percent) -> str:
    """The plain number that was meant by a percentage: `20%` of units are 20."""
    return f"{float(value) * 100:g}" if "whole" in option.kinds else f"{float(value):g}"


def _meant(value: Value) -> list[Value]:
    """Values that are written like this one in other languages: a number as a list of one, 1 for `true`."""
    listed = [value[0] if isinstance(value, tuple) and len(value) == 1 else (value,)]
    return [*listed, value == 1] if is_number(value) and value in (0, 1) else listed


def misfit(option: Option, value: Value, named: bool) -> tuple[str, str, tuple[str, ...]]:
    """Code, message and help for a value that does not fit. `named`: the file writes the option's name, so may the
    help."""
    name, kinds = option.name, option.kinds
    before = f"{name} = " if named else ""
    plain_number = "whole" in kinds or "real" in kinds
    if isinstance(value, Duration) and plain_number:
        return "E0313", f"`{name}` takes a plain number", (f"`{before}{value.amount}`",)
    if isinstance(value, Percent) and "fraction" not in kinds and plain_number:
        return (
            "E0313",
            f"`{name}` takes a plain number; `%` fits only fractions",
            (f"`{before}{_number(option, value)}`",),
        )
    if "fraction" in kinds and "real" not in kinds and (is_number(value) or isinstance(value, Percent)):
        near = not isinstance(value, Percent) and 1 < value <= 100
        meant = f"did you mean `{show(Percent(value / 100))}`?" if near else "it goes from 0 to 1, or from 0% to 100%"
        return "E0313", f"`{name}` is a fraction, but this is {show(value)}", (meant,)
    if "duration" in kinds and is_number(value):
        return (
            "E0313",
            f"`{name}` takes a duration",
            (f"`{before}{show(value)}epochs` or `{before}{show(value)}steps`",),
        )
    if "whole" in kinds and is_number(value) and value != int(value):
        return "E0311", f"`{name}` must be whole, but this is {show(value)}", ()
    if "whole" in kinds and is_number(value) and value > MAX_WHOLE:
        return "E0312", f"`{name}` must be at most 2^63 - 1, but this is {show(value)}", ()
    if plain_number and is_number(value) and option.minimum is not None:
        return "E0312", f"`{name}` must be at least {option.minimum:g}, but this is {show(value)}", ()
    if "wholes" in kinds and isinstance(value, tuple):
        for item in value:
            if not is_number(item) or item != int(item):
                return "E0311", f"`{name}` takes whole numbers, but this contains {describe(item)}", ()
            if item > MAX_WHOLE:
                return "E0312", f"each number of `{name}` must be at most 2^63 - 1", ()
        return "E0312", f"each number of `{name}` must be at least {option.minimum or 0:g}", ()
    if "numbers" in kinds and isinstance(value, tuple):
        return "E0310", f"`{name}` takes a rectangular list of numbers: all rows must have the same length", ()
    help = did_you_mean(value.name, option.words) if isinstance(value, Word) else ()
    if "string" in kinds and is_number(value):
        help = (f'text needs quotes: `"{show(value)}"`',)
    alike = [] if isinstance(value, Word) else _meant(value)
    help = next(((f"did you mean `{before}{show(one)}`?",) for one in alike if fit(option, one) is not NO_FIT), help)
    return "E0310", f"`{name}` takes {takes_text(option)}, but this is {describe(value)}", help
