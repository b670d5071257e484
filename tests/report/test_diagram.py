"""Architecture diagrams: which boxes there are, what they read, and the three forms."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archlab.api.load import loads
from archlab.cli.main import main
from archlab.report.diagram.boxes import MOST_DRAWN, MOST_EDGES, Diagram, fold_to_boxes
from archlab.report.diagram.svg import diagram_svg
from archlab.report.diagram.text import diagram_dot, diagram_mermaid
from tests import presets
from tests import worst_inputs as worst

SVG = "{http://www.w3.org/2000/svg}"


def diagram_of(name: str, depth: int | None = None) -> Diagram:
    return fold_to_boxes(presets.analysis(name), depth)


def test_a_resnet_has_its_stages() -> None:
    found = diagram_of("resnet50")
    assert [(box.path, box.repeats) for box in found.boxes] == [
        *(("conv1", 1), ("maxpool", 1), ("layer1", 3), ("layer2", 4), ("layer3", 6), ("layer4", 3)),
        *(("avgpool", 1), ("fc", 1)),
    ]
    assert found.boxes[2].text == "conv 1x1 64, conv 3x3 64, conv 1x1 256, add"
    assert not any(edge.is_skip for edge in found.edges)


def test_a_unet_has_its_skips() -> None:
    found = diagram_of("unet")
    names = [box.path for box in found.boxes]
    skips = [(names[edge.source], names[edge.target]) for edge in found.edges if edge.is_skip]
    assert skips == [("enc4", "cat1"), ("enc3", "cat2"), ("enc2", "cat3"), ("enc1", "cat4")]


def test_the_main_path_is_no_skip_where_it_leads_past_boxes() -> None:
    found = diagram_of("resnet50", 3)
    names = ["input", *[box.path for box in found.boxes]]
    edges = {(names[edge.source + 1], names[edge.target + 1]): edge for edge in found.edges}
    body = edges["layer1.0.conv3", "layer1.0.add"]  # past the shortcut's convolution
    assert body.passes
    assert not body.is_skip
    assert edges["maxpool", "layer1.0.shortcut"].is_skip
    assert edges["layer1.1.conv3", "layer1.1.add"].is_main
    assert edges["layer1.0.add", "layer1.1.add"].is_skip
    assert diagram_svg(found).count('class="skip"') == sum(edge.is_skip for edge in found.edges) == 16


def test_a_trunk_that_leads_past_a_head_is_no_skip() -> None:
    assert any(edge.passes for edge in diagram_of("googlenet_aux").edges)
    assert not any(edge.is_skip for edge in diagram_of("googlenet_aux").edges)


def test_thousands_of_boxes_share() -> None:
    found = fold_to_boxes(loads(worst.paths(5_001)).analyze())
    assert [box.path for box in found.boxes[:2]] == ["branch1 to branch3", "branch4 to branch6"]
    assert found.boxes[0].text == "3 layers"
    assert sum(len(box.layers) for box in found.boxes) == len(found.analysis.layers)
    assert len(found.boxes) <= MOST_DRAWN


def test_thousands_of_edges_share() -> None:
    found = fold_to_boxes(loads(worst.dense(300)).analyze(), 1)
    assert len(found.edges) <= MOST_EDGES
    assert found.boxes[0].path == "a0 to add2"
    assert found.boxes[-1].layers[-1].node is found.analysis.graph.nodes[-1]


def test_a_scope_that_holds_nearly_all_is_opened() -> None:
    assert len(diagram_of("vgg16").boxes) > 6
    assert [box.path for box in diagram_of("vgg16", 1).boxes] == ["features", "avgpool", "classifier"]
    assert "features.bneck15" in [box.path for box in diagram_of("mobilenet_v3_large").boxes]


def test_results_are_marked() -> None:
    network = loads("""
        input: [3, 8, 8]
        layers:
          - {name: a, type: conv2d, out_channels: 4, kernel_size: 1}
          - {name: b, type: conv2d, out_channels: 4, kernel_size: 1}
        outputs: [a, b]
    """)
    found = fold_to_boxes(network.analyze())
    assert found.outputs == [0, 1]
    assert diagram_svg(found).count("\N{RIGHTWARDS ARROW} result") == 2


@pytest.mark.parametrize("name", presets.TARGETS)
def test_every_network_can_be_drawn(name: str) -> None:
    """Every layer is in one box, edges lead forward, the picture is well-formed and no larger than a page can show."""
    found = diagram_of(name)
    assert [layer for box in found.boxes for layer in box.layers] == found.analysis.layers
    assert all(-1 <= edge.source < edge.target < len(found.boxes) for edge in found.edges)
    assert {edge.target for edge in found.edges} == set(range(len(found.boxes)))
    picture = ET.fromstring(diagram_svg(found))  # noqa: S314 - our own
    assert len(picture.findall(f"{SVG}g")) == len(found.boxes) <= 60
    assert int(picture.get("width", "0")) < 1000


def test_texts() -> None:
    found = diagram_of("unet")
    mermaid, dot = diagram_mermaid(found), diagram_dot(found)
    assert mermaid.count("-->") + mermaid.count("-.->") == dot.count("->") == len(found.edges)
    assert 'b0["enc1<br/>conv 3x3 64, conv 3x3 64<br/>64x256x256"]' in mermaid
    assert 'b0 [label="enc1\\nconv 3x3 64, conv 3x3 64\\n64x256x256"];' in dot


def test_names_are_data() -> None:
    network = loads("name: '\"<img src=x onerror=alert(1)>'\ninput: [3, 8, 8]\nlayers: [{type: relu}]")
    found = fold_to_boxes(network.analyze())
    assert "<img" not in diagram_svg(found)
    assert ET.fromstring(diagram_svg(found)).find(f"{SVG}title") is not None  # noqa: S314 - our own
    assert 'digraph "\\"<img' in diagram_dot(found)


@pytest.mark.parametrize(("ending", "start"), [("svg", "<svg"), ("mmd", "flowchart"), ("dot", "digraph")])
def test_files(ending: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / f"d.{ending}"
    assert main(["diagram", "resnet18", "-o", str(path)]) == 0
    assert path.read_text().startswith(start)


def test_the_terminal_gets_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "alexnet"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    with pytest.raises(SystemExit) as stop:
        main(["diagram", "alexnet", "-o", "x.png"])
    assert stop.value.code == 2
    assert "-o x.png: the ending must be one of .svg .mmd .dot" in capsys.readouterr().err


def test_options_of_one_number_for_all_axes(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""
        input: [16, 16, 16]
        layers:
          - {type: blur_pool2d}
          - {type: efficient_channel_attention}
          - {type: channels_last}
          - {type: self_attention, num_heads: 4, dilation: 2}
    """)
    words = " ".join(box.text for box in diagram_of(str(path), 9).boxes)
    assert "d2" in words
