"""Anything at all as input: an article or a named fault, soon, and no word that the source does not hold."""

import json
import re
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backbot.chunking import split_passages
from backbot.loaders import BadArticle, Unreadable, load_articles
from backbot.records import Article

FUZZ = settings(derandomize=True, max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

MARKUP = MarkdownIt("commonmark", {"html": True})
MARKUP.validateLink = lambda url: True  # type: ignore[method-assign,assignment]

# Pieces are set apart by spaces, so that no two words of a text become one where the markup between them goes.
PIECES = [
    *("---\n", "title: A\n", "status: withdrawn\n", "sources:\n  - key: k\n", "&a [*a]\n", "!!x y\n", "# H\n", "## H\n"),
    *("- item\n", "1. item\n", "| a | b |\n|---|---|\n| c | d |\n", "[t](javascript:x)", "[^k]", "[^k]: note\n", "<div>"),
    *(
        "</div>",
        "<p>",
        "<table><tr><td>",
        "<ul><li>",
        "<script>",
        "</script>",
        "<style>",
        "<!--",
        "-->",
        "<h1>",
        "<h2 hidden>",
    ),
    *("<a href='data:x'>", "<br><br>", "&lt;b&gt;", "&#0;", "&nbsp;", "<![CDATA[", "]]>", "[gallery]", "[x y='z']", "[/x]"),
    *(
        "<!-- wp:paragraph -->",
        "word ",
        "Words of a sentence. ",
        "\n\n",
        "\t",
        "    ",
        "\\",
        "*",
        "_",
        "`",
        "~~~\n",
        "===\n",
    ),
    *("\u202e", "\u200b", "\ufeff", "é", "हल्दी ", "\U000e0041", "Read more about x.\n", "{", "}", '"id": "a"', ","),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=40).map(" ".join)
BYTES = st.binary(max_size=300) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | TEXTS.map(
    lambda text: text.encode("utf-16", "surrogatepass")
)  # fmt: skip


def read(name: str, data: bytes) -> list[Article | BadArticle]:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            return list(load_articles(str(path)))
        except Unreadable:
            return []


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text))


def assert_nothing_came_in(found: list[Article | BadArticle], source: str) -> None:
    # The chunker takes source marks out of any text, and joins what stood around them.
    forms = (source, unescape(source), unescape(unescape(source)), re.sub(r"\s*\[\^[^\]\s]+\]", "", source))
    known = re.sub(r"[\W_]", "", normalize("NFC", " ".join(forms))).lower()
    for article in found:
        if isinstance(article, BadArticle):
            assert article.place and article.reason
            continue
        assert article.title and article.body.strip() == article.body and article.content_hash
        for token in MARKUP.parse(article.body):
            assert token.type != "html_block"
            for child in token.children or ():
                assert child.type not in ("html_inline", "image")
                assert not re.match(r"(?!https?:)[a-z]+:", str(child.attrs.get("href", "")), re.I)
        for passage in split_passages(article):
            for word in words(passage.text):
                assert word.lower() in known, word


@FUZZ
@given(BYTES)
@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.jsonl", "a.xml", "a.jsonl.gz", "a.xml.gz"])
def test_any_bytes_are_read_or_named(name: str, data: bytes) -> None:
    for found in read(name, data):
        if isinstance(found, BadArticle):
            assert found.place and found.reason
        else:
            assert found.title and found.content_hash


@FUZZ
@given(TEXTS)
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_no_word_comes_in_that_the_text_does_not_hold(name: str, text: str) -> None:
    assert_nothing_came_in(read(name, text.encode("utf-8", "ignore")), text + "a")


@FUZZ
@given(TEXTS)
def test_no_word_comes_in_that_the_page_does_not_hold(text: str) -> None:
    page = f"<html><body><main><h1>T</h1><p>Some words of the page. {text}</p></main></body></html>"
    assert_nothing_came_in(read("a.html", page.encode("utf-8", "ignore")), page)


@FUZZ
@given(TEXTS, TEXTS, st.sampled_from(["body", "html"]))
def test_no_word_comes_in_that_the_row_does_not_hold(title: str, text: str, key: str) -> None:
    row = json.dumps({"id": "a", "title": title, key: text}).encode()
    assert_nothing_came_in(read("a.jsonl", row), title + text)


@FUZZ
@given(TEXTS)
def test_no_word_comes_in_that_the_export_does_not_hold(text: str) -> None:
    content = text.replace("]]>", "]]]]><![CDATA[>")
    xml = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
        f"<item><title>T</title><content:encoded><![CDATA[{content}]]></content:encoded><wp:post_name>a</wp:post_name>"
        "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>"
    )
    assert_nothing_came_in(read("a.xml", xml.encode("utf-8", "ignore")), text + "ta")
