"""`backbot corpus check`: what editors should mend in their articles before readers ask about them."""

from collections.abc import Mapping, Sequence
from datetime import date

from backbot.corpus_check.across import MAX_SENTENCES, Embed, check_contradictions, check_duplicates, check_links
from backbot.corpus_check.findings import ArticleLevel, Finding, Quote, Report, SectionLevel, finding
from backbot.corpus_check.one_article import (
    MAX_GRADE,
    check_reading_level,
    check_reviews,
    check_shape,
    check_sources,
)
from backbot.corpus_check.parts import take_apart
from backbot.corpus_check.questions import check_questions
from backbot.corpus_check.reading import measure
from backbot.corpus_check.reports import render_table, to_json, write_html
from backbot.loaders.faults import BadArticle
from backbot.records import Article

__all__ = [
    "ArticleLevel",
    "Embed",
    "Finding",
    "Quote",
    "Report",
    "SectionLevel",
    "check_corpus",
    "render_table",
    "to_json",
    "write_html",
]


def check_corpus(
    articles: Sequence[Article],
    bad: Sequence[BadArticle],
    embed: Embed | None = None,
    today: date | None = None,
    places: Mapping[str, str] | None = None,
    max_grade: float = MAX_GRADE,
) -> Report:
    """Check `articles` (and name the `bad` ones that could not be read), each by itself and against the others.

    `embed` turns sentences into vectors of length 1; without it contradictions are not looked for, and the report says so.
    `places` maps an article's id to the file or address it was read from. `max_grade` is the hardest grade that passes.
    """
    day = today or date.today()
    findings = [finding("cannot be read", fault.article, fault.place, fault.reason) for fault in bad]
    corpus = [take_apart(article, (places or {}).get(article.id, "")) for article in articles]
    published = [parts for parts in corpus if parts.article.status == "published"]
    levels = []
    for parts in published:
        level = measure(parts)
        levels.append(level)
        findings += check_reviews(parts, day)
        findings += check_sources(parts)
        findings += check_shape(parts)
        findings += check_questions(parts)
        findings += check_reading_level(parts, level, max_grade)
    findings += check_links(corpus)
    findings += check_duplicates(published)
    notes = []
    if embed is None:
        notes.append("Contradictions were not looked for: that needs the embedding model.")
    else:
        findings += check_contradictions(published, embed)
        sentences = sum(len(parts.statements) for parts in published)
        if sentences > MAX_SENTENCES:
            notes.append(f"Only the first {MAX_SENTENCES} of {sentences} sentences were compared for contradictions.")
    findings.sort(key=lambda found: (found.level != "fault", found.rule, found.place))
    return Report(tuple(findings), tuple(levels), day.isoformat(), tuple(notes))
