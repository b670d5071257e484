"""Places as the protocol has them: lines and columns in units that the client counts in."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import PositionCodec

from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problem
from archlab.editor.completion import Kind as OfferKind
from archlab.editor.diagnose import Related, file_of, related, shown_at
from archlab.editor.snapshot import Snapshot
from archlab.editor.symbols import Kind as SymbolKind
from archlab.editor.symbols import Symbol

_CHECKOUT = Path(__file__).parents[2]
"""Where docs/ is, if this is a clone; a wheel has none."""

OFFER_KINDS: dict[OfferKind, types.CompletionItemKind] = {
    "key": types.CompletionItemKind.Property,
    "type": types.CompletionItemKind.Class,
    "block": types.CompletionItemKind.Module,
    "param": types.CompletionItemKind.Variable,
    "name": types.CompletionItemKind.Reference,
    "preset": types.CompletionItemKind.File,
    "file": types.CompletionItemKind.File,
    "value": types.CompletionItemKind.EnumMember,
    "function": types.CompletionItemKind.Function,
}
SYMBOL_KINDS: dict[SymbolKind, types.SymbolKind] = {
    "section": types.SymbolKind.Namespace,
    "param": types.SymbolKind.Variable,
    "variant": types.SymbolKind.EnumMember,
    "block": types.SymbolKind.Module,
    "layer": types.SymbolKind.Class,
    "use": types.SymbolKind.Object,
}


def path_of(uri: str) -> Path:
    """The file of a URI; of one that is no file's, its last part."""
    return Path(to_fs_path(uri) or uri.rpartition("/")[2] or "untitled.yaml")


class Converter:
    """Converts between a client's positions and those of texts.

    Args:
        codec: of the client.
    """

    def __init__(self, codec: PositionCodec) -> None:
        self._codec = codec

    def column(self, line: str, character: int) -> int:
        """The client's character of a line as a column."""
        place = self._codec.position_from_client_units([line], types.Position(0, character))
        return min(place.character, len(line))

    def position(self, source: Source, line: int, column: int) -> types.Position:
        """A position of a text."""
        return types.Position(line, self._codec.client_num_units(source.line(line)[:column]))

    def range(self, place: Place) -> types.Range:
        """A stretch of a text."""
        start = self.position(place.source, place.line, place.column)
        return types.Range(start, self.position(place.source, place.end_line, place.end_column))

    def location(self, place: Place) -> types.Location:
        """The same with its file."""
        return types.Location(uri_of(file_of(place)), self.range(place))

    def diagnostic(self, problem: Problem, snapshot: Snapshot) -> types.Diagnostic:
        """A problem. One in another file is told at the line that names that file."""
        place, message = shown_at(problem, snapshot)
        return types.Diagnostic(
            range=self.range(place),
            message="\n".join([message, *problem.trail]),
            severity=_severity(problem),
            code=str(problem.code),
            code_description=_page(problem),
            source="archlab",
            related_information=[_related(part) for part in related(problem, snapshot)],
        )

    def symbol(self, symbol: Symbol) -> types.DocumentSymbol:
        """An entry of the outline. The name's stretch must lie in the whole."""
        whole, own = self.range(symbol.whole), self.range(symbol.place)
        inside = (whole.start, whole.end) if own.start < whole.start or own.end > whole.end else (own.start, own.end)
        return types.DocumentSymbol(
            name=symbol.name,
            kind=SYMBOL_KINDS[symbol.kind],
            range=whole,
            selection_range=types.Range(*inside),
            detail=symbol.detail,
            children=[self.symbol(part) for part in symbol.inside],
        )


def _related(part: Related) -> types.DiagnosticRelatedInformation:
    start = types.Position(part.line, 0)
    return types.DiagnosticRelatedInformation(
        types.Location(uri_of(part.path), types.Range(start, start)), part.message
    )


def uri_of(path: Path) -> str:
    """The URI of a file."""
    return from_fs_path(str(path)) or path.as_posix()


def _page(problem: Problem) -> types.CodeDescription | None:
    """The page about a kind of problem, where the docs are there."""
    name, _, anchor = problem.code.page.partition("#")
    page = _CHECKOUT / name
    return types.CodeDescription(f"{uri_of(page)}#{anchor}") if page.is_file() else None


def _severity(problem: Problem) -> types.DiagnosticSeverity:
    return types.DiagnosticSeverity.Warning if problem.code.level == "warning" else types.DiagnosticSeverity.Error
