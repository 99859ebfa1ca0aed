"""What is on the wire: encrypted and verified, through the proxy that is meant, redirected nowhere."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import tls

from llmcost.endpoint import ChatRequest, Completion, fetch
from llmcost.endpoint.client import Endpoint
from llmcost.endpoint.egress import Egress, egress
from llmcost.endpoint.proxy import proxy_shown
from llmcost.errors import ConfigError, EndpointError

PACKAGE = Path(__file__).parents[2] / "llmcost"
KEY = "sk-planted-0123456789abcdefghijklmnop"
PROMPT = "the secret plans of the castle"
VENDOR = "api.vendor.example"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.certificate(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1", VENDOR])


@pytest.fixture(scope="module")
def secure(pem: Path) -> Iterator[tls.Server]:
    with tls.serve(pem=pem) as server:
        yield server


def asked(url: str, times: int = 1, allowed: Egress | None = None) -> list[Completion]:
    async def job() -> list[Completion]:
        request = ChatRequest({"model": "m", "messages": [{"role": "user", "content": PROMPT}]})
        async with Endpoint(url, KEY, retries=0, timeout_s=5, egress=allowed or Egress()) as endpoint:
            return [await endpoint.complete(request) for _ in range(times)]

    return asyncio.run(job())


def test_a_certificate_that_nobody_trusts_is_refused_and_nothing_is_sent(secure: tls.Server) -> None:
    before = len(secure.seen)
    with pytest.raises(EndpointError, match="certificate is not valid here"):
        asked(f"https://localhost:{secure.port}/v1")
    with pytest.raises(EndpointError, match="cannot download"):
        fetch(f"https://localhost:{secure.port}/prices")
    assert len(secure.seen) == before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_one_that_SSL_CERT_FILE_names_is_trusted(  # noqa: N802  the variable is spelt so
    secure: tls.Server, pem: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    [found] = asked(f"https://{host}:{secure.port}/v1")
    assert found.status == "answered" and secure.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    assert fetch(f"https://127.0.0.1:{secure.port}/prices")


def test_its_name_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tls.certificate(tmp_path, ["other.example"])
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with tls.serve(pem=other) as server:
        with pytest.raises(EndpointError, match="certificate is not valid here"):
            asked(f"https://localhost:{server.port}/v1")
        assert not server.seen


def test_so_is_one_in_SSL_CERT_DIR(  # noqa: N802
    secure: tls.Server, pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography import x509

    made = x509.load_pem_x509_certificate(pem.read_bytes())
    for name in ("0", "1"):
        (tmp_path / f"{_subject_hash(made, pem)}.{name}").write_bytes(pem.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert asked(f"https://localhost:{secure.port}/v1")[0].status == "answered"


def _subject_hash(certificate: object, pem: Path) -> str:
    """The name under which OpenSSL looks for a certificate in a folder."""
    import subprocess

    command = ["openssl", "x509", "-in", str(pem), "-noout", "-subject_hash"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_file_of_certificates_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    for attempt in (lambda: asked("https://localhost:1/v1"), lambda: fetch("https://localhost:1/x")):
        with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
            attempt()


def test_nothing_that_a_user_can_say_turns_verification_off() -> None:
    sources = [file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")]
    assert sources
    for words in ("verify=False", "ssl=False", "CERT_NONE", "check_hostname = False", "_create_unverified"):
        assert not any(words in source for source in sources)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_endpoint_that_redirects_is_not_followed(status: int) -> None:
    with tls.serve() as elsewhere:
        away = f"http://127.0.0.1:{elsewhere.port}/v1/chat/completions"
        with tls.serve(lambda seen: (status, {"location": away}, b"")) as server:
            with pytest.raises(EndpointError) as refused:
                asked(f"http://127.0.0.1:{server.port}/v1")
            assert len(server.seen) == 1 and not elsewhere.seen
    assert "the key is not passed on" in (refused.value.hint or "")


def test_cookies_are_not_kept_and_the_headers_say_little() -> None:
    def baked(seen: tls.Seen) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = tls.completion(seen)
        return status, {**headers, "set-cookie": "who=you; Path=/", "x-request-id": "r-123"}, body

    with tls.serve(baked) as server:
        found = asked(f"http://127.0.0.1:{server.port}/v1", times=3)
    assert len(server.seen) == 3
    for seen in server.seen:
        assert set(seen.headers) == {
            "host", "authorization", "content-type", "user-agent", "accept", "accept-encoding", "connection",
            "content-length",
        }  # fmt: skip
        assert seen.headers["user-agent"] == "llmcost"
    assert "who=you" not in repr(found) and "r-123" not in repr(found)


def test_a_download_says_as_little_and_passes_nothing_on() -> None:
    def answer(seen: tls.Seen) -> tuple[int, dict[str, str], bytes]:
        moved = {"location": "/there", "set-cookie": "who=you; Path=/"}
        return (302, moved, b"") if seen.path == "/here" else (200, {}, b"{}")

    with tls.serve(answer) as server:
        assert fetch(f"http://localhost:{server.port}/here") == b"{}"
    assert [seen.path for seen in server.seen] == ["/here", "/there"]
    for seen in server.seen:
        assert set(seen.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert seen.headers["user-agent"] == "llmcost"


def test_localhost_is_this_machine_whatever_a_name_service_says(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    def poisoned(host: str, *rest: object, **more: object) -> object:
        if host not in (None, "127.0.0.1", "::1", b"127.0.0.1", b"::1"):
            looked_up.append(host)
            raise socket.gaierror("asked somebody else")
        return genuine(host, *rest, **more)  # type: ignore[arg-type]

    genuine = socket.getaddrinfo
    with tls.serve() as server:
        monkeypatch.setattr(socket, "getaddrinfo", poisoned)
        assert asked(f"http://localhost:{server.port}/v1")[0].status == "answered"
        assert asked(f"http://models.localhost:{server.port}/v1")[0].status == "answered"
        assert fetch(f"http://localhost:{server.port}/x")
    assert not looked_up


def test_a_host_that_is_not_allowed_is_not_even_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _nobody)
    only = egress(["api.openai.com"])
    for attempt in (
        lambda: asked(f"https://{VENDOR}/v1", allowed=only),
        lambda: fetch(f"https://{VENDOR}/prices", egress=only),
    ):
        with pytest.raises(ConfigError, match=f"{VENDOR} may not be talked to: only api.openai.com is allowed"):
            attempt()


def _nobody(*_: object, **__: object) -> object:
    raise AssertionError("a name was looked up")


def test_every_redirect_of_a_download_is_held_against_what_is_allowed() -> None:
    away = f"https://{VENDOR}/prices"
    refused = pytest.raises(ConfigError, match=f"{VENDOR} may not be talked to: only this machine")
    with tls.serve(lambda seen: (302, {"location": away}, b"")) as server, refused:
        fetch(f"http://127.0.0.1:{server.port}/x", egress=egress([]))


PASSWORD = "hunter2secret"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked_for_a_tunnel_and_sees_the_name_of_the_host_alone(
    secure: tls.Server, pem: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with tls.tunnel(secure.port) as proxy:
        monkeypatch.setenv(variable, f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        assert asked(f"https://{VENDOR}/v1")[0].status == "answered"
        assert fetch(f"https://{VENDOR}/prices")
        assert proxy_shown(f"https://{VENDOR}/v1") == f"127.0.0.1:{proxy.port}"
    assert [(seen.method, seen.path) for seen in proxy.seen] == [("CONNECT", f"{VENDOR}:443")] * 2
    expected = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert {seen.headers["proxy-authorization"] for seen in proxy.seen} == {f"Basic {expected}"}
    assert not any("authorization" in seen.headers for seen in proxy.seen)
    assert len(proxy.raw) > 500 and PROMPT.encode() not in proxy.raw and KEY.encode() not in proxy.raw
    assert PROMPT.encode() in secure.seen[-2].body


def test_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with tls.serve() as server, tls.tunnel(server.port) as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for host in ("localhost", "127.0.0.1"):
            assert asked(f"http://{host}:{server.port}/v1")[0].status == "answered"
            assert fetch(f"http://{host}:{server.port}/x")
            assert proxy_shown(f"http://{host}:{server.port}/v1") is None
        assert not proxy.seen


@pytest.mark.parametrize(
    ("exempt", "through"),
    [("vendor.example", False), (".vendor.example", False), (VENDOR, False), ("*", False), (f"{VENDOR}:443", None),
     ("endor.example", True), ("other.example", True), ("", True)],
)  # fmt: skip
def test_what_NO_PROXY_names_is_asked_directly(  # noqa: N802
    monkeypatch: pytest.MonkeyPatch, exempt: str, through: bool | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    expected = None if through is False else "proxy.corp.example:3128"
    assert proxy_shown(f"https://{VENDOR}/v1") == expected
    assert proxy_shown(f"https://{VENDOR}:443/v1") == (None if through is None else expected)


@pytest.mark.parametrize(
    "proxy", [f"socks5://user:{PASSWORD}@127.0.0.1:1", f"http://user:{PASSWORD}@[bad", f"ftp://u:{PASSWORD}@h",
              f"http://user:{PASSWORD}@"],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    attempts: list[Callable[[], object]] = [
        lambda: asked(f"https://{VENDOR}/v1"),
        lambda: fetch(f"https://{VENDOR}/x"),
        lambda: proxy_shown(f"https://{VENDOR}/v1"),
    ]
    for attempt in attempts:
        with pytest.raises(ConfigError, match="HTTPS_PROXY") as refused:
            attempt()
        assert PASSWORD not in f"{refused.value.message} {refused.value.hint}"


def test_a_proxy_that_is_not_there_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:9")
    for attempt in (lambda: asked(f"https://{VENDOR}/v1"), lambda: fetch(f"https://{VENDOR}/x")):
        with pytest.raises(EndpointError) as refused:
            attempt()
        assert PASSWORD not in f"{refused.value.message} {refused.value.hint}"
