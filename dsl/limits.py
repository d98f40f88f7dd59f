"""Every limit of the language, each with its reason. Past one of them a file gets one clear finding, in under a second.

All are far above what an experiment needs, and low enough that the whole of `check` stays quick and small.
"""

from __future__ import annotations

from typing import Final

# Text ----------------------------------------------------------------------------------------------------------------

MAX_TEXT_BYTES: Final = 100 * 1024
"""Bytes of UTF-8 in a file: it is scanned, parsed and checked in about a second."""

MAX_IMPORT_BYTES: Final = 2 * MAX_TEXT_BYTES
"""Bytes of all files that one file imports: each may be as long as `MAX_TEXT_BYTES`, and all of them are parsed."""

MAX_IMPORTS: Final = 200
"""Files that one file imports: each is opened, and importing nests as deep as their number."""

NESTING: Final = 64
"""How deep brackets may stand in one another, and lists of values too: nobody reads more."""

HEIGHT: Final = 100
"""How deep an expression may be, operators and `if` counted too: bounds the recursion of every later stage."""

LONGEST_WORDS: Final = 800
"""Characters of a message or a note: names and strings of the file may be long, and stand in messages."""

MAX_FINDINGS: Final = 100
"""Findings after which the rest is dropped: nobody reads on."""

# Expansion -----------------------------------------------------------------------------------------------------------

MAX_NODES: Final = 6_000
"""Values that a file expands to, constants counted: each is traced, and a thousand layers are two thousand of them.
Residual nets of 1,202 layers, the deepest that were published (He et al. 2016), expand to some 4,200."""

MAX_CALLS: Final = 10_000
"""Expansions of blocks, fns and layers, and turns of loops: they need not make any value (`b(n - 1) -> b(n - 1)`)."""

MAX_LEVELS: Final = 200
"""Expansions in one another: a block that calls itself ends before, or never."""

MAX_NESTED: Final = 4_000
"""Expressions in work at once, through all expansions: far below what the interpreter's stack holds."""

MAX_ITEMS: Final = 500_000
"""Items of the lists that a file makes and uses, each use counted: `let b = [a, a]` forty times over is 2^40 items."""

# Numbers -------------------------------------------------------------------------------------------------------------

MAX_WHOLE: Final = 2**63 - 1
"""Whole numbers go as far as 64 bits with a sign."""

MAX_SIZE: Final = 2**31 - 1
"""One size of a type: array libraries index an axis with no more."""
