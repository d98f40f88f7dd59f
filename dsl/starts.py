"""Errors at the start of a statement: misplaced and misspelled keywords, and those of other languages."""

from __future__ import annotations

from .diagnostics import Diagnostic
from .foreign import free_weight, if_as_statement, loop_as_statement, sequential
from .layout import STATEMENT_WORDS, UNKNOWN, Item
from .otherwise import SECTIONS, otherwise
from .tokens import Tokens
from .wording import MODEL, nearest, reserved, short

_ALLOWED = {
    "": ("import", "param", "let", "fn", "block", "data", "model", "train"),
    "_K_DATA": (),
    "_K_MODEL": ("input", "target", "output", "layer"),
    "_K_BLOCK": ("layer", "return"),
    "_K_TRAIN": (),
}
_FILE_SECTIONS = frozenset({"_K_DATA", "_K_MODEL", "_K_TRAIN"})
_FUNCTION = "a formula is `fn f(x) = ...`; layers that are used several times are `block b(n) on x { ... }`"
_PARTS = "a file is made of `data { }`, `model { }`, `train { }` and `import`, `param`, `let`, `fn`, `block`"
_NET = f"a net is a section, with a pipe of layers: {MODEL}"
_FOREIGN = {
    "def": _FUNCTION,
    "func": _FUNCTION,
    "function": _FUNCTION,
    "class": _NET,
    "from": 'layers need no import; another `.net` file is read with `import "blocks.net" as lib`',
    "const": "a constant is `let name = ...`",
    "var": "a constant is `let name = ...`, a number to vary `param name = ...`",
}
"""Messages for keywords of other languages."""
_WEIGHTS = frozenset(("weight", "weights", "parameter", "parameters", "variable", "tensor", "bias"))
"""Keywords that would declare weights, if they were declared."""


def check_start(tokens: Tokens, item: Item) -> Diagnostic | None:
    """The error in the first words of a statement, if any."""
    return _no_start(tokens, item) or _broken_head(tokens, item) or _wrong_word(tokens, item)


def _no_start(tokens: Tokens, item: Item) -> Diagnostic | None:
    """A sign or a word that no statement starts with. An expression may stand alone, as for `--set`: it is the whole
    text, in no section."""
    span, kind = tokens.span(item.first), tokens.kind(item.first)
    word = str(tokens.all[item.first])
    if kind in ("_K_FOR", "_K_REPEAT"):
        message = f"`{word}` repeats stages of a pipe; a name is assigned once"
        section = item.section.removeprefix("_K_").lower()
        remedies = (
            ("`epochs = 10` repeats the training",) if section == "train" else loop_as_statement(tokens, item.first)
        )
        return Diagnostic("E0119", message, span, "cannot begin a statement", help=remedies)
    if kind == "_K_IF" and (item.first > 0 or not item.section):
        written = if_as_statement(tokens.source.text[span.start :][:1000])
        remedy = f"it chooses between two values: `{short(written, 300) or 'h = if a then b else c'}`"
        return Diagnostic("E0118", "`if` does not start a statement", span, help=(remedy,))
    if kind == "_LBRACE" and not item.section:
        return Diagnostic("E0121", "`{` does not start a statement", span, help=(_NET,))
    if kind == "_EQUAL":
        remedy = "a name stands before it: `h = ...`; a section begins with its word: `model { ... }`"
        return Diagnostic("E0122", "`=` does not start a statement", span, help=(remedy,))
    if kind == "MINUS" and item.first > 0 and item.section:
        remedy = "stages follow each other with `->`: `h = x -> dense(8) -> relu`"
        return Diagnostic("E0121", "`-` does not start a statement", span, help=(remedy,))
    return None


def _broken_head(tokens: Tokens, item: Item) -> Diagnostic | None:
    """A section with `=` or `:` in the place of its brace, or a head without one."""
    first = item.first
    kind, word = tokens.kind(first), str(tokens.all[first])
    if not item.section and kind in _FILE_SECTIONS and tokens.kind(first + 1) in ("_EQUAL", "_COLON"):
        place = tokens.span(first + 1)
        remedies = [f"its statements go in braces: `{word} {{ ... }}`"]
        if pipe := sequential(tokens.source.text[place.end :]):
            layers = f"`output p = {short(pipe, 200)}`, below an `input x: [...]`"
            remedies.append(f"layers are the stages of a pipe: {layers}")
        return Diagnostic("E0122", f"a section takes no `{place.text}`", place, help=tuple(remedies))
    if item.headless(tokens):
        place = tokens.span(first, item.head(tokens).stop - 1) if kind == "_K_BLOCK" else tokens.span(first)
        head = short(place.text, 60)
        message = f"`{{` is missing after `{head}`"
        return Diagnostic("E0125", message, place, "`{` is missing", help=(f"`{head} {{ ... }}`",))
    return None


def _wrong_word(tokens: Tokens, item: Item) -> Diagnostic | None:
    """A keyword in the wrong section, a name in the place of one, or a statement behind another."""
    first = item.first
    kind, following, word = tokens.kind(first), tokens.kind(first + 1), str(tokens.all[first])
    section, allowed = item.section.removeprefix("_K_").lower(), _ALLOWED.get(item.section, ())
    if kind in STATEMENT_WORDS and word not in allowed and item.section != UNKNOWN:
        if section == "data" and word == "train" and following == "_EQUAL":
            remedy = 'a name has the rows of all parts: `x = csv("a.csv", test = "b.csv")`, or divide them by `split`'
            return Diagnostic("E0110", "`data` has no names for its parts", tokens.span(first), help=(remedy,))
        if following in ("_EQUAL", "_COMMA", "_COLON"):
            return reserved(tokens.span(first))
        return _misplaced(tokens, first, section)
    if kind == "NAME":
        if (not section and following != "_LBRACE") or (following == "NAME" and not tokens.breaks[first + 1]):
            return _no_statement(tokens, first, section, allowed)
        if not section:
            guess = "" if item.heads == UNKNOWN else item.heads.removeprefix("_K_").lower()
            help = otherwise(word, SECTIONS) or ("the sections are `data`, `model` and `train`",)
            help = (f"did you mean `{guess}`?",) if guess else help
            return Diagnostic("E0121", f"there is no section `{word}`", tokens.span(first), help=help)
    if first > 0 and not tokens.breaks[first] and not _follows_head(tokens, item):
        return Diagnostic("E0111", "a statement starts on a new line", tokens.span(first), "start a new line here")
    return None


def _follows_head(tokens: Tokens, item: Item) -> bool:
    return bool(item.section) and tokens.kind(item.first - 1) == "_LBRACE"


def _misplaced(tokens: Tokens, first: int, section: str) -> Diagnostic:
    word = str(tokens.all[first])
    homes = [home.removeprefix("_K_").lower() for home, words in _ALLOWED.items() if word in words]
    home = "outside all sections" if homes == [""] else "in " + " or ".join(f"`{name}`" for name in homes)
    where = f"in `{section}`" if section else "here"
    remedy: tuple[str, ...] = ()
    if word == "param" and section in ("model", "block") and "[" in _line(tokens, first):
        remedy = (_weight(tokens, first, section),)
    elif word == "let" and section in ("model", "block"):
        remedy = ("a value needs no word here: `name = ...`",)
    elif homes == ["model"] and not section:
        remedy = ("braces go around all of it: `model { ... }`",)
    elif word == "return":
        remedy = ("`output name = ...` makes a value of the model known outside",)
    return Diagnostic("E0129", f"`{word}` is not allowed {where}", tokens.span(first), f"belongs {home}", help=remedy)


def _no_statement(tokens: Tokens, first: int, section: str, allowed: tuple[str, ...]) -> Diagnostic | None:
    """A name instead of a keyword: a misspelling, or a value outside all sections."""
    word, following = str(tokens.all[first]), tokens.kind(first + 1)
    if word == "elif":
        remedy = "write `else if`: `h = if a then b else if c then d else e`"
        return Diagnostic("E0118", "there is no `elif`", tokens.span(first), help=(remedy,))
    guess = nearest(word, allowed)
    if guess and following in ("NAME", "STRING"):
        return Diagnostic(
            "E0121", f"there is no statement `{word}`", tokens.span(first), help=(f"did you mean `{guess}`?",)
        )
    if word in _WEIGHTS and following == "NAME" and section != "data":
        message = f"there is no statement `{word}`"
        return Diagnostic("E0121", message, tokens.span(first), help=(_weight(tokens, first, section),))
    if section and word not in _FOREIGN:
        return None
    if following in ("_EQUAL", "_COMMA"):
        remedies = ["a constant is declared with `let`, a number to vary with `param`; values belong in `model`"]
        return Diagnostic("E0129", f"`{word}` is outside all sections", tokens.span(first), help=tuple(remedies))
    remedy = _FOREIGN.get(word, _PARTS)
    return Diagnostic("E0121", f"`{word}` does not start a statement", tokens.span(first), help=(remedy,))


def _weight(tokens: Tokens, first: int, section: str) -> str:
    """The remedy for a weight that is declared."""
    written = free_weight(_line(tokens, first))
    where = "" if section in ("model", "block") else ", in `model`"
    return f"a weight by itself is a value{where}: `{written}`; layers make their own: `h = x -> dense(8)`"


def _line(tokens: Tokens, first: int) -> str:
    """A statement's text to the end of its first line."""
    return tokens.source.text[tokens.span(first).start :].partition("\n")[0]
