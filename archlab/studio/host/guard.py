"""Who may ask the server, and how: everything is refused that did not come from its own page.

A page of any other site can send requests to 127.0.0.1, too. It does not know the token; its browser names it as the
origin; and where a name that it owns leads to 127.0.0.1 (DNS rebinding), that name stands in `Host`.
"""

from __future__ import annotations

import hmac
from email.message import Message
from typing import NamedTuple

MOST_BODY = 8_000_000
"""Bytes of a request: a text in JSON, each character as much as six bytes, and another beside it."""
TOKEN = "X-Archlab-Token"  # noqa: S105 - the header's name

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer."""


class Refusal(NamedTuple):
    """Why a request is not answered.

    Attributes:
        status: of HTTP.
        words: for people.
    """

    status: int
    words: str


class Guard:
    """Knows the token and the server's own names.

    Attributes:
        token: that the page was opened with.
    """

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self._hosts = frozenset((f"127.0.0.1:{port}", f"localhost:{port}"))
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    def refusal(self, headers: Message) -> Refusal | None:
        """Why no request with these headers is answered, whatever it asks for; None where it may be."""
        hosts = headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].strip().lower() not in self._hosts:
            return Refusal(403, "this server answers under its own address only")
        origins = headers.get_all("Origin", [])
        if any(origin.strip().lower() not in self._origins for origin in origins):
            return Refusal(403, "this server answers to its own page only")
        return None if _is_opened(headers) else _of_another_site(headers)

    def call_refusal(self, headers: Message) -> Refusal | None:
        """Why a call is not answered; the headers are those of a request that may be."""
        refusal = _of_another_site(headers)
        if refusal is not None:
            return refusal
        given = headers.get_all(TOKEN, [])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(errors="replace"), self.token.encode()):
            return Refusal(401, f"the header {TOKEN} must have the token that 'archlab studio' printed")
        kinds = headers.get_all("Content-Type", [])
        if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
            return Refusal(415, "a call is JSON: Content-Type: application/json")
        if headers.get_all("Transfer-Encoding") or headers.get_all("Content-Encoding"):
            return Refusal(411, "a call says how long it is (Content-Length), and comes as it is")
        lengths = headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()) or len(lengths[0]) > 12:
            return Refusal(411, "a call says how long it is (Content-Length)")
        if int(lengths[0]) > MOST_BODY:
            return Refusal(413, f"a call has at most {MOST_BODY:,} bytes")
        return None


def _is_opened(headers: Message) -> bool:
    """Whether a person opens the page, be it by a link in a terminal that is a page itself."""
    kinds = [headers.get_all(name, []) for name in ("Sec-Fetch-Mode", "Sec-Fetch-Dest")]
    return kinds == [["navigate"], ["document"]]


def _of_another_site(headers: Message) -> Refusal | None:
    """Why a request is refused that a browser sends for another site, as browsers say it themselves."""
    sites = headers.get_all("Sec-Fetch-Site", [])
    if all(site.strip().lower() in ("same-origin", "none") for site in sites):
        return None
    return Refusal(403, "this server answers to its own page only")
