"""Every network of the zoo that torchvision publishes, beside torchvision's own: `python -m tests.zoo_table [NAME...]`.

A row for each: figures at the size that torchvision names (integers), logits with torchvision's tensors, initialised
at random, at that size, and the receptive field against gradients with a smaller image. What the test suite leaves
out for time is here. `--onnx` writes and runs each as ONNX instead.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from torch import nn

from archlab.api.load import load
from archlab.api.network import Network
from archlab.torch.build import build
from archlab.torch.verify_field import verify_receptive_field
from tests.references import PUBLISHED_BY_TORCHVISION, REFERENCES, SEGMENTATION, truth

PROBED_SIZE = 128
MOST_PROBED_PARAMS = 70_000_000
NAMES = (*PUBLISHED_BY_TORCHVISION, *SEGMENTATION)


def figures(name: str, network: Network) -> str:
    """`equal`, or the first that is not."""
    started = time.perf_counter()
    total = network.analyze().total
    elapsed = (time.perf_counter() - started) * 1e3
    theirs = truth(name)
    for word in ("params", "macs", "activations"):
        ours, other = getattr(total, word), getattr(theirs, word)
        if ours != other:
            return f"{word} {ours:,} here, {other:,} there"
    return f"params {total.params:,} MACs {total.macs:,} activations {total.activations:,} equal ({elapsed:.0f} ms)"


def random_model(name: str) -> nn.Module:
    """The reference in eval mode, its tensors so that values neither vanish nor explode."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model: nn.Module = REFERENCES[name]()
    model = model.to_empty(device="cpu").eval()
    for key, tensor in model.state_dict().items():
        if tensor.dim() > 1:
            bound = (6 / tensor[0].numel()) ** 0.5
            tensor.uniform_(-bound, bound)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if key.endswith(("var", "weight")) else tensor.uniform_(-0.2, 0.2)
    return model


def logits(name: str, network: Network) -> str:
    """`equal`, or the largest difference."""
    model = random_model(name)
    ours = build(network, weights=model.state_dict()).eval()
    sample = torch.randn(1, *network.graph.input_shape)
    with torch.no_grad():
        expected, found = model(sample), ours(sample)
    if isinstance(expected, dict):
        expected, found = expected["out"], found["out"]
    if torch.equal(expected, found):
        return "logits equal"
    return f"logits differ by {(expected - found).abs().max():.3g} of {expected.abs().max():.3g}"


def probed(network: Network) -> str:
    """Of the receptive field."""
    if network.analyze().total.params > MOST_PROBED_PARAMS:
        return "field not probed (size)"
    started = time.perf_counter()
    report = verify_receptive_field(network)
    verdict = "equal" if report.ok else report.render()
    return f"field {verdict} ({report.units} units, {time.perf_counter() - started:.0f} s)"


def main(arguments: list[str]) -> int:
    """A line for each network."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m tests.zoo_table", description="The zoo beside torchvision.")
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--onnx", action="store_true")
    options = parser.parse_args(arguments)
    for name in options.names or NAMES:
        network = load(name)
        size = PROBED_SIZE if name != "inception_v3" else 160
        small = load(name, input=(3, size, size))
        if options.onnx:
            from tests.torch.test_onnx import differences

            with tempfile.TemporaryDirectory() as folder:
                print(f"{name}: ONNX {max(differences(small, Path(folder) / 'net.onnx')):.1e}", flush=True)
        else:
            print(f"{name}: {figures(name, network)}; {logits(name, network)}; {probed(small)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
