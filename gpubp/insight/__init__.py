"""What goes on in a net, for people: the trace of a step, and its gradients beside finite differences."""

from .document import document
from .drawn import drawn
from .gauges import Gauges, Size, sizes
from .gradcheck import Checked, Element, Report, gradcheck
from .health import Finding, diagnose, grown, still, typical
from .html import as_html, page_style
from .text import as_text, shown
from .trace import Line, Step, Trace, trace

__all__ = [
    "Checked",
    "Element",
    "Finding",
    "Gauges",
    "Line",
    "Report",
    "Size",
    "Step",
    "Trace",
    "as_html",
    "as_text",
    "diagnose",
    "document",
    "drawn",
    "gradcheck",
    "grown",
    "page_style",
    "shown",
    "sizes",
    "still",
    "trace",
    "typical",
]
