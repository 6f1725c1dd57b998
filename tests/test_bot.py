"""The whole path on the sample corpus: what a reader asks and what comes back."""

import threading
from pathlib import Path

import pytest

from articles import CORPUS, write_article
from backbot.bot import Bot
from backbot.errors import QuestionInvalid
from backbot.index.ingest import ingest
from backbot.index.search import FixedIndex, Generation, Index
from backbot.records import AnswerSentence, Reply, Triage
from backbot.settings import Settings


def test_ice_or_heat_is_answered_from_its_article_word_for_word(bot: Bot):
    reply = bot.reply("Should I put ice or heat on my back?")
    assert reply.outcome == "answered"
    assert reply.citations[0].article == "heat-vs-cold"
    for citation in reply.citations:
        assert citation.quote in (CORPUS / f"{citation.article}.md").read_text()
        assert citation.link.startswith(f"/articles/{citation.article}#")
        assert ":~:text=" in citation.link


def test_every_sentence_names_a_citation_that_quotes_it(bot: Bot):
    reply = bot.reply("how long should a cold pack stay on my back")
    quotes = {citation.n: citation.quote for citation in reply.citations}
    assert reply.sentences
    for sentence in reply.sentences:
        assert [quotes[n] for n in sentence.citations] == [sentence.text]


def test_an_answer_is_short_and_says_nothing_twice(bot: Bot):
    reply = bot.reply("what helps sciatica?")
    texts = [sentence.text for sentence in reply.sentences]
    assert len(set(texts)) == len(texts)
    assert sum(len(text.split()) for text in texts) <= 120


@pytest.mark.parametrize(
    "question",
    ["what is the capital of France", "how do I bake sourdough bread", "who won the football last night", "asdf qwer zxcv"],
)
def test_what_the_articles_do_not_hold_is_declined(bot: Bot, question: str):
    reply = bot.reply(question)
    assert (reply.outcome, reply.sentences, reply.citations) == ("declined", (), ())
    assert "articles" in reply.message


@pytest.mark.parametrize(
    "question", ["numb between my legs and I can't pee", "I want to kill myself because of this back pain"]
)
def test_an_emergency_is_referred_and_nothing_else_is_said(bot: Bot, question: str):
    reply = bot.reply(question, country="GB")
    assert reply.outcome == "referred"
    assert reply.triage.level == "emergency"
    assert reply.triage.flags
    assert reply.triage.advice
    assert reply.triage.contacts
    assert reply.sentences == ()


def test_an_emergency_needs_no_index(tmp_path: Path, bot: Bot):
    class NoIndex:
        def __getattr__(self, name: str) -> object:
            raise AssertionError("there is no index")

    reply = Bot(NoIndex(), Settings()).reply("I can't feel it when I wipe and both legs are weak")  # type: ignore[arg-type]
    assert reply.triage.level == "emergency"


def test_an_emergency_does_not_wait_for_the_search_that_runs_beside_triage(bot: Bot):
    may_search = threading.Event()

    class SlowIndex(FixedIndex):
        def live(self) -> Generation:
            assert may_search.wait(60)
            return super().live()

    slow = Bot(SlowIndex(bot.index.live(), bot.index.embedder), Settings())
    assert slow.reply("My back hurts and I can't feel when I wipe or need a wee").outcome == "referred"
    parts = slow.stream("Should I put ice or heat on my back?")
    assert isinstance(next(parts), Triage)
    may_search.set()
    *_, reply = parts
    assert isinstance(reply, Reply)
    assert reply.outcome == "answered"


def test_the_parts_come_in_the_order_in_which_a_reader_needs_them(bot: Bot):
    parts = list(bot.stream("Should I put ice or heat on my back?"))
    kinds = [type(part) for part in parts]
    assert kinds == [Triage, *[AnswerSentence] * (len(parts) - 2), Reply]
    assert tuple(parts[1:-1]) == parts[-1].sentences


@pytest.mark.parametrize("question", ["", "   ", "\x00\x07", "\u200f\u202e", "?!", "🙂🙂"])
def test_an_empty_question_is_refused_in_plain_words(bot: Bot, question: str):
    with pytest.raises(QuestionInvalid, match="empty"):
        bot.reply(question)


def test_a_question_that_is_too_long_is_refused(bot: Bot):
    with pytest.raises(QuestionInvalid, match="100,000"):
        bot.reply("back " * 20_000)


def test_a_flag_in_a_message_that_is_too_long_is_still_seen(bot: Bot):
    message = "my back hurts. " * 4000 + "I am numb between my legs and I can't pee. " + "so it goes. " * 3000
    assert bot.reply(message).outcome == "referred"


def test_control_and_direction_characters_change_nothing(bot: Bot):
    plain = bot.reply("Should I put ice or heat on my back?")
    odd = bot.reply("\u202eShould I put\x00 ice or\u200b heat on my back?\u200f 🙂")
    assert odd.citations[0].article == plain.citations[0].article
    assert "\x00" not in odd.question


def test_a_follow_up_is_searched_as_a_question_that_stands_alone(bot: Bot):
    reply = bot.reply("and how long should I leave it on?", ["Is a cold pack good for my back?"])
    assert "cold pack" in reply.question
    assert reply.citations[0].article == "heat-vs-cold"


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("hijama for back", "cupping-therapy"),
        ("does a zapper help my back", "tens-units"),
        ("shud i use heet or coldd on a sore bakc", "heat-vs-cold"),
    ],
)
def test_lay_words_and_slips_find_their_article(bot: Bot, question: str, article: str):
    reply = bot.reply(question)
    assert reply.citations[0].article == article
    assert reply.question == question
    assert bot.search(question)[0].passage.article == article


def test_a_question_that_leans_on_the_article_being_read_is_understood(bot: Bot):
    reply = bot.reply("is this safe for me if I have a pacemaker?", context="tens-units")
    assert "TENS" in reply.question
    assert reply.citations[0].article == "tens-units"
    assert bot.reply("should I put ice or heat on my back?", context="tens-units").citations[0].article == "heat-vs-cold"


def test_an_article_that_does_not_exist_lends_no_context(bot: Bot):
    assert bot.reply("is a cold pack safe?", context="../no-such").question == "is a cold pack safe?"


def test_an_article_with_its_own_page_is_linked_there(tmp_path: Path, bot: Bot):
    body = "## How long?\n\nLeave a cold pack on for 15 to 20 minutes."
    write_article(tmp_path / "a", "cold", body, title="Cold packs", url="https://health.example/cold")
    settings = Settings(index=tmp_path / "index")
    ingest([str(tmp_path / "a")], settings, bot.index.embedder)
    reply = Bot(Index(settings.index, bot.index.embedder), settings).reply("how long should a cold pack stay on?")
    assert reply.citations[0].url == "https://health.example/cold"
    assert reply.citations[0].link == (
        "https://health.example/cold#:~:text=Leave%20a%20cold%20pack%20on%20for%2015%20to%2020%20minutes"
    )


def test_articles_are_ranked_once_each(bot: Bot):
    ranked = bot.rank_articles("ice or heat", 5)
    names = [name for name, _ in ranked]
    assert names[0] == "heat-vs-cold"
    assert len(set(names)) == len(names) == 5
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)


def test_of_two_articles_with_equally_good_best_passages_the_one_that_says_more_ranks_first(
    tmp_path: Path, bot: Bot, monkeypatch: pytest.MonkeyPatch
):
    for name, sections in {"once": 1, "thrice": 3}.items():
        body = "\n\n".join(f"## Cold packs\n\nLeave a cold pack on for {15 + n} minutes." for n in range(sections))
        write_article(tmp_path / "a", name, body, title="Cold packs")
    settings = Settings(index=tmp_path / "index")
    ingest([str(tmp_path / "a")], settings, bot.index.embedder)
    own = Bot(Index(settings.index, bot.index.embedder), settings)
    assert [name for name, _ in own.rank_articles("how long do I leave a cold pack on?")] == ["thrice", "once"]
    monkeypatch.setattr("backbot.bot.BACKING_WEIGHT", 0.0)
    best = dict(own.rank_articles("how long do I leave a cold pack on?"))
    assert best["once"] == pytest.approx(best["thrice"], abs=0.02)
