"""The local server, spoken to over real sockets: its page, its calls, and everything that it must refuse."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archlab.studio.host.edited import Edited
from archlab.studio.host.guard import MOST_BODY, TOKEN
from archlab.studio.host.server import Studio
from tests.command import run

NET = "archlab: 1\nname: net\ninput: [3, 8, 8]\nlayers:\n  - {type: conv2d, out_channels: 4, kernel_size: 3}\n"
SECRET = "the secret beside the page"  # noqa: S105 - none


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def made_page(folder: Path) -> Path:
    """A built page with a secret beside it, and links that lead to that."""
    page = folder / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>studio</title>")
    (page / "assets" / "index.js").write_text("0")
    (page / "assets" / "notes.exe").write_text(SECRET)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "a.txt").write_text(SECRET)
    (page / "link.txt").symlink_to(folder / "secret.txt")
    (page / "linked").symlink_to(folder / "secrets")
    return page


@contextmanager
def serving(folder: Path, file: Path | None = None, **options: Any) -> Iterator[Studio]:
    studio = Studio(made_page(folder), None if file is None else Edited(file), **options)
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield studio
    finally:
        studio.shutdown()
        studio.server_close()
        thread.join()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One without a file, for all that changes nothing."""
    with serving(tmp_path_factory.mktemp("studio")) as found:
        yield found


def exchanged(
    studio: Studio, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """What the server says to a request with these headers, and no others but `Host` and the body's length."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=60)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        own = {"Host": f"127.0.0.1:{studio.server_port}"}
        own |= {} if body is None else {"Content-Length": str(len(body))}
        for name, value in {**own, **(headers or {})}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def called(studio: Studio, call: str, request: object, **headers: str) -> Reply:
    own = {"Content-Type": "application/json", TOKEN: studio.guard.token}
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchanged(studio, "POST", f"/api/{call}", json.dumps(request).encode(), {**own, **spelled})


def raw(studio: Studio, request: bytes) -> bytes:
    """Everything that the server says to bytes as they are."""
    with socket.create_connection(("127.0.0.1", studio.server_port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def test_a_call_of_its_own_page_is_answered(studio: Studio) -> None:
    own = f"http://127.0.0.1:{studio.server_port}"
    found = called(studio, "check", {"text": NET}, Origin=own, Sec_Fetch_Site="same-origin")
    assert found.status == 200
    totals = {row["key"]: row["value"] for row in found.told["totals"]}
    assert totals["params"] == 4 * (3 * 9 + 1)
    local = {"Host": f"localhost:{studio.server_port}", "Origin": f"http://localhost:{studio.server_port}"}
    assert called(studio, "hello", {}, **local).status == 200


def test_every_answer_forbids_what_a_page_need_not_do(studio: Studio) -> None:
    replies = [
        exchanged(studio, "GET", "/"),
        exchanged(studio, "HEAD", "/assets/index.js"),
        exchanged(studio, "GET", "/none"),
        exchanged(studio, "GET", "/", headers={"Host": "evil.example"}),
        called(studio, "hello", {}),
        called(studio, "hello", {}, **{TOKEN: "x"}),
        exchanged(studio, "BREW", "/"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 404, 403, 200, 401, 405]
    for reply in replies:
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy.replace("'wasm-unsafe-eval'", "")
        assert "http" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
        assert sys.version.split()[0] not in reply.headers["Server"]
    assert replies[1].body == b""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "evil.example:{port}", "127.0.0.1.evil.example:{port}",
     "0.0.0.0:{port}", "[::1]:{port}", "127.0.0.1:{port}@evil.example", ""],
)  # fmt: skip
def test_another_host_is_refused(studio: Studio, host: str) -> None:
    """As where a name of someone else leads to 127.0.0.1 (DNS rebinding)."""
    headers = {"Host": host.format(port=studio.server_port)}
    assert exchanged(studio, "GET", "/", headers=headers).status in (400, 403)
    found = called(studio, "check", {"text": NET}, **headers)
    assert found.status in (400, 403)
    assert b"totals" not in found.body


def test_two_hosts_are_refused(studio: Studio) -> None:
    own = f"Host: 127.0.0.1:{studio.server_port}\r\n".encode()
    assert b" 200 " in raw(studio, b"GET / HTTP/1.1\r\n" + own + b"\r\n").splitlines()[0]
    assert b" 403 " in raw(studio, b"GET / HTTP/1.1\r\n" + own + b"Host: evil.example\r\n\r\n").splitlines()[0]
    assert b" 403 " in raw(studio, b"GET / HTTP/1.0\r\n\r\n").splitlines()[0]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:1",
     "http://localhost:{port}.evil.example", "http://evil.example:{port}", "file://"],
)  # fmt: skip
def test_another_origin_is_refused(studio: Studio, origin: str) -> None:
    found = called(studio, "check", {"text": NET}, Origin=origin.format(port=studio.server_port))
    assert found.status == 403
    assert found.told == {"error": "this server answers to its own page only"}
    assert exchanged(studio, "GET", "/", headers={"Origin": "http://evil.example"}).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_a_browser_says_is_of_another_site_is_refused(studio: Studio, site: str) -> None:
    assert called(studio, "hello", {}, Sec_Fetch_Site=site).status == 403
    assert exchanged(studio, "GET", "/", headers={"Sec-Fetch-Site": site}).status == 403
    assert exchanged(studio, "GET", "/", headers={"Sec-Fetch-Site": "none"}).status == 200
    opened = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert exchanged(studio, "GET", "/", headers=opened).status == 200  # by a link in a notebook's terminal
    for name, value in (("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Mode", "no-cors")):
        assert exchanged(studio, "GET", "/", headers={**opened, name: value}).status == 403
    spelled = {name.replace("-", "_"): value for name, value in opened.items()}
    assert called(studio, "hello", {}, **spelled).status == 403


@pytest.mark.parametrize("token", ["", "x", "{token}x", "{half}", "Bearer {token}", "\xff"])
def test_another_token_is_refused(studio: Studio, token: str) -> None:
    own = studio.guard.token
    found = called(studio, "check", {"text": NET}, **{TOKEN: token.format(token=own, half=own[:-1])})
    assert found.status == 401
    assert own not in found.body.decode()
    assert len(own) >= 43  # 32 bytes


def test_a_token_is_not_taken_from_the_address(studio: Studio) -> None:
    found = exchanged(
        studio, "POST", f"/api/hello?token={studio.guard.token}", b"{}", {"Content-Type": "application/json"}
    )
    assert found.status == 401


def test_each_start_has_another_token(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with serving(tmp_path / "one") as one, serving(tmp_path / "two") as two:
        assert one.guard.token != two.guard.token
        assert one.server_address[0] == two.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_a_call_is_a_post(studio: Studio, method: str) -> None:
    headers = {"Content-Type": "application/json", TOKEN: studio.guard.token}
    assert exchanged(studio, method, "/api/hello", headers=headers).status == 405


def test_a_page_is_not_posted_to(studio: Studio) -> None:
    headers = {"Content-Type": "application/json", TOKEN: studio.guard.token}
    assert exchanged(studio, "POST", "/", b"{}", headers).status == 405
    assert exchanged(studio, "POST", "/other", b"{}", headers).status == 404


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
def test_a_call_is_json_by_its_type(studio: Studio, kind: str) -> None:
    """Other types are those that a page of another site may send without asking."""
    assert called(studio, "hello", {}, Content_Type=kind).status == 415
    assert called(studio, "hello", {}, Content_Type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nothing", b"\xff\xfe", b"[" * 100_000, b'{"text": "\x00"}', '{"text": ""}'.encode("utf-16")]
)
def test_what_is_no_json_is_refused(studio: Studio, body: bytes) -> None:
    headers = {"Content-Type": "application/json", TOKEN: studio.guard.token}
    for call in ("check", "hello", "save"):
        found = exchanged(studio, "POST", f"/api/{call}", body, headers)
        assert found.status == 400 or "error" in found.told, call


@pytest.mark.parametrize(
    "request_", [[], 3, None, "x", {"text": 3}, {"text": "", "more": 1}, {}, {"text": float("nan")}]
)
def test_another_form_has_an_error_in_words(studio: Studio, request_: object) -> None:
    found = called(studio, "check", request_)
    assert found.status == 200
    assert found.told["error"].startswith(("check", "the request"))
    assert "Traceback" not in found.told["error"]


def test_lines_in_a_request_are_no_second_request(studio: Studio) -> None:
    body = b'{"text":\r\n"archlab: 1",\n"variant": ""}'
    headers = {"Content-Type": "application/json", TOKEN: studio.guard.token}
    assert exchanged(studio, "POST", "/api/check", body, headers).told["problems"]
    assert called(studio, "check", {"text": NET}).told["name"] == "net"


def test_a_body_that_is_too_long_is_not_read(studio: Studio) -> None:
    own = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1:{studio.server_port}\r\n{TOKEN}: {studio.guard.token}\r\n"
    own += "Content-Type: application/json\r\n"
    for length in (str(MOST_BODY + 1), "9" * 40):
        status = raw(studio, f"{own}Content-Length: {length}\r\n\r\n".encode()).splitlines()[0]
        assert b" 413 " in status or b" 411 " in status
    for length in ("-1", "x", "1, 1", "0x10", "\xb2"):
        assert b" 411 " in raw(studio, f"{own}Content-Length: {length}\r\n\r\n{{}}".encode("latin-1")).splitlines()[0]
    assert b" 411 " in raw(studio, f"{own}\r\n{{}}".encode()).splitlines()[0]
    assert b" 411 " in raw(studio, f"{own}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}".encode()).splitlines()[0]


def test_chunks_are_refused(studio: Studio) -> None:
    """One length and no other, so that nothing behind it is taken for a request."""
    own = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1:{studio.server_port}\r\n{TOKEN}: {studio.guard.token}\r\n"
    own += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    for length in ("", "Content-Length: 2\r\n"):
        said = raw(studio, f"{own}{length}\r\n2\r\n{{}}\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode())
        assert b" 411 " in said.splitlines()[0]
        assert said.count(b"HTTP/1.1 ") == 1


def test_a_body_that_breaks_off_is_no_call(studio: Studio) -> None:
    own = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1:{studio.server_port}\r\n{TOKEN}: {studio.guard.token}\r\n"
    assert raw(studio, f"{own}Content-Type: application/json\r\nContent-Length: 90\r\n\r\n{{}}".encode()) == b""
    assert called(studio, "hello", {}).status == 200


@pytest.mark.parametrize(
    "line",
    [b"nothing\r\n\r\n", b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70_000 + b"\r\n"],
)
def test_what_is_no_http_is_refused(studio: Studio, line: bytes) -> None:
    assert SECRET.encode() not in raw(studio, line)
    assert exchanged(studio, "GET", "/").status == 200


@pytest.mark.parametrize(
    "target",
    [
        *("/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"),
        *("/..\\secret.txt", "/..%5csecret.txt", "/%252e%252e/secret.txt", "/%2e%2e%2fsecret.txt"),
        *("//etc/passwd", "/etc/passwd", "/%2fetc/passwd", "/%c0%ae%c0%ae/secret.txt", "/%ff", "index.html", "*"),
        *("/link.txt", "/linked/a.txt", "/assets/notes.exe", "/index.html%00.txt", "/index.html\x01"),
        *("/assets", "/assets/", "/./index.html", "/assets/./index.js"),
        *("http://127.0.0.1/../secret.txt", "file:///etc/passwd", "/C:/windows/win.ini", "/~root/.bashrc", "/.env"),
    ],
)
def test_only_files_that_the_build_has_made_are_there(studio: Studio, target: str) -> None:
    own = f"Host: 127.0.0.1:{studio.server_port}\r\n\r\n"
    said = raw(studio, f"GET {target} HTTP/1.1\r\n{own}".encode("latin-1"))
    assert SECRET.encode() not in said
    assert b"root:" not in said
    assert said.split(None, 2)[1] in (b"404", b"400"), said[:80]


def test_the_files_of_the_page(studio: Studio) -> None:
    for target in ("/", "/index.html", "//index.html", "/?token=x", "/index.html?x#y"):
        found = exchanged(studio, "GET", target)
        assert (found.status, found.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    script = exchanged(studio, "GET", "/assets/index.js")
    assert (script.body, script.headers["Content-Type"]) == (b"0", "text/javascript; charset=utf-8")
    assert exchanged(studio, "GET", "/host.json").told == {"kind": "http"}


def test_a_file_is_read_and_saved_in_its_own_form(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_bytes(b"\xef\xbb\xbf" + NET.replace("\n", "\r\n").encode())
    net.chmod(0o640)
    with serving(tmp_path, net) as studio:
        opened = called(studio, "hello", {}).told
        assert (opened["text"], opened["file"], opened["writable"]) == (NET, str(net), True)
        saved = called(studio, "save", {"text": NET + "# \u00e4\n", "revision": opened["revision"]}).told
        assert saved["saved"]
        assert net.read_bytes() == b"\xef\xbb\xbf" + (NET + "# \u00e4\n").replace("\n", "\r\n").encode()
        assert net.stat().st_mode & 0o777 == 0o640
        again = called(studio, "hello", {}).told
        assert again["revision"] == saved["revision"] != opened["revision"]
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["net.yaml", "secret.txt"]


def test_what_others_have_written_is_not_written_over(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(NET)
    with serving(tmp_path, net) as studio:
        revision = called(studio, "hello", {}).told["revision"]
        net.write_text("mine\n")
        refused = called(studio, "save", {"text": NET, "revision": revision}).told
        assert refused["changed"]
        assert "is left as it is" in refused["error"]
        assert net.read_text() == "mine\n"
        net.unlink()
        assert called(studio, "save", {"text": NET, "revision": revision}).told["changed"]
        assert not net.exists()
        assert "error" in called(studio, "hello", {}).told
        net.write_text(NET)
        assert called(studio, "save", {"text": "", "revision": revision}).told["saved"]
        assert net.read_text() == ""


def test_nothing_else_is_saved_to(tmp_path: Path) -> None:
    net, other = tmp_path / "net.yaml", tmp_path / "other.yaml"
    net.write_text(NET)
    other.write_text("other\n")
    with serving(tmp_path, net) as studio:
        revision = called(studio, "hello", {}).told["revision"]
        asked = {"text": "x", "revision": revision}
        for more in ({"file": str(other)}, {"path": str(other)}, {"text": 3}, {"revision": None}):
            assert "error" in called(studio, "save", {**asked, **more}).told
        assert "error" in called(studio, "save", {"text": "x"}).told
        assert "error" in called(studio, "save", {**asked, "text": "x" * 1_000_001}).told
        assert called(studio, "save", asked, Origin="http://evil.example").status == 403
        assert called(studio, "save", asked, **{TOKEN: "x"}).status == 401
        assert (net.read_text(), other.read_text()) == (NET, "other\n")
        net.unlink()
        net.symlink_to(other)  # a link that was put in its place leads to what was never read
        assert called(studio, "save", asked).told["changed"]
        assert other.read_text() == "other\n"


def test_without_a_file_nothing_is_saved(studio: Studio) -> None:
    assert called(studio, "hello", {}).told["writable"] is False
    assert "there is no file" in called(studio, "save", {"text": "", "revision": ""}).told["error"]


@pytest.mark.skipif(os.getuid() == 0, reason="a superuser writes everywhere")
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(NET)
    net.chmod(0o400)
    with serving(tmp_path, net) as studio:
        revision = called(studio, "hello", {}).told["revision"]
        assert "cannot write" in called(studio, "save", {"text": "x", "revision": revision}).told["error"]


def test_configs_beside_the_file_may_be_extended_and_others_not(tmp_path: Path) -> None:
    inside = tmp_path / "nets"
    inside.mkdir()
    (inside / "base.yaml").write_text(NET)
    (tmp_path / "outside.yaml").write_text(NET.replace("net", SECRET))
    net = inside / "net.yaml"
    net.write_text("extends: base.yaml\n")
    with serving(tmp_path, net) as studio:
        before = called(studio, "check", {"text": "extends: base.yaml\n"}).told
        assert before["ok"]
        (inside / "base.yaml").write_text(NET.replace("out_channels: 4", "out_channels: 8"))
        after = called(studio, "check", {"text": "extends: base.yaml\n"}).told
        assert [one["totals"][0]["value"] for one in (before, after)] == [112, 224]
        refused = called(studio, "check", {"text": "extends: ../outside.yaml\n"})
        assert not refused.told["ok"]
        assert SECRET.encode() not in refused.body
    (tmp_path / "more").mkdir()
    with serving(tmp_path / "more") as studio:  # no file: presets alone
        assert not called(studio, "check", {"text": "extends: base.yaml\n"}).told["ok"]
        assert called(studio, "check", {"text": "extends: resnet18\n"}).told["ok"]


SLOW = "input: [3, 64, 64]\nlayers: [{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, repeat: 30000}]\n"


def test_what_nobody_waits_for_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the page can stop: the next question does not wait for the one that was given up."""
    monkeypatch.setattr("archlab.studio.host.process.LOOK", 0.05)
    with serving(tmp_path) as studio:
        studio.answering.start()
        process = studio.answering._process
        assert process is not None
        body = json.dumps({"text": SLOW, "validate": True}).encode()
        own = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1:{studio.server_port}\r\n{TOKEN}: {studio.guard.token}\r\n"
        own += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", studio.server_port)) as connection:
            connection.sendall(own.encode() + body)
        assert process.wait(25) < 0
        assert called(studio, "check", {"text": NET}).told["ok"]


def test_a_question_that_takes_too_long_is_ended_and_the_next_one_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path, limit=0.3) as studio:
        found = called(studio, "check", {"text": SLOW})
        assert found.status == 504
        assert found.told["error"] == "that took more than 0.3 seconds and was ended; make the network smaller"
        assert studio.answering._process is None
        studio.answering.limit = 60
        assert called(studio, "check", {"text": NET}).told["ok"]
        process = studio.answering._process
        assert process is not None
        process.kill()
        process.wait()
        assert called(studio, "check", {"text": NET}).told["ok"]
    assert process.poll() is not None


def test_many_connections_at_once_do_not_lock_anyone_out(studio: Studio) -> None:
    idle = [socket.create_connection(("127.0.0.1", studio.server_port)) for _ in range(80)]
    for connection in idle:
        connection.close()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert exchanged(studio, "GET", "/").status == 200
            break
        except (ConnectionError, http.client.HTTPException):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`archlab studio` in a process of its own."""
    code = "import signal, sys; from pathlib import Path\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which a program behind `&` does not have
    code += "from archlab.studio import built; from archlab.__main__ import entry\n"
    code += "built.PAGE = Path(sys.argv.pop(1)); sys.exit(entry())"
    command = [sys.executable, "-c", code, str(made_page(folder)), "studio", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_program_prints_its_address_alone_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(NET)
    with program(tmp_path, "net.yaml", "--no-browser") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        port = int(url.split(":")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", url.partition(str(port))[2])
        assert connection.getresponse().status == 200
        connection.close()
        with socket.socket() as outside:  # nobody else listens there, on any address of this machine
            outside.settimeout(1)
            assert outside.connect_ex(("127.0.0.2", port)) != 0
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Exit status and errors of `archlab studio`, in this process, where it must not come to serve."""

    def serve(_studio: Studio) -> None:
        raise AssertionError("it serves")

    def called(*arguments: str, page: bool = True) -> tuple[int, str]:
        monkeypatch.setattr("archlab.studio.built.PAGE", made_page(tmp_path) if page else tmp_path / "none")
        status, out, err = run(capsys, "studio", *arguments, "--no-browser")
        assert out == ""
        return status, err

    monkeypatch.setattr(Studio, "serve_forever", serve)
    monkeypatch.chdir(tmp_path)
    return called


def test_who_lacks_the_page_is_told_what_to_run(refused: Callable[..., tuple[int, str]]) -> None:
    status, err = refused(page=False)
    assert status == 1
    assert "run: npm ci --prefix" in err or "without the studio's page" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.yaml"], "there is no file missing.yaml"),
        (["no_such_preset"], "there is no preset 'no_such_preset'"),
        (["."], "there is no preset '.'"),
        (["--port", "70000"], "must be a number from 0 to 65535"),
        (["--port", "1"], "cannot listen at port 1"),
    ],
)
def test_what_cannot_be_opened_is_told(
    refused: Callable[..., tuple[int, str]], arguments: list[str], words: str
) -> None:
    if arguments[-1] == "1" and os.getuid() == 0:
        pytest.skip("a superuser may listen anywhere")
    status, err = refused(*arguments)
    assert status in (1, 2)
    assert words in err


def test_a_port_that_is_taken_is_told(tmp_path: Path, studio: Studio) -> None:
    with program(tmp_path, "--port", str(studio.server_port), "--no-browser") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert f"cannot listen at port {studio.server_port}: " in err


def test_a_preset_is_opened_without_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with serving(tmp_path / "a", start={"text": NET, "variant": "v"}) as studio:
        opened = called(studio, "hello", {}).told
    assert opened["variant"] == "v"
    assert opened["variant"] == "v"
    assert (opened["text"], opened["file"], opened["writable"], opened["revision"]) == (NET, None, False, None)


def test_plain_commands_do_not_import_the_studio(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "studio", "--help")[0] == 0
    code = "import sys; from archlab.cli.main import main; main(['analyze', 'resnet18', '--format', 'csv'])\n"
    code += "print([name for name in sys.modules if 'studio' in name or name == 'http.server'], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
