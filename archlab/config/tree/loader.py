"""From a config's text to a `Document`, following `extends`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from archlab.config.syntax.files import read_source
from archlab.config.syntax.limits import MAX_EXTENDS, MAX_FILE_BYTES
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, kind, parse
from archlab.config.tree.document import Document
from archlab.config.tree.document_reader import DocumentReader
from archlab.config.tree.foreign import foreign_problem, foreign_root, foreign_text
from archlab.config.tree.items import Layers, all_items
from archlab.config.tree.reader import Replaced
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import BadItemError, ConfigError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed

FindPreset = Callable[[str], Path | None]
"""The file of a preset, by name."""


class DocumentLoader:
    """Loads one config and what it extends.

    A config may extend a file inside its own folder (or below), or a preset by name. Nothing else on the
    disk can be named from a config.
    """

    def __init__(self, problems: Problems, find_preset: FindPreset) -> None:
        self._problems = problems
        self._find_preset = find_preset
        self._open: list[Path | str] = []
        self._shown_folder = Path()
        """What problems call the folder that `extends` may use."""
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
        return DocumentReader(root, source, default_name, self._problems).read(base, self._override_layers)

    def _parse(self, source: Source) -> Node:
        """The text as a tree; a file of another program has no other problem than that."""
        try:
            root = parse(source, self._problems)
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
        try:
            path, folder = self._find(source, node)
        except BadItemError as error:
            self._problems.add(error.message, error.code, error.place)
            return None
        if folder is None or _is_preset(node):
            self._shown_folder, inside = Path("configs"), Path(path.name)
        else:
            inside = path.relative_to(folder.resolve())
        shown = str(self._shown_folder / inside)
        extended = read_source(path, shown_as=shown, place=node.place)
        self._bytes += len(extended.text.encode())
        if self._bytes > MAX_FILE_BYTES:
            message = f"with {shown}, the configs that extend one another have {self._bytes:,} bytes together"
            self._problems.add(f"{message}; they may have {MAX_FILE_BYTES:,}", Code.TOO_LARGE, node.place)
            return None
        return self.load(replace(extended, folder=folder), path.stem)

    def _find(self, source: Source, node: Node) -> tuple[Path, Path | None]:
        """The extended file, and the folder that its own `extends` may use."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            raise BadItemError(
                f"'extends' names one file or preset, such as resnet.yaml, not {kind(node)}",
                Code.WRONG_TYPE,
                node.place,
            )
        name = node.value
        if len(self._open) > MAX_EXTENDS:
            raise BadItemError(f"more than {MAX_EXTENDS} configs extend one another", Code.EXTENDS_LOOP, node.place)
        if _is_preset(node):
            preset = self._find_preset(name)
            if preset is None:
                raise BadItemError(
                    f"there is no preset file '{name}'; write a family such as resnet (not a variant), "
                    "or the name of a .yaml file beside this one",
                    Code.UNKNOWN_PRESET,
                    node.place,
                )
            return self._once(preset, node.place), preset.parent
        if source.folder is None:
            raise BadItemError("a config without a file can extend presets only", Code.EXTENDS_PATH, node.place)
        return self._once(_inside(source.folder, name, node.place), node.place), source.folder

    def _once(self, path: Path, place: Place) -> Path:
        """Refuse a circle."""
        if path in self._open:
            raise BadItemError(f"'{path.name}' extends itself, directly or through others", Code.EXTENDS_LOOP, place)
        self._open.append(path)
        return path

    def _override_layers(self, layers: Layers, overrides: Mapping) -> Replaced:
        """What becomes of the base's named items, which get new arguments."""
        named = {item.name: item.node for item in all_items(layers) if item.name is not None}
        replaced: Replaced = {}
        for name, node in overrides.entries.items():
            place = overrides.keys[name]
            item = named.get(name)
            if item is None:
                hint = did_you_mean(name, named) or f"; its named layers are {listed(named)}"
                self._problems.add(f"the extended config has no layer named '{name}'{hint}", Code.UNKNOWN_NAME, place)
            elif not isinstance(node, Mapping):
                message = f"layer '{name}' is overridden by a mapping of arguments, not {kind(node)}"
                self._problems.add(message, Code.WRONG_TYPE, node.place)
            else:
                replaced[id(item)] = Mapping({**item.entries, **node.entries}, {**item.keys, **node.keys}, item.place)
        return replaced


def _inside(folder: Path, name: str, place: Place) -> Path:
    """A path that stays inside the folder, links followed.

    Raises:
        BadItemError: if it does not.
    """
    try:
        root = folder.resolve()
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
    return isinstance(node, Scalar) and not node.text.endswith((".yaml", ".yml"))
