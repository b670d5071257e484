"""The widget of a view: what its page asks comes as messages, and what its editor holds is kept equal on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.studio import forms
from archlab.studio.asking import ask
from archlab.studio.built import notebook_file
from archlab.studio.texts import snapshot_of

LEAST_HEIGHT = 200
MOST_REQUEST = 8_000_000
"""Characters, as the local server has it."""
MOST_ID = 100


class View(anywidget.AnyWidget):  # type: ignore[misc] # untyped for mypy, whatever is installed
    """A config that is shown in a notebook, and edited there.

    Attributes:
        text: what the editor holds.
        variant: that is chosen; empty for none.
        settings: values of params, in place of the text's.
        height: of the view, in pixels.

    Beside `file`, where there is one, other configs may be extended.
    """

    _esm = notebook_file()

    text = traitlets.Unicode().tag(sync=True)
    variant = traitlets.Unicode().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(min=LEAST_HEIGHT).tag(sync=True)

    def __init__(
        self, text: str, variant: str, settings: Mapping[str, object], *, file: Path | None, height: int
    ) -> None:
        self._file = file
        super().__init__(text=text, variant=variant, settings=dict(settings), height=height)
        self.on_msg(self._answer)

    @property
    def network(self) -> Network:
        """The network of the text as it stands.

        Raises:
            ConfigError: with every problem found.
            ValueError: if the settings are no values of params.
        """
        given = {"text": self.text, "variant": self.variant, "set": self.settings}
        try:
            asked = forms.read_form(forms.Shown, "a view", given)
        except forms.RequestError as error:
            raise ValueError(str(error)) from None
        snapshot = snapshot_of(asked, self._file)
        if snapshot.network is None:
            raise ConfigError(snapshot.problems)
        return snapshot.network

    def _answer(self, _widget: object, message: Any, _buffers: object) -> None:
        """Answer a message of the page; one without an id is not of it, and nobody waits for an answer."""
        given = message if isinstance(message, dict) else {}
        number, method, request = (given.get(name) for name in ("id", "method", "request"))
        if not isinstance(number, str) or len(number) > MOST_ID:
            return
        self.send({"id": number, "answer": self._answered(method, request)})

    def _answered(self, method: object, request: object) -> str:
        if not isinstance(method, str) or not isinstance(request, str):
            return '{"error": "a message has a method and a request, as texts"}'
        if len(request) > MOST_REQUEST:
            return f'{{"error": "a request has at most {MOST_REQUEST:,} characters"}}'
        return ask(method, request, self._file)
