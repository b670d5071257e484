"""Hostile configs by the thousand: `python -m tests.fuzz --inputs 200000`; with `--editor` what an editor asks of them.

Shipped configs and the corpus of bad ones are mutated: bytes, lines, tokens and whole values are dropped, doubled,
moved and replaced, numbers grow, aliases and expressions are put in. What an input may lead to is a graph with all its
numbers or placed problems, within two seconds; anything else is written to a file and reported.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from archlab.api.load import loads
from archlab.config.tree.presets import preset_files
from archlab.diagnostics.problem import ConfigError
from archlab.editor.snapshot import Snapshot
from tests.editor.edits import PATH, asked

ROOT = Path(__file__).parent
MOST_SECONDS = 2
TOKEN = re.compile(r"\s+|[{}\[\],:]|[^\s{}\[\],:]+")
WORDS = (
    *("$index", "$width", "$block_in", "$in_channels", "$in_size", "$(9**9**9)", "$(10**400)", "$('a' * 10**9)"),
    *("$([1] * 10**8)", "$(len('x'))", "$(1 / 0)", "$(max())", "$(in_channels // 2)", "${x}", "$(", "$()", "$(((1)))"),
    *("0", "-1", "1", "3", "1e308", "-0.0", ".inf", ".nan", "0x10", "1_000", "9" * 20, "true", "yes", "null", "~"),
    *("&a", "*a", "<<:", "!!python/object:os.system", "!!binary", "|", ">", "---", "...", "%YAML 1.1", "#", "'", '"'),
    *("type", "use", "name", "from", "with", "repeat", "first", "when", "body", "paths", "shortcut", "layers", "\t"),
    *("conv2d", "conv_transpose2d", "deform_conv2d", "residual", "branches", "concat", "multiply", "flatten"),
    *("channels_last", "squeeze_excitation", "upsample", "max_pool2d", "layer_norm", "glu", "identity", "project"),
    *("extends", "../../etc/passwd.yaml", "/dev/zero", "CON", "\x1b[31m", "\u202e", "<img src=x>", "\u00e9", "input"),
)


def mutate(text: str, draw: random.Random) -> str:
    """One or a few changes."""
    for _ in range(draw.choice((1, 1, 1, 1, 2, 4))):
        text = draw.choice(CHANGES)(text, draw)
    return text[:200_000]


def _bytes(text: str, draw: random.Random) -> str:
    raw = bytearray(text.encode())
    for _ in range(draw.randint(1, 4)):
        if raw:
            raw[draw.randrange(len(raw))] = draw.randrange(256)
    return raw.decode(errors="replace")


def _line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    line = lines[at]
    change = draw.randrange(5)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines[at:at] = [line] * draw.choice((1, 2, 50))
    elif change == 2:
        lines.insert(draw.randrange(len(lines)), lines.pop(at))
    elif change == 3:
        lines[at] = " " * draw.randint(1, 9) + line
    else:
        lines[at] = line.lstrip()
    return "\n".join(lines)


def _tokens(text: str, draw: random.Random) -> str:
    tokens = TOKEN.findall(text)
    if not tokens:
        return text
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(tokens))
        change = draw.randrange(4)
        if change == 0:
            tokens[at] = draw.choice(WORDS)
        elif change == 1:
            tokens[at] = draw.choice(tokens)
        elif change == 2:
            tokens[at] = ""
        else:
            tokens[at] += " " + draw.choice(WORDS)
    return "".join(tokens)


def _number(text: str, draw: random.Random) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    found = draw.choice(numbers)
    value = draw.choice(
        ("0", "-1", "7", "1000000", "2147483648", "9" * 30, "1.5", "1e9", f"$({found[0]} * {found[0]})")
    )
    return text[: found.start()] + value + text[found.end() :]


def _nest(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    depth = draw.choice((1, 5, 100, 3000))
    return text[:at] + draw.choice(("[", "{a: ", "- ", "(")) * depth + text[at:]


def _splice(text: str, draw: random.Random) -> str:
    other = draw.choice(SEEDS)
    return text[: draw.randrange(len(text) + 1)] + other[draw.randrange(len(other) + 1) :]


Change = Callable[[str, random.Random], str]
CHANGES: tuple[Change, ...] = (_bytes, _line, _line, _tokens, _tokens, _tokens, _number, _number, _nest, _splice)
_PRESETS = [path.read_text(encoding="utf-8") for path in preset_files()]
_BAD = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "bad_configs").glob("*.yaml"))]
SEEDS = [*_PRESETS, *_PRESETS, *_PRESETS, *_BAD]
"""Right ones more often: a change of a wrong one is mostly wrong for the old reason."""


class TooSlowError(Exception):
    """An input took longer than it may."""


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError


def outcome(text: str) -> str:
    """`graph`, `problems`, or what went wrong."""
    try:
        loads(text).analyze().to_dict()
    except ConfigError as error:
        if not error.problems or not all(
            problem.render().isprintable() or "\n" in problem.render() for problem in error.problems
        ):
            return "a problem without text"
        return "problems"
    return "graph"


def shown(text: str) -> str:
    """`graph` or `problems`, whichever is beside the numbers in an editor."""
    snapshot = Snapshot.of(PATH, text)
    asked(snapshot, text)
    return "problems" if snapshot.network is None else "graph"


def fuzz(
    inputs: int,
    seed: int,
    folder: Path | None = None,
    outcome: Callable[[str], str] = outcome,
    most_seconds: float = MOST_SECONDS,
) -> Counter[str]:
    """Try inputs; what is neither a graph nor problems is kept in the folder.

    Args:
        inputs: how many.
        seed: of the mutations.
        folder: for what fails; None keeps nothing.
        outcome: what an input leads to.
        most_seconds: of processor time that an input may take.
    """
    draw = random.Random(seed)  # noqa: S311 - no cryptography
    found: Counter[str] = Counter()
    signal.signal(signal.SIGVTALRM, _too_slow)  # of its own time: the machine may be busy
    for number in range(inputs):
        text = mutate(draw.choice(SEEDS), draw)
        start = time.thread_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, 5 * most_seconds)
        try:
            result = outcome(text)
        except Exception:  # noqa: BLE001 - whatever it is, it is a crash
            result = f"crash: {traceback.format_exc().splitlines()[-1]}"
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if time.thread_time() - start > most_seconds:
            result = "too slow"
        found[result] += 1
        if result not in ("graph", "problems") and folder is not None:
            (folder / f"{seed}_{number}.yaml").write_text(f"{text}\n# {result}\n", encoding="utf-8", errors="replace")
    return found


def main() -> int:
    """Fuzz and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_failures"))
    parser.add_argument("--editor", action="store_true", help="ask what an editor asks")
    options = parser.parse_args()
    options.keep.mkdir(exist_ok=True)
    start = time.perf_counter()
    found = fuzz(options.inputs, options.seed, options.keep, shown if options.editor else outcome)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.inputs:,} inputs in {seconds:.0f} s, {memory:.0f} MiB at most")
    for result, count in found.most_common():
        print(f"{count:>8,}  {result}")
    return int(bool(set(found) - {"graph", "problems"}))


if __name__ == "__main__":
    sys.exit(main())
