"""Texts that are no files, or not their files yet: checked as the files with the same text are."""

from __future__ import annotations

from pathlib import Path

import pytest

import archlab
from archlab.api.lint import lint
from archlab.api.validate import validate
from archlab.config.syntax.limits import MAX_FILE_BYTES
from archlab.diagnostics.forms import problem_dict
from archlab.diagnostics.place import Source

BAD = Path(__file__).parents[2] / "bad_configs"
PRESETS = Path(__file__).parents[3] / "configs"


@pytest.mark.parametrize(
    "name", ["unknown_option", "limits_of_a_variant", "extends_with_unknown_names", "many_mistakes"]
)
def test_a_text_has_the_problems_of_its_file(name: str) -> None:
    file = BAD / f"{name}.yaml"
    source = Source(str(file), file.read_text(), BAD)
    from_file, from_text = validate(str(file)), validate(str(file), source)
    assert from_file.problems
    assert list(map(problem_dict, from_text.problems)) == list(map(problem_dict, from_file.problems))
    assert from_text.networks == from_file.networks


def test_a_text_and_not_its_file_is_looked_at() -> None:
    file = PRESETS / "resnet.yaml"
    text = file.read_text().replace("kernel_size: 7", "kernal_size: 7")
    (problem,) = validate(str(file), Source("resnet.yaml", text)).problems
    assert "did you mean 'kernel_size'?" in problem.message
    assert validate(str(file)).problems == []
    (problem,) = lint(str(file), source=Source("resnet.yaml", text)).problems
    assert "did you mean 'kernel_size'?" in problem.message


def test_one_variant_of_a_text() -> None:
    text = "name: a\ninput: [3, 8, 8]\nparams: {n: 1}\nvariants: {two: {n: 0}}\n"
    text += "layers: [{type: conv2d, out_channels: $n, kernel_size: 1}]\n"
    source = Source("a.yaml", text)
    assert [problem.code for problem in validate("a", source).problems] == ["wrong-value"]
    assert validate("a", source, "two").networks == 1
    assert [problem.code for problem in lint("a", (), source, "two").problems] == ["wrong-value"]
    (problem,) = validate("a", source, "tow").problems
    assert problem.message == "a has no variant 'tow'; did you mean 'two'?"


def test_a_text_may_be_no_larger_than_a_file() -> None:
    text = f"input: [3, 8, 8]\nlayers: [{{type: relu}}]\n#{'x' * MAX_FILE_BYTES}"
    with pytest.raises(archlab.ConfigError, match="a config may have 1,000,000"):
        archlab.loads(text)
    assert [problem.code for problem in validate("a", Source("a", text)).problems] == ["too-large"]
