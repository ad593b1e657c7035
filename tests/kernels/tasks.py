"""The task structs of `kernels/kernels.h` for ctypes."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int, c_int32, c_size_t, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

PANEL = 16


def _structure(name: str, fields: str, types: dict[str, object]) -> type[ctypes.Structure]:
    pairs = [(field, types.get(field, c_size_t)) for field in fields.split()]
    return type(name, (ctypes.Structure,), {"_fields_": pairs})


_POINTERS = dict.fromkeys(("rows", "weights", "bias", "residual", "part", "out", "channels_table"), c_void_p)
_CLAMP = {"lo": c_float, "hi": c_float, "zero_point": c_int32, "input_zero_point": c_int32}
_WINDOW = "kernel_h kernel_w stride_h stride_w dilation_h dilation_w pad_left"
_DEPTHWISE = f"rows out_rows out_width in_width channels {_WINDOW} weights"
_INTS = dict.fromkeys(_WINDOW.split(), c_int)

GemmF32 = _structure(
    "GemmF32",
    "rows m taps k weights bias residual part out residual_stride out_stride n lo hi alone",
    {**_POINTERS, **_CLAMP, "alone": c_int},
)
GemmU8 = _structure(
    "GemmU8",
    "rows m taps k rests rest weights channels out out_stride n lo hi zero_point float_output",
    {**_POINTERS, **_CLAMP, "channels": c_void_p, "float_output": c_int},
)
DepthwiseF32 = _structure(
    "DepthwiseF32", f"{_DEPTHWISE} bias out out_stride out_row_stride lo hi", {**_POINTERS, **_CLAMP, **_INTS}
)
DepthwiseU8 = _structure(
    "DepthwiseU8",
    f"{_DEPTHWISE} channels_table out out_stride out_row_stride lo hi zero_point input_zero_point",
    {**_POINTERS, **_CLAMP, **_INTS},
)


class Kernels(ctypes.Structure):
    """slim_kernels as far as these tests call it."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("lanes", c_size_t),
        ("gemm_f32", ctypes.CFUNCTYPE(None, POINTER(GemmF32))),
        ("gemm_u8", ctypes.CFUNCTYPE(None, POINTER(GemmU8))),
        ("slide_u8", ctypes.c_void_p),
        ("winograd_u8", ctypes.c_void_p),
        ("depthwise_f32", ctypes.CFUNCTYPE(None, POINTER(DepthwiseF32))),
        ("depthwise_u8", ctypes.CFUNCTYPE(None, POINTER(DepthwiseU8))),
    ]


def aligned(array: NDArray[Any], loose: int = 64) -> NDArray[Any]:
    """A copy on a 64-byte boundary, with `loose` readable bytes after it."""
    block = np.zeros(array.nbytes + loose + 64, np.uint8)
    start = -block.ctypes.data % 64
    copy = block[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def panels(weights: NDArray[Any]) -> NDArray[Any]:
    """(outputs, steps) -> (panels, steps, 16), zero where the outputs end."""
    outputs, steps = weights.shape
    count = -(-outputs // PANEL)
    padded = np.zeros((count * PANEL, steps), weights.dtype)
    padded[:outputs] = weights
    return aligned(padded.reshape(count, PANEL, steps).transpose(0, 2, 1))


def channel_table(bias: NDArray[np.int32], sums: NDArray[np.int32], multiplier: NDArray[np.float32]) -> NDArray[Any]:
    """(outputs,) each -> (panels, 3, 16): bias, 128 times the sum of the weights, multiplier as float bits."""
    count = -(-len(bias) // PANEL)
    table = np.zeros((3, count * PANEL), np.int32)
    table[:, : len(bias)] = bias, 128 * sums, multiplier.view(np.int32)
    return aligned(table.reshape(3, count, PANEL).transpose(1, 0, 2))
