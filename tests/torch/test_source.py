"""The generated PyTorch source: it runs, has the graph's names and shapes, and reads as written by hand."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import itertools
import math
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archlab.api.load import load, loads
from archlab.config.initializers import INITIALIZERS, find_initializer
from archlab.config.tree import presets
from archlab.graph import Graph
from archlab.layers import PARTS, find_layer, layer_types
from archlab.layers.base import Layer
from archlab.layers.macro import Macro
from archlab.torch.build import build, module_class
from archlab.torch.modules import LayerScale
from archlab.torch.samples import samples
from archlab.torch.source import to_source
from archlab.torch.source.init import DERIVED
from archlab.torch.source.layers import DEFAULT_DIFFERS, FUNCTIONS, POSITIONAL
from archlab.torch.source.text import class_name, literal, plain_text, string_literal
from tests.chunks import check_each
from tests.random_networks import random_network
from tests.references import passed_over

NETWORKS = {
    "chain": """
name: vgg tiny
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: auto, norm: batch_norm2d, activation: relu}
  - {type: conv2d, out_channels: 8, kernel_size: [3, 5], padding: [1, 2], bias: false}
  - {type: max_pool2d, kernel_size: 2}
  - {type: adaptive_avg_pool2d, output_size: [null, 2]}
  - {type: flatten}
  - {type: dropout}
  - {type: linear, out_features: 10}
  - {type: softmax}
""",
    "residual": """
name: residuals
input: [3, 32, 32]
blocks:
  basic:
    params: {width: , stride: 1}
    layers:
      - type: residual
        shortcut: project
        body:
          - {type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1, norm: batch_norm2d,
             activation: relu}
          - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d}
      - {type: relu}
layers:
  - {name: stage1, use: basic, width: 8, repeat: 2}
  - {name: stage2, use: basic, width: 16, repeat: 4, first: {stride: 2}}
  - {use: basic, width: 16}
  - type: residual
    body:
      - {type: conv2d, out_channels: 16, kernel_size: 3, padding: same}
      - {type: relu}
  - type: residual
    body: [{type: conv2d, out_channels: 16, kernel_size: 1}]
  - {type: relu}
""",
    "concat": """
name: inception
input: [3, 32, 32]
blocks:
  inception:
    params: {c1: , c3: , c5: , pool: }
    layers:
      - type: branches
        paths:
          - - {type: conv2d, out_channels: $c1, kernel_size: 1, norm: batch_norm2d, activation: relu}
          - - {type: conv2d, out_channels: $(c3 // 2), kernel_size: 1, norm: batch_norm2d, activation: relu}
            - {type: conv2d, out_channels: $c3, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
          - - {type: conv2d, out_channels: $c5, kernel_size: 5, padding: 2, norm: batch_norm2d, activation: relu}
          - - {type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}
            - {type: conv2d, out_channels: $pool, kernel_size: 1, norm: batch_norm2d, activation: relu}
layers:
  - {name: a, use: inception, c1: 8, c3: 16, c5: 4, pool: 4}
  - {name: b, use: inception, c1: 16, c3: 24, c5: 8, pool: 8}
""",
    "dense": """
name: dense
input: [3, 16, 16]
blocks:
  dense_layer:
    layers:
      - type: branches
        paths:
          - []
          - - {type: batch_norm2d}
            - {type: relu}
            - {type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, bias: false}
layers:
  - {name: block1, use: dense_layer, repeat: 3}
  - {type: conv2d, out_channels: 8, kernel_size: 1}
  - {name: block2, use: dense_layer, repeat: 6}
""",
    "split": """
name: shuffle
input: [16, 16, 16]
blocks:
  unit:
    layers:
      - type: branches
        split: true
        paths:
          - []
          - - {type: conv2d, out_channels: $in_channels, kernel_size: 3, padding: 1, groups: $in_channels}
            - {type: relu}
layers:
  - {name: stage1, use: unit, repeat: 2}
  - {type: conv2d, out_channels: 24, kernel_size: 1}
  - {name: stage2, use: unit, repeat: 2}
""",
    "uneven slices": """
name: slices
input: [6, 8, 8]
blocks:
  ghost:
    params: {keep: }
    layers:
      - {name: whole, type: identity}
      - {name: kept, type: narrow, start: 0, length: $keep}
      - {name: rest, from: whole, type: narrow, start: $keep, length: 2}
      - {type: conv2d, out_channels: $keep, kernel_size: 1}
      - {type: add, with: [kept]}
      - {type: concat, with: [whole]}
layers:
  - {use: ghost, keep: 2}
  - {use: ghost, keep: 3}
  - {name: same, type: identity}
  - {name: head, type: narrow, start: 1, length: 4}
  - {name: tail, type: narrow, start: 0, length: 3, from: same}
  - {type: conv2d, out_channels: 4, kernel_size: 1}
  - {type: multiply, with: [head]}
""",
    "gate": """
name: squeeze
input: [8, 16, 16]
blocks:
  se_block:
    params: {width: , reduction: 4}
    layers:
      - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: silu}
      - name: se
        type: branches
        merge: multiply
        paths:
          - []
          - - {type: adaptive_avg_pool2d, output_size: 1}
            - {type: conv2d, out_channels: $(in_channels // reduction), kernel_size: 1, activation: silu}
            - {type: conv2d, out_channels: $width, kernel_size: 1}
            - {type: sigmoid}
layers:
  - {name: blocks, use: se_block, width: 8, repeat: 2}
  - {name: wide, use: se_block, width: 16, reduction: 8}
""",
    "unet flat": """
name: unet
input: [1, 32, 32]
layers:
  - {name: enc1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  - {type: max_pool2d, kernel_size: 2}
  - {name: enc2, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  - {type: max_pool2d, kernel_size: 2}
  - {name: middle, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  - {name: back2, type: zero_pad2d, padding: 4}
  - {type: concat, with: [enc2]}
  - {name: dec2, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  - {name: back1, type: zero_pad2d, padding: 8}
  - {type: concat, with: [enc1]}
  - {name: head, type: conv2d, out_channels: 2, kernel_size: 1}
""",
    "unet with scopes": """
name: U-Net
input: [1, 32, 32]
blocks:
  double_conv:
    params: {width: }
    layers:
      - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
      - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  encoder:
    params: {width: }
    layers:
      - {name: convs, use: double_conv, width: $width}
      - {type: max_pool2d, kernel_size: 2}
  decoder_head:
    layers:
      - {type: conv2d, out_channels: 2, kernel_size: 1}
layers:
  - {name: enc1, use: encoder, width: 4}
  - {name: enc2, use: encoder, width: 8}
  - {name: middle, use: double_conv, width: 16}
  - name: dec2
    type: residual
    shortcut: [{type: zero_pad2d, padding: 4}, {type: conv2d, out_channels: 8, kernel_size: 1}]
    body:
      - {type: zero_pad2d, padding: 4}
      - {type: concat, with: [enc2.convs]}
      - {use: double_conv, width: 8}
  - name: dec1
    type: residual
    shortcut: [{type: zero_pad2d, padding: 8}, {type: conv2d, out_channels: 4, kernel_size: 1}]
    body:
      - {type: zero_pad2d, padding: 8}
      - {type: concat, with: [enc1.convs]}
      - {use: double_conv, width: 4}
  - {name: head, use: decoder_head}
""",
    "pyramid": """
name: fpn
input: [3, 32, 32]
blocks:
  down:
    params: {width: }
    layers:
      - {type: conv2d, out_channels: $width, kernel_size: 3, stride: 2, padding: 1}
      - {name: act, type: relu}
layers:
  - {name: c2, use: down, width: 8}
  - {name: c3, use: down, width: 16}
  - {name: c4, use: down, width: 32}
  - name: neck
    type: branches
    merge: add
    paths:
      - - {from: c2, type: conv2d, out_channels: 8, kernel_size: 1, stride: 4}
      - - {from: c3, type: conv2d, out_channels: 8, kernel_size: 1, stride: 2}
      - - {from: c4, type: conv2d, out_channels: 8, kernel_size: 1}
outputs: [neck, c4, c2.act]
""",
    "dictionary": """
name: aux
input: [3, 16, 16]
layers:
  - {name: body, type: conv2d, out_channels: 8, kernel_size: 3, activation: relu}
  - {name: aux_head, type: conv2d, out_channels: 2, kernel_size: 1}
  - {name: head, from: body, type: conv2d, out_channels: 4, kernel_size: 1}
outputs: {out: head, 'au"x': aux_head}
""",
    "one path": """
name: one path
input: [4, 8, 8]
layers:
  - {type: branches, merge: add, paths: [[{type: conv2d, out_channels: 4, kernel_size: 1}]]}
  - {type: branches, paths: [[{type: relu}]]}
""",
    "one in a tuple": """
name: single
input: [3, 8, 8]
layers: [{name: a, type: relu}, {name: b, type: relu}]
outputs: [b]
""",
    "scope with inner results": """
name: stages
input: [3, 32, 32]
blocks:
  unit:
    params: {width: , stride: 1}
    layers: [{type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1}, {type: relu}]
layers:
  - {name: stages, use: unit, width: 8, repeat: 4, first: {stride: 2}}
  - {type: add, with: [stages.1, stages.2]}
  - {name: more, use: unit, width: 8, repeat: 2}
outputs: [stages.0, more]
""",
    "gaps in repetitions": """
name: gaps
input: [4, 8, 8]
blocks:
  maybe:
    params: {on: true}
    layers: [{type: conv2d, out_channels: 4, kernel_size: 1, when: $on}, {type: relu, when: $on}]
layers:
  - {name: a, use: maybe, repeat: 3, first: {on: false}}
  - {name: b, use: maybe, repeat: 4, first: {on: false}}
  - {type: add, with: [b.1]}
  - {name: c, type: "$('narrow' if index == 0 else 'identity')", repeat: 3, first: {start: 0, length: 3}}
""",
    "names of Python": """
name: class
input: [4, 8, 8]
blocks:
  tensor: {layers: [{type: relu}, {type: add, with: [out]}]}
layers:
  - {name: Tensor, type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: nn, type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: x, type: conv2d, out_channels: 4, kernel_size: 1, norm: batch_norm2d}
  - {name: out, type: conv2d, out_channels: 4, kernel_size: 1, norm: batch_norm2d}
  - {name: print, from: x, type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: init_weights, type: concat, with: [Tensor, nn, x, out]}
  - {name: Conv, type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: OrderedDict, type: multiply, with: [Conv, Tensor]}
init: {conv2d: {weight: ones, bias: {type: constant, val: 0.5}}}
""",
    "inputs from many scopes": """
name: many
input: [2, 8, 8]
blocks:
  conv: {layers: [{type: conv2d, out_channels: 2, kernel_size: 1}, {type: relu}]}
layers:
  - {name: a, use: conv}
  - {name: b, use: conv}
  - {name: c, use: conv}
  - name: fuse
    type: residual
    body:
      - {type: concat, with: [a, b, c]}
      - {type: conv2d, out_channels: 2, kernel_size: 1}
  - name: again
    type: residual
    body:
      - {type: concat, with: [b, a, c]}
      - {type: conv2d, out_channels: 2, kernel_size: 1}
""",
    "flat input": """
name: mlp
input: [20]
blocks:
  layer:
    params: {size: , p: 0.5}
    layers: [{type: linear, out_features: $size}, {type: relu}, {type: dropout, p: $p}]
layers:
  - {name: a, use: layer, size: 30}
  - {name: b, use: layer, size: 40, p: 0.1}
  - {name: out, type: linear, out_features: 3, bias: false}
init:
  linear: {weight: {type: trunc_normal, std: 0.02}, bias: zeros}
  batch_norm2d: {weight: zeros}
""",
    "nothing": """
name: '***'
input: [3, 8, 8]
layers: [{type: relu, when: false}]
""",
    "functions only": """
name: '3 functions'
input: [4, 8, 8]
layers:
  - {name: twice, type: residual, body: []}
  - type: branches
    paths: [[], []]
  - name: product
    type: branches
    merge: multiply
    paths: [[], [{type: identity}]]
""",
    "many values": f"""
name: many values
input: [2, 8, 8]
blocks:
  taps: {{layers: [{", ".join(f"{{name: a_rather_long_name_{i}, type: relu}}" for i in range(9))}]}}
layers:
  - {{name: taps, use: taps}}
  - name: fuse
    type: residual
    body:
      - {{type: concat, with: [{", ".join(f"taps.a_rather_long_name_{i}" for i in range(9))}]}}
      - {{type: conv2d, out_channels: 2, kernel_size: 1}}
outputs: [fuse, taps.a_rather_long_name_0, taps.a_rather_long_name_1, taps.a_rather_long_name_2, taps]
""",
    "long names": f"""
name: long
input: [2, 8, 8]
blocks:
  {"z" * 60}:
    params: {{width: }}
    layers:
      - {{name: {"y" * 60}, type: conv2d, out_channels: $width, kernel_size: 1}}
      - {{name: {"w" * 60}, type: conv2d, out_channels: $(width + 1), kernel_size: 1}}
      - {{name: {"v" * 60}, type: conv2d, out_channels: 2, kernel_size: 1, groups: 1}}
      - {{type: branches, paths: [[], []], merge: add}}
layers:
  - {{name: {"s" * 60}, use: {"z" * 60}, width: 1000, repeat: 5}}
  - {{name: {"t" * 60}, use: {"z" * 60}, width: 6}}
  - {{name: {"a" * 60}, type: conv2d, out_channels: 3, kernel_size: 1, norm: batch_norm2d, activation: relu}}
  - {{name: {"b" * 60}, type: conv2d, out_channels: 3, kernel_size: 1, norm: batch_norm2d, activation: relu}}
  - {{name: {"c" * 60}, type: add, with: [{"a" * 60}, {"b" * 60}]}}
  - {{name: {"d" * 60}, type: relu}}
  - {{name: {"e" * 60}, type: concat, with: [{"a" * 60}, {"c" * 60}, {"b" * 60}]}}
outputs: [{"e" * 60}, {"d" * 60}, {"a" * 60}]
""",
    "deep": """
name: deep
input: [2, 8, 8]
blocks:
  a: {layers: [{name: inner, use: b, repeat: 2}]}
  b: {layers: [{name: inner, use: c, repeat: 2}]}
  c: {layers: [{name: inner, use: d, repeat: 2}]}
  d: {layers: [{type: conv2d, out_channels: 2, kernel_size: 1, norm: batch_norm2d}]}
layers: [{name: outer, use: a, repeat: 2}, {type: relu}]
""",
    "convnext": """
name: convnext
input: [3, 32, 32]
blocks:
  convnext_block:
    params: {p: 0}
    layers:
      - type: residual
        body:
          - {type: depthwise_conv2d, kernel_size: 7, padding: 3}
          - {type: channels_last}
          - {type: layer_norm, eps: 1.0e-6}
          - {type: linear, out_features: $(4 * in_channels)}
          - {type: gelu}
          - {type: linear, out_features: $(in_channels // 4)}
          - {type: channels_first}
          - {type: layer_scale}
          - {type: stochastic_depth, p: $p, mode: row}
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 4, stride: 4, norm: {type: layer_norm2d, eps: 1.0e-6}}
  - {name: stage1, use: convnext_block, repeat: 2, p: $(0.1 * index)}
  - {type: conv2d, out_channels: 16, kernel_size: 2, stride: 2}
  - {name: stage2, use: convnext_block, repeat: 2, p: 0.2}
  - {type: global_avg_pool2d}
  - {type: flatten}
  - {type: layer_norm}
  - {type: linear, out_features: 10}
init:
  conv2d: {weight: {type: trunc_normal, std: 0.02}, bias: zeros}
  linear: {weight: {type: trunc_normal, std: 0.02}, bias: zeros}
  layer_norm: {weight: {type: normal, std: 0.5}}
  layer_norm2d: {bias: ones}
""",
    "deformable": """
name: deformable
input: [3, 32, 32]
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
  - {type: deform_conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
  - {type: deform_conv2d, out_channels: 8, kernel_size: 3, padding: auto, modulated: true, max_offset: 2}
  - {name: odd, type: deform_conv2d, out_channels: 4, kernel_size: [3, 5], modulated: true, offset_groups: 2}
init: {conv2d: {weight: {type: kaiming_normal, mode: fan_out}, bias: ones}}
""",
    "weights of their own": """
name: own_weights
input: [4, 16, 16]
params: {spread: 0.5}
blocks:
  head:
    init: {conv2d: default, batch_norm2d: {weight: {type: constant, val: $spread}}}
    layers:
      - {type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d}
      - {name: last, type: conv2d, out_channels: 4, kernel_size: 1, init: {weight: {type: normal, std: $(spread / 2)}}}
layers:
  - {name: first, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d}
  - {name: second, type: deform_conv2d, out_channels: 4, kernel_size: 3, padding: 1, init: {weight: default}}
  - {name: head1, use: head}
  - {name: head2, use: head}
  - {name: third, type: conv2d, out_channels: 4, kernel_size: 3, init: {bias: default}}
init: {conv2d: {weight: {type: kaiming_normal}, bias: ones}, deform_conv2d: {weight: ones}}
""",
    "offsets by path": """
name: offsets
input: [4, 16, 16]
blocks:
  head: {layers: [{name: offset, type: conv2d, out_channels: 4, kernel_size: 1}, {type: relu}]}
layers:
  - {name: a_name_so_long_that_with_the_other_it_does_not_fit, type: deform_conv2d, out_channels: 4, kernel_size: 3}
  - {name: first, type: deform_conv2d, out_channels: 4, kernel_size: 3}
  - {name: head, use: head}
init: {conv2d: {weight: {type: kaiming_normal}}}
""",
    "excitation": """
name: excitation
input: [3, 32, 32]
blocks:
  mobile:
    params: {width: , stride: 1}
    layers:
      - type: residual
        shortcut: if_same
        body:
          - {type: depthwise_separable_conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1,
             norm: batch_norm2d, activation: relu6}
          - {type: squeeze_excitation, squeeze_channels: $(width // 4)}
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
  - {name: gate, type: squeeze_excitation, squeeze_channels: 4}
  - {name: stage1, use: mobile, width: 8, repeat: 2}
  - {name: stage2, use: mobile, width: 16, repeat: 2, first: {stride: 2}}
""",
    "names of imported classes": """
name: layer_scale
input: [3, 16, 16]
blocks:
  deform_conv2d:
    layers: [{type: relu}, {type: residual, body: [{type: deform_conv2d, out_channels: 3, kernel_size: 1}]}]
  layer_norm2d: {layers: [{type: layer_norm2d}, {name: LayerNorm2d, type: residual, body: [{type: layer_scale}]}]}
layers:
  - {name: LayerScale, use: deform_conv2d}
  - {name: DeformConv2d, use: layer_norm2d}
  - {name: Permute, type: stochastic_depth, p: 0.5, mode: batch}
  - {name: StochasticDepth, from: LayerScale, type: relu}
  - {type: add, with: [Permute]}
""",
}
PRESETS = (
    *(path.stem for path in presets.preset_files()),
    *("resnet18", "resnet50_slim", "resnet50_caffe", "vgg11_bn", "alexnet_v2_slim", "mobilenet_v1_slim"),
    *("googlenet_aux", "inception_v3_aux", "unet_bilinear", "regnet_x_400mf"),
)
"""One of each family, and the variants that are built otherwise."""
HOSTILE = (
    'a"""\nimport os',
    '"""); raise SystemExit(1)  #',
    "\\",
    "back\\slash\\",
    '"',
    "'''",
    "\u202eevil\u2028x\u0085y",
    "{name}",
    "%s",
    "\\N{BULLET}\\u0000\\x",
    "für 网络",
    "网络",
    "Tensor",
    "torch",
    "none",
    "True",
    "1e9",
    "x" * 100,
    '"' * 100,
)


def import_source(source: str, folder: Path) -> ModuleType:
    path = folder / "generated_network.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("generated_network", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def network_class(source: str) -> str:
    """The last class of the module."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]


def build_source(graph: Graph, folder: Path, device: str = "cpu", source: str | None = None) -> nn.Module:
    source = to_source(graph) if source is None else source
    with torch.device(device):
        model = getattr(import_source(source, folder), network_class(source))()
    assert isinstance(model, nn.Module)
    return model.eval()


def expected_state(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {
        f"{node.path}.{tensor.name}": tensor.shape
        for node in graph.layers
        if node.shares is None
        for tensor in node.layer.tensors(graph.input_shapes(node))
        if tensor.persistent
    }


class OneDrawn(TorchFunctionMode):
    """What draws initial weights draws a single one with its arguments, so that PyTorch sees whether these are right.

    On the meta device it would work out the shapes of many tensors for each.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in {Tensor.normal_, Tensor.uniform_}:
            return func(*args, **(kwargs or {}))
        func(torch.empty(1, device="cpu"), *args[1:], **(kwargs or {}))
        return args[0]


def check(graph: Graph, folder: Path, source: str | None = None) -> None:
    """Names and shapes of the state dict in order, and those of the outputs; large networks without values."""
    device = "cpu" if sum(math.prod(shape) for shape in expected_state(graph).values()) < 100_000 else "meta"
    with nullcontext() if device == "cpu" else OneDrawn():
        model = build_source(graph, folder, device, source)
    assert {name: tuple(t.shape) for name, t in model.state_dict().items()} == expected_state(graph)
    assert list(model.state_dict()) == list(expected_state(graph))
    if device == "meta":
        model = passed_over(model)
    with torch.no_grad():
        result = model(torch.randn(2, *graph.input_shape, device=device))
    expected = [(label, (2, *graph.nodes[index].shape)) for label, index in graph.outputs]
    if graph.output_form == "dict":
        assert [(label, tuple(output.shape)) for label, output in result.items()] == expected
    else:
        outputs = result if graph.output_form == "tuple" else (result,)
        assert isinstance(outputs, tuple)
        assert [tuple(output.shape) for output in outputs] == [shape for _, shape in expected]


def graph_of(name: str) -> Graph:
    return loads(NETWORKS[name], name="network").graph


@cache
def graph_named(name: str) -> Graph:
    return graph_of(name) if name in NETWORKS else load(name).graph


@cache
def source_named(name: str) -> str:
    return to_source(graph_named(name))


@pytest.fixture(scope="module", params=[*NETWORKS, *PRESETS])
def each(request: pytest.FixtureRequest) -> str:
    """The name of a network; of the module, so that one after the other goes through all tests."""
    return str(request.param)


def test_has_the_names_and_shapes_of_the_graph_and_runs(each: str, tmp_path: Path) -> None:
    check(graph_named(each), tmp_path, source_named(each))


def test_needs_nothing_but_torch_and_where_it_says_so_torchvision(each: str) -> None:
    graph, tree = graph_named(each), ast.parse(source_named(each))
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    named = {node.layer.torch_class.rpartition(".")[0] for node in graph.layers}
    packages = {package for package in named if package.startswith("torchvision")}
    assert imported - {"collections", "typing"} == {"torch", *packages}


def assert_same_model(graph: Graph, folder: Path) -> None:
    """With one seed the source's model and the built one start alike; with the same weights they give the same."""
    torch.manual_seed(1)
    built = build(graph).eval()
    torch.manual_seed(1)
    model = build_source(graph, folder)
    ours, theirs = model.state_dict(), built.state_dict()
    assert list(ours) == list(theirs)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    for parameter in built.parameters():  # what starts at zero or one hides what is left out or exchanged
        nn.init.normal_(parameter, std=0.1)
    model.load_state_dict(built.state_dict())
    given = samples(graph, 2, torch.randn)
    with torch.no_grad():
        torch.testing.assert_close(model(*given), built(*given), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NETWORKS)
def test_is_the_built_model(name: str, tmp_path: Path) -> None:
    assert_same_model(graph_of(name), tmp_path)


def test_the_deformable_resnet_is_the_built_model(tmp_path: Path) -> None:
    assert_same_model(load("deformable_resnet50_bounded", input=(3, 64, 64)).graph, tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_are_the_built_models(seed: int, tmp_path: Path) -> None:
    assert_same_model(random_network(seed).graph, tmp_path)


def test_a_deformable_convolution_reads_as_written_by_hand() -> None:
    source = to_source(load("deformable_resnet").graph)
    assert "\nfrom torch import Tensor, nn\nfrom torchvision.ops import DeformConv2d\n" in source
    expected = """
    def forward(self, x: Tensor) -> Tensor:
        offset = self.offset(x)
        offsets = torch.narrow(offset, 1, 0, 18)
        masks = self.sigmoid(torch.narrow(offset, 1, 18, 9))
        return self.relu(self.bn(self.conv(x, offsets, masks)))
"""
    assert expected in source
    expected = """
    def _init_weights(self) -> None:
        for name, module in self.named_modules():
            if name.endswith(".offset"):
                for parameter in module.parameters():
                    nn.init.zeros_(parameter)
"""
    assert expected in source
    assert source.count("\nclass ModulatedDeformableConv(nn.Module):") == 1


def test_what_starts_at_zero_is_told_from_another_layer_of_its_name() -> None:
    lines = to_source(graph_of("offsets by path")).splitlines()
    start = lines.index("        for name, module in self.named_modules():")
    assert lines[start + 1 : start + 5] == [
        "            if name in {",
        '                "a_name_so_long_that_with_the_other_it_does_not_fit.offset",',
        '                "first.offset",',
        "            }:",
    ]


def test_archlab_s_own_class_is_written_once_and_needs_only_torch() -> None:
    source = to_source(graph_of("convnext"))
    assert source.count(inspect.getsource(LayerScale)) == 1
    assert "archlab" not in source.replace("Written by archlab", "")
    assert "LayerScale" not in to_source(graph_of("deformable"))


def test_is_the_same_each_time_and_fits_its_lines(each: str) -> None:
    source = source_named(each)
    assert source == to_source(graph_named(each))
    assert source.endswith(' parameters")\n')
    assert [line for line in source.splitlines() if len(line) > 100] == []
    assert not re.search(r"[ \t]+$", source, re.MULTILINE)


def test_every_source_passes_a_linter_and_is_formatted(tmp_path: Path) -> None:
    """All in one call, which names the files where it finds something."""
    pytest.importorskip("ruff")
    for number, name in enumerate((*NETWORKS, *PRESETS)):
        words = re.sub(r"\W+", "_", name)
        (tmp_path / f"{words}_{number}.py").write_text(source_named(name), encoding="utf-8")
    for command in (["check", "--select=F,I,UP,W,E9,PLE,B,C4,D300,RUF010"], ["format", "--diff"]):
        line = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--line-length=100", "."]
        done = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


FORMS = ("chain", "pyramid", "dictionary")
RUN_EACH = "import runpy, sys\nfor path in sys.argv[1:]: print('==', path); runpy.run_path(path, run_name='__main__')"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the sources print as scripts, one after the other in a process that takes warnings for errors."""
    folder = tmp_path_factory.mktemp("scripts")
    for form in FORMS:
        (folder / form).write_text(to_source(graph_of(form)), encoding="utf-8")
    quiet = ["-W", "ignore:Failed to initialize NumPy", "-W", "ignore:CUDA initialization"]
    line = [sys.executable, "-W", "error", *quiet, "-c", RUN_EACH, *FORMS]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return dict(part.split("\n", 1) for part in done.stdout.split("== ")[1:])


@pytest.mark.parametrize("form", FORMS)
def test_runs_as_a_script_without_a_warning(form: str, printed: dict[str, str]) -> None:
    graph = graph_of(form)
    *shapes, parameters = printed[form].splitlines()
    labels = [f"{label} " if graph.output_form == "dict" else "" for label, _ in graph.outputs]
    expected = [(1, *graph.nodes[index].shape) for _, index in graph.outputs]
    assert shapes == [f"{label}{shape}" for label, shape in zip(labels, expected, strict=True)]
    learnable = [
        tensor.elements
        for node in graph.layers
        for tensor in node.layer.tensors(graph.input_shapes(node))
        if tensor.learnable
    ]
    assert parameters == f"{sum(learnable):,} parameters"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str, tmp_path: Path) -> None:
    graph = graph_of("residual")
    expected = to_source(graph).splitlines()
    graph.name = name
    source = to_source(graph)
    changed = [line for line in source.splitlines() if line not in expected]
    assert len(source.splitlines()) == len(expected)
    assert len(changed) <= 3  # docstring, class line, the line that makes the model
    check(graph, tmp_path)


@pytest.mark.parametrize("label", [*HOSTILE, "a'b", "a\nb"])
def test_hostile_labels_of_outputs_stay_text(label: str, tmp_path: Path) -> None:
    graph = graph_of("dictionary")
    graph.outputs = [(label, graph.outputs[0][1]), graph.outputs[1]]
    assert list(build_source(graph, tmp_path)(torch.randn(1, 3, 16, 16))) == [label, 'au"x']


def test_resnet50_reads_as_written_by_hand() -> None:
    source = to_source(load("resnet50").graph)
    assert "class BottleneckProjection(nn.Module):" in source
    assert "    def __init__(self, in_channels: int, width: int, out_channels: int, stride: int = 1) -> None:" in source
    assert "        return self.relu3(out + self.shortcut(x))\n" in source
    assert "            *[Bottleneck(512, 128) for _ in range(3)],\n" in source
    assert "        x = self.layer1(x)  # 256x56x56\n" in source
    assert source.count("\nclass ") == 3
    assert len(source.splitlines()) < 120


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("chain", "        self.conv2 = nn.Conv2d(8, 8, kernel_size=(3, 5), padding=(1, 2), bias=False)"),
        ("chain", "        self.avgpool = nn.AdaptiveAvgPool2d((None, 2))"),
        ("chain", "        self.dropout = nn.Dropout()"),
        ("chain", "        self.softmax = nn.Softmax(dim=1)"),
        ("concat", "        return torch.cat([branch1, branch2, branch3, branch4], dim=1)"),
        ("concat", "class InceptionBlock(nn.Module):"),
        ("dense", "        self.block2 = nn.Sequential(*[DenseLayer(8 + 4 * i) for i in range(6)])"),
        ("uneven slices", "        kept = torch.narrow(whole, 1, 0, self.width)"),
        ("split", "        split1, split2 = x.chunk(2, dim=1)"),
        ("split", "    def __init__(self, width: int) -> None:"),
        ("split", "        return torch.cat([split1, self.branch(split2)], dim=1)"),
        ("gate", "        return x * self.branch(x)"),
        ("unet flat", "        x = torch.cat([self.back1(x), enc1], dim=1)  # 8x32x32"),
        ("unet with scopes", "        x, enc1_convs = self.enc1(x)  # 4x16x16"),
        ("unet with scopes", "        x = self.dec2(x, enc2_convs)  # 8x16x16"),
        ("unet with scopes", "    def forward(self, x: Tensor, skip: Tensor) -> Tensor:"),
        ("unet with scopes", "        x = torch.cat([self.pad(x), skip], dim=1)"),
        ("pyramid", "        return neck, c4, c2"),
        ("dictionary", """        return {"out": head, 'au"x': aux_head}"""),
        ("one in a tuple", "        return (b,)"),
        ("scope with inner results", "class StagesBlock(nn.ModuleList):"),
        ("gaps in repetitions", '        x = self["1"](x)'),
        ("flat input", "    def __init__(self, in_features: int, out_features: int, p: float = 0.5) -> None:"),
        ("nothing", "class Network(nn.Module):"),
        ("functions only", "class Net3Functions(nn.Module):"),
        ("convnext", "from torchvision.models.convnext import LayerNorm2d"),
        ("convnext", "from torchvision.ops import Permute, StochasticDepth"),
        ("convnext", "    def __init__(self, channels: int, width: int, p: float) -> None:"),
        ("convnext", "        self.permute1 = Permute([0, 2, 3, 1])"),
        ("convnext", "        self.ln = nn.LayerNorm(channels, eps=1e-06)"),
        ("convnext", "        self.scale = LayerScale(num_channels=channels)"),
        ("convnext", '        self.drop = StochasticDepth(p=p, mode="row")'),
        ("convnext", "                ln=LayerNorm2d(8, eps=1e-06),"),
        ("convnext", "            elif type(module) is nn.LayerNorm:"),
        ("convnext", "            elif isinstance(module, LayerNorm2d):"),
        ("deformable", "class DeformableConv(nn.Module):"),
        ("deformable", "        return self.relu(self.bn(self.conv(x, offsets)))"),
        ("deformable", "        offsets = self.bound(torch.narrow(offset, 1, 0, 18))"),
        ("deformable", "        self.conv = DeformConv2d(8, 4, kernel_size=(3, 5))"),
        ("deformable", "            elif isinstance(module, nn.Conv2d):"),
        ("excitation", "class SqueezeExcitation(nn.Module):"),
        ("excitation", "        self.se = SqueezeExcitation(channels, width)"),
        ("names of imported classes", "class LayerScale2(nn.Module):"),
        ("names of imported classes", "class DeformConv2dBlock(nn.Module):"),
    ],
)
def test_says_it_as_a_person_would(name: str, line: str) -> None:
    assert line in to_source(graph_of(name)).splitlines()


def test_weights_start_as_the_config_says(tmp_path: Path) -> None:
    model = build_source(graph_of("names of Python"), tmp_path)
    conv = model.get_submodule("Tensor")
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    assert torch.equal(conv.weight, torch.ones_like(conv.weight))
    assert torch.equal(conv.bias, torch.full_like(conv.bias, 0.5))


def test_weights_that_only_some_layers_have() -> None:
    lines = to_source(graph_of("flat input")).splitlines()
    start = lines.index("    def _init_weights(self) -> None:")
    assert lines[start : start + 6] == [
        "    def _init_weights(self) -> None:",
        "        for module in self.modules():",
        "            if isinstance(module, nn.Linear):",
        "                nn.init.trunc_normal_(module.weight, std=0.02)",
        "                if module.bias is not None:",
        "                    nn.init.zeros_(module.bias)",
    ]


def test_weights_of_single_layers_are_told_apart_by_their_names() -> None:
    lines = to_source(graph_of("weights of their own")).splitlines()
    start = lines.index("        for name, module in self.named_modules():")
    assert lines[start + 1 : start + 16] == [
        '            if name.endswith(".offset"):',
        "                for parameter in module.parameters():",
        "                    nn.init.zeros_(parameter)",
        '            elif name in {"second.conv", "head1.conv", "head2.conv"}:',
        "                pass",
        '            elif name in {"head1.bn", "head2.bn"}:',
        "                nn.init.constant_(module.weight, 0.5)",
        '            elif name.endswith(".last"):',
        "                nn.init.normal_(module.weight, std=0.25)",
        '            elif name == "third":',
        "                nn.init.kaiming_normal_(module.weight)",
        "            elif isinstance(module, nn.Conv2d):",
        "                nn.init.kaiming_normal_(module.weight)",
        "                if module.bias is not None:",
        "                    nn.init.ones_(module.bias)",
    ]


def test_a_broken_order_is_refused() -> None:
    graph = graph_of("chain")
    paths = {1: "a.x", 2: "b", 3: "a.y"}
    graph.nodes = [replace(node, path=paths.get(node.index, node.path)) for node in graph.nodes]
    with pytest.raises(ValueError, match="do not follow one another"):
        to_source(graph)


def layer_classes() -> list[str]:
    """Those that are modules, with the parts of others."""
    parts = [part for several in PARTS.values() for part in several]
    return [layer_type for layer_type in (*layer_types(), *parts) if _class_of(layer_type).torch_class]


def _class_of(layer_type: str) -> Any:
    found = find_layer(layer_type)
    assert found is not None
    return found


def test_every_layer_is_a_module_or_a_function() -> None:
    primitives = {layer_type for layer_type in layer_types() if not issubclass(_class_of(layer_type), Macro)}
    assert {name for name in primitives if not _class_of(name).torch_class} == set(FUNCTIONS)


def _example(layer_type: str) -> Any:
    """A layer with what some cannot do without to tell their arguments."""
    return _class_of(layer_type).model_construct(out_channels=8, kernel_size=(3, 3), num_heads=2)


def test_classes_outside_torch_nn_have_different_names() -> None:
    paths = {_class_of(layer_type).torch_class for layer_type in layer_classes()}
    outside = [path for path in paths if "." in path]
    assert len({path.rpartition(".")[2] for path in outside}) == len(outside)


def test_the_derived_classes_among_those_with_weights_are_known() -> None:
    classes = [_class_of(layer_type) for layer_type in layer_classes()]
    paths = {cls.torch_class for cls in classes if cls.tensors is not Layer.tensors}
    found: dict[str, list[str]] = {}
    for one, other in itertools.permutations(sorted(paths), 2):
        if issubclass(module_class(other), module_class(one)):
            found.setdefault(one, []).append(other)
    assert {one: tuple(others) for one, others in found.items()} == DERIVED


def _parameters(cls: type[Layer]) -> dict[str, inspect.Parameter]:
    """What PyTorch's class takes; one that hands its arguments on takes those of the class it derives from."""
    module = module_class(cls.torch_class)
    found = dict(inspect.signature(module).parameters)
    if "args" in found:
        found = dict(inspect.signature(module.__mro__[1]).parameters) | found
    return found


def test_left_out_arguments_are_torch_s_defaults() -> None:
    check_each(layer_classes(), check_defaults)


def check_defaults(layer_type: str) -> None:
    cls = _class_of(layer_type)
    theirs = _parameters(cls)
    for name, field in cls.model_fields.items():
        if field.is_required() or (cls.torch_class, name) in DEFAULT_DIFFERS:
            continue
        if name not in theirs:  # an option that this version of torch does not have: written only where it is set
            assert name not in _example(layer_type).torch_arguments()
            continue
        default = theirs[name].default
        if default is inspect.Parameter.empty or (layer_type, name) == ("window_attention_op", "shift_size"):
            continue  # always written; as a list, where windows are shifted
        ours = field.default
        assert ours == default or (isinstance(ours, tuple) and set(ours) == {default}), name


def test_arguments_without_names_are_torch_s_first() -> None:
    check_each(layer_classes(), check_order)


def check_order(layer_type: str) -> None:
    cls = _class_of(layer_type)
    theirs = list(_parameters(cls))
    layer = _example(layer_type)
    names = [*layer.inferred(((8, 8, 8),)), *(cls.model_fields or layer.torch_arguments())]
    ours = list(itertools.takewhile(POSITIONAL.__contains__, names))
    assert theirs[: len(ours)] == ours


@pytest.mark.parametrize("name", INITIALIZERS)
def test_left_out_options_of_initialisers_are_torch_s_defaults(name: str) -> None:
    theirs = inspect.signature(getattr(nn.init, f"{name}_")).parameters
    required = [key for key, value in theirs.items() if value.default is inspect.Parameter.empty][1:]
    cls = find_initializer(name)
    assert cls is not None
    for key, field in cls.model_fields.items():
        assert field.is_required() == (key in required)
        if not field.is_required():
            assert field.default == theirs[key].default


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet50", "ResNet50"),
        ("mobilenet_v2_0_5", "MobileNetV2_0_5"),
        ("U-Net", "UNet"),
        ("vgg tiny", "VggTiny"),
        ("3dnet", "Net3dNet"),
        ("Ünet", "UNet"),
        ("", "Network"),
    ],
)
def test_class_names(text: str, expected: str) -> None:
    assert class_name(text) == expected


def test_literals_are_read_back() -> None:
    for value in (1, -2, 0.1, 1e-5, True, None, "same", 'a"b', "a'b", "a'\"b", "\ud800", (1, 2), (3,), (None, 1)):
        assert ast.literal_eval(literal(value)) == value
    assert string_literal("x") == '"x"'
    assert plain_text('a"\\\n\u202e') == "a'/??"
