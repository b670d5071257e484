"""The tools in this process: the command line's numbers, paths of strangers, wrong arguments, texts of any kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlab.config.syntax.limits import MAX_FILE_BYTES
from archlab.mcp import worker
from archlab.mcp.folder import Folder
from archlab.mcp.instructions import EXAMPLE, INSTRUCTIONS
from archlab.mcp.tools import TOOLS
from archlab.mcp.worker import answered, line_of
from tests.chunks import check_each
from tests.command import run

ROOT = Path(__file__).parents[2]
CONFIGS = Folder(ROOT / "configs")
NET = """name: net
input: [3, 16, 16]
params: {width: 4}
variants: {wide: {width: 8}}
layers:
  - {name: first, type: conv2d, out_channels: $width, kernel_size: 3}
  - {name: second, type: conv2d, out_channels: 2, kernel_size: 1}
"""


def asked(tool: str, folder: Folder = CONFIGS, **arguments: Any) -> dict[str, Any]:
    """The result of a call."""
    ok, answer = answered(folder, tool, arguments)
    assert ok, answer
    return json.loads(json.dumps(answer, allow_nan=False))  # type: ignore[no-any-return]


def refused(tool: str, folder: Folder = CONFIGS, **arguments: Any) -> dict[str, Any]:
    """The one problem of a call."""
    ok, answer = answered(folder, tool, arguments)
    assert not ok, answer
    (problem,) = answer["problems"]
    assert "Traceback" not in problem["message"]
    return problem  # type: ignore[no-any-return]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints as JSON."""
    status, out, _ = run(capsys, *arguments, "--format", "json")
    assert status in (0, 1)
    return json.loads(out)


def test_the_answers_are_what_the_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    net = str(ROOT / "configs" / "resnet.yaml")
    options = ["--set", "num_classes=10", "--input", "3x64x64", "--batch", "2", "--dtype", "float16"]
    arguments: dict[str, Any] = {"params": {"num_classes": 10}, "input": [3, 64, 64], "batch": 2, "dtype": "float16"}
    expected = printed(capsys, "analyze", f"{net}@resnet50", *options)
    answer = asked("analyze", config="resnet.yaml@resnet50", layers=True, **arguments)
    assert answer.pop("layer_count") == len(expected["layers"])
    assert answer == expected
    assert asked("compare", networks=["resnet18", "vgg11"]) == printed(capsys, "compare", "resnet18", "vgg11")
    changed = {"config": "resnet18", "params": {"num_classes": 10}}
    diff = printed(capsys, "diff", "resnet18", "--set", "num_classes=10")
    answer = asked("diff", before="resnet18", after=changed)
    assert (answer["totals"], answer["changes"]) == (diff["totals"], diff["changes"])
    assert asked("explain", config="resnet18", layer="fc") == printed(capsys, "explain", "resnet18", "fc")
    assert asked("explain", config="resnet18") == printed(capsys, "explain", "resnet18")
    _, out, _ = run(capsys, "expand", "resnet18")
    assert asked("expand", config="resnet18")["text"] == out
    (checked,) = printed(capsys, "check", "resnet18", "--limit", "macs <= 1G")["targets"]
    answer = asked("check", config="resnet18", limits=["macs <= 1G"])
    assert answer["limits"] == checked["limits"]
    assert answer["ok"] is False
    assert [problem["message"] for problem in answer["problems"]] == [one["message"] for one in checked["problems"]]
    space = ["--vary", "width_mult=0.25..1:0.25", "--where", "macs <= 100M", "--maximize", "params"]
    fitted = printed(capsys, "fit", "mobilenet_v2", *space, "--processes", "1")
    vary = {"width_mult": "0.25..1:0.25"}
    assert asked("fit", config="mobilenet_v2", vary=vary, where=["macs <= 100M"], maximize="params") == fitted
    assert (
        asked(
            "fit",
            config="mobilenet_v2",
            vary={"width_mult": [0.25, 0.5, 0.75, 1.0]},
            where=["macs <= 100M"],
            maximize="params",
        )
        == fitted
    )


@pytest.mark.parametrize("tool", ["validate", "lint"])
def test_problems_are_the_commands_with_their_hints_apart(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = "tests/bad_configs/one_mistake_in_a_repeated_block.yaml"
    text = (ROOT / file).read_text()
    (expected,) = printed(capsys, tool, str(ROOT / file))["targets"][0]["problems"]
    for answer in (asked(tool, Folder(ROOT), config=file), asked(tool, text=text)):
        (problem,) = answer["problems"]
        assert problem.pop("hint") == "did you mean 'padding'?"
        assert problem.pop("did_you_mean") == "padding"
        assert problem.pop("source_line") == text.splitlines()[5]
        assert {**problem, "file": expected["file"]} == expected


def test_layers_are_left_out_folded_or_picked() -> None:
    assert "layers" not in asked("analyze", config="resnet50")
    picked = asked("analyze", config="resnet50", under="layer1.0")["layers"]
    assert len(picked) == 12
    assert all(layer["path"].startswith("layer1.0.") for layer in picked)
    assert "layer1 " in asked("analyze", config="resnet50", depth=1)["table"]
    assert refused("analyze", config="resnet50", under="layr1.0.conv1")["did_you_mean"] == "layer1.0.conv1"


def test_a_text_its_variants_and_what_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(NET)
    folder = Folder(tmp_path)
    assert asked("analyze", folder, text=NET)["total"]["params"] == 122
    assert asked("analyze", folder, text=NET, variant="wide")["total"]["params"] == 242
    assert asked("analyze", folder, text="extends: base.yaml\nparams: {width: 8}\n")["total"]["params"] == 242
    assert asked("analyze", folder, config="base.yaml", variant="wide")["total"]["params"] == 242
    assert refused("analyze", folder, text=NET, variant="wode")["did_you_mean"] == "wide"
    assert refused("analyze", folder, text=NET, config="base.yaml")["code"] == "missing"
    assert refused("analyze", folder)["code"] == "missing"


def test_arguments_are_named_as_the_tools_have_them() -> None:
    assert refused("analyze", text="input: [3, 8, 8]\nparams: {n: }\nlayers: [{type: relu}]")["hint"] == (
        'give it one with params: {"n": ...}'
    )
    assert refused("fit", text=NET, vary={}, maximize="params")["hint"] == "give values: vary: width=16..128:8"
    assert refused("fit", text=NET, vary={"wdth": [1]}, maximize="params")["message"].startswith(
        "vary: wdth: net has no"
    )
    assert refused("check", text=NET, limits=["macs < many"])["message"].startswith("limits: macs < many: ")


@pytest.fixture
def below(tmp_path: Path) -> Folder:
    """A folder with a config beside it that must not be read, and ways that lead there."""
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text(NET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "deep.yaml").write_text(NET)
    (inner / "net.yaml").write_text(NET)
    (inner / "notes.txt").write_text(NET)
    (inner / "link.yaml").symlink_to("../secret.yaml")
    (inner / "far").symlink_to("../outside")
    (inner / "round.yaml").symlink_to("round.yaml")
    (inner / "named.yaml").symlink_to("notes.txt")
    (inner / "good.yaml").symlink_to("sub/../net.yaml")
    (inner / "null.yaml").symlink_to("/dev/null")
    (inner / "sub" / "up.yaml").write_text("extends: ../net.yaml\n")
    (inner / "out.yaml").write_text("extends: link.yaml\n")
    os.mkfifo(inner / "pipe.yaml")
    (inner / "folder.yaml").mkdir()
    return Folder(inner)


def test_configs_below_the_folder_are_read_by_any_name_of_theirs(below: Folder) -> None:
    for name in (
        "net.yaml",
        "./net.yaml",
        "sub/../net.yaml",
        str(below.root / "net.yaml"),
        "good.yaml",
        "net.yaml@wide",
    ):
        assert asked("analyze", below, config=name)["name"] in ("net", "wide")


OTHER_PATHS = [
    "../secret.yaml", "sub/../../secret.yaml", "link.yaml", "far/deep.yaml", "/etc/passwd", "/etc/../etc/x.yaml",
    "round.yaml", "named.yaml", "null.yaml", "pipe.yaml", "folder.yaml", "sub", "..", ".", "/", "", "-", "-@wide",
    "/dev/stdin", "/dev/stdin@wide", "notes.txt", "net.yaml\0", "\0.yaml", "~/x.yaml", "file:///etc/x.yaml",
    "json:loads", "os.path:join", "timm:resnet50", "a.pt", "a.pth", "a.pkl", "a.pt2", "a.onnx", "a.cfg",
    "a.yaml:load", "\ud800.yaml", "x" * 300 + ".yaml", "\x1b[2J.yaml", "C:\\x.yaml", "missing.yaml", "nonet",
]  # fmt: skip


@pytest.mark.parametrize("tool", ["analyze", "validate"])
def test_other_paths_are_refused_in_plain_words(below: Folder, tool: str) -> None:
    def check(name: str) -> None:
        ok, answer = answered(below, tool, {"config": name})
        assert not (ok and answer.get("ok", True))
        (problem,) = answer["problems"]
        assert problem["code"] in ("unreadable", "unknown-preset")
        assert problem["message"].isprintable()
        assert "secret" not in problem["message"].replace(name, "")
        line_of(below, json.dumps({"tool": tool, "arguments": {"config": name}}).encode()).decode()

    check_each(OTHER_PATHS, check)


def test_what_a_config_extends_stays_in_its_folder(below: Folder) -> None:
    for name in ("sub/up.yaml", "out.yaml"):
        assert refused("analyze", below, config=name)["code"] == "extends-path"
    for extends in ("../secret.yaml", "link.yaml", "/etc/x.yaml", "far/deep.yaml"):
        assert refused("analyze", below, text=f"extends: {extends}")["code"] == "extends-path"
    assert refused("analyze", below, text="extends: pipe.yaml")["code"] == "unreadable"


@pytest.mark.parametrize(
    ("tool", "arguments", "codes"),
    [
        ("analyze", {"confg": "resnet18"}, ["unknown-option"]),
        ("analyze", {"config": 3}, ["wrong-type"]),
        ("analyze", {"config": None}, ["wrong-type"]),
        ("analyze", {"config": "resnet18", "batch": 0}, ["wrong-value"]),
        ("analyze", {"config": "resnet18", "batch": True, "depth": 2.5, "layers": 1}, ["wrong-type"] * 3),
        ("analyze", {"config": "resnet18", "dtype": "float23"}, ["wrong-value"]),
        ("analyze", {"config": "resnet18", "input": [3, "x"]}, ["wrong-type"]),
        ("analyze", {"config": "resnet18", "input": {"x": 3}}, ["wrong-type"]),
        ("analyze", {"config": "resnet18", "input": []}, ["bad-input"]),
        ("analyze", {"config": "resnet18", "input": [3, -1, 5]}, ["bad-input"]),
        ("analyze", {"config": "resnet18", "input": {"nothing": [3, 8, 8]}}, ["bad-input"]),
        ("analyze", {"config": "resnet18", "params": {"d1": {"a": 1}}}, ["wrong-type"]),
        ("analyze", {"config": "resnet18", "params": {"d1": float("nan")}}, ["wrong-value"]),
        ("analyze", {"config": "resnet18", "params": {"nothing": 1}}, ["unknown-param"]),
        ("compare", {}, ["missing"]),
        ("compare", {"networks": []}, ["wrong-value"]),
        ("compare", {"networks": ["resnet18"] * 21}, ["wrong-value"]),
        ("compare", {"networks": ["resnet18", {"conf": "resnet18"}, 3]}, ["unknown-option", "wrong-type"]),
        ("compare", {"networks": ["nonet", "../x.yaml"]}, ["unreadable", "unknown-preset"]),
        ("diff", {"before": "resnet18"}, ["missing"]),
        ("check", {"config": "resnet18", "limits": ["nothing <= 3"]}, ["wrong-value"]),
        ("lint", {"config": "resnet18", "only": ["nothing"]}, ["wrong-value"]),
        ("fit", {"config": "resnet18", "vary": {"d1": "1..3"}}, ["missing"]),
        ("fit", {"config": "resnet18", "vary": {"d1": "1..3"}, "maximize": "nothing"}, ["wrong-value"]),
        ("fit", {"config": "resnet18", "vary": {"d1": "!!python/x 1"}, "maximize": "params"}, ["yaml-tag"]),
        ("explain", {"config": "resnet18", "layer": "nothing"}, ["unknown-layer"]),
        ("layer_types", {"type": "conv2"}, ["unknown-layer"]),
        ("presets", {"names": ["resne"]}, ["unknown-preset"]),
    ],
)  # fmt: skip
def test_wrong_arguments_are_problems(tool: str, arguments: dict[str, Any], codes: list[str]) -> None:
    ok, answer = answered(CONFIGS, tool, arguments)
    assert not ok
    assert sorted(problem["code"] for problem in answer["problems"]) == sorted(codes), answer


def test_texts_beyond_the_bounds_of_the_language() -> None:
    assert refused("analyze", text=f"# {'x' * MAX_FILE_BYTES}")["code"] == "too-large"
    bomb = "input: [3, 8, 8]\nlayers: [{type: relu, repeat: 1000000}]"
    assert refused("analyze", text=bomb)["code"] == "too-large"
    assert refused("validate", text=3)["code"] == "wrong-type"


@settings(max_examples=25, deadline=None)
@given(
    st.text(max_size=200)
    | st.sampled_from(sorted((ROOT / "tests" / "bad_configs").glob("*.yaml"))).map(
        lambda path: path.read_text(errors="surrogateescape")
    ),
    st.sampled_from(["analyze", "validate", "lint", "expand", "explain", "check"]),
)
def test_no_text_ends_in_a_fault(text: str, tool: str) -> None:
    line = line_of(CONFIGS, json.dumps({"tool": tool, "arguments": {"text": text}}).encode())
    answer = json.loads(line)
    assert line.count(b"\n") == 1
    assert "internal" not in [problem["code"] for problem in answer["answer"].get("problems", [])], answer


def test_the_example_that_clients_are_told_is_valid() -> None:
    assert EXAMPLE in INSTRUCTIONS
    answer = asked("validate", text=EXAMPLE)
    assert (answer["ok"], answer["networks"]) == (True, 2)
    assert asked("lint", text=EXAMPLE)["problems"] == []
    assert all(name in INSTRUCTIONS for name in TOOLS if name not in ("lint", "expand"))


def test_a_fault_of_archlabs_own_is_an_answer_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_folder: Folder, _arguments: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("x")

    monkeypatch.setitem(TOOLS, "analyze", TOOLS["analyze"]._replace(run=broken))
    answer = json.loads(line_of(CONFIGS, b'{"tool": "analyze", "arguments": {}}'))
    assert answer["ok"] is False
    assert answer["answer"]["problems"][0]["code"] == "internal"
    assert capsys.readouterr().err == "archlab mcp: analyze: KeyError: 'x'\n"


def test_an_answer_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_ANSWER", 5000)
    answer = json.loads(line_of(CONFIGS, b'{"tool": "analyze", "arguments": {"config": "resnet18", "layers": true}}'))
    assert answer["ok"] is False
    (problem,) = answer["answer"]["problems"]
    assert problem["code"] == "too-large"
    assert "analyze with under or depth" in problem["hint"]


def test_no_tool_imports_what_is_heavy() -> None:
    calls = [
        ("analyze", {"config": "resnet18", "depth": 1}),
        ("validate", {"text": "input: [3, 8, 8]\nlayers: [{type: torch.nn.Foo, output: same}]"}),
        ("compare", {"networks": ["resnet18"]}),
        ("diff", {"before": "resnet18", "after": "resnet18"}),
        ("check", {"config": "resnet18", "deploy": True}),
        ("fit", {"config": "resnet18", "vary": {"d1": "1..2"}, "maximize": "params"}),
        ("lint", {"config": "resnet18"}),
        ("explain", {"config": "resnet18", "layer": "fc"}),
        ("explain", {"config": "resnet18", "counting": True}),
        ("expand", {"config": "resnet18"}),
        ("presets", {}),
        ("layer_types", {}),
    ]
    code = (
        "import sys, json; from pathlib import Path; from archlab.mcp.folder import Folder\n"
        "from archlab.mcp.worker import answered\n"
        "for name, arguments in json.loads(sys.argv[1]): assert answered(Folder(Path()), name, arguments)[0], name\n"
        "print(*({'torch', 'numpy', 'pandas', 'rich', 'mcp', 'anyio'} & set(sys.modules)))"
    )
    assert {name for name, _ in calls} == set(TOOLS)
    command = [sys.executable, "-c", code, json.dumps(calls)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "\n"
