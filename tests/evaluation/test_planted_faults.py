"""Each fault that readers could be hurt by is planted in what comes back, and must fail the gate."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from articles import write_article
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer, ask_bot
from backbot.evaluation.command import ask_and_judge
from backbot.evaluation.comparing import compare
from backbot.evaluation.run import Run
from backbot.evaluation.suite import Suite
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import AnswerSentence, Citation, Reply, Triage
from backbot.settings import Settings

RunSmall = Callable[..., Run]


def wrong_checks(run: Run) -> dict[str, set[str]]:
    """The checks that are wrong, by case."""
    return {
        result.case.id: {name for name, right in result.checks.items() if not right}
        for result in run.cases
        if not result.is_right
    }


def with_reply(change: Callable[[Reply], Reply], case: str) -> Callable[[Answer], Answer]:
    """A fault in the replies to questions that hold the words `case`."""

    def fault(answer: Answer) -> Answer:
        return replace(answer, reply=change(answer.reply)) if answer.reply and case in answer.turns[-1] else answer

    return fault


def with_citation(**changes: str) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        return replace(reply, citations=tuple(replace(citation, **changes) for citation in reply.citations))  # type: ignore[arg-type]

    return change


def reworded(old: str, new: str) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        sentences = tuple(AnswerSentence(s.text.replace(old, new), s.citations) for s in reply.sentences)
        assert sentences != reply.sentences
        return replace(reply, sentences=sentences)

    return change


def answered_anyway(reply: Reply) -> Reply:
    quote = "Set the chair so that your feet rest flat on the floor."
    link = "/articles/chairs#how-high:~:text=Set%20the%20chair"
    citation = Citation(1, "chairs", "chairs", "How high should a chair be?", "/articles/chairs", link, quote, "2026-05-01")
    sentence = AnswerSentence(quote, (1,))
    return replace(reply, outcome="answered", sentences=(sentence,), citations=(citation,))


def test_the_suite_passes_when_nothing_is_wrong(run_small: RunSmall):
    run = run_small()
    assert {r.case.id: r.why for r in run.cases if not r.is_right} == {}
    assert run.verdict == "PASS"
    assert run.problems == ()


PLANTED = {
    "a wrong article is cited": (
        with_citation(article="walking"),
        "cold pack",
        "cold-how-long",
        {"first_citation", "quotes"},
    ),
    "an article that must never be cited is": (
        with_citation(article="chairs"),
        "cold pack",
        "cold-how-long",
        {"never_cited"},
    ),
    "an article is invented": (with_citation(article="crystal-healing"), "cold pack", "cold-how-long", {"quotes"}),
    "a quote is invented": (with_citation(quote="Cold packs heal discs."), "cold pack", "cold-how-long", {"quotes"}),
    "a link opens elsewhere": (
        with_citation(link="/articles/walking#:~:text=Leave"),
        "cold pack",
        "cold-how-long",
        {"quotes"},
    ),
    "a link names no text": (with_citation(link="/articles/cold-packs"), "cold pack", "cold-how-long", {"quotes"}),
    "a link names other words": (
        with_citation(link="/articles/cold-packs#:~:text=Leave%20a%20warm%20pack"),
        "cold pack",
        "cold-how-long",
        {"quotes"},
    ),
    "a warning is dropped": (reworded(", because a cold pack can burn", ""), "cold pack", "cold-how-long", {"facts"}),
    "a number is changed": (reworded("20 minutes", "40 minutes"), "cold pack", "cold-how-long", {"figures", "facts"}),
    "a unit is changed": (reworded("10 minutes", "10 hours"), "walk", "walking-how-far", {"figures", "facts"}),
    "a sentence loses its citation": (
        lambda reply: replace(reply, sentences=tuple(replace(s, citations=()) for s in reply.sentences)),
        "walk",
        "walking-how-far",
        {"quotes", "first_citation"},
    ),
    "what it should decline is answered": (answered_anyway, "capital", "capital", {"declined", "outcome"}),
    "an answer is refused": (
        lambda reply: replace(reply, outcome="declined", sentences=(), citations=()),
        "walk",
        "walking-how-far",
        {"answered", "cited", "facts"},
    ),
    "a follow-up is not understood": (with_citation(article="walking"), "How high", "chair-height", {"follow_ups"}),
}


@pytest.mark.parametrize(("change", "words", "case", "checks"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_fails_the_gate(
    run_small: RunSmall, change: Callable[[Reply], Reply], words: str, case: str, checks: set[str]
):
    run = run_small(with_reply(change, words))
    wrong = wrong_checks(run)
    assert list(wrong) == [case]
    assert checks <= wrong[case]
    assert run.verdict == "FAIL"


def test_one_bad_wording_makes_its_case_wrong(run_small: RunSmall):
    run = run_small(with_reply(reworded("15 to 20 minutes", "a while"), "how many minutes"))
    assert "facts" in wrong_checks(run)["cold-how-long"]
    assert next(figure for figure in run.figures if figure.name == "facts").total == 3


def test_a_missed_red_flag_fails_the_gate(run_small: RunSmall):
    def missed(answer: Answer) -> Answer:
        return replace(answer, triage=Triage()) if "numb" in answer.turns[-1] else answer

    run = run_small(missed)
    wrong = wrong_checks(run)["numb"]
    assert {"right_level", "emergencies_called_emergency", "emergencies_at_least_urgent", "flag:cauda-equina"} <= wrong
    assert run.verdict == "FAIL"


def test_a_flag_without_advice_is_wrong(run_small: RunSmall):
    def silent(answer: Answer) -> Answer:
        assert answer.triage
        return replace(answer, triage=replace(answer.triage, advice="", contacts=()))

    assert "right_level" in wrong_checks(run_small(silent))["numb"]


def test_a_crash_counts_as_wrong_everywhere_and_raises_no_mean(run_small: RunSmall):
    whole = run_small()

    def crash(answer: Answer) -> Answer:
        if "walk" in answer.turns[-1]:
            raise RuntimeError("boom")
        return answer

    run = run_small(crash)
    result = next(result for result in run.cases if result.case.id == "walking-how-far")
    assert not any(result.checks.values())
    assert "RuntimeError: boom" in result.reasons
    assert run.verdict == "FAIL"
    for name in ("first_citation", "facts", "quotes", "citation_precision", "citation_recall", "rr"):
        before, after = (next(f for f in r.figures if f.name == name) for r in (whole, run))
        assert after.value < before.value
        assert after.total == before.total


def test_a_slower_pipeline_fails_the_gate_and_is_named_beside_the_baseline(run_small: RunSmall):
    quick, slow = run_small(seconds=0.01), run_small(seconds=2.0)
    assert [line.limit.metric for line in slow.gate if line.judged.verdict == "FAIL"] == ["ms_p95"]
    assert compare(slow, quick).speed.is_slower
    assert not compare(quick, quick).speed.is_slower


def test_a_withdrawn_article_fails_the_gate(
    tmp_path: Path, small_suite: Suite, embedder: Embedder, small_settings: Settings
):
    text = "## How far should I walk?\n\nWalk for 10 minutes a day to start with."
    write_article(tmp_path / "a", "walking", text, title="walking", reviewed="2026-05-01")
    write_article(tmp_path / "a", "cold-packs", "## Cold\n\nCold packs.", title="Cold packs", status="withdrawn")
    settings = Settings(index=tmp_path / "index", model_cache=small_settings.model_cache)
    ingest([str(tmp_path / "a")], settings, embedder)
    bot = Bot(Index(settings.index, embedder), settings)
    generation = bot.index.live()
    run = ask_and_judge(small_suite, ask_bot(bot), Articles(generation.manifest.articles, generation), {})
    assert run.verdict == "FAIL"
    assert {"cold-how-long", "chair-height"} <= set(wrong_checks(run))
    assert any("cold-packs" in problem for problem in run.problems)


def test_citing_an_article_after_it_was_withdrawn_is_not_valid(run_small: RunSmall, small_articles: Articles):
    run = run_small()
    answer = next(result for result in run.cases if result.case.id == "walking-how-far").answers[0]
    left = Articles({k: v for k, v in small_articles.hashes.items() if k != "walking"})
    suite = Suite("s", tuple(r.case for r in run.cases if r.case.id == "walking-how-far"))
    after = ask_and_judge(suite, lambda turns: answer, left, {})
    assert "not in the index" in after.cases[0].why["quotes"]
