"""Bounds on what a config may ask for. A config is data from a stranger; each bound answers with a placed problem."""

from __future__ import annotations

MAX_FILE_BYTES = 1_000_000
MAX_CONFIGS = 10_000
"""Configs in a folder that is given for all of them."""
MAX_FOLDER_ENTRIES = 100_000
"""Files and folders looked at for them."""
MAX_YAML_DEPTH = 100
MAX_YAML_NODES = 65_536
"""YAML nodes with every alias written out: stops alias bombs before they are walked."""
MAX_LISTED_NODES = 1_048_576
"""The same of a list of layers that archlab wrote itself, without aliases, and reads at once: 32 for each layer."""

MAX_NODES = 32_768
"""Primitive layers in one network."""
MAX_INPUTS = 65_536
"""Inputs of all of them together, which bounds joins of thousands of values."""
MAX_DIFFERENT = 4_096
"""Layers that differ in type, arguments or input's shape: each of them is worked out by itself."""
MAX_OPAQUE = 256
"""Different classes of other packages."""
MAX_STEPS = 100_000
"""Items looked at while expanding, which bounds loops that create no layer."""
MAX_TOTAL_STEPS = 1_000_000
"""The same of all configs that are checked at once, where 20 bytes count as a step."""
MAX_BLOCK_DEPTH = 64
"""Blocks and combinators inside one another."""

MAX_PATH_LENGTH = 500
"""Characters of a layer's path."""

MAX_EXPRESSION_LENGTH = 1_000
MAX_EXPRESSION_DEPTH = 50
MAX_LIST_DEPTH = 20
"""Lists inside one another, made by an expression."""
MAX_STRING_LENGTH = 1_000
MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 18

MAX_PARAMS = 500
"""Params of a file or of a block."""
MAX_ARGUMENT_VALUES = 500
"""YAML values in one argument of an item, or in one param."""

MAX_EXTENDS = 8
"""Files extending one another."""
MAX_INPUT_SIZE = 65_536
"""Positions along one spatial axis of the input."""
MAX_MAP_SIZE = 262_144
"""Positions along one spatial axis of any map."""
MAX_ELEMENTS = 2**48
"""Elements of one value."""
