"""What is checked of each answer, as rows of data. A check says why an answer is wrong, in words for editors.

Each is a rule, not an opinion: two runs on the same answers agree. `judge` gives "" for right, a reason for wrong and
None where the check does not apply.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from backbot.corpus_check.quantities import read_quantities
from backbot.evaluation.articles import Articles, ArticleText, squeeze
from backbot.evaluation.asking import Answer, answer_version
from backbot.evaluation.suite import Case
from backbot.records import TRIAGE_LEVELS, AnswerSentence, Citation, Reply, Triage

Judge = Callable[[Case, Answer, Articles], str | None]


@dataclass(frozen=True, slots=True)
class Check:
    """A row: `title` for people, `judge` for the answer. An answer that crashed is wrong wherever `applies`."""

    name: str
    title: str
    applies: Callable[[Case], bool]
    judge: Judge


def judge_answer(check: Check, case: Case, answer: Answer, articles: Articles) -> str | None:
    """Why the answer is wrong; "" when it is right; None when the check does not apply."""
    if not check.applies(case):
        return None
    if answer.error:
        return f"backbot crashed: {answer.error}"
    return check.judge(case, answer, articles)


def outcome_of(answer: Answer) -> str:
    """What came back, in the words of `expect`; "error" for a crash."""
    if answer.error or answer.triage is None:
        return "error"
    if answer.triage.level != "none":
        return answer.triage.level
    if answer.reply is None:
        return "none"
    return {"answered": "answer", "declined": "decline"}.get(answer.reply.outcome, answer.reply.outcome)


def shown_text(reply: Reply | None, triage: Triage | None) -> str:
    """All that a reader is told: the sentences, and the referral where there is one."""
    parts = [sentence.text for sentence in reply.sentences] if reply else []
    if triage and triage.level != "none":
        parts += [triage.advice, *(f"{contact.name} {contact.number}" for contact in triage.contacts)]
    return " ".join(parts)


def says(text: str, alternatives: str) -> bool:
    """Whether the text has one of the alternatives, which `|` parts; capitals, dashes and quotation marks alike.

    An alternative begins where a word begins, and ends where a number ends: "20 minutes" is not in "120 minutes".
    """
    plain = _plain(text)
    return any(
        re.search(rf"(?<!\w){re.escape(words)}{'(?![0-9])' if words[-1].isdigit() else ''}", plain)
        for words in map(_plain, alternatives.split("|"))
        if words
    )


@lru_cache(4096)
def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return squeeze(
        text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2212: "-"})
    )


def _outcome(case: Case, answer: Answer, articles: Articles) -> str | None:
    got, want = outcome_of(answer), case.expect
    if want == "none" and got in ("answer", "decline"):
        got = "none"
    return "" if got == want else f"expected {want}, got {got}"


def _answered(case: Case, answer: Answer, articles: Articles) -> str | None:
    outcome = answer.reply.outcome if answer.reply else "nothing"
    return "" if outcome == "answered" else f"the articles hold the answer, but it was {outcome}"


def _declined(case: Case, answer: Answer, articles: Articles) -> str | None:
    outcome = answer.reply.outcome if answer.reply else "nothing"
    return "" if outcome == "declined" else f"it should be declined, but it was {outcome}"


def _first_citation(case: Case, answer: Answer, articles: Articles) -> str | None:
    first = _first(answer.reply)
    if first is None:
        return "nothing is cited"
    if first.article in case.right_articles:
        return ""
    return f"the first citation is {first.article}, not {' or '.join(case.right_articles)}"


def _cited(case: Case, answer: Answer, articles: Articles) -> str | None:
    cited = {citation.article for citation in answer.reply.citations} if answer.reply else set()
    if missing := [name for name in case.all_of if name not in cited]:
        return f"not cited: {', '.join(missing)}"
    if case.any_of and not cited & set(case.any_of):
        return f"cited {', '.join(sorted(cited)) or 'nothing'}, not {' or '.join(case.any_of)}"
    return ""


def _never_cited(case: Case, answer: Answer, articles: Articles) -> str | None:
    cited = [citation.article for citation in answer.reply.citations] if answer.reply else []
    wrong = [name for name in case.never if name in cited]
    return f"cited {', '.join(wrong)}, which must never be cited here" if wrong else ""


def _facts(case: Case, answer: Answer, articles: Articles) -> str | None:
    text = shown_text(answer.reply, answer.triage)
    missing = [alternatives for alternatives in case.must_say if not says(text, alternatives)]
    return f"not said: {'; '.join(missing)}" if missing else ""


def _not_said(case: Case, answer: Answer, articles: Articles) -> str | None:
    text = shown_text(answer.reply, answer.triage) + " " + (answer.reply.message if answer.reply else "")
    said = [words for words in case.must_not_say if says(text, words)]
    return f"said, but must not be: {'; '.join(said)}" if said else ""


def _quotes(case: Case, answer: Answer, articles: Articles) -> str | None:
    reply = answer.reply
    if reply is None or not (reply.sentences or reply.citations):
        return None
    faults = [fault for citation in reply.citations if (fault := citation_fault(citation, articles.text(citation.article)))]
    numbers = {citation.n for citation in reply.citations}
    if len(numbers) < len(reply.citations):
        faults.append("two citations have one number")
    for place, sentence in enumerate(reply.sentences, 1):
        if not sentence.citations or not numbers.issuperset(sentence.citations):
            faults.append(
                f"sentence {place} has no citation" if not sentence.citations else f"sentence {place} cites nothing"
            )
    return "; ".join(faults)


def citation_fault(citation: Citation, article: ArticleText | None) -> str:
    """Why the citation is not valid; "" when it is: the article is there, the quote is in it, the link opens it there."""
    if article is None:
        return f"[{citation.n}] cites {citation.article}, which is not in the index"
    quote = squeeze(citation.quote)
    if not quote or not (quote in article.plain or quote in article.markdown):
        return f"[{citation.n}] quotes what {citation.article} does not say: “{quote[:80]}”"
    page, _, fragment = citation.link.partition("#")
    right_page = article.url.split("#")[0] if article.url else f"/articles/{article.id}"
    if not page.endswith(right_page):
        return f"[{citation.n}] links to {page or 'nothing'}, not to {right_page}"
    if not _points_at(fragment, quote):
        return f"[{citation.n}] has a link that does not open at its quote"
    return ""


def _points_at(fragment: str, quote: str) -> bool:
    """Whether a link's text fragment (WICG Scroll to Text Fragment: `start` or `start,end`) is made of the quote's words."""
    found = re.search(r":~:text=([^&]+)", fragment)
    if not found:
        return False
    parts = [_words(unquote(part)) for part in found[1].split(",") if not (part.endswith("-") or part.startswith("-"))]
    text, place = _words(quote), 0
    for words in parts:
        starts = (i for i in range(place, len(text) - len(words) + 1) if text[i : i + len(words)] == words)
        at = next(starts, None)
        if not words or at is None:
            return False
        place = at + len(words)
    return bool(parts)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _figures(case: Case, answer: Answer, articles: Articles) -> str | None:
    reply = answer.reply
    if reply is None or not reply.sentences:
        return None
    faults = [fault for sentence in reply.sentences if (fault := _figure_fault(sentence, reply, articles))]
    return "; ".join(faults)


def _figure_fault(sentence: AnswerSentence, reply: Reply, articles: Articles) -> str:
    """The first number of the sentence that its cited passages do not have, with its unit."""
    cited = " ".join(cited_passage(c, articles) for c in reply.citations if c.n in sentence.citations)
    numbers = set(_NUMBER.findall(cited))
    for number in _NUMBER.findall(sentence.text):
        if number not in numbers:
            return f"{number} is not in the cited passage: “{sentence.text[:80]}”"
    known = read_quantities(cited)
    for quantity in read_quantities(sentence.text):
        if quantity not in known:
            return f"a figure has another unit or range than in the cited passage: “{sentence.text[:80]}”"
    return ""


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def cited_passage(citation: Citation, articles: Articles) -> str:
    """The section that holds the quote; nothing when no section does."""
    article, quote = articles.text(citation.article), squeeze(citation.quote)
    sections = article.sections if article else ()
    return next((section.text for section in sections if quote and quote in section.text), "")


def _follow_ups(case: Case, answer: Answer, articles: Articles) -> str | None:
    if case.expect == "decline":
        return _declined(case, answer, articles)
    if case.expect != "answer":
        return _outcome(case, answer, articles)
    return _answered(case, answer, articles) or (_first_citation(case, answer, articles) if case.right_articles else "")


def _not_marked_wrong(case: Case, answer: Answer, articles: Articles) -> str | None:
    if answer.reply is None or answer_version(answer.reply) != case.checked_by.answer_version:
        return ""
    return f"{case.checked_by.editor or 'an editor'} marked this very answer as wrong on {case.checked_by.date}"


def _right_level(case: Case, answer: Answer, articles: Articles) -> str | None:
    got = answer.triage.level if answer.triage else "error"
    if got != case.level:
        return f"expected level {case.level}, got {got}"
    if answer.triage and got != "none" and not answer.triage.advice:
        return f"level {got} without advice on what to do"
    return ""


def _at_least_urgent(case: Case, answer: Answer, articles: Articles) -> str | None:
    got = answer.triage.level if answer.triage else "none"
    return "" if TRIAGE_LEVELS.index(got) >= TRIAGE_LEVELS.index("urgent") else f"an emergency was called {got}"


def _is_emergency(case: Case, answer: Answer, articles: Articles) -> str | None:
    got = answer.triage.level if answer.triage else "none"
    return "" if got == "emergency" else f"an emergency was called {got}"


def _no_flag(case: Case, answer: Answer, articles: Articles) -> str | None:
    got = answer.triage.level if answer.triage else "error"
    return "" if got == "none" else f"nothing is wrong, but it was called {got}"


def _some_flag(case: Case, answer: Answer, articles: Articles) -> str | None:
    got = answer.triage.level if answer.triage else "none"
    return "" if got != "none" else f"a red flag of level {case.level} was missed"


def _first(reply: Reply | None) -> Citation | None:
    """The citation of the first sentence that is shown."""
    if reply is None or not reply.sentences or not reply.sentences[0].citations:
        return None
    return next((citation for citation in reply.citations if citation.n == reply.sentences[0].citations[0]), None)


def _cites(case: Case) -> bool:
    return case.is_answerable and bool(case.right_articles)


ANSWER_CHECKS: tuple[Check, ...] = (
    Check("outcome", "the outcome is the expected one", lambda case: True, _outcome),
    Check("answered", "answered where the articles hold the answer", lambda case: case.is_answerable, _answered),
    Check("declined", "declined where they do not", lambda case: case.expect == "decline", _declined),
    Check("first_citation", "the first citation is a right article", _cites, _first_citation),
    Check("cited", "a right article is cited", _cites, _cited),
    Check("never_cited", "no article is cited that must never be", lambda case: bool(case.never), _never_cited),
    Check("facts", "the needed facts are said", lambda case: bool(case.must_say), _facts),
    Check("not_said", "nothing is said that must not be", lambda case: bool(case.must_not_say), _not_said),
    Check("quotes", "every quote is verbatim, every citation valid", lambda case: True, _quotes),
    Check("figures", "every number and unit stands in the cited passage", lambda case: True, _figures),
    Check("follow_ups", "a conversation's last question is understood", lambda case: len(case.asks[0]) > 1, _follow_ups),
    Check(
        "not_marked_wrong",
        "it is not the very answer that an editor marked as wrong",
        lambda case: case.checked_by.verdict == "wrong",
        _not_marked_wrong,
    ),
)
"""The checks of a whole reply."""

TRIAGE_CHECKS: tuple[Check, ...] = (
    Check("right_level", "triage finds the right level", lambda case: True, _right_level),
    Check("emergencies_called_emergency", "an emergency is called one", lambda c: c.level == "emergency", _is_emergency),
    Check(
        "emergencies_at_least_urgent", "an emergency is at least urgent", lambda c: c.level == "emergency", _at_least_urgent
    ),
    Check("near_miss_clear", "a near miss raises no flag", lambda case: case.is_near_miss, _no_flag),
    Check("flag_raised", "a message with a red flag raises one", lambda case: case.level != "none", _some_flag),
    Check("harmless_clear", "a harmless message raises no flag", lambda case: case.level == "none", _no_flag),
)
"""The checks of triage, whether alone or in a reply."""
