"""What makes a preset small and quick to run, as a config that extends it says it: see `presets.shallow`."""

_TWICE = "{layer1: {repeat: 2}, layer2: {repeat: 2}, layer3: {repeat: 2}, layer4: {repeat: 2}}"
_STAGES = "layers: {stage1: {repeat: 1}, stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}"
_CLASSIFIER = """
blocks:
  classifier:
    layers:
      - {type: linear, out_features: 64}
      - {type: relu, inplace: true}
      - {type: dropout, p: $dropout}
      - {type: linear, out_features: 64}
      - {type: relu, inplace: true}
      - {type: dropout, p: $dropout}
      - {type: linear, out_features: $num_classes}
"""
"""VGG's; the hundred million parameters of its own take time, and show no more."""
_TOWER = """
params: {pool_size: 2}
blocks:
  classifier:
    layers:
      - {type: dropout, p: $dropout}
      - {type: linear, out_features: 64}
      - {type: relu, inplace: true}
      - {type: dropout, p: $dropout}
      - {type: linear, out_features: 64}
      - {type: relu, inplace: true}
      - {type: linear, out_features: $num_classes}
"""
_SMALL = """
blocks:
  small:
    layers:
      - {use: bneck, kernel: 3, exp: 16, out: 16, se: true, act: relu, stride: 2}
      - {use: bneck, kernel: 3, exp: 72, out: 24, se: false, act: relu, stride: 2}
      - {use: bneck, kernel: 3, exp: 88, out: 24, se: false, act: relu}
      - {use: bneck, kernel: 5, exp: 96, out: 40, se: true, act: hardswish, stride: 2}
      - {use: bneck, kernel: 5, exp: 240, out: 40, se: true, act: hardswish, repeat: 2}
"""
_LARGE = """
blocks:
  large:
    layers:
      - {use: bneck, kernel: 3, exp: 16, out: 16, se: false, act: relu}
      - {use: bneck, kernel: 3, exp: 64, out: 24, se: false, act: relu, stride: 2}
      - {use: bneck, kernel: 5, exp: 72, out: 40, se: true, act: relu, stride: 2}
      - {use: bneck, kernel: 5, exp: 120, out: 40, se: true, act: relu, repeat: 2}
      - {use: bneck, kernel: 3, exp: 240, out: 80, se: false, act: hardswish, stride: 2}
      - {use: bneck, kernel: 3, exp: 200, out: 80, se: false, act: hardswish}
      - {use: bneck, kernel: 5, exp: 672, out: 160, se: true, act: hardswish, stride: 2}
      - {use: bneck, kernel: 5, exp: 960, out: 160, se: true, act: hardswish}
"""
SHALLOW = {
    "alexnet": _TOWER,
    "vgg11": _CLASSIFIER,
    "vgg11_bn": _CLASSIFIER,
    "unet": "params: {width: 16}",
    "unet_bilinear": "params: {width: 16}",
    "mobilenet_v3_small": _SMALL,
    "mobilenet_v3_large": _LARGE,
    "resnet50_slim": "params: {d1: 2, d2: 2, d3: 2, d4: 2}",
    "resnet18": "params: {d2: 1, d3: 1, d4: 1}",
    "resnet50": "params: {d1: 2, d2: 2, d3: 2, d4: 2}",
    "resnext50_32x4d": "params: {d1: 2, d2: 2, d3: 2, d4: 2}",
    "densenet121": "params: {d1: 3, d2: 3, d3: 3, d4: 3}",
    "convnext_tiny": "params: {d1: 1, d2: 1, d3: 2, d4: 1}",
    "efficientnet_b0": "params: {n2: 2, n3: 3, n4: 6, n5: 7, n6: 8, n7: 9}",
    "mobilenet_v2": "layers: {stage3: {repeat: 2}, stage4: {repeat: 3}, stage5: {repeat: 2}, stage6: {repeat: 2}}",
    "res2net50_26w_4s": f"params: {{d3: 2}}\nlayers: {_TWICE}",
    "deformable_resnet50_bounded": f"layers: {_TWICE}",
    "deformable_resnet50_v1": f"layers: {_TWICE}",
    "xception": "layers: {middle: {repeat: 1}}",
    "regnet_y_400mf": "params: {depth: 6, w_a: 80}",
    "shufflenet_v2_x0_5": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "shufflenet_v2_x1_0": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "hrnet_w18": "layers: {layer1: {repeat: 3}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "efficientnet_b5": "params: {n1: 1, n2: 4, n3: 6, n4: 8, n5: 10, n6: 12, n7: 14}",
    "efficientnet_v2_s": "params: {n1: 2, n2: 4, n3: 6, n4: 8, n5: 10, n6: 12, n7: 12}",
    "resnest50d_4s2x40d": f"layers: {_TWICE}",
    "resnest50d_1s4x24d": f"layers: {_TWICE}",
    "dm_nfnet_f0": _STAGES,
    "nfnet_f0": _STAGES,
    "eca_nfnet_l0": _STAGES,
    "se_resnet50": f"layers: {_TWICE}",
    "deformable_resnet50_v2": f"layers: {_TWICE}",
    "coatnet_0_rw_224": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}}",
    "shufflenet_v2_x1_5": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "shufflenet_v2_x2_0": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "yolov3": "layers: {stage2: {repeat: 1}, stage3: {repeat: 2}, stage4: {repeat: 2}, stage5: {repeat: 2}}",
    "mnasnet0_5": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage5: {repeat: 2}}",
}
"""Fewer repetitions and features, by preset."""
