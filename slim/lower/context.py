"""The state of one lowering: which tensors of the program hold each value of the graph, in which layout and type.

A graph value may exist as several tensors: in float and quantized, with its axes stored in several orders. Rules ask
for the form that they need, and the conversion (a transpose, a dequantize) is written the first time that it is asked
for. An order is a tuple of the value's axes as they are stored: `(0, 2, 3, 1)` is NHWC for a value whose axes are N, C,
H, W.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from slim.core.format import Type
from slim.errors import Problem, UnsupportedError
from slim.lower.program import NUMPY_TYPES, ProgramBuilder

Order = tuple[int, ...]


def plain_order(rank: int) -> Order:
    """Axes stored as they are numbered."""
    return tuple(range(rank))


def channels_last(rank: int) -> Order:
    """The channel axis (1) stored last: NHWC, NWC."""
    return (0, *range(2, rank), 1) if rank > 2 else plain_order(rank)


@dataclass(frozen=True)
class Quantizer:
    """How a float tensor becomes bytes."""

    tensor: int
    order: Order
    scale: float
    zero_point: int
    name: str


@dataclass
class Forms:
    """The tensors that hold one value: `[quantized, order] -> tensor`."""

    shape: tuple[int, ...]
    tensors: dict[tuple[bool, Order], int] = field(default_factory=dict)
    quantizer: Quantizer | None = None  # of a value whose bytes nobody has asked for yet


@dataclass(frozen=True)
class QuantizedConstant:
    """An integer constant behind a DequantizeLinear: real = (values - zero_point) * scale along `axis`."""

    values: np.ndarray
    scale: np.ndarray  # () or (channels,)
    zero_point: np.ndarray
    axis: int

    def dequantized(self) -> np.ndarray:
        """The values as float32."""
        shape = [1] * self.values.ndim
        if self.scale.ndim:
            shape[self.axis] = -1
        centred = self.values.astype(np.int32) - self.zero_point.astype(np.int32).reshape(shape)
        return np.asarray(centred * self.scale.reshape(shape), np.float32)


class Lowering:
    """Builds one program from one graph. Rules (see `rules.py`) call it a node at a time."""

    def __init__(
        self, model: ir.Model, name: str, *, winograd: bool = True, weights: str = "fp32", bf16: bool = False
    ) -> None:
        self.model = model
        self.bf16 = bf16  # float products are in bf16 where that is faster
        self.winograd = winograd  # products may trade memory for fewer multiplications
        self.builder = ProgramBuilder(name, weights)
        self.forms: dict[ir.Value, Forms] = {}
        self.done: set[ir.Node] = set()  # nodes that a fusion has taken

    # ---- constants ----

    def constant(self, value: ir.Value | None) -> np.ndarray | None:
        """The array of a value that is known now: an initializer, a Constant, or a dequantized integer constant."""
        if value is None:
            return None
        if value.const_value is not None:
            return np.asarray(value.const_value.numpy())
        producer = value.producer()
        if producer is None:
            return None
        if producer.op_type == "Constant" and "value" in producer.attributes:
            tensor = producer.attributes.get_tensor("value")
            return None if tensor is None else np.asarray(tensor.numpy())
        quantized = self.quantized_constant(value)
        return None if quantized is None else quantized.dequantized()

    def quantized_constant(self, value: ir.Value | None) -> QuantizedConstant | None:
        """The integers behind a constant's DequantizeLinear."""
        producer = value.producer() if value is not None else None
        if producer is None or producer.op_type != "DequantizeLinear" or producer.attributes.get_int("block_size"):
            return None
        values, scale = self.constant(producer.inputs[0]), self.constant(producer.inputs[1])
        if values is None or scale is None:
            return None
        zero = (
            self.constant(producer.inputs[2]) if len(producer.inputs) > 2 and producer.inputs[2] is not None else None
        )
        if scale.size == 1:
            scale = scale.reshape(())
        zero = np.zeros_like(scale, values.dtype) if zero is None else zero.reshape(scale.shape)
        return QuantizedConstant(values, scale, zero, producer.attributes.get_int("axis", 1) % max(values.ndim, 1))

    def place_constant(self, array: np.ndarray, name: str = "") -> int:
        """A constant tensor of the program."""
        return self.builder.constant(array, name)

    # ---- values ----

    @staticmethod
    def shape(value: ir.Value) -> tuple[int, ...]:
        """The static shape of a value."""
        if value.shape is None or not all(isinstance(dim, int) for dim in value.shape):
            raise UnsupportedError(
                Problem("its shape is not known", f"value {value.name!r}", "give input shapes with --shape")
            )
        return tuple(int(dim) for dim in value.shape)  # type: ignore[arg-type]

    def put(self, value: ir.Value, tensor: int, order: Order | None = None, *, quantized: bool | None = None) -> None:
        """Say that this tensor holds the value, stored in this order."""
        if quantized is None:
            quantized = self.builder.quantization_of(tensor)[0] > 0
        forms = self.forms.setdefault(value, Forms(self.shape(value)))
        forms.tensors[quantized, order or plain_order(len(forms.shape))] = tensor

    def put_quantizer(self, value: ir.Value, quantizer: Quantizer) -> None:
        """Say how the value's bytes come about, for an operator that makes them itself or for all who ask for them."""
        self.forms[value] = Forms(self.shape(value), quantizer=quantizer)

    def quantizer(self, value: ir.Value) -> Quantizer | None:
        """How the value's bytes come about, where nobody has asked for them."""
        return self.forms[value].quantizer if value in self.forms else None

    def share(self, value: ir.Value, other: ir.Value) -> None:
        """`value` is the same as `other`, in every form there is or will be."""
        self.forms[value] = self.forms[other] if other in self.forms else self.forms_of(other)

    def forms_of(self, value: ir.Value) -> Forms:
        """The forms of a value, constants included."""
        q = self.quantizer(value)
        if q is not None:
            self.forms[value].quantizer = None
            made = self.builder.operator(
                "quantize", [q.tensor], Type.U8, name=q.name, scale=q.scale, zero_point=q.zero_point
            )
            self.put(value, made, q.order)
        if value not in self.forms:
            array = self.constant(value)
            if array is None:
                raise UnsupportedError(
                    Problem("is read before it is computed", f"value {value.name!r}", "report this model")
                )
            self.put(value, self.place_constant(array, value.name or ""), quantized=False)
        return self.forms[value]

    def is_quantized(self, value: ir.Value | None) -> bool:
        """Whether 8-bit integers hold the value."""
        if value is None or value not in self.forms:
            return False
        return self.forms[value].quantizer is not None or any(q for q, _ in self.forms[value].tensors)

    def quantization_of(self, value: ir.Value) -> tuple[float, int]:
        """Scale and zero point of the bytes that hold the value."""
        q = self.quantizer(value)
        return (q.scale, q.zero_point) if q else self.builder.quantization_of(self.native(value, True)[0])

    def native(self, value: ir.Value, quantized: bool = False) -> tuple[int, Order]:
        """The value in whatever order it is in, as float or quantized."""
        forms = self.forms_of(value)
        for (is_quantized, order), tensor in forms.tensors.items():
            if is_quantized == quantized:
                return tensor, order
        order = next(order for _, order in forms.tensors)
        return self.get(value, order, quantized), order

    def order_of(self, value: ir.Value) -> Order:
        """The order in which the value is stored first."""
        if (q := self.quantizer(value)) is not None:
            return q.order
        return next(order for _, order in self.forms_of(value).tensors)

    def get(self, value: ir.Value, order: Order | None = None, quantized: bool = False) -> int:
        """The value in this order (plain by default), as float or quantized, converted where need be."""
        forms = self.forms_of(value)
        wanted = order or plain_order(len(forms.shape))
        if (quantized, wanted) in forms.tensors:
            return forms.tensors[quantized, wanted]
        same_type = [(o, t) for (q, o), t in forms.tensors.items() if q == quantized]
        if same_type:
            tensor = self._transposed(forms, same_type[0][1], same_type[0][0], wanted, value.name or "")
        elif quantized:
            raise UnsupportedError(Problem("is not quantized", f"value {value.name!r}", "report this model"))
        else:
            source = self.get(value, wanted, True)
            tensor = self.builder.operator("dequantize", [source], Type.F32, name=f"{value.name}:float")
        forms.tensors[quantized, wanted] = tensor
        return tensor

    def _transposed(self, forms: Forms, tensor: int, order: Order, wanted: Order, name: str) -> int:
        scale, zero_point = self.builder.quantization_of(tensor)
        kind = self.builder.type_of(tensor)
        sizes = [forms.shape[axis] for axis in wanted]
        if [axis for axis in order if forms.shape[axis] != 1] == [axis for axis in wanted if forms.shape[axis] != 1]:
            # nothing moves: only axes of size 1 change places
            return self.reshape(
                tensor, [0 if i == 0 and order[0] == wanted[0] else s for i, s in enumerate(sizes)], name
            )
        attributes = {f"p{i}": order.index(wanted[i]) if i < len(wanted) else i for i in range(6)}
        return self.builder.operator(
            "transpose", [tensor], kind, attributes, name=f"{name}:order", scale=scale, zero_point=zero_point
        )

    # ---- pieces that several rules use ----

    def reshape(self, tensor: int, dims: list[int], name: str = "") -> int:
        """A view of a tensor with other dimensions (0 keeps one, -1 infers one)."""
        scale, zero_point = self.builder.quantization_of(tensor)
        attributes = {"rank": len(dims), **{f"d{i}": dims[i] if i < len(dims) else 1 for i in range(6)}}
        return self.builder.operator(
            "reshape", [tensor], self.builder.type_of(tensor), attributes, name=name, scale=scale, zero_point=zero_point
        )

    def like(self, kind: str, tensor: int, attributes: Mapping[str, int | float], name: str) -> int:
        """An operator on one tensor whose output has the type and quantization of its input."""
        scale, zero_point = self.builder.quantization_of(tensor)
        return self.builder.operator(
            kind, [tensor], self.builder.type_of(tensor), attributes, name=name, scale=scale, zero_point=zero_point
        )

    def sole_consumer(self, value: ir.Value) -> ir.Node | None:
        """The one node that reads the value, where there is just one and the graph does not give it out."""
        if value.is_graph_output():
            return None
        uses = {node for node, _ in value.uses()}
        return uses.pop() if len(uses) == 1 else None

    def clamp_of(self, node: ir.Node) -> tuple[float, float] | None:
        """The bounds of a Relu or Clip with constant bounds."""
        if node.op_type == "Relu":
            return 0.0, math.inf
        if node.op_type != "Clip":
            return None
        bounds = []
        for index, default in ((1, -math.inf), (2, math.inf)):
            given = node.inputs[index] if index < len(node.inputs) else None
            array = self.constant(given)
            if given is not None and array is None:
                return None
            bounds.append(default if array is None else float(array))
        return bounds[0], bounds[1]


def element_type(value: ir.Value) -> Type:
    """The program's element type for a graph value."""
    if value.dtype is None:
        raise UnsupportedError(Problem("its type is not known", f"value {value.name!r}"))
    kind = NUMPY_TYPES.get(np.dtype(value.dtype.numpy()))
    if kind is None or kind is Type.F16:  # no operator computes in half precision
        raise UnsupportedError(
            Problem(f"has type {value.dtype.name}", f"value {value.name!r}", "convert the model to float32")
        )
    return kind


def where(node: ir.Node) -> str:
    """A node's place in an error: `node 'conv1' (Conv)`."""
    name = node.name or (node.outputs[0].name if node.outputs else "") or "?"
    domain = f"{node.domain}." if node.domain else ""
    return f"node {name!r} ({domain}{node.op_type})"
