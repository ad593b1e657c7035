"""Static 8-bit quantization: a float model and calibration samples in, the same model in standard QDQ form out.

Data comes from `slim.graph` (batch norms folded) and goes to `slim.lower`, onnxruntime or a file. Files here, in the
order of the work: `plan` decides what computes in integers, `calibrate` runs the samples, `center` and `equalize` bring
channels to like ranges, `ranges` chooses scales, `judge` whether all that helped, `layers` rounds weights and `insert`
writes integers into the graph. `qlinear` brings other tools' quantized models to the same form.
"""

from slim.quantize.pipeline import quantize
from slim.quantize.report import Report

__all__ = ["Report", "quantize"]
