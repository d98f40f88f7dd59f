"""Errors for nets that cannot be exported to C."""

from __future__ import annotations

from dsl.diagnostics import Diagnostic
from dsl.graph import Node

from ..errors import NetError
from ..ir import Element, Eqn, source_of


def no_form_in_c(eqn: Eqn) -> NetError:
    """The error for an equation without a C form, at the place in the file that it originates from."""
    node = source_of(eqn.origin)
    what, span = (f"`{node.name}`", node.span) if isinstance(node, Node) else ("a step of the net", None)
    help = "`gpubp ir FILE --mode predict` prints the program as Python over NumPy, which runs by itself"
    if isinstance(eqn.op.c, Element):
        help = "windows of up to 64 places can be exported: two smaller ones, one after the other, see as much"
    message = f"{what} cannot be exported: it has no form in C"
    return NetError([Diagnostic("E0506", message, span, "only Python computes this", help=(help,))])
