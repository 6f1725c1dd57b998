import os
from pathlib import Path

import pytest

from backbot.loaders import BadArticle, Unreadable, load_articles, read_source
from backbot.records import Article

ARTICLE = "---\ntitle: {title}\n---\n\n## Heading\n\nText.\n"


def write(path: Path, title: str = "A") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ARTICLE.format(title=title))


def ids(source: Path) -> list[str]:
    return [found.id if isinstance(found, Article) else f"bad: {found.reason}" for found in load_articles(str(source))]


def test_a_folder_is_read_with_all_below_it_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b.md")
    write(tmp_path / "deeper" / "a.markdown")
    write(tmp_path / "cold" / "index.md")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    write(tmp_path / ".git" / "hidden.md")
    write(tmp_path / "page_files" / "frame.html")
    (tmp_path / "README.md").write_text("# For people who look in here")
    assert ids(tmp_path) == ["b", "cold", "a"]


def test_a_readme_with_front_matter_is_an_article(tmp_path: Path) -> None:
    write(tmp_path / "readme.md")
    assert ids(tmp_path) == ["readme"]


def test_one_bad_article_does_not_take_the_others_down(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    (tmp_path / "b.md").write_bytes(b"")
    (tmp_path / "c.md").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "d.md").write_text("---\ntitle: D\nstatsu: withdrawn\n---\n\nText.")
    write(tmp_path / "e.md")
    found = list(load_articles(str(tmp_path)))
    assert [f.id for f in found if isinstance(f, Article)] == ["a", "e"]
    bad = [f for f in found if isinstance(f, BadArticle)]
    assert [b.article for b in bad] == ["b", "c", "d"]
    assert bad[2].place == f"{tmp_path / 'd.md'}:3"


def test_the_second_article_of_one_id_is_left_out_and_the_first_is_named(tmp_path: Path) -> None:
    write(tmp_path / "heat pads.md", "First")
    write(tmp_path / "heat-pads.md", "Second")
    first, second = load_articles(str(tmp_path))
    assert isinstance(first, Article) and first.id == "heat-pads" and first.title == "First"
    assert isinstance(second, BadArticle) and "heat pads.md has already" in second.reason


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.md")
    write(tmp_path / "in" / "a.md")
    (tmp_path / "in" / "link.md").symlink_to(tmp_path / "outside" / "secret.md")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "in" / "loop.md").symlink_to(tmp_path / "in" / "nowhere.md")
    found = ids(tmp_path / "in")
    assert found[0] == "a" and len(found) == 3
    assert all("link to a file outside" in reason for reason in found[1:])


def test_a_pipe_with_an_articles_name_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert ids(tmp_path) == ["bad: is not a regular file; leave it out of the folder"]


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("heat-vs-cold.md", "heat-vs-cold"),
        ("Rücken & Wärme.md", "rucken-warme"),
        ("..%2f..%2fetc.md", "2f-2fetc"),
        (".. .md", None),
        ("पीठ.md", None),
        ("a" * 200 + ".md", None),
    ],
)
def test_ids_come_from_names_and_are_safe_in_paths(tmp_path: Path, name: str, identity: str | None) -> None:
    write(tmp_path / "x" / name) if not name.startswith("..") else None
    (tmp_path / "x").mkdir(exist_ok=True)
    path = tmp_path / "x" / name
    write(path)
    (found,) = load_articles(str(path))
    assert isinstance(found, Article)
    assert identity is None or found.id == identity
    assert "/" not in found.id and ".." not in found.id and 0 < len(found.id) <= 150


@pytest.mark.parametrize("source", ["nowhere", "x" * 5000, "a\0b", "ftp://a.org/", "file:///etc/passwd"])
def test_a_source_that_cannot_be_read_says_so(source: str) -> None:
    with pytest.raises(Unreadable):
        list(load_articles(source))


def test_a_folder_without_articles_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="holds no article"):
        list(load_articles(str(tmp_path)))


def test_a_file_of_another_kind_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK")
    with pytest.raises(Unreadable, match=r"\.md"):
        list(load_articles(str(tmp_path / "a.docx")))


def test_the_place_of_each_article_is_known(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    assert [place for place, _ in read_source(str(tmp_path))] == [str(tmp_path / "a.md")]
