"""Files and pages that are the same for everybody are sent compressed; nothing that a reader or an editor had a part in."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PATHS = ("/backbot/", "/widget.js", "/embed")


class Compression:
    """Compresses the chat page and what stands under `PATHS`, but no answers: they stream, and hold readers' words."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._compressed = GZipMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        is_public = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].startswith(PATHS))
        await (self._compressed if is_public else self._app)(scope, receive, send)
