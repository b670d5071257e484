"""Whole libraries imported, and held against the models: `python -m tests.torch.importing.survey timm --sample 40`.

Each model is built on the meta device, read as a network, and its params, MACs and shapes compared with PyTorch's own.
With `--outputs` it is built on the CPU too, at a small input where it takes one, and its results are compared with
those of archlab's model of the same weights, all vectors and statistics of which are drawn at random. A line of JSON
for each model goes to `-o`, a summary to the terminal.

Of timm those models count as convolutional or hybrid that have a convolution whose windows overlap (a kernel wider than
its stride): that of a patch embedding alone does not.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from archlab.diagnostics.problem import ConfigError
from archlab.imports.targets import ImportOptions
from archlab.torch.importing.sources import Source, open_source
from tests.torch.importing.held import difference, held, numbers, randomise

ENCODERS = ("resnet34", "'tu-mobilenetv3_small_100'")
"""Of segmentation_models_pytorch."""
SMALL = (64, 128)
"""Sizes of inputs at which outputs are compared, where the model takes them."""


def main() -> None:
    """Survey a library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=("timm", "torchvision", "smp", "ultralytics"))
    parser.add_argument("names", nargs="*", help="models; by default all")
    parser.add_argument("--sample", type=int, help="how many at most, spread over the library's families")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="0/1", help="of several processes, as 0/2 and 1/2")
    parser.add_argument("--only-import", action="store_true", help="compare nothing but what is imported at all")
    parser.add_argument("--outputs", type=int, default=0, help="compare outputs of models of so many params at most")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--summary", type=Path, nargs="+", help="of files that are there already")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if options.summary:
        summarize([json.loads(line) for path in options.summary for line in path.read_text().splitlines()])
        return
    number, parts = map(int, options.part.split("/"))
    chosen = options.names or names(options.library, options.sample, options.seed)
    done = []
    for name in chosen[number::parts]:
        start = time.perf_counter()
        found = surveyed(options.library, name, options.outputs, numbers_too=not options.only_import)
        done.append({"name": name, **found, "seconds": round(time.perf_counter() - start, 2)})
        if options.output:
            with options.output.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
    summarize(done)


def names(library: str, sample: int | None, seed: int) -> list[str]:
    """Models of a library, one family after another, so that the first of them are spread over it."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    turns = []
    for family in families(library).values():
        turns += list(enumerate(drawn.sample(family, len(family))))
    turns.sort(key=lambda turn: turn[0])
    return [name for _, name in turns][:sample]


def families(library: str) -> dict[str, list[str]]:
    """Names of models by the module that defines them."""
    if library == "timm":
        import timm

        return {module: timm.list_models(module=module) for module in timm.list_modules()}
    if library == "smp":
        import segmentation_models_pytorch as smp

        made = {name: one for name, one in vars(smp).items() if isinstance(one, type) and issubclass(one, nn.Module)}
        return {name: [f"{name}(encoder_name={encoder})" for encoder in ENCODERS] for name in made}
    if library == "ultralytics":
        import ultralytics

        folder = Path(ultralytics.__file__).parent / "cfg" / "models"
        return {path.stem: [path.stem] for path in sorted(folder.rglob("*.yaml"))}
    import torchvision

    found: dict[str, list[str]] = {}
    for name in torchvision.models.list_models():
        found.setdefault(torchvision.models.get_model_builder(name).__module__, []).append(name)
    return found


def surveyed(library: str, name: str, most: int, *, numbers_too: bool) -> dict[str, Any]:
    """What there is to say of a model.

    Args:
        library: which.
        name: of the model.
        most: params of models whose outputs are compared.
        numbers_too: whether params, MACs and shapes are.
    """
    try:
        source, model = made_of(library, name)
        shape = source.inputs(model, ImportOptions())
    except Exception as error:  # noqa: BLE001 - that is what is asked
        return {"status": "not made", "error": text(error)}
    if library == "timm" and not is_convolutional(model):
        return {"status": "no convolutions"}
    try:
        start = time.perf_counter()
        one = held(model, shape, remake=lambda: source.made("cpu"))
        found: dict[str, Any] = {"import": round(time.perf_counter() - start, 3), "items": len(one.flat.items)}
        found["status"] = "opaque" if one.opaque else "wholly"
        found["opaque"] = [text for text in one.flat.remarks if text.startswith("opaque: ")]
        found["opaque_types"] = dict(Counter(item.type for item in one.flat.items if "." in item.type))
        found["remarks"] = [text for text in one.flat.remarks if not text.startswith("opaque: ")]
    except Exception as error:  # noqa: BLE001 - that is what is asked
        return {"status": "not", "error": text(error), "runs": runs(model, shape)}
    if not numbers_too:
        return found
    try:
        found["wrong"] = {name: pair for name, pair in numbers(one).items() if pair[0] != pair[1]}
    except Exception as error:  # noqa: BLE001 - that is what is asked
        found["wrong"] = {"numbers": text(error)}
    params = sum(one.numel() for one in model.parameters())
    if params <= most and not one.opaque:
        try:
            found |= outputs(library, name, next(iter(shape.values())))
        except Exception as error:  # noqa: BLE001 - that is what is asked
            found["outputs"] = text(error)
    return found


def made_of(library: str, name: str) -> tuple[Source, nn.Module]:
    """A model and where it is from; of detectors their maps before decoding."""
    try:
        source = open_source(f"{library}:{name}", ImportOptions(until="raw" if library == "ultralytics" else None))
        return source, source.made("meta")
    except ConfigError as error:
        if "--until raw" not in str(error) and "has no head" not in str(error):
            raise
        source = open_source(f"{library}:{name}", ImportOptions(until="raw"))
        return source, source.made("meta")


def outputs(library: str, name: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """How far results are from one another, at the smallest size that the model takes."""
    with quick():
        model = open_source(f"{library}:{name}", ImportOptions()).made("cpu")
    model.eval()
    randomise(model)
    errors = []
    for size in (*SMALL, shape[-1]):
        small = (*shape[:-2], min(size, shape[-2]), min(size, shape[-1]))
        try:
            one = held(model, small)
        except Exception as error:  # noqa: BLE001 - too small for it
            errors.append(text(error))
            continue
        if not one.opaque:
            return {"outputs": difference(one), "size": small}
        errors.append(str(one.flat.remarks[0]))
    return {"outputs": "; ".join(errors)}


@contextmanager
def quick() -> Iterator[None]:
    """Normal values for all weights, which is quicker than the distributions of libraries."""

    def normal(tensor: Tensor, *_args: Any, **_named: Any) -> Tensor:
        with torch.no_grad():
            return tensor.normal_(0, 0.5 / max(1, tensor[0].numel() if tensor.dim() > 1 else 1) ** 0.5)

    with ExitStack() as stack:
        for word in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "trunc_normal_"):
            stack.enter_context(mock.patch.object(nn.init, word, normal))
        yield


def runs(model: nn.Module, shape: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a model runs at all."""
    try:
        model.eval()(*[torch.zeros(2, *one, device="meta") for one in shape.values()])
    except Exception:  # noqa: BLE001 - that is what is asked
        return False
    return True


def is_convolutional(model: nn.Module) -> bool:
    """Whether some convolution's windows overlap."""
    for module in model.modules():
        kernel, stride = getattr(module, "kernel_size", None), getattr(module, "stride", 1)
        weight = getattr(module, "weight", None)
        if kernel is None or not isinstance(weight, Tensor) or weight.dim() < 3:
            continue
        kernels = kernel if isinstance(kernel, tuple) else (kernel,)
        strides = stride if isinstance(stride, tuple) else (stride,) * len(kernels)
        if any(wide > step for wide, step in zip(kernels, strides, strict=False)):
            return True
    return False


def summarize(done: list[dict[str, Any]]) -> None:
    """Print counts, and all that is not as it should be."""
    counts = Counter(one["status"] for one in done)
    print(dict(counts), f"{sum(one['seconds'] for one in done):.0f} s")
    for one in done:
        if one["status"] in ("not", "not made"):
            print(f"  {one['name']}: {one['status']}: {one['error'][:300]} (runs: {one.get('runs')})")
        if one.get("wrong"):
            print(f"  WRONG {one['name']}: {json.dumps(one['wrong'])[:400]}")
    compared = [one for one in done if "outputs" in one]
    equal = [one for one in compared if one["outputs"] == 0]
    print(f"outputs: {len(compared)} compared, {len(equal)} equal in all bits")
    for one in compared:
        if one["outputs"] != 0:
            print(f"  outputs of {one['name']}: {str(one['outputs'])[:300]}")
    reasons: Counter[str] = Counter()
    models: dict[str, list[str]] = {}
    for one in done:
        for reason in {line.split(": ", 2)[2] for line in one.get("opaque", [])}:
            reasons[reason] += 1
            models.setdefault(reason, []).append(one["name"])
    for reason, count in reasons.most_common(60):
        print(f"{count:5} {reason[:230]} ({', '.join(models[reason][:3])})")


def text(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:600]


if __name__ == "__main__":
    main()
