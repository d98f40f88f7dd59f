"""Where in an unfinished text a place is, by the tokens before it: what surrounds it and what may be written there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

from lark import Token

from dsl.brackets import CLOSERS, OPENERS
from dsl.catalog import Catalog, Option, Part, Signature
from dsl.records import dataclass
from dsl.source import Source
from dsl.tokens import scan

Section = Literal["", "data", "model", "train", "block"]
Position = Literal["statement", "stage", "argument", "value", "member", "none"]

_SECTIONS: dict[str, Section] = {"_K_DATA": "data", "_K_MODEL": "model", "_K_TRAIN": "train"}
_UNFINISHED = frozenset(
    "_EQUAL _ARROW _COMMA _LPAR _LSQB _RANGE PLUS MINUS TIMES POWER COMPARE "
    "_K_IF _K_THEN _K_ELSE _K_IN _K_RETURN".split()
)
"""After these a statement goes on in the next line."""
_NAMES_COME = frozenset(
    "_K_AS _K_ON _K_PARAM _K_LET _K_FN _K_BLOCK _K_INPUT _K_TARGET _K_OUTPUT _K_LAYER _K_FOR".split()
)
"""After these somebody makes up a name."""
_OUTER = re.compile(r'^(?:(?:data|model|train)[ \t]*\{|(?:param|let|fn|block)[ \t]+\w|import[ \t]*")', re.MULTILINE)
"""The beginning of a section or a declaration, which stand outside of all brackets."""
_LANDMARK = re.compile(
    r"^[ \t]*(?P<statement>(?:input|target|output|layer|return)\b|\w+(?:[ \t]*,[ \t]*\w+)*[ \t]*=(?![=>]))"
    r'|#[^\n]*|"(?:[^"\\\n]|\\[^\n])*"|(?P<open>[(\[{])|(?P<close>[)\]}])',
    re.MULTILINE,
)
"""What tells where the statements of a section begin: their first words, brackets, and what hides brackets."""


_NO_SIGNATURES: Mapping[str, Signature] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The call whose parentheses are open at a place: its name, its signature if it is known, which argument
    the place is in (from 0; the value that a pipe brings is the first), the name of that argument if one is written,
    and the names of all others."""

    name: str
    signature: Signature | None
    index: int
    argument: str
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place: the word that ends there, the section, what can be written, the key of `train` or `data` whose value it
    is in, and the innermost call. `option`: what the key or the argument takes, if that is known; `owner`: the name
    before the `.` of a member."""

    word: str
    section: Section
    position: Position
    key: str
    call: Enclosing | None
    option: Option | None
    owner: str = ""


def cursor(source: Source, offset: int, catalog: Catalog, own: Mapping[str, Signature] = _NO_SIGNATURES) -> Cursor:
    """The place at an offset of a text that need not be sound; `own`: the blocks and formulas known there by name."""
    before = Source(source.name, _enough(source.text[:offset]))
    offset = len(before.text)
    found = scan(before)
    tokens, breaks = found.all, found.breaks
    word = ""
    if tokens and tokens[-1].end_pos == offset and (tokens[-1].value[:1].isalpha() or tokens[-1].value[:1] == "_"):
        word = str(tokens[-1].value)
        new_line = breaks[len(tokens) - 1] if len(tokens) > 1 else True
        tokens = tokens[:-1]
    else:
        new_line = "\n" in before.text[tokens[-1].end_pos or 0 :] if tokens else True
    if _in_comment(before, tokens):
        return Cursor("", "", "none", "", None, None)
    stack = _open(tokens)
    section = _section(tokens, stack)
    key = _key(tokens, stack, breaks) if section in ("train", "data") else ""
    call = _call(tokens, stack, catalog, own, section, key)
    if call is None:
        option = keyed(catalog, section, key)
    else:
        option = option_of(call.signature, call.argument, call.index)
    owner = str(tokens[-2].value) if len(tokens) > 1 and tokens[-1].type == "_DOT" else ""
    return Cursor(word, section, _position(tokens, stack, new_line, call), key, call, option, owner)


def _enough(text: str) -> str:
    """The last section or declaration, without the statements before its last one: all that the end depends on."""
    outer = max((match.start() for match in _OUTER.finditer(text)), default=0)
    depth, head, last = 0, len(text), 0
    for match in _LANDMARK.finditer(text, outer):
        if match["open"]:
            if match["open"] == "{" and depth == 0:
                head = min(head, match.end())
            depth += 1
        elif match["close"]:
            depth -= 1
        elif match["statement"] and depth == 1 and match.start() >= head:
            last = match.start()
    return text[outer:head] + "\n" + text[last:] if last else text[outer:]


def keys(source: Source, section: Section) -> set[str]:
    """The names before the `=` of the statements of a section, sound or not."""
    head = re.search(rf"^{section}[ \t]*\{{", source.text, re.MULTILINE)
    tokens = scan(source, head.start() if head else 0).all
    stack: list[int] = []
    found: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type in OPENERS:
            stack.append(index)
        elif token.type in CLOSERS and stack:
            stack.pop()
        elif token.type == "_EQUAL" and len(stack) == 1 and _section(tokens, stack) == section:
            at = index - 1
            while at > stack[0] and tokens[at].type in ("NAME", "_COMMA"):
                found.add(str(tokens[at].value))
                at -= 2
    return found


def _in_comment(before: Source, tokens: Sequence[Token]) -> bool:
    end = (tokens[-1].end_pos or 0) if tokens else 0
    return "#" in before.text[end:].rpartition("\n")[2]


def _open(tokens: Sequence[Token]) -> list[int]:
    """Indices of the brackets that are open at the end, outermost first."""
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.type in OPENERS:
            stack.append(index)
        elif token.type in CLOSERS:
            while stack and OPENERS[tokens[stack[-1]].type] != token.type:
                stack.pop()
            if stack:
                stack.pop()
    return stack


def _section(tokens: Sequence[Token], stack: Sequence[int]) -> Section:
    if not stack or tokens[stack[0]].type != "_LBRACE" or stack[0] == 0:
        return ""
    return _SECTIONS.get(tokens[stack[0] - 1].type, "block")


def _key(tokens: Sequence[Token], stack: Sequence[int], breaks: Sequence[bool]) -> str:
    """The name before the `=` of the statement that the end is in, "" between statements."""
    first = stack[1] if len(stack) > 1 else len(tokens)
    for index in range(first - 1, stack[0], -1):
        if tokens[index].type == "_EQUAL":
            return str(tokens[index - 1].value)
        if index + 1 < first and breaks[index + 1] and tokens[index].type not in _UNFINISHED:
            return ""
    return ""


def _call(
    tokens: Sequence[Token],
    stack: Sequence[int],
    catalog: Catalog,
    own: Mapping[str, Signature],
    section: Section,
    key: str,
) -> Enclosing | None:
    """The innermost call that is open at the end; each call is found by what the one around it takes there."""
    option, found = keyed(catalog, section, key), None
    for place, opener in enumerate(stack):
        if tokens[opener].type == "_LBRACE":
            option, found = (option, found) if place == 0 else (None, None)
        if tokens[opener].type != "_LPAR" or opener == 0 or tokens[opener - 1].type != "NAME":
            continue
        name, first = str(tokens[opener - 1].value), opener - 1
        inside = stack[place + 1] if place + 1 < len(stack) else len(tokens)
        index, argument, named = _arguments(tokens, opener, inside)
        if opener > 2 and tokens[opener - 2].type == "_DOT":  # of an imported file
            name, first = f"{tokens[opener - 3].value}.{name}", opener - 3
        signature = own.get(name) or find_signature(catalog, name, option.part if option else None)
        if first > 0 and tokens[first - 1].type in ("_ARROW", "_LBRACE") and signature is not None:
            index += len(signature.inputs[:1])  # which the pipe brings
        found = Enclosing(name, signature, index, argument, named)
        option = option_of(signature, argument, index)
    return found


def _arguments(tokens: Sequence[Token], opener: int, end: int) -> tuple[int, str, frozenset[str]]:
    """Which argument the end is in, its name, and the names of the others."""
    depth, index, argument = 0, 0, ""
    named: set[str] = set()
    for at in range(opener + 1, end):
        kind = tokens[at].type
        if kind in OPENERS:
            depth += 1
        elif kind in CLOSERS:
            depth -= 1
        elif depth == 0 and kind == "_COMMA":
            index, argument = index + 1, ""
        elif depth == 0 and kind == "_EQUAL" and tokens[at - 1].type == "NAME":
            argument = str(tokens[at - 1].value)
            named.add(argument)
    return index, argument, frozenset(named - {argument})


def find_signature(catalog: Catalog, name: str, part: Part | None) -> Signature | None:
    """The signature of a name: of the given part of the catalogue, or else of the first part that has it."""
    for one in (part, *get_args(Part)):
        found = catalog.find(one, name) if one else None
        if found is not None:
            return found
    return None


def keyed(catalog: Catalog, section: Section, key: str) -> Option | None:
    """What the value of a statement of `train` or `data` is."""
    if section == "train":
        return catalog.train.get(key)
    if section == "data" and key:
        return Option(key, ("choice",), part="split" if key == "split" else "reader")
    return None


def option_of(signature: Signature | None, argument: str, index: int) -> Option | None:
    """The option that an argument gives: by its name, or by its place behind the inputs."""
    if signature is None:
        return None
    if argument:
        return next((option for option in signature.options if option.name == argument), None)
    place = index - len(signature.inputs)
    return signature.options[place] if 0 <= place < len(signature.options) and not signature.variadic else None


def _position(tokens: Sequence[Token], stack: Sequence[int], new_line: bool, call: Enclosing | None) -> Position:
    last = tokens[-1].type if tokens else ""
    if last in _NAMES_COME:
        return "none"
    if last == "_DOT":
        return "member"
    if last == "_ARROW":
        return "stage"
    opener = tokens[stack[-1]].type if stack else ""
    if opener == "_LBRACE" and len(stack) > 1 and stack[-1] == len(tokens) - 1:
        return "stage"
    if opener in ("", "_LBRACE") and (last in ("", "_LBRACE", "_RBRACE") or (new_line and last not in _UNFINISHED)):
        return "statement"
    if opener == "_LPAR" and call is not None and last in ("_LPAR", "_COMMA"):
        return "argument"
    return "value" if last in _UNFINISHED else "none"
