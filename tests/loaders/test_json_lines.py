import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backbot.loaders import BadArticle, load_articles
from backbot.records import Article


def read(path: Path) -> list[Article | BadArticle]:
    return list(load_articles(str(path)))


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_markdown_and_html_rows_become_articles(tmp_path: Path) -> None:
    rows = [
        {
            "id": "a_1",
            "title": "A",
            "url": "https://h.org/a",
            "body": "## H\n\nText.",
            "reviewed": "2026-01-02",
            "source": "X",
        },
        {
            "id": 7,
            "title": "B",
            "url": "https://h.org/b",
            "html": "<h2>H</h2><p>See <a href='c'>c</a>.</p>",
            "topics": ["t"],
        },
        {"id": "w", "title": "C", "body": "Gone.", "status": "withdrawn"},
    ]
    a, b, c = read(write(tmp_path / "x.jsonl", *rows))
    assert isinstance(a, Article) and (a.id, a.body, a.reviewed) == ("a_1", "## H\n\nText.", date(2026, 1, 2))
    assert isinstance(b, Article) and (b.id, b.body, b.topics) == ("7", "## H\n\nSee [c](https://h.org/c).", ("t",))
    assert isinstance(c, Article) and c.status == "withdrawn"


def test_a_packed_file_is_read_too(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "x.jsonl.gz", "wt") as file:
        file.write('{"id": "a", "title": "A", "body": "Text."}\n')
    assert [found.id for found in read(tmp_path / "x.jsonl.gz") if isinstance(found, Article)] == ["a"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"id": "a", "id": "b"}', "same key twice"),
        ({"title": "A", "body": "x"}, "has no id"),
        ({"id": True, "title": "A", "body": "x"}, "has no id"),
        ({"id": "../../etc/passwd", "title": "A", "body": "x"}, "cannot be used"),
        ({"id": "a/b", "title": "A", "body": "x"}, "cannot be used"),
        ({"id": "..", "title": "A", "body": "x"}, "cannot be used"),
        ({"id": "", "title": "A", "body": "x"}, "cannot be used"),
        ({"id": "a", "body": "x"}, "has no title"),
        ({"id": "a", "title": ["A"], "body": "x"}, "title: must be text"),
        ({"id": "a", "title": "A"}, "has no text"),
        ({"id": "a", "title": "A", "body": "  "}, "has no text"),
        ({"id": "a", "title": "A", "body": {"x": 1}}, "has no text"),
        ({"id": "a", "title": "A", "html": "<script>x</script>"}, "has no text"),
        ({"id": "a", "title": "A", "body": "x", "reviewed": "31/12/2026"}, "not a date"),
        ({"id": "a", "title": "A", "body": "x", "stauts": "withdrawn"}, "did you mean 'status'?"),
        ({"id": "a", "title": "A", "body": "x", "url": "//h.org"}, "not a full http or https address"),
        ({"id": "a", "title": "A", "body": "x", "sources": [1]}, "each row needs key"),
    ],
)
def test_a_bad_line_is_named_and_the_next_is_read(tmp_path: Path, row: Any, words: str) -> None:
    path = write(
        tmp_path / "x.jsonl", {"id": "first", "title": "A", "body": "x"}, row, {"id": "last", "title": "A", "body": "x"}
    )
    first, bad, last = read(path)
    assert isinstance(first, Article) and isinstance(last, Article)
    assert isinstance(bad, BadArticle) and words in bad.reason and bad.place == f"{path}:2"


@pytest.mark.parametrize("key", ["body", "html"])
def test_characters_that_no_reader_sees_are_taken_out_of_escapes_too(tmp_path: Path, key: str) -> None:
    (found,) = read(write(tmp_path / "x.jsonl", {"id": "a", "title": "A", key: "He\u200bat\u202e \U000e0041pack\u0301\x07"}))
    assert isinstance(found, Article) and found.body == "Heat pacḱ"


def test_half_a_character_does_not_get_into_an_article(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", '{"id": "a", "title": "A\\ud800", "body": "Te\\udfffxt."}')
    (found,) = read(path)
    assert isinstance(found, Article) and (found.title, found.body) == ("A", "Text.")
    assert found.content_hash


def test_a_line_without_end_is_a_fault_and_not_a_full_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb", compresslevel=1) as file:
        for _ in range(15):
            file.write(b"a" * 1_000_000)
    (bad,) = read(tmp_path / "bomb.jsonl.gz")
    assert isinstance(bad, BadArticle) and "more than 10 MB" in bad.reason


def test_a_cut_gzip_file_gives_what_came_before_the_cut(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": f"a{n}", "title": "A", "body": f"Text {n * 7919}."}) + "\n" for n in range(2000))
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-2000])
    found = read(tmp_path / "x.jsonl.gz")
    assert isinstance(found[0], Article) and isinstance(found[-1], BadArticle)
    assert "check that the file is whole" in found[-1].reason


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x89PNG\r\n\x1a\n\0\0\0"])
def test_an_empty_or_binary_file_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.jsonl").write_bytes(data)
    found = read(tmp_path / "x.jsonl")
    assert found and all(isinstance(bad, BadArticle) for bad in found)
