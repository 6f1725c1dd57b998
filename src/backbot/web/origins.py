"""Which sites may call: backbot's own pages and those that the owner lists. Everybody else is refused."""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from backbot.errors import SettingsInvalid

_PORTS = {"http": 80, "https": 443}


def parse_origins(text: str) -> tuple[str, ...]:
    """The origins of a comma-separated list, as browsers write them; raises SettingsInvalid naming the one at fault."""
    listed = [part for part in re.split(r"[\s,]+", text) if part]
    origins = [normal_origin(part) for part in listed]
    if wrong := [part for part, origin in zip(listed, origins, strict=True) if not origin]:
        raise SettingsInvalid(
            f"BACKBOT_ALLOWED_ORIGINS: {wrong[0]} is no origin. Write scheme and host, such as https://health.example, "
            "without a path and without *."
        )
    return tuple(dict.fromkeys(origins))


def normal_origin(text: str) -> str:
    """An origin as browsers write it: lower case, the scheme's own port left out; empty when it is not one."""
    if not re.fullmatch(r"https?://[^\s/?#@\\*]+/?", text, re.I):
        return ""
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        return ""
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", host):
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" if port in (None, _PORTS[parts.scheme]) else f"{parts.scheme}://{shown}:{port}"


def own_origin(scope: Scope) -> str:
    """The origin under which this request reached the server."""
    return normal_origin(f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}")


def is_own(scope: Scope) -> bool:
    """Whether a page of this server sent the request, or no page at all. Browsers name the origin of every POST."""
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    if origins:
        return [normal_origin(origin) for origin in origins] == [own_origin(scope) or None]
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def allowed_origin(scope: Scope, allowed: tuple[str, ...]) -> str:
    """The origin that sent the request if it may call the API; empty if it may not, or if nothing says who it is."""
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    own = own_origin(scope)
    if not origins:
        return own if headers.get("sec-fetch-site") == "same-origin" else ""
    sent = normal_origin(origins[0])
    # A browser sends one origin, in its normal form; anything else was made up.
    return sent if origins == [sent] and (sent == own or sent in allowed) else ""
