"""Names that are written to mean something where they are shown: in spreadsheets, documents, pictures and terminals."""

from __future__ import annotations

import ast
import csv
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from archlab.api.load import load, loads
from archlab.diagnostics.problem import ConfigError
from archlab.report.escape import markdown_text, spreadsheet_text
from archlab.report.latex import latex
from archlab.report.workbook import save_workbook
from tests.command import run

LAYERS = "input: [3, 8, 8]\nlayers: [{name: a, type: conv2d, out_channels: 4, kernel_size: 3}]\n"
FORMULAS = (
    *("=cmd|' /C calc'!A1", "+1+1", "-2+3", "@SUM(1,2)", "  =1+1", "\uff1d1+1", "\uff0b1", "\uff0d1+1", "\uff20A1"),
    *('"=1+1"', "a;=1+1", "a;'=1+1", "'=1", "x|=1"),
)
"""What a spreadsheet could run; `a;=1+1` where it takes `;` for the next cell."""
MARKUP = '<script>alert(1)</script><img src=x onerror="alert(2)">'
OTHERS = (
    *(MARKUP, "[x](javascript:alert(1)) `c` | *b* _e_ ~~s~~", "[3pt] * \\input{x} $x$ % & # _ { } ~ ^ -- < > |"),
    *("$\\frac{$ a_b", '"""; import os; os.system("x") #\\', 'a"]; b[label="x', "\N{GREEK SMALL LETTER PI} \u7f51"),
)


def read_xml(text: str) -> ET.Element:
    """The root of what archlab wrote, which is XML or an error."""
    return ET.fromstring(text)  # noqa: S314 - our own


def config(tmp_path: Path, name: str) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(yaml.safe_dump({"name": name}, allow_unicode=True) + LAYERS)
    return str(path)


def begins_a_formula(text: str) -> bool:
    """By the letters that OWASP lists, in each cell that `;`, tabs or lines could make of a text."""
    cells = text.replace("\t", ";").replace("\n", ";").replace("|", ";").split(";")
    return any(cell.lstrip(' "').startswith(tuple("=+-@\r\uff1d\uff0b\uff0d\uff20")) for cell in cells)


@pytest.mark.parametrize("name", FORMULAS)
def test_no_name_is_a_formula(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = config(tmp_path, name)
    for command in (["compare", target, "--format", "csv"], ["compare", "alexnet", target, "--format", "csv"]):
        _, out, _ = run(capsys, *command)
        cell = list(csv.reader(io.StringIO(out)))[-1][0]
        assert not begins_a_formula(cell)
        assert cell.replace("'", "") == name.replace("'", "")
    assert json.loads(run(capsys, "compare", target, "--format", "json")[1])["networks"][0]["name"] == name
    assert run(capsys, "compare", target, "-o", str(tmp_path / "a.xlsx")) == (0, "", "")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as workbook:
        sheet, texts = (workbook.read(f"xl/{part}.xml").decode() for part in ("worksheets/sheet1", "sharedStrings"))
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    shown = [element.text or "" for element in read_xml(texts).iter() if element.tag.endswith("}t")]
    assert cell in shown
    assert not any(begins_a_formula(text) for text in shown)


def test_one_apostrophe_gives_a_text_back() -> None:
    for text in ("=1", " +1", "@a", "'=1", "'", "\r1"):
        shown = spreadsheet_text(text)
        assert isinstance(shown, str)
        assert shown[0] == "'"
        assert shown[1:] == text
    for value in ("a=b", "3x224x224", "-1", "1/2", "-", "it's", 3, -1.5, None, True):
        assert spreadsheet_text(value) == value


def test_other_columns_go_in_as_text(tmp_path: Path) -> None:
    save_workbook({"a": [{"x": "=1", "n": -1}, {"x": "http://e.example", "n": 2}]}, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.read("xl/worksheets/sheet1.xml").decode()
        assert "&apos;=1" in workbook.read("xl/sharedStrings.xml").decode().replace("'", "&apos;")
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "<v>-1</v>" in sheet


def test_markdown_is_text() -> None:
    shown = markdown_text("<b> [x](javascript:a) ![i](u) `c` | *b* _e_ a_b ~~s~~ $m$ http://e www.e a@b.c \\ &amp;\nx")
    assert shown == (
        r"&lt;b&gt; \[x\](javascript:a) !\[i\](u) \`c\` \| \*b\* \_e\_ a_b \~\~s\~\~ \$m\$ http\://e www\.e a\@b.c "
        r"\\ &amp;amp; x"
    )


@pytest.mark.parametrize("name", [*FORMULAS[:2], *OTHERS])
def test_every_form_can_be_opened(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = config(tmp_path, name)
    made = {suffix: tmp_path / f"made{suffix}" for suffix in (".svg", ".dot", ".py", ".mmd")}
    for suffix, path in made.items():
        assert run(capsys, "build" if suffix == ".py" else "diagram", target, "-o", str(path)) == (0, "", "")
    title = read_xml(made[".svg"].read_text())[0].text
    assert title == f"Architecture of {name}"
    kinds = [type(statement) for statement in ast.parse(made[".py"].read_text()).body]
    assert kinds == [ast.Expr, ast.Import, ast.ImportFrom, ast.ClassDef, ast.If]
    expanded = run(capsys, "expand", target)[1]
    assert yaml.safe_load(expanded)["name"] == name
    assert loads(expanded).name == name
    for command in ("analyze", "memory", "explain", "receptive-field", "time"):
        assert name.strip()[:4] in run(capsys, command, target)[1]
    for form in ("compare", "analyze", "explain"):
        assert "<script" not in run(capsys, form, target, "--format", "markdown")[1]
    if shutil.which("dot") is not None:
        drawn = subprocess.run(["dot", "-Tsvg", str(made[".dot"])], check=True, capture_output=True, timeout=60)
        read_xml(drawn.stdout.decode())


def test_pictures_take_dollars_for_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Matplotlib would read `$...$` as mathematics."""
    for command in ("receptive-field", "memory"):
        path = tmp_path / f"{command}.svg"
        assert run(capsys, command, config(tmp_path, "$\\frac{$ <a>"), "-o", str(path)) == (0, "", "")
        read_xml(path.read_text())


def test_latex_is_text(tmp_path: Path) -> None:
    assert latex('[3pt] * \\x $ -- <">|') == (
        r"{[}3pt{]} {*} \textbackslash{}x \$ -{}- \textless{}{\char34}\textgreater{}\textbar{}"
    )
    if shutil.which("pdflatex") is None:
        return
    rows = "".join(f"{latex(name)} & 1 \\\\\n" for name in (*FORMULAS, *OTHERS) if max(name) < "\u017f")
    table = f"\\begin{{tabular}}{{ll}}\\midrule\n{rows}\\end{{tabular}}"
    head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "t.tex").write_text(f"{head}{table}\\end{{document}}")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("letter", ["\u202e", "\u2066", "\u200b", "\x9b", "\u2028", "\ufeff", "\u00ad", "\x1b", "\n"])
def test_marks_that_turn_or_hide_letters_are_refused(letter: str, tmp_path: Path) -> None:
    for text in (
        json.dumps({"name": f"a{letter}b"})[1:-1] + "\n" + LAYERS,
        LAYERS + "outputs: {" + json.dumps(f"a{letter}b") + ": a}\n",
    ):
        with pytest.raises(ConfigError, match="printable characters") as caught:
            loads(text)
        assert letter == "\n" or letter not in str(caught.value)
    path = tmp_path / f"a{letter}b.yaml"
    path.write_text(LAYERS)
    assert load(path).name == "a_b"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / f"c{letter}d.yaml")
    assert letter not in str(caught.value)
