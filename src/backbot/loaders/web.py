"""Fetching from a publisher's site, as a careful guest: polite, bounded in size and time, and never into a private network.

Each connection goes to an address that was checked right before it is made, so a host name cannot first look public and then
lead inside. Redirects are followed one by one under the same rules. Proxies from the environment are not used, for behind a
proxy the address cannot be checked.
"""

import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

USER_AGENT = "backbot/0.1 (reads articles for the publisher's own assistant)"
MAX_PAGE_BYTES = 10_000_000
MAX_FEED_BYTES = 50_000_000
"""The largest sitemap, unpacked (the protocol's own limit), and the largest answer of an API."""

_SECONDS_A_REQUEST = 30.0
_SECONDS_A_READ = 15.0
_MAX_REDIRECTS = 5
_MAX_TRIES = 4
_MAX_WAIT = 60.0
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchFailed(Exception):
    """One address could not be fetched; `is_refused` where our own rules forbid it, so that trying again is no use."""

    def __init__(self, reason: str, is_refused: bool = False) -> None:
        super().__init__(reason)
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: `url` is where the redirects ended, header names are in lower case."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


def host_of(url: str) -> str:
    """The host that an address names, without "www.", with its port where one is written."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}:{parts.port}" if parts.port else host


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _is_private_but_usable(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    return (ip.is_private or ip.is_loopback) and not (ip.is_link_local or ip.is_unspecified or ip.is_multicast)


class _CheckedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends at the request's deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, clock: "_CheckedNetwork") -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._clock.remaining(timeout))
        return _CheckedStream(stream, self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects only to addresses that are allowed, each checked at the moment of connecting."""

    def __init__(self, allow_private: bool) -> None:
        self._backend = httpcore.SyncBackend()
        self._allow_private = allow_private
        self.deadline = 0.0

    def remaining(self, timeout: float | None) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"took longer than {_SECONDS_A_REQUEST:.0f} seconds")
        return min(left, timeout or left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host {host} has no address ({error})") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not (is_public(address) or (self._allow_private and _is_private_but_usable(address))):
                raise FetchFailed(
                    f"{host} is at {address}, a private address; set BACKBOT_ALLOW_PRIVATE_SOURCES=true if you mean that",
                    is_refused=True,
                )
        failure: Exception = httpcore.ConnectError(f"the host {host} has no address")
        for address in addresses:
            try:
                stream = self._backend.connect_tcp(
                    address, port, self.remaining(timeout), local_address, list(socket_options or [])
                )
                return _CheckedStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _CheckedTransport(httpx.BaseTransport):
    """httpx over connections that the checked network makes."""

    def __init__(self, network: _CheckedNetwork) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=network, max_connections=1
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        response = self._pool.handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, content=b"", extensions=request.extensions)
        )
        stream = response.stream
        assert isinstance(stream, Iterable)
        return httpx.Response(response.status, headers=response.headers, stream=_PoolStream(stream), extensions={})

    def close(self) -> None:
        self._pool.close()


class _PoolStream(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close:
            close()


class Web:
    """A client for one source. `interval` is the least time between two requests, in seconds; `pause` the first back-off."""

    def __init__(self, allow_private: bool = False, interval: float = 0.5, pause: float = 1.0) -> None:
        self._network = _CheckedNetwork(allow_private)
        self._client = httpx.Client(
            transport=_CheckedTransport(self._network),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            timeout=_SECONDS_A_READ,
            trust_env=False,
        )
        self.interval = interval
        self._pause = pause
        self._last = -1e9

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(
        self, url: str, host: str, headers: dict[str, str] | None = None, limit: int = MAX_PAGE_BYTES, method: str = "GET"
    ) -> Page:
        """What `url` answers, tried again with back-off where the server is busy; raises FetchFailed.

        `host` is the publisher's own, as `host_of` writes it: neither `url` nor a redirect may lead to another. An answer
        that is an error, such as 404, is returned like any other.
        """
        wait = self._pause
        for tries_left in reversed(range(_MAX_TRIES)):
            try:
                page = self._follow(url, host, headers or {}, limit, method)
            except (
                httpx.HTTPError,
                httpcore.NetworkError,
                httpcore.TimeoutException,
                httpcore.ProtocolError,
                OSError,
            ) as error:
                if not tries_left:
                    raise FetchFailed(
                        f"{url} does not answer ({str(error) or type(error).__name__}); try again later"
                    ) from None
                time.sleep(wait)
            else:
                if page.status not in _TRY_AGAIN or not tries_left:
                    return page
                time.sleep(min(_retry_after(page.headers.get("retry-after", ""), wait), _MAX_WAIT))
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def _follow(self, url: str, host: str, headers: dict[str, str], limit: int, method: str) -> Page:
        for _ in range(_MAX_REDIRECTS + 1):
            _check_address(url, host)
            page = self._request(url, headers, limit, method)
            target = page.headers.get("location", "")
            if page.status not in _REDIRECTS or not target:
                return page
            url = urljoin(url, target)
        raise FetchFailed(f"{url} redirects more than {_MAX_REDIRECTS} times", is_refused=True)

    def _request(self, url: str, headers: dict[str, str], limit: int, method: str) -> Page:
        time.sleep(max(0.0, self._last + self.interval - time.monotonic()))
        self._network.deadline = time.monotonic() + _SECONDS_A_REQUEST
        try:
            with self._client.stream(method, url, headers=headers, follow_redirects=False) as response:
                body = b"" if method == "HEAD" else _read_body(response, limit)
                return Page(url, response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except httpx.InvalidURL:
            raise FetchFailed(f"{url[:200]!r} is not an address", is_refused=True) from None
        finally:
            self._last = time.monotonic()


def _check_address(url: str, host: str) -> None:
    try:
        parts = urlsplit(url)
        own = host_of(url)
    except ValueError:
        raise FetchFailed(f"{url[:200]!r} is not an address", is_refused=True) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise FetchFailed(f"{url[:200]!r} is not a plain http or https address", is_refused=True)
    if own != host:
        raise FetchFailed(
            f"{url[:200]} leads to another host than {host}; only the publisher's own is read", is_refused=True
        )


def _read_body(response: httpx.Response, limit: int) -> bytes:
    """The body, unpacked piece by piece so that neither an endless nor a tightly packed one fills the memory."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise FetchFailed(f"the answer is packed as {encoding[:20]!r}, which was not asked for", is_refused=True)
    unpacker = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    pieces: list[bytes] = []
    left = limit
    for raw in response.iter_raw():
        try:
            piece = unpacker.decompress(raw, left + 1) if unpacker else raw
        except zlib.error as error:
            raise FetchFailed(f"the answer is damaged ({error})") from None
        left -= len(piece)
        if left < 0:
            raise FetchFailed(f"the answer is larger than {limit / 1e6:.0f} MB", is_refused=True)
        pieces.append(piece)
    return b"".join(pieces)


def _retry_after(value: str, default: float) -> float:
    """Seconds to wait, from a Retry-After header: a number of them or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return default
