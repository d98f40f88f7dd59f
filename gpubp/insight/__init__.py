"""Insight into a net, for people: the trace of a step, and gradients compared with finite differences."""

from .document import MOST, as_json, document
from .drawn import drawn
from .explained import Explanation, explain, explained
from .formulas import FEW
from .full_arrays import whole_text
from .gradcheck import Checked, Element, Report, gradcheck
from .html import PAGED, as_html
from .subject import Subject, first_weights, subject
from .text import DIGITS, as_text, shown
from .trace import Line, Step, Trace, trace

__all__ = [
    "DIGITS",
    "FEW",
    "MOST",
    "PAGED",
    "Checked",
    "Element",
    "Explanation",
    "Line",
    "Report",
    "Step",
    "Subject",
    "Trace",
    "as_html",
    "as_json",
    "as_text",
    "document",
    "drawn",
    "explain",
    "explained",
    "first_weights",
    "gradcheck",
    "shown",
    "subject",
    "trace",
    "whole_text",
]
