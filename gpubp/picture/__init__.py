"""Pictures of nets and of runs."""

from .drawing import Graph, graph
from .page import page

__all__ = ["Graph", "graph", "page"]
