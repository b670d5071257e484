"""Readers for the forms of a comparison: each gives the figures by network and key."""

from __future__ import annotations

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

Figures = dict[str, dict[str, float | None]]


class _Table(HTMLParser):
    """The values behind the cells of the page's table."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.found: Figures = {}
        self._row: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "th" and "data-key" in attributes:
            self.keys.append(attributes["data-key"] or "")
        if tag == "tr" and "data-name" in attributes:
            self._row = attributes["data-name"] or ""
            self.found[self._row] = {}
        if tag == "td" and "data-value" in attributes and self._row is not None:
            text = attributes["data-value"] or ""
            row = self.found[self._row]
            row[self.keys[len(row) + 1]] = float(text) if text else None


def read_html(text: str) -> Figures:
    table = _Table()
    table.feed(text)
    return table.found


def read_latex(text: str, keys: list[str]) -> Figures:
    lines = [line for line in text.splitlines() if " & " in line][1:]
    found: Figures = {}
    for line in lines:
        name, *cells = line.removesuffix(r" \\").split(" & ")
        values = [None if cell in ("{--}", "{global}") else float(cell) for cell in cells]
        found[re.sub(r"\\(.)", r"\1", name)] = dict(zip(keys, values, strict=True))
    return found


def read_workbook(path: Path) -> list[dict[str, str | float]]:
    """The rows of the first sheet."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as file:
        strings = [
            "".join(text.text or "" for text in item.iter(f"{{{space['m']}}}t"))
            for item in ET.fromstring(file.read("xl/sharedStrings.xml")).findall("m:si", space)  # noqa: S314 - our own
        ]
        sheet = ET.fromstring(file.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    rows: list[dict[int, str | float]] = []
    for row in sheet.iterfind(".//m:row", space):
        cells: dict[int, str | float] = {}
        for cell in row.findall("m:c", space):
            value = cell.find("m:v", space)
            if value is None or value.text is None:
                continue
            content = strings[int(value.text)] if cell.get("t") == "s" else float(value.text)
            cells[_column(str(cell.get("r")))] = content
        rows.append(cells)
    head = rows[0]
    return [{str(head[number]): value for number, value in row.items()} for row in rows[1:]]


def _column(reference: str) -> int:
    number = 0
    for letter in re.sub(r"\d", "", reference):
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
