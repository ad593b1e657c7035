"""Golden outputs by MXNet 1.9.1, the judge of slim's MXNet loader. MXNet lives in a venv of its own, never in slim's.

    python scripts/mxnet_golden.py                      everything that is committed, into tests/fixtures/load
    .mxnet/bin/python scripts/mxnet_golden.py zoo DIR   networks of gluon's model zoo, with seeded random weights

The first form makes the venv `.mxnet` (mxnet 1.9.1, numpy < 1.24; Python 3.8 to 3.11) when it runs in one without
MXNet, and writes

- `operators.npz`: small networks of one or two operators each: symbol text, params, input and MXNet's output;
- `NAME.npz` for each checkpoint in the test data: MXNet's output for a seeded input.

The tests make the zoo's networks themselves when `SLIM_MXNET_PYTHON` names the python of such a venv.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

for switch in ("MXNET_MKLDNN_ENABLED", "MXNET_ONEDNN_ENABLED"):
    os.environ[switch] = "0"  # MXNet's own kernels are the reference; oneDNN lacks some forms of deconvolution
os.environ["MXNET_SUBGRAPH_BACKEND"] = "NONE"
os.environ["MXNET_STORAGE_FALLBACK_LOG_VERBOSE"] = "0"

try:
    import mxnet as mx
except ImportError:
    mx = None

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "load"
SEED = 20240117


def case(symbol, **shapes):
    """One test network: a symbol and the shapes of its data inputs."""
    return symbol, shapes


def operator_cases():
    """Name -> (symbol, shapes of its inputs). Sizes are odd and unequal, so that a wrong axis shows."""
    s, x = mx.sym, mx.sym.var("data")
    image, row = {"data": (2, 6, 5, 7)}, {"data": (2, 6)}
    cases = {
        "convolution_defaults": case(s.Convolution(x, kernel=(3, 2), num_filter=4), **image),
        "convolution_full": case(
            s.Convolution(x, kernel=(3, 3), num_filter=6, stride=(2, 1), pad=(1, 2), dilate=(1, 2), num_group=3),
            **image,
        ),
        "convolution_1d": case(s.Convolution(x, kernel=(3,), num_filter=4, stride=(2,), pad=(1,)), data=(2, 6, 9)),
        "convolution_no_bias": case(s.Convolution(x, kernel=(1, 1), num_filter=3, no_bias=True), **image),
        "deconvolution": case(
            s.Deconvolution(x, kernel=(3, 4), num_filter=4, stride=(2, 3), pad=(1, 1), adj=(1, 2), num_group=2), **image
        ),
        "deconvolution_target": case(
            s.Deconvolution(x, kernel=(4, 4), num_filter=4, stride=(2, 2), target_shape=(10, 13), no_bias=False),
            **image,
        ),
        "dense": case(s.FullyConnected(x, num_hidden=5), **image),
        "dense_no_bias": case(s.FullyConnected(x, num_hidden=5, no_bias=True), **row),
        "dense_unflattened": case(s.FullyConnected(x, num_hidden=5, flatten=False), data=(2, 3, 4)),
        "dense_of_vector": case(s.FullyConnected(s.Reshape(x, shape=(-1,)), num_hidden=5), **row),
        "batch_norm_defaults": case(s.BatchNorm(x), **image),
        "batch_norm_gamma": case(s.BatchNorm(x, fix_gamma=False, eps=2e-5), **image),
        "batch_norm_last_axis": case(s.BatchNorm(x, fix_gamma=False, axis=-1), **image),
        "batch_norm_rows": case(s.BatchNorm(x, fix_gamma=False, use_global_stats=True), **row),
        "instance_norm": case(s.InstanceNorm(x, s.var("in_gamma"), s.var("in_beta")), **image),
        "layer_norm": case(s.LayerNorm(x), **image),
        "l2_instance": case(s.L2Normalization(x), **image),
        "l2_channel": case(s.L2Normalization(x, mode="channel", eps=0.1), **image),
        "l2_spatial": case(s.L2Normalization(x, mode="spatial"), **image),
        "lrn": case(s.LRN(x, nsize=3, alpha=0.2, beta=0.6, knorm=1.5), **image),
        "embedding": case(s.Embedding(s.clip(s.floor(x * 3 + 4), a_min=0, a_max=7), input_dim=8, output_dim=3), **row),
        "dot": case(s.dot(x, x, transpose_b=True), **row),
        "batch_dot": case(s.batch_dot(x, x, transpose_a=True), data=(2, 3, 4)),
        "softmax_output": case(s.SoftmaxOutput(x), **row),
        "softmax_output_image": case(s.SoftmaxOutput(x), **image),
        "softmax_output_multi": case(s.SoftmaxOutput(x, multi_output=True), **image),
        "softmax_output_preserve": case(s.SoftmaxOutput(x, preserve_shape=True), **image),
        "softmax": case(s.softmax(x), **image),
        "softmax_axis": case(s.softmax(x, axis=1, temperature=3.0), **image),
        "log_softmax": case(s.log_softmax(x, axis=1), **image),
        "softmin": case(s.softmin(x, axis=1), **image),
        "softmax_activation": case(s.SoftmaxActivation(x), **image),
        "softmax_activation_channel": case(s.SoftmaxActivation(x, mode="channel"), **image),
        "linear_regression": case(s.LinearRegressionOutput(x), **row),
        "logistic_regression": case(s.LogisticRegressionOutput(x), **row),
        "make_loss": case(s.MakeLoss(s.square(x)), **row),
        "block_grad": case(s.BlockGrad(s.identity(x)) + 1, **row),
        "dropout": case(s.Dropout(x, p=0.4) * 2, **row),
        "add_n": case(s.add_n(x, x * 2, x * x), **row),
        "arithmetic": case((x + x * x) / (2 + s.abs(x)) - x, **row),
        "scalars": case(3 - (2 / (s.abs(x) + 1)) * 0.5 + (x - 1) ** 2 + 2**x, **row),
        "scalar_bounds": case(s.maximum(s.minimum(x, 0.5), -0.25), **row),
        "broadcast": case(
            s.broadcast_div(
                s.broadcast_add(x, s.mean(x, axis=(2, 3), keepdims=True)),
                s.broadcast_maximum(s.abs(x), s.sum(x, axis=1, keepdims=True)) + 1,
            ),
            **image,
        ),
        "broadcast_weight": case(s.broadcast_mul(x, s.var("scale", shape=(1, 6, 1, 1))), **image),
        "powers": case(s.broadcast_power(s.abs(x) + 0.1, s.sigmoid(x)), **row),
        "units": case(s.exp(x) + s.log(s.abs(x) + 1) + s.sqrt(s.abs(x)) - s.negative(x) + s.erf(x), **row),
        "more_units": case(s.rsqrt(s.abs(x) + 1) + s.reciprocal(s.abs(x) + 1) + s.floor(x) + s.ceil(x), **row),
        "softsigns": case(s.softsign(x) + s.tanh(x) + s.relu(x) + s.hard_sigmoid(x), **row),
        "clip": case(s.clip(x, a_min=-0.5, a_max=0.75), **row),
        "reshape_codes": case(s.Reshape(x, shape=(0, -4, 2, -1, -3)), **image),
        "reshape_rest": case(s.Reshape(x, shape=(-3, -2)), **image),
        "reshape_reverse": case(s.Reshape(x, shape=(-1, 0, 0), reverse=True), **image),
        "reshape_reverse_split": case(s.Reshape(x, shape=(0, -1, 2, -4, 0, 0), reverse=True), data=(2, 6, 5, 3)),
        "flatten": case(s.Flatten(x), **image),
        "transpose": case(s.transpose(x, axes=(0, 2, 3, 1)), **image),
        "transpose_default": case(s.transpose(x), **image),
        "swap_axes": case(s.SwapAxis(x, dim1=1, dim2=3), **image),
        "expand_squeeze": case(s.squeeze(s.expand_dims(x, axis=-1)), **row),
        "squeeze_axis": case(s.squeeze(s.mean(x, axis=2, keepdims=True), axis=2), **image),
        "concat": case(s.Concat(x, s.relu(x)), **image),
        "concat_dim": case(s.concat(x, s.relu(x), x, dim=3), **image),
        "slice_channel": case(s.Concat(*list(s.SliceChannel(x, num_outputs=3))[::-1]), **image),
        "slice_channel_squeeze": case(s.Group(list(s.split(x, num_outputs=2, axis=0, squeeze_axis=True))), **image),
        "slice_axis": case(s.slice_axis(x, axis=-1, begin=-4, end=None), **image),
        "slice": case(s.slice(x, begin=(None, 1, 8), end=(None, 5, 1), step=(None, 2, -3)), **image),
        "pad_constant": case(
            s.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 3, 0), constant_value=1.5), **image
        ),
        "pad_edge": case(s.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)), **image),
        "pad_reflect": case(s.pad(x, mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)), **image),
        "up_sampling": case(s.UpSampling(x, scale=2, sample_type="nearest"), **image),
        "up_sampling_bilinear": case(
            s.UpSampling(x, s.var("up_weight"), scale=3, sample_type="bilinear", num_filter=6, num_args=2), **image
        ),
        "cast": case(s.Cast(s.Cast(x * 3, dtype="int32"), dtype="float32"), **row),
        "reduce_all": case(s.mean(x), **image),
        "reduce_axes": case(s.sum(x, axis=(1, 3)), **image),
        "reduce_exclude": case(s.max(x, axis=1, exclude=True, keepdims=True), **image),
        "reduce_min_prod": case(s.min(x, axis=2) + s.prod(x, axis=-2), **image),
        "argmax": case(s.argmax(x, axis=1), **image),
        "argmin_keep": case(s.argmin(x, axis=3, keepdims=True), **image),
        "two_heads": case(s.Group([s.relu(x, name="a"), x * 2]), **row),
    }
    for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign"):
        cases["activation_" + kind] = case(s.Activation(x, act_type=kind), **row)
    for kind in ("leaky", "elu", "selu", "gelu", "prelu", "rrelu"):
        cases["leaky_relu_" + kind] = case(s.LeakyReLU(x, act_type=kind)[0], **image)
    for kind in ("max", "avg", "sum", "lp"):
        p = {"p_value": 2} if kind == "lp" else {}
        cases["pool_global_" + kind] = case(s.Pooling(x, global_pool=True, kernel=(1, 1), pool_type=kind, **p), **image)
        cases["pool_valid_" + kind] = case(
            s.Pooling(x, kernel=(3, 2), stride=(2, 2), pad=(1, 1), pool_type=kind, **p), **image
        )
    cases["pool_stride_one"] = case(s.Pooling(x, kernel=(2, 2), pool_type="avg"), **image)
    for kind in ("max", "avg"):
        for pad in (0, 1):
            pool = s.Pooling(x, kernel=(3, 3), stride=(2, 2), pad=(pad, pad), pool_type=kind, pooling_convention="full")
            cases[f"pool_full_{kind}_pad{pad}"] = case(pool, data=(2, 6, 10, 8))
    cases["pool_valid_exclude"] = case(
        s.Pooling(x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="avg", count_include_pad=False), **image
    )
    return cases


def random_arrays(symbol, shapes, rng):
    """Seeded arrays for every argument and auxiliary state of the symbol; variances are positive, labels zero."""
    arg_shapes, _, aux_shapes = symbol.infer_shape(**shapes)
    args, aux = {}, {}
    for into, names, found in (
        (args, symbol.list_arguments(), arg_shapes),
        (aux, symbol.list_auxiliary_states(), aux_shapes),
    ):
        for index, name in enumerate(names):
            array = rng.standard_normal(found[index]).astype(np.float32)
            array = np.zeros_like(array) if name.endswith("label") else array
            into[name] = np.abs(array) + 0.5 if name.endswith("var") else array
    return args, aux


def run(symbol, args, aux):
    """MXNet's outputs at inference."""
    executor = symbol.bind(
        mx.cpu(),
        {name: mx.nd.array(array) for name, array in args.items()},
        aux_states={name: mx.nd.array(array) for name, array in aux.items()},
        grad_req="null",
    )
    return [output.asnumpy() for output in executor.forward(is_train=False)]


def write_operators(path):
    """Every operator case in one .npz: `NAME/symbol`, `NAME/input/K`, `NAME/params/K`, `NAME/output/K`."""
    record = {}
    for index, (name, (symbol, shapes)) in enumerate(sorted(operator_cases().items())):
        args, aux = random_arrays(symbol, shapes, np.random.default_rng(SEED + index))
        try:
            outputs = run(symbol, args, aux)
        except mx.MXNetError as error:
            raise SystemExit(f"{name}: {error}") from error
        record[name + "/symbol"] = np.frombuffer(symbol.tojson().encode(), np.uint8)
        for key, array in {**args, **aux}.items():
            if not key.endswith("label"):
                record[name + ("/input/" if key in shapes else "/params/") + key] = array
        for key, array in enumerate(outputs):
            record[f"{name}/output/{key}"] = array
    np.savez_compressed(path, **record)


def write_models(folder, out):
    """The output of each checkpoint `model-symbol.json` + `model-0000.params` below `folder`, for a seeded input."""
    for name in sorted(os.listdir(folder)):
        prefix = os.path.join(folder, name, "model")
        if os.path.exists(prefix + "-symbol.json"):
            symbol, args, aux = mx.model.load_checkpoint(prefix, 0)
            shape = SHAPES[name]
            x = np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)
            arrays = {k: v.asnumpy() for k, v in args.items()}
            arrays["data"] = x
            for label in set(symbol.list_arguments()) - set(arrays):
                arrays[label] = np.zeros((shape[0],), np.float32)
            output = run(symbol, arrays, {k: v.asnumpy() for k, v in aux.items()})[0]
            np.savez_compressed(os.path.join(out, name + ".npz"), input_seed=SEED, shape=shape, output=output)
            print(name, output.shape)


SHAPES = {
    "squeezenet-v1.0": (1, 3, 227, 227),
    "mobilenet-v1-0.25-128": (1, 3, 128, 128),
    "resnet8-cifar10": (1, 3, 32, 32),
    "dscnn-kws": (1, 1, 49, 10),
    "autoencoder-ad": (1, 640),
}
ZOO = {
    "alexnet": 224,
    "densenet121": 224,
    "inceptionv3": 299,
    "mobilenet0.25": 224,
    "mobilenetv2_0.25": 224,
    "resnet18_v1": 64,
    "resnet18_v2": 64,
    "squeezenet1.1": 224,
    "vgg11": 64,
}


def write_zoo(out, names):
    """Networks of gluon's model zoo with random weights and statistics, exported, and their output."""
    from mxnet.gluon.model_zoo import vision

    for name in names or sorted(ZOO):
        mx.random.seed(SEED)
        np.random.seed(SEED)
        network = vision.get_model(name, classes=10)
        network.initialize(mx.init.Xavier(magnitude=2.0))
        network.hybridize()
        x = np.random.default_rng(SEED).standard_normal((1, 3, ZOO[name], ZOO[name])).astype(np.float32)
        network(mx.nd.array(x))
        rng = np.random.default_rng(SEED)
        for key, parameter in network.collect_params().items():
            if key.endswith(("gamma", "running_var")):
                parameter.set_data(mx.nd.array(rng.uniform(0.5, 1.5, parameter.shape)))
            elif key.endswith(("beta", "running_mean", "bias")):
                parameter.set_data(mx.nd.array(rng.normal(0, 0.1, parameter.shape)))
        output = network(mx.nd.array(x)).asnumpy()
        network.export(os.path.join(out, name), epoch=0)
        np.savez_compressed(os.path.join(out, name + ".npz"), input=x, output=output)
        print(name, output.shape)


def with_mxnet():
    """Run this script again in the venv `.mxnet`, which is made first."""
    python = ROOT / ".mxnet" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ROOT / ".mxnet")], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "mxnet==1.9.1", "numpy<1.24"], check=True)
    raise SystemExit(subprocess.run([str(python), *sys.argv]).returncode)


if __name__ == "__main__":
    if mx is None:
        with_mxnet()
    if sys.argv[1:2] == ["zoo"]:
        write_zoo(sys.argv[2], sys.argv[3:])
    else:
        FIXTURES.mkdir(parents=True, exist_ok=True)
        write_operators(str(FIXTURES / "operators.npz"))
        data = Path(os.environ.get("SLIM_TEST_DATA", ROOT.parent / "shared" / "data"))
        write_models(str(data / "models"), str(FIXTURES))
