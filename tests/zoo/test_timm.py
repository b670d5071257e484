"""Networks of timm in archlab's language: equal to timm's in params, MACs and logits.

Without timm (it is no dependency), figures that were counted on timm's models stand in for it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archlab.api.load import load
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.config.tree.targets import open_target
from tests.chunks import check_each
from tests.references import FROM_TIMM
from tests.zoo.timm_table import FOLDER, TIMM, counted, logits, target

MOST_PARAMS = 75_000_000
"""Networks with more are compared in figures only, for time and memory."""


@pytest.fixture(scope="module")
def timm() -> Any:
    return pytest.importorskip("timm")


def test_every_config_is_compared() -> None:
    configs = [path.stem for path in FOLDER.glob("*.yaml")]
    variants = [name for family in FROM_TIMM for name in open_target(family)[0].variants]
    assert sorted(TIMM) == sorted([*configs, *variants])


@pytest.mark.parametrize("name", TIMM)
def test_figures_are_timms(name: str) -> None:
    total = load(target(name)).analyze().total
    assert (total.params, total.macs) == TIMM[name]


def test_expect_is_timms() -> None:
    check_each([*TIMM, *FROM_TIMM], check_expected)


def check_expected(name: str) -> None:
    document, variant, _ = open_target(target(name))
    expect = document.expect if variant is None else variant.expect
    assert expect is not None
    models = ("coatnet_0_rw_224", "convnextv2_tiny", "mobilevit_s", "dm_nfnet_f0", "resnest50d")
    defaults = dict(zip(FROM_TIMM, models, strict=True))
    figures = {key: node.value for key, node in expect.entries.items() if isinstance(node, Scalar)}
    assert figures == TIMM[defaults.get(name, name)]._asdict()


@pytest.mark.parametrize("name", TIMM)
def test_timm_counts_these_figures(timm: Any, name: str) -> None:
    assert counted(timm, name, load(target(name)).graph.input_shape) == TIMM[name]


@pytest.mark.filterwarnings("ignore:several orders fit")  # outputs are compared, which is what it says to do
@pytest.mark.parametrize("name", [name for name, figures in TIMM.items() if figures.params <= MOST_PARAMS])
def test_logits_are_timms(timm: Any, name: str) -> None:
    expected, found = logits(timm, name)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
