"""A step on one example, for `gpubp explain` and `gpubp.explain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

from dsl.records import dataclass

from ..errors import GpubpError, InputError, NetError
from ..executor import Executor
from ..frontend import Net, check_feeds
from ..health import sizes
from ..wording import counted
from .document import MOST, document
from .drawn import drawn
from .full_arrays import whole_text
from .html import PAGED, as_html
from .subject import Subject, first_weights, subject
from .text import DIGITS, as_text
from .trace import trace

MANY = 256
"""Rows for the magnitudes of the layers, unless a batch is larger; and random rows generated if there is no data."""
AT_ONCE = 10_000
"""Steps per call, which keeps a loss for each."""
_HEIGHT = 640
"""Height of the page in a notebook, in pixels."""


def explained(of: Subject, number: int = 1, *, steps: int = 0, most: int = MOST) -> tuple[dict[str, Any], str]:
    """The document (gpubp.insight.document) of a step on row `number`, from 1, after `steps` steps of training, and a
    line that identifies it. Arrays of more than `most` elements are abbreviated. Raises GpubpError."""
    executor, has_data = of.executor, of.rows is not None
    net = executor.net
    if not net.graph.inputs:
        raise GpubpError(f"`{net.graph.source.name}` has no inputs, so there is no example to follow through it")
    if not has_data:
        of = replace(of, rows=drawn(net, MANY))
    assert of.rows is not None
    count = of.count
    if not 1 <= number <= count:
        there = f"the training data has {counted(count, 'row')}" if has_data else f"without `data` {count:,} are drawn"
        raise GpubpError(f"there is no example {number:,}: {there}")
    batch = min(net.batch_size(count), count)
    if steps:
        net.require_training(epochs=1)
        if executor.step:
            raise GpubpError("`--step` cannot be given with a run: name one of its checkpoints for another step")
        placed = executor.place(of.rows)
        for done in range(0, steps, AT_ONCE):
            executor.run_steps(placed, min(AT_ONCE, steps - done), batch)
    rows = of.batch(number - 1, 1)
    try:
        traced = trace(executor, rows, of.words)
    except NetError:
        # The statistics of a batch need several rows.
        first = min(number - 1, count - batch)
        rows = {name: _begin_with(array, number - 1 - first) for name, array in of.batch(first, batch).items()}
        traced = trace(executor, rows, of.words)
    many = max(batch, min(count, MANY))
    content = document(traced, sizes(executor, of.batch(0, many)), many, most)
    after = f" after {counted(steps, 'step')}" if steps else ""
    example_text = f"example {number:,} of {count:,}" if has_data else f"drawn example {number:,}"
    if traced.rows > 1:
        example_text += f", in a batch of {traced.rows:,} rows whose statistics it shares"
    return {"example": number, **content}, f"{of.about}{after}: {example_text}; {executor.dtype}"


def _begin_with(array: Any, row: int) -> Any:
    """The rows, reordered so that `row` comes first."""
    return array[[row, *(i for i in range(len(array)) if i != row)]]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A step on one example: `print` gives the text of `gpubp explain`, a notebook shows the page.

    - `document`: the same as data that JSON can hold, with every number.
    - `about`: which step it is.
    """

    document: Mapping[str, Any]
    about: str

    def __str__(self) -> str:
        return f"{self.about}\n\n{as_text(self.document)}"

    def __repr__(self) -> str:
        return f"<Explanation of {self.about}>"

    def show(self, *names: str, digits: int = DIGITS) -> str:
        """Every number of the named values, as text: `z1`, `dL/dW2`, a parameter, a layer, `loss`; with `digits`
        significant digits. Raises GpubpError for a name that is not in the step."""
        return whole_text(self.document, names, digits=digits)

    def html(self) -> str:
        """The interactive page, one HTML document that works offline."""
        return as_html(self.document, self.about)

    def _repr_html_(self) -> str:
        # In a frame, so that the page's style and script do not affect the notebook.
        page = escape(self.html(), quote=True)
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="{escape(self.about, quote=True)}" '
            f'style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
        )


def explain(of: Any, data: Mapping[str, Any] | None = None, example: int = 1) -> Explanation:
    """Follow one example through a step of a net: values, formulas, gradients, the update.

    - `of`: a Net, with the weights that its training begins with; an Executor or a run, with its present weights, which
      do not change.
    - `data`: arrays by name, as for `Executor.train_step`; by default the training rows of the file, or random ones if
      it has none.
    - `example`: the number of the row, from 1.

    Returns an Explanation. Raises InputError, DataError, GpubpError.

    >>> step = gpubp.explain(gpubp.load("models/worked_example.net"))
    >>> print(step.show("delta1"))
      delta1 = dL/da1 * (a1 * (1 - a1))  [-0.01111, -0.01634]
    """
    source = getattr(of, "executor", of)
    if isinstance(source, Net):
        executor = Executor(source, "cpu", backend="numpy")
        which = first_weights(executor)
    elif isinstance(source, Executor):
        executor = Executor(source.net, "cpu", source.precision, source.seed, "numpy", start=False)
        executor.load_state_dict(source.state_dict())
        which = f"step {executor.step:,}"
    else:
        raise InputError(f"a net, an executor or a run is explained, but this is of type {type(of).__name__}")
    net = executor.net
    if data is not None:
        nodes = (*net.graph.inputs, *net.graph.targets)
        arrays, _ = check_feeds(executor.backend, nodes, data, executor.dtype)
        data = {node.name: array for node, array in zip(nodes, arrays, strict=True)}
    about = f"{net.graph.source.name}, {which}"
    return Explanation(*explained(subject(executor, about, data, fresh=source is net), example, most=PAGED))
