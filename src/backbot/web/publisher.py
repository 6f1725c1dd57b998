"""The publisher's addresses: which article a page is, and to which hosts a link may lead."""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from backbot.errors import SettingsInvalid
from backbot.index.search import Index
from backbot.records import Reply

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_OWN_PAGE = re.compile(r"/articles/([\w-]+)/?")
_ID = re.compile(r"[\w.-]{1,200}")


@dataclass(frozen=True, slots=True)
class _Addresses:
    """One generation's: its articles' ids by their pages' addresses, and all hosts that they and their sources name."""

    generation: str
    articles: dict[str, str]
    hosts: frozenset[str]


class Publisher:
    """Follows the live generation; threads may share it. Raises SettingsInvalid for a host that is none."""

    def __init__(self, index: Index, hosts: str):
        self._index = index
        self._listed = parse_hosts(hosts)
        self._addresses = _Addresses("", {}, frozenset())

    def may_link(self, address: str) -> bool:
        """Whether the address is an http or https page of a host that the owner lists or, if none is, the articles name."""
        host = _host(address)
        return bool(host) and host in (self._listed or self._read().hosts)

    def article_at(self, context: str) -> str:
        """The id of the live article that `context` names, by id or by its page's address; empty for anything else.

        A page that is no article, or one that was withdrawn meanwhile, is no fault of the reader's: it lends no subject.
        """
        context = context.strip()
        if _ID.fullmatch(context):
            return context if self._index.live().content.article(context) else ""
        articles = self._read().articles
        # What stands after the question mark may name the page, or only where the reader came from.
        if found := articles.get(_page(context)) or articles.get(_page(context.partition("?")[0])):
            return found
        path = urlsplit(context).path if _host(context) else ""
        own = _OWN_PAGE.fullmatch(path)
        return own[1] if own and self._index.live().content.article(own[1]) else ""

    def check(self, reply: Reply) -> Reply:
        """The reply without links that lead elsewhere: such a source is shown, but not as a link."""
        citations = tuple(
            one
            if one.link.startswith("/articles/") or self.may_link(one.link)
            else replace(one, link="", url=one.url if self.may_link(one.url) else "")
            for one in reply.citations
        )
        return replace(reply, citations=citations)

    def _read(self) -> _Addresses:
        generation = self._index.live()
        known = self._addresses
        if known.generation != generation.manifest.name:
            articles: dict[str, str] = {}
            hosts: set[str] = set()
            for article in generation.content.articles():
                if host := _host(article.url):
                    articles[_page(article.url)] = article.id
                    hosts.add(host)
                hosts.update(_host(source.url) for source in article.sources)
            self._addresses = known = _Addresses(generation.manifest.name, articles, frozenset(hosts - {""}))
        return known


def parse_hosts(text: str) -> frozenset[str]:
    """The hosts of a list with commas between; raises SettingsInvalid naming the one at fault."""
    hosts = [part.lower() for part in re.split(r"[\s,]+", text) if part]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise SettingsInvalid(
                f"BACKBOT_PUBLISHER_HOSTS: {host} is no host. Write www.health.example, without https://, path or port."
            )
    return frozenset(hosts)


def _host(address: str) -> str:
    """The host of an http or https address in small letters; empty where there is none, or a user name before it."""
    if re.search(r"[\s\\\x00-\x20]", address):
        return ""
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and "@" not in parts.netloc
        return (parts.hostname or "").rstrip(".") if is_web else ""
    except ValueError:
        return ""


def _page(address: str) -> str:
    """An address without what does not change the page: scheme, fragment, last slash."""
    host = _host(address)
    parts = urlsplit(address) if host else urlsplit("")
    return f"{host}{parts.path.rstrip('/')}?{parts.query}" if host else ""
