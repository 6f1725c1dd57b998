"""An article's page: what is shown, where links land, and that nothing in an article acts."""

from datetime import date

import pytest

from backbot.chunking import split_sections
from backbot.records import Article, Source
from backbot.web.articles import article_page, review_line

TODAY = date(2026, 11, 22)
SOURCE = Source("s-1", "Doe J", "A trial", 2020, "https://doi.org/10.1/x")


def page(body: str, **fields: object) -> str:
    values: dict[str, object] = {"id": "a", "title": "Title", "body": body, "sources": (SOURCE,), **fields}
    linked = Article("b", "B", "")
    return article_page(Article(**values), lambda name: linked if name == "b" else None, may_link, TODAY)  # type: ignore[arg-type]


def may_link(address: str) -> bool:
    return address.startswith(("https://health.example/", "https://doi.org/"))


def test_the_anchors_are_those_that_citations_name():
    body = "## How long?\n\nOne.\n\n## How *long*?\n\nTwo.\n\n### Who, me?\n\nThree."
    shown = page(body)
    assert [section.anchor for section in split_sections(body)] == ["how-long", "how-long-2", "who-me"]
    for section in split_sections(body):
        assert f'id="{section.anchor}"' in shown


def test_a_source_mark_is_a_link_without_text():
    shown = page("## H\n\nIce helps.[^s-1] More.[^unknown]")
    assert 'Ice helps.<sup><a class="mark" href="#source-1" data-n="1" aria-label="Source 1"' in shown
    assert "></a></sup> More.</p>" in shown
    assert "unknown" not in shown
    assert '<li id="source-1">Doe J. <a href="https://doi.org/10.1/x"' in shown


@pytest.mark.parametrize(
    ("link", "leads"),
    [("b.md", "/articles/b"), ("b.md#part", "/articles/b#part"), ("https://health.example/y", "https://health.example/y")],
)
def test_links_lead_to_articles_and_pages_of_the_publisher(link: str, leads: str):
    assert f'<a href="{leads}"' in page(f"## H\n\nRead [this]({link}).")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "c.md",
        "/etc/passwd",
        "//evil.example",
        "file:///x",
        "https://evil.example/x",
    ],
)
def test_other_links_lead_nowhere(link: str):
    shown = page(f"## H\n\nRead [this]({link}).")
    assert "this" in shown
    assert f'href="{link}' not in shown


PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<iframe src='https://evil.example'>",
    "<a href='javascript:alert(1)'>x</a>", "<form action='https://evil.example'><input name=q></form>",
    "<div style='background:url(https://evil.example)'>x</div>", "![x](https://evil.example/p.png)", "<base href='https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<video poster='https://evil.example/p'>", "<object data='https://evil.example'>", "<math><mtext></mtext><mglyph><style><img onerror=alert(1)>",
    "<p onmouseover=alert(1)>x</p>", "<style>@import 'https://evil.example'</style>", "<img srcset='https://evil.example 1x'>",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_an_article_acts_or_calls_out(payload: str):
    shown = page(f"## H {payload}\n\n{payload}\n\ntext {payload}", title=payload, description=payload, reviewer=payload)
    body = shown[shown.index('<div class="body">') : shown.index('<section class="sources"')]
    for bad in (
        "<script",
        "<img",
        "<svg",
        "<iframe",
        "<form",
        "<base",
        "<link",
        "<meta",
        "<video",
        "<object",
        "<style",
        "style=",
        " on",
    ):
        assert bad not in body.lower()
    assert payload.replace("'", "&#39;") not in shown or not payload.startswith("<")
    assert shown.count("<script") == 0
    assert shown.count("<link") == 4


def test_the_review_is_told_as_it_is():
    assert (
        review_line(Article("a", "T", "", reviewed=TODAY))
        == "Last checked 22 November 2026. Not yet reviewed by a clinician."
    )
    assert review_line(Article("a", "T", "", reviewed=TODAY, reviewer="Dr Ana Lee")).endswith("Reviewed by Dr Ana Lee.")
    assert "due to be checked again by 1 May 2026" in page("## H\n\nT.", review_by=date(2026, 5, 1))
    assert "due to be checked" not in page("## H\n\nT.", review_by=date(2027, 5, 1))
