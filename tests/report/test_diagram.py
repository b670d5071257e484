"""Architecture diagrams: which boxes there are, what they read, and the three forms."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archlab.api.load import loads
from archlab.cli.main import main
from archlab.layers.shape import shape_text
from archlab.report.diagram.boxes import MOST_DRAWN, MOST_EDGES, Box, Diagram, fold_to_boxes
from archlab.report.diagram.colours import DARK, HEAT, HEAT_DARK, LIGHT
from archlab.report.diagram.svg import diagram_pdf, diagram_svg
from archlab.report.diagram.text import diagram_dot, diagram_mermaid
from archlab.report.diagram.u_shape import u_of
from tests import presets
from tests import worst_inputs as worst
from tests.chunks import check_each, in_chunks

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
    for box in found.boxes[2:6]:
        assert skips_in(box) == [("", "add")]  # the identity
    assert [box.first for box in found.boxes[2:4]] == ["conv 1x1 256", "conv 3x3 /2 128, conv 1x1 /2 512"]


def skips_in(box: Box) -> list[tuple[str, str]]:
    """From where to where the shortcuts in a stage lead; what comes in has no name."""
    assert box.inside is not None
    names = ["", *[one.path for one in box.inside.boxes]]
    return [(names[edge.source + 1], names[edge.target + 1]) for edge in box.inside.edges if edge.is_skip]


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "densenet121", "mobilenet_v2", "efficientnet_b0"])
def test_residual_networks_show_their_shortcuts(name: str) -> None:
    found = diagram_of(name)
    assert any(skips_in(box) for box in found.boxes if box.inside is not None)
    assert 'class="skip"' in diagram_svg(found)
    assert "-.->" in diagram_mermaid(found)
    assert "style=dashed" in diagram_dot(found)


def test_branches_are_no_shortcuts() -> None:
    """Inception's stand side by side; those of an HRNet, which are added, do as much as one another."""
    for box in diagram_of("googlenet").boxes:
        if box.inside is not None:
            assert skips_in(box) == []
            assert [edge.source for edge in box.inside.edges].count(-1) == 4
    stages = [box for box in diagram_of("hrnet_w18").boxes if box.path.startswith("stage")]
    assert [skips_in(box) for box in stages] == [[], [], []]
    assert [
        len({v for edge in box.inside.edges if edge.source < 0 for v in edge.values}) for box in stages if box.inside
    ] == [2, 3, 4]


def test_alike_blocks_are_counted() -> None:
    names = {box.path: box.repeats for box in diagram_of("mobilenet_v3_large").boxes}
    assert names["features.bneck5 to bneck6"] == names["features.bneck14 to bneck15"] == 2
    assert names["features.bneck4"] == 1


def test_a_unet_has_its_skips() -> None:
    found = diagram_of("unet")
    names = [box.path for box in found.boxes]
    skips = [(names[edge.source], names[edge.target]) for edge in found.edges if edge.is_skip]
    assert skips == [("enc4", "cat1"), ("enc3", "cat2"), ("enc2", "cat3"), ("enc1", "cat4")]


@pytest.mark.parametrize("depth", [3, 9])
def test_shortcut_and_main_path_at_every_depth(depth: int) -> None:
    """The body is the main path; the identity, and both ends of a projection, are the shortcut."""
    found = diagram_of("resnet50", depth)
    names = ["input", *[box.path for box in found.boxes]]
    edges = {(names[edge.source + 1], names[edge.target + 1]): edge for edge in found.edges}
    skips = [
        *("layer1.0.add", "layer1.1.add", "layer1.2.add"),
        *(f"layer2.{unit}.add" for unit in range(4)),
        *(f"layer3.{unit}.add" for unit in range(6)),
        *(f"layer4.{unit}.add" for unit in range(3)),
    ]
    assert sorted({target for (_, target), edge in edges.items() if edge.is_skip and target.endswith("add")}) == skips
    into, out = (next(pair for pair in edges if "layer1.0.shortcut" in pair[at]) for at in (1, 0))
    assert into[0] == "maxpool"
    assert out[1] == "layer1.0.add"
    assert edges[into].is_skip
    assert edges[out].is_skip
    assert edges["layer1.0.conv3", "layer1.0.add"].is_main
    assert edges["layer1.1.conv3", "layer1.1.add"].is_main
    assert not any(edge.is_main and edge.is_skip for edge in found.edges)
    assert diagram_svg(found).count('class="skip"') == sum(edge.is_skip for edge in found.edges) == 20


def test_the_shortcut_is_known_whichever_way_it_is_added() -> None:
    """Imported networks add the identity first."""
    text = """
        input: [8, 16, 16]
        layers:
          - {name: stem, type: conv2d, out_channels: 8, kernel_size: 1}
          - {name: a, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: b, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: c, type: add, from: FROM, with: [WITH]}
    """
    for first, second in (("stem", "b"), ("b", "stem")):
        found = fold_to_boxes(loads(text.replace("FROM", first).replace("WITH", second)).analyze(), 1)
        assert [(edge.source, edge.target) for edge in found.edges if edge.is_skip] == [(0, 3)]
        assert [(edge.source, edge.target) for edge in found.edges if edge.is_main] == [(-1, 0), (0, 1), (1, 2), (2, 3)]


def test_a_gate_is_no_shortcut() -> None:
    """What scales a map stands beside the main path, which is the map."""
    found = diagram_of("se_resnet50", 9)
    gates = [edge for edge in found.edges if found.boxes[edge.target].layers[0].node.layer.type == "multiply"]
    assert len(gates) == 32
    assert not any(edge.is_skip for edge in gates)


def test_a_trunk_that_leads_past_a_head_is_no_skip() -> None:
    assert any(edge.target - edge.source > 1 for edge in diagram_of("googlenet_aux").edges)
    assert not any(edge.is_skip for edge in diagram_of("googlenet_aux").edges)


def test_thousands_of_alike_paths_are_one_box() -> None:
    found = fold_to_boxes(loads(worst.paths(5_001)).analyze())
    assert [(box.path, box.repeats, box.beside) for box in found.boxes[:1]] == [("branch1 to branch5001", 5_001, True)]
    assert "5001 side by side" in diagram_svg(found)
    assert sum(len(box.layers) for box in found.boxes) == len(found.analysis.layers)


def test_thousands_of_boxes_share() -> None:
    found = fold_to_boxes(loads(worst.concatenated_paths(2_501)).analyze())
    assert len(found.boxes) <= MOST_DRAWN
    assert found.boxes[0].text.endswith(" layers")
    assert sum(len(box.layers) for box in found.boxes) == len(found.analysis.layers)
    picture = ET.fromstring(diagram_svg(found))  # noqa: S314 - our own
    assert float(picture.get("width", "0")) < 6_000


def test_thousands_of_edges_share() -> None:
    found = fold_to_boxes(loads(worst.dense(300)).analyze(), 1)
    assert len(found.edges) <= MOST_EDGES
    assert found.boxes[0].path == "a0 to add2"
    assert found.boxes[-1].layers[-1].node is found.analysis.graph.nodes[-1]


def test_a_scope_that_holds_nearly_all_is_opened() -> None:
    assert len(diagram_of("vgg16").boxes) > 6
    assert [box.path for box in diagram_of("vgg16", 1).boxes] == ["features", "avgpool", "classifier"]
    assert "features.bneck13" in [box.path for box in diagram_of("mobilenet_v3_large").boxes]


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


@pytest.mark.parametrize("names", in_chunks(presets.TARGETS, 12))
def test_every_network_can_be_drawn(names: list[str]) -> None:
    check_each(names, check_drawn)


def check_drawn(name: str) -> None:
    """Every layer is in one box, edges lead forward, the picture is well-formed and no larger than a page can show."""
    found = diagram_of(name)
    assert [layer for box in found.boxes for layer in box.layers] == found.analysis.layers
    assert all(-1 <= edge.source < edge.target < len(found.boxes) for edge in found.edges)
    assert {edge.target for edge in found.edges} == set(range(len(found.boxes)))
    drawn = found.boxes + [inner for box in found.boxes if box.inside for inner in box.inside.boxes]
    picture = ET.fromstring(diagram_svg(found))  # noqa: S314 - our own
    assert (
        len([group for group in picture.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]) == len(drawn) <= 220
    )
    assert int(picture.get("width", "0")) < 2200
    assert_apart(picture)


def assert_apart(picture: ET.Element) -> None:
    """No box covers another, but for those in a stage; every one is in the picture."""
    stages: list[tuple[float, float, float, float]] = []
    boxes: list[tuple[float, float, float, float]] = []
    for rect in picture.iter(f"{SVG}rect"):
        css = rect.get("class", "")
        if css not in ("back", "head"):
            x, y, width, height = (float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
            (stages if css == "group" else boxes).append((x, y, x + width, y + height))
    whole = (0, 0, float(picture.get("width", "0")), float(picture.get("height", "0")))
    for box in [*boxes, *stages]:
        assert whole[0] <= box[0] < box[2] <= whole[2]
        assert whole[1] <= box[1] < box[3] <= whole[3]
    for kind in (boxes, stages):
        for a in kind:
            assert not any(a is not b and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in kind)


def test_texts() -> None:
    found = diagram_of("unet")
    mermaid, dot = diagram_mermaid(found), diagram_dot(found)
    assert mermaid.count("-->") + mermaid.count("-.->") == dot.count("->") == len(found.edges) + 1  # to the result
    assert mermaid.count("-.->") == dot.count("style=dashed") == 4
    assert 'b0["enc1<br/>conv 3x3 64, conv 3x3 64<br/>38.85 k params, 2.529 G MACs"]' in mermaid
    assert 'b0 [label="enc1\\nconv 3x3 64, conv 3x3 64\\n38.85 k params, 2.529 G MACs"];' in dot


@pytest.mark.parametrize(
    "name", ["unet", "resnet50", "googlenet", "hrnet_w18", "densenet121", "retinanet_resnet50_fpn"]
)
def test_shapes_stand_at_the_lines_of_texts(name: str) -> None:
    """At each line out of a box that is one layer: the shape that this layer gives; the results have theirs."""
    found = diagram_of(name)
    nodes = found.analysis.graph.nodes
    lines = re.findall(r"^  (\w+) -\.?->\|([^|]+)\| (\w+)$", diagram_mermaid(found), re.MULTILINE)
    of_dot = re.findall(r'^  (\w+) -> (\w+) \[label="([^"]+)"', diagram_dot(found), re.MULTILINE)
    assert [(source, target, shapes) for source, shapes, target in lines] == of_dot
    by_name = {f"b{number}": box for number, box in enumerate(found.boxes)}
    for source, shapes, _ in lines:
        assert re.fullmatch(r"\d+(x\d+)*(, \d+(x\d+)*)*", shapes)
        box = by_name.get(source)
        if box is not None and len(box.layers) == 1:
            assert shapes == shape_text(box.shape)
    results = {target: shapes for _, shapes, target in lines if target.startswith("r")}
    assert [results[f"r{at}"] for at in range(len(results))] == [
        shape_text(nodes[index].shape) for _, index in found.analysis.graph.outputs
    ]


@pytest.mark.parametrize("name", ["unet_transposed_k4", "unet_bilinear", "unet3d"])
def test_a_unet_is_drawn_as_a_u(name: str) -> None:
    """The encoder comes down on the left, the decoder goes up on the right, each shortcut leads straight across."""
    found = diagram_of(name)
    shape = u_of(found)
    assert shape is not None
    assert [edge for edge in found.edges if edge.is_skip] == sorted(shape.levels, key=lambda edge: edge.target)
    picture = ET.fromstring(diagram_svg(found))  # noqa: S314 - our own
    place = {}
    for group in picture.iter(f"{SVG}g"):
        title, rect = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        if title is not None and rect is not None:
            box = [float(rect.get(key, "")) for key in ("x", "y", "width", "height")]
            place[str(title.text).partition(":")[0].partition(" ")[0]] = box
    boxes = [place[box.path] for box in found.boxes]
    left, right = [boxes[at] for at in shape.down], [boxes[at] for at in shape.up]
    assert max(x + width for x, _, width, _ in left) < min(x for x, _, _, _ in right)
    assert all(above[1] + above[3] < below[1] for above, below in pairwise(left))
    assert all(above[1] + above[3] < below[1] for below, above in pairwise(right))
    for edge in shape.levels:
        one, other = boxes[edge.source], boxes[edge.target]
        assert one[1] + one[3] / 2 == pytest.approx(other[1] + other[3] / 2, abs=0.2)
    lowest = boxes[shape.down[-1]]
    assert lowest[1] + lowest[3] / 2 > boxes[shape.up[0]][1] + boxes[shape.up[0]][3]  # around the corner
    wide, high = (float(picture.get(key, "")) for key in ("width", "height"))
    assert all(x >= 0 and x + width <= wide and y >= 0 and y + height <= high for x, y, width, height in boxes)
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("class") == "skip"]) == len(shape.levels)
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("class") == "main"]) == len(found.boxes)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "hrnet_w18", "hourglass_2", "vgg11", "googlenet"])
def test_other_networks_are_none(name: str) -> None:
    assert u_of(diagram_of(name)) is None


def test_a_u_without_a_box_below() -> None:
    """The innermost shortcut may lead past one box alone; its line leads across, too."""
    text = """
        input: [4, 16, 16]
        layers:
          - {name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
          - {name: b, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
          - {name: c, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
          - {name: d, type: add, with: [b]}
          - {name: e, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
          - {name: f, type: add, with: [a]}
    """
    found = fold_to_boxes(loads(text).analyze(), 1)
    shape = u_of(found)
    assert shape is not None
    assert (shape.down, shape.up) == ((0, 1, 2), (3, 4, 5))
    assert ET.fromstring(diagram_svg(found)) is not None  # noqa: S314 - our own


def test_stages_are_subgraphs() -> None:
    """In text, too, a residual network is no chain: lines lead into the stages and out of them."""
    mermaid, dot = diagram_mermaid(diagram_of("resnet18")), diagram_dot(diagram_of("resnet18"))
    assert '  subgraph s2["layer1 x2: 148.0 k params, 462.4 M MACs"]' in mermaid
    assert "  b1 -.->|64x56x56| b2_2" in mermaid
    assert "  b2_2 -->|64x56x56| b3_0" in mermaid
    assert 'subgraph cluster_2 { label="layer1 x2: 148.0 k params, 462.4 M MACs";' in dot
    assert '  b1 -> b2_2 [label="64x56x56", style=dashed, constraint=false];' in dot


def test_shapes_stand_at_the_lines() -> None:
    picture = ET.fromstring(diagram_svg(diagram_of("hrnet_w18")))  # noqa: S314 - our own
    shapes = [text.text for text in picture.iter(f"{SVG}text") if text.get("class") == "shape"]
    assert {"18x56x56", "36x28x28", "72x14x14", "144x7x7", "256x56x56"} <= set(shapes)
    assert shapes[-1] == "1000 \N{RIGHTWARDS ARROW} result"


def test_no_text_is_cut_beside_empty_space() -> None:
    for name in ("resnet50", "googlenet", "mobilenet_v3_large", "hrnet_w18", "efficientdet_d0"):
        assert "\N{HORIZONTAL ELLIPSIS}" not in diagram_svg(diagram_of(name))


def luminance(colour: str) -> float:
    """Relative, as WCAG 2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("colours", "heat"), [(LIGHT, HEAT), (DARK, HEAT_DARK)])
def test_contrast(colours: dict[str, str], heat: tuple[str, ...]) -> None:
    """Texts 4.5 to 1 and lines 3 to 1, on all that they stand on."""
    for ground in ("box", "group", "head", "back"):
        assert contrast(colours["ink"], colours[ground]) > 7
        assert contrast(colours["faint"], colours[ground]) > 4.5
    for line in ("line", "main", "skip"):
        assert min(contrast(colours[line], colours[ground]) for ground in ("group", "back")) > 3
    assert min(contrast(colours["ink"], fill) for fill in heat) > 4.5
    assert contrast(colours["main"], colours["skip"]) > 1.5  # and the skip is no straight line
    steps = [luminance(fill) for fill in heat]
    assert steps == sorted(steps, reverse=colours is LIGHT)  # they tell their order in grey, too


@pytest.mark.parametrize("figure", ["params", "macs", "memory"])
def test_colours_by_cost(figure: str) -> None:
    """The dearest box has the last colour, and every box says what it costs."""
    found = diagram_of("vgg16")
    picture = ET.fromstring(diagram_svg(found, colour=figure))  # noqa: S314 - our own
    drawn = {
        group.findtext(f"{SVG}title", "").partition(":")[0]: group.find(f"{SVG}rect").get("class")  # type: ignore[union-attr]
        for group in picture.iter(f"{SVG}g")
    }
    costs = {
        f"{box.path} \N{MULTIPLICATION SIGN}{box.repeats}".removesuffix(" \N{MULTIPLICATION SIGN}1"): getattr(
            box, figure
        )
        for box in found.boxes
    }
    assert drawn[max(costs, key=lambda path: costs[path])] == "c4"
    assert drawn[min(costs, key=lambda path: costs[path])] == "c0"
    assert "colour: " in ET.tostring(picture, encoding="unicode")


def test_pdf_has_its_fonts() -> None:
    content = diagram_pdf(diagram_of("resnet18"))
    assert b"/FontFile2" in content
    assert b"/Subtype /Type3" not in content


def test_names_are_data() -> None:
    network = loads("name: '\"<img src=x onerror=alert(1)>'\ninput: [3, 8, 8]\nlayers: [{type: relu}]")
    found = fold_to_boxes(network.analyze())
    assert "<img" not in diagram_svg(found)
    assert ET.fromstring(diagram_svg(found)).find(f"{SVG}title") is not None  # noqa: S314 - our own
    assert 'digraph "\\"<img' in diagram_dot(found)


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", "<svg"), ("mmd", "flowchart"), ("dot", "digraph"), ("pdf", "%PDF")]
)
def test_files(ending: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / f"d.{ending}"
    assert main(["diagram", "resnet18", "-o", str(path)]) == 0
    assert path.read_bytes().startswith(start.encode())


def test_the_terminal_gets_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "alexnet"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    with pytest.raises(SystemExit) as stop:
        main(["diagram", "alexnet", "-o", "x.png"])
    assert stop.value.code == 2
    assert "-o x.png: the ending must be one of .svg .pdf .mmd .dot" in capsys.readouterr().err


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
