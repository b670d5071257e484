"""Darknet's `.cfg` files: figures that Darknet prints, its own rule of pools, and files that are wrong."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
import torch

import archlab
from archlab.api.load import load
from archlab.diagnostics.problem import ConfigError

HEAD = "[net]\nwidth=32\nheight=32\nchannels=3\n"


def conv(filters: int, size: int, stride: int = 1, activation: str = "leaky", *, norm: bool = True) -> str:
    bn = "batch_normalize=1\n" if norm else ""
    return f"[convolutional]\n{bn}filters={filters}\nsize={size}\nstride={stride}\npad=1\nactivation={activation}\n"


def yolov3(size: int) -> str:
    """The network of Redmon & Farhadi 2018 in its authors' form, written section by section."""
    text = f"[net]\nbatch=1\nwidth={size}\nheight={size}\nchannels=3\n" + conv(32, 3)
    for filters, count in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2)
        text += (conv(filters // 2, 1) + conv(filters, 3) + "[shortcut]\nfrom=-3\nactivation=linear\n") * count
    for filters, back in ((512, ""), (256, "-1, 61"), (128, "-1, 36")):
        if back:
            text += "[route]\nlayers = -4\n" + conv(filters, 1) + f"[upsample]\nstride=2\n[route]\nlayers = {back}\n"
        text += (conv(filters, 1) + conv(2 * filters, 3)) * 3
        text += conv(255, 1, activation="linear", norm=False) + "[yolo]\nmask = 0,1,2\nclasses=80\n"
    return text


def written(folder: Path, text: str, name: str = "net.cfg") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text))
    (found,) = caught.value.problems
    assert found.place is None or found.place.source.name.endswith("net.cfg")
    line = 0 if found.place is None else found.place.line + 1
    return f"{line}: {found.message}"


def test_yolov3_has_the_figures_that_darknet_prints(tmp_path: Path) -> None:
    """65.864 BFLOPs at 416, 140.692 at 608: what `darknet ops` prints for the authors' file."""
    total = load(written(tmp_path, yolov3(416), "yolov3.cfg")).analyze().total
    assert (total.params, 2 * total.macs) == (61_949_149, 65_864_075_264)
    larger = load(str(tmp_path / "yolov3.cfg"), input=(3, 608, 608)).analyze().total
    assert 2 * larger.macs == 140_691_900_416
    preset = load("yolov3").analyze().total
    assert (preset.params, preset.macs) == (total.params, total.macs)


def test_detection_heads_give_raw_maps(tmp_path: Path) -> None:
    outputs = load(written(tmp_path, yolov3(416))).graph
    assert [outputs.nodes[index].shape for _, index in outputs.outputs] == [
        (255, 13, 13),
        (255, 26, 26),
        (255, 52, 52),
    ]


def darknet_pool(image: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
    """`forward_maxpool_layer` as it is written: offsets of -padding / 2, what lies outside is never the greatest."""
    _, channels, height, width = image.shape
    rows, columns = (height + padding - size) // stride + 1, (width + padding - size) // stride + 1
    found = torch.full((1, channels, rows, columns), float("-inf"))
    for i in range(rows):
        for j in range(columns):
            for n in range(size):
                for m in range(size):
                    y, x = i * stride + n - padding // 2, j * stride + m - padding // 2
                    if 0 <= y < height and 0 <= x < width:
                        found[:, :, i, j] = torch.maximum(found[:, :, i, j], image[:, :, y, x])
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("extent", [(9, 12), (10, 7)])
def test_pools_take_the_windows_that_darknet_takes(
    tmp_path: Path, size: int, stride: int, extent: tuple[int, int]
) -> None:
    height, width = extent
    text = f"[net]\nwidth={width}\nheight={height}\nchannels=2\n[maxpool]\nsize={size}\nstride={stride}\n"
    model = archlab.build(load(written(tmp_path, text)))
    image = torch.randn(1, 2, height, width)
    assert torch.equal(model(image), darknet_pool(image, size, stride, size - 1))


def test_reorg3d_puts_the_offset_in_front_of_the_channel(tmp_path: Path) -> None:
    """`reorg_cpu`: channel k of the output is channel k % c of the input, offset k / c by row, then column."""
    model = archlab.build(load(written(tmp_path, "[net]\nwidth=6\nheight=4\nchannels=3\n[reorg3d]\nstride=2\n")))
    image = torch.randn(1, 3, 4, 6)
    wanted = torch.stack([image[0, k % 3, k // 3 // 2 :: 2, k // 3 % 2 :: 2] for k in range(12)])[None]
    assert torch.equal(model(image), wanted)


def test_shortcuts_of_unequal_shapes_add_what_both_have(tmp_path: Path) -> None:
    text = HEAD + conv(8, 3) + conv(16, 3, 2) + "[shortcut]\nfrom=-2\nactivation=linear\n"
    network = load(written(tmp_path, text))
    model = archlab.build(network, outputs=["leaky0", "leaky1", "shortcut2"]).eval()
    found = model(torch.randn(1, 3, 32, 32))
    wanted = found["leaky1"].clone()
    wanted[:, :8] += found["leaky0"][:, :, ::2, ::2]
    assert torch.equal(found["shortcut2"], wanted)


def test_groups_of_a_route(tmp_path: Path) -> None:
    text = HEAD + conv(8, 3) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
    model = archlab.build(load(written(tmp_path, text)), outputs=["leaky0", "split1"]).eval()
    found = model(torch.randn(1, 3, 32, 32))
    assert torch.equal(found["split1"], found["leaky0"][:, 4:])


def test_weights_are_shared(tmp_path: Path) -> None:
    text = HEAD + conv(3, 3) + conv(3, 3) + "share_index=0\n"
    once, twice = load(written(tmp_path, HEAD + conv(3, 3), "one.cfg")), load(written(tmp_path, text))
    assert twice.analyze().total.params == once.analyze().total.params
    assert twice.analyze().total.macs == 2 * once.analyze().total.macs


@pytest.mark.parametrize(
    ("section", "params", "macs"),
    [
        ("[gru]\noutput=7\n", 3 * (10 * 7 + 7 * 7) + 6 * 7, 3 * (10 * 7 + 7 * 7)),
        ("[lstm]\noutput=7\n", 4 * (10 * 7 + 7 * 7) + 8 * 7, 4 * (10 * 7 + 7 * 7)),
        ("[rnn]\nhidden=5\noutput=7\n", 10 * 5 + 5 * 5 + 5 * 7 + 5 + 5 + 7, 10 * 5 + 5 * 5 + 5 * 7),
    ],
)
def test_layers_with_a_state_are_opaque_with_exact_figures(
    tmp_path: Path, section: str, params: int, macs: int
) -> None:
    total = load(written(tmp_path, f"[net]\ninputs=10\n{section}")).analyze().total
    assert (total.params, total.macs) == (params, macs)
    assert total.opaque is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0: "),
        ("[convolutional]\n", "0: "),
        (HEAD + "[convolutonal]\n", "5: a section [convolutonal] is not read; did you mean 'convolutional'?"),
        (HEAD + "[convolutional]\nfilters=many\n", "6: 'filters' is a whole number, not 'many'"),
        (HEAD + "[convolutional]\nfilters=8\nactivation=lraky\n", "7: 'lraky' is no activation of Darknet's"),
        (HEAD + "[route]\nlayers=-3\n", "6: 'layers' names section -3, which is not before this one"),
        (HEAD + "[route]\n", "5: [route] must say 'layers'"),
        (HEAD + "[shortcut]\n", "5: [shortcut] must say 'from'"),
        (HEAD + "filters\n", "5: this is neither a section nor key=value"),
        (HEAD + "[convolutional\n", "5: this is no head of a section, as [convolutional]"),
        (HEAD + "[convolutional]\nfilters=9999999999999\n", "6: 'filters' is a whole number, not '9999999999999'"),
        (HEAD + "[maxpool]\nsize=0\n", "5: [maxpool] takes a size and a stride from 1, and a padding from 0"),
        ("[net]\nwidth=0\n", "1: [net] says the image's 'channels', 'height' and 'width'"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert problem(tmp_path, text).startswith(told)


def test_mutilated_files_never_raise_anything_else(tmp_path: Path) -> None:
    whole = yolov3(64) + "[gru]\noutput=3\n[softmax]\n[local]\nsize=3\n[crop]\ncrop_height=3\n[reorg]\nstride=2\n"
    draw = random.Random(3)  # noqa: S311 - no secret
    kinds = ["route", "maxpool", "gru", "crnn", "local", "connected", "sam", "reorg3d", "crop"]
    lines = whole.splitlines()
    for _ in range(150):
        some = lines[: draw.randrange(8, 60)]
        for _ in range(draw.randrange(1, 5)):
            place = draw.randrange(len(some))
            name, _, _ = some[place].partition("=")
            some[place] = draw.choice(
                [
                    f"{name}={draw.choice(['-1', '0', '1e9', '99999999', '', 'x', '-5,3', '16777216'])}",
                    f"[{draw.choice(kinds)}]",
                    "".join(draw.choices("[]=,-0123456789abc \x00\u202e", k=9)),
                ]
            )
        with suppress(ConfigError):
            load(written(tmp_path, "\n".join(some))).analyze()
