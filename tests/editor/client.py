"""A small client of the Language Server Protocol, over a server's standard streams."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

Message = dict[str, Any]
PATIENCE = 60.0
"""Seconds: the machines are slow now and then."""


class Client:
    """A running server.

    Attributes:
        transcript: what went to and fro, in a line each.
    """

    def __init__(self, command: list[str], folder: Path, settings: Message) -> None:
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._settings = settings
        self._arrived: Queue[Message] = Queue()
        self._diagnostics: dict[str, list[Message]] = {}
        self._errors: list[str] = []
        self._number = 0
        self.transcript: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        capabilities = {
            "textDocument": {"publishDiagnostics": {}, "hover": {"contentFormat": ["markdown"]}},
            "workspace": {"configuration": True},
        }
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": settings})

    def open(self, path: Path, text: str) -> str:
        """Open a document; its address."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._diagnostics.pop(path.as_uri(), None)
        self.tell("textDocument/didOpen", {"textDocument": document})
        return path.as_uri()

    def diagnostics(self, uri: str) -> list[Message]:
        """The red marks of a document, once the server has sent them."""
        self._until(lambda: uri in self._diagnostics)
        return self._diagnostics[uri]

    def next_diagnostics(self, uri: str) -> list[Message]:
        """The red marks that the server sends from here on."""
        self._diagnostics.pop(uri, None)
        return self.diagnostics(uri)

    def error(self, method: str, params: Message) -> str:
        """What the server says against it."""
        self.ask(method, params)
        return self._errors.pop()

    def at(self, method: str, uri: str, line: int, column: int) -> Any:
        """Ask about a position, counted from 0."""
        return self.ask(method, {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}})

    def ask(self, method: str, params: Message) -> Any:
        """The server's answer."""
        self._number += 1
        number = self._number
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        answers: dict[int, Any] = {}
        self._until(lambda: number in answers, answers)
        return answers[number]

    def tell(self, method: str, params: Message) -> None:
        """Say something that has no answer."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def end(self) -> int:
        """End the server as the protocol wants it; its exit status."""
        self.ask("shutdown", {})
        self.tell("exit", {})
        return self._server.wait(timeout=PATIENCE)

    def close(self) -> None:
        """End the server."""
        self._server.kill()
        self._reader.join()
        self._server.communicate()

    def _until(self, done: Callable[[], bool], answers: dict[int, Any] | None = None) -> None:
        while not done():
            try:
                message = self._arrived.get(timeout=PATIENCE)
            except Empty:
                raise TimeoutError("\n".join(self.transcript)) from None
            self._handle(message, answers if answers is not None else {})

    def _handle(self, message: Message, answers: dict[int, Any]) -> None:
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method == "workspace/configuration":
            found = [self._settings.get(item.get("section", ""), {}) for item in message["params"]["items"]]
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": found})
        elif method is not None and "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif method is None:
            answers[message["id"]] = message.get("result")
            self._errors += [message["error"]["message"]] if "error" in message else []

    def _send(self, message: Message) -> None:
        body = json.dumps(message).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()
        self.transcript.append(f"> {message.get('method', 'answer')}")

    def _read(self) -> None:
        stream = self._server.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            message = json.loads(stream.read(length))
            self.transcript.append(f"< {message.get('method', 'answer')}")
            self._arrived.put(message)
