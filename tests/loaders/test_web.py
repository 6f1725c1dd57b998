import gzip
import itertools
import socket
import threading
import zlib
from collections.abc import Iterator

import pytest
from site_server import Answer, Site

from backbot.loaders import web as web_module
from backbot.loaders.web import FetchFailed, Web, host_of, is_public


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(allow_private=True, interval=0, pause=0.01) as web:
        yield web


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_public_addresses_are_told_from_private_ones(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_a_private_address_is_refused_however_it_is_written(site: Site, name: str) -> None:
    url = site.url.replace("127.0.0.1", name)
    with Web(interval=0) as web, pytest.raises(FetchFailed, match=r"BACKBOT_ALLOW_PRIVATE_SOURCES|no address"):
        web.get(url, host_of(url))
    assert site.asked == []


def test_the_address_is_checked_at_the_moment_of_connecting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def rebinding(host: str, port: int, **kwargs: int) -> object:
        return real(next(answers), port, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    next(answers)
    url = f"http://rebind.example:{site.url.rsplit(':', 1)[1]}/"
    with Web(interval=0) as web, pytest.raises(FetchFailed, match=r"127\.0\.0\.1, a private address"):
        web.get(url, host_of(url))
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "file:///etc/passwd", "http://u:p@127.0.0.1/", "http://[::1", "http:///x", "http://other.example/"],
)
def test_only_plain_addresses_of_the_own_host_are_fetched(web: Web, url: str) -> None:
    with pytest.raises(FetchFailed):
        web.get(url, "127.0.0.1")


@pytest.mark.parametrize("target", ["http://other.example/", "//other.example/x", "file:///etc/passwd", "http://localhost/"])
def test_a_redirect_is_held_to_the_same_rules(site: Site, web: Web, target: str) -> None:
    site.routes["/a"] = Answer(status=302, headers={"Location": target})
    with pytest.raises(FetchFailed, match=r"another host|not a plain"):
        web.get(site.url + "/a", host_of(site.url))


def test_redirects_on_the_own_host_are_followed_and_a_circle_ends(site: Site, web: Web) -> None:
    site.routes["/a"] = Answer(status=301, headers={"Location": "/b"})
    site.routes["/b"] = Answer("here")
    site.routes["/c"] = Answer(status=302, headers={"Location": "/c"})
    page = web.get(site.url + "/a", host_of(site.url))
    assert (page.url, page.body) == (site.url + "/b", b"here")
    with pytest.raises(FetchFailed, match="redirects more than"):
        web.get(site.url + "/c", host_of(site.url))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(site: Site, web: Web, status: int) -> None:
    answers = iter([Answer(status=status), Answer(status=status, headers={"Retry-After": "0"}), Answer("at last")])
    site.routes["/a"] = lambda asked: next(answers)
    assert web.get(site.url + "/a", host_of(site.url)).body == b"at last"
    assert len(site.asked) == 3


def test_a_server_that_stays_busy_is_asked_four_times(site: Site, web: Web) -> None:
    site.routes["/a"] = Answer(status=503)
    assert web.get(site.url + "/a", host_of(site.url)).status == 503
    assert len(site.asked) == 4


def test_retry_after_is_waited_for(site: Site, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(web_module.time, "sleep", waits.append)
    answers = iter(
        [Answer(status=429, headers={"Retry-After": "7"}), Answer(status=429, headers={"Retry-After": "9999"}), Answer("x")]
    )
    site.routes["/a"] = lambda asked: next(answers)
    web.get(site.url + "/a", host_of(site.url))
    assert [wait for wait in waits if wait] == [7, 60]


def test_an_endless_answer_is_cut_off(site: Site, web: Web) -> None:
    site.routes["/a"] = Answer(pieces=lambda: itertools.repeat(bytes(65536)))
    with pytest.raises(FetchFailed, match="larger than 1 MB"):
        web.get(site.url + "/a", host_of(site.url), limit=1_000_000)


def test_a_packed_bomb_is_cut_off(site: Site, web: Web) -> None:
    site.routes["/a"] = Answer(gzip.compress(bytes(30_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchFailed, match="larger than 1 MB"):
        web.get(site.url + "/a", host_of(site.url), limit=1_000_000)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_packed_answers_are_unpacked(site: Site, web: Web, encoding: str, pack: object) -> None:
    site.routes["/a"] = Answer(pack(b"words " * 1000), headers={"Content-Encoding": encoding})  # type: ignore[operator]
    assert web.get(site.url + "/a", host_of(site.url)).body == b"words " * 1000


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip", b"not gzip")])
def test_an_answer_that_cannot_be_unpacked_is_refused(site: Site, web: Web, encoding: str, body: bytes) -> None:
    site.routes["/a"] = Answer(body, headers={"Content-Encoding": encoding})
    with pytest.raises(FetchFailed, match=r"not asked for|damaged"):
        web.get(site.url + "/a", host_of(site.url))


def test_an_answer_that_drips_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "_SECONDS_A_REQUEST", 0.3)
    monkeypatch.setattr(web_module, "_MAX_TRIES", 1)
    stop = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with Web(allow_private=True, interval=0) as web, pytest.raises(FetchFailed, match="does not answer"):
        web.get(url, host_of(url))
    stop.set()
    thread.join(5)
    server.close()


def test_a_host_that_is_not_there_is_named(web: Web) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    server.close()
    with pytest.raises(FetchFailed, match="does not answer"):
        web.get(f"http://127.0.0.1:{port}/", f"127.0.0.1:{port}")


def test_requests_keep_their_distance(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(web_module.time, "sleep", waits.append)
    with Web(allow_private=True, interval=5.0) as web:
        web.get(site.url + "/a", host_of(site.url))
        web.get(site.url + "/b", host_of(site.url))
    assert waits[0] == 0 and 4 < waits[1] <= 5


def test_proxies_of_the_environment_are_not_used(site: Site, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.routes["/a"] = Answer("here")
    with Web(allow_private=True, interval=0) as fresh:
        assert fresh.get(site.url + "/a", host_of(site.url)).body == b"here"


def test_the_client_says_who_it_is(site: Site, web: Web) -> None:
    web.get(site.url + "/a", host_of(site.url))
    assert site.asked[0].headers["user-agent"].startswith("backbot/")
