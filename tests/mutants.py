"""A mutation tester: `python -m tests.mutants --sample 300 --seed 0 --package analysis`.

It draws mutants (`tests.mutations`) of archlab's layers, analyses and language, runs the tests on each, and lists those
that every test lets pass. A mutant costs about two seconds: the process that has imported PyTorch and what else the
tests need, but nothing of archlab, is forked for each, and the tests near the module run first, the quickest ahead.
Only a mutant that survives these meets the rest of the suite (`--near` leaves that out).

Tests run in a copy of the repository, with drawn examples always the same and not shrunk. A test run that takes more
than three times the processor time of the faultless one counts as a failure. Survivors that are known to change
nothing, or nothing but speed, are listed with the reason in `equivalent_mutants.txt`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import zip_longest
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import walk_packages
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings

from tests.mutations import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("layers", "analysis", "config")
KNOWN = Path(__file__).with_name("equivalent_mutants.txt")

COUNTED = (
    "tests/torch/test_random_memory.py",
    *(
        f"tests/torch/test_storages.py::test_each_layer_{run}"
        for run in ("on_a_cpu", "with_channels_last", "in_mixed_precision", "in_a_checkpoint")
    ),
)
"""Memory, counted layer by layer."""

NEAR: dict[str, tuple[str, ...]] = {
    "layers": (
        *("tests/layers", "tests/config/test_bad_configs.py", "tests/config/test_problems.py"),
        *("tests/analysis/memory", "tests/cli/test_cli.py", "tests/test_layer_reference.py", *COUNTED),
    ),
    "config": ("tests/config", "tests/diagnostics", "tests/cli/test_cli.py", "tests/torch/test_unused_outputs.py"),
    "analysis": (
        *("tests/analysis", "tests/report/test_memory.py", "tests/torch/test_checkpoint.py"),
        *("tests/zoo/test_template.py", "tests/torch/test_verify_field.py", "tests/torch/test_autocast.py", *COUNTED),
        "tests/test_bounds_of_forms.py::test_an_estimate_ends_at_a_bound_on_its_work",
    ),
}
"""By package, the tests to begin with."""

WARM: tuple[str, ...] = (
    "torch",
    "torchvision",
    "torch.fx",
    "torch.export",
    "torch._dynamo",
    "torch.utils.flop_counter",
    "numpy",
)
WARM += ("fvcore.nn", "onnx", "onnxruntime", "pandas", "pydantic", "yaml", "rich.console", "rich.table", "jsonschema")
"""What the tests import beside archlab."""

ADDRESS_SPACE = 24 * 2**30
LONGEST = 3600
"""Seconds that the tests of a mutant may take."""
QUICK = 3.0
"""The most seconds that a test takes which every mutant meets, with its calls written down; a chunk of cases does."""
SLACK_SECONDS = 10
PATIENCE = 10
"""How many times as long as the processor's time a run may take; a mutant may also wait for ever."""
BAD_EXIT = 5
"""The least of pytest's exit statuses that say nothing about the tests; below it, a mutant that cannot be imported."""


def _in_fork(run: Callable[[], int], log: Path, limit: int) -> int:
    """Exit status of a function in a process of its own; negative where a signal ended it.

    Args:
        run: the function.
        log: takes what it prints.
        limit: seconds of processor time that it may take.
    """
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
            _print_to(log)
            status = run()
        finally:
            os._exit(status)
    deadline = time.monotonic() + PATIENCE * limit
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # what it started and left behind
    return os.waitstatus_to_exitcode(ended[1])


def _print_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _pytest(copy: Path, arguments: Sequence[str], *plugins: object) -> int:
    """Run pytest on a copy of the repository, in this process, which has imported nothing of it."""
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path[:] = [str(copy), *(path for path in sys.path if Path(path).resolve() != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] in {"archlab", "tests"}]:
        del sys.modules[name]
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--basetemp", str(copy / "tmp"), "--tb=line"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *arguments], plugins=list(plugins)))


class _Teller:
    """Prints why a test fails."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            print(report.nodeid, report.longreprtext, sep="\n", flush=True)


class _Test(NamedTuple):
    """What is known of a test: seconds of the processor, and which functions it calls."""

    seconds: float
    calls: list[str]


class _Quick:
    """Leaves the slow tests out, and runs the quickest first."""

    def __init__(self, known: Path) -> None:
        self._seconds = {nodeid: _Test(*facts).seconds for nodeid, facts in json.loads(known.read_text()).items()}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._seconds.get(item.nodeid, 0) <= QUICK]
        items.sort(key=lambda item: self._seconds.get(item.nodeid, 0))


class _Calls:
    """Which of archlab's functions run, by file and name, those inside others under the outermost's name."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._seen: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            self._seen.add(frame.f_code)

    def __enter__(self) -> None:
        self._seen.clear()
        sys.setprofile(self)

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    @property
    def names(self) -> list[str]:
        """The functions seen since it was entered last."""
        return sorted({_name(code) for code in self._seen if code.co_filename.startswith(self._folder)})


def _name(code: CodeType) -> str:
    return f"{code.co_filename} {code.co_qualname.partition('.<locals>')[0]}"


class _Server:
    """Collects the tests once, and then runs them for one mutant after the other, in forks.

    A mutant is made by giving functions other code: no module is imported anew. Only tests that call such a function
    can notice it, and only those are run. Where there is none, it may run while a class is made: that takes an import.
    """

    def __init__(self, copy: Path, mutants: Sequence[Mutant], pipe: Connection) -> None:
        self._copy = copy
        self._mutants = mutants
        self._pipe = pipe
        self._functions: dict[str, list[FunctionType]] = {}
        self._caches: list[Any] = []
        self._result = copy / "result.json"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        if session.testsfailed:
            return True
        self._look_around()
        log = self._copy / "run.log"
        status = _in_fork(partial(self._run, session, session.items, _Calls(self._copy / "archlab")), log, LONGEST)
        self._pipe.send(status)
        if status:
            return True
        self._result.rename(self._copy / "known.json")
        known = {nodeid: _Test(*facts) for nodeid, facts in json.loads((self._copy / "known.json").read_text()).items()}
        quick = [item for item in session.items if known[item.nodeid].seconds <= QUICK]
        quick.sort(key=lambda item: known[item.nodeid].seconds)
        while (number := self._pipe.recv()) is not None:
            codes = self._codes(self._mutants[number])
            changed = {_name(function.__code__) for function, _ in codes or ()}
            items = [item for item in quick if not changed.isdisjoint(known[item.nodeid].calls)]
            if codes is None or not items:
                self._pipe.send(None)
                continue
            limit = SLACK_SECONDS + 3 * int(sum(known[item.nodeid].seconds for item in items))
            self._pipe.send(_in_fork(partial(self._run, session, items, None, codes), log, limit))
        return True

    def _look_around(self) -> None:
        for module in walk_packages([str(self._copy / "archlab")], "archlab."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(self._copy)):
                self._functions.setdefault(thing.__code__.co_filename, []).append(thing)
            elif type(thing) is type(lru_cache(len)):
                self._caches.append(thing)
        gc.freeze()

    def _codes(self, mutant: Mutant) -> list[tuple[FunctionType, CodeType]] | None:
        """The functions that the mutant changes, and their new code; None where it is outside of functions."""
        path = str(self._copy / mutant.path)
        with mutant.tree() as tree:
            codes = dict(_all_codes(compile(tree, path, "exec")))
        changed = []
        for function in self._functions.get(path, []):
            old = function.__code__
            new = codes.get((old.co_qualname, old.co_firstlineno), old)
            if new != old:
                if new.co_freevars != old.co_freevars:
                    return None
                changed.append((function, new))
        return changed or None

    def _run(
        self,
        session: pytest.Session,
        items: Sequence[pytest.Item],
        calls: _Calls | None,
        codes: Sequence[tuple[FunctionType, CodeType]] = (),
    ) -> int:
        """Run tests until one fails. With `calls`, write down how long each takes and what it calls."""
        for function, code in codes:
            function.__code__ = code
        session.config.pluginmanager.register(_Teller())
        tests: dict[str, _Test] = {}
        for item, following in zip_longest(items, items[1:]):
            if calls is not None or not tests:
                for cache in self._caches:
                    cache.cache_clear()
            started = time.process_time()
            with calls or contextlib.nullcontext():
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return 1
            tests[item.nodeid] = _Test(time.process_time() - started, calls.names if calls else [])
        self._result.write_text(json.dumps(tests))
        return 0


def _all_codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield (constant.co_qualname, constant.co_firstlineno), constant
            yield from _all_codes(constant)


class Near:
    """The tests near a package, collected once."""

    def __init__(self, copy: Path, package: str, mutants: Sequence[Mutant]) -> None:
        self._copy = copy
        self._arguments = NEAR[package]
        self._pipe, theirs = Pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                _print_to(copy / "server.log")
                _pytest(copy, self._arguments, _Server(copy, mutants, theirs))
            finally:
                os._exit(0)
        theirs.close()
        if self._pipe.recv() != 0:
            raise SystemExit("the tests fail without a mutant: " + (copy / "server.log").read_text()[-3000:])

    def notice(self, number: int) -> bool | None:
        """Whether the quick ones fail for a mutant; None where it must be imported anew."""
        self._pipe.send(number)
        status = self._pipe.recv()
        return None if status is None else status != 0

    def close(self) -> None:
        """End the process that has them."""
        self._pipe.send(None)
        os.waitpid(self._process, 0)


class Tester:
    """Tries the mutants of one package one after the other, in a copy of the repository."""

    def __init__(self, copy: Path, package: str, mutants: Sequence[Mutant], *, near_only: bool) -> None:
        self._copy = copy
        self._mutants = mutants
        self._near_tests = NEAR[package]
        self._near = Near(copy, package, mutants)
        self._near_only = near_only

    def survives(self, number: int) -> bool:
        """Whether no test notices a mutant."""
        noticed = self._near.notice(number)
        if noticed is None:
            noticed = self._fails(self._mutants[number], self._near_tests, _Quick(self._copy / "known.json"))
        return not noticed and (self._near_only or not self._fails(self._mutants[number], ["tests"]))

    def _fails(self, mutant: Mutant, arguments: Sequence[str], *plugins: object) -> bool:
        """Whether the tests fail where the mutant stands in the source."""
        file = self._copy / mutant.path
        faultless = file.read_text()
        for stale in file.parent.glob(f"__pycache__/{file.stem}.*"):
            stale.unlink()
        file.write_text(mutant.source())
        sys.dont_write_bytecode = True
        log = self._copy / "tests.log"
        status = _in_fork(lambda: _pytest(self._copy, arguments, *plugins), log, LONGEST)
        file.write_text(faultless)
        if status >= BAD_EXIT:
            raise SystemExit(f"pytest cannot run: {log.read_text()[-3000:]}")
        return status != 0

    def close(self) -> None:
        """End what it has started."""
        self._near.close()


def _package(mutant: Mutant) -> str:
    return Path(mutant.path).parts[1]


def drawn(packages: Sequence[str], sample: int, seed: int) -> list[Mutant]:
    """So many of the packages' mutants, always the same for a seed and a source; all where there are no more."""
    files = sorted(file for package in packages for file in (ROOT / "archlab" / package).rglob("*.py"))
    every = [mutant for file in files for mutant in mutants(str(file.relative_to(ROOT)), file.read_text())]
    chosen = random.Random(seed).sample(every, min(sample, len(every)))
    return sorted(chosen, key=lambda mutant: (mutant.path, mutant.line, mutant.key))


def named(keys: Iterable[str]) -> list[Mutant]:
    """The mutants of these keys."""
    wanted = set(keys)
    files = sorted({key.split(" | ")[0] for key in wanted})
    every = [mutant for file in files for mutant in mutants(file, (ROOT / file).read_text())]
    return [mutant for mutant in every if mutant.key in wanted]


def known_equivalents() -> dict[str, str]:
    """Keys of mutants that no test can notice, and why."""
    found: dict[str, str] = {}
    key = ""
    for line in KNOWN.read_text().splitlines():
        if line.startswith("archlab/"):
            key = line
        elif line.startswith("    "):
            found[key] = line.strip()
    return found


def _copied(root: Path, folder: Path) -> Path:
    copy = folder / "archlab"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis"))
    return copy


def fates(root: Path, chosen: Sequence[Mutant], *, near_only: bool) -> Iterator[tuple[Mutant, str]]:
    """Each mutant, and whether it is `killed`, `justified` (known to change nothing) or `survived`."""
    reasons = known_equivalents()
    for package in NEAR:
        of_package = [mutant for mutant in chosen if _package(mutant) == package]
        if not of_package:
            continue
        with tempfile.TemporaryDirectory() as folder:
            tester = Tester(_copied(root, Path(folder)), package, of_package, near_only=near_only)
            for number, mutant in enumerate(of_package):
                if mutant.key in reasons:
                    yield mutant, "justified"
                else:
                    yield mutant, "survived" if tester.survives(number) else "killed"
            tester.close()


def _warm_up() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    for module in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate]
    )
    settings.load_profile("mutants")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="How many small faults do tests notice?"
    )
    parser.add_argument("--sample", type=int, default=300, help="how many mutants to draw (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--package", choices=PACKAGES, action="append", help="of one package only; may be repeated")
    parser.add_argument(
        "--keys", type=Path, help="not a sample but the mutants that a file names, as survivors are printed"
    )
    parser.add_argument("--near", action="store_true", help="run the tests near each module only")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants and print the survivors. Exit status 1 where a survivor has no reason."""
    options = _arguments(arguments)
    if options.keys:
        chosen = named(options.keys.read_text().splitlines())
    else:
        chosen = drawn(options.package or PACKAGES, options.sample, options.seed)
    _warm_up()
    count: Counter[tuple[str, str]] = Counter()
    for mutant, fate in fates(ROOT, chosen, near_only=options.near):
        count[_package(mutant), fate] += 1
        print(f"{sum(count.values())} of {len(chosen)}", end="\r", file=sys.stderr, flush=True)
        if fate == "survived":
            print(f"# line {mutant.line}\n{mutant.key}", flush=True)
    for package in PACKAGES:
        parts = {fate: count[package, fate] for fate in ("killed", "justified", "survived")}
        made = sum(parts.values())
        if made:
            share = (made - parts["survived"]) / made
            print(
                f"# {package}: {made} mutants, "
                + ", ".join(f"{n} {fate}" for fate, n in parts.items())
                + f": {share:.1%}"
            )
    return int(any(fate == "survived" for _, fate in count))


if __name__ == "__main__":
    sys.exit(main())
