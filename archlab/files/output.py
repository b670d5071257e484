"""Writing results: a file is there whole or as it was, and never over what was read.

What is written goes to a hidden folder beside the file and from there into its place in one step. A process that is
killed leaves the old file, and that folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.files.inputs import input_at

IN_PLACE = ("dev", "proc")
"""Top folders whose names stand for something open: `/dev/stdout` may be a file that others have begun."""


def write_text(path: Path, text: str, *, newline: str | None = None, over_inputs: bool = False) -> None:
    """Write a text in UTF-8; see `replacing`."""
    with replacing(path, over_inputs=over_inputs) as made:
        made.write_text(text, encoding="utf-8", errors="replace", newline=newline)


@contextlib.contextmanager
def replacing(path: Path, *, over_inputs: bool = False) -> Iterator[Path]:
    """A path of the same name to write to; what is there in the end takes the file's place, with its permissions.

    Links are followed. Further files that are written beside it come along. Devices and pipes are written themselves.

    Args:
        path: the file.
        over_inputs: whether it may be what the command has read.

    Raises:
        ConfigError: if it is what the command has read.
        OSError: if it cannot be written.
    """
    read = None if over_inputs else input_at(path)
    if read is not None:
        message = f"{path} is an input" if str(path) == read else f"{path} is the input {read}"
        raise single_problem(f"{message}; write to another file", Code.OUTPUT_IS_INPUT)
    status = _status(path)
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not _is_replaceable(path, status):
        yield path
        return
    target = Path(os.path.realpath(path))
    if status is not None and not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    with TemporaryDirectory(prefix=".archlab-", dir=target.parent) as folder:
        made = Path(folder) / target.name
        yield made
        if status is not None:
            _take_permissions(made, status)
        for other in Path(folder).iterdir():
            if other != made:
                other.replace(target.parent / other.name)
        made.replace(target)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_replaceable(path: Path, status: os.stat_result | None) -> bool:
    """Whether the file is a plain one, in a folder that takes another."""
    if status is not None and not stat.S_ISREG(status.st_mode):
        return False
    absolute = path.absolute()
    if absolute.parts[1:2] and absolute.parts[1] in IN_PLACE:
        return False
    parent = Path(os.path.realpath(path)).parent
    return status is None or os.access(parent, os.W_OK)


def _take_permissions(made: Path, status: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):  # only a superuser gives files away
            os.chown(made, status.st_uid, status.st_gid)
    made.chmod(stat.S_IMODE(status.st_mode))
