"""Second opinions: what a model thinks of each sentence that was shown. They advise people and decide no gate.

A judge is a model for natural language inference (is the sentence supported by its quote?), the configured language model
(is it supported by its passage, and does it answer the question?), or both. An answer that a judge could not judge has no
score, which is not a bad one. How far a judge can be trusted is shown by Cohen's kappa between it and the editors' marks.
"""

import html
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from backbot.answering.chat_models import Chat, open_chat
from backbot.answering.entailment import load_entailment
from backbot.errors import SettingsInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Progress, answer_version
from backbot.evaluation.checks import cited_passage
from backbot.evaluation.figures import Figure, share_of
from backbot.evaluation.judging import CaseResult
from backbot.prompts import load_prompt
from backbot.settings import Settings

MAX_PASSAGE_CHARS = 4_000
MAX_QUESTION_CHARS = 2_000
MAX_REPLY_CHARS = 12_000
FEW_MARKS = 30
"""With fewer marks kappa says little: its error is then some 0.2 to either side."""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of the answer to one wording, sentence by sentence; nothing but `error` where it could not say.

    `answers` is empty for a judge that cannot tell. `mark` is what an editor said of this very answer, if anything.
    """

    judge: str
    case: str
    wording: int
    supported: tuple[bool, ...] = ()
    answers: tuple[bool, ...] = ()
    error: str = ""
    mark: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every sentence is supported and, where the judge can tell, one of them answers the question."""
        return all(self.supported) and (any(self.answers) or not self.answers)


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence that was shown: its text, the quotes it cites, and the sections that hold them."""

    text: str
    quote: str
    passage: str


Views = tuple[tuple[bool, ...], tuple[bool, ...]]
"""Whether each sentence is supported, and whether it answers; the second is empty where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge by its name. `look` is given the question and the sentences, and may raise; `at_once` threads may share it."""

    name: str
    look: Callable[[str, Sequence[Shown]], Views]
    at_once: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers by what the judge (first) and an editor (second) think of them; `kappa` None where chance alone decides."""

    good_right: int
    good_wrong: int
    bad_right: int
    bad_wrong: int
    kappa: float | None

    @property
    def total(self) -> int:
        """How many answers both have judged."""
        return self.good_right + self.good_wrong + self.bad_right + self.bad_wrong


@dataclass(frozen=True, slots=True)
class Summary:
    """A judge's opinions of a run. Shares count cases: a case is good when the answers to all its wordings are."""

    judge: str
    supported: Figure
    answering: Figure
    good: Figure
    unscored: int
    agreement: Agreement
    doubted: tuple[Opinion, ...]


def load_judges(settings: Settings) -> list[Judge]:
    """The judges that `settings.judge` names; raises SettingsInvalid, ModelUnavailable or RulesInvalid."""
    needs = {"nli": ("BACKBOT_NLI_MODEL", settings.nli_model), "llm": ("BACKBOT_LLM", settings.llm)}
    wanted = list(needs) if settings.judge == "both" else [settings.judge] if settings.judge else []
    for name in wanted:
        if not needs[name][1]:
            raise SettingsInvalid(
                f"BACKBOT_JUDGE={settings.judge} needs {needs[name][0]}. Set it, or leave BACKBOT_JUDGE empty."
            )
    judges = []
    if "nli" in wanted:
        judges.append(_nli_judge(settings.nli_model))
    if "llm" in wanted:
        judges.append(_llm_judge(open_chat(settings)))
    return judges


def give_opinions(
    results: Sequence[CaseResult], articles: Articles, judges: Sequence[Judge], advance: Progress | None = None
) -> tuple[Opinion, ...]:
    """Every judge's opinion of every answer that has sentences, in the order of the cases."""
    opinions: list[Opinion] = []
    rows = [(r, n) for r in results for n, answer in enumerate(r.answers) if answer.reply and answer.reply.sentences]
    for judge in judges:

        def ask(row: tuple[CaseResult, int], judge: Judge = judge) -> Opinion:
            return _opinion(judge, *row, articles)

        # The first one goes alone: a server that refuses to be given a schema is then known to.
        for part in (rows[:1], rows[1:]):
            with ThreadPoolExecutor(judge.at_once) as pool:
                for opinion in pool.map(ask, part):
                    opinions.append(opinion)
                    if advance:
                        advance("judging", len(opinions), len(rows) * len(judges))
    return tuple(opinions)


def summarise(opinions: Sequence[Opinion]) -> list[Summary]:
    """The opinions of each judge, counted and held against the editors' marks."""
    summaries = []
    for judge in dict.fromkeys(opinion.judge for opinion in opinions):
        given = [opinion for opinion in opinions if opinion.judge == judge]
        scored = [opinion for opinion in given if not opinion.error]
        # Two wordings may get the marked answer; it was marked once.
        marked = {opinion.case: opinion for opinion in scored if opinion.mark}
        told = [opinion for opinion in scored if opinion.answers]
        summaries.append(
            Summary(
                judge=judge,
                supported=_share("Every sentence supported", scored, lambda opinion: all(opinion.supported)),
                answering=_share("A sentence answers the question", told, lambda opinion: any(opinion.answers)),
                good=_share("Good answers", scored, lambda opinion: opinion.is_good),
                unscored=len(given) - len(scored),
                agreement=agree([(opinion.is_good, opinion.mark == "right") for opinion in marked.values()]),
                doubted=tuple(opinion for opinion in scored if not opinion.is_good),
            )
        )
    return summaries


def agree(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    """Judge and editor beside each other, with Cohen's kappa (Cohen 1960): (agreed - by chance) / (1 - by chance)."""
    counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
    good_right, good_wrong, bad_right, bad_wrong = counts
    total = len(pairs)
    if not total:
        return Agreement(0, 0, 0, 0, None)
    agreed = (good_right + bad_wrong) / total
    good, right = (good_right + good_wrong) / total, (good_right + bad_right) / total
    chance = good * right + (1 - good) * (1 - right)
    kappa = None if chance == 1 else (agreed - chance) / (1 - chance)
    return Agreement(good_right, good_wrong, bad_right, bad_wrong, kappa)


def _opinion(judge: Judge, result: CaseResult, wording: int, articles: Articles) -> Opinion:
    answer = result.answers[wording]
    assert answer.reply
    checked = result.case.checked_by
    # A mark is of one very answer; what is said now may be another.
    mark = checked.verdict if checked.answer_version == answer_version(answer.reply) else ""
    shown = []
    for sentence in answer.reply.sentences:
        cited = [citation for citation in answer.reply.citations if citation.n in sentence.citations]
        passages = dict.fromkeys(cited_passage(citation, articles) for citation in cited)
        shown.append(Shown(sentence.text, " ".join(citation.quote for citation in cited), "\n\n".join(passages)))
    try:
        supported, answers = judge.look(answer.reply.question, shown)
    except Exception as error:
        # A model's client may raise anything, and its words may hold a key: only its kind is told.
        return Opinion(judge.name, result.case.id, wording, error=type(error).__name__, mark=mark)
    return Opinion(judge.name, result.case.id, wording, supported, answers, mark=mark)


def _share(title: str, opinions: Sequence[Opinion], is_right: Callable[[Opinion], bool]) -> Figure:
    by_case: dict[str, bool] = {}
    for opinion in opinions:
        by_case[opinion.case] = by_case.get(opinion.case, True) and is_right(opinion)
    return share_of("", title, list(by_case.values()))


def _nli_judge(model: str) -> Judge:
    entails = load_entailment(model)

    def look(question: str, shown: Sequence[Shown]) -> Views:
        return tuple(entails(sentence.quote, sentence.text) for sentence in shown), ()

    # Its tokenizer cannot be shared by threads; the model itself uses every core.
    return Judge(f"nli:{model.rstrip('/').rpartition('/')[2]}", look, 1)


def _llm_judge(chat: Chat) -> Judge:
    rules = load_prompt("judge_rules", {"count"})
    ask_about = load_prompt("judge_answer", {"question", "sentences"})
    about_one = load_prompt("judge_sentence", {"number", "text", "passage"})

    def look(question: str, shown: Sequence[Shown]) -> Views:
        # Escaped, so that no article can close its passage and speak as somebody else.
        sentences = "\n".join(
            about_one.fill(number=n, text=_escape(one.text), passage=_escape(one.passage or one.quote))
            for n, one in enumerate(shown, 1)
        )
        asked = ask_about.fill(question=_escape(question[:MAX_QUESTION_CHARS]), sentences=sentences)
        return read_views(_reply(chat, [("system", rules.fill(count=len(shown))), ("human", asked)]), len(shown))

    return Judge(chat.name, look, 4)


_ROW = {"number": {"type": "integer"}, "supported": {"type": "boolean"}, "answers": {"type": "boolean"}}
_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {"type": "object", "properties": _ROW, "required": list(_ROW), "additionalProperties": False},
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}


def _escape(text: str) -> str:
    return html.escape(text[:MAX_PASSAGE_CHARS], quote=False)


def _reply(chat: Chat, messages: list[tuple[str, str]]) -> str:
    """The model's whole reply; asks again in plain text where it refuses to be given a schema."""
    try:
        return "".join(chat.stream(messages, _SCHEMA, threading.Event()))
    except Exception as error:
        if not chat.refused_schema(getattr(error, "status_code", None)):
            raise
        return "".join(chat.stream(messages, _SCHEMA, threading.Event()))


def read_views(reply: str, count: int) -> Views:
    """The views in a language model's reply, one for each of `count` sentences; raises ValueError for any other count."""
    start = reply.find("{")
    if start < 0:
        raise ValueError("no JSON")
    found, _ = json.JSONDecoder().raw_decode(reply[:MAX_REPLY_CHARS], start)
    rows = found.get("sentences")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no list of sentences")
    by_number = {row.get("number"): (row.get("supported"), row.get("answers")) for row in rows}
    views = [by_number.get(n, (None, None)) for n in range(1, count + 1)]
    if len(rows) != count or not all(isinstance(view, bool) for pair in views for view in pair):
        raise ValueError("not one view for each sentence")
    return tuple(bool(supported) for supported, _ in views), tuple(bool(answers) for _, answers in views)
