"""MXNet networks: a symbol JSON and its params file in, standard ONNX operators out.

`symbol` and `params` read the two files, `pairing` finds the second, `translate` walks the nodes and asks one function
for each operator (`ops`, listed in `table`).
"""

from slim.load.mxnet.reader import load_mxnet

__all__ = ["load_mxnet"]
