"""Arithmetic, comparisons and bits as C."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .ptx_syntax import Instruction
from .ptx_words import TYPES, Type, Words, split, unknown

Handler = Callable[[Words, Instruction], Iterator[str]]
MODES = {"rn": "FE_TONEAREST", "rz": "FE_TOWARDZERO", "rm": "FE_DOWNWARD", "rp": "FE_UPWARD"}
_PLAIN = {"add": "{0} + {1}", "sub": "{0} - {1}", "and": "{0} & {1}", "or": "{0} | {1}", "xor": "{0} ^ {1}"}
_PLAIN |= {"not": "~{0}", "cnot": "{0} == 0", "neg": "-{0}"}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_WIDE = {"s16": "s32", "u16": "u32", "s32": "s64", "u32": "u64"}
_TWICE = {
    "s16": "int32_t",
    "u16": "uint32_t",
    "s32": "int64_t",
    "u32": "uint64_t",
    "s64": "int128_t",
    "u64": "uint128_t",
}
_COUNTS = {"add": 2, "sub": 2, "mul": 2, "div": 2, "rem": 2, "min": 2, "max": 2, "and": 2, "or": 2, "xor": 2}
_COUNTS |= {"mad": 3, "fma": 3, "sad": 3, "copysign": 2}
_FLAGS = {"rn", "rz", "rm", "rp", "ftz", "sat", "approx", "full", "NaN", "lo", "hi", "wide", "xorsign", "abs", "relu"}


def whole(i: Instruction, op: str, kind: Type, flags: set[str], args: list[str]) -> str:
    """Of whole numbers."""
    c, name = kind.c, kind.name.replace("b", "u")
    if op in ("mul", "mad"):
        product = f"(({_TWICE[name]}){args[0]} * {args[1]})"
        product = f"(({c})({product} >> {kind.bits}))" if "hi" in flags else f"(({c}){product})"
        if not flags & {"lo", "hi"} or "sat" in flags:
            raise unknown(i)
        return product if op == "mul" else f"{product} + {args[2]}"
    if "sat" in flags:
        if op not in ("add", "sub") or kind.name != "s32":
            raise unknown(i, "`.sat`")
        return f"into_s32((double){args[0]} {'+' if op == 'add' else '-'} (double){args[1]}, 0)"
    if flags:
        raise unknown(i)
    if op in _PLAIN:
        return _PLAIN[op].format(*args)
    if op == "sad":
        return f"({args[0]} < {args[1]} ? {args[1]} - {args[0]} : {args[0]} - {args[1]}) + {args[2]}"
    if op in ("div", "rem", "min", "max", "abs"):
        return f"{op}_{name}({', '.join(args)})"
    raise unknown(i)


def real(i: Instruction, op: str, kind: Type, flags: set[str], args: list[str]) -> str:
    """Of floats, halves among them, which compute as float and are rounded when they are written."""
    name, c = ("f32" if kind.kind == "half" else kind.name), kind.c
    mode = next((MODES[f] for f in flags & MODES.keys()), MODES["rn"])
    f = "f" if name == "f32" else ""
    rounds = mode != MODES["rn"]
    if rounds and kind.kind == "half":
        raise unknown(i)
    if "xorsign" in flags:
        sign = f"copysign{f}(1, {args[0]}) * copysign{f}(1, {args[1]})"
        smaller = real(i, op, kind, flags - {"xorsign", "abs"}, [f"fabs{f}({a})" for a in args])
        return f"copysign{f}({smaller}, {sign})"
    if "relu" in flags:
        return f"max_{name}({real(i, op, kind, flags - {'relu'}, args)}, 0)"
    if op in ("min", "max"):
        return f"{op}{'nan' if 'NaN' in flags else ''}_{name}({', '.join(args)})"
    if op == "fma" or op == "mad":
        if rounds:
            return f"fma_{name}_to({mode}, {', '.join(args)})"
        return f"fma_{kind.name}({', '.join(args)})" if kind.kind == "half" else f"fma{f}({', '.join(args)})"
    if op in ("add", "sub", "mul", "div") and rounds:
        second = f"-{args[1]}" if op == "sub" else args[1]
        return f"{'add' if op == 'sub' else op}_{name}_to({mode}, {args[0]}, {second})"
    if op in ("add", "sub", "mul", "div"):
        return f"{args[0]} {_SIGNS[op]} {args[1]}"
    if op == "rcp":
        if kind.name == "f64" and "approx" in flags:
            return f"upper(1.0 / upper({args[0]}))"
        return f"div_{name}_to({mode}, 1, {args[0]})" if rounds else f"({c})1 / {args[0]}"
    if op == "sqrt":
        return f"sqrt_{name}_to({mode}, {args[0]})" if rounds else f"sqrt{f}({args[0]})"
    if op == "neg":
        return f"-{args[0]}"
    if op == "abs":
        return f"fabs{f}({args[0]})"
    if op == "rsqrt":
        return (
            f"upper(rsqrt_f64(upper({args[0]})))"
            if kind.name == "f64" and "ftz" in flags
            else f"rsqrt_{name}({args[0]})"
        )
    if op in ("ex2", "lg2", "sin", "cos", "tanh") and name == "f32":
        return f"{op}_f32({args[0]})"
    if op == "copysign":
        return f"copysign{f}({args[1]}, {args[0]})"
    raise unknown(i)


def formula(i: Instruction, kind: Type, flags: set[str], args: list[str]) -> str:
    if kind.kind == "int":
        return whole(i, i.op, kind, flags, args)
    flushes = "ftz" in flags and kind.name == "f32"
    if "ftz" in flags and kind.kind == "half" and i.op not in ("ex2", "tanh"):
        raise unknown(i, "`.ftz` of halves")
    value = real(i, i.op, kind, flags, [f"ftz({a})" for a in args] if flushes else args)
    value = f"ftz({value})" if flushes else value
    return f"sat_{'f64' if kind.name == 'f64' else 'f32'}({value})" if "sat" in flags else value


def part(word: str, half: str, k: int) -> str:
    """One of two halves, as a float."""
    return f"as_{half}((uint16_t)({word} >> {16 * k}))"


def arithmetic(w: Words, i: Instruction) -> Iterator[str]:
    flags, (kind,) = split(i, 1, _FLAGS)
    dest, *given = i.operands
    if len(given) != _COUNTS.get(i.op, 1):
        raise unknown(i, f"{len(given)} operands")
    if kind.kind == "pred":
        raise unknown(i)
    if "wide" in flags:
        wide = TYPES[_WIDE[kind.name]]
        args = [f"({wide.c}){w.read(i, a, kind)}" for a in given[:2]]
        more = f" + {w.read(i, given[2], wide)}" if i.op == "mad" else ""
        yield w.write(i, dest, wide, f"{args[0]} * {args[1]}{more}")
        return
    args = [w.read(i, a, kind) for a in given]
    if kind.kind != "pair":
        yield w.write(i, dest, kind, formula(i, kind, flags, args))
        return
    half = TYPES[kind.name[:-2]]
    both = [
        f"(uint32_t)bits_{half.name}({formula(i, half, flags, [part(a, half.name, k) for a in args])})" for k in (0, 1)
    ]
    yield w.write(i, dest, kind, f"{both[0]} | {both[1]} << 16")


def logic(w: Words, i: Instruction) -> Iterator[str]:
    if i.parts != ("pred",):
        yield from arithmetic(w, i)
        return
    kind = TYPES["pred"]
    args = [w.read(i, a, kind) for a in i.operands[1:]]
    yield w.write(i, i.operands[0], kind, "!" + args[0] if i.op == "not" else _PLAIN[i.op].format(*args))


def carried(w: Words, i: Instruction) -> Iterator[str]:
    """Sums and differences that take a carry, leave one, or both."""
    flags, (kind,) = split(i, 1, {"cc", "lo", "hi"})
    dest, *given = i.operands
    args = [w.read(i, a, kind) for a in given]
    twice, name = _TWICE[kind.name.replace("b", "u").replace("s", "u")], kind.unsigned
    if i.op in ("mad", "madc"):
        product = f"({_TWICE[kind.name.replace('b', 'u')]}){args[0]} * {args[1]}"
        args = [f"({product}){f' >> {kind.bits}' if 'hi' in flags else ''}", args[2]]
    carry = "carry" if i.op.endswith("c") else "0"
    sign = "-" if i.op.startswith("sub") else "+"
    yield f"{{ {twice} sum = ({twice})({name})({args[0]}) {sign} ({name})({args[1]}) {sign} {carry};"
    if "cc" in flags:
        yield f"carry = sum >> {kind.bits} & 1;"
    yield w.write(i, dest, kind, "sum") + " }"


def summed(w: Words, i: Instruction) -> Iterator[str]:
    yield from carried(w, i) if "cc" in i.parts else arithmetic(w, i)


def shift(w: Words, i: Instruction) -> Iterator[str]:
    _, (kind,) = split(i, 1, ())
    dest, a, n = i.operands
    yield w.write(i, dest, kind, f"{i.op}_{kind.name.replace('b', 'u')}({w.read(i, a, kind)}, {w.number(i, n)})")


def pieces(w: Words, i: Instruction) -> Iterator[str]:
    """Bits found, moved, counted."""
    flags, (kind,) = split(
        i, 1, {"l", "r", "wrap", "clamp", "shiftamt", "wide", "lo", "hi"} if i.op != "dp4a" else {"u32", "s32"}
    )
    dest, *given = i.operands
    number, name = TYPES["u32"], kind.name.replace("b", "u")
    a = w.read(i, given[0], kind)
    rest = [w.number(i, x) for x in given[1:]]
    if i.op == "bfe":
        yield w.write(i, dest, kind, f"bfe_{name}({a}, {', '.join(rest)})")
    elif i.op == "bfi":
        yield w.write(i, dest, kind, f"bfi({a}, {w.read(i, given[1], kind)}, {', '.join(rest[1:])}, {kind.bits})")
    elif i.op == "bfind":
        yield w.write(i, dest, number, f"bfind_{name}({a}, {int('shiftamt' in flags)})")
    elif i.op == "brev":
        yield w.write(i, dest, kind, f"brev({a}, {kind.bits})")
    elif i.op == "clz":
        yield w.write(i, dest, number, f"{a} ? __builtin_clzll({a}) - {64 - kind.bits} : {kind.bits}")
    elif i.op == "popc":
        yield w.write(i, dest, number, f"__builtin_popcountll({a})")
    elif i.op == "prmt" and not flags:
        yield w.write(i, dest, kind, f"prmt({a}, {', '.join(rest)})")
    elif i.op == "lop3":
        yield w.write(i, dest, kind, f"lop3({a}, {', '.join(rest)})")
    elif i.op == "shf":
        yield w.write(i, dest, kind, f"shf({int('l' in flags)}, {int('wrap' in flags)}, {a}, {', '.join(rest)})")
    else:
        raise unknown(i)


def dot(w: Words, i: Instruction) -> Iterator[str]:
    parts = [p for p in i.parts if p not in ("lo", "hi")]
    a, b = (int(p == "s32") for p in parts)
    x, y, z = (w.number(i, o) for o in i.operands[1:])
    count, start = (4, 0) if i.op == "dp4a" else (2, 2 * ("hi" in i.parts))
    yield w.write(i, i.operands[0], TYPES["b32"], f"dp({x}, {a}, {y}, {b}, {z}, {count}, {start})")


ARITHMETIC: dict[str, Handler] = {
    **dict.fromkeys(
        "mul div rem min max abs neg fma rcp sqrt rsqrt ex2 lg2 sin cos tanh copysign sad cnot".split(), arithmetic
    ),
    **dict.fromkeys(["and", "or", "xor", "not"], logic),
    **dict.fromkeys(["add", "sub", "mad"], summed),
    **dict.fromkeys(["addc", "subc", "madc"], carried),
    **dict.fromkeys(["shl", "shr"], shift),
    **dict.fromkeys("bfe bfi bfind brev clz popc prmt lop3 shf".split(), pieces),
    **dict.fromkeys(["dp4a", "dp2a"], dot),
}
