"""The local server: the page's files, and its questions handed on to a process that answers them."""

from __future__ import annotations

import json
import secrets
import select
import socket
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError
from archlab.studio.answer import METHODS
from archlab.studio.host.edited import ChangedError, Edited
from archlab.studio.host.guard import HEADERS, Guard, Refusal
from archlab.studio.host.pages import Page, address, pages_in
from archlab.studio.host.process import LIMIT, Answering
from archlab.studio.positions import Row

API = "/api/"
HOST_FILE = "/host.json"
SILENT_AFTER = 60
"""Seconds after which a connection that says nothing is closed."""
MOST_CONNECTIONS = 32
"""That are served at one time."""
MOST_DRAINED = 1_000_000
"""Bytes of a refused request that are read all the same: who is cut off while sending does not read why."""
_NO_JSON = Refusal(400, "a call is JSON in UTF-8")


class Studio(ThreadingHTTPServer):
    """The server.

    Attributes:
        guard: who may ask.
        pages: the page's files, by their addresses.
        edited: the file; None for none.
        start: the text and the variant that the page begins with where there is no file; None for its own choice.
        answering: the process that answers.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # with the 5 of the base class, who opens many connections waits seconds for the next
    allow_reuse_address = sys.platform != "win32"  # there it would let another program share the port

    def __init__(
        self, folder: Path, edited: Edited | None, *, port: int = 0, start: Row | None = None, limit: float = LIMIT
    ) -> None:
        """Take the port.

        Args:
            folder: of the built page.
            edited: the file that is edited; None for none.
            port: to listen at; 0 for any that is free.
            start: the text and the variant that the page begins with where there is no file.
            limit: seconds of a question.

        Raises:
            OSError: if the port is taken.
        """
        self.pages = pages_in(folder)
        self.edited = edited
        self.start = start
        self.answering = Answering(None if edited is None else edited.path, limit)
        self._room = BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(("127.0.0.1", port), _Handler)
        self.guard = Guard(secrets.token_urlsafe(32), self.server_port)

    @property
    def url(self) -> str:
        """The page's address, with the token."""
        return f"http://127.0.0.1:{self.server_port}/?token={self.guard.token}"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether a connection is taken: not of many at once."""
        return super().verify_request(request, client_address) and self._room.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class' form
        """A connection that breaks off is no news; anything else is told in a line."""
        error = sys.exception()
        if not isinstance(error, OSError):
            sys.stderr.write(f"archlab studio: {type(error).__name__}: {error}\n")

    def server_close(self) -> None:
        """Give the port back, and end the process."""
        super().server_close()
        self.answering.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Studio
    server_version = "archlab"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = SILENT_AFTER
    _is_read = False
    """Whether the body of the request has been read."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Nothing: who reads a terminal wants to see what they ask for."""

    def do_GET(self) -> None:
        """A file of the page."""
        self._show(with_body=True)

    def do_HEAD(self) -> None:
        """Whether it is there."""
        self._show(with_body=False)

    def do_POST(self) -> None:
        """A call."""
        self._is_read = False
        refusal = self.server.guard.refusal(self.headers)
        if refusal is not None:
            return self._refuse(refusal)
        path = address(self.path)
        if path is None or not path.startswith(API):
            return self._refuse(Refusal(405 if path in self.server.pages else 404, "there is no such call"))
        refusal = self.server.guard.call_refusal(self.headers)
        if refusal is not None:
            return self._refuse(refusal)
        length = int(self.headers["Content-Length"])
        body, self._is_read = self.rfile.read(length), True
        if len(body) < length:
            self.close_connection = True
            return None
        return self._answer(path.removeprefix(API), body)

    def _show(self, *, with_body: bool) -> None:
        refusal = self.server.guard.refusal(self.headers)
        path = address(self.path)
        if refusal is None and path is not None and path.startswith(API):
            refusal = Refusal(405, "a call is a POST")
        if refusal is not None:
            return self._refuse(refusal)
        if path == HOST_FILE:
            return self._send(200, b'{"kind": "http"}', "application/json", with_body=with_body)
        page: Page | None = self.server.pages.get(path or "")
        if page is None:
            return self._refuse(Refusal(404, "there is no such file"))
        try:
            content = page.path.read_bytes()
        except OSError:
            return self._refuse(Refusal(404, "there is no such file"))
        return self._send(200, content, page.kind, with_body=with_body)

    def _answer(self, method: str, body: bytes) -> None:
        if method == "hello":
            return self._hello(body)
        if method == "save":
            return self._save(body)
        if method not in METHODS:
            return self._refuse(Refusal(404, f"there is no call '{printable(method)[:80]}'"))
        if not _is_json(body):
            return self._refuse(_NO_JSON)
        found = self.server.answering.ask(method, body, self._is_gone)
        return self._refuse(self._too_long()) if found is None else self._send(200, found, "application/json")

    def _is_gone(self) -> bool:
        """Whether who asked has closed the connection."""
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def _too_long(self) -> Refusal:
        limit = self.server.answering.limit
        return Refusal(504, f"that took more than {limit:g} seconds and was ended; make the network smaller")

    def _hello(self, body: bytes) -> None:
        if not _is_json(body):
            return self._refuse(_NO_JSON)
        found = self.server.answering.ask("hello", body, self._is_gone)
        if found is None:
            return self._refuse(self._too_long())
        told, edited = json.loads(found), self.server.edited
        if edited is None:
            return self._tell(200, {**told, **(self.server.start or {})})
        try:
            read = edited.read()
        except ConfigError as error:
            return self._tell(200, {**told, "file": edited.shown, "error": error.problems[0].message})
        own = {"file": edited.shown, "text": read.text, "revision": read.revision, "writable": True}
        return self._tell(200, {**told, **own})

    def _save(self, body: bytes) -> None:
        edited = self.server.edited
        if edited is None:
            return self._tell(200, {"error": "there is no file to save to; start 'archlab studio FILE.yaml'"})
        try:
            asked = _read_json(body)
        except ValueError:
            return self._refuse(_NO_JSON)
        if (
            not isinstance(asked, dict)
            or asked.keys() != {"text", "revision"}
            or not all(isinstance(value, str) for value in asked.values())
        ):
            return self._tell(200, {"error": "save needs 'text' and 'revision', and nothing else"})
        try:
            revision = edited.save(asked["text"], asked["revision"])
        except ChangedError:
            words = f"{edited.shown} was changed or removed since it was read, and is left as it is; read it again"
            return self._tell(200, {"error": words, "changed": True})
        except ConfigError as error:
            return self._tell(200, {"error": error.problems[0].message})
        except OSError as error:
            return self._tell(200, {"error": f"cannot write {edited.shown}: {error.strerror or error}"})
        return self._tell(200, {"saved": True, "file": edited.shown, "revision": revision})

    def _refuse(self, refusal: Refusal) -> None:
        """Say no; what else the connection holds is not looked at."""
        self.close_connection = True
        self._drain()
        self._tell(refusal.status, {"error": refusal.words})

    def _drain(self) -> None:
        """Read what is left of a short request."""
        length = self.headers.get("Content-Length", "")
        if not self._is_read and length.isascii() and length.isdigit() and len(length) < 8:
            with suppress(OSError):
                self.rfile.read(min(int(length), MOST_DRAINED))

    def _tell(self, status: int, told: dict[str, Any]) -> None:
        content = json.dumps(told, ensure_ascii=False).encode(errors="replace")
        self._send(status, content, "application/json", with_body=self.command != "HEAD")

    def _send(self, status: int, content: bytes, kind: str, *, with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: lines that are no HTTP, methods that nobody knows."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self._tell(405 if code == 501 else code, {"error": message or explain or "this is no request"})


def _read_json(body: bytes) -> Any:
    """What a body says, in UTF-8.

    Raises:
        ValueError: if it is no JSON.
    """
    try:
        return json.loads(body.decode())
    except RecursionError:
        raise ValueError("too deep") from None


def _is_json(body: bytes) -> bool:
    try:
        _read_json(body)
    except ValueError:
        return False
    return True
