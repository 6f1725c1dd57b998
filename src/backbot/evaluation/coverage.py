"""What a suite tests of the articles and what it asks in vain, for editors to see what to write next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backbot.evaluation.articles import Articles
from backbot.evaluation.judging import CaseResult

MOST_ARTICLES = 300
"""In a larger index only the articles that the suite touches are mapped: reading them all would take minutes."""

GapKind = Literal["no article", "not retrieved", "not used"]


@dataclass(frozen=True, slots=True)
class SectionCover:
    """How many answers retrieved a passage of the section, and how many cite it."""

    heading: str
    retrieved: int
    cited: int


@dataclass(frozen=True, slots=True)
class ArticleCover:
    """How many cases name the article as a right source, and what came of each of its sections."""

    id: str
    title: str
    tested: int
    retrieved: int
    cited: int
    sections: tuple[SectionCover, ...]

    @property
    def never_retrieved(self) -> tuple[str, ...]:
        """The headings of the sections that no question reaches."""
        return tuple(section.heading for section in self.sections if not (section.retrieved or section.cited))


@dataclass(frozen=True, slots=True)
class Gap:
    """A wording that should have been answered from an article and was not; `kind` says where it was lost."""

    case: str
    question: str
    topic: str
    risk: str
    kind: GapKind
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeclineBin:
    """Answers whose best passage has a cosine from `low` to `high`: how many were answered, by whether they should be."""

    low: float
    high: float
    right_answered: int
    right_declined: int
    wrong_answered: int
    wrong_declined: int


def map_coverage(results: Sequence[CaseResult], articles: Articles) -> tuple[ArticleCover, ...]:
    """Each article with its sections, in alphabetical order."""
    tested = Counter(name for result in results for name in result.case.right_articles)
    retrieved: Counter[tuple[str, str]] = Counter()
    cited: Counter[tuple[str, str]] = Counter()
    found: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for answer in (answer for result in results for answer in result.answers):
        retrieved.update({(hit.article, hit.heading) for hit in answer.hits})
        found.update({hit.article for hit in answer.hits})
        citations = answer.reply.citations if answer.reply else ()
        cited.update({(citation.article, citation.heading) for citation in citations})
        used.update({citation.article for citation in citations})
    names = set(articles.hashes)
    if len(names) > MOST_ARTICLES:
        names &= {*tested, *found, *used}
    covers = []
    for name in sorted(names):
        text = articles.text(name)
        if text is None:
            continue
        headings = dict.fromkeys(section.heading for section in text.sections)
        sections = tuple(SectionCover(heading, retrieved[name, heading], cited[name, heading]) for heading in headings)
        covers.append(ArticleCover(name, text.title, tested[name], found[name], used[name], sections))
    return tuple(covers)


def find_gaps(results: Sequence[CaseResult], articles: Sequence[str]) -> list[Gap]:
    """The wordings of answerable cases that cite no right article, by where the article was lost."""
    known = set(articles)
    gaps = []
    for result in results:
        case = result.case
        if not (case.is_answerable and case.right_articles):
            continue
        wanted = set(case.right_articles)
        for answer in result.answers:
            cited = {citation.article for citation in answer.reply.citations} if answer.reply else set()
            if answer.error or cited & wanted:
                continue
            kind: GapKind = "not used" if wanted & set(answer.articles_found) else "not retrieved"
            kind = kind if wanted & known else "no article"
            gaps.append(Gap(case.id, answer.turns[-1], case.topic, case.risk, kind, case.right_articles))
    return gaps


def bin_declines(results: Sequence[CaseResult]) -> list[DeclineBin]:
    """Answers of cases that are answerable or to be declined, by the cosine of their best passage."""
    counts: dict[int, Counter[tuple[bool, bool]]] = {}
    for result in results:
        if not (result.case.is_answerable or result.case.expect == "decline"):
            continue
        for answer in result.answers:
            if answer.reply and answer.hits:
                place = int(10 * max(0.0, *(hit.dense for hit in answer.hits)))
                key = (result.case.is_answerable, answer.reply.outcome == "answered")
                counts.setdefault(place, Counter())[key] += 1
    return [
        DeclineBin(
            low=place / 10,
            high=(place + 1) / 10,
            right_answered=count[True, True],
            right_declined=count[False, False],
            wrong_answered=count[False, True],
            wrong_declined=count[True, False],
        )
        for place, count in sorted(counts.items())
    ]
