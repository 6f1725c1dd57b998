"""The file of insights: what is in it, what never is, for how long, and that its faults stay its own."""

import logging
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from backbot.errors import SettingsInvalid
from backbot.insights import Insights, open_insights, store
from backbot.records import Flag, Reply, Triage
from backbot.settings import Settings
from backbot.vocabulary import CorpusWords

ARTICLES = CorpusWords({"back": 50, "i": 20, "am": 20})
SECRETS = [b"Kowalski", b"kowalski", b"anna", b"07700", b"900123", b"@mail", b"Leeds"]
MESSAGE = "I am Anna Kowalski from Leeds, 07700 900123, anna@mail.example: do copper bracelets help my back?"


def declined(question: str) -> Reply:
    return Reply("declined", Triage(), (), (), "", (), "extractive", question)


@pytest.fixture
def insights(tmp_path: Path) -> Insights:
    return Insights(tmp_path / "insights.sqlite", 30)


def test_the_file_holds_ordinary_words_and_no_raw_one(insights: Insights):
    for _ in range(50):
        insights.keep_declined(declined(MESSAGE), ARTICLES)
    assert insights.declined() == [(date.today().isoformat(), "i am from do copper bracelets help my back")] * 50
    kept = b"".join(file.read_bytes() for file in insights.file.parent.iterdir())
    assert b"copper bracelets" in kept
    assert [secret for secret in SECRETS if secret in kept] == []
    assert stat.S_IMODE(insights.file.stat().st_mode) == 0o600


FLAG = Flag("fever", "Fever with back pain", "soon", "fever", 0)


@pytest.mark.parametrize(
    "reply",
    [
        replace(declined("do magnets work"), triage=Triage("soon", (FLAG,))),
        replace(declined("do magnets work"), triage=Triage("none", (FLAG,))),
        replace(declined("do magnets work"), triage=Triage("emergency")),
        replace(declined("do magnets work"), outcome="answered"),
        replace(declined("do magnets work"), outcome="referred"),
    ],
)
def test_an_answered_question_or_one_with_a_warning_sign_leaves_nothing(insights: Insights, reply: Reply):
    insights.keep_declined(reply, ARTICLES)
    assert insights.declined() == []
    insights.keep_declined(declined("do magnets work"), ARTICLES)
    assert len(insights.declined()) == 1


def test_what_is_too_old_is_gone_from_the_file(insights: Insights):
    old, young = ((date.today() - timedelta(days=days)).isoformat() for days in (30, 29))
    with sqlite3.connect(insights.file) as database:
        database.execute("insert into declined values (?, 'oldquestion words')", (old,))
        database.execute("insert into declined values (?, 'young words')", (young,))
        database.execute("insert into faults values (?, 'wrong', 'oldarticle')", (old,))
    insights.keep_fault("wrong", ["heat-vs-cold"])
    assert [words for _, words in insights.declined()] == ["young words"]
    assert [article for *_, article in insights.faults()] == ["heat-vs-cold"]
    assert b"oldquestion" not in insights.file.read_bytes()
    assert b"oldarticle" not in insights.file.read_bytes()


def test_a_thumb_down_holds_a_known_reason_and_articles_only(insights: Insights):
    insights.keep_fault("wrong", ["a", "b", "a"])
    insights.keep_fault("my own words", ["a"])
    insights.keep_fault("unclear", [f"a{n}" for n in range(10_000)])
    found = [(reason, article) for _, reason, article in reversed(insights.faults())]
    assert found[:3] == [("wrong", "a"), ("wrong", "b"), ("", "a")]
    assert len(found) == 3 + store.MOST_ARTICLES


def test_only_so_many_rows_are_kept_the_newest(insights: Insights, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "MOST_ROWS", 3)
    for article in "abcde":
        insights.keep_fault("", [article])
    assert [article for *_, article in insights.faults()] == ["e", "d", "c"]


def test_many_at_once_lose_nothing(insights: Insights):
    others = [Insights(insights.file, 30) for _ in range(4)]
    with ThreadPoolExecutor(16) as threads:
        for n in range(200):
            threads.submit(others[n % 4].keep_declined, declined("do magnets work for my back"), ARTICLES)
    assert len(insights.declined()) == 200


def _remove_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _fill_with_bytes(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 100)


@pytest.mark.parametrize("damage", [_remove_folder, _fill_with_bytes])
def test_a_broken_file_is_logged_without_words_and_nobody_is_told(
    insights: Insights, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
):
    damage(insights.file)
    with caplog.at_level(logging.DEBUG):
        insights.keep_declined(declined("do magnets work"), ARTICLES)
        insights.keep_fault("wrong", ["a"])
    assert "A declined question was not kept" in caplog.text
    assert "A thumb down was not kept" in caplog.text
    assert "magnets" not in caplog.text


def test_off_by_default_and_beside_the_index_when_on(tmp_path: Path):
    assert open_insights(Settings(index=tmp_path / "index")) is None
    assert list(tmp_path.iterdir()) == []
    opened = open_insights(Settings(index=tmp_path / "index", insights=True, insights_days=7))
    assert opened
    assert (opened.file, opened.days) == (tmp_path / "index-insights.sqlite", 7)
    named = open_insights(Settings(insights=True, insights_file=str(tmp_path / "elsewhere" / "x.sqlite")))
    assert named
    assert named.file.is_file()


def test_a_file_that_cannot_be_used_is_told_before_the_server_starts(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no database\n" * 100)
    for file in (tmp_path / "notes.txt", tmp_path, tmp_path / "notes.txt" / "x.sqlite"):
        with pytest.raises(SettingsInvalid, match="BACKBOT_INSIGHTS_FILE"):
            open_insights(Settings(insights=True, insights_file=str(file)))


def test_the_setting_is_read_as_on_and_off(monkeypatch: pytest.MonkeyPatch):
    assert Settings().insights is False
    monkeypatch.setenv("BACKBOT_INSIGHTS", "on")
    assert Settings().insights is True
