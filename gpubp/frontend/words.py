"""What a `.net` file can name, for people: every layer, loss, optimizer ... by section, with its signature and text."""

from __future__ import annotations

import re

from dsl.catalog import REQUIRED, Option, Signature
from dsl.records import dataclass
from dsl.resolve.signatures import argument_texts, takes_text

from ..registry import ENTRIES
from .catalog import catalog

_MODULES = {"activations": "activations", "gates": "activations"} | dict.fromkeys(
    ("formulas", "matrices", "derivative", "sampling"), "functions"
)
"""Where functions that are no layers are defined, and what they are called here."""
_SECTIONS = {
    "layers": "Stages of `model`, chained by `->`.",
    "activations": "Stages of `model`, like layers.",
    "functions": "For `model`, formulas and losses, in addition to `+ - * / ^` and comparisons. A value belongs to one "
    "example: `axis` 0 is the first axis of its type.",
    "losses": "For `loss`. They take probabilities, the results of `sigmoid` and `softmax`, not logits; any value with "
    "one number per example is a loss as well.",
    "penalties": "Added to a loss.",
    "metrics": "For `metrics`, as is any value with one number per example.",
    "optimizers": "For `optimizer`.",
    "schedules": "For `schedule`: factors of the optimizer's learning rate. Durations are `200steps` or `3epochs`.",
    "clip": "For the key `clip`.",
    "average": "For the key `average`: averages of the weights, for evaluation.",
    "rates": "For the key `rates`, which takes a list of them.",
    "early_stop": "For the key `early_stop`.",
    "start": "For the key `start`.",
    "initializers": "For `init` and similar options, which also take literal numbers.",
    "readers": "For `data`, which also takes rows as lists. Text files may be gzipped; arrays are never unpickled.",
    "split": "For `split` of `data`.",
}
"""The sections, and where their words are used."""
SECTION_OF = {
    "loss": "losses",
    "penalty": "penalties",
    "metric": "metrics",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "rate": "rates",
    "stop": "early_stop",
    "initializer": "initializers",
    "reader": "readers",
}
"""The section of each part of the catalogue that is called something else."""
_BREAK = re.compile(r"\n\n|(?<=\.)\n\s*(?=`)")
"""Between paragraphs, and before an option that a docstring begins a line with."""
_NOTICE = re.compile(r"\s*Raises\s+DiagnosticError\b[^.]*\.")
"""What a docstring says to those who call the function in Python alone."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: the section that it stands in, how it is written, and what it does, paragraph by paragraph."""

    name: str
    section: str
    signature: Signature
    paragraphs: tuple[str, ...]

    @property
    def written(self) -> str:
        """`x -> conv(channels, size, ...)`, or `mse(p, y)`."""
        return written(self.signature)


def sections() -> dict[str, tuple[str, list[Word]]]:
    """Every word there is, by section: what the section is for, and its words in alphabetical order."""
    found: dict[str, tuple[str, list[Word]]] = {name: (about, []) for name, about in _SECTIONS.items()}
    for signatures in catalog().entries.values():
        for name, signature in sorted(signatures.items()):
            section = _section(signature)
            found[section][1].append(Word(name, section, signature, paragraphs(signature.doc)))
    return found


def _section(signature: Signature) -> str:
    if signature.part != "function":
        return SECTION_OF.get(signature.part, signature.part)
    entry = ENTRIES.get(("function", signature.name))
    if entry is None:  # a block or a formula of a file
        return "layers" if signature.makes_weights else "functions"
    return _MODULES.get(entry.function.__module__.rpartition(".")[2], "layers")


def written(signature: Signature) -> str:
    """`x -> conv(channels, size, ...)` for what is a stage of a pipe, else `sum(x, axis = ...)`."""
    call = f"{signature.name}({', '.join(arguments(signature))})"
    return f"{signature.inputs[0]} -> {call.removesuffix('()')}" if is_stage(signature) else call


def is_stage(signature: Signature) -> bool:
    """Whether it is written behind `->`: a layer, an activation or a block of one value."""
    one = len(signature.inputs) == 1 and not signature.variadic
    return one and _section(signature) in ("layers", "activations")


def arguments(signature: Signature) -> list[str]:
    """What `written` has between the parentheses."""
    one = len(signature.inputs) == 1 and not signature.variadic and not is_stage(signature)
    return [*signature.inputs[:one], *argument_texts(signature)]


def paragraphs(doc: str) -> tuple[str, ...]:
    """A docstring's paragraphs, each one line, without what concerns Python alone."""
    plain = _NOTICE.sub("", doc).replace("Raises ShapeError if", "It is an error if")
    return tuple(" ".join(part.split()) for part in _BREAK.split(plain) if part.strip())


def options(word: Word) -> list[tuple[str, str]]:
    """Each option with what it takes, in words."""
    return [(option.name, taken(option)) for option in word.signature.options]


def taken(option: Option) -> str:
    """What an option takes, in words."""
    least = "" if option.minimum is None else f", at least {option.minimum:g}"
    return takes_text(option) + least + (" (required)" if option.default is REQUIRED else "")


def default_text(option: Option) -> str:
    """The default of a key of `train`, "" where there is none."""
    if option.default is REQUIRED or option.default is None:
        return ""
    return "[]" if option.default == () else str(option.default).lower()
