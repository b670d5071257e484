"""Networks of timm in archlab's language, beside timm's own: `python -m tests.zoo.timm_table [NAME...]`.

A row for each: lines of its config, params and MACs at its input's size, and the largest difference of logits with
timm's tensors, initialised at random, for a small image. Presets, and configs in the folder `timm`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.api.load import load
from archlab.api.network import Network
from archlab.config.tree.targets import open_target
from archlab.torch.build import build

FOLDER = Path(__file__).parent / "timm"
SMALL = (3, 64, 64)
"""An input at which logits are compared."""


class Figures(NamedTuple):
    params: int
    macs: int


TIMM: dict[str, Figures] = {
    "resnetblur50": Figures(25_557_032, 5_133_020_672),
    "ecaresnet26t": Figures(16_011_916, 3_330_405_888),
    "skresnet50": Figures(25_803_160, 4_089_422_336),
    "resnetv2_50x1_bit": Figures(25_549_352, 4_089_184_256),
    "poolformer_s12": Figures(11_915_176, 1_812_267_008),
    "fastvit_t8": Figures(4_026_232, 690_149_376),
    "tresnet_m": Figures(31_389_032, 5_736_545_792),
    "resnest14d": Figures(10_611_688, 2_749_405_184),
    "resnest26d": Figures(17_069_448, 3_623_391_232),
    "resnest50d": Figures(27_483_240, 5_371_160_576),
    "resnest50d_4s2x40d": Figures(30_417_592, 4_369_060_736),
    "resnest50d_1s4x24d": Figures(25_677_000, 4_399_827_456),
    "resnest101e": Figures(48_275_016, 13_321_472_000),
    "resnest200e": Figures(70_201_544, 35_519_694_848),
    "resnest269e": Figures(110_929_480, 77_348_702_208),
    "dm_nfnet_f0": Figures(71_489_284, 6_977_003_520),
    "dm_nfnet_f1": Figures(132_634_256, 17_437_921_280),
    "dm_nfnet_f2": Figures(193_779_228, 33_139_318_784),
    "dm_nfnet_f3": Figures(254_924_200, 67_944_292_352),
    "dm_nfnet_f4": Figures(316_069_172, 121_122_250_752),
    "dm_nfnet_f5": Figures(377_214_144, 169_498_382_336),
    "dm_nfnet_f6": Figures(438_359_116, 228_292_861_952),
    "nfnet_f0": Figures(71_489_272, 6_977_003_520),
    "nfnet_l0": Figures(35_074_488, 4_255_094_784),
    "eca_nfnet_l0": Figures(24_143_924, 4_244_258_560),
    "eca_nfnet_l1": Figures(41_407_728, 9_428_610_560),
    "eca_nfnet_l2": Figures(56_722_348, 20_682_773_760),
    "convnextv2_atto": Figures(3_708_400, 547_332_480),
    "convnextv2_femto": Figures(5_233_240, 779_629_824),
    "convnextv2_pico": Figures(9_066_280, 1_367_055_360),
    "convnextv2_nano": Figures(15_623_800, 2_445_528_320),
    "convnextv2_tiny": Figures(28_635_496, 4_455_531_264),
    "convnextv2_base": Figures(88_717_800, 15_354_729_472),
    "convnextv2_large": Figures(197_956_840, 34_361_433_600),
    "convnextv2_huge": Figures(660_289_640, 114_922_100_480),
    "coatnet_0_rw_224": Figures(27_435_562, 4_406_300_928),
    "mobilevit_xxs": Figures(1_272_024, 407_364_096),
    "mobilevit_xs": Figures(2_317_848, 1_025_911_808),
    "mobilevit_s": Figures(5_578_632, 2_000_831_488),
    "caformer_s18": Figures(26_341_656, 4_106_941_440),
    "dla34": Figures(15_742_104, 3_060_043_776),
    "inception_next_tiny": Figures(28_055_680, 4_188_634_272),
    "resnetv2_50d_evos": Figures(25_591_368, 4_328_824_832),
    "starnet_s1": Figures(2_869_168, 421_877_376),
}
"""Params, and MACs by FlopCounterMode, of timm 1.0.31's own models, at the size of the config's input."""


OF_ONE_SIZE = ("coatnet_0_rw_224",)
"""Networks that learn a value for each relative position."""


def target(name: str) -> str:
    """What archlab loads under timm's name: a config in the folder, or a preset."""
    path = FOLDER / f"{name}.yaml"
    return str(path) if path.exists() else name


def counted(timm: ModuleType, name: str, shape: tuple[int, ...]) -> Figures:
    """Of timm's model, by torch."""
    with torch.device("meta"):
        model: nn.Module = timm.create_model(name).eval()
        image = torch.empty(1, *shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return Figures(sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2)


def random_model(timm: ModuleType, name: str) -> nn.Module:
    """timm's in eval mode, with random values in all of its tensors, also those that begin with zeros or ones."""
    torch.manual_seed(0)
    model: nn.Module = timm.create_model(name).eval()
    for key, tensor in model.state_dict().items():
        if tensor.numel() > max(tensor.shape, default=1):
            bound = (6 / tensor[0].numel()) ** 0.5
            tensor.uniform_(-bound, bound)
        elif tensor.is_floating_point():
            tensor.uniform_(-0.2, 0.2) if key.endswith(("mean", "bias")) else tensor.uniform_(0.5, 1.5)
    return model


def logits(timm: ModuleType, name: str) -> tuple[Tensor, Tensor]:
    """timm's and archlab's, with timm's tensors, of two images: small ones where no tensor depends on their size."""
    model = random_model(timm, name)
    network = load(target(name)) if name in OF_ONE_SIZE else load(target(name), input=SMALL)
    ours = build(network, weights=model.state_dict()).eval()
    sample = torch.randn(2, *network.graph.input_shape)
    with torch.no_grad():
        return model(sample), ours(sample)


def lines(name: str) -> int:
    """Of its config, with all of its variants, without those of what it extends."""
    return len(open_target(target(name))[0].source.text.splitlines())


def row(timm: ModuleType, name: str, network: Network) -> str:
    """One network's."""
    total = network.analyze().total
    theirs = counted(timm, name, network.graph.input_shape)
    figures = "equal" if (total.params, total.macs) == theirs else f"{theirs.params:,} and {theirs.macs:,} in timm"
    expected, found = logits(timm, name)
    difference, largest = float((expected - found).abs().max()), float(expected.abs().max())
    return (
        f"{name}: {lines(name)} lines, params {total.params:,} MACs {total.macs:,} {figures}; "
        f"logits differ by {difference:.2g} of {largest:.3g}"
    )


def main(arguments: list[str]) -> int:
    """A line for each network."""
    import timm

    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m tests.zoo.timm_table", description="Networks beside timm's.")
    parser.add_argument("names", nargs="*", default=list(TIMM))
    for name in parser.parse_args(arguments).names:
        print(row(timm, name, load(target(name))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
