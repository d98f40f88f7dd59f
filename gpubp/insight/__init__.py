"""What goes on in a net, for people: the trace of a step, and its gradients beside finite differences."""

from .document import document
from .text import as_text, shown
from .trace import Line, Step, Trace, trace

__all__ = ["Line", "Step", "Trace", "as_text", "document", "shown", "trace"]
