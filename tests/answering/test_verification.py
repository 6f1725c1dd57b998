"""Verification: what the passage says passes, whatever turns it round does not."""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from answering.lies import lies_about
from articles import CORPUS
from backbot.answering.verification import find_evidence, verify
from backbot.answering.wording import WORDING_FILE, parse_wording, read_words
from backbot.chunking import split_passages
from backbot.errors import RulesInvalid
from backbot.loaders import load_articles
from backbot.records import Passage

QUESTION = "what helps my back pain?"
RETELLINGS = yaml.safe_load((Path(__file__).with_name("retellings.yaml")).read_text(encoding="utf-8"))


@cache
def corpus_sentences() -> list[tuple[Passage, str]]:
    """Every sentence of the sample corpus with its passage, in an order drawn once."""
    found = []
    for file in sorted(CORPUS.glob("*.md")):
        if file.stem != "README":
            (article,) = load_articles(str(file))
            for passage in split_passages(article):
                found += [(passage, passage.quote(sentence)) for sentence in passage.sentences]
    random.Random(7).shuffle(found)
    return found


def test_almost_every_sentence_of_the_corpus_supports_itself():
    sample = corpus_sentences()[:300]
    passed = [verify(text, text, passage.text, QUESTION).supported for passage, text in sample]
    assert sum(passed) >= 0.96 * len(sample)


def test_no_sentence_of_the_corpus_can_be_turned_round():
    believed = [
        (kind, lie)
        for passage, text in corpus_sentences()[:60]
        for kind, lie in lies_about(text)
        if lie != text and verify(lie, text, passage.text, QUESTION).supported
    ]
    assert believed == []


def test_no_sentence_is_supported_by_another_one():
    sample = corpus_sentences()[:300]
    believed = [
        (text, other)
        for (_, text), (passage, other) in pairwise(sample)
        if verify(text, other, passage.text, QUESTION).supported
    ]
    assert believed == []


def share(rows: list[dict[str, str]]) -> float:
    passed = [verify(row["told"], row["article"], row["article"], QUESTION).supported for row in rows]
    return sum(passed) / len(passed)


def test_faithful_retellings_pass_often_enough_to_be_worth_a_model():
    assert share(RETELLINGS["close"][::2]) >= 0.66
    assert share(RETELLINGS["close"][1::2]) >= 0.6


NUMB = "People with numb skin should not use heat, because a burn may not be felt."
CASES = [
    # (sentence, quote, passage, supported)
    ("Leave it.", "Leave it.", "Leave it.", False),
    ("Rest helps. Sleep helps too.", "Rest helps. Sleep helps too.", "Rest helps. Sleep helps too. Walk.", True),
    ("Cold packs ease pain.", "cold packs ease  pain", "Some say that cold packs ease\u00a0pain.", False),
    ("Some say that cold packs ease pain.", "cold packs ease  pain", "Some say that cold packs ease\u00a0pain.", True),
    ("People with numb skin should use heat.", "use heat, because a burn may", NUMB, False),
    ("People with numb skin shouldn't use heat.", "People with numb skin should not", NUMB, True),
    ("A burn may not be felt.", "a burn may not be felt", NUMB, False),
    ("People should not use heat.", "People with numb skin", NUMB, False),
    ("You should not heat a rash.", "A rash should not be heated.", "A rash should not be heated.", True),
    ("You should heat a rash.", "A rash should not be heated.", "A rash should not be heated.", False),
    ("Drink or drive.", "drink or drive", "Do not sleep, drink, or drive with a unit on.", False),
    ("Heat is safe.", "Heat is safe.", "Heat is safe. But never on numb skin.", False),
    ("Heat is safe for most people.", "Heat is safe", "Heat is safe for most people, but not on numb skin.", False),
    ("Use heat at night.", "Use heat at night", "Use heat at night, and only on dry skin.", False),
    ("Use heat if you are stiff.", "Use heat if you are stiff", "Use heat if you are stiff, and not bruised.", False),
    (
        "Massage eases pain and surgery.",
        "Massage eases pain",
        "Massage eases pain, and surgery, which is rare, cures it.",
        False,
    ),
    ("Before exercise, use heat; use cold.", "use heat; use cold", "Use heat; use cold before exercise.", False),
    ("Use heat; use cold before exercise.", "use heat; use cold", "Before exercise, use heat; use cold.", False),
    ("Numb skin is fine.", "Numb skin", "Do not use heat with any of these:\nNumb skin is fine.", False),
    ("Numb skin", "Numb skin", "Do not use heat if you have:\nNumb skin", False),
    ("Long car rides", "Long car rides", "Avoid what hurts.\nLong car rides", False),
    ("Heat eases pain by 0.4 points.", "Heat eases pain by 0.3 points.", "Heat eases pain by 0.3 points.", False),
    ("It rose by 1,117 people in all.", "1117 people in all", "It rose by 1117 people in all.", False),
    ("The group had 1117 people.", "The group had 1,117 people.", "The group had 1,117 people.", True),
    ("Wear it for two hours.", "Wear it for 2 hours.", "Wear it for 2 hours.", True),
    ("Keep it at -5 degrees.", "Keep it at 5 degrees.", "Keep it at 5 degrees.", False),
    ("Heat helps back pain, and it cures.", "heat helps back pain", "Heat helps back pain.", False),
    ("Heat helps a little for back pain.", "Heat helps a little.", "Heat helps a little.", True),
    ("Heat helps a little for neck pain.", "Heat helps a little.", "Heat helps a little.", False),
    ("Call a doctor at once.", "Call a doctor at once.", "Call a doctor at once.", True),
    ("You can call a doctor at once.", "Call a doctor at once.", "Call a doctor at once.", False),
    ("A chair has: round arms.", "round arms and a firm seat", "A chair has:\nround arms and a firm seat", False),
    (
        "A chair has round arms and a firm seat.",
        "round arms and a firm seat",
        "A chair has:\nround arms and a firm seat",
        False,
    ),
    (
        "A chair has: round arms and a firm seat.",
        "round arms and a firm seat",
        "A chair has:\nround arms and a firm seat",
        True,
    ),
    ("Heat heals. " * 200, "Heat heals.", "Heat heals.", False),
    ("", "Heat heals the back.", "Heat heals the back.", False),
    ("Heat heals the back.", "", "Heat heals the back.", False),
    ("Heat heals the back.", "Heat heals the back.", "", False),
    ("Heat heals the back.", "eat heals the bac", "Heat heals the back.", False),
    ("\x00", "\x00" * 100, "\x00" * 1000, False),
]


@pytest.mark.parametrize(("sentence", "quote", "passage", "supported"), CASES)
def test_a_case(sentence: str, quote: str, passage: str, supported: bool):
    verdict = verify(sentence, quote, passage, QUESTION)
    assert verdict.supported is supported, verdict.reason
    assert supported or verdict.reason


def test_a_topic_passes_only_when_the_reader_asked_about_it():
    told, quote = "Heat helps a little for back pain.", "Heat helps a little."
    assert not verify(told, quote, quote, "how warm is a sauna?").supported


def test_the_evidence_is_the_whole_sentence_that_the_quote_touches():
    (evidence,) = find_evidence("use heat on", "Rest first. Do not use heat on a bruise. Walk.")
    assert evidence.sentences == ("Do not use heat on a bruise.",)


def test_a_passage_full_of_clauses_and_brackets_is_judged_in_good_time():
    passage = "Use heat, and " + "rest, so (if " * 3_000 + "cold."
    assert not verify("Use heat and rest.", "Use heat, and rest", passage, QUESTION).supported
    assert not verify("a, " * 130, "a, " * 130, "a, " * 5_000, QUESTION).supported


@pytest.mark.parametrize(
    ("one", "other"), [("15-20 minutes", "15 to 20 mins"), ("a day", "daily"), ("don’t use", "do not apply")]
)
def test_wordings_that_mean_the_same_are_read_the_same(one: str, other: str):
    assert read_words(one).words == read_words(other).words


def test_faulty_rows_of_wording_are_refused():
    rows = yaml.safe_load(WORDING_FILE.read_text(encoding="utf-8"))
    for fault, told in (
        ({"sames": []}, "unknown: sames"),
        ({"free": ["a"]}, "free has the wrong shape"),
        ({"openings": "but"}, "openings has the wrong shape"),
        ({"same": [["use", "apply"], ["apply", "put"]]}, '"apply" stands in two rows'),
        ({"same": [[]]}, "same has the wrong shape"),
    ):
        with pytest.raises(RulesInvalid, match=told):
            parse_wording(rows | fault)
    with pytest.raises(RulesInvalid, match="missing"):
        parse_wording(None)
