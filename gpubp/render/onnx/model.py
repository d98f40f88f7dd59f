"""A prediction program as an ONNX model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...ir import ONNX_TYPES, Aval, Program, Tensor, Var
from ..portable import Interface, Slot
from .graph import GraphWriter, Node, Shared

OPSET, FORMAT = 18, 8
"""The versions of the operators and of the file format, both of 2022."""
MOST = 2**31 - 2**24
"""Bytes of weights: protobuf limits a file to 2 GiB."""


def onnx_model(
    program: Program,
    arrays: Mapping[Var, Any],
    hints: Mapping[Var, str],
    describe: Callable[[object], str],
    batch: int,
    name: str,
    interface: Interface,
    version: str,
    metadata: Mapping[str, str],
) -> bytes:
    """Serialise a program. Its inputs are those of `interface`, and `arrays`, which become initializers. `batch`: the
    batch size in the program that stands for any, 0 if it is fixed; `version`: that of gpubp. Requires the package
    onnx. Raises CannotExportError, OverflowError if the file would be too large for its format."""
    from onnx import helper, numpy_helper

    feeds = [v for v in program.inputs if v not in arrays]
    names = {**hints, **{v: one.name for v, one in zip(feeds, interface.inputs, strict=True)}}
    outputs = [one.name for one in interface.outputs]
    shared = Shared(batch if feeds else 0, interface.inputs[0].name if feeds else "", names, describe, {*outputs})
    graph = GraphWriter(shared)
    graph.write(program, {v: Tensor(v.aval, shared.hint(v), array=a) for v, a in arrays.items()}, outputs)
    size = sum(array.nbytes for array in shared.arrays.values())
    if size > MOST:
        raise OverflowError(
            f"an ONNX file holds at most {MOST / 1e9:.1f} GB of weights, but the net has {size / 1e9:.1f}"
        )
    proto = _graph(graph, name, interface)
    proto.initializer.extend(numpy_helper.from_array(array.copy(), own) for own, array in shared.arrays.items())
    model = helper.make_model(
        proto,
        producer_name="gpubp",
        producer_version=version,
        doc_string="\n".join(interface.title),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=FORMAT,
    )
    helper.set_model_props(model, dict(metadata))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _graph(graph: GraphWriter, name: str, interface: Interface | None = None) -> Any:
    from onnx import helper

    inputs = _values(graph, graph.inputs, () if interface is None else interface.inputs)
    outputs = _values(graph, graph.outputs, () if interface is None else interface.outputs)
    return helper.make_graph([_node(one) for one in graph.emitted], name, inputs, outputs)


def _node(one: Node) -> Any:
    from onnx import helper

    name = one.outputs[0]
    attributes = {key: _graph(x, name) if isinstance(x, GraphWriter) else x for key, x in one.attributes.items()}
    return helper.make_node(one.op, one.inputs, one.outputs, name=name, doc_string=one.about or None, **attributes)


def _values(graph: GraphWriter, values: Iterable[tuple[str, Aval]], slots: Iterable[Slot]) -> list[Any]:
    from onnx import helper

    batch = graph.shared.batch
    about = {one.name: "\n".join(one.about) for one in slots}
    found = []
    for name, aval in values:
        shape = [("batch" if n == batch else None) if graph.scales(n) else n for n in aval.shape]
        found.append(helper.make_tensor_value_info(name, ONNX_TYPES[aval.dtype], shape, about.get(name, "")))
    return found
