"""Whether what readers ask still leads to a sentence of the article."""

from collections.abc import Iterator
from difflib import get_close_matches

from backbot.chunking import split_passages
from backbot.corpus_check.findings import Finding, Quote, finding
from backbot.corpus_check.parts import Parts

_LIKELY = 0.6
"""How like each other (difflib's ratio) a former sentence and its new wording are."""


def check_questions(parts: Parts) -> Iterator[Finding]:
    """Readers' questions whose answer is no sentence of the article; the sentence that is most like it stands beside it."""
    article, place = parts.article, parts.place
    if not article.questions:
        return
    sentences = [passage.quote(sentence) for passage in split_passages(article) for sentence in passage.sentences]
    for row in article.questions:
        if row.answer not in sentences:
            likely = get_close_matches(row.answer, sentences, 1, _LIKELY)
            what = f'"{row.asked[0]}" leads to words that are no sentence of the article'
            quotes = (Quote(article.id, place, text) for text in (row.answer, *likely))
            yield finding("question without answer", article.id, place, what, *quotes)
