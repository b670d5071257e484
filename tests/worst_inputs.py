"""The worst legal configs that we could think of: `python -m tests.worst_inputs [NAME...] [--command WORD...]`.

Each is within the bounds of the language and made to cost as much as it can somewhere: in the walk, in sets of input
positions, in the folding, in the layout of a diagram. Every command is run on each, with its CPU seconds and its peak
memory; what takes more than it may is marked. `test_worst_inputs.py` runs small ones and counts steps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_SECONDS = 2.0
MOST_PAGE_SECONDS = 4.0
MOST_MEGABYTES = 500
GIVE_UP = 60
"""Seconds after which a run is ended."""


def flat(layers: int = 32_767) -> str:
    """As many layers as there may be, all at the top level."""
    return f"input: [8, 64, 64]\nlayers:\n  - {{type: relu, repeat: {layers}}}\n"


def units(layers: int = 32_760) -> str:
    """As many layers as there may be, in named units with shortcuts."""
    unit = "{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}"
    return f"""input: [8, 64, 64]
blocks:
  unit:
    layers:
      - {{type: residual, body: [{unit}, {unit}]}}
      - {{type: relu}}
layers:
  - {{name: trunk, use: unit, repeat: {layers // 8}}}
"""


def paths(count: int = 9_300) -> str:
    """Parallel paths of one layer each, summed."""
    path = "      - *p\n" * (count - 1)
    first = "      - &p {type: conv2d, out_channels: 8, kernel_size: 1}\n"
    return f"input: [8, 32, 32]\nlayers:\n  - type: branches\n    merge: add\n    paths:\n{first}{path}"


def concatenated_paths(count: int = 4_360) -> str:
    """Parallel paths of two layers each, concatenated, every one of another reach."""
    conv = "type: conv2d, out_channels: 1, kernel_size: 3, padding: auto"
    lines = [f"- [{{{conv}, dilation: {i % 97 + 1}}}, {{type: relu}}]\n" for i in range(count)]
    return "input: [1, 200, 200]\nlayers:\n- type: branches\n  paths:\n  " + "  ".join(lines)


def nested(layers: int = 32_700, letters: int = 5) -> str:
    """Blocks in blocks with the longest names, so that each path is as long as it can be."""
    depth = 60
    word = "n" * letters
    blocks = [f"  b{depth}: {{layers: [{{type: relu, repeat: {layers}}}]}}\n"]
    blocks += [f"  b{i}: {{layers: [{{name: {word}{i:02}, use: b{i + 1}}}]}}\n" for i in range(1, depth)]
    return f"input: [1, 8, 8]\nblocks:\n{''.join(blocks)}layers:\n  - {{name: {word}, use: b1}}\n"


def unet(levels: int = 5_950) -> str:
    """Shortcuts that are all open at once: every value of the first half is added in the second."""
    down = [f"- {{name: d{i}, type: sigmoid}}\n" for i in range(levels)]
    up = [f"- {{type: add, with: [d{i}]}}\n" for i in range(levels - 2, -1, -1)]
    return "input: [4, 16, 16]\nlayers:\n" + "".join([*down, *up])


def dense(layers: int = 345) -> str:
    """Each layer reads all earlier ones: as many edges as fit."""
    lines = ["- {name: a0, type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}\n"]
    for i in range(1, layers):
        others = ",".join(f"a{j}" for j in range(i - 1))
        join = f"- {{type: add, with: [{others}]}}\n" if i > 1 else ""
        lines.append(f"{join}- {{name: a{i}, type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}}\n")
    return "input: [1, 64, 64]\nlayers:\n" + "".join(lines)


def repeated_joins(joins: int = 12, inputs: int = 5_000) -> str:
    """A block with thousands of inputs, repeated: many edges for few words."""
    names = [f"i{n}" for n in range(inputs)]
    made = "".join(f"  - {{name: {name}, from: stem, type: identity}}\n" for name in names)
    return f"""input: [1, 8, 8]
blocks:
  joined:
    inputs: [first, {", ".join(names)}]
    layers:
      - {{type: add, with: [{", ".join(names)}]}}
layers:
  - {{name: stem, type: conv2d, out_channels: 1, kernel_size: 1}}
{made}  - {{use: joined, from: stem, with: [{", ".join(names)}], repeat: {joins}}}
"""


def masks(count: int = 4_080) -> str:
    """Fields with holes, each of another set of up to 2^17 positions, all alive."""
    head = "- &p [{type: conv2d, out_channels: 1, kernel_size: [3, 1], padding: auto, dilation: 99, name: a}]\n"
    lines = [
        f"- {{type: conv2d, out_channels: 1, kernel_size: [7, 1], padding: auto, dilation: {20_000 - i}}}\n"
        for i in range(count)
    ]
    return "input: [1, 65536, 1]\nlayers:\n- type: branches\n  merge: add\n  paths:\n  " + "  ".join([head, *lines])


def kept_masks(count: int = 4_090) -> str:
    """A block that reads the first layer with another dilation each time, all of whose sets are kept."""
    conv = 'type: conv2d, out_channels: 1, kernel_size: [7, 1], padding: auto, dilation: "$(20000 - n)"'
    return f"""input: [1, 65536, 1]
blocks:
  more:
    inputs: [line, stem]
    params: {{n: 0}}
    layers:
      - {{from: stem, {conv}}}
      - {{type: add, with: [line]}}
layers:
  - {{name: stem, type: conv2d, out_channels: 1, kernel_size: [3, 1], padding: auto, dilation: 99}}
  - {{use: more, with: [stem], n: $index, repeat: {count}}}
"""


def chain_of_holes(layers: int = 5_900) -> str:
    """A chain of strided and dilated layers whose masks grow to the longest that is tracked."""
    lines = [
        f"  - {{type: conv2d, out_channels: 1, kernel_size: 2, padding: same, dilation: {3 + 2 * (i % 7)}}}\n"
        for i in range(layers)
    ]
    return "input: [1, 65536, 2]\nlayers:\n" + "".join(lines)


def upsampled(layers: int = 3_000) -> str:
    """Resizing again and again to sizes without common divisors."""
    sizes = [251, 257, 241, 263, 239, 269, 233, 271]
    lines = [
        f"  - {{type: interpolate, size: [{sizes[i % 8] + i % 5}, {sizes[(i + 3) % 8]}], mode: bilinear}}\n"
        for i in range(layers)
    ]
    return "input: [1, 255, 255]\nlayers:\n" + "".join(lines)


def adaptive(layers: int = 400) -> str:
    """Adaptive pools between sizes without common divisors."""
    lines = [f"  - {{type: adaptive_avg_pool2d, output_size: [{5_003 - 2 * i}, {5_002 - i}]}}\n" for i in range(layers)]
    return "input: [1, 5009, 5011]\nlayers:\n" + "".join(lines)


def transposed(layers: int = 34) -> str:
    """Transposed convolutions and odd windows in turn: periods that multiply."""
    lines = (
        "  - {type: conv_transpose2d, out_channels: 1, kernel_size: 7, stride: 3}\n"
        "  - {type: conv2d, out_channels: 1, kernel_size: 5, stride: 2}\n"
    )
    return "input: [1, 7, 7]\nlayers:\n" + lines * (layers // 2)


def speeds(joins: int = 200) -> str:
    """Joins of maps that move at different speeds, one behind the other."""
    return f"""input: [1, 1000, 1000]
blocks:
  odd:
    layers:
      - type: branches
        merge: add
        paths:
          - []
          - - {{type: conv2d, out_channels: 1, kernel_size: 3, stride: 2, padding: 1}}
            - {{type: interpolate, size: [$block_h, $block_h]}}
    params: {{block_h: 1000}}
layers:
  - {{type: max_pool2d, kernel_size: 2, stride: 1}}
  - {{use: odd, block_h: 999, repeat: {joins}}}
"""


def wide_kernels(layers: int = 60) -> str:
    """Windows as large as a map can be."""
    line = "  - {type: conv2d, out_channels: 1, kernel_size: [4095, 1], padding: [16376, 0], dilation: [8, 1]}\n"
    return "input: [1, 65536, 1]\nlayers:\n" + line * layers


def expressions(count: int = 2_150) -> str:
    """Long expressions, evaluated as often as may be."""
    text = " + ".join(["min(" + ", ".join(["width"] * 20) + ")"] * 6)
    return f"""input: [1, 8, 8]
params: {{width: 8}}
layers:
  - {{type: conv2d, out_channels: "$({text} + 0 * index)", kernel_size: 1, repeat: {count}}}
"""


def variants(count: int = 2_000, layers: int = 10_000) -> str:
    """Variants of the largest network."""
    names = "".join(f"  v{i}: {{n: {layers + i}}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nparams: {{n: 10}}\nvariants:\n{names}layers:\n  - {{type: relu, repeat: $n}}\n"


def aliases(count: int = 3) -> str:
    """One list of paths named again and again."""
    path = "[" + ", ".join(["{type: relu}"] * 6_000) + "]"
    rest = "".join("      - *a\n" for _ in range(count - 1))
    return f"input: [1, 8, 8]\nlayers:\n  - type: branches\n    merge: add\n    paths:\n      - &a {path}\n{rest}"


def long_line(count: int = 13_000) -> str:
    """A file of one line, with a mistake at its end."""
    items = ", ".join(["{type: relu, inplace: false}"] * count)
    return f"{{input: [1, 8, 8], layers: [{items}, {{type: rellu}}, {{type: relu, inplce: 1}}]}}"


def mistakes(count: int = 9_300) -> str:
    """A problem in every item of one long line."""
    items = ", ".join([f"{{type: conv2d, out_chanels{i}: 8, kernel_size: 3}}" for i in range(count)])
    return f"{{input: [1, 8, 8], layers: [{items}]}}"


def doubled_keys(count: int = 30_000) -> str:
    """Keys written twice, thousands of them."""
    return "input: [1, 8, 8]\nlayers:\n  - {type: relu}\n" + "".join(f"k{i % 20}: {i}\n" for i in range(count))


def unknown_names(count: int = 3_000) -> str:
    """Names that nothing has, beside hundreds that come close."""
    known = "".join(f"  {'p' * 50}{i}: {i}\n" for i in range(450))
    items = "".join(f"  - {{type: relu, {'q' * 900}{i}: ${'p' * 50}x{i}}}\n" for i in range(count // 4))
    return f"input: [1, 8, 8]\nparams:\n{known}layers:\n{items}"


def long_comments(count: int = 12_000) -> str:
    """A comment behind every line, and marks that look like one."""
    line = "  - {type: relu, inplace: false}   # " + "# " * 16 + "\n"
    return "input: [1, 8, 8]\nlayers:\n" + line * count


def comment_marks(count: int = 300_000) -> str:
    """One line of marks, all of them in a text."""
    return f"input: [1, 8, 8]\ndescription: ''\nlayers: [{{type: relu}}]  {'# ' * count}\n"


def commented_line(count: int = 65_000) -> str:
    """One line of texts with marks in them that look like comments."""
    words = ", ".join(["'a #b'"] * count)
    return f"input: [1, 8, 8]\nlayers: [{{type: relu}}]\ndescription: [{words}]\n"


def classes(count: int = 500) -> str:
    """Blocks that all differ: one class each as PyTorch source."""
    blocks = "".join(
        f"  b{i}: {{params: {{width: 4}}, layers: [{{type: conv2d, out_channels: $width, kernel_size: 3, padding: 1}}, "
        f"{{type: relu}}, {{type: conv2d, out_channels: {i + 1}, kernel_size: 1}}]}}\n"
        for i in range(count)
    )
    items = "".join(f"  - {{use: b{(7 * i) % count}, width: {i % 11 + 1}}}\n" for i in range(4 * count))
    return f"input: [3, 8, 8]\nblocks:\n{blocks}layers:\n{items}"


def outputs(count: int = 9_300) -> str:
    """Every layer is a result."""
    lines = "".join(f"  - {{name: r{i}, type: relu}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nlayers:\n{lines}outputs: [{', '.join(f'r{i}' for i in range(count))}]\n"


def exported_names(depth: int = 45) -> str:
    """Named items in named items: every name is visible at every level."""
    text = "{name: leaf, type: relu}"
    for i in range(depth):
        text = f"{{name: n{i}, type: residual, body: [{text}, {{name: m{i}, type: relu}}]}}"
    blocks = f"blocks:\n  deep: {{layers: [{text}]}}\n"
    return f"input: [1, 8, 8]\n{blocks}layers:\n  - {{name: top, use: deep, repeat: 22}}\n"


def gates(count: int = 5_000) -> str:
    """A chain of squeeze-excitations."""
    return f"input: [16, 32, 32]\nlayers:\n  - {{type: squeeze_excitation, squeeze_channels: 4, repeat: {count}}}\n"


def circular(layers: int = 32_760) -> str:
    """Each layer a dozen operators."""
    conv = "type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, padding_mode: circular"
    return f"input: [4, 64, 64]\nlayers:\n  - {{{conv}, repeat: {layers}}}\n"


def permuted(layers: int = 21_840) -> str:
    """Each layer three operators."""
    return f"input: [4, 64, 64]\nlayers:\n  - {{type: layer_norm2d, repeat: {layers}}}\n"


def different(layers: int = 4_090, alike: int = 28_670) -> str:
    """No two layers alike, and many that are."""
    conv = "type: conv2d, out_channels: $(index + 1), kernel_size: 1"
    return f"input: [1, 9, 9]\nlayers:\n  - {{{conv}, repeat: {layers}}}\n  - {{type: sigmoid, repeat: {alike}}}\n"


def deformable(layers: int = 10_900) -> str:
    """Layers of two inputs, of which one says where the other is read."""
    conv = "type: deform_conv2d, out_channels: 4, kernel_size: 3, padding: 1"
    return f"input: [4, 64, 64]\nlayers:\n  - {{{conv}, repeat: {layers}}}\n"


def large_field() -> str:
    """A unit that sees thousands of rows and columns."""
    conv = "type: conv2d, out_channels: 1, kernel_size: 4095, padding: 2047"
    return f"input: [1, 65536, 65536]\nlayers:\n  - {{{conv}, repeat: 3}}\n"


def far_holes() -> str:
    """A unit that sees nine positions, tens of thousands apart."""
    conv = "type: conv2d, out_channels: 1, kernel_size: 3, padding: 30000, dilation: 30000"
    return f"input: [1, 65536, 65536]\nlayers:\n  - {{{conv}}}\n"


def recursion(levels: int = 14) -> str:
    """A block that uses itself twice and makes nothing, behind a join that is tried with other inputs."""
    uses = "".join(f"      - {{use: twice, n: $(n - 1), m: $(2 * m + {i}), when: $(n > 1)}}\n" for i in range(2))
    return f"""input: [3, 33, 33]
blocks:
  twice:
    params: {{n: , m: 0}}
    layers:
{uses}layers:
  - {{type: conv2d, kernel_size: 3, stride: 2, out_channels: 3, padding: 1}}
  - {{type: upsample, scale_factor: 2}}
  - {{type: add, with: [input]}}
  - {{use: twice, n: {levels}, from: input}}
  - {{type: relu}}
"""


def hourglasses(levels: int = 6, each: int = 4) -> str:
    """Blocks in themselves, as many layers as fit, deep in one another."""
    return f"""input: [1, 64, 64]
blocks:
  twice:
    params: {{n: }}
    layers:
      - {{name: skip, type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}}
      - {{name: down, type: max_pool2d, kernel_size: 2}}
      - {{name: inner, use: twice, n: $(n - 1), when: $(n > 1), repeat: {each}}}
      - {{type: upsample, scale_factor: 2}}
      - {{type: add, with: [skip]}}
layers:
  - {{name: trunk, use: twice, n: {levels}}}
"""


def trees(levels: int = 11) -> str:
    """A block that uses itself twice, no two of which are alike: as many layers as fit."""
    uses = "".join(
        f"      - {{name: u{i}, use: tree, n: $(n - 1), d: $(2 * d + {i}), when: $(n > 1)}}\n" for i in range(2)
    )
    return f"""input: [4, 64, 64]
blocks:
  tree:
    params: {{n: , d: 1}}
    layers:
      - {{name: c, type: conv2d, out_channels: 4, kernel_size: 3, padding: auto, dilation: $(1 + d % 30)}}
      - {{name: l, type: relu, from: c}}
{uses}      - {{type: add, with: [l]}}
layers:
  - {{name: top, use: tree, n: {levels}}}
"""


def wildcards(maps: int = 250, joins: int = 250) -> str:
    """Names of all repetitions, read again and again by repeated layers."""
    return f"""input: [1, 32, 32]
blocks:
  unit:
    layers:
      - {{name: skip, type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}}
      - {{type: relu}}
layers:
  - {{name: y, use: unit, repeat: {maps}}}
  - type: branches
    merge: add
    paths:
      - {{name: p, repeat: {joins}, layers: [{{type: add, with: [y.*.skip]}}]}}
"""


def wildcard_outputs(maps: int = 13_000) -> str:
    """All repetitions are results."""
    return f"input: [1, 8, 8]\nlayers:\n  - {{name: y, type: sigmoid, repeat: {maps}}}\noutputs: [y.*]\n"


def repeated_paths(count: int = 10_900) -> str:
    """A path so many times beside itself, each with another dilation."""
    conv = "{type: conv2d, out_channels: 1, kernel_size: 3, padding: auto, dilation: $(index % 97 + 1)}"
    return f"""input: [1, 200, 200]
layers:
  - type: branches
    paths:
      - {{repeat: {count}, layers: [{conv}, {{type: relu}}]}}
"""


def shared(count: int = 1_370) -> str:
    """Each item the one before it once more."""
    conv = "type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu"
    lines = "".join(f"  - {{name: s{i + 1}, share: s{i}}}\n" for i in range(count))
    return f"input: [8, 32, 32]\nlayers:\n  - {{name: s0, {conv}}}\n{lines}"


def shared_blocks(times: int = 800, uses: int = 10) -> str:
    """A block of layers that are shared in it, called again and again on other maps."""
    conv = "type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d"
    return f"""input: [8, 64, 64]
blocks:
  inner:
    layers:
      - {{name: a, {conv}, repeat: {uses}, share: true}}
      - {{name: b, share: a.0, repeat: {uses}}}
layers:
  - {{name: top, use: inner}}
  - {{share: top, repeat: {times}}}
"""


def inputs(count: int = 15, deep: int = 2_150) -> str:
    """As many inputs as there may be, the receptive field of each of which is worked out, where many are joined."""
    names = "".join(f", i{i}: [1, 61, 61]" for i in range(count))
    conv = f"type: conv2d, out_channels: 1, kernel_size: 3, padding: 1, repeat: {deep}"
    lines = "".join(f"  - {{name: y{i}, from: i{i}, {conv}}}\n" for i in range(count))
    joined = ", ".join(f"y{i}" for i in range(count))
    last = f"  - {{from: x, type: add, with: [{joined}]}}\n  - {{type: interpolate, size: [17, 59]}}\n"
    return f"input: {{x: [1, 61, 61]{names}}}\nlayers:\n{lines}{last}"


def resized_inputs(count: int = 15, sizes: int = 500) -> str:
    """As many inputs as there may be, joined and then resized: the units of each input's field are told apart."""
    names = "".join(f", i{i}: [1, 255, 255]" for i in range(count))
    joined = ", ".join(f"i{i}" for i in range(count))
    lines = "".join(
        f"  - {{type: interpolate, size: [{239 + i * 37 % 31}, 255], mode: bilinear}}\n" for i in range(sizes)
    )
    return f"input: {{x: [1, 255, 255]{names}}}\nlayers:\n  - {{type: add, with: [{joined}]}}\n{lines}"


def long_line_resized(layers: int = 3_000) -> str:
    """Signals as long as they may be, resized again and again to sizes without common divisors."""
    lines = [
        f"  - {{type: interpolate, size: {262_144 - (i * 7919) % 131_072}, mode: linear}}\n" for i in range(layers)
    ]
    return "input: [1, 262144]\nlayers:\n" + "".join(lines)


def long_nearest(layers: int = 2_000) -> str:
    """Signals as long as they may be, enlarged to them and back again, where single precision rounds."""
    lines = "".join(
        f"  - {{type: interpolate, size: {262_143 - 2 * i}}}\n  - {{type: interpolate, size: 255, mode: linear}}\n"
        for i in range(layers)
    )
    return f"input: [1, 255]\nlayers:\n{lines}"


def long_behind_a_join(layers: int = 4_000) -> str:
    """Maps that move at different speeds, with thousands of long signals behind them."""
    lines = "".join(
        f"  - {{type: interpolate, size: {262_144 - (i * 7_919) % 131_072}, mode: linear}}\n" for i in range(layers)
    )
    return f"""input: [1, 999]
layers:
  - type: branches
    merge: add
    paths:
      - []
      - - {{type: conv1d, out_channels: 1, kernel_size: 3, stride: 2, padding: 1}}
        - {{type: upsample, size: 999, mode: linear}}
{lines}"""


def long_signal(layers: int = 10_900) -> str:
    """Signals as long as they may be, with dilations that grow and fall."""
    conv = "type: conv1d, out_channels: 2, kernel_size: 3, padding: auto, dilation: $(2 ** (index % 16))"
    return f"input: [2, 262144]\nlayers:\n  - {{{conv}, norm: batch_norm1d, activation: relu, repeat: {layers}}}\n"


def long_pooled(layers: int = 400) -> str:
    """Signals as long as they may be, pooled to sizes without common divisors."""
    lines = "".join(f"  - {{type: adaptive_avg_pool1d, output_size: {262_139 - 10 * i}}}\n" for i in range(layers))
    return f"input: [1, 262144]\nlayers:\n{lines}"


def volumes(layers: int = 8_100) -> str:
    """Three axes, each of its own kernel, in units with shortcuts."""
    unit = (
        "{type: conv3d, out_channels: 4, kernel_size: [1, 3, 5], padding: auto, norm: batch_norm3d, activation: relu}"
    )
    body = f"{{type: residual, body: [{unit}]}}"
    layers_of_it = f"layers:\n  - {{name: v, use: u, repeat: {layers}}}\n"
    return f"input: [4, 32, 48, 64]\nblocks:\n  u: {{layers: [{body}]}}\n{layers_of_it}"


def volumes_resized(layers: int = 3_000) -> str:
    """Three axes that are resized each by itself."""
    sizes = [251, 257, 241, 263, 239, 269, 233, 271]
    lines = [
        f"  - {{type: interpolate, size: [{sizes[i % 8]}, {sizes[(i + 3) % 8] + i % 5}, {sizes[(i + 5) % 8]}]}}\n"
        for i in range(layers)
    ]
    return "input: [1, 255, 255, 255]\nlayers:\n" + "".join(lines)


def tokens(count: int = 3_600) -> str:
    """A large map as tokens and back, again and again."""
    return f"""input: [4, 512, 512]
blocks:
  mixed:
    layers:
      - {{type: flatten, start_dim: 2}}
      - {{type: transpose, dim0: 1, dim1: 2}}
      - {{type: layer_norm}}
      - {{type: linear, out_features: 4}}
      - {{type: softmax, dim: -1}}
      - {{type: transpose, dim0: 1, dim1: 2}}
      - {{type: unflatten, dim: 2, unflattened_size: [512, 512]}}
      - {{type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}
layers:
  - {{use: mixed, repeat: {count}}}
"""


def tokens_pooled(count: int = 5_000) -> str:
    """Tokens of a large map, pooled over their axis and spread again."""
    block = "{name: m, type: mean, dim: 2, keepdim: true}, {type: multiply, with: [a]}"
    return f"""input: [2, 512, 512]
blocks:
  pooled: {{inputs: [a], layers: [{block}]}}
layers:
  - {{type: flatten, start_dim: 2}}
  - {{name: u, use: pooled, repeat: {count}}}
"""


def lists(count: int = 1_000) -> str:
    """Tables in params, looked up and summed in every repetition."""
    rows = "[" + ", ".join(["[1, 2, 3, 4]"] * 90) + "]"
    found = " + ".join(f"rows[(index + {i}) % 90][{i % 4}]" for i in range(30))
    total = "sum([max(rows[0]), min(rows[1]), sum(rows[2][0:3]), len(rows[3:80])])"
    return f"""input: [1, 8, 8]
params: {{rows: {rows}}}
layers:
  - {{type: conv2d, out_channels: "$({found} + {total})", kernel_size: 1, repeat: {count}}}
"""


def list_copies(count: int = 1_000) -> str:
    """Lists of lists, made and taken apart by the expressions of params."""
    params = "".join(f'  p{i + 1}: "$([p{i}, p{i}, p{i}][1])"\n' for i in range(400))
    first = ", ".join(["1"] * 100)
    return f"input: [1, 8, 8]\nparams:\n  p0: [{first}]\n{params}layers:\n  - {{type: relu, repeat: {count}}}\n"


def presets(count: int = 60) -> str:
    """Blocks that are presets' networks."""
    names = ["resnet152", "densenet201", "efficientnet_b7", "regnet_y_32gf", "convnext_large", "inception_v3"]
    blocks = "".join(f"  b{i}: {{extends: {name}}}\n" for i, name in enumerate(names))
    items = "".join(f"  - {{name: n{i}, use: b{i % len(names)}, from: input}}\n" for i in range(count))
    last = ", ".join(f"n{i}" for i in range(count))
    return f"input: [3, 299, 299]\nblocks:\n{blocks}layers:\n{items}outputs: [{last}]\n"


def expect_unknown(count: int = 30_000) -> str:
    """Figures that there are none of, thousands of them."""
    keys = "".join(f"  figure_{'x' * 12}{i}: {i}\n" for i in range(count))
    return f"input: [1, 8, 8]\nlayers:\n  - {{type: relu}}\nexpect:\n{keys}"


def expect_lists(count: int = 60_000) -> str:
    """Figures that are lists of tens of thousands."""
    values = ", ".join(["1"] * (count // 3))
    keys = "".join(f"  {key}: [{values}]\n" for key in ("receptive_field", "stride", "params"))
    return f"input: [1, 8, 8]\nlayers:\n  - {{type: relu}}\nexpect:\n{keys}"


def expect_variants(count: int = 5_000) -> str:
    """Variants that each expect figures, wrong ones in every other."""
    lines = "".join(f"  v{i}: {{n: {i % 9 + 1}, expect: {{params: {i % 2}, macs: 0}}}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nparams: {{n: 1}}\nvariants:\n{lines}layers:\n  - {{type: relu, repeat: $n}}\n"


def empty_variants(count: int = 30_000) -> str:
    """Variants that change nothing, with names as long as they may be."""
    lines = "".join(f"  v{i:057}: {{}}\n" for i in range(min(count, 14_000)))
    return f"input: [1, 8, 8]\nvariants:\n{lines}layers:\n  - {{type: relu}}\n"


def chained_params(count: int = 500) -> str:
    """Params that are made of the one before, and a block that has as many, used again and again."""
    chain = "".join(f'  p{i}: "$(p{i - 1} % 7 + 1)"\n' for i in range(1, count))
    own = "".join(f'      q{i}: "$(q{i - 1} % 5 + 1)"\n' for i in range(1, count))
    given = ", ".join(f"q{i}: $p{i}" for i in range(0, count, 2))
    uses = "".join(f"  - {{use: b, {given}}}\n" for _ in range(60))
    block = f"  b:\n    params:\n      q0: 1\n{own}    layers:\n      - {{type: relu, repeat: $q9}}\n"
    return f"input: [1, 8, 8]\nparams:\n  p0: 1\n{chain}blocks:\n{block}layers:\n{uses}"


def many_params(count: int = 500, variants: int = 60) -> str:
    """Variants that set every param."""
    params = "".join(f"  p{i}: {i}\n" for i in range(count))
    values = ", ".join(f"p{i}: {i + 1}" for i in range(count))
    lines = "".join(f"  v{i}: {{{values}}}\n" for i in range(variants))
    return f"input: [1, 8, 8]\nparams:\n{params}variants:\n{lines}layers:\n  - {{type: relu, repeat: $p9}}\n"


def unused_blocks(count: int = 5_900) -> str:
    """Blocks that nothing uses."""
    lines = "".join(f"  b{i}: {{params: {{n: {i}}}, layers: [{{type: relu}}]}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nblocks:\n{lines}layers:\n  - {{type: relu}}\n"


def used_blocks(count: int = 5_000) -> str:
    """Blocks that are used once each."""
    lines = "".join(f"  b{i}: {{layers: [{{type: relu}}]}}\n" for i in range(count))
    uses = "".join(f"  - {{use: b{i}}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nblocks:\n{lines}layers:\n{uses}"


def blocks_in_blocks(count: int = 62, repeat: int = 30) -> str:
    """Blocks in blocks, each with a layer of its own beside the next."""
    blocks = "".join(
        f"  b{i}: {{layers: [{{type: relu}}, {{name: n, use: b{i + 1}}}, {{type: sigmoid}}]}}\n" for i in range(count)
    )
    last = f"  b{count}: {{layers: [{{type: tanh}}]}}\n"
    return f"input: [1, 8, 8]\nblocks:\n{blocks}{last}layers:\n  - {{name: top, use: b0, repeat: {repeat}}}\n"


def long_names(count: int = 8_000) -> str:
    """Names as long as they may be, each read by the one behind it."""
    lines = "".join(f"  - {{name: n{i:059}, type: relu}}\n" for i in range(count))
    return f"input: [1, 8, 8]\nlayers:\n{lines}outputs: {{x{'y' * 59}: n{count - 1:059}}}\n"


def labelled_outputs(count: int = 9_000) -> str:
    """As many results as fit, each under a label of its own, all of one layer."""
    labels = "".join(f"  label{i}: r\n" for i in range(count))
    return f"input: [1, 8, 8]\nlayers:\n  - {{name: r, type: relu}}\noutputs:\n{labels}"


def residuals_in_residuals(depth: int = 30, repeat: int = 480) -> str:
    """Shortcuts over shortcuts."""
    body = "{type: relu}"
    for _ in range(depth):
        body = f"{{type: residual, body: [{body}, {{type: sigmoid}}]}}"
    return f"input: [1, 8, 8]\nblocks:\n  b: {{layers: [{body}]}}\nlayers:\n  - {{use: b, repeat: {repeat}}}\n"


def extended(levels: int = 7, layers: int = 3_700) -> dict[str, str]:
    """Files that extend one another, each with new values for every layer."""
    first = "".join(
        f"  - {{name: l{i}, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}\n" for i in range(layers)
    )
    texts = {"base0.yaml": f"input: [4, 16, 16]\nlayers:\n{first}"}
    for level in range(1, levels + 1):
        changed = "".join(f"  l{i}: {{out_channels: {(level * i) % 9 + 1}}}\n" for i in range(layers))
        texts[f"base{level}.yaml"] = f"extends: base{level - 1}.yaml\nlayers:\n{changed}"
    return texts


def extending_blocks(count: int = 30, layers: int = 300) -> dict[str, str]:
    """Blocks that each extend a config and give every layer of it a new value."""
    first = "".join(f"  - {{name: l{i}, type: conv2d, out_channels: 4, kernel_size: 1}}\n" for i in range(layers))
    changed = ", ".join(f"l{i}: {{kernel_size: 3, padding: 1}}" for i in range(layers))
    blocks = "".join(f"  b{i}: {{extends: base.yaml, layers: {{{changed}}}}}\n" for i in range(count))
    uses = "".join(f"  - {{name: u{i}, use: b{i}}}\n" for i in range(count))
    return {
        "base.yaml": f"input: [4, 16, 16]\nlayers:\n{first}",
        "top.yaml": f"input: [4, 16, 16]\nblocks:\n{blocks}layers:\n{uses}",
    }


WORST: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        *(
            flat,
            units,
            paths,
            concatenated_paths,
            nested,
            unet,
            dense,
            repeated_joins,
            masks,
            chain_of_holes,
            kept_masks,
            upsampled,
        ),
        *(
            adaptive,
            transposed,
            speeds,
            wide_kernels,
            expressions,
            variants,
            aliases,
            long_line,
            mistakes,
            doubled_keys,
        ),
        *(circular, permuted, different, deformable, large_field, far_holes),
        *(unknown_names, long_comments, comment_marks, commented_line, classes, outputs, exported_names, gates),
        *(recursion, hourglasses, trees, wildcards, wildcard_outputs, repeated_paths, shared, shared_blocks),
        *(
            inputs,
            resized_inputs,
            long_line_resized,
            long_nearest,
            long_behind_a_join,
            long_signal,
            long_pooled,
            volumes,
            volumes_resized,
            tokens,
            tokens_pooled,
        ),
        *(lists, list_copies, presets),
        *(expect_unknown, expect_lists, expect_variants, empty_variants, chained_params, many_params, unused_blocks),
        *(used_blocks, blocks_in_blocks, long_names, labelled_outputs, residuals_in_residuals),
    )
}
SEVERAL: dict[str, Callable[[], dict[str, str]]] = {
    function.__name__: function for function in (extended, extending_blocks)
}
"""Of several files, the last of which is the target."""

COMMANDS: dict[str, str] = {
    "analyze": "analyze {0}",
    "json": "analyze {0} --format json",
    "csv": "analyze {0} --format csv",
    "markdown": "analyze {0} --format markdown",
    "all": "analyze {0} --depth all",
    "html": "analyze {0} -o {1}/x.html",
    "latex": "analyze {0} -o {1}/x.tex",
    "xlsx": "analyze {0} -o {1}/x.xlsx",
    "plot": "analyze {0} --plot {1}/x.svg --figure stages",
    "compare": "compare {0} {0}",
    "validate": "validate {0}",
    "expand": "expand {0}",
    "fmt": "fmt --check {0}",
    "diff": "diff {0} {0}",
    "diff-other": "diff {0} resnet50",
    "diagram": "diagram {0}",
    "svg": "diagram {0} -o {1}/x.svg",
    "svg-all": "diagram {0} --depth all -o {1}/x.svg",
    "svg-3": "diagram {0} --depth 3 -o {1}/x.svg",
    "dot": "diagram {0} -o {1}/x.dot",
    "field": "receptive-field {0}",
    "field-json": "receptive-field {0} --format json",
    "field-picture": "receptive-field {0} -o {1}/x.svg",
    "projective": "receptive-field {0} --projective",
    "projective-json": "receptive-field {0} --projective --format json",
    "projective-picture": "receptive-field {0} --projective -o {1}/x.svg",
    "memory": "memory {0}",
    "training": "memory {0} --training --fit 24GiB --depth all",
    "memory-json": "memory {0} --training --format json",
    "memory-picture": "memory {0} -o {1}/x.svg",
    "time": "time {0}",
    "explain": "explain {0}",
    "explain-first": "explain {0} {2}",
    "counting": "explain {0} --counting",
    "source": "build {0} -o {1}/x.py",
}


def run(words: list[str]) -> tuple[float, float, int, str]:
    """One command in a process of its own: CPU seconds, megabytes at the peak, exit status, and stderr.

    Byte code is kept, as an installed package has it.
    """
    limit = f"import resource as r, sys; r.setrlimit(r.RLIMIT_CPU, ({GIVE_UP}, {GIVE_UP + 1})); "
    program = f"{limit}from archlab.cli.main import entry; sys.exit(entry())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as errors, Path(os.devnull).open("wb") as nothing:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *words],
            stdout=nothing,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read().decode(errors="replace").strip()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, text


def written(name: str, folder: Path) -> Path:
    """A config and what it extends, in a folder: its path."""
    texts = SEVERAL[name]() if name in SEVERAL else {f"{name}.yaml": WORST[name]()}
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder / list(texts)[-1]


def first_layer(path: Path) -> str:
    """A layer of a config, for `explain`; the name of the input where there is none."""
    from archlab.api.load import load
    from archlab.diagnostics.problem import ConfigError

    try:
        layers = load(str(path)).graph.layers
    except ConfigError:
        return "input"
    return layers[len(layers) // 2].path


def measured(names: list[str], commands: list[str]) -> Iterator[str]:
    """A line for each run that takes long, and one for each input with its worst."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = written(name, Path(folder))
            layer = first_layer(path)
            for command in commands:
                words = COMMANDS[command].format(path, folder, layer).split()
                seconds, megabytes, status, end = run(words)
                most = MOST_PAGE_SECONDS if command == "html" else MOST_SECONDS
                over = "  SLOW" if seconds > most else ""
                over += "  LARGE" if megabytes > MOST_MEGABYTES else ""
                over += f"  {end[-110:].strip()}" if "Traceback" in end or status not in (0, 1) else ""
                yield f"{name:20} {command:16} {seconds:7.2f} s {megabytes:6.0f} MB  {status}{over}"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[*WORST, *SEVERAL])
    parser.add_argument("--command", nargs="+", default=list(COMMANDS))
    options = parser.parse_args()
    for line in measured(options.names, options.command):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
