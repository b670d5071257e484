"""The command line as a user or a script meets it: forms, exit status, what is imported, what is missing."""

from __future__ import annotations

import csv
import json
import os
import runpy
import subprocess
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

import archlab
from archlab.analysis import conditions, optimizer
from archlab.cli import options
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, parse
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.presets import files_mentioning, preset_files, preset_names
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import Problems
from tests import presets
from tests.command import run
from tests.schema import validator

HEAVY = ("torch", "torchvision", "numpy", "pandas", "fvcore")


def analyze(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status, out, err = run(capsys, "analyze", *arguments, "--format", "json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert isinstance(result, dict)
    return result


def test_json_holds_what_the_contract_says(capsys: pytest.CaptureFixture[str]) -> None:
    result = analyze(capsys, "resnet50")
    assert list(result) == ["name", "variant", "input", "total", "layers", "outputs"]
    assert result["input"] == {"shape": [1, 3, 224, 224], "dtype": "float32"}
    total = result["total"]
    assert (total["params"], total["macs"], total["activations"]) == (25557032, 4089184256, 11114984)
    assert {"params", "buffers", "activations", "inference_peak"} <= set(total["memory"])
    field = total["receptive_field"]
    assert (field["size"], field["stride"], field["start"], field["coverage"]) == (
        [427] * 2,
        [32] * 2,
        [-213] * 2,
        [1.0] * 2,
    )
    assert (field["sizes"], field["global"], field["aligned"]) == ([[427], [427]], False, True)
    layer = next(layer for layer in result["layers"] if layer["path"] == "layer1.0.conv1")
    assert (layer["type"], layer["inputs"], layer["output_shape"]) == ("conv2d", ["maxpool"], [1, 64, 56, 56])
    (output,) = result["outputs"]
    assert (output["name"], output["path"], output["shape"]) == ("output", "fc", [1, 1000])
    assert output["receptive_field"].items() <= field.items()
    assert (field["layer"], field["largest_finite"]) == ("layer4.2.relu3", [427] * 2)


def test_totals_are_the_sums_of_the_layers(capsys: pytest.CaptureFixture[str]) -> None:
    result = analyze(capsys, "mobilenet_v2")
    for key in ("params", "buffers", "macs", "flops", "activations"):
        assert sum(layer[key] for layer in result["layers"]) == result["total"][key]


def test_every_form_has_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    layers = analyze(capsys, "alexnet")["layers"]
    _, text, _ = run(capsys, "analyze", "alexnet", "--format", "csv")
    rows = list(csv.DictReader(StringIO(text)))
    for key in ("path", "type", "params", "macs", "flops", "activation_bytes"):
        assert [row[key] for row in rows] == [str(layer[key]) for layer in layers]
    _, markdown, _ = run(capsys, "analyze", "alexnet", "--format", "markdown")
    assert all(f"| {layer['macs']:,} |" in markdown for layer in layers)
    frame = archlab.load("alexnet").analyze().to_dataframe()
    assert frame["params"].tolist() == [layer["params"] for layer in layers]


def test_the_table_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    """The printed params column, added up again."""
    for depth in ("1", "2", "3", "all"):
        status, out, _ = run(capsys, "analyze", "resnet18", "--depth", depth)
        assert status == 0
        head, *lines = out.split("\n\n")[1].splitlines()
        start, end = head.index("output") + len("output"), head.index("params") + len("params")
        printed = [line[start:end].split()[-1] for line in lines[1:] if line.strip()]
        assert sum(int(word.replace(",", "")) for word in printed if word != "-") == 11689512, depth
    assert "params          11,689,512" in out


def test_a_table_without_terminal_has_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "analyze", "vgg11")
    assert "\x1b" not in out
    assert "features" in out


def test_options_change_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    base = analyze(capsys, "resnet18")["total"]
    batch = analyze(capsys, "resnet18", "--batch", "4")["total"]
    assert batch["macs"] == 4 * base["macs"]
    assert batch["params"] == base["params"]
    half = analyze(capsys, "resnet18", "--dtype", "float16")["total"]["memory"]
    assert half["params"] * 2 == base["memory"]["params"]
    classes = analyze(capsys, "resnet18", "--set", "num_classes=10")["total"]
    assert base["params"] - classes["params"] == 990 * 513
    small = analyze(capsys, "resnet18", "--input", "3x64x64")
    assert small["input"]["shape"] == [1, 3, 64, 64]


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "compare", "resnet18", "resnet34", "--format", "csv")
    rows = list(csv.DictReader(StringIO(out)))
    assert (status, [row["params"] for row in rows]) == (0, ["11689512", "21797672"])
    _, out, _ = run(capsys, "compare", "resnet18", "resnet34", "--format", "json")
    assert [network["name"] for network in json.loads(out)["networks"]] == ["resnet18", "resnet34"]
    status, out, err = run(capsys, "compare", "resnet18", "rezzznet", "resnet34@x")
    assert (status, out) == (1, "")
    assert "rezzznet" in err
    assert archlab.compare(["resnet18", "resnet34"]).to_dataframe()["macs"].tolist() == [1814073344, 3663761408]


def test_output_file_and_its_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix, start in ((".json", "{"), (".csv", "path,"), (".md", "## resnet18"), (".txt", "resnet18: ")):
        path = tmp_path / f"report{suffix}"
        assert run(capsys, "analyze", "resnet18", "-o", str(path)) == (0, "", "")
        assert path.read_text().startswith(start)
    assert run(capsys, "analyze", "resnet18", "-o", str(tmp_path / "report.xyz"))[0] == 2
    status, _, err = run(capsys, "analyze", "resnet18", "-o", str(tmp_path / "no" / "report.json"))
    assert status == 1
    assert "cannot write" in err


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["analyze"],
            ["frobnicate"],
            ["--depth", "1"],
            ["analyze", "resnet18", "--batch", "0"],
            ["analyze", "a", "--dtype", "int4"],
        ),
        *(["analyze", "resnet18", "--depth", "x"], ["build", "resnet18"], ["explain"]),
        *(
            ["analyze", "resnet18", "--batch", "0" * 20 + "1" + "0" * 20],
            ["build", "resnet18", "--seed", "9" * 30, "-o", "x.pt"],
        ),
    ],
)
def test_wrong_usage_is_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "usage:" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze", "resnet51"], "did you mean 'resnet50'"),
        (["analyze", "no/such/file.yaml"], "there is no file"),
        (["analyze", "resnet@resnet51"], "did you mean 'resnet50'"),
        (["analyze", "."], "there is no preset '.'"),
        (["analyze", "./"], "is a folder"),
        (["analyze", "a\x00b.yaml"], "cannot read"),
        (["analyze", "/dev/zero.yaml"], "there is no file"),
        (["analyze", "resnet18", "--set", "num_clases=3"], "did you mean 'num_classes'"),
        (["analyze", "resnet18", "--set", "num_classes=ten"], "must be a number"),
        (["analyze", "resnet18", "--set", "num_classes"], "name=value"),
        (["analyze", "resnet18", "--set", "num_classes=[1"], "not valid YAML"),
        (["analyze", "resnet18", "--set", "num_classes=9e999"], "too large"),
        (["analyze", "resnet18", "--set", "num_classes=-1"], "out_features"),
        (["analyze", "resnet18", "--set", "num_classes=$x"], "takes a plain value"),
        (["analyze", "a@b/net.yaml"], "there is no file a@b/net.yaml"),
        (["analyze", "resnet18", "--input", "3x224"], "2 numbers"),
        (["analyze", "resnet18", "--input", "3x0x9"], "at least 1"),
        (["analyze", "resnet18", "--input", "axbxc"], "3x224x224"),
        (["analyze", "resnet18", "--input", "4"], "has 1 number"),
        (["validate", "resnet51"], ""),
        (["build", "resnet18", "-o", "x.xyz"], "the ending must be one of"),
        (["build", "resnet18", "-o", "no/such/folder/x.pt"], "cannot write"),
        (["build", "resnet18", "-o", "no/such/folder/x.py"], "cannot write"),
        (["verify", "resnet51"], "did you mean"),
    ],
)
def test_wrong_input_is_one_and_says_so(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert status == 1
    assert said in err
    assert "Traceback" not in out + err


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00input")
    (tmp_path / "huge.yaml").write_text("#" * 1_100_000)
    assert "is not UTF-8" in run(capsys, "analyze", str(tmp_path / "bytes.yaml"))[2]
    assert "may have 1,000,000" in run(capsys, "analyze", str(tmp_path / "huge.yaml"))[2]


def test_validate_folders_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = "input: [3, 8, 8]\nlayers: [{type: relu}]\n"
    (tmp_path / "good.yaml").write_text(good)
    status, out, _ = run(capsys, "validate", str(tmp_path))
    assert (status, out) == (0, f"{tmp_path}/good.yaml: ok (1 network)\n")
    (tmp_path / "bad.yaml").write_text(good + "expect: {macs: 1, receptive_field: [1, 2], stride: 1}\n")
    status, out, _ = run(capsys, "validate", str(tmp_path))
    assert status == 1
    assert "expected macs 1, but it is 0" in out
    assert "expected receptive_field [1, 2], but it is 1" in out
    assert "stride" not in out.replace("stride: 1}", "")
    (tmp_path / "empty").mkdir()
    assert run(capsys, "validate", str(tmp_path / "empty"))[0] == 1


def test_presets_lists_every_network(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = run(capsys, "presets", "resnext50*", "--format", "csv")
    assert [row["params"] for row in csv.DictReader(StringIO(out))] == ["25028904"]

    def expanded(document: Document, variant: Variant | None, *_rest: Any, **_params: Any) -> Any:
        """The network, whose analysis other tests of the process share."""
        name = Path(document.source.name).stem if variant is None else variant.name
        return SimpleNamespace(analyze=lambda: presets.analysis(name))

    monkeypatch.setattr("archlab.zoo.rows.expand_document", expanded)
    status, out, _ = run(capsys, "presets", "--format", "csv")
    rows = {row["name"]: row for row in csv.DictReader(StringIO(out))}
    assert status == 0
    assert {"alexnet", "vgg16_bn", "resnet152", "wide_resnet101_2", "mobilenet_v2"} <= set(rows)


def test_names_of_presets_are_found_in_the_text_of_the_files() -> None:
    for path in preset_files():
        document, _ = read_document(Source(path.name, path.read_text(), path.parent), path.stem)
        assert {path.stem, *document.variants} <= set(preset_names())
        for name in document.variants:
            assert next(files_mentioning(name)) == path


def raw(path: Path) -> Any:
    def plain(node: Node) -> Any:
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Sequence):
            return [plain(item) for item in node.items]
        assert isinstance(node, Mapping)
        return {key: plain(value) for key, value in node.entries.items()}

    return plain(parse(Source(path.name, path.read_text()), Problems()))


def test_the_schema_is_a_schema_and_takes_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "schema")
    assert (status, json.loads(out)) == (0, json.loads(json.dumps(validator().schema)))
    jsonschema.Draft7Validator.check_schema(validator().schema)
    for path in preset_files():
        assert [error.message for error in validator().iter_errors(raw(path))] == [], path.name


@pytest.mark.parametrize(
    "name",
    ["unknown_option", "unknown_layer", "keras_names", "huge_number", "number_in_quotes", "unknown_top_level_key"],
)
def test_the_schema_refuses_bad_configs(name: str) -> None:
    path = Path(__file__).parents[1] / "bad_configs" / f"{name}.yaml"
    document = raw(path)
    if name == "huge_number":  # the parser already put a number in its place
        document["layers"][0]["out_channels"] = 10**20
    assert list(validator().iter_errors(document))


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_analysis_imports_nothing_heavy() -> None:
    code = (
        "import sys; from archlab.cli.main import main; main(['analyze', 'resnet50', '--format', 'json'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], 'rich' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == "[] False\n"
    assert json.loads(done.stdout)["name"] == "resnet50"


def test_other_commands_and_reports_import_nothing_heavy() -> None:
    memory = ["memory", "vgg11", "--training", "--fit", "8GB"]
    commands = [
        ["analyze", "vgg11"],
        ["validate", "resnet"],
        ["schema"],
        ["compare", "vgg11"],
        memory,
        ["time", "vgg11"],
    ]
    code = (  # one after the other: what an earlier one imports stays
        f"import sys; from archlab.cli.main import main\nfor arguments in {commands!r}:\n    main(arguments)\n"
        f"    print(arguments[0], [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.splitlines() == [f"{name} []" for name, *_ in commands]


def test_the_words_of_options_are_those_of_the_analyses() -> None:
    assert tuple(optimizer.OPTIMIZERS) == options.OPTIMIZERS
    assert options.DTYPES == conditions.DTYPES
    assert options.LOWER_DTYPES == conditions.LOWER_DTYPES


def test_importing_archlab_is_light() -> None:
    assert python("import sys, archlab; print('pydantic' in sys.modules, 'torch' in sys.modules)") == "False False\n"


HIDE_TORCH = """
import sys
from importlib.abc import MetaPathFinder
class Hide(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'torchvision', 'fvcore'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Hide())
from archlab.cli.main import main
"""


@pytest.mark.parametrize("arguments", [["build", "resnet18", "-o", "x.pt"], ["verify", "resnet18"]])
def test_who_lacks_torch_is_told_the_line_to_type(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{HIDE_TORCH}\nsys.exit(main({arguments!r}))"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "archlab[torch]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_without_torch_the_source_can_still_be_written(tmp_path: Path) -> None:
    code = f"{HIDE_TORCH}\nsys.exit(main(['build', 'resnet18', '-o', 'x.py']))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert "nn.Conv2d(" in (tmp_path / "x.py").read_text()


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m archlab analyze resnet152 --format json | head -c 10"
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
    assert done.stderr == ""


def test_build_writes_a_state_dict_an_exported_program_and_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    depths: dict[str, Any] = {"d1": 1, "d2": 1, "d3": 1, "d4": 1}
    given = [part for name, depth in depths.items() for part in ("--set", f"{name}={depth}")]
    for suffix in (".pt", ".pt2", ".py"):
        file = str(tmp_path / f"net{suffix}")
        made = run(capsys, "build", "resnet18", *given, "--input", "3x64x64", "--seed", "1", "-o", file)
        assert made == (0, "", "")
    state = torch.load(tmp_path / "net.pt", weights_only=True)
    torch.manual_seed(1)
    model = archlab.build(archlab.load("resnet18", **depths))
    assert all(torch.equal(a, b) for a, b in zip(state.values(), model.state_dict().values(), strict=True))
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        program = torch.export.load(tmp_path / "net.pt2").module()
        torch.testing.assert_close(program(x), model.eval()(x))
    runpy.run_path(str(tmp_path / "net.py"), run_name="__main__")  # as a script, without importing PyTorch once more
    assert f"{sum(p.numel() for p in model.parameters()):,}" in capsys.readouterr().out


def test_the_python_face() -> None:
    assert {"load", "build", "compare", "verify"} <= set(dir(archlab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = archlab.nothing
    report = archlab.load("resnet18").analyze()
    page = report._repr_html_()
    assert "layer1.0.conv1" in page
    assert "11,689,512" in page
    with pytest.raises(ValueError, match="dtype"):
        archlab.load("resnet18").analyze(dtype="float64")
    with pytest.raises(archlab.ConfigError):
        archlab.load("resnet18", nonsense=1)


def test_names_are_escaped_in_html_and_markdown() -> None:
    text = "name: '<img src=x onerror=alert(1)>|'\ninput: [3, 4, 4]\nlayers: [{type: relu}]"
    report = archlab.loads(text).analyze()
    assert "<img" not in report._repr_html_()
    assert "<img" not in archlab.compare([archlab.loads(text)])._repr_html_()
    from archlab.report.markup import analysis_markdown

    assert "<img" not in analysis_markdown(report)


@pytest.mark.parametrize("target", ["/dev/full"])
def test_a_full_disk_is_said(target: str) -> None:
    command = f"{sys.executable} -m archlab analyze alexnet > {target}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "archlab: cannot write the result: No space left on device\n")


def test_a_terminal_without_the_characters_gets_others() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "archlab", "analyze", "alexnet"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert "61,100,840" in done.stdout
