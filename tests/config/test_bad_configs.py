"""Every config in `bad_configs/` prints exactly what stands beside it.

After a change of a message: `pytest tests/test_bad_configs.py --rewrite`, then read every difference.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from archlab.cli.main import main
from tests.chunks import check_each, in_chunks

FOLDER = Path(__file__).parents[1] / "bad_configs"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("names", in_chunks(CASES))
def test_what_is_printed(
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(FOLDER)
    rewrite = request.config.getoption("--rewrite")

    def check(name: str) -> None:
        capsys.readouterr()  # nothing of another that failed
        started = time.process_time()
        status = main(["validate", f"{name}.yaml"])
        assert time.process_time() - started < 20  # a bound that something holds, not a measurement
        printed = capsys.readouterr()
        assert status == 1
        assert not printed.err
        expected = FOLDER / f"{name}.out"
        if rewrite:
            expected.write_text(printed.out, encoding="utf-8")
        assert printed.out == expected.read_text(encoding="utf-8")

    check_each(names, check)


def test_no_control_characters_and_a_place() -> None:
    check_each(CASES, check_letters_and_place)


def check_letters_and_place(name: str) -> None:
    text = (FOLDER / f"{name}.out").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.splitlines())
    assert all(code.endswith("]") for code in text.splitlines()[:1])


def test_bombs_stay_small() -> None:
    # kilobytes on Linux; the whole test session with torch needs more, so look at the growth
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("yaml_bomb", "many_layers", "many_steps", "deep_nesting", "expression_bomb"):
        main(["validate", str(FOLDER / f"{name}.yaml")])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
