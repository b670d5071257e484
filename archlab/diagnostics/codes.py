"""The codes of problems: what kind of mistake each is. docs/problems.md is made from them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

Level = Literal["error", "warning"]


class Code(StrEnum):
    """The kind of a problem, for programs and for looking it up; with what it means, in a sentence or two."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A member from its text and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    @property
    def level(self) -> Level:
        """How bad it is."""
        return "error"

    @property
    def page(self) -> str:
        """Where it is described."""
        return f"docs/problems.md#{self}"

    # the text
    YAML_SYNTAX = "yaml-syntax", "The text is not valid YAML."
    YAML_TAG = "yaml-tag", "A YAML tag; a config has plain values only."
    SEVERAL_DOCUMENTS = "several-documents", "The file holds more than one YAML document."
    EMPTY_FILE = "empty-file", "There is nothing in the file."
    BAD_KEY = "bad-key", "A key that is no plain word."
    DUPLICATE_KEY = "duplicate-key", "A mapping has one key twice."
    UNKNOWN_ANCHOR = "unknown-anchor", "An alias of an anchor that is not there."
    HUGE_NUMBER = "huge-number", "A number that is not finite, or has too many digits."
    LONG_TEXT = "long-text", "A text that is too long for any use."
    OTHER_FORMAT = "other-format", "The file is a config of another program."
    VERSION = "version", "A version of the language that this archlab does not read."
    FORMAT = "format", "`archlab fmt` cannot write the file without losing something."

    # words and values
    UNKNOWN_KEY = "unknown-key", "A key that has no meaning where it stands."
    UNKNOWN_OPTION = "unknown-option", "A layer, a block or `expect` has no such option."
    UNKNOWN_LAYER = "unknown-layer", "There is no layer of this type or at this path."
    UNKNOWN_BLOCK = "unknown-block", "`use` names a block that is not there."
    UNKNOWN_NAME = "unknown-name", "`from`, `with` or `outputs` names a layer that cannot be seen from there."
    UNKNOWN_PARAM = "unknown-param", "An expression or a setting names a param that is not there."
    UNKNOWN_PRESET = "unknown-preset", "There is no preset of this name."
    UNKNOWN_VARIANT = "unknown-variant", "The config has no such variant."
    UNKNOWN_INITIALISER = "unknown-initialiser", "`init` names no function of `torch.nn.init`."
    UNKNOWN = "unknown", "There is no device of this name."
    MISSING = "missing", "Something that must be written is not."
    WRONG_TYPE = "wrong-type", "A value of another kind than is wanted: a text for a number, a mapping for a list."
    WRONG_VALUE = "wrong-value", "A value of the right kind that cannot be."
    BAD_NAME = "bad-name", "A name that a layer, a block or a network cannot have."
    DUPLICATE_NAME = "duplicate-name", "Two layers have one name."
    EXPRESSION = "expression", "An expression cannot be read or has no value."

    # the network
    BAD_INPUT = "bad-input", "The network's input has no shape that an input can have."
    SHAPE = "shape", "A layer cannot take the shape that reaches it."
    UNUSED = "unused", "A layer's value is never used."
    INPLACE = "inplace", "A value is overwritten before its last reader."
    EXPECT = "expect", "A figure of `expect` is not the network's."
    LIMIT = "limit", "A figure is beyond a limit of `expect` or of `archlab check`, or cannot be known."
    TOO_LARGE = "too-large", "More than archlab's bounds allow."
    TOO_DEEP = "too-deep", "Nested deeper than archlab's bounds allow."
    RECURSIVE_BLOCK = "recursive-block", "A block uses itself without end."
    EXTENDS_PATH = "extends-path", "`extends` names a file that it must not."
    EXTENDS_LOOP = "extends-loop", "Files extend one another in a circle, or too many times."

    # files and models
    UNREADABLE = "unreadable", "A file cannot be read."
    UNWRITABLE = "unwritable", "A file cannot be written."
    FILE = "file", "A file cannot be made where it should be."
    OUTPUT_IS_INPUT = "output-is-input", "The result would be written over what was read."
    BATCH = "batch", "PyTorch does not run the network with this batch."
    NO_GRADIENT = "no-gradient", "No input position has a gradient to the unit."
    WRONG_WEIGHTS = "wrong-weights", "A state dict does not fit the network."
    WEIGHTS_CHECK = "weights-check", "With these weights the output is not the one that was saved."
    UNSUPPORTED = "unsupported", "A layer has no form in the format asked for."


class RuleName(str):
    """The name of a design rule (`archlab.lint`), which stands as the code of what it finds.

    Attributes:
        meaning: what it finds.
    """

    __slots__ = ("meaning",)

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """A name from its text and its meaning."""
        name = super().__new__(cls, value)
        name.meaning = meaning
        return name

    @property
    def level(self) -> Level:
        """How bad it is."""
        return "warning"

    @property
    def page(self) -> str:
        """Where it is described."""
        return f"docs/lint.md#{self}"
