"""What the check finds, and the report of it all."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

Level = Literal["fault", "warning"]


# Every rule: its name, how much it matters, what an editor does about it.
RULES: dict[str, tuple[Level, str]] = {
    "cannot be read": ("fault", "Mend it; until then it is left out."),
    "review overdue": ("fault", "Review the article against its sources, then move reviewed and review_by."),
    "date in the future": ("fault", "Correct the date."),
    "review missing": ("warning", "Review the article and write the dates down; readers see when it was last checked."),
    "reviewer missing": ("warning", "Have a clinician review the article and enter their name."),
    "source undefined": ("fault", "Add the source to the front matter, or correct the mark."),
    "source unused": ("warning", "Mark the claims that rest on it, or take it out."),
    "claim without source": ("warning", "Add the mark of the source that says so."),
    "question without answer": ("fault", "Copy the sentence that answers as it stands now, or take the questions out."),
    "paragraph too long": ("warning", "Split it: two to four short sentences a paragraph."),
    "no passage can hold it": ("fault", "Write short sentences in paragraphs under headings."),
    "section says too little": ("warning", "Write what a reader of this heading wants to know, or take the heading out."),
    "when to get help missing": ("fault", "End the article with a section `## When to get help`."),
    "hard to read": ("fault", "Shorten sentences and use plainer words, the hardest sections first."),
    "section hard to read": ("warning", "Shorten its sentences and use plainer words."),
    "link broken": ("fault", "Correct the link or take it out."),
    "nobody links to it": ("warning", "Link to it from an article on a near subject."),
    "near-duplicate": ("warning", "Say it in one article and link to it from the other, or word each for its own reader."),
    "contradiction": ("warning", "Read both against their sources; correct the wrong one, or say why they differ."),
}


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of an article and where they stand."""

    article: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an editor should look at: a fault makes the check fail. `quotes` are the words it is about, side by side."""

    level: Level
    rule: str
    article: str
    place: str
    what: str
    next_step: str
    quotes: tuple[Quote, ...] = ()


def finding(rule: str, article: str, place: str, what: str, *quotes: Quote) -> Finding:
    """A finding by one of the RULES."""
    level, next_step = RULES[rule]
    return Finding(level, rule, article, place, what, next_step, quotes)


@dataclass(frozen=True, slots=True)
class SectionLevel:
    """The reading level of one section, as a US school grade (Flesch-Kincaid), and its length."""

    heading: str
    words: int
    grade: float


@dataclass(frozen=True, slots=True)
class ArticleLevel:
    """The reading level of one article and of each of its sections."""

    article: str
    title: str
    words: int
    grade: float
    sections: tuple[SectionLevel, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the check found, faults first, and how hard each article is to read."""

    findings: tuple[Finding, ...]
    levels: tuple[ArticleLevel, ...]
    checked_on: str
    notes: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that make the check fail."""
        return tuple(finding for finding in self.findings if finding.level == "fault")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that an editor should look at."""
        return tuple(finding for finding in self.findings if finding.level == "warning")

    @property
    def median_grade(self) -> float:
        """The median of the articles' grades; 0 where there is no article."""
        return round(median(level.grade for level in self.levels), 1) if self.levels else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready dicts and lists."""
        counts = {"articles": len(self.levels), "faults": len(self.faults), "warnings": len(self.warnings)}
        return {**asdict(self), **counts, "median_grade": self.median_grade}
