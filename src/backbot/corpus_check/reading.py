"""How hard an article is to read: the Flesch-Kincaid grade (Kincaid et al. 1975) as textstat counts it."""

from backbot.corpus_check.findings import ArticleLevel, SectionLevel
from backbot.corpus_check.parts import Paragraph, Parts

_LEAST_WORDS = 30
"""Below this the grade of a section says more about chance than about the section."""


def measure(parts: Parts) -> ArticleLevel:
    """The grade of the article and of each of its sections that is long enough to have one."""
    sections = []
    for section in parts.sections:
        words = sum(paragraph.words for paragraph in section.paragraphs)
        if words >= _LEAST_WORDS:
            sections.append(SectionLevel(section.heading, words, _grade(section.paragraphs)))
    words = sum(paragraph.words for paragraph in parts.paragraphs)
    return ArticleLevel(parts.article.id, parts.article.title, words, _grade(parts.paragraphs), tuple(sections))


def _grade(paragraphs: list[Paragraph] | tuple[Paragraph, ...]) -> float:
    import textstat

    # An item without a full stop would run into the next one and look like one long sentence.
    lines = (paragraph.text for paragraph in paragraphs if paragraph.kind != "row")
    text = " ".join(line if line.endswith((".", "!", "?")) else line.rstrip(" :;,") + "." for line in lines)
    return round(float(textstat.flesch_kincaid_grade(text)), 1) if text else 0.0
