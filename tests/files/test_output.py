"""Files and streams: what is written is whole or as it was, and nothing is written over what was read."""

from __future__ import annotations

import io
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archlab.cli.main import main
from archlab.config.syntax import folders
from archlab.diagnostics.problem import ConfigError
from archlab.files.inputs import remember, remembered_inputs
from archlab.files.output import replacing, write_text
from tests.command import run

CONFIG = "input: [3, 16, 16]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3}]\n"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command with the shell's redirections."""
    return subprocess.run(["sh", "-c", command], text=True, capture_output=True, check=False, timeout=60)


# -- whole or as it was ---------------------------------------------------------------------------------------------


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from archlab.files.output import replacing\n"
        "with replacing(Path(sys.argv[1])) as made:\n"
        "    made.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as made:
        made.write_text("half" * (1 // 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    """No file of the process grows beyond two blocks."""
    path = tmp_path / "made.yaml"
    path.write_text("old")
    done = shell(f"ulimit -f 2; PYTHONDONTWRITEBYTECODE=1 {sys.executable} -m archlab expand resnet50 -o {path}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(("cannot write", "archlab: cannot write"))
    assert "Traceback" not in done.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process grows beyond 1,024 bytes meanwhile, and no byte code is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("build squeezenet1_1 -o", "made.pt"),
        ("compare alexnet -o", "made.xlsx"),
        ("analyze alexnet --figure memory --plot", "made.png"),
    ],
)
def test_a_full_disk_is_told_by_those_that_others_write_for(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, where what they write with is imported."""
    path = tmp_path / name
    path.write_text("old")
    with full_disk():
        status, out, err = run(capsys, *command.split(), str(path))
    assert (status, out) == (1, "")
    assert err.startswith(("cannot write", "archlab: cannot write"))
    assert "Traceback" not in err
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "result.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to("result.txt")
    write_text(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("")
    write_text(tmp_path / "new.txt", "new")
    assert (tmp_path / "new.txt").stat().st_mode == plain.stat().st_mode


def test_further_files_come_along(tmp_path: Path) -> None:
    """As ONNX's weights beside the file, which it finds by their name."""
    with replacing(tmp_path / "net.onnx") as made:
        made.write_text(made.name)
        made.with_name("net.onnx.data").write_text("weights")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "net.onnx": "net.onnx",
        "net.onnx.data": "weights",
    }


def test_pipes_and_devices_are_written_themselves(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert main(["expand", "alexnet", "-o", str(pipe)]) == 0
        assert reader.stdout is not None
        assert reader.stdout.read().startswith("archlab: 1\nname: alexnet\n")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    log = tmp_path / "log"
    log.touch()
    number = log.stat().st_ino
    shell(f"{sys.executable} -m archlab expand alexnet -o /dev/stdout > {log}")
    assert log.stat().st_ino == number  # others may have it open
    assert log.read_text().startswith("archlab: 1")


def test_folders_and_missing_folders_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for target, reason in ((tmp_path, "Is a directory"), (tmp_path / "no" / "x.yaml", "No such file or directory")):
        status, out, error = run(capsys, "expand", "alexnet", "-o", str(target))
        assert (status, out, error) == (1, "", f"archlab: cannot write {target}: {reason}\n")


# -- never over what was read ---------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that extends another."""
    (tmp_path / "base.yaml").write_text(CONFIG)
    path = tmp_path / "net.yaml"
    path.write_text("extends: base.yaml\n")
    return path


@pytest.mark.parametrize("name", ["net.yaml", "base.yaml", "symbolic.yaml", "hard.yaml"])
def test_no_input_is_written_over(name: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "symbolic.yaml").symlink_to("base.yaml")
    (config.parent / "hard.yaml").hardlink_to(config)
    before = {path: path.read_text() for path in config.parent.iterdir()}
    status, out, error = run(capsys, "expand", str(config), "-o", str(config.with_name(name)))
    assert (status, out) == (1, "")
    assert "write to another file  [output-is-input]" in error
    assert {path: path.read_text() for path in config.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        (["analyze", "--format", "json"], ".json"),
        (["compare", "--format", "csv"], ".csv"),
        (["memory", "--format", "json"], ".json"),
        (["receptive-field"], ".svg"),
        (["analyze"], ".xlsx"),
        (["diagram"], ".svg"),
        (["build"], ".py"),
        (["build"], ".pt"),
        (["build"], ".onnx"),
        (["analyze", "--figure", "memory", "--plot"], ".svg"),
    ],
)
def test_no_command_writes_over_its_input(
    command: list[str], suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link whose ending chooses the form leads to the config."""
    config = tmp_path / "net.yaml"
    config.write_text(CONFIG)
    link = tmp_path / f"link{suffix}"
    link.symlink_to(config)
    where = [str(link)] if command[-1] == "--plot" else ["-o", str(link)]
    status, _, error = run(capsys, *command, *where, str(config))
    assert status == 1
    assert f"{link} is the input {config}; write to another file" in error
    assert config.read_text() == CONFIG


def test_a_preset_and_a_device_are_inputs_too(capsys: pytest.CaptureFixture[str]) -> None:
    from archlab.analysis.time.device import FOLDER
    from archlab.config.tree.presets import preset_folder

    for path in (preset_folder() / "alexnet.yaml", FOLDER / "h100.yaml"):
        before = path.read_text()
        status, _, error = run(capsys, "compare", "alexnet", "--device", "h100", "--format", "json", "-o", str(path))
        assert status == 1
        assert "output-is-input" in error
        assert path.read_text() == before


def test_what_is_read_outside_of_a_command_is_no_input(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    with remembered_inputs():
        remember(path)
        with pytest.raises(ConfigError, match="is an input"), replacing(path):
            pass
        write_text(path, "formatted", over_inputs=True)
    write_text(path, "b")
    assert path.read_text() == "b"


# -- stdin ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config with a variant on stdin."""
    text = CONFIG.replace("4", "$width") + "params: {width: 4}\nvariants: {wide: {width: 8}}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.usefixtures("stdin")
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["analyze", "-"], "stdin: input 1x3x16x16"),
        (["analyze", "/dev/stdin"], "stdin: input 1x3x16x16"),
        (["analyze", "-@wide"], "224"),
        (["compare", "alexnet", "-"], "stdin"),
        (["compare", "--batch", "2", "-@wide"], "wide"),
        (["validate", "-"], "-: ok (2 networks)"),
        (["expand", "-"], "name: stdin"),
        (["fmt", "-"], "params: {width: 4}\nvariants: {wide: {width: 8}}\nlayers:"),
        (["diff", "alexnet", "-"], "alexnet"),
        (["diagram", "-"], "flowchart"),
        (["memory", "-"], "stdin"),
        (["time", "-"], "stdin"),
        (["explain", "-", "conv"], "conv2d"),
        (["receptive-field", "-"], "stdin"),
    ],
)
def test_a_dash_is_stdin(command: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = run(capsys, *command)
    assert (status, error) == (0, "")
    assert expected in out


@pytest.mark.usefixtures("stdin")
def test_stdin_in_a_built_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "build", "-", "-o", str(tmp_path / "net.py")) == (0, "", "")
    assert "nn.Conv2d(3, 4" in (tmp_path / "net.py").read_text()


@pytest.mark.parametrize("command", [["compare", "-", "-"], ["diff", "-", "-@wide"], ["validate", "-", "-"]])
def test_stdin_is_read_once(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = run(capsys, *command)
    assert (status, out) == (2, "")
    assert "'-' stands for stdin, which can be read only once" in error


def test_stdin_that_is_no_config(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for content, message in (
        (b"\xff", "stdin is not UTF-8 text (byte 0)"),
        (b"#" * 1_000_001, "stdin has more than 1,000,000 bytes"),
        (b"layers: [", "<stdin>:1:10:"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        status, out, error = run(capsys, "analyze", "-")
        assert (status, out) == (1, "")
        assert message in error
    monkeypatch.setattr(sys, "stdin", None)
    assert "cannot read stdin: stdin is closed" in run(capsys, "analyze", "-")[2]


# -- odd files and streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null", "pipe", "folder.yaml", "line.yaml", "long"])
def test_odd_files_are_told(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "line.yaml").write_text("name: " + "x" * 10_000_000)
    paths = [target] if target.startswith("/") else ["x" * 300, "x" * 300 + ".yaml", "x/" * 3000]
    if (tmp_path / target).exists() and not target.startswith("/"):
        paths = [str(tmp_path / target)]
    for path in paths:
        for command in ("analyze", "validate", "fmt"):
            if "/" not in path and command == "fmt":
                continue
            status, _, error = run(capsys, command, path)
            assert status == 1, (command, path)
            assert "Traceback" not in error


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("analyze alexnet >&-", 1, "archlab: cannot write the result: stdout is closed"),
        ("schema >/dev/full", 1, "archlab: cannot write the result: No space left on device"),
        ("analyze alexnet 2>&-", 0, ""),
        ("analyze alexnet <&-", 0, ""),
        ("schema | true", 0, ""),
    ],
)
def test_closed_and_full_streams(command: str, status: int, message: str) -> None:
    """`schema` writes more than a buffer or a pipe holds."""
    done = shell(f"{sys.executable} -m archlab {command}")
    assert (done.returncode, done.stderr.strip()) == (status, message)


def test_a_closed_stdout_is_no_fault_of_a_file(tmp_path: Path) -> None:
    """And the file does not become stdout."""
    command = f"{sys.executable} -m archlab schema -o {tmp_path / 'a.json'} >&-"
    done = shell(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.json").read_text().startswith("{")


@pytest.mark.parametrize(("module", "status"), [("argparse", -signal.SIGINT), ("pydantic", 130)])
def test_ctrl_c_while_importing_leaves_no_traceback(module: str, status: int) -> None:
    """What is imported to read the command line ends as any program does; what a command imports, as the command."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which a program behind `&` does not have
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from archlab.__main__ import entry\n"
        "sys.exit(entry())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", "alexnet"], text=True, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


# -- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_is_searched_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "deep/er/b.yml", ".git/c.yaml", "node_modules/d.yaml", "venv/lib/e.yaml", "f.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIG)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    found = [str(tmp_path / "a.yaml"), str(tmp_path / "deep/er/b.yml")]
    assert folders.configs_below(str(tmp_path)) == found
    assert folders.configs_below(str(tmp_path / "venv")) == [str(tmp_path / "venv/lib/e.yaml")]
    monkeypatch.setattr(folders, "MAX_FOLDER_ENTRIES", 5)
    status, out, error = run(capsys, "validate", str(tmp_path))
    assert (status, out) == (1, "")
    assert "holds more than 5 files; give the folder of the configs  [too-large]" in error
    monkeypatch.setattr(folders, "MAX_FOLDER_ENTRIES", 100)
    monkeypatch.setattr(folders, "MAX_CONFIGS", 1)
    assert "holds more than 1 .yaml files" in run(capsys, "validate", str(tmp_path))[2]
