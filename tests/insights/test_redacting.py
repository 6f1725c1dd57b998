"""What is left of a message: ordinary words, and nothing that says who wrote it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbot.insights.redacting import MOST_WORDS, redact
from backbot.vocabulary import CorpusWords

COMMON = ("back", "can", "do", "doctor", "does", "good", "i", "is", "me", "mri", "my", "of", "sciatica")
ARTICLES = CorpusWords({**dict.fromkeys(COMMON, 20), "mckenzie": 1})


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("Is an inversion table any good for my back?", "is an inversion table any good for my back"),
        ("does turmeric help sciatica", "does turmeric help sciatica"),
        ("Do I need an MRI of my neck", "do i need an mri of my neck"),
        ("CAN I PLAY GOLF?", "can i play golf"),
        ("I'm Anna Kowalski, do magnets work", "do magnets work"),
        ("my doctor Priya Patel sold me magnets", "my doctor sold me magnets"),
        ("john smith and rose told me to buy magnets", "and told me to buy magnets"),
        ("MY NAME IS PETER JONES, DO MAGNETS WORK", "my name is do magnets work"),
        ("our plumber Butcher sells magnets", "our plumber sells magnets"),
        ("do magnets work anna.kowalski@mail.example thanks", "do magnets work thanks"),
        ("do magnets work call 07700 900123 or +49-171-1234567", "do magnets work call or"),
        ("born 3/5/1974, or 1974-05-03, do magnets work", "or do magnets work"),
        ("magnets from https://shop.example/anna or shop.example", "magnets from or"),
        ("the mckenzie method", "the method"),
        ("¿sirven los imanes para la espalda?", ""),
        ("помогают ли магниты", ""),
        ("ａｎｎａ has ma\u200bgnets", ""),
        ("", ""),
        ("\x00\ud800 \u202e ?!", ""),
        ("magnets", ""),
    ],
)
def test_only_ordinary_words_get_through(message: str, left: str):
    assert redact(message, ARTICLES) == left


def test_a_flood_is_cut_off_soon():
    kept = redact("do magnets work " * 200_000, ARTICLES)
    assert kept.split() == (["do", "magnets", "work"] * MOST_WORDS)[:MOST_WORDS]
    assert redact("x" * 3_000_000, ARTICLES) == ""
    assert redact("<script>alert(1)</script> " * 1000, ARTICLES) == ""


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_what_gets_through_is_words_in_small_letters_that_were_there(message: str):
    kept = redact(message, ARTICLES)
    assert re.fullmatch(r"(?:[a-z]+(?:'[a-z]+)?(?: |$))*", kept)
    assert all(word in message.lower().replace("’", "'") for word in kept.split())
