"""What makes a preset small and quick to run, as a config that extends it says it: see `presets.shallow`."""

from archlab.config.tree.presets import find_preset_file

_TWO_STAGES = "layers: {layer3: null, layer4: null}"
_TWICE = "layers: {layer1: {repeat: 2}, layer2: {repeat: 2}, layer3: null, layer4: null}"
_STAGES = "layers: {stage1: {repeat: 1}, stage2: {repeat: 2}, stage3: null, stage4: null}"
_TWO_OF_FIVE = "layers: {stage3: null, stage4: null, stage5: null}"
_DEFORMABLE = "layers: {layer1: {repeat: 1}, layer2: {repeat: 2}, layer3: null, layer4: {repeat: 2, width: 256}}"
_DILATED = "layers: {layer1: {repeat: 1}, layer2: {repeat: 1}, layer3: {repeat: 2}, layer4: {repeat: 2, width: 128}}"
_SHUFFLENET = "layers: {stage2: {repeat: 2}, stage3: {repeat: 1}, stage4: null}"
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
_UNET = """
params: {width: 16}
layers:
  {enc3: null, maxpool3: null, enc4: null, maxpool4: null, up4: null, cat1: null, dec4: null, up3: null, cat2: null,
   dec3: null}
"""
_EFFICIENTDET = """
params: {cells: 2, rows: 1}
blocks:
  backbone:
    {extends: efficientnet_b0, outputs: [stage3, stage5, stage7], params: {n2: 2, n3: 3, n4: 6, n5: 7, n6: 8, n7: 9}}
"""
_RETINANET = """
params: {width: 64}
blocks:
  backbone: {extends: resnet50, outputs: [layer2, layer3, layer4], params: {d1: 2, d2: 1, d3: 1, d4: 1}}
"""
_S3D = "layers: {inception3b: null, inception4b: null, inception4c: null, inception4d: null, inception4e: null}"
_INCEPTION = "layers: {Mixed_5c: null, Mixed_5d: null, Mixed_6c: null, Mixed_6d: null, Mixed_7c: null}"
_GOOGLENET = "layers: {inception3b: null, inception4b: null, inception4c: null, inception4e: null}"
_MNASNET = "layers: {stage2: {repeat: 1}, stage3: {repeat: 2}, stage4: {repeat: 1}, stage5: null}"


def _hrnet() -> str:
    """Its own blocks, but with one unit at each resolution where it has four."""
    path = find_preset_file("hrnet")
    assert path is not None
    blocks, _, _ = path.read_text(encoding="utf-8").partition("\nblocks:")[2].partition("\nlayers:")
    assert blocks.count("use: basic, repeat: 4") == 9
    few = blocks.replace("use: basic, repeat: 4", "use: basic")
    return f"layers: {{layer1: {{repeat: 2}}, stage3: {{repeat: 1}}, stage4: {{repeat: 1}}}}\nblocks:{few}"


SHALLOW = {
    "alexnet": _TOWER,
    "alexnet_v2_slim": _TOWER.replace("params: {pool_size: 2}", ""),
    "vgg11": _CLASSIFIER,
    "vgg11_bn": _CLASSIFIER,
    "unet": _UNET,
    "unet_bilinear": _UNET,
    "unet_transposed": _UNET,
    "unet_transposed_k4": _UNET,
    "mobilenet_v3_small": _SMALL,
    "mobilenet_v3_large": _LARGE,
    "resnet18": f"params: {{d2: 1}}\n{_TWO_STAGES}",
    "resnet50": f"params: {{d1: 2, d2: 2}}\n{_TWO_STAGES}",
    "resnet50_slim": "params: {d1: 2, d4: 2}\nlayers: {layer2: null, layer3: null, layer4: {width: 128}}",
    "resnext50_32x4d": f"params: {{d1: 2, d2: 2}}\n{_TWO_STAGES}",
    "densenet121": "params: {d1: 2, d2: 2, d3: 1, d4: 1}",
    "convnext_tiny": "params: {d1: 1, d2: 1, d3: 2, d4: 1}",
    "convnextv2_atto": "params: {d1: 1, d2: 1, d3: 2, d4: 1}",
    "efficientnet_b0": "params: {n2: 2, n3: 3, n4: 6, n5: 7, n6: 8, n7: 9}",
    "mobilenet_v1_1_0": _TWO_OF_FIVE,
    "mobilenet_v1_slim": _TWO_OF_FIVE,
    "mobilenet_v2": "layers: {stage3: {repeat: 3}, stage4: null, stage5: null, stage6: null}",
    "res2net50_26w_4s": _TWICE,
    "deformable_resnet50_bounded": _TWICE,
    "deformable_resnet50_v1": _DEFORMABLE,
    "deformable_resnet50_v2": _TWICE,
    "xception": "layers: {middle: {repeat: 1}}",
    "regnet_y_400mf": "params: {depth: 6, w_a: 80}",
    "shufflenet_v1_g2": _SHUFFLENET,
    "shufflenet_v2_x0_5": _SHUFFLENET,
    "shufflenet_v2_x1_0": _SHUFFLENET,
    "shufflenet_v2_x1_5": _SHUFFLENET,
    "shufflenet_v2_x2_0": _SHUFFLENET,
    "squeezenet1_0": "layers: {fire3: null, fire5: null, fire6: null, fire7: null}",
    "squeezenet1_1": "layers: {fire5: null, fire7: null, fire8: null, fire9: null}",
    "hrnet_w18": _hrnet(),
    "hourglass_2": "params: {levels: 2}",
    "efficientnet_b5": "params: {n1: 3, n2: 5, n3: 6, n4: 7, n5: 8, n6: 9, n7: 10}",
    "efficientnet_v2_s": "params: {n1: 3, n2: 5, n3: 6, n4: 9, n5: 10, n6: 11, n7: 11}",
    "resnest14d": _TWO_STAGES,
    "resnest50d_4s2x40d": _TWICE,
    "resnest50d_1s4x24d": _TWICE,
    "dm_nfnet_f0": _STAGES,
    "nfnet_f0": _STAGES,
    "eca_nfnet_l0": _STAGES,
    "se_resnet50": _TWICE,
    "coatnet_0_rw_224": "layers: {stage2: null, stage3: {repeat: 2}, stage4: null}",
    "mobilevit_xxs": "layers: {stage4: null, mobilevit4: null, stage5: null, mobilevit5: null}",
    "yolov3": "layers: {stage2: {repeat: 1}, stage3: {repeat: 2}, stage4: {repeat: 1}, stage5: {repeat: 1}}",
    "mnasnet0_5": _MNASNET,
    "s3d": _S3D,
    "r3d_18": _TWO_STAGES,
    "mc3_18": _TWO_STAGES,
    "r2plus1d_18": _TWO_STAGES,
    "inception_v3": _INCEPTION,
    "inception_v3_aux": _INCEPTION,
    "googlenet": _GOOGLENET,
    "googlenet_aux": _GOOGLENET,
    "fcn_resnet50": _DILATED,
    "deeplabv3_resnet50": _DILATED,
    "efficientdet_d0": _EFFICIENTDET,
    "retinanet_resnet50_fpn": _RETINANET,
}
"""Fewer repetitions, stages and features, by preset."""
