"""A prediction program as an ONNX file."""

from .model import onnx_model

__all__ = ["onnx_model"]
