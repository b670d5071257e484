"""`archlab fmt`: idempotent, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

import pytest

from archlab.api.network import expand_document
from archlab.cli.main import main
from archlab.config.format import WIDTH, _check_nothing_lost, format_config
from archlab.config.syntax.files import read_source
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, parse
from archlab.config.tree.document import Document
from archlab.config.tree.presets import preset_files
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems
from archlab.graph import Graph
from tests import presets
from tests.command import run


def formatted(text: str) -> str:
    result = format_config(Source("x.yaml", text))
    assert format_config(Source("x.yaml", result)) == result
    return result


@pytest.mark.parametrize("path", preset_files(), ids=lambda path: path.stem)
def test_shipped_configs_stay_the_same_networks(path: Path) -> None:
    source = read_source(path, shown_as=path.name)
    text = format_config(source)
    again = Source(path.name, text, source.folder)
    assert format_config(again) == text
    items = [line for line in text.splitlines() if line.strip().startswith("- ") and "#" not in line]
    assert all(len(line) <= WIDTH for line in items)
    (before, found), (after, others) = (read_document(one, path.stem) for one in (source, again))
    assert (found.found, others.found) == ([], [])
    for section in ("variants", "params", "blocks"):
        assert list(getattr(before, section)) == list(getattr(after, section))
    assert written(source) == written(again)  # so that all variants are the same; of one of them all is compared
    for name in (None, *list(before.variants)[-1:]):
        assert as_shipped(path.stem, before, name) == described(after, name)


def written(source: Source) -> object:
    """All that a config says, in its order of lists: values, and which of them are in quotes; not its places."""

    def plain(node: Node) -> object:
        if isinstance(node, Scalar):
            return node.value, node.text, node.plain
        if isinstance(node, Sequence):
            return [plain(item) for item in node.items]
        assert isinstance(node, Mapping)
        return {key: plain(value) for key, value in node.entries.items()}

    return plain(parse(source, Problems()))


def as_shipped(family: str, document: Document, name: str | None) -> object:
    """The same of a preset as it is written, whose networks are made once for all tests.

    A family that has no default of its own stands for a variant by its name; then the document itself is expanded.
    """
    network = presets.network(name or family)
    if name is None and network.variant is not None:
        return described(document, None)
    return facts(network.graph)


def described(document: Document, name: str | None) -> object:
    """Everything about a network but for places in the text; of a family without a default what is told."""
    variant = None if name is None else document.variants[name]
    try:
        graph = expand_document(document, variant, Problems(), params={}).graph
    except ConfigError as error:
        return [problem.message for problem in error.problems]
    return facts(graph)


def facts(graph: Graph) -> object:
    return graph.name, graph.variant, presets.nodes_of(graph), graph.outputs, graph.output_form, graph.init


BEFORE = """# top
layers:
- {kernel_size: 3,out_channels: 8,   type: conv2d, activation: relu, name: a}   # first
# between
- type: residual
  body:   # what is added
  - - {type: relu}
  - {type: 'relu'}
  shortcut: project

- {repeat: 2, use: unit}
name:   x     # of the network
input: [3,8,
   8]
archlab: 1
blocks:
    unit: {layers: [{type: relu}, {type: conv2d, out_channels: 100, kernel_size: [3, 3], padding: [1, 1],
      dilation: [1, 1], bias: false}]}
params:
  a: 1 # one
  longer: 2   # two
# the end
"""
AFTER = """archlab: 1
name: x  # of the network
input: [3, 8, 8]
params:
  a: 1       # one
  longer: 2  # two
blocks:
  unit: {layers: [{type: relu}, {type: conv2d, out_channels: 100, kernel_size: [3, 3], padding: [1, 1],
"""


def test_what_it_does() -> None:
    text = formatted(BEFORE.replace("  - - {type: relu}\n", ""))
    lines = text.splitlines()
    assert lines[:6] == AFTER.splitlines()[:6]
    assert "  - {name: a, type: conv2d, kernel_size: 3, out_channels: 8, activation: relu}  # first" in lines
    assert "  # between" in lines
    assert "    body:  # what is added" in lines
    assert "      - {type: 'relu'}" in lines  # quotes stay
    assert lines.index("    shortcut: project") < lines.index("    body:  # what is added")
    assert text.count("\n\n") == 1  # the one blank line stays
    for comment in (
        "# top",
        "# first",
        "# between",
        "# what is added",
        "# of the network",
        "# one",
        "# two",
        "# the end",
    ):
        assert text.count(comment) == 1


def test_comments_inside_a_collection_stay_where_they_are() -> None:
    text = "archlab: 1\nlayers:\n  - {type: conv2d,      # the first\n     kernel_size: 3}   # the last\n"
    assert formatted(text) == text.replace("{type: conv2d,      #", "{type: conv2d,      #").replace("}   #", "}   #")


COMMENTED = """# whose file this is

archlab: 1
# what comes in
input: [3, 8, 8]

# what is done
# with it
layers:
  # a sum
  - type: residual
    # of what is done
    body:
      # the first
      - type: conv2d
        out_channels: 3

        # odd
        kernel_size: 3
        padding: 1
      # the second

      - {type: relu}
# the end
"""


def test_comments_and_blank_lines_stay_in_front_of_what_they_were_written_for() -> None:
    assert formatted(COMMENTED) == COMMENTED
    turned = COMMENTED.replace("archlab: 1\n# what comes in\ninput: [3, 8, 8]", "# what comes in\ninput: [3, 8, 8]")
    assert formatted(turned.replace("# the end", "archlab: 1")).startswith("archlab: 1\n# whose file this is\n")


def test_a_collection_with_a_comment_on_its_last_but_one_line_stays_as_it_is() -> None:
    text = "layers:\n  - {type: conv2d,\n     kernel_size: 3,\n     # of them\n     padding: 1}\n"
    assert formatted(text) == text


def test_lines_inside_a_commented_collection_lose_their_ends_only() -> None:
    text = "layers:\n  - {type: conv2d,  \n     # odd \n     kernel_size: 3,   # both ways  \n     padding: 1}  \n"
    assert formatted(text) == "".join(line.rstrip() + "\n" for line in text.splitlines())


def filled(head: str, text: str, indent: int) -> str:
    """As the standard library fills lines."""
    return fill(text, WIDTH, initial_indent=head, subsequent_indent=" " * indent, break_long_words=False) + "\n"


def test_long_values_are_broken_at_the_width() -> None:
    """Words go on two columns further in; a list goes on behind its bracket."""
    for last in range(1, 20):
        words = " ".join(["x" * 9] * 40 + ["y" * last])
        assert formatted(f"description: {words}\n") == filled("description: ", words, 2)
        numbers = ", ".join([*map(str, range(100, 170)), "y" * last])
        assert formatted(f"input: [{numbers}]\n") == filled("input: [", numbers + "]", 8)
    assert formatted(f"description: {'x' * WIDTH} y\n") == f"description: {'x' * WIDTH}\n  y\n"


def test_lists_in_lists() -> None:
    text = "layers:\n  - type: branches\n    paths:\n      - - {type: relu}  # a\n        - {type: tanh}\n      - []\n"
    assert formatted(text) == text


@pytest.mark.parametrize("shortcut", ["[{type: relu}]", "\n      - {type: relu}"])
def test_layers_of_a_shortcut_stay_on_their_side_of_the_body(shortcut: str) -> None:
    """Their order is that of the modules; a word has none, and stands in front."""
    head, body, layers = "layers:\n  - type: residual\n", "    body: [{type: tanh}]\n", f"    shortcut: {shortcut}\n"
    layers = layers.replace(": \n", ":\n")
    for text in (head + layers + body, head + body + layers):
        assert formatted(text) == text
    word = "    shortcut: project\n"
    assert formatted(head + body + word) == head + word + body


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "a: |\n  text\n", "a: !!str 1\n", "---\na: 1\n", "%YAML 1.2\n---\na: 1\n"]
)
def test_what_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigError, match="fmt leaves files with"):
        formatted(text)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name:   a\narchlab: 1\n")
    (tmp_path / "b.yaml").write_text("archlab: 1\nname: b\n")
    assert main(["fmt", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out == f"{path}: would be formatted\n"
    assert path.read_text() == "name:   a\narchlab: 1\n"
    assert main(["fmt", str(tmp_path)]) == 0
    assert path.read_text() == "archlab: 1\nname: a\n"
    assert main(["fmt", str(tmp_path), "--check"]) == 0
    path.write_text("a: [1\n")
    assert main(["fmt", str(path)]) == 1
    assert path.read_text() == "a: [1\n"


def test_what_looks_like_a_comment_inside_a_text_is_none() -> None:
    text = (
        "description: 'a # b'  # c\ninput: [3, 8, 8]\nlayers:\n  - {type: relu}\nname: \"one\n  # two\n  three\"  # d\n"
    )
    assert formatted(text) == (
        "name: \"one # two three\"  # d\ndescription: 'a # b'     # c\ninput: [3, 8, 8]\nlayers:\n  - {type: relu}\n"
    )


def test_a_list_below_a_commented_key_is_left_alone() -> None:
    with pytest.raises(ConfigError, match="fmt cannot write this file without losing something"):
        formatted("input:  # channels first\n  [3, 8,   8]\nlayers:\n  - {type: relu}\n")


def test_comments_are_aligned_where_the_line_holds_them() -> None:
    """Behind the longest text begins column 40; a comment of 80 characters ends with the line, one of 81 does not."""
    for length, spaces in ((80, 20), (81, 2)):
        short, comment = "  - {type: relu}", "#" + "x" * (length - 1)
        long = "  - {name: " + "a" * 14 + ", type: relu}"
        assert (len(short), len(long), WIDTH) == (16, 38, 120)
        text = f"input: [3, 8, 8]\nlayers:\n{short} {comment}\n{long} # y\n"
        expected = short + " " * (spaces + 4 if spaces > 2 else spaces) + comment
        assert expected in formatted(text).splitlines()


def test_comments_are_moved_by_no_more_than_forty_columns() -> None:
    """Two spaces stand in front of the longest line's comment; a shorter line's has up to 40."""
    for difference, spaces in ((38, 40), (39, 2)):
        short, long = "a: 1", f"b: {'x' * (difference + 1)}"
        assert len(long) - len(short) == difference
        lines = formatted(f"params:\n  {short} # one\n  {long} # two\n").splitlines()
        assert lines == ["params:", f"  {short}{' ' * spaces}# one", f"  {long}  # two"]


MESSY = "input:   [3,8,8]  # a comment\nlayers:\n  - {type: relu}\n"
NEAT = "input: [3, 8, 8] # a comment\nlayers:\n  - {type: relu}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MESSY.replace("\n", "\r\n"), "\r\n"),
        (MESSY.replace("\n", "\r\n").rstrip(), "\r\n"),
        (MESSY.replace("\n", "\r\n", 1), "\n"),
        (MESSY.replace("\n", "\r\n", 2), "\r\n"),
        (MESSY.replace("\n", "\r\n", 2) + "\n", "\n"),  # as many
        (MESSY.rstrip(), "\n"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}" + MESSY.replace("\n", "\r\n"), "\r\n"),
    ],
)
def test_lines_end_as_most_of_them_did(
    before: str, after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(before.encode())
    assert run(capsys, "fmt", str(path))[0] == 0
    written = path.read_bytes().decode()
    assert written.replace("\r\n", "\n").split() == NEAT.split()
    assert written.endswith(after)
    assert written.count("\r\n") == (written.count("\n") if after == "\r\n" else 0)
    assert run(capsys, "fmt", "--check", str(path)) == (0, "", "")


def test_words_below_one_another() -> None:
    text = "outputs:\n  - head   # one\n\n  # behind it\n  - auxiliary  # two\n  - 'x'\n"
    assert formatted(text) == ("outputs:\n  - head  # one\n\n  # behind it\n  - auxiliary  # two\n  - 'x'\n")


def test_a_line_of_spaces_is_blank() -> None:
    assert formatted(COMMENTED.replace("\n\n", "\n   \n")) == COMMENTED


@pytest.mark.parametrize(
    "lost",
    [
        "name: b  # c\nlayers: [x]\n",
        "name: 'a'  # c\nlayers: [x]\n",
        "name: a  # c\nlayers: [x, x]\n",
        "name: a  # c\nlayer: [x]\n",
        "name: a  # d\nlayers: [x]\n",
        "name: a\nlayers: [x]\n",
        "name: a  # c\nlayers: [x\n",
    ],
)
def test_a_result_that_means_something_else_is_refused(lost: str) -> None:
    """Below the printer there is a net, for mistakes that it does not make."""
    source = Source("x.yaml", "name:   a # c\nlayers: [ x ]\n")
    before = parse(source, Problems())
    assert isinstance(before, Mapping)
    _check_nothing_lost(source, before, format_config(source))
    with pytest.raises(ConfigError):
        _check_nothing_lost(source, before, lost)
