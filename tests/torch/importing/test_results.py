"""Results wanted instead of a model's own, and targets written as calls."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from archlab.api.imported import load_foreign, network_of, read_flat
from archlab.diagnostics.problem import ConfigError
from archlab.imports.targets import ImportOptions, reader_of
from archlab.torch.importing.calls import read_call
from archlab.torch.importing.flatten import flatten
from archlab.torch.importing.prove import prove
from archlab.torch.importing.results import with_results
from archlab.torch.importing.sources import Source, open_source
from archlab.torch.importing.ultralytics import without_weights
from archlab.torch.initialize import Undrawn


class Head(nn.Module):
    """Two maps, and what is decoded of them, which no network could say."""

    def __init__(self) -> None:
        super().__init__()
        self.scores, self.boxes = nn.Conv2d(8, 5, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Any:
        scores, boxes = self.scores(x), self.boxes(x)
        kept = scores.flatten() > 0
        return boxes.flatten()[: int(kept.sum())]


def _detector() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), Head()).eval()


def test_outputs_of_modules() -> None:
    model = with_results(_detector(), "2.scores,2.boxes")
    flat = flatten(model, {"input": (3, 8, 8)}, name="model", origin="here")
    assert [item.path for item in flat.items] == ["0", "1", "2.scores", "2.boxes"]
    assert [label for label, _ in flat.outputs] == ["2_scores", "2_boxes"]
    assert flat.output_form == "dict"
    proof = prove(model, flat, network_of(flat).graph)
    assert proof.ok, proof.render()
    assert proof.difference == 0


def test_what_is_behind_does_not_run() -> None:
    model = with_results(_detector(), "0")
    flat = flatten(model, {"input": (3, 8, 8)}, name="model", origin="here")
    assert [item.path for item in flat.items] == ["0"]
    sample = torch.rand(1, 3, 8, 8)
    assert torch.equal(model(sample), model.get_submodule("0")(sample))


def test_there_is_no_such_module() -> None:
    with pytest.raises(ConfigError, match=r"the model has no module '2\.score'; did you mean '2\.scores'\?"):
        with_results(_detector(), "2.score")
    with pytest.raises(ConfigError, match="Sequential is no detector of torchvision's or Ultralytics'"):
        with_results(_detector(), "raw")


class TwoHeads(nn.Module):
    """As Ultralytics' heads of two branches, one of which is there for training alone."""

    end2end = True

    def __init__(self) -> None:
        super().__init__()
        self.many, self.one = (nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(8, 5, 1)]) for _ in range(2))

    @property
    def one2many(self) -> dict[str, nn.Module]:
        return {"box_head": self.many[0], "cls_head": self.many[1]}

    @property
    def one2one(self) -> dict[str, nn.Module]:
        return {"box_head": self.one[0], "cls_head": self.one[1]}

    def forward_head(self, x: Tensor, box_head: nn.Module, cls_head: nn.Module) -> dict[str, Tensor]:
        return {"boxes": box_head(x), "scores": cls_head(x), "feats": x}

    def forward(self, x: Tensor) -> Any:
        found = {
            "one2many": self.forward_head(x, **self.one2many),
            "one2one": self.forward_head(x, **self.one2one),
        }
        return found if self.training else found["one2one"]["boxes"].flatten()[:3]


class TwoHeaded(nn.Module):
    """A model of a list of modules."""

    __module__ = "ultralytics.nn.tasks"

    def __init__(self, *, end2end: bool) -> None:
        super().__init__()
        head = TwoHeads()
        head.end2end = end2end
        self.model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), head)

    def forward(self, x: Tensor) -> Any:
        return self.model(x)


@pytest.mark.parametrize("end2end", [True, False])
def test_of_two_heads_that_alone_runs_which_is_used_afterwards(end2end: bool) -> None:  # noqa: FBT001 - a parameter
    plain = TwoHeaded(end2end=end2end).eval()
    model = with_results(copy.deepcopy(plain), "raw")
    flat = flatten(model, {"input": (3, 8, 8)}, name="model", origin="here")
    used = "one" if end2end else "many"
    assert [item.path for item in flat.items] == ["model.0", f"model.1.{used}.0", f"model.1.{used}.1"]
    proof = prove(model, flat, network_of(flat).graph)
    assert proof.ok, proof.render()
    assert proof.difference == 0
    model.load_state_dict(plain.state_dict())
    sample = torch.rand(1, 3, 8, 8)
    head = plain.model[-1].train()
    expected = head(plain.model[0](sample))["one2one" if end2end else "one2many"]
    found = model(sample)
    assert list(found) == ["boxes", "scores"]
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_raw_result_that_is_one_map_has_no_label() -> None:
    """As of classifiers, whose head leaves out the softmax in training."""
    model = TwoHeaded(end2end=True)
    model.model = nn.Sequential(nn.Conv2d(3, 8, 3))
    flat = flatten(with_results(model, "raw"), {"input": (3, 8, 8)}, name="model", origin="here")
    assert (flat.output_form, [label for label, _ in flat.outputs]) == ("single", ["output"])


class Queries(nn.Module):
    """As RT-DETR's head, whose decoder refines what is best of all positions."""

    def __init__(self) -> None:
        super().__init__()
        self.enc_output = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8))
        self.enc_score_head, self.enc_bbox_head = nn.Linear(8, 5), nn.Linear(8, 4)
        self.decoder = nn.Linear(8, 8)

    def _get_decoder_input(self, features: Tensor, limit: int) -> Tensor:
        made = self.enc_output(features)
        best = self.enc_score_head(made).max(-1).values.topk(limit, dim=1).indices
        taken: Tensor = made.gather(1, best[..., None].expand(-1, -1, 8))
        result: Tensor = taken + self.enc_bbox_head(made).sum()
        return result

    def forward(self, x: Tensor) -> Any:
        return self.decoder(self._get_decoder_input(x.flatten(2).permute(0, 2, 1), 3))


class Transformer(TwoHeaded):
    """One with that head."""

    __module__ = "ultralytics.nn.tasks"

    def __init__(self) -> None:
        super().__init__(end2end=True)
        self.model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Queries())


def test_raw_results_of_a_transformer_are_those_of_all_positions() -> None:
    model = with_results(Transformer(), "raw")
    flat = flatten(model, {"input": (3, 4, 6)}, name="model", origin="here")
    assert not [item for item in flat.items if "." in item.type]
    assert [label for label, _ in flat.outputs] == ["scores", "boxes"]
    assert flat.remarks == ["72 params in 2 tensors take no part (model)"]  # the decoder's
    network = network_of(flat)
    assert [tuple(network.graph.nodes[index].shape) for _, index in network.graph.outputs] == [(24, 5), (24, 4)]
    proof = prove(model, flat, network.graph)
    assert proof.ok, proof.render()
    assert "_get_decoder_input" not in vars(model.get_submodule("model.1"))


def test_a_model_s_own_inputs_are_given_by_name_or_the_first_alone() -> None:
    own = {"image": (3, 64, 64), "text": (5, 32)}
    source = Source(nn.Identity, "here:model", "model", "here", lambda _model: own)

    def inputs(given: Any) -> dict[str, Any]:
        return source.inputs(nn.Identity(), ImportOptions(input=given))

    assert inputs(None) == own
    assert inputs((3, 32, 48)) == {"image": (3, 32, 48), "text": (5, 32)}
    assert inputs({"text": (7, 32)}) == {"image": (3, 64, 64), "text": (7, 32)}
    assert list(inputs({"text": (7, 32), "image": (3, 8, 8)})) == ["image", "text"]
    with pytest.raises(ConfigError, match="here:model has no input 'texts'; did you mean 'text'"):
        inputs({"texts": (7, 32)})


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_raw_maps_of_torchvisions_detectors(name: str) -> None:
    options = ImportOptions(until="raw")
    flat = read_flat(f"torchvision:{name}", options)
    assert not [item for item in flat.items if "." in item.type]
    model = open_source(f"torchvision:{name}", options).made("cpu")
    with Undrawn():
        plain = torchvision.models.get_model(name, weights=None, weights_backbone=None).eval()
    plain.load_state_dict(model.state_dict())
    sample = torch.rand(1, *flat.inputs["input"])
    with torch.no_grad():
        features = list(plain.backbone(sample).values())
        expected = plain.head(features)["cls_logits"] if "ssd" in name else plain.rpn.head(features)[0][0]
        assert torch.equal(model.eval()(sample)["cls_logits" if "ssd" in name else "objectness_0"], expected)
    total = network_of(flat).analyze().total
    used = {name for item in flat.items for name in item.tensors.values()}
    assert total.params == sum(one.numel() for name, one in model.named_parameters() if name in used)


REFUSED = {
    "torchvision:fcos_resnet50_fpn": "is a detector, whose boxes depend on what it finds; give --until raw",
    "hf:google/vit": "what transformers knows under 'google/vit' has to be fetched first",
}


@pytest.mark.parametrize("target", REFUSED)
def test_what_is_not_read_is_told(target: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_foreign(target, ImportOptions())
    assert REFUSED[target] in caught.value.problems[0].message


def test_calls() -> None:
    assert read_call("t", "Unet") == ("Unet", {})
    text = "Unet(encoder_name=resnet34, classes=3, weights=null, depths=[1, 2], size=(2, 3), on=true)"
    found = {"encoder_name": "resnet34", "classes": 3, "weights": None, "depths": [1, 2], "size": (2, 3), "on": True}
    assert read_call("t", text) == ("Unet", found)
    for wrong in ("Unet(", "Unet(resnet34)", "a.b()", "Unet(x=f())", "Unet(**x)", "Unet(x=1)(2)", "(" * 500, "1 + 1"):
        with pytest.raises(ConfigError, match="is not read: behind the colon stands a name"):
            read_call("smp:t", wrong)


def test_which_reader(tmp_path: Any) -> None:
    assert reader_of("smp:Unet(encoder_name=resnet34)") == "smp"
    assert reader_of("ultralytics:yolov8n.yaml") == "ultralytics"
    assert reader_of("net.yaml") is None
    file = tmp_path / "net.yaml"
    file.write_text("nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n")
    assert reader_of(str(file)) == "ultralytics"
    file.write_text("input: [3, 8, 8]\nlayers: [{type: relu}]\n")
    assert reader_of(str(file)) is None


def test_a_quantized_model_is_refused_in_plain_words() -> None:
    model = nn.Sequential(nn.Identity(), torch.ao.nn.quantized.ReLU6()).eval()  # type: ignore[no-untyped-call]
    with pytest.raises(ConfigError, match="the model is quantized: '1' is a ReLU6"):
        flatten(model, {"input": (3, 8, 8)}, name="a", origin="b")


def test_rows_of_torchvision_s_models_fetch_no_weights() -> None:
    config: dict[str, Any] = {
        "backbone": [[-1, 1, "TorchVision", [512, "resnet18", "DEFAULT", True, 2]]],
        "head": [[-1, 1, "Classify", [10]]],
    }
    without_weights(config)
    assert config["backbone"] == [[-1, 1, "TorchVision", [512, "resnet18", None, True, 2]]]
    assert config["head"] == [[-1, 1, "Classify", [10]]]


class Written(nn.Module):
    """Attention by `einsum`, heads behind the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k = (part(x).flatten(2).unflatten(1, (2, 4)) for part in (self.q, self.k))
        weights = torch.einsum("bhdi,bhdj->bhij", q, k).softmax(-1)
        return torch.einsum("bhij,bhdj->bhdi", weights, k)


def test_einsum_of_two_values_is_a_product_of_matrices() -> None:
    model = Written().eval()
    flat = flatten(model, {"input": (3, 4, 5)}, name="a", origin="b")
    network = network_of(flat)
    assert [item.type for item in flat.items].count("matmul") == 2
    proof = prove(model, flat, network.graph)
    assert proof.ok, proof.render()
    assert proof.difference is not None
    assert proof.own_macs == 2 * 8 * 20 * 3 + 2 * 2 * 20 * 20 * 4
