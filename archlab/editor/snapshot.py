"""One version of a config's text with all that is known of it. It never changes: a new text is a new snapshot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from archlab.api.analysis import Analysis
from archlab.api.network import Network
from archlab.api.validate import Expanded, networks_of
from archlab.config.expand.budget import Budget
from archlab.config.expand.network import expand
from archlab.config.expand.visits import Visits
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.targets import open_text
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problem, Problems
from archlab.editor.mending import without_a_line
from archlab.editor.numbers import Numbers, numbers_of
from archlab.files.unsaved import Texts, unsaved_texts


@dataclass(frozen=True)
class Snapshot:
    """A text that is open in an editor, read and expanded as far as it goes.

    Attributes:
        source: the text; its name is the file's path.
        variant_name: the variant that is shown; empty for the config's own defaults.
        unsaved: the texts of all files that are open, this one's among them.
        settings: values of params in place of the config's.
        budget: what the network that is shown took to be expanded, once it is.
    """

    source: Source
    variant_name: str = ""
    unsaved: Texts = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget, init=False, compare=False)

    @staticmethod
    def of(path: Path, text: str, variant_name: str = "", unsaved: Texts | None = None) -> Snapshot:
        """The snapshot of a text that stands for a file."""
        texts = {**(unsaved or {}), os.path.realpath(path): text}  # a block may extend its own file
        return Snapshot(Source(str(path), text, path.parent), variant_name, texts)

    @property
    def document(self) -> Document | None:
        """The text as a tree; None where it is none."""
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[Document | None, Problems]:
        try:
            with unsaved_texts(self.unsaved):
                document, _, problems = open_text(self.source, Path(self.source.name).stem)
                return document, problems
        except ConfigError as error:
            return None, Problems(error.problems)

    @property
    def mended(self) -> Snapshot:
        """The snapshot itself; of a text that cannot be read one without the line at fault, where that is enough."""
        return self._mended or self

    @cached_property
    def _mended(self) -> Snapshot | None:
        """None for the snapshot itself: one that held itself would wait for the collector, with all its layers."""
        found = self._read[1].found
        broken = next((one.place for one in found if one.code is Code.YAML_SYNTAX and one.place is not None), None)
        if self.document is not None or broken is None:
            return None
        attempts = (replace(self, source=replace(self.source, text=text)) for text in without_a_line(broken))
        return next((attempt for attempt in attempts if attempt.document is not None), None)

    @property
    def read_problems(self) -> Problems:
        """What is wrong with the text before anything is expanded; a new collector each time."""
        return Problems([*self._read[1].found])

    @cached_property
    def variant(self) -> Variant | None:
        """The variant that is shown: the one that was chosen, else the first network that the config has."""
        if self.document is None:
            return None
        chosen = self.document.variants.get(self.variant_name)
        return chosen or networks_of(self.document)[0]

    @cached_property
    def _expanded(self) -> tuple[Network | None, Visits, list[Problem]]:
        visits = Visits()
        if self.document is None:
            return None, visits, self.read_problems.found
        try:
            graph = expand(
                self.document, self.variant, self.settings, self.read_problems, budget=self.budget, visits=visits
            )
        except ConfigError as error:
            return None, visits, error.problems
        return Network(graph, self.document, self.variant, settings=self.settings), visits, []

    @property
    def network(self) -> Network | None:
        """The network that is shown; None where something is wrong with it."""
        return self._expanded[0]

    @property
    def expanded(self) -> Expanded:
        """The same with what was wrong and what it took, for who would expand it again."""
        return Expanded(self.variant, self.network, self.problems, self.budget)

    @property
    def visits(self) -> Visits:
        """Which layers came of which item, as far as the walk came."""
        return self._expanded[1]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the text, or with the network that is shown."""
        return self._expanded[2]

    @cached_property
    def analysis(self) -> Analysis | None:
        """The numbers of the network that is shown; None where there is none, or they take too long."""
        if self.network is None:
            return None
        with suppress(ConfigError):
            return self.network.analyze()
        return None

    @cached_property
    def numbers(self) -> Numbers:
        """The numbers of its layers."""
        return numbers_of(self.visits.nodes, self.analysis)
