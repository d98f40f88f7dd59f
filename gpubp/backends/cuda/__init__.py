"""The GPU, by compiled CUDA: kernels of a plan's pieces, products of matrices by cuBLASLt, a step as one graph."""

from ..native import NativeError, say_once
from .device import CaptureError, Device
from .gpu import CupyDevice
from .library import CudaLibrary
from .orders import DeviceOrders, pays

__all__ = ["CaptureError", "CudaLibrary", "CupyDevice", "Device", "DeviceOrders", "NativeError", "pays", "say_once"]
