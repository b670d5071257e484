"""One content, many forms: every number is that of `--format json`."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from archlab.api.comparison import compare
from archlab.api.load import load, loads
from archlab.cli.main import main
from archlab.report.figures import FIGURES, figure_text
from archlab.report.latex import latex, latex_table
from tests.report.page.forms import Figures, read_html, read_latex, read_workbook

NAMES = ("resnet18", "mobilenet_v2", "unet", "dcgan_generator")
KEYS = [figure.key for figure in FIGURES if figure.key not in ("flash", "ram", "arena")]
"""Of networks as they are written."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same comparison in every form."""
    place = tmp_path_factory.mktemp("forms")
    for ending in ("json", "csv", "md", "html", "tex", "xlsx"):
        assert main(["compare", *NAMES, "--batch", "2", "--device", "h100", "-o", str(place / f"c.{ending}")]) == 0
    return place


@pytest.fixture(scope="module")
def expected(folder: Path) -> Figures:
    """The figures in the JSON form."""
    found: Figures = {}
    for network in json.loads((folder / "c.json").read_text())["networks"]:
        total = network["total"]
        size = total["receptive_field"]["size"]
        found[network["name"]] = {
            "depth": total["depth"],
            "params": total["params"],
            "macs": total["macs"],
            "flops": total["flops"],
            "activations": total["activations"],
            "inference_peak": total["memory"]["inference_peak"],
            "training_peak": total["memory"]["training_peak"],
            "intensity": total["intensity"],
            "receptive_field": None if total["receptive_field"]["global"] else max(size),
            "seconds": total["lower_bound"]["seconds"],
        }
    return found


def equal(found: Figures, expected: Figures) -> bool:
    return list(found) == list(expected) and all(
        found[name][key] == value for name, row in expected.items() for key, value in row.items()
    )


def test_the_page(folder: Path, expected: Figures) -> None:
    text = (folder / "c.html").read_text()
    assert equal(read_html(text), expected)
    assert "<code>archlab compare resnet18" in text


def test_latex(folder: Path, expected: Figures) -> None:
    assert equal(read_latex((folder / "c.tex").read_text(), KEYS), expected)


COLUMNS = {
    "depth": "depth",
    "params": "params",
    "macs": "macs",
    "flops": "flops",
    "activations": "activations",
    "inference_peak": "memory_inference_peak",
    "training_peak": "memory_training_peak",
    "intensity": "intensity",
    "seconds": "lower_bound_seconds",
}
"""Of the flat rows."""


def test_the_workbook(folder: Path, expected: Figures) -> None:
    rows = read_workbook(folder / "c.xlsx")
    assert [row["name"] for row in rows] == list(expected)
    for row in rows:
        for key, column in COLUMNS.items():
            # a workbook keeps 16 digits
            assert row[column] == pytest.approx(expected[str(row["name"])][key], rel=1e-14)


def test_csv_and_markdown(folder: Path, expected: Figures) -> None:
    rows = list(csv.DictReader(StringIO((folder / "c.csv").read_text())))
    head, _, *lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in (folder / "c.md").read_text().splitlines()
    ]
    for row, line in zip(rows, lines, strict=True):
        same = dict(zip(head, line, strict=True))
        for key, column in COLUMNS.items():
            assert float(row[column]) == expected[row["name"]][key]
            assert float(same[column].replace(",", "")) == expected[row["name"]][key]


def test_data_frames(expected: Figures) -> None:
    frame = compare(NAMES, batch=2).to_dataframe().set_index("name")
    for name, row in expected.items():
        assert frame.loc[name, "memory_training_peak"] == row["training_peak"]


def test_deployed_networks_have_flash_ram_and_arena(tmp_path: Path) -> None:
    command = ["compare", "mobilenet_v2", "squeezenet1_1", "--deploy", "--dtype", "int8", "-o"]
    for ending in ("html", "json"):
        assert main([*command, str(tmp_path / f"d.{ending}")]) == 0
    told = json.loads((tmp_path / "d.json").read_text())["networks"]
    found = read_html((tmp_path / "d.html").read_text())
    for network in told:
        memory, row = network["total"]["memory"], found[network["name"]]
        assert [row[key] for key in ("flash", "ram", "arena")] == [memory[key] for key in ("flash", "ram", "arena")]
        assert "seconds" not in row


@pytest.mark.parametrize("ending", ["html", "tex", "xlsx"])
def test_one_network(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    assert main(["analyze", "alexnet", "-o", str(path), "--title", "The first"]) == 0
    if ending == "xlsx":
        rows = read_workbook(path)
        assert [row["path"] for row in rows] == [layer.node.path for layer in load("alexnet").analyze().layers]
        assert sum(float(row["macs"]) for row in rows) == 714188480
    else:
        text = path.read_text()
        assert "alexnet" in text
        assert ("<title>The first</title>" in text) == (ending == "html")


def test_depth_is_that_of_papers() -> None:
    depths = {row["name"]: row["depth"] for row in compare(["resnet50", "vgg16", "densenet121", "alexnet"]).rows}
    assert depths == {"resnet50": 50, "vgg16": 16, "densenet121": 121, "alexnet": 8}


def test_values_in_their_units() -> None:
    texts = {figure.key: figure_text(figure, 1234.5) for figure in FIGURES}
    assert texts["inference_peak"] == "1.205 KiB"
    assert texts["seconds"] == "1234.5 s"
    assert texts["intensity"] == "1234.5"
    for figure in FIGURES:
        assert figure_text(figure, None) == ("global" if figure.key == "receptive_field" else "-")


def test_latex_escapes_names() -> None:
    assert latex(r"a_b & 50% \x {~^}#$") == (
        r"a\_b \& 50\% \textbackslash{}x \{\textasciitilde{}\textasciicircum{}\}\#\$"
    )


def has_latex(package: str) -> bool:
    """Whether pdflatex is there, with a package."""
    found = shutil.which("pdflatex") and shutil.which("kpsewhich")
    return found is not None and subprocess.run([found, package], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_latex("siunitx.sty"), reason="there is no pdflatex with siunitx")
def test_latex_compiles(folder: Path, tmp_path: Path) -> None:
    odd = loads("name: 'a_b & 50% \\ {~^} #$'\ninput: [3, 8, 8]\nlayers: [{type: relu}]").analyze()
    table = (folder / "c.tex").read_text()
    strange = latex_table([(odd.graph.name, dict.fromkeys(KEYS, 1))])
    document = (
        r"\documentclass{article}\usepackage{booktabs}\usepackage[group-separator={,}]{siunitx}"
        rf"\begin{{document}}\tiny {table} {strange}\end{{document}}"
    )
    (tmp_path / "t.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 1000


CHOSEN = ["--columns", "params,macs,memory,receptive-field", "--units", "M,MiB", "--sort", "params"]


def test_chosen_columns_in_latex_and_markdown(tmp_path: Path) -> None:
    """As in the terminal, in the units asked for, which stand in the headings."""
    command = ["compare", "vgg16", "resnet50", "mobilenet_v2", *CHOSEN, "-o"]
    for ending in ("tex", "md"):
        assert main([*command, str(tmp_path / f"c.{ending}")]) == 0
    assert (tmp_path / "c.md").read_text().splitlines() == [
        "| network | params (M) | MACs (M) | memory (MiB) | receptive field |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| mobilenet_v2 | 3.505 | 300.8 | 23.26 | 491 |",
        "| resnet50 | 25.56 | 4,089.2 | 107.5 | 427 |",
        "| vgg16 | 138.4 | 15,470.3 | 552.9 | 212 |",
    ]
    assert r"mobilenet\_v2 & 3.505 & 300.8 & 23.26 & 491 \\" in (tmp_path / "c.tex").read_text()
    assert main(["analyze", "alexnet", "--columns", "params,macs", "-o", str(tmp_path / "a.tex")]) == 0
    lines = (tmp_path / "a.tex").read_text().splitlines()
    assert len([line for line in lines if line.endswith("\\\\")]) == 2 + len(load("alexnet").analyze().layers)


def test_columns_are_of_people_s_forms(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "resnet18", "--columns", "macs", "--format", "csv"])
    assert "csv has every figure" in capsys.readouterr().err


@pytest.mark.skipif(not has_latex("booktabs.sty"), reason="there is no pdflatex with booktabs")
def test_chosen_columns_fit_a_column_of_an_article(tmp_path: Path) -> None:
    """No overfull box in a two-column article, small as tables are; with too many columns there is one."""
    everything = ["--columns", "input,layers,depth,params,macs,flops,activations,memory,training,receptive-field"]
    look = ["--figure", "growth", "--size", "3.17x2.2", "--font-size", "7", "--no-title", "--plot"]
    assert main(["analyze", "resnet18", "-o", str(tmp_path / "a.csv"), *look, str(tmp_path / "g.pdf")]) == 0
    for columns, is_overfull in ((CHOSEN, False), (everything, True)):
        target = str(tmp_path / "c.tex")
        networks = ["resnext50_32x4d", "mobilenet_v3_large", "efficientnet_b0"]
        assert main(["compare", *networks, *columns, "-o", target]) == 0
        document = (
            r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}"
            r"\begin{table}\small\caption{Networks.}\noindent\input{c.tex}\end{table}"
            r"\begin{figure}\includegraphics{g.pdf}\end{figure}Text.\end{document}"
        )
        (tmp_path / "t.tex").write_text(document)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert ("Overfull" in done.stdout) == is_overfull


def test_marks_of_fields_are_letters_in_latex(tmp_path: Path) -> None:
    assert main(["compare", "efficientnet_b0", "resnet18", *CHOSEN, "-o", str(tmp_path / "c.tex")]) == 0
    lines = (tmp_path / "c.tex").read_text().splitlines()
    assert r"efficientnet\_b0 & 5.289 & 385.8 & 30.10 & 851\textsuperscript{c} \\" in lines
    assert lines[-2:] == [
        r"\multicolumn{5}{@{}l@{}}{\footnotesize \textsuperscript{c} a gate sees all of the input} \\",
        r"\end{tabular}",
    ]


def test_int8_has_no_training(tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    assert main(["compare", "resnet18", "resnet34", "--dtype", "int8", "-o", str(path)]) == 0
    text = path.read_text()
    assert read_html(text)["resnet18"]["training_peak"] is None
    assert '<p class="conditions">Batch 1, int8.</p>' in text


def test_conditions_are_each_network_s_own(tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    assert main(["compare", "resnet18", "resnet50", "--checkpoint", "layer*.*", "-o", str(path)]) == 0
    assert "with momentum, 8 blocks checkpointed or momentum, 16 blocks checkpointed." in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["compare", "resnet18", "-o", "x.pdf"], "the ending must be one of"),
        (
            ["compare", "resnet18", "resnet34", "--plot", "x.gif"],
            "--plot x.gif: the ending must be one of .png .svg .pdf",
        ),
        (["compare", "resnet18", "resnet34", "--device", "abacus"], "abacus"),
    ],
)
def test_wrong_wishes(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status in (1, 2)
    assert problem in capsys.readouterr().err
