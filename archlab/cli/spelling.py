"""Arguments as options of the command line."""

from __future__ import annotations

from archlab.diagnostics.spelling import Spelling


class OptionSpelling(Spelling):
    """`--batch 2` for what is `batch=2` in Python."""

    layers = "archlab analyze --depth all"

    def argument(self, name: str, value: object = None) -> str:
        """An option, with a value where one is given."""
        option = f"--{name.replace('_', '-')}"
        return option if value is None else f"{option} {value}"

    def param(self, name: str) -> str:
        """As `--set` takes it."""
        return f"--set {name}=..."
