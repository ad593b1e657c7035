"""The real networks that slim is held to, with the input shapes that MXNet's files leave open."""

from __future__ import annotations

ONNX = (
    "squeezenet-v1.0/model.onnx",
    "mobilenet-v1-0.25-128/model.onnx",
    "mobilenet-v2/model.onnx",
    "resnet8-cifar10/model.onnx",
    "dscnn-kws/model.onnx",
    "autoencoder-ad/model.onnx",
    "ultraface-rfb-320/version-RFB-320.onnx",
    "ultraface-rfb-320/version-RFB-320_simplified.onnx",
    "mnist/model.onnx",
)
QUANTIZED = "shufflenet-v2-int8/model.onnx"
MXNET = {
    "squeezenet-v1.0": (1, 3, 227, 227),
    "mobilenet-v1-0.25-128": (1, 3, 128, 128),
    "resnet8-cifar10": (1, 3, 32, 32),
    "dscnn-kws": (1, 1, 49, 10),
    "autoencoder-ad": (1, 640),
}
