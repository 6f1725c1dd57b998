"""The processes of `backbot serve`: one with everything, or several workers that share one port."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from backbot.errors import BackbotError, ServerUnavailable
from backbot.index.generations import live_name
from backbot.operation.logs import configure_logs
from backbot.settings import Settings, load_settings
from backbot.web.connections import HeldConnection, drop_dead_peers

STOP_SECONDS = 10
"""How long replies in flight may end by themselves when the server stops."""

START_SECONDS = 120
"""How long a worker may take until it answers; one that hangs as long is replaced."""

_log = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int, workers: int = 1, *, page: bool = True) -> None:
    """Serve until stopped; raises IndexUnusable, ModelUnavailable, or ServerUnavailable for an address not to be had.

    A first SIGTERM or SIGINT lets replies in flight end, and is no failure. The chat page at / keeps its conversation's
    connection with one process, so several workers serve all but that page.
    """
    _on_signals(_stop_at_once)
    configure_logs(settings.log)
    with listen(host, port) as listener:
        if workers == 1:
            _serve_one(settings, listener, page=page)
        else:
            _serve_many(settings, listener, workers)
    print("backbot has stopped.", flush=True)


def _serve_one(settings: Settings, listener: socket.socket, *, page: bool) -> None:
    from backbot.bot import open_bot
    from backbot.operation.metrics import serve_metrics
    from backbot.web.server import create_app

    app = create_app(open_bot(settings), settings, with_page=page)
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, settings.index)
    # When uvicorn has ended, it hands the signal on to whoever wants to know.
    _on_signals(signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(app, settings, url_of(listener)).run(sockets=[listener])


def _serve_many(settings: Settings, listener: socket.socket, workers: int) -> None:
    # What would stop every worker is said once.
    if settings.chroma_url:
        from backbot.index.following import follow

        follow(settings).stop()
    live_name(settings.index)
    os.environ["BACKBOT_INDEX"] = str(settings.index)
    if not settings.rate_key.get_secret_value():
        os.environ["BACKBOT_RATE_KEY"] = secrets.token_hex(32)
    with contextlib.ExitStack() as stack:
        if settings.metrics_port:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="backbot-figures-", ignore_cleanup_errors=True))
            # Before the module is imported, here and in the workers: it decides where figures are kept.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            from backbot.operation.metrics import serve_metrics

            serve_metrics(settings.metrics_port, settings.index)
        config = uvicorn.Config(
            f"{__name__}:create_worker",
            factory=True,
            workers=workers,
            timeout_worker_healthcheck=START_SECONDS,
            **_options(settings),
        )
        supervisor = _Workers(config, [listener], url_of(listener))
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ServerUnavailable("No worker could start; the lines above say why. Run: backbot doctor")


def create_worker() -> FastAPI:
    """The application of one worker of several, with the settings of the environment; what an operator can mend ends it."""
    from backbot.bot import open_bot
    from backbot.web.server import create_app

    try:
        settings = load_settings()
        configure_logs(settings.log)
        return create_app(open_bot(settings), settings, with_page=False)
    except BackbotError as error:
        sys.stderr.write(f"backbot: {error}\n")
        sys.exit(STARTUP_FAILURE)


def _options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told, whether for one process or several."""
    return {
        "http": HeldConnection,
        "ws": "none",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": STOP_SECONDS,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
    }


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, port 0 being any free one; raises ServerUnavailable saying what to do."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        drop_dead_peers(listener)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        raise ServerUnavailable(
            f"The server cannot listen on {host} port {port} ({error.strerror or error}). Another program usually holds the "
            "port: stop it, or choose another with --port 7861."
        ) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that a browser would open."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _stop_at_once(*_: object) -> None:
    """What a signal does while the server starts: nobody is being answered yet.

    An exception in the middle of an import would be taken for that import's failure.
    """
    os.write(sys.stdout.fileno(), b"backbot has stopped.\n")
    os._exit(0)


def _on_signals(handler: Callable[..., object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Says where it is, once it answers; and does not wait for pages that are merely open when it stops."""

    def __init__(self, app: FastAPI, settings: Settings, address: str):
        super().__init__(uvicorn.Config(app, **_options(settings)))
        self._address = address
        self._stopping: asyncio.Event | None = getattr(app.state, "stopping", None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"backbot is ready: {self._address}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._stopping:
            self._stopping.set()
        await super().shutdown(sockets)


class _Workers(Multiprocess):
    """Starts the workers, says where they are once all answer, and replaces one that ends. SIGHUP renews them in turn."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], address: str):
        super().__init__(config, sockets)
        self._address = address

    def init_processes(self) -> None:
        super().init_processes()
        self._leave_pipes_to_workers()
        end = time.monotonic() + START_SECONDS
        for process in self.processes:
            while not process.wait_until_ready(timeout=0.5):
                self.handle_signals()
                if self.should_exit.is_set() or not process.process.is_alive() or time.monotonic() > end:
                    return
        print(f"backbot is ready: {self._address} ({len(self.processes)} workers)", flush=True)

    def keep_subprocess_alive(self) -> None:
        before = [process.pid for process in self.processes]
        super().keep_subprocess_alive()
        self._leave_pipes_to_workers()
        for old, new in zip(before, [process.pid for process in self.processes], strict=True):
            if old != new:
                _log.warning("Worker %s ended by itself; %s takes its place.", old, new)

    def _leave_pipes_to_workers(self) -> None:
        # While this process holds the workers' end of a pipe, too, the pipe of a worker that died just after it was asked
        # for a sign of life looks open, and START_SECONDS pass before anybody takes its place.
        for process in self.processes:
            process.child_conn.close()
