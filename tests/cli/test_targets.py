"""Options that apply to several targets, and what is said of it."""

from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

import archlab
from tests.command import run


def test_one_target_twice_under_one_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "diff", "resnet18", "resnet18", "--set", "num_classes=10")
    assert (status, out) == (1, "")
    assert "applies to both targets" in err
    assert "FILE.yaml@VARIANT" in err
    assert run(capsys, "diff", "resnet18", "resnet18")[0] == 0


def test_shared_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for command, count in (("diff", 2), ("compare", 2)):
        _, _, err = run(capsys, command, *["resnet18", "resnet34"][:count], "--set", "num_classes=10")
        assert err == "archlab: --set num_classes=10 applies to both networks\n"
    assert run(capsys, "compare", "resnet18", "--input", "3x64x64")[2] == ""
    assert run(capsys, "compare", "resnet18", "resnet34")[2] == ""


def test_a_page_folds_to_the_depth_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for depth in ("1", "2", "all"):
        path = tmp_path / f"{depth}.html"
        assert run(capsys, "analyze", "resnet18", "--depth", depth, "-o", str(path))[0] == 0
        found[depth] = path.read_text(encoding="utf-8")
    assert "folded to 11" in found["1"]
    assert "69 layers, folded to 69 rows" in found["all"]
    assert "69 layers, folded to 15 rows" in found["2"]


def test_what_the_optimizer_holds_at_the_peak_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "memory", "vgg11", "--training", "--optimizer", "adam")
    assert status == 0
    first = out.split("at the peak")[-1].splitlines()[2]
    assert "the optimizer" in first
    assert "while adam steps" in first


def test_networks_of_one_name_have_a_label_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = []
    for number in (1, 2):
        path = tmp_path / f"{number}.yaml"
        path.write_text(
            f"name: net\ninput: [3, 8, 8]\nlayers: [{{type: conv2d, out_channels: 2, kernel_size: {number}}}]\n"
        )
        targets.append(str(path))
    labels = [f"net ({target})" for target in targets]
    for form in ("table", "csv", "markdown", "json"):
        out = run(capsys, "compare", *targets, "--format", form)[1]
        assert [out.count(label) >= 1 for label in labels] == [True, True], out
    for ending in ("html", "tex"):
        path = tmp_path / f"out.{ending}"
        assert run(capsys, "compare", *targets, "-o", str(path))[0] == 0
        text = path.read_text(encoding="utf-8").replace("\\_", "_")
        assert all(label in text for label in labels)
    assert all(label in run(capsys, "diff", *targets)[1] for label in labels)
    assert "net (" not in run(capsys, "compare", targets[0])[1]


def test_latex_of_one_network_has_its_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layers.tex"
    assert run(capsys, "analyze", "alexnet", "-o", str(path))[0] == 0
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if " & " in line]
    head, *rows, total = [line.removesuffix(" \\\\").split(" & ") for line in lines]
    layers = archlab.load("alexnet").analyze().layers
    assert head[:3] == ["layer", "type", "output"]
    assert [row[0].replace("\\_", "_") for row in rows] == [layer.node.path for layer in layers]
    assert [int(row[4]) for row in rows] == [layer.macs for layer in layers]
    assert (total[0], int(total[3]), int(total[4])) == ("total", 61100840, 714188480)


SMALL = """name: net
input: [3, 8, 8]
params: {width: 4, sizes: [3, 1]}
layers:
  - {type: conv2d, out_channels: $width, kernel_size: "$(sizes[0])", bias: false}
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(SMALL)
    return str(path)


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, int]]:
    """Name and params of each network of a comparison."""
    status, out, _ = run(capsys, "compare", *arguments, "--format", "json")
    assert status == 0
    return [(network["name"], network["total"]["params"]) for network in json.loads(out)["networks"]]


def test_a_row_for_each_value(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """27 params a channel."""
    expected = [("net (width=2)", 54), ("net (width=5)", 135), ("net (width=8)", 216)]
    assert rows(capsys, small, "--set", "width=2,5,8") == expected
    assert rows(capsys, small, "--set", "width=2", "--set", "width=5,8") == expected
    assert rows(capsys, small, "--set", "width=2,2") == [("net", 54)]


def test_every_pair_of_values_of_two_params(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, small, "--set", "width=2,5", "--set", "sizes=[1, 1],[3,1]")
    assert found == [
        ("net (width=2, sizes=[1, 1])", 6),
        ("net (width=2, sizes=[3,1])", 54),
        ("net (width=5, sizes=[1, 1])", 15),
        ("net (width=5, sizes=[3,1])", 135),
    ]
    assert rows(capsys, small, "--set", "sizes=[1, 1]") == [("net", 12)]


def test_a_value_for_one_target_goes_before_that_for_all(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "other.yaml")
    Path(other).write_text(SMALL.replace("name: net", "name: other"))
    assert rows(capsys, small, other, "--set", f"{other}:width=1") == [("net", 108), ("other", 27)]
    assert rows(capsys, small, other, "--set", f"{other}:width=1", "--set", "width=2") == [("net", 54), ("other", 27)]
    assert rows(capsys, small, other, "--set", f"{small}:width=1,2") == [
        (f"net ({small}, width=1)", 27),
        (f"net ({small}, width=2)", 54),
        ("other", 108),
    ]
    _, _, err = run(capsys, "compare", small, other, "--set", f"{other}:width=1")
    assert err == ""
    status, _, err = run(capsys, "compare", small, "--set", f"{other}:width=1")
    assert status == 1
    assert "is none of the targets, which are" in err


def test_arguments_for_one_imported_model(capsys: pytest.CaptureFixture[str]) -> None:
    """ResNet-18 ends in 512 features: 513 params a class."""
    pytest.importorskip("torchvision")
    target = "torchvision:resnet18"
    both = rows(capsys, target, "torchvision:alexnet", "--arg", f"{target}:num_classes=10")
    assert [params for _, params in both] == [11_689_512 - 990 * 513, 61_100_840]


def test_values_make_at_most_so_many_networks(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    many = ",".join(map(str, range(1, 1002)))
    status, out, err = run(capsys, "compare", small, "--set", f"width={many}")
    assert (status, out) == (1, "")
    assert "at most 1,000 stand in one result" in err


def test_values_of_a_config_on_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read once for all of them."""
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(SMALL.encode())))
    assert rows(capsys, "-", "--set", "width=2,5") == [("net (width=2)", 54), ("net (width=5)", 135)]


@pytest.mark.parametrize(
    ("values", "names", "params"),
    [
        (["width=2", "width=6"], ["net (width=2)", "net (width=6)"], [54, 162]),
        (["width=2,6"], ["net (width=2)", "net (width=6)"], [54, 162]),
        (["width=2"], ["net (as written)", "net (width=2)"], [108, 54]),
        (["width=2,6", "sizes=[1, 1]"], ["net (width=2)", "net (width=6)"], [6, 18]),
    ],
)
def test_one_network_beside_itself(
    values: list[str], names: list[str], params: list[int], small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for value in values for word in ("--set", value)]
    for targets in [small], [small, small]:
        status, out, err = run(capsys, "diff", *targets, *options, "--format", "json")
        if len(targets) == 2 and values == ["width=2"]:
            assert (status, out) == (1, "")
            assert f"archlab diff {small} --set K=V" in err
            continue
        assert status == 0
        found = json.loads(out)
        assert [found["before"], found["after"]] == names
        (total,) = [row for row in found["totals"] if row["figure"] == "params"]
        assert [total["before"], total["after"]] == params
        assert (err == "") == ("sizes=[1, 1]" not in values)


def test_what_is_not_two_networks(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "diff", small)
    assert status == 2
    assert "give another one, or a value" in err
    status, _, err = run(capsys, "diff", small, "--set", "width=1,2,3")
    assert status == 1
    assert "the values of --set make 3; compare has a row for each" in err
    assert "make 4" in run(capsys, "diff", small, "resnet18", "--set", f"{small}:width=1,2,3")[2]
