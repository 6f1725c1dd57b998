"""Holding what came back for a case against what was expected of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import HITS, Answer
from backbot.evaluation.checks import ANSWER_CHECKS, TRIAGE_CHECKS, citation_fault, judge_answer, outcome_of
from backbot.evaluation.suite import Case
from backbot.records import TRIAGE_LEVELS

FOUND_AT = (1, 3, 5)
"""The k of Success@k."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with its answers. `checks`: whether each check that applies is right for all wordings; `why`: why not.

    `signs` tell where a fault begins (was the article retrieved, was the very flag named) and decide nothing; `numbers`
    are means over the wordings; `found` is what came back, the first wrong wording's where there is one; `stale` says
    why the case should be checked again; `version` is what its articles are now.
    """

    case: Case
    answers: tuple[Answer, ...]
    checks: dict[str, bool]
    why: dict[str, str]
    signs: dict[str, bool]
    found: str
    numbers: dict[str, float] = field(default_factory=dict)
    version: str = ""
    stale: str = ""

    @property
    def is_right(self) -> bool:
        """Whether every check is."""
        return all(self.checks.values())

    @property
    def reasons(self) -> str:
        """Why it is not, each reason once."""
        return "; ".join(dict.fromkeys(self.why.values()))


def judge_case(case: Case, answers: Sequence[Answer], articles: Articles, *, triage_only: bool = False) -> CaseResult:
    """The case's result. One wording that comes out wrong makes its check wrong: wordings are not cases of their own."""
    checks: dict[str, bool] = {}
    why: dict[str, str] = {}
    signs: dict[str, bool] = {}
    for check in TRIAGE_CHECKS if triage_only else (*ANSWER_CHECKS, *TRIAGE_CHECKS):
        reasons = [judge_answer(check, case, answer, articles) for answer in answers]
        if all(reason is None for reason in reasons):
            continue
        wrong = [reason for reason in reasons if reason]
        checks[check.name] = not wrong
        if wrong:
            why[check.name] = wrong[0]
    for flag in case.red_flag:
        checks[f"flag:{flag}"] = all(_reaches(case, answer) for answer in answers)
        if not checks[f"flag:{flag}"]:
            why[f"flag:{flag}"] = f"{flag} did not raise level {case.level}"
        signs[f"named:{flag}"] = all(_names(flag, answer) for answer in answers)
    numbers = {} if triage_only else _measure(case, answers, articles)
    for k in FOUND_AT:
        if (name := f"found_{k}") in numbers:
            signs[name] = numbers.pop(name) == 1
    outcomes = [outcome_of(answer) for answer in answers]
    found = next((outcome for outcome in outcomes if outcome != case.expect), outcomes[0])
    names = case.right_articles
    version = articles.version(names) if names else ""
    return CaseResult(case, tuple(answers), checks, why, signs, found, numbers, version, _stale(case, articles, version))


def _reaches(case: Case, answer: Answer) -> bool:
    return answer.triage is not None and TRIAGE_LEVELS.index(answer.triage.level) >= TRIAGE_LEVELS.index(case.level)


def _names(flag: str, answer: Answer) -> bool:
    return answer.triage is not None and any(found.id == flag for found in answer.triage.flags)


def _measure(case: Case, answers: Sequence[Answer], articles: Articles) -> dict[str, float]:
    """Means over the wordings, each over those that it can be said of."""
    rows = [_measure_answer(case, answer, articles) for answer in answers]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row[name] for row in rows if name in row) / sum(name in row for row in rows) for name in names}


def _measure_answer(case: Case, answer: Answer, articles: Articles) -> dict[str, float]:
    numbers: dict[str, float] = {}
    if case.is_answerable and case.right_articles:
        numbers |= _retrieval(case, answer)
        citations = answer.reply.citations if answer.reply else ()
        right = {c.article for c in citations if c.article in case.right_articles and not _fault(c, articles)}
        valid = sum(c.article in right and not _fault(c, articles) for c in citations)
        # An invalid citation counts in the denominator; a crash counts as nothing right, and so never raises a mean.
        if citations or answer.error:
            numbers["citation_precision"] = valid / len(citations) if citations else 0.0
        wanted = case.all_of or (case.any_of if not right & set(case.any_of) else tuple(right & set(case.any_of)))
        numbers["citation_recall"] = len(right & set(wanted)) / len(wanted)
    if answer.reply and answer.reply.sentences:
        text = " ".join(sentence.text for sentence in answer.reply.sentences)
        numbers["words"] = len(text.split())
        numbers["reading_level"] = _reading_level([sentence.text for sentence in answer.reply.sentences])
    return numbers


def _fault(citation: object, articles: Articles) -> str:
    return citation_fault(citation, articles.text(citation.article))  # type: ignore[attr-defined,arg-type]


def _retrieval(case: Case, answer: Answer) -> dict[str, float]:
    """Success@k, reciprocal rank and nDCG@10 of the articles found, by ir-measures."""
    import ir_measures
    from ir_measures import RR, Success, nDCG

    wanted = {"q": dict.fromkeys(case.right_articles, 1)}
    ranked = {"q": {name: float(-place) for place, name in enumerate(answer.articles_found)}}
    measures = {nDCG @ HITS: "ndcg", RR @ HITS: "rr", **{Success @ k: f"found_{k}" for k in FOUND_AT}}
    numbers = dict.fromkeys(measures.values(), 0.0)
    if ranked["q"]:
        numbers |= {measures[row.measure]: float(row.value) for row in ir_measures.iter_calc(list(measures), wanted, ranked)}
    return numbers


def _reading_level(sentences: Sequence[str]) -> float:
    """The Flesch-Kincaid grade (Kincaid et al. 1975) as textstat counts it."""
    import textstat

    # A list's item without a full stop would run into the next one and look like one long sentence.
    text = " ".join(s if s.endswith((".", "!", "?")) else s.rstrip(" :;,") + "." for s in sentences)
    return float(textstat.flesch_kincaid_grade(text))


def _stale(case: Case, articles: Articles, version: str) -> str:
    checked = case.checked_by
    if checked.article_version and checked.article_version != version:
        changed = [
            name for name in case.right_articles if articles.hashes.get(name, "none")[:8] not in checked.article_version
        ]
        return f"{', '.join(changed) or 'the list of its articles'} changed since {checked.editor or 'somebody'} checked it"
    reviewed = {name: text.reviewed for name in case.right_articles if (text := articles.text(name))}
    later = [name for name, day in reviewed.items() if checked.date and day > checked.date]
    return f"{', '.join(later)} was reviewed after {checked.date}, when the case was checked" if later else ""
