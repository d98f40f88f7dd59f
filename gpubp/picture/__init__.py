"""Drawings of nets, and charts and reports of runs."""

from .charts import curves_file
from .curves import panels
from .drawing import Graph, graph
from .page import page
from .panel import Curve, Panel
from .terminal import as_text

__all__ = ["Curve", "Graph", "Panel", "as_text", "curves_file", "graph", "page", "panels"]
