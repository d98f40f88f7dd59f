"""Barriers, and what the threads of a warp do together, as C."""

from __future__ import annotations

from collections.abc import Iterator

from .ptx_arithmetic import Handler
from .ptx_syntax import Instruction
from .ptx_words import TYPES, Words, split, unknown

_REDUCED = {"and": "AND", "or": "OR", "xor": "XOR", "add": "ADD", "min": "MIN", "max": "MAX"}
_VOTES = {"all": "ALL", "any": "ANY", "uni": "UNIFORM", "ballot": "BALLOT"}
_SHUFFLES = {"up": "SHUFFLE_UP", "down": "SHUFFLE_DOWN", "bfly": "SHUFFLE_XOR", "idx": "SHUFFLE"}


def bar(w: Words, i: Instruction) -> Iterator[str]:
    """`bar`, and `barrier`, which is the same with its threads not aligned."""
    parts = [p for p in i.parts if p not in ("cta", "aligned")]
    if parts[:2] == ["warp", "sync"]:
        yield f"among(PLAIN, {w.number(i, i.operands[0])}, 0, 0, 0, {i.line});"
        return
    kind = parts[0] if parts else ""
    results = 1 if kind == "red" else 0
    number, *rest = i.operands[results:]
    tested = rest.pop() if kind == "red" else None
    count = w.number(i, rest[0]) if rest else "whole_block()"
    at = w.number(i, number)
    if parts == ["sync"]:
        yield f"barrier(PLAIN, {at}, {count}, 0, {i.line});"
    elif parts == ["arrive"]:
        yield f"arrive({at}, {count}, {i.line});"
    elif kind == "red" and parts[1] in ("popc", "and", "or") and tested is not None:
        to = TYPES[parts[2]]
        value = f"barrier({parts[1].upper()}, {at}, {count}, {w.read(i, tested, TYPES['pred'])}, {i.line})"
        yield w.write(i, i.operands[0], to, value)
    else:
        raise unknown(i)


def shfl(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {"sync", *_SHUFFLES})
    if "sync" not in flags:
        raise unknown(i)
    (mode,) = flags & _SHUFFLES.keys()
    dest, a, b, c, mask = i.operands
    d, p = w.pair(dest)
    b, c, mask = (w.number(i, x) for x in (b, c, mask))
    yield f"const uint32_t got = among({_SHUFFLES[mode]}, {mask}, {w.read(i, a, kind)}, {b}, {c}, {i.line});"
    yield w.write(i, d, kind, "got")
    yield w.write(i, p, TYPES["pred"], "now->flag")


def vote(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {"sync", *_VOTES})
    if "sync" not in flags:
        raise unknown(i)
    (mode,) = flags & _VOTES.keys()
    dest, a, mask = i.operands
    value = w.read(i, a, TYPES["pred"])
    yield w.write(i, dest, kind, f"among({_VOTES[mode]}, {w.number(i, mask)}, {value}, 0, 0, {i.line})")


def match(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {"sync", "any", "all"})
    dest, a, mask = i.operands
    d, p = w.pair(dest)
    mode = "MATCH_ALL" if "all" in flags else "MATCH_ANY"
    yield f"const uint32_t got = among({mode}, {w.number(i, mask)}, {w.read(i, a, kind)}, 0, 0, {i.line});"
    yield w.write(i, d, TYPES["b32"], "got")
    yield w.write(i, p, TYPES["pred"], "now->flag")


def redux(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {"sync", *_REDUCED})
    if kind.kind != "int":
        raise unknown(i)
    (mode,) = flags & _REDUCED.keys()
    how = ("S" if kind.signed and mode in ("min", "max") else "") + _REDUCED[mode]
    dest, a, mask = i.operands
    value = w.read(i, a, TYPES["u32"])
    yield w.write(i, dest, kind, f"among({how}, {w.number(i, mask)}, {value}, 0, 0, {i.line})")


def activemask(w: Words, i: Instruction) -> Iterator[str]:
    yield w.write(i, i.operands[0], TYPES["b32"], f"among(ACTIVE, 0, 0, 0, 0, {i.line})")


_MMA = ("sync", "aligned", "m16n8k8", "row", "col", "f32", "tf32", "tf32", "f32")


def mma(w: Words, i: Instruction) -> Iterator[str]:
    """A product by tensor cores: all threads of a warp hand in their parts of the factors."""
    d, a, b, c = (list(w.items(x)) for x in i.operands)
    if i.parts != _MMA or [len(x) for x in (d, a, b, c)] != [4, 4, 2, 4]:
        raise unknown(i)
    for k, x in enumerate((*a, *b)):
        yield f"now->factors[{k}] = {w.read(i, x, TYPES['b32'])};"
    for k, x in enumerate(c):
        yield f"now->sums[{k}] = {w.read(i, x, TYPES['f32'])};"
    yield f"among(PRODUCT, ~0u, 0, 0, 0, {i.line});"
    for k, x in enumerate(d):
        yield w.write(i, x, TYPES["f32"], f"now->sums[{k}]")


WAITING: dict[str, Handler] = {
    "bar": bar,
    "barrier": bar,
    "shfl": shfl,
    "vote": vote,
    "match": match,
    "redux": redux,
    "activemask": activemask,
    "mma": mma,
}
