from datetime import date

import pytest

from backbot.loaders.faults import ArticleFault
from backbot.loaders.markdown import normalise, read_markdown
from backbot.records import ReaderQuestions, Source

FRONT = """---
title: Cold packs
description: How long.
url: ""
published: 2026-01-02
reviewed: 2026-01-03
review_by: 2027-01-03
reviewer: ""
topics: [self-care, cold]
status: published
sources:
  - key: french-2006
    authors: French SD
    title: "Heat or cold: a review"
    year: 2006
    url: https://doi.org/10.1002/14651858.CD004750.pub2
---

## How long?

Leave it on for 15 to 20 minutes.[^french-2006] Read more in [Heat](heat.md).
"""


def test_front_matter_becomes_the_fields_of_the_article() -> None:
    article = read_markdown(FRONT, "cold-packs")
    assert (article.id, article.title, article.topics) == ("cold-packs", "Cold packs", ("self-care", "cold"))
    assert (article.published, article.review_by) == (date(2026, 1, 2), date(2027, 1, 3))
    assert article.sources == (
        Source("french-2006", "French SD", "Heat or cold: a review", 2006, "https://doi.org/10.1002/14651858.CD004750.pub2"),
    )


QUESTIONS = """questions:
  - answer: Leave it on for 15 to 20 minutes.
    asked:
      - how long, 2 hours?
      - no more than 20 mins rite
---
"""


def test_readers_questions_are_read_with_the_sentence_that_answers_them() -> None:
    text = FRONT.replace("---\n\n## How", QUESTIONS + "\n## How")
    asked = ("how long, 2 hours?", "no more than 20 mins rite")
    assert read_markdown(text, "x").questions == (ReaderQuestions("Leave it on for 15 to 20 minutes.", asked),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("  - answer: Leave it on for 15 to 20 minutes.\n    asked:", "  - asked:"), "row 1 needs answer"),
        (("    asked:", "    questions:"), "row 1 needs answer"),
        (("      - how long, 2 hours?\n      - no more than 20 mins rite\n", "      - \n"), "row 1 has no asked"),
        (("answer: Leave it on for 15 to 20 minutes.", "answer:"), "row 1 has no answer"),
        (("      - how long, 2 hours?", "      - a: b"), "must be text"),
    ],
)
def test_a_fault_in_readers_questions_is_named(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ArticleFault, match=words):
        read_markdown(FRONT.replace("---\n\n## How", QUESTIONS.replace(*change) + "\n## How"), "x")


def test_a_body_in_house_form_is_kept_to_the_letter() -> None:
    article = read_markdown(FRONT, "cold-packs")
    assert article.body == ("## How long?\n\nLeave it on for 15 to 20 minutes.[^french-2006] Read more in [Heat](heat.md).")


def test_a_withdrawn_article_is_read_with_its_status() -> None:
    assert read_markdown(FRONT.replace("status: published", "status: withdrawn"), "x").status == "withdrawn"


def test_words_that_yaml_would_turn_into_something_else_stay_words() -> None:
    text = "---\ntitle: 2026\ndescription: no\ntopics: [yes, 1.50]\nreviewer: null\n---\n\nText."
    article = read_markdown(text, "x")
    assert (article.title, article.description, article.topics, article.reviewer) == ("2026", "no", ("yes", "1.50"), "")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("title: Cold packs", "titel: Cold packs"), 2, "did you mean 'title'?"),
        (("status: published", "staus: withdrawn"), 10, "did you mean 'status'?"),
        (("status: published", "status: drfat"), 10, "published or withdrawn"),
        (("published: 2026-01-02", "published: soon"), 5, "'soon' is not a date"),
        (("published: 2026-01-02", "published: 2026-02-30"), 5, "not a date"),
        (("review_by: 2027-01-03", "review_by: 2025-01-03"), 7, "before reviewed"),
        (('url: ""', "url: javascript:alert(1)"), 4, "not a full http or https address"),
        (("topics: [self-care, cold]", "topics: {a: b}"), 9, "must be a list"),
        (("title: Cold packs", "title: a\ntitle: b"), 3, "'title' twice"),
        (("title: Cold packs", "title: &x a\ndescription2: *x"), 2, "anchor or alias"),
        (("title: Cold packs", "title: *x"), 2, "anchor or alias"),
        (("title: Cold packs", "title: !!python/object/apply:os.system [ls]"), 2, "YAML tag"),
        (("title: Cold packs", "title: " + "[" * 40 + "a" + "]" * 40), 2, "levels deep"),
        (("title: Cold packs", "title: Cold: packs: here"), 2, "not valid YAML"),
        (("title: Cold packs", "title: [a"), 3, "not valid YAML"),
        (("    year: 2006", "    year: last year"), 15, "not a year"),
        (("    authors: French SD", "    author: French SD"), 13, "did you mean 'authors'?"),
        (("    year: 2006\n", ""), 12, "lacks year"),
        (("  - key: french-2006", "  - key: french 2006"), 12, "cannot be a source's key"),
        (("title: Cold packs\n", ""), 1, "has no title"),
    ],
)
def test_a_fault_in_the_front_matter_is_named_with_its_line(change: tuple[str, str], line: int, words: str) -> None:
    with pytest.raises(ArticleFault) as raised:
        read_markdown(FRONT.replace(*change), "cold-packs")
    assert words in raised.value.reason
    assert raised.value.line == line


def test_front_matter_that_never_ends_is_a_fault() -> None:
    with pytest.raises(ArticleFault, match="not closed"):
        read_markdown("---\ntitle: A\n\nText.", "x")


def test_deeply_nested_yaml_is_a_fault_and_not_a_crash() -> None:
    with pytest.raises(ArticleFault):
        read_markdown("---\ntitle: " + "[" * 20_000 + "\n---\n\nText.", "x")


@pytest.mark.parametrize(
    ("text", "title"),
    [("# Heat and cold\n\nText.", "Heat and cold"), ("Heat\n====\n\nText.", "Heat"), ("Text.", "Cold packs")],
)
def test_without_front_matter_the_title_is_the_first_heading_or_the_name(text: str, title: str) -> None:
    article = read_markdown(text, "cold-packs")
    assert (article.title, article.body) == (title, "Text.")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("One\nparagraph.\n\nTwo.", "One paragraph.\n\nTwo."),
        ("### A\n\ntext\n\n#### B\n\ntext", "## A\n\ntext\n\n### B\n\ntext"),
        ("Setext\n------\n\ntext", "## Setext\n\ntext"),
        ("* a\n* b\n    * c\n\n1) x\n2) y", "- a\n- b\n  - c\n1. x\n2. y"),
        ("|a|b|\n|-|-|\n|1|2 \\| 3|", "| a | b |\n| --- | --- |\n| 1 | 2 \\| 3 |"),
        ("A **bold** and *slanted* `word`.", "A bold and slanted word."),
        ("Text.[^a][^b-2]", "Text.[^a][^b-2]"),
        ("Text.[^a]\n\n[^a]: A footnote about it.", "Text.[^a]"),
        ("See [page][p].\n\n[p]: https://a.org/x", "See [page](https://a.org/x)."),
        ("[x](javascript:alert(1)) and [y](data:text/html,z)", "x and y"),
        ("A <b>b</b> <script>alert(1)</script>c", "A b c"),
        ("<div style='display:none'>\n\nhidden\n\n</div>\n\nseen", "seen"),
        ("a\n\n<!-- comment -->\n\nb", "a\n\nb"),
        ("Keep 5 * 3 and snake_case and 2 < 3.", "Keep 5 * 3 and snake_case and 2 < 3."),
        (r"\# no heading", r"\# no heading"),
        ("![alt](x.png) text", "text"),
    ],
)
def test_markdown_is_brought_into_one_form(text: str, body: str) -> None:
    assert normalise(text) == body
    assert normalise(body) == body
