"""Operands of PTX as C: types, registers, numbers, names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .ptx_syntax import Address, Group, Instruction, Operand, PtxError, Variable, bits


@dataclass(frozen=True)
class Type:
    """`kind`: int, float, half (a float in 16 bits), pair (of halves) or pred. `c`: what C computes with."""

    name: str
    kind: str
    bits: int
    c: str
    signed: bool = False

    @property
    def bytes(self) -> int:
        return self.bits // 8

    @property
    def unsigned(self) -> str:
        """The type of its bits."""
        return "uint128_t" if self.bits == 128 else f"uint{self.bits}_t"


TYPES = {
    **{f"{letter}{n}": Type(f"{letter}{n}", "int", n, f"uint{n}_t") for letter in "ub" for n in (8, 16, 32, 64)},
    **{f"s{n}": Type(f"s{n}", "int", n, f"int{n}_t", True) for n in (8, 16, 32, 64)},
    "b128": Type("b128", "int", 128, "uint128_t"),
    "f32": Type("f32", "float", 32, "float"),
    "f64": Type("f64", "float", 64, "double"),
    "f16": Type("f16", "half", 16, "float"),
    "bf16": Type("bf16", "half", 16, "float"),
    "f16x2": Type("f16x2", "pair", 32, "uint32_t"),
    "bf16x2": Type("bf16x2", "pair", 32, "uint32_t"),
    "pred": Type("pred", "pred", 8, "uint8_t"),
}
_SPECIAL = {
    **{
        f"%{name}.{axis}": f"{c}[{k}]"
        for name, c in (("tid", "now->at"), ("ntid", "launch.block"), ("ctaid", "launch.at"), ("nctaid", "launch.grid"))
        for k, axis in enumerate("xyz")
    },
    "%laneid": "(now->number % 32)",
    "%warpid": "(now->number / 32)",
    "%nwarpid": "((launch.threads + 31) / 32)",
    "%lanemask_eq": "(1u << now->number % 32)",
    "%lanemask_lt": "((1u << now->number % 32) - 1)",
    "%lanemask_le": "((2u << now->number % 32) - 1)",
    "%lanemask_ge": "~((1u << now->number % 32) - 1)",
    "%lanemask_gt": "~((2u << now->number % 32) - 1)",
    "%dynamic_smem_size": "launch.dynamic",
    "%total_smem_size": "launch.shared",
    "%smid": "0u",
    "%nsmid": "1u",
    "%gridid": "0ull",
    "%clock": "(uint32_t)ticks()",
    "%clock_hi": "(uint32_t)(ticks() >> 32)",
    "%clock64": "ticks()",
    "%globaltimer": "ticks()",
    "WARP_SZ": "32u",
}
_NUMBER = re.compile(r"-?\d")


def c_name(name: str) -> str:
    return re.sub(r"[.%]", "_", name)


@dataclass
class Scope:
    """What is declared between brackets: registers by their type, variables by the C of their address and their size,
    labels by their place."""

    registers: dict[str, Type] = field(default_factory=dict)
    variables: dict[str, tuple[Variable, str, int]] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)


def unknown(i: Instruction, why: str = "") -> PtxError:
    return PtxError(f"line {i.line}: `{i}` is not known to the translator{': ' + why if why else ''}")


def split(i: Instruction, types: int, allowed: Iterable[str]) -> tuple[set[str], list[Type]]:
    """The qualifiers of an instruction, and its types, which come last."""
    if len(i.parts) < types or any(p not in TYPES for p in i.parts[len(i.parts) - types :]):
        raise unknown(i)
    flags = set(i.parts[: len(i.parts) - types])
    odd = flags - set(allowed)
    if odd:
        raise unknown(i, f"`.{min(odd)}`")
    return flags, [TYPES[p] for p in i.parts[len(i.parts) - types :]]


class Words:
    """Operands within a function."""

    def __init__(self) -> None:
        self.scopes = [Scope()]
        self.functions: dict[str, str] = {}

    def find(self, kind: str, name: str) -> object:
        for scope in reversed(self.scopes):
            found = getattr(scope, kind).get(name)
            if found is not None:
                return found
        return None

    # Reading ---------------------------------------------------------------------------------------------------------
    def read(self, i: Instruction, operand: Operand, kind: Type) -> str:
        """An operand as a value of `kind`.c."""
        if not isinstance(operand, str):
            raise unknown(i, "an operand in brackets")
        if operand.startswith("!"):
            return f"!{self.read(i, operand[1:], kind)}"
        if _NUMBER.match(operand):
            return self._number(operand, kind)
        stored = self.find("registers", operand)
        if isinstance(stored, Type):
            return self._register(i, c_name(f"R{operand}"), stored, kind)
        if operand in _SPECIAL:
            return f"(({kind.c}){_SPECIAL[operand]})"
        return f"(({kind.c}){self.symbol(i, operand)})"

    def _register(self, i: Instruction, name: str, stored: Type, kind: Type) -> str:
        if "pred" in (stored.kind, kind.kind):
            if stored.kind != kind.kind:
                raise unknown(i, "a predicate among numbers")
            return name
        if stored.kind == kind.kind == "float" and stored.bits == kind.bits:
            return name
        raw = f"bits_{stored.name}({name})" if stored.kind == "float" else name
        if kind.kind == "float":
            return f"as_{kind.name}({raw})"
        if kind.kind == "half":
            return f"as_{kind.name}((uint16_t){raw})"
        return raw if kind.c == stored.unsigned else f"(({kind.c}){raw})"

    def _number(self, word: str, kind: Type) -> str:
        negative, plain = word.startswith("-"), word.lstrip("-")
        if "." in plain:
            return f"(({kind.c}){word})"
        value = bits(plain)
        single, double = (plain[:2].lower() == prefix for prefix in ("0f", "0d"))
        if single or double:
            if kind.kind == "int":
                return f"(({kind.c}){value:#x}ull)"
            found = f"as_f32({value:#x}u)" if single else f"as_f64({value:#x}ull)"
            return f"(({kind.c}){'-' if negative else ''}{found})"
        if kind.kind == "int" or kind.kind == "pair":
            return f"(({kind.c}){(-value if negative else value) % 2**64:#x}ull)"
        return f"({kind.c})({'-' if negative else ''}{value})"

    def symbol(self, i: Instruction, operand: str) -> str:
        """The address of a variable or a function, in its space."""
        name, _, more = operand.partition("+")
        found = self.find("variables", name)
        if isinstance(found, tuple):
            return f"((uint64_t){found[1]} + {bits(more or '0')})"
        if name in self.functions:
            return f"((uint64_t){self.functions[name]})"
        raise PtxError(f"line {i.line}: `{name}` is not declared")

    def address(self, i: Instruction, operand: Operand) -> str:
        if not isinstance(operand, Address):
            raise unknown(i, "no address in brackets")
        if self.find("registers", operand.base) is None and not _NUMBER.match(operand.base):
            base = self.symbol(i, operand.base)
        else:
            base = self.read(i, operand.base, TYPES["u64"])
        return f"{base} + {operand.offset % 2**64:#x}ull" if operand.offset else base

    def number(self, i: Instruction, operand: Operand) -> str:
        return self.read(i, operand, TYPES["u32"])

    # Writing ---------------------------------------------------------------------------------------------------------
    def write(self, i: Instruction, operand: Operand, kind: Type, value: str) -> str:
        """Puts a value of `kind`.c into a register."""
        if operand == "_":
            return f"(void)({value});"
        stored = self.find("registers", operand) if isinstance(operand, str) else None
        if not isinstance(stored, Type) or (stored.kind == "pred") != (kind.kind == "pred"):
            raise unknown(i, f"a result in `{operand}`")
        name = c_name(f"R{operand}")
        if kind.kind == "pred":
            return f"{name} = !!({value});"
        if kind.kind == stored.kind == "float" and kind.bits == stored.bits:
            return f"{name} = {value};"
        if kind.kind in ("float", "half"):
            value = f"bits_{kind.name}({value})"
        elif kind.kind == "int":
            value = f"({kind.c})({value})"
        return f"{name} = as_{stored.name}({value});" if stored.kind == "float" else f"{name} = {value};"

    def pair(self, operand: Operand) -> tuple[Operand, Operand]:
        """The two results of `a|b`, of which the second may be missing."""
        if isinstance(operand, Group) and operand.kind == "|":
            return operand.items[0], operand.items[1]
        return operand, "_"

    def items(self, operand: Operand) -> Iterator[Operand]:
        """The elements of a vector, or the operand itself."""
        if isinstance(operand, Group):
            yield from operand.items
        else:
            yield operand
