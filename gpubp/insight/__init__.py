"""What goes on in a net, for people: the trace of a step, and its gradients beside finite differences."""

from .document import FEW, MOST, as_json, document
from .drawn import drawn
from .gradcheck import Checked, Element, Report, gradcheck
from .html import PAGED, as_html
from .text import DIGITS, as_text, shown
from .trace import Line, Step, Trace, trace
from .whole import whole_text

__all__ = [
    "DIGITS",
    "FEW",
    "MOST",
    "PAGED",
    "Checked",
    "Element",
    "Line",
    "Report",
    "Step",
    "Trace",
    "as_html",
    "as_json",
    "as_text",
    "document",
    "drawn",
    "gradcheck",
    "shown",
    "trace",
    "whole_text",
]
