"""What a model costs on a device: operations, bytes, memory, predicted latency; and whether that fits a budget.

Models come from `slim.graph` or `slim.quantize`, profiles from `slim.devices`, exact memory from the core's planner;
`Estimate` and `Verdict` go to `slim.report`. Files in the order of the work: `tensors` and `count` are rules for one
value and one node, `layers` groups nodes, `roofline` predicts time, `program` asks the core, `pipeline` and `verdict`
put them together.
"""

from slim.estimate.layers import Activation, Layer
from slim.estimate.pipeline import Estimate, estimate
from slim.estimate.verdict import Check, Verdict, check

__all__ = ["Activation", "Check", "Estimate", "Layer", "Verdict", "check", "estimate"]
