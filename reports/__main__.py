"""Make the reports again: `python -m reports`, from the project's root."""

from __future__ import annotations

from pathlib import Path

from archlab.cli.main import main

REPORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mobile.html": (
        "Networks for phones",
        (
            *("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "shufflenet_v2_x1_0", "mnasnet1_0"),
            *("squeezenet1_1", "efficientnet_b0", "regnet_y_400mf"),
        ),
    ),
    "receptive_fields.html": (
        "Receptive fields of classifiers",
        ("alexnet", "vgg16", "googlenet", "resnet50", "resnext50_32x4d", "densenet121", "convnext_tiny", "xception"),
    ),
    "decoders.html": (
        "Dilated and transposed convolutions: context stacks and decoders",
        (
            *("dilated_context_gridding", "dilated_context_hybrid", "unet_transposed", "unet_transposed_k4"),
            *("unet_bilinear", "dcgan_generator", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large"),
        ),
    ),
    "zoo.md": ("", ()),
    "zoo.csv": ("", ()),
}
"""File name to title and targets; none means every preset."""


def make(name: str) -> int:
    """Make one report in `reports/` of the current folder; the command stands in its footer."""
    title, targets = REPORTS[name]
    titled = ("--title", title) if title else ()
    return main(["compare", *targets, "--device", "h100", *titled, "-o", str(Path("reports") / name)])


if __name__ == "__main__":
    raise SystemExit(max(map(make, REPORTS)))
