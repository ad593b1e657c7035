"""The core's operators, one program each, against onnxruntime or arithmetic written out in numpy."""
