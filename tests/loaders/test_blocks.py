"""What is written as Markdown must be read back as the same words: nothing may turn into markup on the way."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbot.chunking import split_sections
from backbot.loaders.content import read_content
from backbot.loaders.sanitising import web_link, web_or_relative_link

WORDS = st.text(alphabet="ab1 .#*_`[]()<>&;!|\\~-+=^:\"'", min_size=1, max_size=60)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(WORDS, WORDS)
def test_words_survive_being_written_and_read(first: str, second: str) -> None:
    body = read_content(f"<p>q{escape(first)}q</p><ul><li>q{escape(second)}q</li></ul>")
    texts = [block.text for section in split_sections(body) for block in section.blocks]
    assert texts == [" ".join(f"q{first}q".split()), " ".join(f"q{second}q".split())]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(WORDS)
def test_words_at_the_start_of_a_paragraph_survive_too(words: str) -> None:
    body = read_content(f"<p>{escape(words)} q</p>")
    texts = [block.text for section in split_sections(body) for block in section.blocks]
    assert texts == [" ".join(f"{words} q".split())]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/a", "https://h.org/a"),
        ("https://o.org/x y", "https://o.org/x%20y"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("data:text/html,x", ""),
        ("mailto:a@b.org", ""),
        ("//o.org/x", "https://o.org/x"),
        ("http://[::1", ""),
    ],
)
def test_only_web_links_are_kept(address: str, kept: str) -> None:
    assert web_link("https://h.org/")(address) == kept


@pytest.mark.parametrize(
    ("address", "kept"), [("heat.md#how", "heat.md#how"), ("//evil.org/x", ""), ("vbscript:x", ""), ("", "")]
)
def test_markdown_may_link_to_its_neighbours(address: str, kept: str) -> None:
    assert web_or_relative_link(address) == kept
