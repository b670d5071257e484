"""Reading config files: regular files of bounded size, in UTF-8."""

from __future__ import annotations

import stat
from pathlib import Path

from archlab.config.syntax.limits import MAX_FILE_BYTES
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import single_problem
from archlab.files.inputs import read_stdin, remember
from archlab.files.states import seek
from archlab.files.unsaved import unsaved_text


def read_source(path: Path, *, shown_as: str | None = None, place: Place | None = None) -> Source:
    """The text of a config file.

    Args:
        path: the file.
        shown_as: its name in problems; the path by default.
        place: where the file was named, if in another config.

    Raises:
        ConfigError: if it is missing, not a regular file, too large or not UTF-8.
    """
    name = shown_as or str(path)
    seek(path)
    try:
        unsaved = unsaved_text(path)
        if unsaved is not None:
            return Source(name, bounded_text(unsaved, name, place), path.parent)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise single_problem(f"{name} is a folder, not a config file", Code.UNREADABLE, place)
        if not stat.S_ISREG(status.st_mode):
            raise single_problem(f"{name} is not a regular file", Code.UNREADABLE, place)
        if status.st_size > MAX_FILE_BYTES:
            raise single_problem(
                f"{name} has {status.st_size:,} bytes; a config may have {MAX_FILE_BYTES:,}", Code.TOO_LARGE, place
            )
        text = path.read_bytes().decode("utf-8-sig")
        remember(path)
    except FileNotFoundError:
        raise single_problem(f"there is no file {name}", Code.UNREADABLE, place) from None
    except UnicodeDecodeError as error:
        raise single_problem(f"{name} is not UTF-8 text (byte {error.start})", Code.UNREADABLE, place) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise single_problem(f"cannot read {name}: {reason}", Code.UNREADABLE, place) from None
    return Source(name, text, path.parent)


def bounded_text(text: str, name: str, place: Place | None = None) -> str:
    """A text that is in memory.

    Raises:
        ConfigError: if it is longer than a config's may be.
    """
    size = len(text.encode(errors="replace"))
    if size > MAX_FILE_BYTES:
        raise single_problem(f"{name} has {size:,} bytes; a config may have {MAX_FILE_BYTES:,}", Code.TOO_LARGE, place)
    return text


def read_stdin_source() -> Source:
    """The config on stdin; what it extends is looked for in the current folder.

    Raises:
        ConfigError: if there is none, or it is too large or not UTF-8.
    """
    try:
        content = read_stdin(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise single_problem(f"stdin has more than {MAX_FILE_BYTES:,} bytes, the most of a config", Code.TOO_LARGE)
        return Source("<stdin>", content.decode("utf-8-sig"), Path.cwd())
    except UnicodeDecodeError as error:
        raise single_problem(f"stdin is not UTF-8 text (byte {error.start})", Code.UNREADABLE) from None
    except OSError as error:
        raise single_problem(f"cannot read stdin: {error.strerror or error}", Code.UNREADABLE) from None
