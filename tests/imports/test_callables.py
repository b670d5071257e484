"""Models of one's own as targets: `module.path:callable`, and `archlab.from_module`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import archlab
from archlab.diagnostics.problem import ConfigError
from tests.command import run

CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8, num_classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True))
        self.unused = nn.Linear(4, 4)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


class Looks(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return self.conv(x) if x.sum() > 0 else x


class Raises(nn.Module):
    def forward(self, x):
        raise RuntimeError("not today")


def broken():
    raise ValueError("no such thing")


def exits():
    raise SystemExit(3)


def text():
    return "a text"


ready = Net()
number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a module of one's own, which is the current one."""
    (tmp_path / "ownnets.py").write_text(CODE)
    (tmp_path / "stumbles.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in ("ownnets", "stumbles"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("own")
def test_a_class_is_made_with_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    target = ("ownnets:Net", "--input", "3x16x16", "--arg", "width=4", "--format", "csv")
    status, out, err = run(capsys, "analyze", *target)
    assert status == 0
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == ["stem.0", "stem.1", "stem.2", "mean", "head"]
    assert "20 params in 2 tensors take no part (unused)" in err
    assert archlab.load("ownnets:Net", input=(3, 16, 16), width=4).analyze().total.params == 4 * 27 + 8 + 50


@pytest.mark.usefixtures("own")
def test_a_model_that_is_there_already() -> None:
    assert archlab.load("ownnets:ready", input=(3, 16, 16)).name == "ready"


@pytest.mark.usefixtures("own")
def test_that_a_model_looks_at_values_is_said() -> None:
    network = archlab.load("ownnets:Looks", input=(3, 4, 4))
    (told,) = [remark for remark in network.remarks if "looks at values" in remark]
    assert "bool" in told


@pytest.mark.usefixtures("own")
def test_a_model_that_looks_at_values_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "import", "ownnets:Looks", "--input", "3x4x4", "--verify")
    assert status == 0
    assert "outputs: equal bit by bit" in err


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("ownnets:Nett", "ownnets has no 'Nett'; did you mean 'Net'?"),
        ("ownnets:number", "ownnets:number is no function or class: it cannot be called"),
        ("ownnets:broken", "ownnets:broken cannot be made: ValueError: no such thing"),
        ("ownnets:exits", "ownnets:exits cannot be made: SystemExit: 3"),
        ("ownnets:text", "ownnets:text gives a str, not a torch.nn.Module"),
        ("ownnets:Raises", "the model does not run on 3x4x4: RuntimeError: not today"),
        ("nosuchmodule:Net", "nosuchmodule cannot be imported: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("stumbles:Net", "stumbles cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_wrong_is_one_plain_problem(target: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        archlab.load(target, input=(3, 4, 4))
    assert [problem.message for problem in caught.value.problems] == [told]


@pytest.mark.usefixtures("own")
def test_an_input_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "analyze", "ownnets:Net")
    assert (status, out) == (1, "")
    assert "ownnets:Net does not say what enters it" in err
    assert "--input 3x224x224" in err


@pytest.mark.usefixtures("own")
def test_options_of_configs_and_of_models_are_not_mixed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--arg width=4 gives an argument" in run(capsys, "analyze", "ownnets:Net", "--set", "width=4")[2]
    assert "--arg is for imported models" in run(capsys, "analyze", "alexnet", "--arg", "width=4")[2]
    assert "--until is for imported models" in run(capsys, "analyze", "alexnet", "--until", "raw")[2]


class _Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(6, 4)

    def forward(self, image: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.relu(self.conv(image))
        return found + self.linear(t).reshape(-1, 4, 1, 1), found


def test_a_model_at_hand_is_left_as_it_was() -> None:
    model = _Two().train()
    model.conv.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network = archlab.from_module(model, {"image": (3, 8, 8), "t": (6,)}, name="two")
    assert [node.path for node in network.graph.inputs] == ["image", "t"]
    assert network.graph.output_form == "tuple"
    assert network.analyze().total.params == sum(one.numel() for one in model.parameters())
    assert (model.training, model.conv.training, model.linear.training) == (True, False, True)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert not model._forward_hooks
    assert not model.conv._forward_pre_hooks


def test_a_model_that_is_not_for_the_meta_device_runs_where_it_is() -> None:
    class Fills(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, image: Tensor) -> Tensor:
            scale = float(self.conv.weight.abs().max())
            assert scale > 0
            return torch.relu(self.conv(image))

    assert archlab.from_module(Fills(), (3, 8, 8)).analyze().total.params == 16


def test_weights_go_where_they_belong_whatever_the_order(tmp_path: Path) -> None:
    """Two convolutions of one shape, and a state dict in another order."""

    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = nn.Conv2d(3, 3, 1)
            self.first = nn.Conv2d(3, 3, 1)

        def forward(self, image: Tensor) -> Tensor:
            return nn.functional.conv2d(torch.tanh(self.first(image)), self.second.weight, self.second.bias)

    model = Crossed().eval()
    path = tmp_path / "weights.pt"
    torch.save(model.state_dict(), path)
    built = archlab.build(archlab.from_module(model, (3, 8, 8)), weights=str(path)).eval()
    image = torch.randn(2, 3, 8, 8)
    assert torch.equal(built(image), model(image))
