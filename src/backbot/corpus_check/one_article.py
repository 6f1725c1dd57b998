"""What can be wrong with an article by itself. Each rule takes the article's parts and yields findings."""

import re
from collections.abc import Iterator
from datetime import date

from backbot.chunking import PASSAGE_WORDS
from backbot.corpus_check.findings import ArticleLevel, Finding, Quote, finding
from backbot.corpus_check.parts import MARK, Parts, Section, Statement
from backbot.corpus_check.quantities import read_quantities

MAX_GRADE = 9.0
_MAX_SECTION_GRADE_ABOVE = 3.0
_MAX_PARAGRAPH_WORDS = 100
_LEAST_SECTION_WORDS = 8

_HELP = re.compile(
    r"\bwhen to (?:get|seek|call|see|ask|go|talk|contact|worry)\b|\bget (?:medical )?help\b|\bemergency\b|\burgent\b"
    r"|\bsee(?:ing)? (?:a|your) (?:doctor|clinician|gp)\b|\bred flags?\b|\bwarning signs?\b",
    re.I,
)
# Wording that tells the reader to do something, or not to, or says what something does. "Lower" is mostly the lower back,
# and pain that can ease does nothing.
_ACTION = re.compile(
    r"^(?:do not|don[’']t|never|always|avoid|stop|use|take|apply|try|keep|wrap|start|rest|walk|sleep|lie|sit|stand|stretch"
    r"|hold|repeat|limit|choose|wear|lift|place|put|remove)\b"
    r"|\b(?:should|must|is (?:not )?recommended|recommends?|is (?:not )?advised|advises?"
    r"|(?<!pain )can (?:help|ease|reduce|relieve)|(?:does|do|did) not (?:help|work)|lowers|reduces?|raises? the risk"
    r"|is (?:not )?safe)\b",
    re.I,
)
_POINTING = re.compile(r"^(?:read|see|learn|find out)\b.*\b(?:more|in|about)\b", re.I)


def check_reviews(parts: Parts, today: date) -> Iterator[Finding]:
    """Reviews that are overdue, missing or in the future."""
    article, place = parts.article, parts.place
    if article.review_by and article.review_by < today:
        days = (today - article.review_by).days
        yield finding("review overdue", article.id, place, f"was to be reviewed by {article.review_by}, {days} days ago")
    for name, day in (("reviewed", article.reviewed), ("published", article.published)):
        if day and day > today:
            yield finding("date in the future", article.id, place, f"{name} is {day}, after today ({today})")
    missing = [name for name in ("reviewed", "review_by") if getattr(article, name) is None]
    if missing:
        yield finding("review missing", article.id, place, f"has no {' and no '.join(missing)} date")
    if not article.reviewer:
        yield finding("reviewer missing", article.id, place, "names no reviewer")


def check_sources(parts: Parts) -> Iterator[Finding]:
    """Marks that name no source, sources that no mark names, and claims without a mark."""
    article = parts.article
    known = {source.key for source in article.sources}
    used: set[str] = set()
    for statement in parts.statements:
        for key in statement.marks:
            if key not in known | used:
                what = f"the mark [^{key}] names no source"
                yield finding("source undefined", article.id, statement.place, what, statement.quote)
            used.add(key)
    for key in sorted(known - set(MARK.findall(article.body))):
        yield finding("source unused", article.id, parts.place, f"the source {key} is named by no mark")
    if known or used:
        yield from _claims_without_source(parts)


def _claims_without_source(parts: Parts) -> Iterator[Finding]:
    """One finding for each section that holds such claims."""
    for section in parts.sections:
        claims = list(_unmarked_claims(section))
        if claims:
            many = f"{len(claims)} sentences guide" if len(claims) > 1 else "a sentence guides"
            figure = "give a figure" if len(claims) > 1 else "gives a figure"
            what = f"{many} action or {figure}, and no source mark follows"
            yield finding(
                "claim without source", parts.article.id, claims[0].place, what, *(claim.quote for claim in claims)
            )


def _unmarked_claims(section: Section) -> Iterator[Statement]:
    has_marks = any(statement.marks for paragraph in section.paragraphs for statement in paragraph.statements)
    led_in = False
    for paragraph in section.paragraphs:
        # The mark of the line that leads into a list vouches for its items, one in or beside a table for its rows.
        if paragraph.kind == "paragraph":
            led_in = paragraph.text.endswith(":") and bool(paragraph.statements[-1].marks)
        if (paragraph.kind == "item" and led_in) or (paragraph.kind == "row" and has_marks):
            continue
        for at, statement in enumerate(paragraph.statements):
            # A mark at the end of a thought of several sentences vouches for all of them.
            is_vouched_for = any(later.marks for later in paragraph.statements[at:])
            is_aside = statement.has_link or statement.text.endswith("?") or _POINTING.match(statement.text)
            if not is_vouched_for and not is_aside and (_ACTION.search(statement.text) or read_quantities(statement.text)):
                yield statement


def check_shape(parts: Parts) -> Iterator[Finding]:
    """Paragraphs and sentences that are too long, sections without text of their own, no word on when to get help."""
    article = parts.article
    for paragraph in parts.paragraphs:
        if paragraph.kind == "paragraph" and paragraph.words > _MAX_PARAGRAPH_WORDS:
            quote = Quote(article.id, paragraph.place, paragraph.text)
            yield finding("paragraph too long", article.id, paragraph.place, f"has {paragraph.words} words", quote)
        for statement in paragraph.statements:
            words = len(statement.text.split())
            if words > PASSAGE_WORDS:
                what = f"one sentence has {words} words, and a passage holds {PASSAGE_WORDS}"
                yield finding("no passage can hold it", article.id, paragraph.place, what, statement.quote)
    for section, following in zip(parts.sections, (*parts.sections[1:], None), strict=True):
        has_parts = following is not None and following.level > section.level
        words = sum(paragraph.words for paragraph in section.paragraphs)
        if section.heading and words < _LEAST_SECTION_WORDS and not has_parts:
            what = f'the section "{section.heading}" has {words or "no"} words, too few for a passage that answers something'
            yield finding("section says too little", article.id, section.place, what)
    if not parts.paragraphs:
        yield finding("no passage can hold it", article.id, parts.place, "has no text, so no passage")
    if not any(_HELP.search(heading) for heading in (article.title, *(section.heading for section in parts.sections))):
        yield finding("when to get help missing", article.id, parts.place, "no heading says when to get help")


def check_reading_level(parts: Parts, level: ArticleLevel, max_grade: float) -> Iterator[Finding]:
    """Articles above `max_grade`, and sections far above it."""
    if level.grade > max_grade:
        what = f"reads at grade {level.grade}, above {max_grade:g}"
        yield finding("hard to read", parts.article.id, parts.place, what)
    places = {section.heading: section.place for section in parts.sections}
    for section in level.sections:
        if section.grade > max_grade + _MAX_SECTION_GRADE_ABOVE:
            what = f'"{section.heading}" reads at grade {section.grade}'
            yield finding("section hard to read", parts.article.id, places.get(section.heading, parts.place), what)
