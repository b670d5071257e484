"""Inference memory: liveness on networks small enough to add up by hand, and published figures."""

from __future__ import annotations

from typing import Any

import pytest

from archlab.api.load import load, loads

MAP = 8 * 16 * 16 * 4
"""Bytes of an 8x16x16 map in float32."""


def peak(layers: str, **options: Any) -> tuple[int, str]:
    report = loads(f"input: [8, 16, 16]\nlayers:\n{layers}").analyze(**options)
    memory = report.total.memory
    return memory.inference_peak - memory.params - memory.buffers, memory.peak_layer


CONV = "{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, bias: false}"


def test_a_chain_holds_the_input_and_two_maps() -> None:
    assert peak(f"- {CONV}\n- {CONV}\n- {CONV}") == (3 * MAP, "conv2")


def test_in_place_views_and_dropout_take_nothing() -> None:
    free = ("{type: relu, inplace: true}", "{type: dropout}", "{type: identity}", "{type: flatten}")
    layers = "\n".join(f"- {layer}" for layer in (CONV, *free))
    assert peak(layers) == (2 * MAP, "conv")


def test_an_out_of_place_relu_takes_a_map() -> None:
    assert peak(f"- {CONV}\n- {{type: relu}}") == (3 * MAP, "relu")


def test_a_shortcut_stays_alive_over_its_body() -> None:
    layers = f"- {CONV}\n- type: residual\n  body:\n  - {CONV}\n  - {CONV}"
    # at the second body convolution: the input, the shortcut, the body's first map, its second
    assert peak(layers) == (4 * MAP, "conv3")


def test_an_output_is_kept_to_the_end() -> None:
    layers = [f"{{name: a, {CONV[1:]}", CONV, CONV, f"{{name: b, {CONV[1:]}"]
    text = f"input: [8, 16, 16]\nlayers: [{', '.join(layers)}]\noutputs: [a, b]"
    memory = loads(text).analyze().total.memory
    assert memory.inference_peak - memory.params == 4 * MAP


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float16", 2), ("bfloat16", 2), ("int8", 1)])
def test_dtype_and_batch_scale(dtype: str, size: int) -> None:
    report = loads(f"input: [8, 16, 16]\nlayers: [{CONV}, {{type: batch_norm2d}}]").analyze(batch=3, dtype=dtype)
    memory = report.total.memory
    assert memory.params == (8 * 8 * 9 + 16) * size
    assert memory.buffers == 16 * size + 8  # num_batches_tracked is int64 whatever the dtype
    assert memory.inference_peak == memory.params + memory.buffers + 3 * 3 * MAP // 4 * size


# Torchvision's models at batch 8: params, buffers, input and the activations alive at once, when every
# value is freed after its last use (measured figures published with the project's reference data).
PUBLISHED = [
    *(("resnet50", 8, 184_328_264), ("mobilenet_v2", 8, 96_043_584), ("vgg16", 8, 763_767_968)),
    *(("alexnet", 1, 246_339_744), ("resnet50", 1, 112_676_936), ("resnext50_32x4d", 1, 110_624_840)),
    ("mobilenet_v2", 1, 24_392_256),
]


@pytest.mark.parametrize(("name", "batch", "published"), PUBLISHED)
def test_published_liveness(name: str, batch: int, published: int) -> None:
    assert load(name).analyze(batch=batch).total.memory.inference_peak == published


def test_max_pooling_takes_room_for_its_positions() -> None:
    pool = "{type: max_pool2d, kernel_size: 2}"
    assert peak(f"- {CONV}\n- {CONV}\n- {pool}") == (3 * MAP, "conv2")
    # input + map + pooled map (a quarter) + as many int64
    assert peak(f"- {CONV}\n- {{type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}}") == (5 * MAP, "maxpool")
