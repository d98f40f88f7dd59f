"""Loads, stores, atomics and addresses as C."""

from __future__ import annotations

from collections.abc import Iterator

from .ptx_arithmetic import Handler, part
from .ptx_syntax import Address, Instruction, Operand
from .ptx_words import TYPES, Type, Words, split, unknown

SPACES = ("global", "shared", "local", "const", "param")
_ORDERS = {"weak", "relaxed", "acquire", "release", "acq_rel", "volatile", "mmio", "cta", "cluster", "gpu", "sys"}
_HINTS = {"ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "unified"}
_HINTS |= {f"L1::{x}" for x in ("evict_normal", "evict_unchanged", "evict_first", "evict_last", "no_allocate")}
_HINTS |= {f"L2::{x}" for x in ("evict_normal", "evict_first", "evict_last", "cache_hint", "64B", "128B", "256B")}
_HINTS |= {"shared::cta", "shared::cluster", "param::entry", "param::func"}


class Places(Words):
    """Also counts the instructions that go to global memory, each of which remembers where it went last."""

    def __init__(self) -> None:
        super().__init__()
        self.sites = 0
        self.entry = False

    def place(self, i: Instruction, operand: Operand, space: str, size: int, writes: bool) -> str:
        """The host's address of `size` bytes, checked."""
        if not isinstance(operand, Address):
            raise unknown(i, "no address in brackets")
        known = self.find("variables", operand.base)
        if isinstance(known, tuple):
            variable, base, whole = known
            space = space or variable.space
            if space == "param":
                if operand.offset < 0 or operand.offset + size > whole:
                    raise unknown(i, "outside of its parameter")
                return f"({base} + {operand.offset})"
        at = self.address(i, operand)
        if space == "param":
            return f"param_at({at}, {size}, {i.line})"
        if space == "local":
            return f"local_at({at}, {size}, {i.line})"
        if space == "shared":
            return f"shared_at({at}, {size}, {i.line}, {int(writes)})"
        self.sites += 1
        kind = "global_at" if space in ("global", "const") else "generic_at"
        return f"{kind}({at}, {size}, {i.line}, &sites[{self.sites - 1}], {int(writes)})"


def space_of(i: Instruction) -> str:
    return next((p.partition("::")[0] for p in i.parts if p.partition("::")[0] in SPACES), "")


def stored(kind: Type) -> Type:
    """The type as which a value lies in memory."""
    return TYPES[f"b{kind.bits}"] if kind.kind in ("half", "pair") else kind


def load(w: Places, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {*SPACES, *_ORDERS, *_HINTS, "v2", "v4"})
    kind, items = stored(kind), list(w.items(i.operands[0]))
    if len(items) != (int(next(iter(flags & {"v2", "v4"}))[1]) if flags & {"v2", "v4"} else 1):
        raise unknown(i, "the elements of a vector")
    place = w.place(i, i.operands[1], space_of(i), kind.bytes * len(items), False)
    yield f"const {kind.c} *const at = (const void *)({place});"
    for k, item in enumerate(items):
        yield w.write(i, item, kind, f"at[{k}]")


def store(w: Places, i: Instruction) -> Iterator[str]:
    _, (kind,) = split(i, 1, {*SPACES, *_ORDERS, *_HINTS, "v2", "v4"})
    kind, items = stored(kind), list(w.items(i.operands[1]))
    space = space_of(i)
    if space == "const":
        raise unknown(i)
    yield f"{kind.c} *const at = (void *)({w.place(i, i.operands[0], space, kind.bytes * len(items), True)});"
    for k, item in enumerate(items):
        yield f"at[{k}] = {w.read(i, item, kind)};"


_ATOMS = {
    "exch": "b",
    "cas": "old == b ? c : old",
    "and": "old & b",
    "or": "old | b",
    "xor": "old ^ b",
    "add": "old + b",
    "min": "old < b ? old : b",
    "max": "old > b ? old : b",
    "inc": "old >= b ? 0 : old + 1",
    "dec": "old == 0 || old > b ? b : old - 1",
}


def atom(w: Places, i: Instruction) -> Iterator[str]:
    """One after the other, as all that threads do here."""
    flags, (kind,) = split(i, 1, {*SPACES, *_ORDERS, *_HINTS, *_ATOMS, "noftz"})
    (op,) = flags & _ATOMS.keys()
    dest, at, *rest = i.operands if i.op == "atom" else ("_", *i.operands)
    kept, space = stored(kind), space_of(i)
    if len(rest) != (2 if op == "cas" else 1):
        raise unknown(i, "its operands")
    yield f"{kept.c} *const at = (void *)({w.place(i, at, space, kept.bytes, True)});"
    yield f"const {kept.c} old = *at{''.join(f', {n} = {w.read(i, x, kept)}' for n, x in zip('bc', rest))};"
    if kind.kind in ("half", "pair"):
        yield f"*at = {_half(i, op, kind)};"
    elif kind.kind == "float":
        if op not in ("add", "exch", "cas"):
            raise unknown(i)
        # Sums of float in global memory take denormal numbers for zero; the manual says so of `atom`.
        flushes = kind.name == "f32" and op == "add" and space != "shared"
        yield "*at = ftz(ftz(old) + ftz(b));" if flushes else f"*at = {_ATOMS[op]};"
    else:
        yield f"*at = {_ATOMS[op]};"
    yield w.write(i, dest, kept, "old")


def _half(i: Instruction, op: str, kind: Type) -> str:
    if op != "add":
        raise unknown(i)
    name = kind.name.removesuffix("x2")
    sums = [f"(uint32_t)bits_{name}({part('old', name, k)} + {part('b', name, k)})" for k in (0, 1)]
    return sums[0] if kind.kind == "half" else f"{sums[0]} | {sums[1]} << 16"


def cvta(w: Places, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {*SPACES, "to", "shared::cta", "param::entry"})
    dest, a = i.operands
    value = w.read(i, a, TYPES["u64"])
    base = {"shared": "(uint64_t)shared", "local": "(uint64_t)now->local"}.get(space_of(i))
    if base:
        value = f"{value} {'-' if 'to' in flags else '+'} {base}"
    yield w.write(i, dest, kind, value)


def isspacep(w: Places, i: Instruction) -> Iterator[str]:
    a, space = w.read(i, i.operands[1], TYPES["u64"]), space_of(i)
    tests = {
        "shared": f"is_shared({a})",
        "local": f"is_local({a})",
        "global": f"!is_shared({a}) && !is_local({a}) && !is_constant({a})",
        "const": f"is_constant({a})",
    }
    if space not in tests:
        raise unknown(i)
    yield w.write(i, i.operands[0], TYPES["pred"], tests[space])


def copy(w: Places, i: Instruction) -> Iterator[str]:
    """`cp.async`: the copy is done at once, so that a wait that is missing does not show."""
    if i.parts[:1] != ("async",) or "bulk" in i.parts or "mbarrier" in i.parts:
        raise unknown(i)
    if {"commit_group", "wait_group", "wait_all"} & set(i.parts):
        return
    to, source, size, *more = i.operands
    count = int(str(size))
    if more:
        yield f"const uint32_t count = {w.number(i, more[0])} < {count}u ? {w.number(i, more[0])} : {count}u;"
    yield f"unsigned char *const to = {w.place(i, to, 'shared', count, True)};"
    yield f"memset(to, 0, {count});"
    taken = "count" if more else str(count)
    yield f"if ({taken}) memcpy(to, {w.place(i, source, 'global', count, False)}, {taken});"


def nothing(w: Places, i: Instruction) -> Iterator[str]:
    """What only changes the time that things take, or orders what is ordered here anyway."""
    yield from ()


def typed(handler: object) -> Handler:
    return handler  # type: ignore[return-value]


ACCESS: dict[str, Handler] = {
    **dict.fromkeys(["ld", "ldu"], typed(load)),
    "st": typed(store),
    **dict.fromkeys(["atom", "red"], typed(atom)),
    "cvta": typed(cvta),
    "isspacep": typed(isspacep),
    "cp": typed(copy),
    **dict.fromkeys(
        "membar fence prefetch prefetchu discard applypriority nanosleep brkpt pmevent griddepcontrol".split(),
        typed(nothing),
    ),
}
