"""Who is an editor: a password that may be tried only so often, and a signed cookie that ends by itself."""

import hashlib
import hmac
import logging
import time

from limits import parse
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from backbot.settings import Settings
from backbot.web.articles import plain_page
from backbot.web.limits import Busy
from backbot.web.origins import is_own
from backbot.web.rate_store import RateStore
from backbot.web.security import PAGE_POLICY

ROOT = "/editors"
ENTER = f"{ROOT}/enter"
COOKIE = "backbot_editor"
SESSION_SECONDS = 8 * 60 * 60
SHORT = 12
"""A password with fewer characters is warned about."""

TRIES = ("5/minute", "30/hour")
"""How often one address may try a password; all together may try TRIES_OVERALL."""
TRIES_OVERALL = "60/minute"

_log = logging.getLogger(__name__)


class Sessions:
    """Opens and recognises editors' sessions. Nothing is kept: a session is a time, signed with a key made of the password.

    So every worker knows every session, and a new password ends all of them.
    """

    def __init__(self, settings: Settings):
        password = settings.editor_password.get_secret_value().encode()
        if len(password) < SHORT:
            _log.warning("BACKBOT_EDITOR_PASSWORD has fewer than %d characters: a longer one is safer.", SHORT)
        self._key = hashlib.scrypt(password, salt=b"backbot editors", n=2**14, r=8, p=1)
        self._password = self._sign("password", password)
        self._store = RateStore(settings.rate_store)
        self._rates = (*((parse(rate), True) for rate in TRIES), (parse(TRIES_OVERALL), False))

    async def open(self, password: str, address: str) -> str:
        """The cookie of a new session; empty for a wrong password. Raises Busy when the address has tried too often."""
        who = self._sign("address", address.encode())[:32]
        for rate, is_address in self._rates:
            names = ("editors", who if is_address else "all")
            if not await self._store.hit(rate, *names):
                raise Busy(await self._store.seconds_left(rate, *names), is_reader=is_address)
        # Digests have one length: neither the password's length nor its first letters can be timed.
        if not hmac.compare_digest(self._sign("password", password.encode(errors="replace")), self._password):
            return ""
        ends = str(int(time.time()) + SESSION_SECONDS)
        return f"{ends}.{self._sign('session', ends.encode())}"

    def is_open(self, cookie: str) -> bool:
        """Whether the cookie is one of ours and has not ended."""
        ends, _, signature = cookie.partition(".")
        right = self._sign("session", ends.encode(errors="replace"))
        # The signature comes first: what it signs is then a number of ours.
        return hmac.compare_digest(signature.encode(errors="replace"), right.encode()) and int(ends) > time.time()

    def _sign(self, what: str, data: bytes) -> str:
        return hmac.new(self._key, f"{what}:".encode() + data, hashlib.sha256).hexdigest()


class EditorsGate:
    """Lets only editors through to what stands under /editors, and only forms that a page of this server sent."""

    def __init__(self, app: ASGIApp, sessions: Sessions):
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{ROOT}/"):
            await self._app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD", "POST"):
            await PlainTextResponse("Method Not Allowed\n", 405)(scope, receive, send)
        elif scope["method"] == "POST" and not is_own(scope):
            # A browser says where a form was sent from, and the cookie is not sent from other sites: two locks.
            text = "This form did not come from this site. If it did, a proxy hides it: see BACKBOT_TRUSTED_PROXIES."
            page = plain_page("Not from here", text)
            await HTMLResponse(page, 403, {"Content-Security-Policy": PAGE_POLICY})(scope, receive, send)
        elif scope["path"] != ENTER and not self._sessions.is_open(HTTPConnection(scope).cookies.get(COOKIE, "")):
            await RedirectResponse(ENTER, 303)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
