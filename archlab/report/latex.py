"""A comparison as a LaTeX table: booktabs' rules and siunitx' columns."""

from __future__ import annotations

from collections.abc import Iterable

from archlab.analysis.row import Row
from archlab.report.bounds import check_rows
from archlab.report.figures import FIGURES, Figure
from archlab.report.grid import Grid, with_units

_SPECIAL = (
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {letter: f"{{{letter}}}" for letter in "[]*"}
    | {
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"{\char34}",
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
HEADER = (
    r"% needs \usepackage{booktabs} and \usepackage[group-separator={,}]{siunitx}",
    r"% memory in bytes, lower bound in seconds; every number is written in full",
)
LAST_LATIN = 0x17F
"""Up to here pdflatex knows letters."""
BEYOND_LATIN = "% has letters that pdflatex does not know: compile it with lualatex or xelatex"


def latex_table(networks: list[tuple[str, Row]]) -> str:
    """A `tabular` with a line for each network; the numbers are those of the JSON form.

    Args:
        networks: names and figures.
    """
    known = [figure for figure in FIGURES if any(row.get(figure.key) is not None for _, row in networks)]
    columns = [_column([row[figure.key] for _, row in networks]) for figure in known]
    beyond = any(ord(letter) > LAST_LATIN for name, _ in networks for letter in name)
    lines = [*HEADER, *([BEYOND_LATIN] if beyond else []), rf"\begin{{tabular}}{{l {' '.join(columns)}}}", r"\toprule"]
    lines += [" & ".join(["network", *(f"{{{latex(figure.label)}}}" for figure in known)]) + r" \\", r"\midrule"]
    for name, row in networks:
        lines.append(" & ".join([latex(name), *(_number(figure, row[figure.key]) for figure in known)]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    for name, row in networks:
        if row.get("training_refused") is not None:
            lines.append(" ".join(f"% {latex(name)} has no training step: {latex(row['training_refused'])}".split()))
    return "\n".join(lines) + "\n"


def layers_latex(heading: str, rows: list[Row]) -> str:
    """A `tabular` with a line for each layer, and their sums; the numbers are those of the JSON form.

    Args:
        heading: of the network, for a comment.
        rows: flat rows of its layers.

    Raises:
        ConfigError: for too many rows.
    """
    check_rows(len(rows), "a LaTeX table")
    sums = {key: sum([row[key] for row in rows]) for key in LAYER_NUMBERS}
    columns = " ".join(f"S[table-format={len(str(total))}]" for total in sums.values())
    heads = ["layer", "type", "output", *(f"{{{label}}}" for label in LAYER_NUMBERS.values())]
    lines = [f"% {' '.join(heading.split())}", *HEADER, rf"\begin{{tabular}}{{l l l {columns}}}", r"\toprule"]
    lines += [" & ".join(heads) + r" \\", r"\midrule"]
    for row in rows:
        texts = [latex(str(row[key])) for key in ("path", "type", "output_shape")]
        lines.append(" & ".join([*texts, *(str(row[key]) for key in LAYER_NUMBERS)]) + r" \\")
    lines += [r"\midrule", " & ".join(["total", "", "", *map(str, sums.values())]) + r" \\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def grid_latex(grid: Grid, heading: str = "") -> str:
    r"""A table for people as a `tabular`, in the units that it has: what a paper prints, where a column is narrow.

    A unit that all of a column's cells have stands in its heading. Only booktabs is needed.

    Args:
        grid: the table.
        heading: of it, for a comment.

    Raises:
        ConfigError: for too many rows.
    """
    check_rows(len(grid.rows), "a LaTeX table")
    heads, columns = with_units(grid)
    beyond = any(ord(letter) > LAST_LATIN for column in columns for cell in column for letter in cell)
    lines = [f"% {' '.join(heading.split())}"] if heading else []
    lines += [r"% needs \usepackage{booktabs}", *([BEYOND_LATIN] if beyond else [])]
    letters = r"@{\hspace{0.7em}}".join(["l" if column.justify == "left" else "r" for column in grid.columns])
    lines += [rf"\begin{{tabular}}{{@{{}}{letters}@{{}}}}", r"\toprule", *_heads(heads), r"\midrule"]
    cells = [_marked(cell) for column in columns for cell in column]
    by_column = [cells[at * len(grid.rows) : (at + 1) * len(grid.rows)] for at in range(len(columns))]
    lines += [" & ".join(row) + r" \\" for row in zip(*by_column, strict=True)]
    lines.append(r"\bottomrule")
    for mark, letter, words in MARKS:
        if any(_has(mark, cell) for column in columns for cell in column):
            note = rf"\footnotesize \textsuperscript{{{letter}}} {words}"
            lines.append(rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{{note}}} \\")
    return "\n".join([*lines, r"\end{tabular}"]) + "\n"


MARKS = (("+context", "c", "a gate sees all of the input"), ("adaptive", "a", "learned offsets move it"))
"""What stands behind a receptive field, the letter it becomes, and what that means: words would make a column wide."""


def _has(mark: str, cell: str) -> bool:
    return f" {mark}" in cell


def _marked(cell: str) -> str:
    letters = [letter for mark, letter, _ in MARKS if _has(mark, cell)]
    for mark, _, _ in MARKS:
        cell = cell.replace(f" {mark}", "")
    return latex(cell) + (rf"\textsuperscript{{{','.join(letters)}}}" if letters else "")


def _heads(heads: list[str]) -> list[str]:
    """Headings in two lines where any has two words, so that they make no column wide: the last word is the second."""
    parts = [head.rpartition(" ") for head in heads]
    if not any(first for first, _, _ in parts):
        return [_line(heads)]
    return [
        _line([first or last for first, _, last in parts]),
        _line([last if first else "" for first, _, last in parts]),
    ]


def _line(cells: Iterable[str]) -> str:
    return " & ".join([latex(cell) for cell in cells]) + r" \\"


LAYER_NUMBERS = {
    "params": "params",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "activations",
    "activation_bytes": "output, bytes",
}
"""Columns of a layer's numbers, with their headings."""


def latex(text: str) -> str:
    """A text whose characters mean themselves."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text).replace("--", "-{}-")


def _number(figure: Figure, value: float | None) -> str:
    if value is None:
        return "{global}" if figure.unit == "pixels" else "{--}"
    return str(value)


def _column(values: list[float | None]) -> str:
    """An S column: whole numbers in full, others rounded where they are printed, not where they are written."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, int) for value in known):
        return f"S[table-format={max(len(str(value)) for value in known)}]"
    if min(known) < 0.01:
        rounding = f"round-mode=figures, round-precision={_FIGURES}"
        return f"S[table-format=1.{_FIGURES - 1}e-1, exponent-mode=scientific, {rounding}]"
    whole = max(len(str(int(value))) for value in known)
    return f"S[table-format={whole}.1, round-mode=places, round-precision=1]"


_FIGURES = 4
