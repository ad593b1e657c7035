"""Which operators compute in integers, which values get a quantizer, and why the rest stays in float.

Rules, cited by number below:
1. Conv, Gemm and MatMul with constant weights compute in integers: their input is quantized.
2. Relu and Clip that alone consume a Conv, Gemm, MatMul or Add belong to it: one quantizer, after the activation.
3. Light operators (element-wise, pooling, data movement) compute in integers when an input comes from an integer
   operator or is a graph input, and an integer operator uses the result. Else they would only add conversions.
4. A value gets a quantizer when an integer operator reads it. The last layer's output has no such reader, so the
   logits stay in float.
5. Data movement and max pooling share one scale between input and output.
6. What only a Concat reads has the scale of the Concat's output: it would be brought to that scale anyway, and rounding
   once loses less than rounding twice. Inputs that others read too keep their own and are requantized.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import onnx_ir as ir

HEAVY = {"Conv", "Gemm", "MatMul"}
MOVEMENT = {"Reshape", "Flatten", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Identity"}
SHARED = MOVEMENT | {"MaxPool"}
TABLE = {"Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Relu", "Clip", "LeakyRelu"}
LIGHT = SHARED | TABLE | {"Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "ReduceMean"}
CLAMPS = {"Relu", "Clip"}
CLAMPED = HEAVY | {"Add"}
SEVERAL_INPUTS = {"Add", "Mul", "Concat"}


@dataclass
class Plan:
    """What `make_plan` decided about one model's main graph."""

    integer: set[ir.Node] = field(default_factory=set)
    clamped: dict[ir.Node, ir.Node] = field(default_factory=dict)  # Conv/Gemm/MatMul/Add -> its Relu or Clip (rule 2)
    points: list[ir.Value] = field(default_factory=list)  # values with a quantizer, in graph order (rule 4)
    group: dict[ir.Value, ir.Value] = field(default_factory=dict)  # value -> whose scale it shares (rules 5, 6)
    float_because: dict[ir.Node, str] = field(default_factory=dict)

    def result(self, node: ir.Node) -> ir.Value:
        """The value that the integer operator `node` leaves behind: after its clamp, when it has one."""
        return self.clamped.get(node, node).outputs[0]


def is_constant(value: ir.Value | None) -> bool:
    """Whether a value is known before the model runs."""
    return value is not None and value.const_value is not None and not value.is_graph_input()


def activations(node: ir.Node) -> list[ir.Value]:
    """The inputs that carry data (not weights, shapes, axes or clamp bounds)."""
    inputs = node.inputs if node.op_type in SEVERAL_INPUTS else node.inputs[:1]
    return [value for value in inputs if value is not None]


def make_plan(model: ir.Model, keep_float: Collection[str] = ()) -> Plan:
    """Decide for every node of the main graph. Nodes named in `keep_float` stay in float."""
    plan = Plan()
    nodes = list(model.graph)
    for node in nodes:
        reason = f"node '{node.name}' was asked to stay in float" if node.name in keep_float else _unsupported(node)
        if reason:
            plan.float_because[node] = reason
        else:
            plan.integer.add(node)
    _join_clamps(plan, nodes)
    _drop_lonely(plan, nodes)
    _place_points(plan, model.graph.inputs, nodes)
    return plan


def _unsupported(node: ir.Node) -> str | None:
    """Why the integer core has no kernel for this node, or None (rules 1 and 3)."""
    kind = node.op_type
    if node.domain not in ("", "ai.onnx") or kind not in HEAVY | LIGHT:
        return f"{kind} has no integer kernel"
    data = activations(node)
    if any(is_constant(value) for value in data):
        return f"{kind} with a constant operand has no integer kernel"
    if any(value.dtype != ir.DataType.FLOAT for value in data):
        return f"{kind} of a type other than float32"
    if kind in HEAVY:
        return _unsupported_heavy(node)
    if kind == "ReduceMean" and not _reduces_image(node):
        return "ReduceMean over axes other than height and width has no integer kernel"
    return None


def _unsupported_heavy(node: ir.Node) -> str | None:
    kind, weight = node.op_type, node.inputs[1]
    if weight is None or not is_constant(weight):
        return f"{kind} whose weights are computed has no integer kernel"
    if weight.dtype != ir.DataType.FLOAT:
        return f"{kind} with weights of a type other than float32"
    if len(node.inputs) > 2 and node.inputs[2] is not None and not is_constant(node.inputs[2]):
        return f"{kind} whose bias is computed has no integer kernel"
    rank = len(weight.shape) if weight.shape is not None else 0
    if kind != "Conv" and rank != 2:
        return f"{kind} with weights of rank {rank} has no integer kernel"
    if kind == "Gemm":
        plain = all(node.attributes.get_float(name, 1.0) == 1.0 for name in ("alpha", "beta"))
        if not plain or node.attributes.get_int("transA", 0) != 0:
            return "Gemm with alpha, beta or transA has no integer kernel"
        bias = node.inputs[2] if len(node.inputs) > 2 else None
        columns = weight.shape[0 if node.attributes.get_int("transB", 0) else 1] if weight.shape else 0
        if bias is not None and (bias.shape is None or list(bias.shape) not in ([columns], [1, columns])):
            return "Gemm with a bias that is not one number for each output has no integer kernel"
    return None


def _reduces_image(node: ir.Node) -> bool:
    value, axes = node.inputs[0], node.inputs[1] if len(node.inputs) > 1 else None
    if value is None or value.shape is None or axes is None or axes.const_value is None or len(value.shape) != 4:
        return False
    return sorted(int(axis) % 4 for axis in axes.const_value.numpy().ravel()) == [2, 3]


def _join_clamps(plan: Plan, nodes: Iterable[ir.Node]) -> None:
    """Rule 2."""
    for node in nodes:
        if node in plan.integer and node.op_type in CLAMPED:
            output = node.outputs[0]
            users = output.consumers()
            alone = len(users) == 1 and not output.is_graph_output()
            if alone and users[0].op_type in CLAMPS and users[0] in plan.integer:
                plan.clamped[node] = users[0]


def _drop_lonely(plan: Plan, nodes: Iterable[ir.Node]) -> None:
    """Rule 3, repeated until nothing changes. A clamp stands or falls with the operator it belongs to."""
    clamps = {clamp: node for node, clamp in plan.clamped.items()}
    light = [node for node in nodes if node in plan.integer and node.op_type in LIGHT and node not in clamps]

    def keep(node: ir.Node) -> bool:
        producers = [(value.producer(), value.is_graph_input()) for value in activations(node)]
        fed = any(graph_input or producer in plan.integer for producer, graph_input in producers)
        outputs = [plan.result(node)] if node in plan.clamped else node.outputs
        return fed and any(user in plan.integer for output in outputs for user in output.consumers())

    changed = True
    while changed:
        changed = False
        for node in light:
            if node in plan.integer and not keep(node):
                plan.integer.discard(node)
                plan.float_because[node] = f"{node.op_type} stands between float operators"
                if clamp := plan.clamped.pop(node, None):
                    plan.integer.discard(clamp)
                    plan.float_because[clamp] = f"{clamp.op_type} follows an operator that stays in float"
                changed = True


def _place_points(plan: Plan, inputs: Iterable[ir.Value], nodes: Iterable[ir.Node]) -> None:
    """Rules 4, 5 and 6."""
    clamps = set(plan.clamped.values())
    readers = [node for node in nodes if node in plan.integer and node not in clamps]
    wanted = {value for node in readers for value in activations(node)}
    produced = [value for node in nodes for value in node.outputs]
    plan.points = [value for value in [*inputs, *produced] if value in wanted]
    for value in plan.points:
        plan.group[value] = value
    for node in readers:
        if node.op_type in SHARED:
            root = plan.group[activations(node)[0]]
            for output in node.outputs:
                if output in plan.group:
                    plan.group[output] = root
    for node in reversed(readers):  # the last Concat first: its scale reaches back through Concats that feed it
        output = node.outputs[0]
        if node.op_type == "Concat" and output in plan.group:
            for value in activations(node):
                _share_with_concat(plan, node, value, plan.group[output])


def _share_with_concat(plan: Plan, concat: ir.Node, value: ir.Value, root: ir.Value) -> None:
    """Give `value`, and what it was moved from, the scale of `root`, when nothing else reads any of them."""
    members = [member for member, at in plan.group.items() if at is plan.group[value]]
    readers = {user for member in members for user in member.consumers()}
    if all(user is concat or user.op_type in SHARED for user in readers):
        for member in members:
            plan.group[member] = root
