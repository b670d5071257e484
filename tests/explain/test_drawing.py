"""Drawings of layers: what they mark, for whom they can be read, and how large they are."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archlab.api.load import load
from archlab.explain.drawing.offsets import offsets
from archlab.explain.drawing.scene import Scene, scene_of
from archlab.explain.drawing.style import DARK, LIGHT
from archlab.explain.drawing.svg import MARGIN, animation_svg, picture_svg
from archlab.explain.matrix.linear_map import linear_map
from archlab.explain.subject import Subject
from archlab.layers import find_layer, layer_types
from tests.chunks import check_each, in_chunks
from tests.command import run
from tests.explain.drawn import LARGEST, check, marks, paths, random_scene, scene, squares
from tests.layer_reference import SAMPLES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("seeds", in_chunks(range(40), 20))
def test_every_frame_marks_what_is_read(seeds: list[int]) -> None:
    fit: list[int] = []
    check_each(seeds, partial(check_frames, fit))
    assert len(fit) >= 15


def check_frames(fit: list[int], seed: int) -> None:
    drawn = random_scene(seed)
    if drawn is not None:
        assert check(drawn)
        fit.append(seed)


def made(text: str, shape: tuple[int, ...] = (1, 6, 6)) -> Scene:
    layer_type, *options = text.split()
    found = scene(layer_type, options, shape)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "conv2d kernel_size=3 stride=2 padding=1",
        "conv2d kernel_size=2x3 dilation=2x1 padding=1",
        "conv_transpose2d kernel_size=3 stride=2 padding=1",
        "conv_transpose2d kernel_size=4x3 stride=1x3 dilation=2",
        "avg_pool2d kernel_size=3 stride=2 padding=1",
    ],
)
def test_the_letters_are_the_matrix(text: str) -> None:
    """Which weight meets which input position, as the matrix says, whose products are PyTorch's."""
    sight = made(text).sight
    matrix = linear_map(sight.layer, sight.inputs)
    assert matrix is not None
    for unit in sight.units():
        over = {sight.place(read): tap for read, tap in matrix.reads(unit)}
        taps = {place: tap for place, tap in sight.taps(unit) if sight.kind(place) == "input"}
        assert taps == over


def test_a_linear_layer_has_a_weight_everywhere() -> None:
    """Each unit reads every input; the letters of the matrix are all different, as the weights are."""
    analysis = load("resnet18").analyze()
    drawn = scene_of(Subject(analysis, analysis.layers[-1]))
    assert drawn is not None
    picture, moving = picture_svg(drawn), animation_svg(drawn)
    assert "Drawn with 6 inputs and 4 outputs; the real one has 512 and 1000." in picture
    assert [frame.read for frame in marks(moving, drawn.sight)] == [{(place,) for place in range(6)}] * 4
    letters = re.findall(r'class="on small mid"[^>]*>([a-zA-Z]+)<', picture)
    assert "abcdefghijklmnopqrstuvwx" in letters  # the matrix, row by row
    assert "mnopqr" in letters  # the unit in the middle
    assert "kernel" not in picture
    own = made("linear out_features=3", (5,))
    assert not own.example.changed
    assert own.matrix is not None
    assert own.matrix.nonzeros == 15


def test_slices_of_three_axes_stand_side_by_side() -> None:
    drawn = made("max_pool3d kernel_size=2", (1, 4, 4, 4))
    still = picture_svg(drawn).partition("<g")[0]
    found = squares(paths(still, "cells")[0])
    slices = [found[at : at + 16] for at in range(0, 64, 16)]
    rights = [max(x for x, _ in one) for one in slices]
    lefts = [min(x for x, _ in one) for one in slices]
    assert all(right < left for right, left in zip(rights, lefts[1:], strict=False))
    assert len({y for _, y in found}) == 4
    assert "the letter" not in picture_svg(
        made("conv3d kernel_size=3 stride=2 padding=1", (1, 5, 5, 5))
    )  # too small for one


def test_padding_zeros_and_what_reads_a_position() -> None:
    sight = made("conv_transpose2d kernel_size=3 stride=2", (1, 3, 3)).sight
    kinds = [sight.kind((0, place)) for place in range(-2, 7)]
    assert kinds == ["padding", "padding", "input", "zero", "input", "zero", "input", "padding", "padding"]
    conv = made("conv2d kernel_size=3 stride=2 padding=1 padding_mode=circular", (1, 5, 5)).sight
    for position in conv.units():
        assert conv.readers(position) == [unit for unit in conv.units() if position in conv.read(unit)]


def test_offsets_stay_within_their_bound_and_move() -> None:
    bounded = made("deform_conv2d kernel_size=3 padding=1 max_offset=0.5")
    units = bounded.sight.units()
    moves = [abs(by) for unit in units for offset in offsets(bounded.sight, unit) for by in offset]
    assert 0 < max(moves) <= 0.5
    free = made("deform_conv2d kernel_size=3 padding=1")
    assert max(abs(by) for unit in units for offset in offsets(free.sight, unit) for by in offset) == 1.25


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: dict[str, str]) -> None:
    """WCAG 2.1: 3:1 for what is drawn, 4.5:1 for text."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        low, high = sorted([luminance(colours[one]), luminance(colours[other])])
        return (high + 0.05) / (low + 0.05)

    for behind in ("back", "cell"):
        assert all(contrast(name, behind) >= 3 for name in ("line", "read", "unit"))
        assert all(contrast(name, behind) >= 4.5 for name in ("ink", "faint"))
    assert contrast("on", "read") >= 4.5


def test_it_is_told_and_asks_for_nothing() -> None:
    svg = animation_svg(made("conv2d kernel_size=3 padding=1"))
    root = ET.fromstring(svg)  # noqa: S314 - our own
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == "conv2d 3x3 padding=1: 1x6x6 to 1x6x6"
    assert not re.search(r"<script|href|url\(|@import|on\w+=", svg)
    assert "prefers-reduced-motion:no-preference" in svg
    frames = [group for group in root.iter(f"{SVG}g") if "f" in (group.get("class") or "").split()]
    assert len(frames) == 36
    assert [frame.get("class") for frame in frames[:2]] == ["f f0", "f"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("conv2d kernel_size=3 stride=2 padding=1", (1, 5, 5)),
        ("conv_transpose2d kernel_size=3x4 stride=2", (1, 3, 4)),
        ("conv1d kernel_size=3 padding=2 dilation=2", (1, 9)),
        ("depthwise_separable_conv2d kernel_size=3 padding=1 out_channels=3", (2, 5, 5)),
        ("deform_conv2d kernel_size=3 padding=1", (1, 5, 5)),
    ],
)
def test_squares_stand_beside_one_another_within_the_picture(text: str, shape: tuple[int, ...]) -> None:
    svg = picture_svg(made(text, shape))
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    boxes = [
        (int(x) - inset, int(y) - inset, int(side) + 2 * inset)
        for kind, inset in (("padding", 2), ("zeros", 2), ("cells", 0))
        for path in paths(svg.partition("<g>")[0], kind)
        for x, y, side in re.findall(r"M(-?\d+) (-?\d+)h(\d+)v", path)
    ]
    assert min(x for x, _, _ in boxes) == MARGIN + 4
    assert all(y > MARGIN and x + side <= width and y + side <= height for x, y, side in boxes)
    overlaps = [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[:at]
        if abs(one[0] - other[0]) < one[2] and abs(one[1] - other[1]) < one[2]
    ]
    assert overlaps == []


def test_units_that_are_left_out_are_told() -> None:
    svg = animation_svg(made("upsample scale_factor=7", (1, 40, 40)))
    assert svg.count("<g class=") == 100
    assert "100 of 441 output units are shown." in svg
    assert "output units are shown" not in animation_svg(made("conv2d kernel_size=3"))


@pytest.mark.parametrize(
    "text",
    [
        "conv2d kernel_size=31",
        "conv2d kernel_size=7",
        "conv2d kernel_size=40 stride=2",
        "max_pool2d kernel_size=13 stride=1 padding=6",
        "conv_transpose2d kernel_size=16 stride=2",
        "deform_conv2d kernel_size=7 padding=3",
        "softmax dim=2",
    ],
)
def test_large_kernels_stay_within_the_bound(text: str) -> None:
    svg = animation_svg(made(text, (1, 60, 60)))
    shown, units = svg.count("<g class="), re.search(r"(\d+) of \d+ output units are shown", svg)
    assert 60_000 * (units is not None) < len(svg) < LARGEST
    assert units is None or int(units[1]) == shown


def test_a_picture_has_one_frame_in_the_middle() -> None:
    svg = picture_svg(made("conv2d kernel_size=3 padding=1"))
    assert "animation" not in svg
    assert "output (3, 3) reads 9 input positions" in svg


def test_every_group_is_marked_in_turn() -> None:
    drawn = made("conv2d kernel_size=3 groups=4 out_channels=8", (4, 5, 5))
    assert {frame.group for frame in drawn.frames()} == {0, 1, 2, 3}
    assert drawn.remarks() == ["All 4 groups of channels are drawn."]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("alexnet features.conv1", "Drawn on a small map of 19x19; the real one is 224x224."),
        ("resnext50_32x4d layer1.0.conv2", "Of 32 groups (4 to 4 channels each) 4 are drawn (2 to 2 each)."),
        ("mobilenet_v1 stage1.0.conv1", "Drawn on a small map of 4x4; the real one is 112x112."),
        ("dcgan_generator image.upconv", "Drawn on a small map of 3x3; the real one is 32x32."),
        ("deformable_resnet layer2.0.dcn.conv", "The offsets are made up"),
        ("conv1d kernel_size=3 dilation=2 --input 1x400", "Drawn on a small map of length 9; the real one has 400."),
        ("deeplabv3 classifier.branch5.upsample", "Drawn with a small output of 12x12; the real one is 65x65."),
    ],
)
def test_layers_of_networks(words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "it.svg"
    status, out, _ = run(capsys, "explain", *words.split(), "--animate", "-o", str(place))
    assert (status, out) == (0, "")
    text = place.read_text()
    assert said in " ".join(ET.fromstring(text).itertext())  # noqa: S314 - our own
    assert len(text) < LARGEST


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("alexnet classifier.relu1 -o x.svg", 1, "there are no positions to draw before and behind it"),
        ("resnet50 layer1.0.add -o x.svg", 1, "joins are not drawn"),
        ("resnet50 flatten -o x.svg", 1, "there are no positions to draw before and behind it"),
        ("convnext_tiny stage1.0.permute1 -o x.svg", 1, "a drawing shows maps, the channels first"),
        ("resnet50 layer2 -o x.svg", 1, "name one of its layers, such as layer2.0.conv1"),
        ("s3d stem.conv1 -o x.html", 1, "a page answers for one or two axes; -o FILE.svg draws slices of three"),
        ("conv2d kernel_size=900 padding=900 -o x.svg", 1, "no map that is small enough"),
        ("alexnet -o x.svg", 2, "name it behind alexnet"),
        ("alexnet features.conv1 --animate", 2, "-o FILE.svg"),
    ],
)
def test_what_is_not_drawn(words: str, status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    got, out, err = run(capsys, "explain", *words.split())
    assert (got, out) == (status, "")
    assert message in err
    assert not Path("x.svg").exists()


@pytest.mark.parametrize("types", in_chunks(layer_types()))
def test_every_type_is_drawn_or_says_why_not(types: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    check_each(types, partial(check_is_drawn, capsys))


def check_is_drawn(capsys: pytest.CaptureFixture[str], layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    given = {name: SAMPLES[name] for name, field in cls.model_fields.items() if field.is_required()}
    options = [f"{name}={str(value).replace(' ', '')}" for name, value in given.items()]
    for size in ("8x12x10", "16x33", "8x4x6x6"):
        status, out, err = run(capsys, "explain", layer_type, *options, "--input", size, "--format", "svg")
        assert (status == 0) == out.startswith("<svg")
        assert status == 0 or "[" in err


def test_a_mark_that_is_wrong_is_noticed() -> None:
    """The comparison itself: without one square, the marks of the text are not what is read."""
    drawn = made("max_pool2d kernel_size=2")
    svg = animation_svg(drawn)
    first = marks(svg, drawn.sight)[0]
    assert first.read == set(drawn.sight.read(first.unit))
    less = re.sub(r'(<path class="read" d=")M\d+ \d+h\d+v\d+h-\d+z', r"\1", svg)
    assert marks(less, drawn.sight)[0].read < first.read


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from archlab.cli.main import main\n"
        f"main(['explain', 'conv2d', 'kernel_size=3', '--animate', '-o', {str(tmp_path / 'x.svg')!r}])\n"
        "print([m for m in ('torch', 'numpy', 'pandas', 'rich', 'matplotlib', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
