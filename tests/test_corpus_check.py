import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from backbot.corpus_check import Report, check_corpus, render_table, to_json, write_html
from backbot.corpus_check.quantities import disagree, read_quantities
from backbot.embeddings import Embedder
from backbot.errors import SourceUnreadable
from backbot.loaders import BadArticle, read_source
from backbot.records import Article, ReaderQuestions, Source

TODAY = date(2026, 11, 22)
HELP = "\n\n## When to get help\n\nGet help at once if both legs turn weak.[^k]"
SOURCE = Source("k", "Body", "Guideline", 2020, "https://a.org")
CORPUS = Path(__file__).parents[1] / "corpus"


def article(body: str, identity: str = "a", **fields: Any) -> Article:
    known: dict[str, Any] = {
        "title": "Backs", "reviewed": date(2026, 1, 1), "review_by": date(2027, 1, 1), "reviewer": "Dr Example",
        "sources": (SOURCE,),
    }  # fmt: skip
    return Article(id=identity, body=body, **{**known, **fields})


def check(*articles: Article, embed: Any = None, **more: Any) -> Report:
    return check_corpus(articles, [], embed, TODAY, **more)


def rules(report: Report) -> list[tuple[str, str]]:
    return [(finding.level, finding.rule) for finding in report.findings]


def test_a_sound_article_gives_no_finding() -> None:
    assert rules(check(article("## What helps?\n\nWalking a little every day eases most back pain.[^k]" + HELP))) == []


def test_the_sample_corpus_has_no_fault(embedder: Embedder) -> None:
    found = list(read_source(str(CORPUS)))
    bad = [each for _, each in found if isinstance(each, BadArticle)]
    articles = [each for _, each in found if isinstance(each, Article)]
    places = {each.id: place for place, each in found if isinstance(each, Article)}
    today = max(each.reviewed for each in articles if each.reviewed)
    report = check_corpus(articles, bad, embedder.embed, today, places)
    assert len(report.levels) == 36 and not report.faults, report.faults
    assert report.median_grade <= 8 and max(level.grade for level in report.levels) <= 9


def test_a_question_whose_answer_was_reworded_is_named_with_the_sentence_most_like_it() -> None:
    asked = (
        ReaderQuestions("Walking a little every day eases most back pain.", ("does a walk help",)),
        ReaderQuestions("Walking every day eases most backs.", ("is walkin any good",)),
    )
    found = check(article("## What helps?\n\nWalking a little every day eases most back pain.[^k]" + HELP, questions=asked))
    assert rules(found) == [("fault", "question without answer")]
    assert "is walkin any good" in found.faults[0].what
    assert [quote.text for quote in found.faults[0].quotes] == [asked[1].answer, asked[0].answer]


SAYS = "Walking eases most back pain.[^k]"


@pytest.mark.parametrize(
    ("subject", "level", "rule"),
    [
        (article(SAYS + HELP, review_by=date(2026, 11, 21)), "fault", "review overdue"),
        (article(SAYS + HELP, reviewed=date(2026, 11, 23), review_by=None), "fault", "date in the future"),
        (article(SAYS + HELP, review_by=None), "warning", "review missing"),
        (article(SAYS + HELP, reviewer=""), "warning", "reviewer missing"),
        (article("Walking eases pain.[^x]" + HELP), "fault", "source undefined"),
        (article(SAYS + HELP, sources=(SOURCE, Source("z", "", "T", 2000, ""))), "warning", "source unused"),
        (article("Use ice for 20 minutes." + HELP), "warning", "claim without source"),
        (article(f"{SAYS}\n\nRest lowers the pain.{HELP}"), "warning", "claim without source"),
        (article(f"{SAYS}\n\nIce can ease the pain.{HELP}"), "warning", "claim without source"),
        (article("Short words here. " * 40 + SAYS + HELP), "warning", "paragraph too long"),
        (article("so " * 130 + "it goes.[^k]" + HELP), "fault", "no passage can hold it"),
        (article(f"{SAYS}\n\n## How long?\n\n## How often?\n\nWalk daily.[^k]{HELP}"), "warning", "section says too little"),
        (article("## What helps?\n\n" + SAYS), "fault", "when to get help missing"),
        (article("Rehabilitation ameliorates musculoskeletal symptomatology.[^k]" + HELP), "fault", "hard to read"),
        (article(SAYS + " Read more in [Heat](heat.md)." + HELP), "fault", "link broken"),
        (article(SAYS + " Read more [above](#nowhere)." + HELP), "fault", "link broken"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_found(subject: Article, level: str, rule: str) -> None:
    assert (level, rule) in rules(check(subject))


@pytest.mark.parametrize(
    "body",
    [
        f"## How long?\n\n### First days\n\n{SAYS} Short walks are enough for a start.",
        f"- Walk a little.[^k]\n- Rest a little.[^k]\n\n{SAYS}",
        f"These help:[^k]\n\n- Use a cold pack.\n- Walk for 10 minutes.\n\n{SAYS}",
        f"Use ice for 20 minutes. Then walk.[^k]\n\n{SAYS}",
        f"| Pack | Time |\n| --- | --- |\n| Gel | 20 minutes |\n\n{SAYS}",
        f"{SAYS} Read more [below](#when-to-get-help).",
        f"Should you use ice for 20 minutes?\n\n{SAYS}",
        f"{SAYS} See the [guideline](https://elsewhere.example/x).",
        f"{SAYS}\n\nThe ache sits in the lower back.",
        f"{SAYS}\n\nStanding is easier with one foot up on a step.",
        f"{SAYS}\n\nPain can ease while the picture stays the same.",
    ],
)
def test_what_is_fine_is_not_complained_about(body: str) -> None:
    assert rules(check(article(body + HELP))) == []


def test_articles_that_could_not_be_read_are_faults() -> None:
    report = check_corpus([], [BadArticle("corpus/x.md:3", "has no title; add `title:`", "x")], today=TODAY)
    (finding,) = report.faults
    assert (finding.rule, finding.place, finding.article) == ("cannot be read", "corpus/x.md:3", "x")


def test_an_article_that_nobody_links_to_is_found_and_a_linked_one_is_not() -> None:
    a = article(SAYS + " Read more in [B](b.md)." + HELP, "a")
    b = article("Sleep heals a strained back too.[^k]" + HELP.replace("both legs", "an arm"), "b")
    assert [(f.rule, f.article) for f in check(a, b).findings] == [("nobody links to it", "a")]


def test_links_by_address_count_and_links_to_withdrawn_articles_are_broken() -> None:
    a = article(SAYS + " Read more in [B](https://h.org/b/)." + HELP, "a", url="https://h.org/a")
    b = article("Sleep heals.[^k]" + HELP, "b", url="https://h.org/b", status="withdrawn")
    assert ("fault", "link broken") in rules(check(a, b))


def test_withdrawn_articles_are_not_checked_themselves() -> None:
    assert check(article("Use ice for 20 minutes.", status="withdrawn")).levels == ()


PASSAGE = (
    "A cold pack numbs the skin and slows the blood below it, which is why a fresh strain often feels better for it. "
    "Wrap the pack in a thin cloth, hold it on the sore place and look at the skin now and then.[^k]"
)


def test_near_duplicate_passages_are_shown_side_by_side() -> None:
    a = article(PASSAGE + HELP, "a")
    b = article(PASSAGE.replace("often", "mostly") + "\n\n## When to get help\n\nCall a doctor about fever.[^k]", "b")
    (finding,) = [f for f in check(a, b).findings if f.rule == "near-duplicate"]
    assert [quote.article for quote in finding.quotes] == ["a", "b"] and "cold pack" in finding.quotes[1].text


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("Use a cold pack for 15 to 20 minutes at a time.", "Use a cold pack for 45 minutes at a time.", "another figure"),
        ("Most back pain gets better within 6 weeks.", "Most back pain gets better within 6 months.", "another figure"),
        (
            "See a doctor if pain lasts more than 6 weeks.",
            "See a doctor if the pain lasts more than 2 weeks.",
            "another figure",
        ),
        ("Take 500 mg of the drug at each meal.", "Take 500 g of the drug at each meal.", "another figure"),
        ("TENS is safe during pregnancy.", "TENS is not safe in pregnancy.", "a negation"),
        ("Bed rest is recommended for back pain.", "Bed rest is not recommended for back pain.", "a negation"),
        (
            "Exercise makes back pain worse for most people.",
            "Exercise makes back pain better for most people.",
            "opposite words",
        ),
    ],
)
def test_contradictions_are_shown_side_by_side(one: str, other: str, words: str, embedder: Embedder) -> None:
    a = article(f"{one[:-1]}.[^k]{HELP}", "a")
    b = article(f"{other[:-1]}.[^k]{HELP}", "b")
    (finding,) = [f for f in check(a, b, embed=embedder.embed).findings if f.rule == "contradiction"]
    assert words in finding.what
    assert [(quote.article, quote.text) for quote in finding.quotes] == [("a", one), ("b", other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Use a cold pack for 15 to 20 minutes at a time.", "Use a cold pack for 20 minutes at a time."),
        ("Keep the pad below 40 °C.", "Keep the pad below 104 °F."),
        ("Heat helps for 20 minutes at a time.", "Walking to work takes me 45 minutes on most days."),
        ("Get help if a leg turns weak and stays weak.", "Get help if a leg turns weak and does not recover."),
        ("Walk for half an hour each day.", "Walk for half an hour each day."),
    ],
)
def test_sentences_that_agree_are_no_contradiction(one: str, other: str, embedder: Embedder) -> None:
    a, b = article(f"{one[:-1]}.[^k]{HELP}", "a"), article(f"{other[:-1]}.[^k]{HELP}", "b")
    assert "contradiction" not in [f.rule for f in check(a, b, embed=embedder.embed).findings]


def test_contradictions_are_found_across_blocks_of_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backbot.corpus_check.across._BLOCK", 2)
    filler = "\n\n".join(f"Filler sentence with words number w{n}." for n in range(9))
    a = article(f"Use the pack for 15 minutes a day.\n\n{filler}{HELP}", "a")
    b = article(f"{filler}\n\nUse the pack for 50 minutes a day.{HELP}", "b")

    def embed(texts: list[str]) -> np.ndarray[Any, Any]:
        vectors = np.eye(len(texts), 64)
        vectors[[n for n, text in enumerate(texts) if "pack" in text]] = np.eye(1, 64, 63)
        return vectors

    assert [f.rule for f in check(a, b, embed=embed).findings].count("contradiction") == 1


def test_without_a_model_the_report_says_what_was_not_done() -> None:
    assert any("Contradictions were not looked for" in note for note in check(article(SAYS + HELP)).notes)


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("for 15 to 20 minutes", [("minutes", 15, 20)]),
        ("for two hours", [("minutes", 120, 120)]),
        ("a 10-minute walk", [("minutes", 10, 10)]),
        ("1,500 mg", [("grams", 1.5, 1.5)]),
        ("up to 3 weeks", [("minutes", 0, 30240)]),
        ("1 in 10 people", [("percent", 10, 10)]),
        ("10 feet away", [("metres", 3.048, 3.048)]),
        ("on one foot, then on two feet", []),
        ("30% of people", [("percent", 30, 30)]),
        ("three times a day", [("times a day", 3, 3)]),
        ("in 2006 at chapter 7", []),
        ("", []),
    ],
)
def test_quantities_are_read_in_one_unit(sentence: str, found: list[tuple[str, float, float]]) -> None:
    assert [(q.dimension, q.low, q.high) for q in read_quantities(sentence)] == found


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("40 °C", "104 °F", False),
        ("40 °C", "140 °F", True),
        ("10 cm", "4 inches", False),
        ("1 hour", "60 minutes", False),
        ("at least 30 minutes", "at least 10 minutes", True),
        ("at least 30 minutes", "45 minutes", False),
        ("5 kg", "5 minutes", False),
        ("20 minutes", "no figure at all", False),
    ],
)
def test_quantities_differ_only_where_they_cannot_both_be_true(one: str, other: str, differ: bool) -> None:
    assert disagree(read_quantities(one), read_quantities(other)) is differ


def test_places_name_file_and_line_where_the_article_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("---\ntitle: A\n---\n\n## What helps?\n\nUse ice for 20 minutes.\n")
    ((place, found),) = read_source(str(file))
    assert isinstance(found, Article)
    report = check_corpus([found], [], today=TODAY, places={"a": place})
    assert {f.rule: f.place for f in report.findings}["when to get help missing"] == str(file)
    other = check_corpus(
        [article("Use ice for 20 minutes.\n\n## Other\n\nText.[^k]" + HELP)], [], today=TODAY, places={"a": place}
    )
    assert {f.rule: f.place for f in other.findings}["claim without source"] == f"{file}:7"


def test_reading_levels_are_measured_for_article_and_sections() -> None:
    easy = (
        "The cat sat on the mat. The dog ran to the cat. It was a hot day and they sat in the sun for a while to rest. " * 2
    )
    (level,) = check(article(f"## Easy\n\n{easy}{HELP}")).levels
    assert level.grade < 4 and [section.heading for section in level.sections] == ["Easy"]
    assert level.sections[0].words == 56


BROKEN = article("Use <b>ice</b> & heat for 20 minutes." + "\n\n## <script>alert(1)</script>", reviewer="")


def test_the_table_shows_faults_and_the_first_warnings() -> None:
    out = StringIO()
    report = check(*(article(f"{SAYS} Use ice for {n} minutes{HELP}", f"a{n}", reviewer="") for n in range(20)))
    render_table(report, Console(file=out, width=120))
    assert "20 articles, 0 faults" in out.getvalue() and "and 15 more: reviewer missing" in out.getvalue()


def test_the_json_holds_everything() -> None:
    data = json.loads(to_json(check(BROKEN)))
    assert (data["articles"], data["faults"]) == (1, 1)
    assert {"rule", "level", "article", "place", "what", "next_step", "quotes"} <= set(data["findings"][0])
    assert data["levels"][0]["article"] == "a"


def test_the_html_report_is_one_file_that_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    write_html(check(BROKEN), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "http://" not in html and "https://" not in html and "src=" not in html
    assert '<html lang="en">' in html and "viewport" in html and "prefers-color-scheme: dark" in html


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="cannot be written"):
        write_html(check(BROKEN), tmp_path / "nowhere" / "report.html")


def test_an_empty_corpus_gives_an_empty_report(embedder: Embedder) -> None:
    report = check_corpus([], [], embedder.embed, TODAY)
    assert report.findings == () and report.median_grade == 0
