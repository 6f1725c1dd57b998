"""Citations: the verbatim quote and a link that opens the article at it."""

import re
from datetime import date
from urllib.parse import quote

from backbot.records import Citation, Passage

FRAGMENT_WORDS = 12
"""A quote of up to so many words is named whole in its link; of a longer one, the first and last few."""

START_WORDS = 8
END_WORDS = 5
"""Of a long quote. So long a start is not found in the heading above it, which often begins with the same words."""


def make_citation(n: int, passage: Passage, words: str, today: date) -> Citation:
    """The citation of `words`, which stand verbatim in the passage."""
    page = passage.url or f"/articles/{passage.article}"
    # The heading's anchor is where a browser without text fragments lands; on the publisher's own page it is unknown.
    anchor = "" if passage.url or not passage.anchor else quote(passage.anchor)
    return Citation(
        n=n,
        article=passage.article,
        title=passage.title,
        heading=passage.heading,
        url=page,
        link=f"{page.split('#')[0]}#{anchor}:~:text={text_fragment(words)}",
        quote=words,
        reviewed=passage.reviewed.isoformat() if passage.reviewed else "",
        is_overdue=passage.review_by is not None and passage.review_by < today,
    )


def text_fragment(words: str) -> str:
    """The `text=` value that finds `words` on a page (WICG Scroll to Text Fragment): whole, or `start,end` when long."""
    cells = [cell.split() for cell in words.split(" | ")]
    tokens = [token for cell in cells for token in cell]
    if len(cells) == 1 and len(tokens) <= FRAGMENT_WORDS:
        return _encode(tokens)
    start = cells[0][:START_WORDS]
    end = cells[-1][-END_WORDS:]
    return f"{_encode(start)},{_encode(end)}"


def _encode(tokens: list[str]) -> str:
    # Punctuation at the edges is dropped: a match must begin and end at a word's edge.
    text = re.sub(r"^\W+|\W+$", "", " ".join(tokens))
    return quote(text, safe="").replace("-", "%2D")
