"""Inputs of different numbers of axes in one network: every command, and fields of each input by gradients."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

import archlab
from archlab.analysis.conditions import Conditions
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.cli.commands import COMMANDS
from archlab.diagnostics.problem import ConfigError
from archlab.layers.shape import is_map
from archlab.torch.build import build
from archlab.torch.samples import samples
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.axes.test_every_command import WITHOUT_NETWORK, calls, draws, marks
from tests.command import run

CONFIG = Path(__file__).with_name("inputs_of_other_ranks.yaml")
CALLS = [
    pytest.param(command, [*options, *more], marks=marks(command, options))
    for command in COMMANDS
    if command not in (*WITHOUT_NETWORK, "measure")
    for options in calls(command)
    if (command != "build" or options) and "wide" not in options
    for more in ([], *([["--from-input", name] for name in ("words", "clip")] if command == "receptive-field" else []))
    if not ("clip" in more and {"--effective", "out.png", "out.svg", "out.pdf"} & {*options})
]
LAYERS = ["stem", "w", "keys", "map", "out", "side"]


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.w = nn.Conv1d(6, 4, 3)
        self.q, self.kv, self.proj = nn.Linear(8, 8, bias=False), nn.Linear(4, 16, bias=False), nn.Linear(8, 8)
        self.emb = nn.Linear(5, 8)
        self.side = nn.Conv3d(2, 4, 3, padding=1)

    def forward(self, image: Tensor, words: Tensor, t: Tensor, clip: Tensor) -> tuple[Tensor, Tensor]:
        query = self.q(self.stem(image).flatten(2).mT).unflatten(2, (2, 4)).transpose(1, 2)
        keys, values = self.kv(self.w(words).mT).unflatten(2, (2, 2, 4)).permute(2, 0, 3, 1, 4)
        x = self.proj(scaled_dot_product_attention(query, keys, values).transpose(1, 2).flatten(2))
        gate = nn.functional.silu(self.emb(t))[:, :, None, None]
        return x.mT.unflatten(2, (8, 10)) * gate, self.side(clip)


@pytest.fixture
def network() -> Network:
    return load(str(CONFIG))


def test_equal_to_a_model_by_hand(network: Network) -> None:
    model, built = Mixed().eval(), build(network).eval()
    built.load_state_dict(dict(zip(built.state_dict(), model.state_dict().values(), strict=True)))
    given = samples(network.graph, 2, torch.randn)
    with torch.no_grad():
        torch.testing.assert_close(built(*given), model(*given))
    assert network.analyze().total.params == sum(parameter.numel() for parameter in model.parameters())


def test_verified(network: Network) -> None:
    for report in (verify(network), verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()
    assert {peak.predicted - peak.counted for peak in verify_memory(network, Conditions(2)).peaks} == {0}


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize(
    ("command", "options"), CALLS, ids=lambda part: part if isinstance(part, str) else " ".join(part)
)
def test_every_command(
    command: str,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["resnet18"] if command in ("compare", "diff") else []
    more += ["--max-macs", "1G"] if command == "check" else []
    more += ["stem"] if command == "explain" and draws(options) else []
    status, _, err = run(capsys, command, str(CONFIG), *more, *options)
    assert (status, err) == (0, "")


def test_each_layer_is_explained(network: Network, capsys: pytest.CaptureFixture[str]) -> None:
    for node in network.graph.layers[len(network.graph.inputs) - 1 :]:
        status, out, err = run(capsys, "explain", str(CONFIG), node.path)
        assert (status, err) == (0, ""), node.path
        assert out


@pytest.mark.parametrize("name", ["image", "words", "clip"])
@pytest.mark.parametrize("layer", LAYERS)
def test_what_a_unit_reads_by_gradients(name: str, layer: str) -> None:
    network = _all_layers()
    place = _place(network, name)
    given = [tensor.double().requires_grad_() for tensor in samples(network.graph, 1, torch.randn)]
    value = build(network).double().eval()(*given)[LAYERS.index(layer)][0]
    field = network.analyze().receptive_field(layer, from_input=name)
    index: tuple[slice | int, ...] = (slice(None), *field.unit) if is_map(field.node.shape) else field.unit
    (gradient,) = torch.autograd.grad(value[index].sum(), given[place], allow_unused=True)
    read = torch.zeros_like(given[place]) if gradient is None else gradient
    for span, positions, extent in zip(field.spans, _along_axes(read[0]), given[place].shape[2:], strict=True):
        assert positions == [at for at in range(span[0], span[1] + 1) if 0 <= at < extent]


@pytest.mark.parametrize("name", ["image", "words", "clip"])
@pytest.mark.parametrize("layer", LAYERS)
def test_what_a_position_reaches_by_a_change(name: str, layer: str) -> None:
    network = _all_layers()
    place = _place(network, name)
    given = [tensor.double() for tensor in samples(network.graph, 1, torch.randn)]
    model = build(network).double().eval()
    found = network.analyze().projective_field(layer, from_input=name)
    before = model(*given)[LAYERS.index(layer)][0]
    index: tuple[slice | int, ...] = (slice(None), slice(None), *found.at)
    given[place][index] += 1
    changed = (model(*given)[LAYERS.index(layer)][0] - before).ne(0)
    if found.reached is None:
        assert not changed.any()
    elif changed.dim() == given[place].dim() - 1 and is_map(found.node.shape):
        runs = [[unit for first, last in runs for unit in range(first, last + 1)] for runs in found.reached]
        assert runs == _along_axes(changed)
    else:
        assert changed.any(0).all()


def _all_layers() -> Network:
    """The network with the layers that are looked at as its results."""
    return loads(CONFIG.read_text().replace("outputs: [out, side]", f"outputs: [{', '.join(LAYERS)}]"))


def _place(network: Network, name: str) -> int:
    return [node.path for node in network.graph.inputs].index(name)


def _along_axes(values: Tensor) -> list[list[int]]:
    """The positions along each axis of a map where anything is not zero."""
    axes = range(1, values.dim())
    return [values.ne(0).movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist() for axis in axes]


def test_the_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "receptive-field", str(CONFIG), "--from-input", "words", "--layer", "w")[1]
    assert out.startswith("inputs_of_other_ranks: input words 1x6x10, unit 4 of w\n")
    for more in ([], ["--projective"]):
        command = ["receptive-field", str(CONFIG), "--from-input", "clip", "--format", "json", *more]
        assert json.loads(run(capsys, *command)[1])["input"] == {"name": "clip", "shape": [1, 2, 4, 6, 6]}
    assert "name" not in archlab.load("resnet18").analyze().receptive_field().to_dict()["input"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--from-input wrods", "inputs_of_other_ranks has no input 'wrods'; did you mean 'words'?"),
        ("--from-input x7", "has no input 'x7'; there are image, words, t, clip"),
        ("--from-input t", "the input t (5) has no positions, so that nothing has a receptive field"),
        ("--from-input t", "; write --from-input image (or words or clip)"),
        ("--from-input words --projective --at 3,3", "--at 3,3: the input words has one axis; write POSITION"),
        ("--from-input clip --effective --layer w", "unit 4 of w: no way leads to it from the input clip, so that"),
        ("--effective --layer words", "unit 5 of words: no way leads to it from the input image"),
        ("--from-input clip -o out.png", "no estimate (no way leads to it from the input clip): there is nothing to"),
    ],
)
def test_messages(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "receptive-field", str(CONFIG), *options.split())
    assert (status, out) == (1, "")
    assert message in err


def test_of_the_only_input() -> None:
    analysis = archlab.load("resnet18").analyze()
    assert analysis.receptive_field(from_input="input").to_dict() == analysis.receptive_field().to_dict()
    with pytest.raises(ConfigError, match="resnet18 has no input 'image'; there is input"):
        analysis.seen_from("image")


def test_features_have_no_fields_to_verify(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("input: [8]\nlayers: [{type: linear, out_features: 4}]\n")
    status, out, _ = run(capsys, "verify", str(tmp_path / "net.yaml"), "--receptive-field", "--projective-field")
    assert status == 0
    assert "net: no receptive fields, since no input has positions\nnet: no projective fields" in out


@pytest.mark.parametrize("merge", ["multiply", "subtract", "maximum", "divide"])
@pytest.mark.parametrize("first", [True, False])
def test_features_stretched_over_a_map(merge: str, *, first: bool) -> None:
    """Squeeze-and-excitation of linear layers, as it is often written: a gate is context, another join is not."""
    path = (
        "[{type: mean, dim: [2, 3]}, {type: linear, out_features: 4, activation: sigmoid}, "
        "{type: unflatten, dim: 1, unflattened_size: [4, 1, 1]}]"
    )
    paths = f"[{path}, []]" if first else f"[[], {path}]"
    text = "input: [4, 7, 9]\nlayers:\n  - {type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n"
    network = loads(f"{text}  - {{name: out, type: branches, merge: {merge}, paths: {paths}}}\n")
    for report in (verify(network), verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()
    field = network.analyze().total.receptive_field
    assert (field.is_global, field.context) == ((False, True) if merge in ("multiply", "divide") else (True, False))


@pytest.mark.parametrize(("sides", "is_left"), [("[0, 0, -4, 4]", False), ("[0, 0, -3, 4]", True)])
def test_a_map_with_other_axes_whose_units_are_left_out(sides: str, *, is_left: bool) -> None:
    """Of an image that is scaled by words, nothing or a row is left between paddings."""
    text = f"""
    input: {{image: [4, 4, 6], words: [4, 10]}}
    layers:
      - {{from: words, type: flatten}}
      - {{type: linear, out_features: 4}}
      - {{name: gate, type: unflatten, dim: 1, unflattened_size: [4, 1, 1]}}
      - {{from: image, type: multiply, with: [gate]}}
      - {{name: padded, type: zero_pad2d, padding: {sides}}}
      - {{name: end, type: conv2d, out_channels: 4, kernel_size: 1}}
    """
    network = loads(text)
    assert (network.analyze().projective_field("end", from_input="words").reached is not None) == is_left
    for report in (verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()


@pytest.mark.parametrize("first", ["[8]", "[2, 9]", "[2, 4, 4, 4]"])
def test_rounding_on_the_way_from_another_input(first: str) -> None:
    """Sizes of the first input are no way out where it has other axes than the maps that cannot be joined."""
    text = f"input: {{a: {first}, b: [3, 9, 9]}}\nlayers:\n  - {{name: s, from: b, type: conv2d, out_channels: 4, "
    text += "kernel_size: 3, padding: 1}\n  - {type: max_pool2d, kernel_size: 2}\n"
    text += "  - {type: upsample, scale_factor: 2}\n  - {type: add, with: [s]}\n"
    with pytest.raises(ConfigError) as error:
        loads(text)
    problem = error.value.problems[0]
    assert "9 rows (stride 2)" in " ".join(problem.trail)
    assert "resize one to the other: {type: interpolate, size: [9, 9]}" in problem.message
    assert "works" not in problem.message


def test_what_fills_an_axis_is_not_stretched() -> None:
    text = "input: {x: [4, 2, 2], t: [8]}\nlayers:\n  - {name: g, from: t, type: unflatten, dim: 1, unflattened_size: "
    with pytest.raises(ConfigError, match="multiply needs inputs of one shape"):
        loads(text + "[2, 2, 2]}\n  - {from: x, type: multiply, with: [g]}\n")
