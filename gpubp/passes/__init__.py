"""Passes: optimisations of programs, and the memory plan for running one without allocation."""

from .alike import alike
from .arena import ALIGN, ITEM, Buffer
from .buffers import plan
from .cost import Cost, cost, flops
from .cse import cse
from .dce import dce
from .describe import describe_plan
from .fold import fold
from .fuse import Group, fuse
from .inplace import statements
from .known import specialised
from .optimise import optimise
from .plan import Piece, Place, Plan, Round, Step, dense
from .rewrite import rewrite
from .simplify import simplify
from .traffic import Work
from .typed import typed

__all__ = [
    "ALIGN",
    "ITEM",
    "Buffer",
    "Cost",
    "Group",
    "Piece",
    "Place",
    "Plan",
    "Round",
    "Step",
    "Work",
    "alike",
    "cost",
    "cse",
    "dce",
    "dense",
    "describe_plan",
    "flops",
    "fold",
    "fuse",
    "optimise",
    "plan",
    "rewrite",
    "simplify",
    "specialised",
    "statements",
    "typed",
]
