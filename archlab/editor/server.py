"""The language server: an editor's requests, answered from the snapshot of the text as it is now.

An answer is worked out when it is asked for, from the newest text, and kept until that changes: nothing shown is
stale. Problems of all variants, which take longer, are told when the typing pauses, network by network; a new text
stops them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from archlab.config.format import format_config
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.editor.actions import actions
from archlab.editor.completion import complete
from archlab.editor.desk import Desk
from archlab.editor.diagnose import diagnoses
from archlab.editor.hints import hints
from archlab.editor.hover import hover
from archlab.editor.lens import lenses
from archlab.editor.parts import PARTS
from archlab.editor.protocol import OFFER_KINDS, Converter, path_of, uri_of
from archlab.editor.renaming import RenameError, base_at, rename, word_at
from archlab.editor.snapshot import Snapshot
from archlab.editor.symbols import folds, symbols
from archlab.editor.tree import tree_of
from archlab.layers import find_layer
from archlab.version import __version__

PAUSE = 0.2
"""Seconds without a new text after which all variants are checked."""
BREATH = 0.003
"""Seconds between two parts of that check: a new text is read in several steps, each of which takes a turn."""
SHOW_VARIANT = "archlab.showVariant"
"""The command that chooses whose numbers are shown: the text's URI, and the variant's name or nothing."""


_OPTIONS = {
    types.TEXT_DOCUMENT_COMPLETION: types.CompletionOptions(["$", "{", " ", "("], resolve_provider=True),
    types.TEXT_DOCUMENT_RENAME: types.RenameOptions(prepare_provider=True),
    types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions([types.CodeActionKind.QuickFix]),
}


class _Position(Protocol):
    """A request that is about a position."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier:
        """Of which text."""

    @property
    def position(self) -> types.Position:
        """Where."""


class Server(LanguageServer):
    """Answers for the texts on its desk."""

    def __init__(self, parts: Sequence[str] = PARTS) -> None:
        """Prepare to serve.

        Args:
            parts: which numbers hints show, unless the client says so.
        """
        super().__init__("archlab", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.desk = Desk()
        self.parts = tuple(parts)
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, list[Problem]] = {}
        self._asked = 0.0
        """When a text came last, or an answer went out."""
        for name, answer in self._answers().items():
            self.feature(name, _OPTIONS.get(name))(
                partial(answer)
            )  # pygls marks what it is given, which a method forbids
        self.command(SHOW_VARIANT)(partial(self.show_variant))

    def _answers(self) -> dict[str, Any]:
        return {
            types.INITIALIZE: self.started,
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self.configured,
            types.TEXT_DOCUMENT_DID_OPEN: self.opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self.changed,
            types.TEXT_DOCUMENT_DID_CLOSE: self.closed,
            types.TEXT_DOCUMENT_INLAY_HINT: self.hints,
            types.TEXT_DOCUMENT_CODE_LENS: self.lenses,
            types.TEXT_DOCUMENT_HOVER: self.hover,
            types.TEXT_DOCUMENT_COMPLETION: self.completion,
            types.TEXT_DOCUMENT_RENAME: self.rename,
            types.TEXT_DOCUMENT_CODE_ACTION: self.actions,
            types.COMPLETION_ITEM_RESOLVE: self.resolved,
            types.TEXT_DOCUMENT_DEFINITION: self.definition,
            types.TEXT_DOCUMENT_REFERENCES: self.references,
            types.TEXT_DOCUMENT_PREPARE_RENAME: self.renamable,
            types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: self.symbols,
            types.TEXT_DOCUMENT_FOLDING_RANGE: self.folds,
            types.TEXT_DOCUMENT_FORMATTING: self.formatted,
        }

    @property
    def _convert(self) -> Converter:
        return Converter(self.workspace.position_codec)

    # texts

    def started(self, params: types.InitializeParams) -> None:
        """The client may say at once which numbers it wants."""
        self.configure(params.initialization_options)

    def configured(self, params: types.DidChangeConfigurationParams) -> None:
        """Which numbers hints show: `{"archlab": {"hints": ["shape", "params"]}}`."""
        self.configure(params.settings)
        self._refresh()

    def configure(self, settings: object) -> None:
        """Take what is understood of a client's settings."""
        own = settings.get("archlab", settings) if isinstance(settings, dict) else None
        wanted = own.get("hints") if isinstance(own, dict) else None
        if isinstance(wanted, list):
            self.parts = tuple([part for part in PARTS if part in wanted])

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """A text was opened."""
        self._put(params.text_document.uri, params.text_document.text)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """A text was edited: the whole of it comes."""
        for change in params.content_changes[-1:]:
            self._put(params.text_document.uri, change.text)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """A text was closed."""
        uri = params.text_document.uri
        others = self.desk.others(uri)
        self.desk.remove(uri)
        self._told.pop(uri, None)
        task = self._checks.pop(uri, None)
        if task is not None:
            task.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        self._check_again(others)

    def _put(self, uri: str, text: str) -> None:
        self.desk.put(uri, path_of(uri), text)
        self._check(uri)
        self._check_again(self.desk.others(uri))

    def _check_again(self, uris: list[str]) -> None:
        """Texts that depend on another that has changed."""
        for uri in uris:
            self._check(uri)
        if uris:
            self._refresh()

    def _refresh(self) -> None:
        """Ask the client to ask again, where it can be asked."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.inlay_hint is not None and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    # problems

    def _check(self, uri: str) -> None:
        """Tell the problems of a text, once no new one has come for a moment."""
        before = self._checks.pop(uri, None)
        if before is not None:
            before.cancel()
        self._checks[uri] = asyncio.get_running_loop().create_task(self._tell(uri))

    async def _tell(self, uri: str) -> None:
        await self._quiet()
        snapshot = self.desk.snapshot(uri)
        problems: list[Problem] = []
        if snapshot is not None:
            for problems in diagnoses(snapshot):  # noqa: B007 - the last are all
                await asyncio.sleep(BREATH)
        self._told[uri] = problems
        convert = self._convert
        diagnostics = [] if snapshot is None else [convert.diagnostic(problem, snapshot) for problem in problems]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics))

    async def _quiet(self) -> None:
        """Until nothing was asked for a moment: who types waits for hints, not for problems."""
        self._asked = monotonic()
        while (left := self._asked + PAUSE - monotonic()) > 0:  # noqa: ASYNC110 - the moment moves on
            await asyncio.sleep(left)

    # numbers

    def hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """Numbers behind the items of some lines."""
        snapshot = self.desk.snapshot(params.text_document.uri)
        if snapshot is None:
            return []
        convert, first, last = self._convert, params.range.start.line, params.range.end.line
        found = [
            types.InlayHint(
                position=convert.position(snapshot.source, hint.line, hint.column),
                label=hint.text,
                tooltip=hint.tooltip,
                padding_left=True,
            )
            for hint in hints(snapshot, self.parts, (first, last))
        ]
        self._asked = monotonic()
        return found

    def lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        """Totals, budgets, and above each variant a way to have its numbers shown."""
        uri = params.text_document.uri
        snapshot = self.desk.snapshot(uri)
        if snapshot is None:
            return []
        found = [_lens(lens.line, lens.title, "") for lens in lenses(snapshot)]
        return [*found, *_variant_lenses(snapshot, uri)]

    def show_variant(self, uri: str, variant: str = "") -> None:
        """Show the numbers of a variant, or of the config's own network."""
        if isinstance(uri, str) and isinstance(variant, str):
            self.desk.show(uri, variant)
            self._refresh()
            if uri in self.desk.names:
                self._check(uri)

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What an item costs and sees, and how that comes about."""
        found = self._at(params)
        shown = None if found is None else hover(*found)
        if found is None or shown is None:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, shown.text), self._convert.range(shown.place))

    # writing

    def completion(self, params: types.CompletionParams) -> types.CompletionList | None:
        """What can be written at the cursor."""
        found = self._at(params)
        if found is None:
            return None
        snapshot, line, column = found
        made = complete(snapshot.source.text, line, column, snapshot.source.folder, snapshot.mended.document)
        if made is None:
            return None
        convert, source = self._convert, snapshot.source
        start, end = (convert.position(source, line, at) for at in (made.start, made.end))
        return types.CompletionList(
            is_incomplete=False,
            items=[
                types.CompletionItem(
                    label=offer.label,
                    kind=OFFER_KINDS[offer.kind],
                    detail=offer.detail or None,
                    sort_text=f"{number:04}",
                    text_edit=types.TextEdit(types.Range(start, end), offer.insert or offer.label),
                    data={"type": offer.label} if offer.kind == "type" else None,
                )
                for number, offer in enumerate(made.offers)
            ],
        )

    def resolved(self, item: types.CompletionItem) -> types.CompletionItem:
        """What a layer type is, told for the one that is looked at."""
        cls = find_layer(item.data["type"]) if isinstance(item.data, dict) else None
        if cls is not None:
            item.documentation = types.MarkupContent(types.MarkupKind.PlainText, (cls.__doc__ or "").strip())
        return item

    def formatted(self, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        """The whole text as `archlab fmt` writes it; nothing where it cannot."""
        snapshot = self.desk.snapshot(params.text_document.uri)
        if snapshot is None:
            return []
        source = snapshot.source
        with suppress(ConfigError):
            text = format_config(source)
            last = len(source.lines) - 1
            whole = Place(source, 0, 0, last, len(source.line(last)))
            return [] if text == source.text else [types.TextEdit(self._convert.range(whole), text)]
        return []

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What the hints of the problems at a stretch of text say, as edits."""
        uri = params.text_document.uri
        snapshot = self.desk.snapshot(uri)
        if snapshot is None:
            return []
        convert, found = self._convert, []
        for problem in self._told.get(uri) or snapshot.problems:
            place = problem.place
            if place is None or not (place.line <= params.range.end.line and params.range.start.line <= place.end_line):
                continue
            for action in actions(problem, snapshot):
                edit = types.TextEdit(convert.range(action.place), action.text)
                found.append(
                    types.CodeAction(
                        title=action.title,
                        kind=types.CodeActionKind.QuickFix,
                        diagnostics=[convert.diagnostic(problem, snapshot)],
                        edit=types.WorkspaceEdit({uri: [edit]}),
                        is_preferred=True,
                    )
                )
        return found

    # names

    def definition(self, params: types.DefinitionParams) -> types.Location | None:
        """Where a block, a param or a name is defined; the file that `extends` names."""
        found = self._at(params)
        if found is None:
            return None
        word = word_at(*found)
        if word is not None:
            return types.Location(params.text_document.uri, self._convert.range(word.place))
        base = base_at(*found)
        start = types.Position(0, 0)
        return None if base is None else types.Location(uri_of(base), types.Range(start, start))

    def references(self, params: types.ReferenceParams) -> list[types.Location]:
        """Where a word is used."""
        found = self._at(params)
        word = None if found is None else word_at(*found)
        if word is None:
            return []
        places = word.places if params.context.include_declaration else word.places[1:]
        return [types.Location(params.text_document.uri, self._convert.range(place)) for place in places]

    def renamable(self, params: types.PrepareRenameParams) -> types.Range | None:
        """The word that would be renamed."""
        found = self._at(params)
        word = None if found is None else word_at(*found)
        if found is None or word is None or None in word.uses:
            return None
        _, line, column = found
        here = next(place for place in word.places if place.line == line and place.column <= column <= place.end_column)
        return self._convert.range(here)

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        """Another name for a block, a param or an item, wherever it is used."""
        uri = params.text_document.uri
        snapshot = self.desk.snapshot(uri)
        if snapshot is None:
            return None
        line = params.position.line
        column = self._convert.column(snapshot.source.line(line), params.position.character)
        try:
            places = rename(snapshot, line, column, params.new_name)
        except RenameError as error:
            raise JsonRpcInvalidParams(str(error)) from None
        return types.WorkspaceEdit({uri: [types.TextEdit(self._convert.range(p), params.new_name) for p in places]})

    # outline

    def symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """The outline."""
        snapshot = self.desk.snapshot(params.text_document.uri)
        root = None if snapshot is None else tree_of(snapshot.source)
        return [] if root is None else [self._convert.symbol(symbol) for symbol in symbols(root)]

    def folds(self, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        """What can be folded."""
        snapshot = self.desk.snapshot(params.text_document.uri)
        root = None if snapshot is None else tree_of(snapshot.source)
        return [] if root is None else [types.FoldingRange(first, last) for first, last in folds(root)]

    def _at(self, params: _Position) -> tuple[Snapshot, int, int] | None:
        """The snapshot and the position of a request."""
        snapshot = self.desk.snapshot(params.text_document.uri)
        if snapshot is None:
            return None
        line = params.position.line
        return snapshot, line, self._convert.column(snapshot.source.line(line), params.position.character)


def _lens(line: int, title: str, command: str, *arguments: object) -> types.CodeLens:
    start = types.Position(line, 0)
    return types.CodeLens(
        types.Range(start, start), types.Command(title=title, command=command, arguments=list(arguments) or None)
    )


def _variant_lenses(snapshot: Snapshot, uri: str) -> Iterator[types.CodeLens]:
    """Above each variant of this file whether its numbers are shown, or a way to have them."""
    document = snapshot.document
    for variant in () if document is None else document.variants.values():
        if variant.place.source is snapshot.source:
            if variant is snapshot.variant:
                yield _lens(variant.place.line, "its numbers are shown", "")
            else:
                yield _lens(variant.place.line, "show its numbers", SHOW_VARIANT, uri, variant.name)


def serve(parts: Sequence[str] = PARTS) -> None:
    """Answer on stdin and stdout until the client ends.

    Args:
        parts: which numbers hints show, unless the client says so.
    """
    # pygls closes what it writes to; and nothing else may come between what it writes
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers, redirect_stdout(sys.stderr):
        Server(parts).start_io(stdout=answers)
