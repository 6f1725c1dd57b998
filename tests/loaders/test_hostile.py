"""Inputs that once took, or could take, time that grows with the square of their length: each of these would hang the run."""

from pathlib import Path

import pytest

from backbot.loaders import BadArticle, load_articles

PAGE = "<html><body><main><p>Words of the article here, enough of them to be one.</p>"
POST = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
    "<item><title>T</title><content:encoded><![CDATA[{}]]></content:encoded><wp:post_name>a</wp:post_name>"
    "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>"
)  # fmt: skip
TIMES = 30_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", PAGE + "<b hidden></b>x" * TIMES),
        ("a.html", PAGE + "<span class=share>x</span>y" * TIMES),
        ("a.html", PAGE + "<ul>" + "<li><a href=https://a.org>b</a>" * TIMES),
        (
            "a.html",
            PAGE + "<table><tr><td rowspan=200 colspan=40>" + "long " * TIMES + "</td></tr>" + "<tr><td>x</td></tr>" * 300,
        ),
        ("a.html", f"<style>{'/*' * TIMES}</style>{PAGE}"),
        ("a.html", f"<style>{'@a{' * TIMES}</style>{PAGE}"),
        ("a.html", f"<style>{'a' * 5 * TIMES}</style>{PAGE}"),
        ("a.html", f"<title>{' ' * 5 * TIMES}x</title>{PAGE}"),
        ("a.html", f"{PAGE}<a href='https://a.org'>{chr(92) * TIMES}]</a>"),
        ("a.html", f'<script type="application/ld+json">{"[" * TIMES}</script>{PAGE}'),
        ("a.md", "[" * TIMES),
        ("a.md", "*_" * TIMES),
        ("a.md", "`a " * TIMES),
        ("a.md", "> " * TIMES),
        ("a.md", "- " * TIMES),
        ("a.md", "[^a]: b\n" * TIMES),
        ("a.txt", "A\n\n" * TIMES),
        ("a.txt", "Read more " * TIMES),
        ("a.xml", POST.format("[caption]" * TIMES)),
        ("a.xml", POST.format("[a b=c][/a]" * TIMES)),
        ("a.xml", POST.format("\n \n" * TIMES)),
    ],
)
def test_hostile_input_ends_in_an_article_or_a_named_fault(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (found,) = load_articles(str(tmp_path / name))
    assert found.reason if isinstance(found, BadArticle) else len(found.body) < 3_000_000
