"""The built model beside torchvision's own: time of a forward pass on a CPU, and live storages at its peak."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from archlab.api.load import load
from benchmarks.clock import time_calls
from benchmarks.section import Section
from benchmarks.table import count, milliseconds, ratio

MODELS = ("resnet50", "mobilenet_v2", "densenet121", "efficientnet_b0", "convnext_tiny", "googlenet")
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": {"aux_logits": False, "init_weights": False}}
BATCH = 4


def measure(runs: int, models: tuple[str, ...], progress: Callable[[str], None]) -> Section:
    """Time both in turn, with the same weights, and count both."""
    title = f"Built models beside torchvision's, eval mode, batch {BATCH}, interleaved rounds: {runs}"
    section = Section("built", title, ["ms", "min", "median", "max", "x torchvision", "peak bytes"])
    section.remarks = ["Peaks: live storages, params and input among them."]
    torch = import_module("torch")
    build, storages = import_module("archlab.torch.build"), import_module("archlab.torch.storages")
    torchvision = import_module("torchvision")
    for name in models:
        progress(f"built: {name}")
        theirs = torchvision.models.get_model(name, weights=None, **OPTIONS.get(name, {})).eval()
        ours = build.build(load(name), weights=theirs.state_dict()).eval()
        sample = torch.randn(BATCH, 3, 224, 224)
        calls = {"archlab": partial(_forward, ours, sample), "torchvision": partial(_forward, theirs, sample)}
        timings = time_calls(calls, runs)
        for who, model in (("archlab", ours), ("torchvision", theirs)):
            timing = timings[who]
            peak = storages.count_model(model, sample).peak
            times = [milliseconds(value) for value in (timing.best, timing.median, timing.worst)]
            section.rows.append([f"{name}, {who}", *times, ratio(timing, timings["torchvision"]), count(peak)])
            section.records.append({"model": name, "by": who, "seconds": timing.to_dict(), "peak": peak})
    return section


def _forward(model: Any, sample: Any) -> None:
    with import_module("torch").no_grad():
        model(sample)
