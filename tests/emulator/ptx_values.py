"""Comparisons, choices, conversions and moves as C."""

from __future__ import annotations

from collections.abc import Iterator

from .ptx_arithmetic import MODES, Handler, part
from .ptx_syntax import Group, Instruction, Operand
from .ptx_words import TYPES, Type, Words, split, unknown

# Comparisons ---------------------------------------------------------------------------------------------------------
COMPARE = {"eq": "{0} == {1}", "lt": "{0} < {1}", "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}"}
_WHOLE = {"ne": "{0} != {1}", "lo": COMPARE["lt"], "ls": COMPARE["le"], "hi": COMPARE["gt"], "hs": COMPARE["ge"]}
_REAL = {
    "ne": "({0} < {1} || {0} > {1})",
    "equ": "!({0} < {1} || {0} > {1})",
    "neu": "{0} != {1}",
    "ltu": "!({0} >= {1})",
    "leu": "!({0} > {1})",
    "gtu": "!({0} <= {1})",
    "geu": "!({0} < {1})",
    "num": "({0} == {0} && {1} == {1})",
    "nan": "({0} != {0} || {1} != {1})",
}
_JOIN = {"and": "({0}) && {1}", "or": "({0}) || {1}", "xor": "!!({0}) ^ {1}"}


def compared(i: Instruction, w: Words, kind: Type, a: Operand, b: Operand, k: int = 0) -> str:
    table = {**COMPARE, **(_WHOLE if kind.kind == "int" else _REAL)}
    if i.parts[0] not in table:
        raise unknown(i)
    args = [w.read(i, x, kind) for x in (a, b)]
    if kind.kind == "pair":
        args = [part(x, kind.name[:-2], k) for x in args]
    if "ftz" in i.parts and kind.name == "f32":
        args = [f"ftz({x})" for x in args]
    return table[i.parts[0]].format(*args)


def setp(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, {i.parts[0], *_JOIN, "ftz"})
    pred = TYPES["pred"]
    dest, a, b, *more = i.operands
    p, q = w.pair(dest)
    join = next(iter(flags & _JOIN.keys()), "")
    for k in (0, 1):
        found = compared(i, w, kind, a, b, k)
        if kind.kind != "pair" and k:
            found = f"!({found})"
        if join:
            found = _JOIN[join].format(found, w.read(i, more[0], pred))
        yield f"const uint8_t p{k} = {found};"
    yield w.write(i, p, pred, "p0")
    yield w.write(i, q, pred, "p1")


def set_(w: Words, i: Instruction) -> Iterator[str]:
    flags, (to, kind) = split(i, 2, {i.parts[0], *_JOIN, "ftz"})
    dest, a, b, *more = i.operands
    join = next(iter(flags & _JOIN.keys()), "")
    found = [compared(i, w, kind, a, b, k) for k in range(2 if kind.kind == "pair" else 1)]
    if join:
        found = [_JOIN[join].format(one, w.read(i, more[0], TYPES["pred"])) for one in found]
    if kind.kind == "pair":
        ones = "0xFFFFu" if to.kind == "int" else "0x3C00u" if kind.name == "f16x2" else "0x3F80u"
        yield w.write(i, dest, TYPES["b32"], f"({found[0]} ? {ones} : 0) | ({found[1]} ? {ones} : 0) << 16")
    else:
        yield w.write(i, dest, to, f"({found[0]}) ? {-1 if to.kind == 'int' else 1} : 0")


def choose(w: Words, i: Instruction) -> Iterator[str]:
    _, kinds = split(i, 2 if i.op == "slct" else 1, {"ftz"})
    kind = TYPES[f"b{kinds[0].bits}"] if kinds[0].kind == "half" else kinds[0]
    dest, a, b, c = i.operands
    test = w.read(i, c, TYPES["pred"] if i.op == "selp" else kinds[1])
    test = test if i.op == "selp" else f"{test} >= 0"
    yield w.write(i, dest, kind, f"{test} ? {w.read(i, a, kind)} : {w.read(i, b, kind)}")


_CLASSES = ["finite", "infinite", "number", "notanumber", "normal", "subnormal"]


def testp(w: Words, i: Instruction) -> Iterator[str]:
    _, (kind,) = split(i, 1, _CLASSES)
    tiny = "0x1p-126" if kind.name == "f32" else "0x1p-1022"
    found = f"testp({_CLASSES.index(i.parts[0])}, {w.read(i, i.operands[1], kind)}, {tiny})"
    yield w.write(i, i.operands[0], TYPES["pred"], found)


# Conversions ---------------------------------------------------------------------------------------------------------
_WHOLE_MODES = {f"{name}i": mode for name, mode in MODES.items()}


def cvt(w: Words, i: Instruction) -> Iterator[str]:
    dest, *given = i.operands
    if i.parts == ("rna", "tf32", "f32"):
        yield w.write(i, dest, TYPES["b32"], f"tf32({w.read(i, given[0], TYPES['f32'])})")
        return
    flags, (to, source) = split(i, 2, {*MODES, *_WHOLE_MODES, "ftz", "sat", "relu"})
    mode = next((MODES[f] for f in flags & MODES.keys()), "FE_TONEAREST")
    turn = next((_WHOLE_MODES[f] for f in flags & _WHOLE_MODES.keys()), "")
    args = [w.read(i, x, source) for x in given]
    if "ftz" in flags and source.name == "f32":
        args = [f"ftz({x})" for x in args]
    if to.kind == "pair" and source.name == "f32":
        halves = [_half(to.name[:-2], mode, flags, x) for x in reversed(args)]
        yield w.write(i, dest, to, f"{halves[0]} | {halves[1]} << 16")
        return
    (a,) = args
    if to.kind == "half":
        if source.kind == "int":
            a = f"(double){a}"
        elif turn:
            a = f"whole({turn}, {a})"
        yield w.write(i, dest, TYPES["b16"], _half(to.name, mode, flags, a))
    elif to.kind == "int" and source.kind == "int":
        yield w.write(
            i,
            dest,
            to,
            f"into_{to.name}((double){a}, 0)" if "sat" in flags and source.bits <= 32 else _plain(i, flags, a),
        )
    elif to.kind == "int":
        if not turn and "rn" not in flags and not flags & MODES.keys():
            raise unknown(i, "no rounding")
        wide = int(source.name == "f64" or to.bits == 64)
        yield w.write(i, dest, to, f"into_{to.name}(whole({turn or mode}, {a}), {wide})")
    elif to.kind == "float":
        yield w.write(i, dest, to, _float(i, to, source, flags, mode, turn, a))
    else:
        raise unknown(i)


def _plain(i: Instruction, flags: set[str], a: str) -> str:
    if flags:
        raise unknown(i)
    return a


def _half(name: str, mode: str, flags: set[str], a: str) -> str:
    a = f"sat_f64({a})" if "sat" in flags else f"max_f64({a}, 0)" if "relu" in flags else a
    return f"narrow({mode}, {a}, {'10, 5' if name == 'f16' else '7, 8'})"


def _float(i: Instruction, to: Type, source: Type, flags: set[str], mode: str, turn: str, a: str) -> str:
    if source.kind == "int":
        wide = "int64_t" if source.signed else "uint64_t"
        nearest = mode == "FE_TONEAREST"
        value = f"({to.c}){a}" if nearest else f"{wide[0].replace('i', 's')}64_{to.name}_to({mode}, ({wide}){a})"
    elif turn:
        value = f"({to.c})whole({turn}, {a})"
    elif to.name == "f32" and source.name == "f64" and mode != "FE_TONEAREST":
        value = f"f64_f32_to({mode}, {a})"
    else:
        value = f"({to.c}){a}"
    value = f"ftz({value})" if "ftz" in flags and to.name == "f32" else value
    return f"sat_{to.name}({value})" if "sat" in flags else value


def mov(w: Words, i: Instruction) -> Iterator[str]:
    """Also of vectors into one register, and back."""
    _, (kind,) = split(i, 1, ())
    kind = TYPES[f"b{kind.bits}"] if kind.kind in ("half", "pair") else kind
    dest, a = i.operands
    many = [x for x in (dest, a) if isinstance(x, Group)]
    if not many:
        yield w.write(i, dest, kind, w.read(i, a, kind))
        return
    one = TYPES[f"b{kind.bits // len(many[0].items)}"]
    if many[0] is a:
        words = [f"({kind.unsigned}){w.read(i, x, one)} << {k * one.bits}" for k, x in enumerate(many[0].items)]
        yield w.write(i, dest, TYPES[f"b{kind.bits}"], " | ".join(words))
        return
    yield f"const {kind.unsigned} whole = {w.read(i, a, TYPES[f'b{kind.bits}'])};"
    for k, x in enumerate(many[0].items):
        yield w.write(i, x, one, f"whole >> {k * one.bits}")


VALUES: dict[str, Handler] = {
    "setp": setp,
    "set": set_,
    **dict.fromkeys(["selp", "slct"], choose),
    "testp": testp,
    "cvt": cvt,
    "mov": mov,
}
