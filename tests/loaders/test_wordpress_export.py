import gzip
from datetime import date
from pathlib import Path

import pytest

from backbot.loaders import BadArticle, load_articles
from backbot.records import Article

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- made by an export -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Back Health</title><wp:wxr_version>1.2</wp:wxr_version>
"""
TAIL = "</channel></rss>\n"


def item(name: str, text: str = "Some words.", status: str = "publish", kind: str = "post", more: str = "") -> str:
    return f"""<item><title><![CDATA[{name.title()} &amp; you]]></title><link>https://h.org/{name}/</link>
<content:encoded><![CDATA[{text}]]></content:encoded><excerpt:encoded><![CDATA[excerpt]]></excerpt:encoded>
<wp:post_id>4</wp:post_id><wp:post_date_gmt><![CDATA[2026-03-04 05:06:07]]></wp:post_date_gmt>
<wp:post_name><![CDATA[{name}]]></wp:post_name><wp:status><![CDATA[{status}]]></wp:status>
<wp:post_type><![CDATA[{kind}]]></wp:post_type><wp:post_password><![CDATA[]]></wp:post_password>
<category domain="category" nicename="self-care"><![CDATA[Self care &amp; rest]]></category>
<category domain="post_tag" nicename="x"><![CDATA[tagged]]></category>{more}
<wp:comment><wp:comment_content><![CDATA[I love ice!]]></wp:comment_content></wp:comment></item>
"""


def read(path: Path, xml: str | bytes) -> list[Article | BadArticle]:
    path.write_bytes(xml if isinstance(xml, bytes) else xml.encode())
    return list(load_articles(str(path)))


def test_a_published_post_becomes_an_article(tmp_path: Path) -> None:
    (found,) = read(tmp_path / "x.xml", HEAD + item("ice", "One [gallery ids='1'].\n\nTwo <a href='/b'>b</a>.") + TAIL)
    assert isinstance(found, Article)
    assert (found.id, found.title, found.url) == ("ice", "Ice & you", "https://h.org/ice/")
    assert (found.published, found.topics) == (date(2026, 3, 4), ("Self care & rest",))
    assert found.body == "One .\n\nTwo [b](https://h.org/b)."


@pytest.mark.parametrize("status", ["draft", "pending", "private", "trash", "future", "auto-draft", "inherit", ""])
def test_what_is_not_published_is_left_out(tmp_path: Path, status: str) -> None:
    found = read(tmp_path / "x.xml", HEAD + item("secret", status=status) + item("open") + TAIL)
    assert [article.id for article in found if isinstance(article, Article)] == ["open"] and len(found) == 1


def test_attachments_and_posts_with_a_password_are_left_out(tmp_path: Path) -> None:
    locked = item("locked").replace("<wp:post_password><![CDATA[]]>", "<wp:post_password><![CDATA[x]]>")
    assert read(tmp_path / "x.xml", HEAD + item("file", kind="attachment") + locked + TAIL) == []


def test_a_page_is_read_and_an_empty_post_is_named(tmp_path: Path) -> None:
    page, bad = read(tmp_path / "x.xml", HEAD + item("about", kind="page") + item("empty", text="") + TAIL)
    assert isinstance(page, Article) and page.id == "about"
    assert isinstance(bad, BadArticle) and bad.article == "empty" and "has no text" in bad.reason


def test_control_characters_do_not_end_the_export(tmp_path: Path) -> None:
    (found,) = read(tmp_path / "x.xml", HEAD + item("ice", "Co\x0bld\x00.") + TAIL)
    assert isinstance(found, Article) and found.body == "Cold."


def test_a_cut_export_gives_what_came_before_and_names_the_line(tmp_path: Path) -> None:
    xml = HEAD + item("one") + item("two")
    found = read(tmp_path / "x.xml", xml[:-100])
    assert isinstance(found[0], Article) and found[0].id == "one"
    assert isinstance(found[-1], BadArticle) and "from here on" in found[-1].reason


BOMB = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


@pytest.mark.parametrize(
    "xml",
    [
        BOMB + "]>" + HEAD.split("?>", 1)[1].replace("Back Health", "&j;") + TAIL,
        HEAD.replace("<!-- made", '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><!-- made')
        + item("ice", "]]>&x;<![CDATA[")
        + TAIL,
        "<rss><channel><item/></channel></rss>",
        "<html></html>",
        "not xml",
        "",
        b"\x89PNG\r\n\x1a\n\0\0",
    ],
)
def test_hostile_and_foreign_files_are_named_and_nothing_of_them_is_read(tmp_path: Path, xml: str | bytes) -> None:
    (bad,) = read(tmp_path / "x.xml", xml)
    assert isinstance(bad, BadArticle)


def test_deep_nesting_is_named(tmp_path: Path) -> None:
    found = read(tmp_path / "x.xml", HEAD + "<a>" * 100_000)
    assert len(found) == 1 and isinstance(found[0], BadArticle)


def test_a_packed_export_is_read(tmp_path: Path) -> None:
    found = read(tmp_path / "x.xml.gz", gzip.compress((HEAD + item("ice") + TAIL).encode()))
    assert [article.id for article in found if isinstance(article, Article)] == ["ice"]
