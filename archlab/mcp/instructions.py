"""What the server tells of itself: how the tools go together, and the language in short."""

from __future__ import annotations

EXAMPLE = """\
name: example
input: [3, 32, 32]                  # channels, height, width; no batch
params: {width: 16, num_classes: 10}
variants: {wide: {width: 32}}
blocks:
  unit:
    params: {width: , stride: 1}    # no value = required
    layers:
      - type: residual
        shortcut: project           # identity | project | if_same | a list of layers
        body:
          - {type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: auto, norm: batch_norm2d, activation: relu}
          - {type: conv2d, out_channels: $width, kernel_size: 3, padding: auto, norm: batch_norm2d}
      - {type: relu, inplace: true}
layers:
  - {name: stem, type: conv2d, out_channels: $width, kernel_size: 3, padding: auto, norm: batch_norm2d, activation: relu}
  - {name: stage1, use: unit, width: $width, repeat: 2}
  - {name: stage2, use: unit, width: $(2 * width), repeat: 2, first: {stride: 2}}
  - {name: paths, type: branches, merge: concat, paths: [[{type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}], []]}
  - {type: add, with: [paths]}      # the line above, plus an earlier one by name
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {type: linear, out_features: $num_classes}
expect: {macs: <= 60M}
"""  # noqa: E501 - as a config is written
"""A config with most of the language."""

INSTRUCTIONS = f"""\
archlab works out what a convolutional network costs and sees from a short YAML config, without building or running it.
Write a config, call validate until ok is true, then analyze. compare and diff show what a change does, check holds a
network to limits, fit finds the best params, explain tells how a number comes about. A call that fails answers
{{"problems": [...]}}; each problem has its place and, mostly, a hint that says what to write instead. presets tells the
networks to start from, layer_types the layers and their options. Nothing is written to the disk: edit files by your own
means, or give configs as text.

The language: layers are torch.nn's classes in snake case with PyTorch's argument names and defaults; what comes in
(in_channels, num_features, in_features) is inferred and never written. An item is {{type: LAYER, ...}} or
{{use: BLOCK, ...}}, and may have name, from (an earlier name instead of the line above), repeat, first (arguments of
the first repetition only) and when (a condition). $name and $(2 * name) are params and expressions. Convolutions take
norm and activation, and padding: auto. An example:

{EXAMPLE}"""
