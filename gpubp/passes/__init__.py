"""Passes: optimisations of programs, and the memory plan for running one without allocation."""

from .arena import ALIGN, ITEM, Buffer
from .batch_scaling import same_but_for_batch
from .buffers import plan
from .cost import Cost, calls, cost, flops
from .cse import cse
from .dce import dce
from .describe import describe_plan
from .dtype_arenas import split_arena
from .fold import fold
from .fuse import Group, fuse
from .inplace import statements
from .optimise import optimise
from .plan import Fusion, LoopBody, Place, Plan, Step, base_of, dense
from .rewrite import rewrite
from .simplify import simplify
from .specialise import specialise
from .traffic import WorkCounter

__all__ = [
    "ALIGN",
    "ITEM",
    "Buffer",
    "Cost",
    "Fusion",
    "Group",
    "LoopBody",
    "Place",
    "Plan",
    "Step",
    "WorkCounter",
    "base_of",
    "calls",
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
    "same_but_for_batch",
    "simplify",
    "specialise",
    "split_arena",
    "statements",
]
