import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_server import Answer, Asked, Site

from backbot.loaders import BadArticle, Unreadable, load_articles
from backbot.records import Article

XMLNS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*urls: str, lastmod: str = "") -> str:
    date = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    rows = "".join(f"<url><loc>{url}</loc>{date}</url>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {XMLNS}>{rows}</urlset>'


def index(*urls: str) -> str:
    rows = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><sitemapindex {XMLNS}>{rows}</sitemapindex>'


def page(title: str, words: str = "Leave the pack on for 15 to 20 minutes, and put a cloth under it.") -> str:
    return f"<html><head><title>{title}</title></head><body><main><h1>{title}</h1><p>{words}</p></main></body></html>"


def read(site: Site, path: str = "/sitemap.xml", cache: Path | None = None) -> list[Article | BadArticle]:
    return list(load_articles(site.url + path, cache=cache, allow_private=True, interval=0))


def ids(found: list[Article | BadArticle]) -> list[str]:
    return [article.id for article in found if isinstance(article, Article)]


def bad(found: list[Article | BadArticle]) -> list[BadArticle]:
    return [article for article in found if isinstance(article, BadArticle)]


@pytest.fixture
def pages(site: Site) -> Iterator[Site]:
    site.routes["/sitemap.xml"] = Answer(urlset(f"{site.url}/ice/", f"{site.url}/back/heat.html"))
    site.page("/ice/", page("Ice"))
    site.page("/back/heat.html", page("Heat"))
    yield site


def test_every_page_of_a_sitemap_becomes_an_article(pages: Site) -> None:
    found = read(pages)
    assert ids(found) == ["ice", "back-heat"]
    assert isinstance(found[0], Article) and found[0].url == f"{pages.url}/ice/"


def test_an_index_and_packed_sitemaps_are_followed(pages: Site) -> None:
    pages.routes["/index.xml"] = Answer(index(f"{pages.url}/a.xml.gz", f"{pages.url}/sitemap.xml", f"{pages.url}/index.xml"))
    pages.routes["/a.xml.gz"] = Answer(gzip.compress(urlset(f"{pages.url}/more").encode()))
    pages.page("/more", page("More"))
    assert ids(read(pages, "/index.xml")) == ["more", "ice", "back-heat"]


def test_a_bare_address_finds_the_sitemap_that_robots_txt_names(pages: Site) -> None:
    pages.routes["/robots.txt"] = Answer(f"User-agent: *\nDisallow:\nSitemap: {pages.url}/there.xml\n")
    pages.routes["/there.xml"] = Answer(urlset(f"{pages.url}/ice/"))
    pages.page("/", page("Home"))
    assert ids(read(pages, "/")) == ["ice"]


def test_a_bare_address_finds_a_sitemap_at_the_usual_place(pages: Site) -> None:
    pages.page("/", page("Home"))
    assert ids(read(pages, "")) == ["ice", "back-heat"]


def test_a_single_pages_address_gives_that_page(pages: Site) -> None:
    assert ids(read(pages, "/ice/")) == ["ice"]


def test_what_robots_txt_forbids_is_not_fetched(pages: Site) -> None:
    pages.routes["/robots.txt"] = Answer("User-agent: backbot\nDisallow: /ice\n\nUser-agent: *\nDisallow: /\n")
    assert ids(read(pages)) == ["back-heat"]
    assert "/ice/" not in pages.paths()


def test_a_robots_txt_that_fails_stops_everything(pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backbot.loaders.web.time.sleep", lambda seconds: None)
    pages.routes["/robots.txt"] = Answer(status=500)
    with pytest.raises(Unreadable, match=r"robots\.txt answers 500"):
        read(pages)


def test_pages_of_other_hosts_are_named_and_never_fetched(pages: Site) -> None:
    pages.routes["/sitemap.xml"] = Answer(
        urlset("http://other.example/x", "file:///etc/passwd", f"{pages.url}/ice/", "http://[::1")
    )
    found = read(pages)
    assert ids(found) == ["ice"]
    assert len(bad(found)) == 3 and all("only the publisher's own host" in fault.reason for fault in bad(found))


def test_a_sitemap_index_that_names_another_host_is_not_followed(pages: Site) -> None:
    pages.routes["/index.xml"] = Answer(index("http://other.example/sitemap.xml", f"{pages.url}/sitemap.xml"))
    found = read(pages, "/index.xml")
    assert ids(found) == ["ice", "back-heat"] and len(bad(found)) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_no_article_and_no_fault(pages: Site, status: int) -> None:
    pages.routes["/ice/"] = Answer(status=status)
    assert read(pages) == [found for found in read(pages) if isinstance(found, Article) and found.id == "back-heat"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=403), "answers 403"),
        (Answer(status=302, headers={"Location": "http://other.example/"}), "another host"),
        (Answer(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}), "not a page"),
        (Answer("<html></html>", headers={"Content-Type": "text/html"}), "no article"),
        (Answer(b"", headers={"Content-Type": "text/html"}), "is empty"),
        (Answer(b"\x89PNG\r\n\x1a\n\0\0\0", headers={"Content-Type": "text/html"}), "binary"),
        (Answer("a" * 10_000_001, headers={"Content-Type": "text/html"}), "larger than 10 MB"),
    ],
)
def test_a_bad_page_is_named_and_the_others_are_read(pages: Site, answer: Answer, words: str) -> None:
    pages.routes["/ice/"] = answer
    found = read(pages)
    assert ids(found) == ["back-heat"]
    assert [fault.article for fault in bad(found)] == ["ice"] and words in bad(found)[0].reason


def test_two_addresses_of_one_page_give_one_article(pages: Site) -> None:
    pages.routes["/sitemap.xml"] = Answer(urlset(f"{pages.url}/ice/", f"{pages.url}/old-ice", f"{pages.url}/ice/"))
    pages.routes["/old-ice"] = Answer(status=301, headers={"Location": "/ice/"})
    assert ids(read(pages)) == ["ice"] and bad(read(pages)) == []


@pytest.mark.parametrize("header", [{"ETag": '"v1"'}, {"Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}])
def test_an_unchanged_page_is_not_fetched_again(pages: Site, tmp_path: Path, header: dict[str, str]) -> None:
    sent: list[int] = []

    def ice(asked: Asked) -> Answer:
        known = asked.headers.get("if-none-match") or asked.headers.get("if-modified-since")
        sent.append(304 if known in header.values() else 200)
        return (
            Answer(status=304) if sent[-1] == 304 else Answer(page("Ice"), headers={"Content-Type": "text/html", **header})
        )

    pages.routes["/ice/"] = ice
    first, second = read(pages, cache=tmp_path), read(pages, cache=tmp_path)
    assert sent == [200, 304]
    assert first == second and ids(second) == ["ice", "back-heat"]


def test_without_validators_an_unchanged_lastmod_asks_only_whether_the_page_is_there(pages: Site, tmp_path: Path) -> None:
    pages.routes["/sitemap.xml"] = Answer(urlset(f"{pages.url}/ice/", lastmod="2026-11-01"))
    first = read(pages, cache=tmp_path)
    assert read(pages, cache=tmp_path) == first
    assert pages.paths().count("/ice/") == 1 and pages.paths("HEAD") == ["/ice/"]
    pages.routes["/sitemap.xml"] = Answer(urlset(f"{pages.url}/ice/", lastmod="2026-11-02"))
    pages.page("/ice/", page("Ice, edited"))
    (edited,) = read(pages, cache=tmp_path)
    assert isinstance(edited, Article) and edited.title == "Ice, edited"
    pages.routes["/ice/"] = Answer(status=404)
    assert read(pages, cache=tmp_path) == []


def test_a_damaged_cache_is_fetched_anew(pages: Site, tmp_path: Path) -> None:
    pages.page("/ice/", page("Ice"), ETag='"v1"')
    first = read(pages, cache=tmp_path)
    for kept in tmp_path.rglob("*"):
        if kept.is_file():
            kept.write_bytes(b"\xff damaged")
    assert read(pages, cache=tmp_path) == first


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<html></html>",
        f"<urlset {XMLNS}><url>",
        '<!DOCTYPE u [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>',
        '<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
        gzip.compress(bytes(60_000_000)),
        gzip.compress(urlset("x").encode())[:-9] + b"broken",
        "<a>" * 100_000,
    ],
)
def test_a_sitemap_that_cannot_be_read_says_so(site: Site, body: str | bytes) -> None:
    site.routes["/sitemap.xml"] = Answer(body)
    with pytest.raises(Unreadable, match=r"sitemap .* cannot be read"):
        read(site)


def test_one_bad_sitemap_of_an_index_is_named(pages: Site) -> None:
    pages.routes["/index.xml"] = Answer(index(f"{pages.url}/missing.xml", f"{pages.url}/sitemap.xml"))
    found = read(pages, "/index.xml")
    assert ids(found) == ["ice", "back-heat"] and "404" in bad(found)[0].reason


def test_a_site_that_breaks_down_midway_is_given_up(pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backbot.loaders.web.time.sleep", lambda seconds: None)
    pages.routes["/sitemap.xml"] = Answer(urlset(*(f"{pages.url}/p{n}" for n in range(50))))
    for n in range(50):
        pages.routes[f"/p{n}"] = Answer(b"cut", headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreadable, match="5 pages in a row failed"):
        read(pages)


def test_a_page_that_lists_others_is_passed_over(pages: Site) -> None:
    pages.page("/ice/", page("Ice").replace("<body>", '<body class="archive category-ice">'))
    assert ids(read(pages)) == ["back-heat"] and bad(read(pages)) == []


def test_private_addresses_are_refused_unless_allowed(pages: Site) -> None:
    with pytest.raises(Unreadable, match="BACKBOT_ALLOW_PRIVATE_SOURCES"):
        list(load_articles(pages.url + "/sitemap.xml"))
    assert pages.asked == []
