"""From a config's text to a `Document`, following `extends`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from archlab.config.syntax.files import read_source
from archlab.config.syntax.limits import MAX_EXTENDS, MAX_FILE_BYTES, MAX_YAML_NODES
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, kind, parse
from archlab.config.tree.document import Document
from archlab.config.tree.document_reader import DocumentReader
from archlab.config.tree.foreign import foreign_problem, foreign_root, foreign_text
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import BadItemError, ConfigError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.files.states import seek


class Presets(NamedTuple):
    """How presets are found.

    Attributes:
        find: the file of a family, by name.
        mentioning: the files that may have a variant of a name.
        names: of all families and variants.
    """

    find: Callable[[str], Path | None]
    mentioning: Callable[[str], Iterable[Path]]
    names: Callable[[], list[str]]


class DocumentLoader:
    """Loads one config and what it extends.

    A config may extend a file inside its own folder (or below), or a preset by name. Nothing else on the
    disk can be named from a config.
    """

    def __init__(self, problems: Problems, presets: Presets, most: int = MAX_YAML_NODES) -> None:
        self._problems = problems
        self._presets = presets
        self._most = most
        """Values that each text may have."""
        self._open: list[Path | str] = []
        """What is being read, the outermost first."""
        self._documents: dict[Path, Document | None] = {}
        """Of the files read so far."""
        self._shown_folder = Path()
        """What problems call the folder that `extends` may use."""
        self._sizes: dict[Path, int] = {}
        """Bytes of each, with what it extends."""
        self._bytes = 0
        """Of all files so far."""

    def load(self, source: Source, default_name: str) -> Document | None:
        """The document of a source, or None where problems leave none.

        Raises:
            ConfigError: if the text is not YAML, or an extended file cannot be read.
        """
        root = self._parse(source)
        if not isinstance(root, Mapping):
            place = root.place
            self._problems.add(
                f"a config is a mapping with 'input' and 'layers', not {kind(root)}", Code.WRONG_TYPE, place
            )
            return None
        if not self._open:
            self._shown_folder = Path(source.name).parent
            self._open.append(source.name)
            self._bytes = len(source.text.encode(errors="replace"))
        extends = root.entries.get("extends")
        base = self._base(source, extends) if extends is not None else None
        if extends is not None and base is None:
            return None
        return DocumentReader(root, source, default_name, self._problems, self._base).read(base)

    def _parse(self, source: Source) -> Node:
        """The text as a tree; a file of another program has no other problem than that."""
        try:
            root = parse(source, self._problems, self._most)
        except ConfigError:
            what = foreign_text(source)
            if what is None:
                raise
        else:
            what = foreign_root(root) if isinstance(root, Mapping) else foreign_text(source)
            if what is None:
                return root
        raise ConfigError([foreign_problem(what, source)])

    def _base(self, source: Source, node: Node) -> Document | None:
        """What `extends` names, with the values of the variant where it names one."""
        try:
            return self._find(source, node)
        except BadItemError as error:
            self._problems.add_error(error)
            return None

    def _open_file(self, path: Path, folder: Path, node: Node) -> Document | None:
        """The document of a file, read once.

        Args:
            path: of the file.
            folder: that its own `extends` may use.
            node: what names it.

        Raises:
            BadItemError: if it extends itself, or is too much.
        """
        if path in self._open:
            message = f"'{path.name}' extends itself, directly or through others"
            raise BadItemError(message, Code.EXTENDS_LOOP, node.place)
        if path in self._documents:
            self._count(self._sizes[path], path.name, node)
            return self._documents[path]
        if len(self._open) > MAX_EXTENDS:
            raise BadItemError(f"more than {MAX_EXTENDS} configs extend one another", Code.EXTENDS_LOOP, node.place)
        around = self._shown_folder
        if _is_preset(node):
            self._shown_folder, inside = Path("configs"), Path(path.name)
        else:
            inside = path.relative_to(folder.resolve())
        shown = str(self._shown_folder / inside)
        extended = read_source(path, shown_as=shown, place=node.place)
        before = self._bytes
        self._count(len(extended.text.encode()), shown, node)
        self._open.append(path)
        found = self._documents[path] = self.load(replace(extended, folder=folder), path.stem)
        self._sizes[path] = self._bytes - before
        self._open.pop()
        self._shown_folder = around
        return found

    def _count(self, size: int, shown: str, node: Node) -> None:
        """Count the bytes of a config, each time that one extends it: a block's are read anew for each block.

        Raises:
            BadItemError: where they are too many.
        """
        self._bytes += size
        if self._bytes > MAX_FILE_BYTES:
            message = f"with {shown}, the configs that extend one another have {self._bytes:,} bytes together"
            raise BadItemError(f"{message}; they may have {MAX_FILE_BYTES:,}", Code.TOO_LARGE, node.place)

    def _find(self, source: Source, node: Node) -> Document | None:
        """The extended config.

        Raises:
            BadItemError: if there is none.
        """
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            raise BadItemError(
                f"'extends' names one file or preset, such as resnet.yaml, not {kind(node)}",
                Code.WRONG_TYPE,
                node.place,
            )
        if _is_preset(node):
            return self._preset(node.value, node)
        name, at, variant = node.value.partition("@")
        if source.folder is None:
            raise BadItemError("a config without a file can extend presets only", Code.EXTENDS_PATH, node.place)
        document = self._open_file(_inside(source.folder, name, node.place), source.folder, node)
        return _with_variant(document, variant, node) if at and document is not None else document

    def _preset(self, name: str, node: Node) -> Document | None:
        """A family, or one of its variants by its own name or behind the family's.

        Raises:
            BadItemError: if there is none.
        """
        family, at, variant = name.partition("@")
        preset = self._presets.find(family)
        if preset is not None:
            document = self._open_file(preset, preset.parent, node)
            return _with_variant(document, variant, node) if at and document is not None else document
        for path in () if at else self._presets.mentioning(name):
            document = self._open_file(path, path.parent, node)
            if document is not None and name in document.variants:
                return _with_variant(document, name, node)
        hint = did_you_mean(name, self._presets.names())
        hint = hint or "; see archlab presets, or write the name of a .yaml file beside this one"
        raise BadItemError(f"there is no preset '{name[:80]}'{hint}", Code.UNKNOWN_PRESET, node.place)


def _with_variant(document: Document, name: str, node: Node) -> Document:
    """A document whose defaults are those of a variant.

    Raises:
        BadItemError: if it has no such variant.
    """
    variant = document.variants.get(name)
    if variant is None:
        hint = did_you_mean(name, document.variants) or f"; it has {listed(document.variants)}"
        raise BadItemError(f"{document.name} has no variant '{name[:80]}'{hint}", Code.UNKNOWN_VARIANT, node.place)
    return replace(
        document,
        params={**document.params, **variant.assignments},
        input=variant.input or document.input,
        outputs=variant.outputs or document.outputs,
    )


def _inside(folder: Path, name: str, place: Place) -> Path:
    """A path that stays inside the folder, links followed.

    Raises:
        BadItemError: if it does not.
    """
    try:
        root = folder.resolve()
        seek(root / name)  # a link may be made to lead elsewhere
        path = (root / name).resolve()
    except (OSError, ValueError, RuntimeError):
        raise BadItemError(f"'{name}' is not a usable path", Code.EXTENDS_PATH, place) from None
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise BadItemError(
            f"'{name}' is outside of this config's folder; extend a file in the folder or below it, or a preset",
            Code.EXTENDS_PATH,
            place,
        )
    return path


def _is_preset(node: Node) -> bool:
    """Whether `extends` names a preset rather than a file."""
    return isinstance(node, Scalar) and not node.text.partition("@")[0].endswith((".yaml", ".yml"))
