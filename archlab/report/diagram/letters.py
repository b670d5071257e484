"""How wide texts are, so that boxes fit around them."""

from __future__ import annotations

_WIDTHS = {
    "ijl'": 28,
    " ,./:;\\|": 35,
    "frtI()[]!-": 41,
    "scz?_`*": 55,
    'kvxyLFPTYJ"': 60,
    "abdeghnopqu0123456789$ESK": 66,
    "BXAVZ": 70,
    "CDGHNOQRU&{}": 78,
    "mMwW%@+<>=#^~": 99,
}
"""Hundredths of the font's size: those of DejaVu Sans, the widest of the fonts that a picture may be shown in."""
_WIDTH = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
_OTHERS = 100
"""Letters of other scripts are as wide as they are high."""
BOLD = 1.2
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper bound, in pixels."""
    hundredths = sum([_WIDTH.get(letter, _OTHERS) for letter in text])
    return hundredths * size / 100 * (BOLD if bold else 1)


def cut_to(text: str, size: float, most: float, *, bold: bool = False) -> str:
    """A text, its middle left out where it would be wider than that."""
    if text_width(text, size, bold=bold) <= most:
        return text
    fewest, most_kept = 0, len(text)
    while fewest < most_kept:
        kept = (fewest + most_kept + 1) // 2
        if text_width(_without_middle(text, kept), size, bold=bold) <= most:
            fewest = kept
        else:
            most_kept = kept - 1
    return _without_middle(text, fewest)


def _without_middle(text: str, kept: int) -> str:
    front = (kept + 1) // 2
    return text[:front] + ELLIPSIS + (text[-(kept - front) :] if kept > front else "")


def wrapped(text: str, size: float, most: float, lines: int) -> list[str]:
    """A text in lines no wider than that, broken behind commas, else between words; the last may be cut."""
    whole = _parts(text, ", ")
    parts = [one for part in whole for one in ([part] if text_width(part, size) <= most else _parts(part, " "))]
    found: list[str] = [""]
    for part in parts:
        longer = found[-1] + part
        if text_width(longer.rstrip(), size) <= most or not found[-1] or len(found) == lines:
            found[-1] = longer
        else:
            found.append(part)
    return [cut_to(line.rstrip(), size, most) for line in found]


def _parts(text: str, mark: str) -> list[str]:
    """What is between the marks, each with the mark behind it."""
    *parts, last = text.split(mark)
    return [*[f"{part}{mark}" for part in parts], last]
