"""Chat models through LangChain: the one place that knows providers. Bounded in bytes and seconds; keys stay inside."""

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from backbot.errors import SettingsInvalid
from backbot.settings import Settings

MAX_TOKENS = 900
MAX_BYTES = 2_000_000
NO_KEY = "no-key"

REFUSES_SCHEMA = frozenset({400, 404, 405, 415, 422, 501})
"""Statuses with which servers answer a request for structured output that they cannot serve."""

CUT_SHORT = frozenset({"LengthFinishReasonError", "ContentFilterFinishReasonError"})
"""What OpenAI's client raises at the end of a reply that is not whole: what came of it still counts."""

Structure = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: the package that speaks to it, its chat model's arguments, and those that ask for a JSON schema."""

    package: str
    arguments: Callable[[Settings], dict[str, Any]]
    structure: Structure


class Chat:
    """A chat model asked for structured output, or for plain text once it has refused that. Threads may share it."""

    def __init__(self, name: str, exact: Any, plain: Any, structure: Structure, *, is_own: bool) -> None:
        self.name = name
        self.is_own = is_own
        """Whether it runs on a server of the operator's: those take a new schema with each question at no cost."""
        self._exact = exact
        self._plain = plain
        self._structure = structure
        self._takes_schema = True

    def stream(self, messages: list[tuple[str, str]], schema: Mapping[str, Any], stop: threading.Event) -> Iterator[str]:
        """The reply's text in pieces, until `stop` is set; raises what the provider's client raises."""
        from langsmith.run_helpers import tracing_context

        # What a reader asks goes to the model only, even where LangSmith's tracing is on for other programs.
        with tracing_context(enabled=False):
            model = self._exact.bind(**self._structure(schema)) if self._takes_schema else self._plain
            try:
                for piece in model.stream(messages):
                    if stop.is_set():
                        return
                    yield str(piece.text)
            except Exception as error:
                if type(error).__name__ not in CUT_SHORT:
                    raise

    def refused_schema(self, status: int | None) -> bool:
        """Whether `status` says that structured output is refused; plain text comes next, unless it is refused too."""
        if status not in REFUSES_SCHEMA:
            return False
        self._takes_schema = not self._takes_schema
        return not self._takes_schema


def open_chat(settings: Settings) -> Chat:
    """The chat model that `settings.llm` names; raises SettingsInvalid."""
    provider, name, url = _parse(settings)
    row = PROVIDERS[provider]
    if any(importlib.util.find_spec(package) is None for package in ("langchain", row.package)):
        raise SettingsInvalid(
            f"BACKBOT_LLM names {provider}, whose package is not installed. Install it: pip install 'backbot[{provider}]'"
        )
    from langchain.chat_models import init_chat_model

    arguments = row.arguments(settings) | ({"base_url": url} if url else {})
    try:
        plain = init_chat_model(name, model_provider=provider, **arguments)
        exact = init_chat_model(name, model_provider=provider, temperature=0, **arguments)
    # The client's own words may hold the key.
    except Exception as error:
        raise SettingsInvalid(
            f"BACKBOT_LLM={provider}:{name} cannot be opened ({type(error).__name__}). Set BACKBOT_LLM_KEY, or the "
            "provider's own variable, to its key."
        ) from None
    return Chat(f"{provider}:{name}", exact, plain, row.structure, is_own=bool(url) or provider == "ollama")


def _parse(settings: Settings) -> tuple[str, str, str]:
    """(provider, model, base URL or nothing) of the settings; raises SettingsInvalid."""
    given, url = settings.llm.strip(), settings.llm_url.strip()
    if given.startswith(("http://", "https://")):
        given, url = "openai:default", given
    provider, _, name = given.partition(":")
    if provider not in PROVIDERS or not name:
        raise SettingsInvalid(
            f"BACKBOT_LLM must be PROVIDER:MODEL with one of {', '.join(PROVIDERS)}, or the URL of a server that speaks "
            "OpenAI's protocol."
        )
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise SettingsInvalid("BACKBOT_LLM_URL must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise SettingsInvalid("The language model's URL must not hold a key or password. Put it into BACKBOT_LLM_KEY.")
    return provider, name, url


def _openai(settings: Settings) -> dict[str, Any]:
    import httpx

    # The client would import it on the first request: a second of the reader's time.
    import openai.types.beta  # noqa: F401

    key = settings.llm_key.get_secret_value()
    # A server of one's own must not be sent the key of OpenAI's that happens to be in the environment.
    own = bool(settings.llm_url) or settings.llm.startswith("http")
    return {
        "timeout": settings.llm_timeout,
        "max_retries": 0,
        "max_tokens": MAX_TOKENS,
        "http_client": httpx.Client(
            event_hooks={"response": [_bound(settings.llm_timeout)]}, timeout=settings.llm_timeout, follow_redirects=False
        ),
    } | ({"api_key": key or NO_KEY} if key or own else {})


def _anthropic(settings: Settings) -> dict[str, Any]:
    key = settings.llm_key.get_secret_value()
    return {"timeout": settings.llm_timeout, "max_retries": 0, "max_tokens": MAX_TOKENS} | ({"api_key": key} if key else {})


def _ollama(settings: Settings) -> dict[str, Any]:
    client = {"timeout": settings.llm_timeout, "event_hooks": {"response": [_bound(settings.llm_timeout)]}}
    return {"num_predict": MAX_TOKENS, "client_kwargs": client}


# `with_structured_output` of these packages sets the same arguments, but holds every piece back until the reply is whole.
PROVIDERS = {
    "openai": Provider(
        "langchain_openai",
        _openai,
        lambda schema: {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}},
    ),
    "anthropic": Provider(
        "langchain_anthropic",
        _anthropic,
        lambda schema: {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    ),
    "ollama": Provider("langchain_ollama", _ollama, lambda schema: {"format": schema}),
}


def _bound(seconds: float) -> Callable[[Any], None]:
    """A hook of httpx that ends a response after so many seconds or MAX_BYTES, however slowly it drips."""
    import httpx

    class Bounded(httpx.SyncByteStream):
        def __init__(self, stream: httpx.SyncByteStream) -> None:
            self._stream = stream
            self._deadline = time.monotonic() + seconds

        def __iter__(self) -> Iterator[bytes]:
            left = MAX_BYTES
            for data in self._stream:
                left -= len(data)
                if left < 0 or time.monotonic() > self._deadline:
                    raise httpx.ReadTimeout("the reply is too long")
                yield data

        def close(self) -> None:
            self._stream.close()

    def hook(response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = Bounded(response.stream)

    return hook
