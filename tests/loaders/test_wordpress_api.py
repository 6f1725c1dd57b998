# the pages and posts are easier to read unbroken
"""The answers have the form of those of a real WordPress 6.1."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from site_server import Answer, Asked, Site

from backbot.loaders import BadArticle, Unreadable, load_articles
from backbot.records import Article


class WordPress:
    """The part of WordPress's REST API that is asked: collections, paging, modified_after, fields."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tables: dict[str, list[dict[str, Any]]] = {
            "posts": [],
            "pages": [],
            "categories": [{"id": 3, "name": "Self care &amp; rest"}],
        }
        for route in self.tables:
            site.routes[f"/wp-json/wp/v2/{route}"] = self.answer
        link = f'<link rel="https://api.w.org/" href="{site.url}/wp-json/" />'
        site.page("/", f"<html><head>{link}</head><body><p>Welcome.</p></body></html>")

    def add(self, number: int, words: str = "Walk a little.", route: str = "posts", **fields: Any) -> dict[str, Any]:
        row = {
            "id": number,
            "slug": f"tip-{number}",
            "link": f"{self.site.url}/tip-{number}/",
            "title": {"rendered": f"Tip {number} &#8211; walk"},
            "content": {"rendered": f"<p>{words}</p>", "protected": False},
            "date_gmt": "2026-01-02T03:04:05",
            "modified_gmt": "2026-03-04T05:06:07",
            "categories": [3],
            "status": "publish",
            **fields,
        }
        self.tables[route] = [old for old in self.tables[route] if old["id"] != number] + [row]
        return row

    def answer(self, asked: Asked) -> Answer:
        query = {key: values[0] for key, values in parse_qs(urlsplit(asked.path).query).items()}
        rows = sorted(self.tables[urlsplit(asked.path).path.rsplit("/", 1)[1]], key=lambda row: row["id"])
        after = query.get("modified_after", "").removesuffix("Z")
        rows = [row for row in rows if row.get("modified_gmt", "9") > after]
        size, number = int(query["per_page"]), int(query["page"])
        pages = max(-(-len(rows) // size), 1)
        if number > pages:
            return Answer('{"code":"rest_post_invalid_page_number"}', 400)
        fields = query["_fields"].split(",")
        body = [{key: row[key] for key in fields if key in row} for row in rows[(number - 1) * size : number * size]]
        return Answer(json.dumps(body), headers={"Content-Type": "application/json", "X-WP-TotalPages": str(pages)})


@pytest.fixture
def wordpress(site: Site) -> WordPress:
    return WordPress(site)


def read(wordpress: WordPress, path: str = "/wp-json/", cache: Path | None = None) -> list[Article | BadArticle]:
    return list(load_articles(wordpress.site.url + path, cache=cache, allow_private=True, interval=0))


def ids(found: list[Article | BadArticle]) -> list[str]:
    return [article.id for article in found if isinstance(article, Article)]


@pytest.mark.parametrize("path", ["/", "/wp-json", "/wp-json/", "/wp-json/wp/v2/posts"])
def test_posts_and_pages_become_articles_from_any_address_of_the_site(wordpress: WordPress, path: str) -> None:
    wordpress.add(1, "Walk <a href='/b'>a little</a>.")
    wordpress.add(2, route="pages", link=f"{wordpress.site.url}/back/walking/", slug="walking", categories=None)
    post, page = read(wordpress, path)
    assert isinstance(post, Article)
    assert (post.id, post.title, post.url) == ("tip-1", "Tip 1 – walk", f"{wordpress.site.url}/tip-1/")
    assert post.body == f"Walk [a little]({wordpress.site.url}/b)."
    assert (post.published, post.topics) == (date(2026, 1, 2), ("Self care & rest",))
    assert isinstance(page, Article) and page.id == "back-walking"


def test_all_pages_of_a_long_collection_are_read(wordpress: WordPress) -> None:
    for number in range(250):
        wordpress.add(number)
    assert len(ids(read(wordpress))) == 250


def test_protected_and_unpublished_posts_are_left_out_and_an_empty_one_is_named(wordpress: WordPress) -> None:
    wordpress.add(1, content={"rendered": "", "protected": True})
    wordpress.add(2, status="draft")
    wordpress.add(3, "")
    (bad,) = read(wordpress)
    assert isinstance(bad, BadArticle) and (bad.article, bad.place) == ("tip-3", f"{wordpress.site.url}/tip-3/")


def test_with_a_cache_only_what_was_modified_is_fetched(wordpress: WordPress, tmp_path: Path) -> None:
    for number in range(3):
        wordpress.add(number)
    first = read(wordpress, cache=tmp_path)
    wordpress.add(1, "Edited.", modified_gmt="2026-05-01T00:00:00")
    wordpress.add(9, "New.", modified_gmt="2026-05-02T00:00:00")
    wordpress.tables["posts"] = [row for row in wordpress.tables["posts"] if row["id"] != 2]
    wordpress.site.asked.clear()
    second = read(wordpress, cache=tmp_path)
    assert ids(first) == ["tip-0", "tip-1", "tip-2"] and ids(second) == ["tip-0", "tip-1", "tip-9"]
    assert {found.id: found.body for found in second if isinstance(found, Article)}["tip-1"] == "Edited."
    wordpress.site.asked.clear()
    third = read(wordpress, cache=tmp_path)
    assert third == second
    asked = [path for path in wordpress.site.paths() if "/posts" in path and "_fields=id%2C" in path]
    assert asked and all("modified_after=2026-05-01T23%3A59%3A00Z" in path for path in asked)


def test_a_damaged_cache_is_mended(wordpress: WordPress, tmp_path: Path) -> None:
    wordpress.add(1)
    first = read(wordpress, cache=tmp_path)
    for kept in tmp_path.rglob("newest"):
        kept.write_bytes(b"\xff")
    assert read(wordpress, cache=tmp_path) == first


def test_a_busy_api_is_asked_again(wordpress: WordPress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backbot.loaders.web.time.sleep", lambda seconds: None)
    wordpress.add(1)
    failures = iter([429, 503])

    def flaky(asked: Asked) -> Answer:
        status = next(failures, 0)
        return Answer(status=status, headers={"Retry-After": "1"}) if status else wordpress.answer(asked)

    wordpress.site.routes["/wp-json/wp/v2/posts"] = flaky
    assert ids(read(wordpress)) == ["tip-1"]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_site_that_keeps_its_api_shut_says_what_to_do(
    wordpress: WordPress, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backbot.loaders.web.time.sleep", lambda seconds: None)
    wordpress.site.routes["/wp-json/wp/v2/posts"] = Answer(status=status)
    with pytest.raises(Unreadable, match=r"sitemap or an export file"):
        read(wordpress)


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[" * 100_000, "[1, null, {}]"])
def test_answers_that_are_not_wordpress_do_no_harm(wordpress: WordPress, body: str) -> None:
    wordpress.site.routes["/wp-json/wp/v2/posts"] = Answer(body)
    try:
        assert read(wordpress) == []
    except Unreadable as error:
        assert "does not answer as WordPress does" in str(error)


@pytest.mark.parametrize(
    "fields",
    [
        {"content": None},
        {"content": {"rendered": 5}},
        {"title": None},
        {"slug": None},
        {"link": "javascript:x"},
        {"categories": "x"},
    ],
)
def test_odd_rows_do_not_take_the_others_down(wordpress: WordPress, fields: dict[str, Any]) -> None:
    wordpress.add(1, **fields)
    wordpress.add(2)
    assert "tip-2" in ids(read(wordpress))


def test_an_api_that_the_page_places_on_another_host_is_not_asked(wordpress: WordPress) -> None:
    wordpress.site.page("/x/", '<html><head><link rel="https://api.w.org/" href="http://other.example/wp-json/" /></head><body><p>'
                        + "Words of a page that is an article. " * 20 + "</p></body></html>")  # fmt: skip
    assert ids(read(wordpress, "/x/")) == ["x"]
