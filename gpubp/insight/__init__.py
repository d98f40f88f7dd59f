"""What goes on in a net, for people: the trace of a step, and its gradients beside finite differences."""

from .document import document
from .drawn import drawn
from .gradcheck import Checked, Element, Report, gradcheck
from .html import as_html
from .text import as_text, shown
from .trace import Line, Step, Trace, trace

__all__ = [
    "Checked",
    "Element",
    "Line",
    "Report",
    "Step",
    "Trace",
    "as_html",
    "as_text",
    "document",
    "drawn",
    "gradcheck",
    "shown",
    "trace",
]
