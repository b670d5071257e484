"""Exported programs (.pt2): the same network as the watched model's, and nothing in the file is run."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archlab
from archlab.diagnostics.problem import ConfigError
from archlab.imports.flat import Flat
from archlab.imports.targets import ImportOptions
from archlab.torch.importing.exported import read_exported
from archlab.torch.importing.flatten import flatten
from tests.torch.importing.shallow import SHALLOW

FEW = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5")
"""Models of the default run with fewer repetitions of their blocks: each takes a while to export. Others are whole."""
MODELS = (
    *("squeezenet1_1", *FEW),
    *[
        pytest.param(name, marks=pytest.mark.whole)
        for name in ("regnet_y_400mf", "mobilenet_v2", "mnasnet0_5", "efficientnet_b0")
    ],
)
NO_WORK = ("stochastic_depth", "identity")
"""Modules that an exported program, which is of evaluation, no longer has."""


def saved(model: nn.Module, path: Path, shape: tuple[int, ...] = (3, 64, 64)) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sizes = ({0: torch.export.Dim("batch")},)
        program = torch.export.export(model.eval(), (torch.zeros(2, *shape),), dynamic_shapes=sizes)
        torch.export.save(program, path)
    return path


def slim(flat: Flat) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Items with all that they are, without what does nothing in evaluation; and the results."""
    first = len(flat.inputs)
    places, found = {value: value for value in range(first)}, list[tuple[Any, ...]]()
    for number, item in enumerate(flat.items):
        if item.type in NO_WORK:
            places[first + number] = places[item.inputs[0]]
            continue
        places[first + number] = first + len(found)
        inputs = tuple([places[value] for value in item.inputs])
        scopes = tuple([scope.path for scope in item.scopes])
        found.append((item.path, item.type, dict(item.options), inputs, item.shape, scopes, dict(item.tensors)))
    return found, [places[value] for _, value in flat.outputs]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Path]]:
    """A model of `MODELS` and the file of its program, which is made once."""

    @cache
    def made(name: str) -> tuple[nn.Module, Path]:
        model: nn.Module = SHALLOW[name]() if name in FEW else torchvision.models.get_model(name, weights=None)
        return model.eval(), saved(model, tmp_path_factory.mktemp(name) / "net.pt2")

    return made


@pytest.mark.parametrize("name", MODELS)
def test_a_program_is_what_its_model_is_when_watched(
    name: str, program: Callable[[str], tuple[nn.Module, Path]]
) -> None:
    model, path = program(name)
    found = read_exported(path, ImportOptions())
    wanted = flatten(model, {"input": (3, 64, 64)}, name=name, origin=name)
    assert slim(found) == slim(wanted)


class Windows(nn.Module):
    """Attention in windows: samples and windows are one dimension in it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.inner = nn.Conv2d(3, 4, 1), Inner()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.inner(self.conv(x)).relu()
        return found


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch = x.shape[0]
        windows = x.reshape(batch, 4, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(batch * 4, 16, 4)
        scores = self.fc(windows) @ windows.transpose(1, 2)
        mixed = scores.softmax(-1) @ windows
        found: torch.Tensor = mixed.reshape(batch, 2, 2, 4, 4, 4).permute(0, 5, 1, 3, 2, 4).reshape(batch, 4, 8, 8)
        return found


def test_a_module_that_mixes_samples_is_one_item_with_its_work(tmp_path: Path) -> None:
    flat = read_exported(saved(Windows(), tmp_path / "net.pt2", (3, 8, 8)), ImportOptions())
    assert [(item.path, item.type.rpartition(".")[2]) for item in flat.items] == [
        ("conv", "conv2d"),
        ("inner", "Inner"),
        ("relu", "relu"),
    ]
    inner = flat.items[1]
    assert inner.tensors == {"fc.weight": "inner.fc.weight", "fc.bias": "inner.fc.bias"}
    assert inner.options["params"] == 4 * 4 + 4
    assert inner.options["macs"] == 4 * (16 * 4 * 4 + 2 * 16 * 16 * 4)
    assert inner.options["activations"] == 8 * 8 * 4


class Products(nn.Module):
    """A module that becomes one item, with work of one kind in it."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.table = kind, nn.Parameter(torch.ones(4, 4))
        self.lstm, self.gru = nn.LSTM(4, 5, batch_first=True), nn.GRU(4, 5, batch_first=True)
        self.bilinear = nn.Bilinear(4, 4, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)
        mixed = rows.flatten(0, 1).reshape(x.shape[0], -1, 4)
        made: Any = {
            "einsum": partial(torch.einsum, "btc,cd->btd", mixed, self.table),
            "tensordot": partial(torch.tensordot, mixed, self.table, dims=1),
            "inner": partial(torch.inner, mixed, self.table),
            "lstm": partial(self.lstm, mixed),
            "gru": partial(self.gru, mixed),
            "bilinear": partial(self.bilinear, mixed, mixed),
        }[self.kind]()
        found: torch.Tensor = made[0] if isinstance(made, tuple) else made
        return found


@pytest.mark.parametrize("kind", ["einsum", "tensordot", "inner", "lstm", "gru", "bilinear"])
def test_work_of_every_operator_that_multiplies_is_counted(kind: str, tmp_path: Path) -> None:
    """That of einsum and of recurrent layers was counted as nothing, without a word."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Products(kind)).eval()
    network = archlab.load(str(saved(model, tmp_path / "net.pt2", (3, 1, 2))))
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.to("meta")(torch.zeros(1, 3, 1, 2, device="meta"))
    assert network.analyze().total.macs == counter.get_total_flops() // 2


def test_its_weights_are_read_by_name(program: Callable[[str], tuple[nn.Module, Path]]) -> None:
    model, path = program("squeezenet1_1")
    built = archlab.build(str(path), weights=path).eval()
    sample = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(built(sample), model(sample))


def test_another_size_than_it_was_exported_for(tmp_path: Path) -> None:
    path = saved(nn.Sequential(nn.Conv2d(3, 4, 3)), tmp_path / "net.pt2", (3, 8, 8))
    assert read_exported(path, ImportOptions((3, 8, 8))).items[0].shape == (4, 6, 6)
    with pytest.raises(ConfigError, match="was exported for 3x8x8; export it again"):
        read_exported(path, ImportOptions((3, 16, 16)))


class Bomb:
    """What runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_bomb_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "net.pt2", tmp_path / "exploded"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps(Bomb(trace)))
    with pytest.raises(ConfigError, match="holds no exported program but a state dict or a whole model"):
        archlab.load(str(path))
    path.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(ConfigError, match="holds no exported program: File is not a zip file"):
        archlab.load(str(path))
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - it is ours: the bomb works
    assert trace.exists()


def test_pickles_inside_a_program_are_not_run(tmp_path: Path) -> None:
    """The graph is read; weights that the file marks as pickled are refused."""
    sound, path, trace = saved(nn.Conv2d(3, 4, 3), tmp_path / "sound.pt2"), tmp_path / "net.pt2", tmp_path / "exploded"
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(path, "w") as made:
        for entry in source.namelist():
            data = source.read(entry)
            if entry.endswith("weights_config.json"):
                config = json.loads(data)
                for one in config["config"].values():
                    one["use_pickle"] = True
                data = json.dumps(config).encode()
            elif "weight_" in entry or entry.endswith(".pt"):
                data = pickle.dumps(Bomb(trace))
            made.writestr(entry, data)
    assert archlab.load(str(path)).analyze().total.params == 3 * 4 * 9 + 4
    with pytest.raises(ConfigError, match="are pickled, which would run code"):
        archlab.build(str(path), weights=path)
    assert not trace.exists()


def test_an_operator_that_reads_files_is_not_called(tmp_path: Path) -> None:
    sound, path = saved(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), tmp_path / "sound.pt2"), tmp_path / "net.pt2"
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(path, "w") as made:
        name = next(name for name in source.namelist() if name.endswith("models/model.json"))
        made.writestr(name, source.read(name).replace(b"aten.relu.default", b"aten.from_file.default"))
    assert [item.type for item in read_exported(path, ImportOptions()).items] == ["conv2d", "torch.from_file"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deep"),
        ('{"graph_module": {"graph": {"nodes": []}}}', "its graph is damaged"),
        ('{"graph_module": 3}', "its graph is damaged"),
        ('{"graph_module": {"graph": {"nodes": 3}, "signature": {}}}', "its graph is damaged"),
        ('{"graph_module": {"graph": {"nodes": [{}]}, "signature": {"input_specs": [{}]}}}', "no tensor with samples"),
    ],
)
def test_damaged_graphs(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/models/model.json", text)
    with pytest.raises(ConfigError, match=words):
        read_exported(path, ImportOptions())


def test_a_graph_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    deflated = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with deflated as archive, archive.open("m/models/model.json", "w") as entry:
        for _ in range(65):
            entry.write(b" " * (1 << 20))
    with pytest.raises(ConfigError, match="more than 67,108,864 bytes"):
        read_exported(path, ImportOptions())
