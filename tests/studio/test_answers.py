"""Each method of the studio, on presets, on broken texts, and on whatever else may be sent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from archlab.analysis.difference import Difference
from archlab.api.load import loads
from archlab.api.validate import validate
from archlab.config.tree.presets import preset_files
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError
from archlab.report.rows import analysis_dict
from archlab.studio import asking
from archlab.studio.answer import METHODS, answer
from archlab.studio.panels import MOST_ROWS
from archlab.studio.positions import column_at, units
from tests import worst_inputs
from tests.chunks import check_each, in_chunks
from tests.editor.edits import CONFIGS, edited
from tests.fuzz import SEEDS, mutate
from tests.presets import TARGETS, analysis, is_like_others

FOLDER = Path(__file__).parents[1] / "bad_configs"
BAD = sorted(FOLDER.glob("*.yaml"))
MOST_BYTES = 1_000_000
"""Of an answer to `check`."""
POSITIONED = ("complete", "hover", "definition")

NET = """archlab: 1
name: net
input: [3, 32, 32]
params: {width: 8, deep: true, kind: relu, drop: 0.1, sizes: [3, 5]}
variants:
  small: {}
  wide: {width: 16, kind: gelu}
blocks:
  unit:
    params: {channels: }
    layers:
      - {type: conv2d, out_channels: $channels, kernel_size: 3, padding: 1}
      - {type: $kind}
layers:
  - {name: first, use: unit, channels: $width}
  - {name: second, use: unit, channels: $(2 * width), when: $deep}
  - {name: pool, type: adaptive_avg_pool2d, output_size: 1}
expect: {params: "<= 2k", macs: 1}
"""


def sent(method: str, **request: Any) -> dict[str, Any]:
    """An answer as the page gets it."""
    found: dict[str, Any] = json.loads(json.dumps(answer(method, request), allow_nan=False))
    return found


def errors_of(found: dict[str, Any]) -> list[str]:
    """Messages of an answer without what design rules say, and without the network's name."""
    errors = [problem for problem in found["problems"] if problem["severity"] == "error"]
    return [problem["message"].removeprefix(f"{found['name']}: ") for problem in errors]


def text_of(family: str) -> str:
    found: str = sent("preset", name=family)["text"]
    return found


def families() -> list[tuple[str, str]]:
    """A family and a variant for each network of the zoo."""
    rows = sent("hello")["presets"]
    own = {variant: row["name"] for row in rows for variant in row["variants"]}
    return [(own.get(name, name), name if name in own else "") for name in TARGETS]


# what is known of a text

SHOWN = [(family, variant) for family, variant in families() if not is_like_others(variant or family)][::3]
"""Some networks of different kinds."""


@pytest.mark.parametrize(("family", "variant"), SHOWN, ids=str)
def test_all_that_is_shown_of_a_preset_is_what_the_command_line_prints(family: str, variant: str) -> None:
    found = sent("check", text=text_of(family), variant=variant)
    told = analysis_dict(analysis(variant or family))
    assert found["ok"]
    assert not [problem for problem in found["problems"] if problem["severity"] == "error"]
    assert (found["name"], found["variant"]) == (told["name"], variant)
    totals = {row["key"]: row["value"] for row in found["totals"]}
    assert [totals[key] for key in ("params", "buffers", "macs", "flops", "activations")] == [
        told["total"][key] for key in ("params", "buffers", "macs", "flops", "activations")
    ]
    assert totals["memory.inference_peak"] == told["total"]["memory"]["inference_peak"]
    assert totals.get("memory.training_peak") == told["total"]["memory"]["training_peak"]
    assert totals["receptive_field"] == told["total"]["receptive_field"]["size"]
    _same_layers(found, told)
    timeline = found["timeline"]
    assert timeline["moments"][timeline["peak"]]["bytes"] == told["total"]["memory"]["inference_peak"]
    assert max(moment["bytes"] for moment in timeline["moments"]) == told["total"]["memory"]["inference_peak"]
    assert sum(part["value"] for part in timeline["parts"]) == told["total"]["memory"]["inference_peak"]
    lines = text_of(family).split("\n")
    assert all(hint["column"] <= units(lines[hint["line"]]) for hint in found["hints"])
    assert all(budget["met"] for budget in found["budgets"])


def _same_layers(found: dict[str, Any], told: dict[str, Any]) -> None:
    layers, columns = told["layers"], [column["key"] for column in found["layers"]["columns"]]
    rows, start = [], 0
    while True:
        rows += found["layers"]["rows"]
        if not found["layers"]["left_out"]:
            break
        start = len(rows)
        again = sent("check", text=text_of(_family(found)), variant=found["variant"], rows_from=start)
        found = {**found, "layers": again["layers"]}
    assert [row["name"] for row in rows] == [layer["path"] for layer in layers]
    for key in ("params", "macs", "flops"):
        values = [row["cells"][columns.index(key)]["value"] for row in rows]
        assert values == [layer[key] or 0 for layer in layers]
    by_name = {row["name"]: row for row in found["growth"]}
    for layer in layers:
        if layer["path"] in by_name:
            row = by_name[layer["path"]]
            known = [size for size in row["receptive_field"] if size is not None]
            assert known == [
                s for s, r in zip(layer["receptive_field"]["size"], row["receptive_field"], strict=True) if r
            ]


def _family(found: dict[str, Any]) -> str:
    return next(family for family, variant in families() if (variant or family) == found["name"])


def test_every_preset_can_be_edited_without_its_file() -> None:
    """The texts of those above are answered there."""
    above = {family for family, _ in SHOWN}
    for row in sent("hello")["presets"]:
        assert row["summary"]
        if row["name"] in above:
            continue
        assert sent("check", text=text_of(row["name"]), variant=(row["variants"] or [""])[0])["totals"], row["name"]


def test_variants_values_and_budgets() -> None:
    own = sent("check", text=NET)
    assert own["variants"] == ["small", "wide"]
    assert own["name"] == "net"
    assert [(row["text"], row["met"]) for row in own["budgets"]] == [
        ("params 1,392, which must be <= 2k", True),
        ("macs 1,400,832, which must be 1", False),
    ]
    (held,) = sent("check", text=f"{NET[: NET.index('expect')]}expect: {{params: 1392}}")["budgets"]
    assert (held["text"], held["met"]) == ("params 1,392, as expected", True)
    assert errors_of(own) == [f"expected macs 1, but it is {(8 * 27 + 16 * 72) * 32 * 32}"]
    assert not own["ok"]
    rows = {row["name"]: row for row in own["params"]}
    assert [rows[name]["kind"] for name in ("width", "deep", "kind", "drop", "sizes")] == [
        *("int", "bool", "str", "float", "other")
    ]
    assert (rows["width"]["value"], rows["width"]["choices"]) == (8, [8, 16])
    assert rows["kind"]["choices"] == ["relu", "gelu"]
    assert (rows["width"]["low"], rows["width"]["high"], rows["width"]["step"]) == (1, 64, 1)
    assert rows["width"]["line"] == 3

    wide = sent("check", text=NET, variant="wide")
    assert wide["variant"] == "wide"
    assert {row["name"]: row["value"] for row in wide["params"]}["width"] == 16
    given: dict[str, Any] = {"width": 4, "deep": False, "sizes": [1]}
    made = sent("check", text=NET, variant="wide", set=given)
    assert {row["name"]: row["value"] for row in made["params"]} == {**given, "kind": "gelu", "drop": 0.1}
    assert {row["name"]: row["default"] for row in made["params"]}["width"] == 16
    assert made["totals"][0]["value"] == loads(NET, **given).analyze().total.params == 4 * 28
    assert not errors_of(made)  # figures are those of what is written
    assert made["budgets"] == []  # a variant carries its own
    assert [row["met"] for row in sent("check", text=NET, set={"width": 40})["budgets"]] == [False, False]

    wrong = sent("check", text=NET, set={"width": "x", "none": 1})
    assert not wrong["ok"]
    assert len(errors_of(wrong)) == 2
    assert len(wrong["params"]) == 5


def test_a_text_with_a_problem_has_all_that_can_be_known() -> None:
    broken = NET.replace("output_size: 1", "output_sise: 1")
    found = sent("check", text=broken)
    assert found["partial"]
    (problem,) = [one for one in found["problems"] if one["code"] == "unknown-option"]
    assert problem["hint"] == "did you mean 'output_size'?"
    assert problem["page"] == "docs/problems.md#unknown-option"
    (fix,) = problem["fixes"]
    (edit,) = fix["edits"]
    assert _edited(broken, edit) == NET
    assert [row["name"] for row in found["layers"]["rows"]] == [
        "first.conv",
        "first.relu",
        "second.conv",
        "second.relu",
    ]
    assert found["layers"]["rows"][0]["cells"][2]["value"] == 8 * 28
    assert len(found["hints"]) == 4
    assert len(found["params"]) == 5
    assert "totals" not in found

    typing = NET.replace("{type: $kind}", "{type: $kin")  # the YAML does not end
    while_typing = sent("check", text=typing)
    assert while_typing["partial"]
    assert while_typing["variants"] == ["small", "wide"]
    assert while_typing["hints"]


def _edited(text: str, edit: dict[str, Any]) -> str:
    lines = text.split("\n")
    assert edit["line"] == edit["end_line"]
    line = lines[edit["line"]]
    start, end = (column_at(line, edit[key]) for key in ("column", "end_column"))
    lines[edit["line"]] = line[:start] + edit["text"] + line[end:]
    return "\n".join(lines)


def test_trails_lead_to_the_lines_that_use_a_block() -> None:
    found = sent("check", text=NET.replace("kernel_size: 3, padding", "kernel_size: 99, padding"))
    related = [part for problem in found["problems"] for part in problem["related"]]
    assert {part["line"] for part in related} == {14}
    assert related[0]["file"] is None


def test_columns_are_counted_as_browsers_do() -> None:
    """Beyond the first 65,536 characters a letter has two units."""
    text = NET.replace("{name: pool,", "{name: pool, when: $('😀' == '😀'),").replace("output_size", "output_sise")
    line = text.split("\n")[16]
    (problem,) = [one for one in sent("check", text=text)["problems"] if one["code"] == "unknown-option"]
    marked = line.encode("utf-16-le")[2 * problem["column"] : 2 * problem["end_column"]].decode("utf-16-le")
    assert marked == "output_sise"
    (hint,) = [one for one in sent("check", text=text)["hints"] if one["line"] == 14]
    assert hint["column"] == units(NET.split("\n")[14])
    for before, column in (("", 0), ("a", 1), ("😀", 2), ("a😀b", 4), ("ä", 1)):
        assert units(before) == column
        assert column_at(before + "x", column) == len(before)


def test_problems_of_all_variants_are_those_of_validate() -> None:
    text = NET.replace("wide: {width: 16", "wide: {width: -16").replace(", macs: 1", "")
    assert sent("check", text=text)["ok"]
    found = sent("check", text=text, validate=True)
    assert not found["ok"]
    told = validate("config.yaml", Source("config.yaml", text)).problems
    assert [problem["message"] for problem in found["problems"]][: len(told)] == [problem.message for problem in told]
    assert len(errors_of(found)) == len(told) > 0


@pytest.mark.parametrize("paths", in_chunks(BAD, 15))
def test_the_problems_of_bad_configs_are_those_of_validate(paths: list[Path]) -> None:
    check_each(paths, check_problems)


def check_problems(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", errors="replace")
    source = Source(str(path), text, path.parent)
    told = validate(str(path), source).problems
    found = json.loads(json.dumps(answer("check", {"text": text, "validate": True}, path), allow_nan=False))
    if len(text) > MOST_BYTES:
        assert "at most" in found["error"]
        return
    shown = [(problem["code"], problem["severity"]) for problem in found["problems"]]
    assert shown[: len(told)] == [(str(problem.code), problem.code.level) for problem in told][: len(shown)]
    assert len(shown) >= min(len(told), 10)
    for problem in found["problems"]:
        assert problem["message"].isprintable()
        assert 0 <= problem["line"] < len(source.lines) or not problem["line"]
        assert problem["column"] <= units(source.line(problem["line"]))
    assert len(json.dumps(found)) < MOST_BYTES
    for method in POSITIONED:
        assert isinstance(answer(method, {"text": text, "line": 3, "column": 5}, path), dict)


def test_mutated_configs_have_an_answer() -> None:
    """Whatever a text is, there is an answer in JSON, and numbers where Python's face has them."""
    draw = random.Random(20)  # noqa: S311 - no cryptography
    methods = (*POSITIONED, "diagram", "field_picture", "format", "download", "difference")
    counts = dict.fromkeys((True, False), 0)
    for number in range(150):
        text = mutate(draw.choice(SEEDS), draw) if number % 2 else edited(draw.choice(CONFIGS), number)
        found = sent("check", text=text)
        try:
            expected = loads(text).analyze().total.params
        except ConfigError:
            expected = None
        if expected is None:
            assert found["partial"] or found["variant"]  # its default may be none, and a variant shown
        elif not found["variant"]:
            assert found["totals"][0]["value"] == expected
        counts[found["partial"]] += 1
        method = methods[number % len(methods)]
        position = {"line": draw.randrange(60), "column": draw.randrange(80)} if method in POSITIONED else {}
        more = {"kind": "py"} if method == "download" else {"kept": {"text": NET}} if method == "difference" else {}
        assert isinstance(sent(method, text=text, **position, **more), dict)
    assert min(counts.values()) > 8


LARGE: dict[str, Callable[[], str]] = {
    "concatenated_paths": worst_inputs.concatenated_paths,
    "many_params": worst_inputs.many_params,
    "mistakes": worst_inputs.mistakes,
}


@pytest.mark.parametrize("name", LARGE)
def test_an_answer_is_short_whatever_the_network(name: str) -> None:
    found = sent("check", text=LARGE[name]())
    assert len(json.dumps(found, ensure_ascii=False).encode()) < MOST_BYTES
    assert len(found["layers"]["rows"]) <= MOST_ROWS


def test_what_an_answer_leaves_out_takes_no_room_in_it() -> None:
    """No list has something for each layer."""
    few, many = (
        len(json.dumps(sent("check", text=worst_inputs.nested(layers)), ensure_ascii=False).encode())
        for layers in (4_000, 8_000)
    )
    assert few < many < few + 1_000
    assert many < MOST_BYTES


def test_layers_come_in_parts_and_folded() -> None:
    text = "input: [3, 8, 8]\nlayers: [{type: relu, repeat: 2500}]\n"
    names: list[str] = []
    while len(names) < 2500:
        table = sent("check", text=text, rows_from=len(names))["layers"]
        assert table["first"] == len(names)
        names += [row["name"] for row in table["rows"]]
        assert table["left_out"] == 2500 - len(names)
    assert len(set(names)) == 2500
    folded = sent("check", text=text_of("resnet"), variant="resnet50", depth=1)["layers"]["rows"]
    assert [row["name"] for row in folded][4:8] == ["layer1", "layer2", "layer3", "layer4"]
    assert sum(row["cells"][2]["value"] for row in folded) == 25_557_032


# the other methods


def test_completion_hover_and_definition() -> None:
    line = NET.split("\n")[14]
    offered = sent("complete", text=NET, line=14, column=line.index("unit") + 2)
    assert [offer["label"] for offer in offered["offers"]] == ["unit"]
    assert line[offered["start"] : offered["end"]] == "unit"
    types = sent("complete", text=NET, line=16, column=NET.split("\n")[16].index("adaptive") + 3)
    (pool,) = [offer for offer in types["offers"] if offer["label"] == "adaptive_avg_pool2d"]
    assert pool["kind"] == "type"
    assert pool["detail"]
    hovered = sent("hover", text=NET, line=16, column=NET.split("\n")[16].index("adaptive"))
    assert "**0** params" in hovered["markdown"]
    assert hovered["line"] == 16
    defined = sent("definition", text=NET, line=14, column=line.index("unit") + 1)
    assert (defined["line"], defined["column"]) == (8, 2)
    assert sent("definition", text=NET, line=0, column=0) == {"line": None}
    assert sent("hover", text=NET, line=0, column=0) == {"markdown": None}
    assert sent("hover", text=NET, line=10**5, column=10**5) == {"markdown": None}


def test_format() -> None:
    found = sent("format", text=NET.replace("{type: $kind}", "{type:   $kind}"))
    assert "{type: $kind}" in found["text"]
    assert sent("format", text=found["text"]) == found
    assert sent("format", text="a: [")["text"] is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_diagram_has_the_colours_of_its_theme(theme: str) -> None:
    svg = sent("diagram", text=text_of("unet"), theme=theme, colour="macs")["svg"]
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - our own
    assert "prefers-color-scheme" not in svg
    assert ("#16191c" in svg) == (theme == "dark")
    assert "<script" not in svg


def test_names_of_strangers_are_escaped_in_a_diagram() -> None:
    text = NET.replace("name: net", "name: '<script>alert(1)</script>'")
    assert "<script" not in sent("diagram", text=text).get("svg", "")


def test_the_field_of_a_unit() -> None:
    found = sent("field_picture", text=text_of("resnet"), variant="resnet50")
    height, width = found["axes"]
    assert found["layer"] == "layer4.2.relu3"
    assert (height["size"], height["stride"], height["start"], height["input"], height["units"]) == (
        427,
        32,
        -213,
        224,
        7,
    )
    assert (height["first"], height["last"]) == (-213 + 3 * 32, -213 + 3 * 32 + 426)
    assert height["parts"] == [[height["first"], height["last"]]]
    assert height["weights"]["values"] == width["weights"]["values"]
    assert sum(height["weights"]["values"]) == pytest.approx(1, abs=1e-3)
    assert found["layer"] in found["layers"]
    unknown = sent("field_picture", text=text_of("resnet"), layer="layer9")
    assert "layer9" in unknown["error"]


def test_holes_of_a_field_are_parts() -> None:
    layers = "[{type: conv2d, out_channels: 1, kernel_size: 3, dilation: 4, padding: 4}]"
    (height, _) = sent("field_picture", text=f"input: [1, 20, 20]\nlayers: {layers}\n")["axes"]
    assert height["parts"] == [[6, 6], [10, 10], [14, 14]]
    assert height["coverage"] == pytest.approx(1 / 3)
    flat = sent("field_picture", text="input: [8]\nlayers: [{type: relu}]\n")
    assert (flat["layer"], flat["axes"]) == (None, [])
    whole = sent("field_picture", text="input: [8, 4, 5]\nlayers: [{type: adaptive_avg_pool2d, output_size: 1}]\n")
    assert whole["global"]


def test_the_difference_is_that_of_diff() -> None:
    text = text_of("resnet")
    found = sent("difference", text=text, variant="resnet34", kept={"text": text, "variant": "resnet18"})
    told = Difference(analysis("resnet18"), analysis("resnet34"))
    rows = {row["key"]: row for row in found["totals"]}
    for total in told.totals():
        assert rows[total["figure"]]["values"] == {"before": total["before"], "after": total["after"]}
    assert rows["params"]["change"] == "+10,108,160 (+86.5%)"
    assert rows["params"]["better"] is False
    assert rows["depth"]["better"] is None
    assert {entry["name"] for entry in found["layers"] if entry["kind"] == "added"} == {
        *("layer1.2", "layer2.2", "layer2.3", "layer3.2", "layer3.3", "layer3.4", "layer3.5", "layer4.2")
    }
    same = sent("difference", text=text, kept={"text": text})
    assert same["layers"] == []
    assert {row["change"] for row in same["totals"]} == {""}
    broken = sent("difference", text=text, kept={"text": "layers: ["})
    assert broken["problems"]
    assert broken["totals"] == []


def test_downloads() -> None:
    shown = {"text": text_of("resnet"), "variant": "resnet18"}
    files = {kind: sent("download", **shown, kind=kind) for kind in ("yaml", "py", "md", "csv", "json")}
    assert [files[kind]["name"] for kind in files] == [
        "resnet.yaml",
        *[f"resnet18.{kind}" for kind in ("py", "md", "csv", "json")],
    ]
    assert files["yaml"]["text"] == shown["text"]
    assert json.loads(files["json"]["text"])["total"]["params"] == 11_689_512
    assert len(files["csv"]["text"].splitlines()) == 1 + len(analysis("resnet18").layers)
    compile(files["py"]["text"], "resnet18.py", "exec")
    assert sent("download", text="layers: [", kind="yaml")["text"] == "layers: ["
    assert "error" in sent("download", text="layers: [", kind="py")
    odd = sent("download", text=NET.replace("name: net", "name: '../../x'"), kind="json")
    assert "/" not in odd.get("name", "")


def test_presets() -> None:
    hello = sent("hello")
    assert [row["name"] for row in hello["presets"]] == [path.stem for path in preset_files()]
    assert (hello["file"], hello["writable"]) == (None, False)
    assert sent("preset", name="resnet", variant="resnet18")["variant"] == "resnet18"
    assert sent("check", **sent("preset", name="blank"))["ok"]
    for wrong in ({"name": "../resnet"}, {"name": "none"}, {"name": "resnet", "variant": "none"}, {"name": ""}):
        assert set(sent("preset", **wrong)) == {"error"}


# requests of strangers


@pytest.mark.parametrize(
    ("method", "request_", "words"),
    [
        ("none", {}, "there is no method 'none'"),
        ("check", {}, "check needs 'text'"),
        ("check", {"text": 3}, "check: 'text': Input should be a valid string"),
        ("check", {"txet": ""}, "check needs 'text'"),
        ("check", {"text": "", "variants": ""}, "check has no 'variants'; did you mean 'variant'?"),
        ("check", {"text": "x" * 1_000_001}, "check: 'text': String should have at most 1000000 characters"),
        ("check", {"text": "", "set": {"a": {}}}, "a value is a number, a text, true or false, or a list of them"),
        ("check", {"text": "", "set": {"a": float("nan")}}, "a value is a number"),
        ("check", {"text": "", "set": {"a": 10**30}}, "a value is a number"),
        ("check", {"text": "", "set": {"a": [[1]]}}, "a list has at most 64"),
        ("check", {"text": "", "set": {"a": [1] * 65}}, "a list has at most 64"),
        ("check", {"text": "", "set": {"a": "x" * 1001}}, "a text has at most 1,000"),
        ("check", {"text": "", "set": {str(n): 1 for n in range(501)}}, "at most 500"),
        ("check", {"text": "", "set": []}, "'set': Input should be a valid dictionary"),
        ("check", {"text": "", "parts": ["shape", "weight"]}, "there are shape, params, macs"),
        ("check", {"text": "", "rows_from": -1}, "'rows_from'"),
        ("check", {"text": "", "validate": 1}, "'validate': Input should be a valid boolean"),
        ("hover", {"text": "", "line": -1, "column": 0}, "'line'"),
        ("hover", {"text": "", "line": True, "column": 0}, "'line': Input should be a valid integer"),
        ("diagram", {"text": "", "theme": "pink"}, "Input should be 'light' or 'dark'"),
        ("download", {"text": "", "kind": "exe"}, "'kind'"),
        ("difference", {"text": "", "kept": {"text": "", "kept": ""}}, "'kept.kept'"),
        ("preset", {"name": "\x1b[31m"}, "there is no preset '\ufffd[31m'"),
        ("hello", {"a": 1}, "hello has no 'a'"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(method: str, request_: dict[str, Any], words: str) -> None:
    found = answer(method, request_)
    assert found.keys() == {"error"}
    assert words in found["error"]
    assert found["error"].isprintable()
    assert len(found["error"]) < 600


def test_other_forms_are_told_too() -> None:
    def check(case: tuple[str, Any]) -> None:
        found = answer(*case)
        assert set(found) == {"error"}
        json.dumps(found).encode()

    check_each(list(product(METHODS, [None, [], "x", 3, {"\ud800": "\ud800"}, {"text": None}])), check)


@pytest.mark.parametrize(
    "text", ["\ud800", "name: \ud800\nlayers: []", "\x00", "\x1b[2J", "a: &a [*a]", "\u202e", "\r\r\n", "---\n---\n"]
)
def test_odd_texts_have_an_answer(text: str) -> None:
    for method, (form, _) in METHODS.items():
        fields = form.model_fields
        request: dict[str, Any] = {"text": text} if "text" in fields else {}
        request |= {"line": 0, "column": 1} if "line" in fields else {}
        request |= {"kept": {"text": text}} if "kept" in fields else {}
        request |= {"kind": "yaml"} if "kind" in fields else {}
        request |= {"name": "unet"} if "name" in fields else {}
        found = answer(method, request)
        assert isinstance(json.dumps(found, allow_nan=False), str)


def test_a_file_elsewhere_is_not_read() -> None:
    found = sent("check", text="extends: ../../../etc/passwd.yaml\n")
    assert (
        "extends presets only" in found["problems"][0]["message"]
        or "can extend presets" in found["problems"][0]["message"]
    )


def test_a_fault_of_archlab_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_method: str, _request: object, _file: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(asking, "answer", fail)
    found = json.loads(asking.ask("check", "{}"))
    assert found == {"error": "archlab failed (ValueError); this is a fault of archlab"}
    assert capsys.readouterr().err == "archlab studio: check: ValueError: secret\n"


@pytest.mark.parametrize("request_", ["", "{", '{"text": NaN}', "[" * 100_000, "1" * 5_000])
def test_what_is_no_json_is_told(request_: str) -> None:
    assert json.loads(asking.ask("check", request_))["error"].startswith("the request is no JSON: ")
