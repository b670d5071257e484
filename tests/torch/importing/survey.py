"""Whole libraries imported, and held against the models: `python -m tests.torch.importing.survey timm -o timm.jsonl`.

Each model is built on the meta device, read as a network, and its params, MACs and shapes compared with PyTorch's own;
`--recover` also writes it as a config, whose graph must be the flat one's. With `--outputs` it is built on the CPU too,
at a small input where it takes one, and its results are compared with those of archlab's model of the same weights, all
vectors and statistics of which are drawn at random. A line of JSON for each model goes to `-o`, a summary to the
terminal; models that are in that file already are not looked at again, so that a survey goes on after a break.

Each model has a process of its own, made from one that has imported its library already, and bounds on its time and
memory. It reports stage by stage: what was found before a bound was met is kept.

Of timm those models count as convolutional or hybrid that have a convolution whose windows overlap (a kernel wider than
its stride): that of a patch embedding alone does not.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from archlab.analysis.facts import collect_facts
from archlab.api.imported import import_target
from archlab.diagnostics.problem import ConfigError
from archlab.imports.targets import ImportOptions
from archlab.imports.text import comments, flat_config
from archlab.torch.importing.sources import Source, open_source
from tests.torch.importing.held import (
    Held,
    counted_macs,
    difference,
    held,
    numbers,
    randomise,
    used_params,
    wrong_shapes,
)

ENCODERS = ("resnet34", "'tu-mobilenetv3_small_100'")
"""Of segmentation_models_pytorch."""
SMALL = (64, 128)
"""Sizes of inputs at which outputs are compared, where the model takes them."""
GIB = 1 << 30
Found = dict[str, Any]


def main() -> None:
    """Survey a library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=("timm", "torchvision", "smp", "ultralytics"))
    parser.add_argument("names", nargs="*", help="models; by default all")
    parser.add_argument("--sample", type=int, help="how many at most, spread over the library's families")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="0/1", help="of several processes, as 0/2 and 1/2")
    parser.add_argument("--only-import", action="store_true", help="compare nothing but what is imported at all")
    parser.add_argument("--recover", action="store_true", help="also write configs, and count their lines")
    parser.add_argument("--outputs", type=int, default=0, help="compare outputs of models of so many params at most")
    parser.add_argument("--seconds", type=int, default=90, help="of a processor, for a model")
    parser.add_argument("--gib", type=float, default=8, help="of memory, for a model")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--summary", type=Path, nargs="+", help="of files that are there already")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if options.summary:
        summarize([one for path in options.summary for one in lines_of(path)])
        return
    number, parts = map(int, options.part.split("/"))
    chosen = options.names or names(options.library, options.sample, options.seed)
    done = lines_of(options.output) if options.output and options.output.exists() else []
    known = {one["name"] for one in done}
    warm(options.library)
    for name in [one for one in chosen[number::parts] if one not in known]:
        done.append({"name": name, **apart(options, name)})
        if options.output:
            with options.output.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
    summarize(done)


def warm(library: str) -> None:
    """Import here what each model's process would import anew."""
    families(library)
    numbers(held(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).to("meta"), (3, 8, 8)))
    gc.collect()
    gc.freeze()


def lines_of(path: Path) -> list[Found]:
    """What an earlier survey found."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def apart(options: argparse.Namespace, name: str) -> Found:
    """What a process of its own finds of a model; `ended` says which bound it met."""
    start = time.perf_counter()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (options.seconds, options.seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (int(options.gib * GIB),) * 2)
        with os.fdopen(write, "w") as file:
            for stage in surveyed(options, name):
                file.write(json.dumps(stage) + "\n")
                file.flush()
        os._exit(0)
    os.close(write)
    found: Found = {"status": "not read"}
    with os.fdopen(read) as file:
        for line in file:
            found |= json.loads(line)
    status = os.waitpid(child, 0)[1]
    if status:
        code = os.waitstatus_to_exitcode(status)
        found["ended"] = signal.Signals(-code).name if code < 0 else f"status {code}"
    return found | {"seconds": round(time.perf_counter() - start, 2)}


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


def surveyed(options: argparse.Namespace, name: str) -> Iterator[Found]:
    """What there is to say of a model, stage by stage."""
    library = options.library
    try:
        source, model = made_of(library, name)
        shape = source.inputs(model, ImportOptions())
    except Exception as error:  # noqa: BLE001 - that is what is asked
        yield {"status": "not made", "error": text(error)}
        return
    params = sum(one.numel() for one in model.parameters())
    yield {"params": params}
    if library == "timm" and not is_convolutional(model):
        yield {"status": "no convolutions"}
        return
    try:
        start = time.perf_counter()
        one = held(model, shape, remake=lambda: source.made("cpu"))
        found: Found = {"import": round(time.perf_counter() - start, 3), "items": len(one.flat.items)}
        found["status"] = "opaque" if one.opaque else "wholly"
        found["opaque"] = [text for text in one.flat.remarks if text.startswith("opaque: ")]
        found["opaque_types"] = dict(Counter(item.type for item in one.flat.items if "." in item.type))
        found["remarks"] = [text for text in one.flat.remarks if not text.startswith("opaque: ")]
    except Exception as error:  # noqa: BLE001 - that is what is asked
        yield {"status": "not", "error": text(error), "runs": runs(model, shape)}
        return
    yield found
    if options.only_import:
        return
    yield staged("wrong", lambda: wrong(one, params))
    if params <= options.outputs and not one.opaque:
        yield staged("outputs", lambda: outputs(library, name, shape))
    if options.recover:
        yield staged("recovered", lambda: recovered(library, name))


def wrong(one: Held, params: int) -> Found:
    """Where archlab's own figures are not the model's: as `numbers`, but quick, since nothing else is asked.

    Products of parameters alone are no sample's work: the model's MACs are those that a further sample adds then.
    """
    facts = collect_facts(one.network.graph)
    own, own_macs = sum(fact.params for fact in facts), sum(fact.macs for fact in facts)
    macs = counted_macs(one.model, one.inputs)
    if macs != own_macs:
        macs = counted_macs(one.model, one.inputs, batch=2) - macs
    pairs = {
        "params": (own, params if own == params else used_params(one)),
        "macs": (own_macs, macs),
        "shapes": (wrong_shapes(one), []),
    }
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def staged(key: str, work: Callable[[], Any]) -> Found:
    """What a stage finds; its error, where it has one."""
    try:
        return {key: work()}
    except Exception as error:  # noqa: BLE001 - that is what is asked
        return {key: {"error": text(error)}}


def recovered(library: str, name: str) -> Found:
    """A model as a config: its lines, without comments, beside those of a list; what could not be said in short."""
    until = "raw" if library == "ultralytics" or ".detection." in name else None
    found = import_target(f"{library}:{name}", ImportOptions(until=until))
    lines = [line for line in found.text.splitlines() if not line.startswith("#")]
    return {
        "lines": len(lines),
        "flat": len(flat_config(found.flat).text.splitlines()) - len(comments(found.flat)),
        "long": list(found.fallbacks),
        "graph": found.fingerprint[:12],
    }


def made_of(library: str, name: str, device: str = "meta") -> tuple[Source, nn.Module]:
    """A model and where it is from; of detectors their maps before decoding."""
    try:
        source = open_source(f"{library}:{name}", ImportOptions(until="raw" if library == "ultralytics" else None))
        return source, source.made(device)
    except ConfigError as error:
        if "--until raw" not in str(error) and "has no head" not in str(error):
            raise
        source = open_source(f"{library}:{name}", ImportOptions(until="raw"))
        return source, source.made(device)


def outputs(library: str, name: str, inputs: Mapping[str, tuple[int, ...]]) -> Found:
    """How far results are from one another, at the smallest size of the first input that the model takes."""
    with quick():
        _, model = made_of(library, name, "cpu")
    model.eval()
    randomise(model)
    errors, (first, shape) = [], next(iter(inputs.items()))
    for size in (*SMALL, shape[-1]):
        small = (*shape[:-2], min(size, shape[-2]), min(size, shape[-1]))
        try:
            one = held(model, {**inputs, first: small})
        except Exception as error:  # noqa: BLE001 - too small for it
            errors.append(text(error))
            continue
        if not one.opaque:
            return {"largest": difference(one), "size": small}
        errors.append(str(one.flat.remarks[0]))
    return {"error": "; ".join(errors)}


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


def summarize(done: list[Found]) -> None:
    """Print counts, and all that is not as it should be."""
    counts = Counter(one["status"] for one in done)
    print(dict(counts), f"{sum(one['seconds'] for one in done):.0f} s")
    for one in done:
        if one["status"] in ("not", "not made", "not read"):
            print(f"  {one['name']}: {one['status']}: {str(one.get('error'))[:300]} (runs: {one.get('runs')})")
        if one.get("ended"):
            print(f"  {one['name']}: ended by {one['ended']}, {one['status']}, {one.get('params', 0):,} params")
        if one.get("wrong"):
            print(f"  WRONG {one['name']}: {json.dumps(one['wrong'])[:400]}")
    print(f"params, MACs and shapes: {sum(one.get('wrong') == {} for one in done)} equal")
    of_outputs(done)
    of_configs(done)
    reasons: Counter[str] = Counter()
    models: dict[str, list[str]] = {}
    for one in done:
        for reason in {line.split(": ", 2)[2] for line in one.get("opaque", [])}:
            reasons[reason] += 1
            models.setdefault(reason, []).append(one["name"])
    for reason, count in reasons.most_common(60):
        print(f"{count:5} {reason[:230]} ({', '.join(models[reason][:3])})")


def of_outputs(done: list[Found]) -> None:
    """Which outputs are equal, and what the others differ by."""
    compared = [one for one in done if "outputs" in one]
    equal = [one for one in compared if one["outputs"].get("largest") == 0]
    print(f"outputs: {len(compared)} compared, {len(equal)} equal in all bits")
    for one in compared:
        if one["outputs"].get("largest") != 0:
            print(f"  outputs of {one['name']}: {str(one['outputs'])[:300]}")


def of_configs(done: list[Found]) -> None:
    """Lines of configs, and of the same networks as lists."""
    written = [one["recovered"] for one in done if "lines" in one.get("recovered", {})]
    if len(written) > 1:
        for key in ("lines", "flat"):
            several = [one[key] for one in written]
            print(f"{key}: median {median(several):g}, 90th percentile {quantiles(several, n=10)[-1]:g}")
        print(f"{sum(bool(one['long']) for one in written)} of {len(written)} not in short in some part")
    for one in done:
        if "error" in one.get("recovered", {}):
            print(f"  config of {one['name']}: {one['recovered']['error'][:300]}")


def text(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:600]


if __name__ == "__main__":
    main()
