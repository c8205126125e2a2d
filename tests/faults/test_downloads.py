"""A download that fails says why: by the real cause, with what can be done about it."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.core.errors import DataError
from bench.core.listener import SILENT
from bench.datasets.common import download
from bench.datasets.common.dataset import OfficialFile

CONTENT = b"the official content" * 100


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers in the way that the path names."""

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        way = self.path.rpartition("/")[2]
        if way in ("403", "503"):
            self.send_error(int(way))
            return
        content = {"right": CONTENT, "wrong": CONTENT[::-1], "short": CONTENT[:9]}.get(way)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content or CONTENT)))
        self.end_headers()
        if way == "endless":
            for _ in range(1000):
                self.wfile.write(CONTENT)
        elif way == "cut":
            self.wfile.write(CONTENT[:100])
        else:
            self.wfile.write(content or b"")


@contextmanager
def serving(wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.socket = wrap(server.socket)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as number:
        yield number


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


def fetch(*urls: str, folder: Path, size: int = len(CONTENT)) -> Path:
    file = OfficialFile(
        name="f.gz", urls=urls, md5=hashlib.md5(CONTENT).hexdigest(), size=size, accepts=()
    )
    return download.fetch(file, folder, subject="mnist", listener=SILENT)


@pytest.mark.parametrize(
    ("way", "said", "cure"),
    [
        ("403", "127.0.0.1 answers HTTP 403", "try again later"),
        ("503", "127.0.0.1 answers HTTP 503", "try again later"),
        ("wrong", "127.0.0.1 sends a file with a wrong checksum (2,000 bytes", "FRAMEBENCH_DATA"),
        ("short", "127.0.0.1 sends a file with a wrong checksum (9 bytes", "FRAMEBENCH_DATA"),
        ("cut", "127.0.0.1 ends the connection early", "connect to the internet"),
    ],
)
def test_a_server_s_fault_is_told(
    port: int, tmp_path: Path, way: str, said: str, cure: str
) -> None:
    with pytest.raises(DataError) as error:
        fetch(f"http://127.0.0.1:{port}/{way}", folder=tmp_path)
    assert said in str(error.value) and cure in str(error.value)
    assert not list(tmp_path.iterdir())


def test_no_more_is_received_than_the_file_has(port: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sends more than the file's 50 bytes"):
        fetch(f"http://127.0.0.1:{port}/right", folder=tmp_path, size=50)


@pytest.mark.parametrize(
    ("url", "said", "cure"),
    [
        ("http://nowhere.invalid/f", "is not found by its name (DNS: ", "connect to the internet"),
        ("http://127.0.0.1:9/f", "refuses the connection", "connect to the internet"),
    ],
)
def test_a_missing_network_is_told(tmp_path: Path, url: str, said: str, cure: str) -> None:
    with pytest.raises(DataError) as error:
        fetch(url, folder=tmp_path)
    assert said in str(error.value) and cure in str(error.value)


def test_a_silent_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", (0.2, 0.2))
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DataError, match=r"does not answer in time.*connect to the internet"),
    ):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/f", folder=tmp_path)


def test_a_proxy_that_is_down_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(DataError) as error:
        fetch("http://mirror.invalid/f", folder=tmp_path)
    assert "through the proxy, which refuses the connection" in str(error.value)
    assert "check HTTPS_PROXY" in str(error.value)


def test_a_refused_certificate_is_told_and_can_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a company's proxy that opens TLS with an authority of its own."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key)),
            *("-out", str(certificate), "-days", "3", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(lambda plain: context.wrap_socket(plain, server_side=True)) as port:
        url = f"https://localhost:{port}/right"
        with pytest.raises(DataError) as error:
            fetch(url, folder=tmp_path / "into")
        assert "shows a TLS certificate that is refused: self" in str(error.value)
        assert "set SSL_CERT_FILE or REQUESTS_CA_BUNDLE" in str(error.value)
        assert "connect to the internet" not in str(error.value)
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            with monkeypatch.context() as patched:
                patched.setenv(variable, str(certificate))
                assert fetch(url, folder=tmp_path / variable).read_bytes() == CONTENT
    with serving() as plain, pytest.raises(DataError, match="cannot be spoken to by TLS"):
        fetch(f"https://localhost:{plain}/right", folder=tmp_path / "into")


def test_a_full_disk_is_told(port: int) -> None:
    """By a folder in which no file can be made, even by root."""
    with pytest.raises(DataError, match=r"f\.gz cannot be written into /proc/self.*FRAMEBENCH"):
        fetch(f"http://127.0.0.1:{port}/right", folder=Path("/proc/self/framebench"))
