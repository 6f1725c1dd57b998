"""A site's address -> its articles, by the best way that the site offers: WordPress's API, a sitemap, or the page itself."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from backbot.errors import SourceUnreadable
from backbot.loaders.faults import ArticleFault, BadArticle
from backbot.loaders.html_pages import decode_html
from backbot.loaders.sanitising import parse_page
from backbot.loaders.sitemap import read_robots, read_single_page, read_sitemap
from backbot.loaders.web import MAX_FEED_BYTES, FetchFailed, Page, Web, host_of
from backbot.loaders.wordpress_api import api_root, read_api
from backbot.records import Article

_USUAL_SITEMAPS = ("/sitemap_index.xml", "/sitemap.xml", "/wp-sitemap.xml")


def read_site(web: Web, url: str, cache: Path | None = None) -> Iterator[tuple[str, Article | BadArticle]]:
    """Each article of the site at `url`: an API's address, a sitemap's, a site's front page, or one page.

    Raises SourceUnreadable where the site as a whole cannot be read.
    """
    if "/wp-json" in urlsplit(url).path or "rest_route=" in urlsplit(url).query:
        yield from read_api(web, api_root(url), cache)
        return
    robots = read_robots(web, url)
    if _names_sitemap(url):
        yield from read_sitemap(web, url, robots, cache)
        return
    page = _get(web, url)
    if page.body.lstrip()[:200].startswith((b"<?xml", b"<urlset", b"<sitemapindex")) or page.body.startswith(b"\x1f\x8b"):
        yield from read_sitemap(web, page.url, robots, cache)
    elif root := _declared_api(page):
        yield from read_api(web, root, cache)
    elif urlsplit(page.url).path.strip("/"):
        yield read_single_page(web, url, page)
    else:
        yield from read_sitemap(web, _find_sitemap(web, page.url, robots.site_maps() or []), robots, cache)


def _names_sitemap(url: str) -> bool:
    return urlsplit(url).path.lower().endswith((".xml", ".xml.gz"))


def _get(web: Web, url: str) -> Page:
    try:
        page = web.get(url, host_of(url), limit=MAX_FEED_BYTES)
    except FetchFailed as failure:
        raise SourceUnreadable(f"The site cannot be read: {failure}.") from None
    if page.status != 200:
        raise SourceUnreadable(f"{url} answers {page.status}. See whether it opens in a browser.")
    return page


def _declared_api(page: Page) -> str:
    """The root of the WordPress API that a page's head names, on the page's own host; "" where it names none."""
    try:
        links = parse_page(decode_html(page.body)).xpath("//link[@rel='https://api.w.org/']/@href")
    except ArticleFault:
        return ""
    roots = [urljoin(page.url, str(link)) for link in links]
    return next((root for root in roots if host_of(root) == host_of(page.url)), "")


def _find_sitemap(web: Web, site: str, named: list[str]) -> str:
    """The site's sitemap: the one that robots.txt names on the same host, else one at a usual place."""
    own = [url for url in named if host_of(url) == host_of(site)]
    for url in own or [urljoin(site, path) for path in _USUAL_SITEMAPS]:
        try:
            if web.get(url, host_of(site), limit=MAX_FEED_BYTES).status == 200:
                return url
        except FetchFailed:
            continue
    raise SourceUnreadable(f"{site} has no sitemap and no WordPress API that backbot can find. Name its sitemap's address.")
