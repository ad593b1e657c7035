"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from slim.devices import Budget
    from slim.inputs import Recipe, Samples


def add_model(parser: argparse.ArgumentParser, kinds: str = ".onnx or *-symbol.json") -> None:
    """MODEL and what is needed to read it."""
    parser.add_argument("model", metavar="MODEL", help=kinds)
    parser.add_argument("--params", metavar="FILE", help="MXNet parameters, where they are not beside the symbol file")
    parser.add_argument(
        "--shape", metavar="NAME=D,D,...", action="append", type=shape, default=[],
        help="an input's shape, where the file leaves dimensions open: data=1,3,224,224",
    )  # fmt: skip


def add_budget(parser: argparse.ArgumentParser) -> None:
    """Limits that override the device's own."""
    group = parser.add_argument_group("budget", "what the device's profile says, where not given")
    group.add_argument("--max-latency", metavar="TIME", help="such as 100ms")
    group.add_argument("--max-flash", metavar="SIZE", help="such as 5MiB (1024-based) or 5MB (1000-based)")
    group.add_argument("--max-ram", metavar="SIZE", help="such as 32MiB")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device and --threads."""
    parser.add_argument("--device", metavar="D", required=True, help="a name from `slim devices`, or your own .toml")
    parser.add_argument("--threads", metavar="N", type=count, help="threads on the device (default: its fast cores)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data and --recipe: what calibration runs on."""
    parser.add_argument("--data", metavar="DIR", required=True, help="calibration samples: .npy, .npz or image files")
    parser.add_argument("--recipe", metavar="R", help="how images become inputs: a name or your own .toml")


def add_lowering(parser: argparse.ArgumentParser, size: str = "trade no memory for speed") -> None:
    """--optimize, of which `size` says what it does, --weights and --arithmetic: how a model becomes a program."""
    parser.add_argument(
        "--optimize",
        choices=("speed", "size"),
        default="speed",
        help=f"size: {size} (default: speed)",
    )
    parser.add_argument(
        "--weights",
        choices=("fp32", "fp16", "bf16"),
        default="fp32",
        help="store float weights in 16 bits: half the bytes (default: fp32)",
    )
    parser.add_argument(
        "--arithmetic",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16: round the inputs of float layers for processors with AVX512_BF16 (default: fp32)",
    )


def lowering_of(arguments: argparse.Namespace) -> dict[str, str]:
    """What `add_lowering` asked for, by the names that `slim.Session` and `slim.build` have for it."""
    return {name: getattr(arguments, name) for name in ("optimize", "weights", "arithmetic")}


def add_output(parser: argparse.ArgumentParser) -> None:
    """-o for a model."""
    parser.add_argument("-o", "--output", metavar="FILE", required=True, type=Path, help="the ONNX model to write")


def shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`data=1,3,224,224` as a name and its dimensions."""
    name, equals, dims = text.rpartition("=")
    parts = [part.strip() for part in dims.replace("x", ",").split(",")]
    if not name or not equals or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a shape; write NAME=1,3,224,224")
    return name, tuple(int(part) for part in parts)


def count(text: str) -> int:
    """A whole number above zero."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def load_model(arguments: argparse.Namespace) -> ir.Model:
    """The model of MODEL, --params and --shape."""
    from slim import api

    return api.load(arguments.model, params=arguments.params, shapes=dict(arguments.shape))


def program_or_model(arguments: argparse.Namespace) -> ir.Model | str:
    """The path of a `.slim` program, which has its shapes and weights; otherwise as `load_model`."""
    if not arguments.model.endswith(".slim"):
        return load_model(arguments)
    if arguments.params or arguments.shape:
        from slim.errors import Problem, SlimError

        do = "leave --params and --shape out"
        raise SlimError(Problem("a program has its weights and shapes", arguments.model, do))
    return str(arguments.model)


def budget_of(arguments: argparse.Namespace) -> Budget:
    """The limits that were given."""
    from slim.devices import Budget

    return Budget.parse(arguments.max_latency, arguments.max_flash, arguments.max_ram)


def recipe_of(arguments: argparse.Namespace) -> Recipe | None:
    """The recipe that was given."""
    from slim.inputs import load_recipe

    return load_recipe(arguments.recipe) if arguments.recipe else None


def samples_of(arguments: argparse.Namespace, model: ir.Model) -> Samples:
    """The samples of --data and --recipe, in the shapes of the model's inputs."""
    from slim import api

    return api.samples_for(model, arguments.data, recipe_of(arguments))
