"""A request as JSON, its answer as JSON, whatever happens between them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from archlab.studio.answer import answer

MOST_ANSWER = 16_000_000
"""Characters of one answer: a report of a large network is the longest."""


def ask(method: str, request: str, file: Path | None = None) -> str:
    """The answer to a request; see `answer`.

    Args:
        method: what is asked.
        request: its arguments as JSON.
        file: that the page's text is to become; None for none.
    """
    try:
        asked = json.loads(request, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        return _encoded({"error": f"the request is no JSON: {error}"[:300]})
    try:
        text = _encoded(answer(method, asked, file))
    except Exception as error:  # noqa: BLE001 - a fault of archlab's own, which must not end the page
        sys.stderr.write(f"archlab studio: {method}: {type(error).__name__}: {error}\n"[:1000])
        return _encoded({"error": f"archlab failed ({type(error).__name__}); this is a fault of archlab"})
    return text if len(text) <= MOST_ANSWER else _encoded({"error": "the answer is too long for a page"})


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _encoded(found: dict[str, Any]) -> str:
    return json.dumps(found, allow_nan=False, ensure_ascii=False)
