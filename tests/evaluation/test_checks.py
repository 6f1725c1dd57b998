import pytest

from backbot.evaluation.articles import ArticleText, Section
from backbot.evaluation.checks import citation_fault, says
from backbot.records import Citation

TEXT = "Use heat for 15–20 minutes, don’t sleep on it. A medium-firm mattress helped 313 people."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("15-20 minutes", True),
        ("don't sleep", True),
        ("MEDIUM-FIRM", True),
        ("an hour|20 minutes", True),
        ("heats", False),
        ("5-20 minutes", False),
        ("313 people", True),
        ("31", False),
        ("firm", True),
        ("edium", False),
        ("matt", True),
        ("|", False),
    ],
)
def test_a_fact_is_found_by_its_words_and_not_inside_another_number(words: str, said: bool):
    assert says(TEXT, words) is said


QUOTE = "Leave a cold pack on for 15 to 20 minutes."


def fault(link: str = "/articles/cold#:~:text=Leave%20a%20cold%20pack", quote: str = QUOTE, **article: str) -> str:
    plain = f"{QUOTE} Then wait."
    fields = {"url": "", "markdown": f"## How long? {QUOTE}[^1] Then wait.", "plain": plain} | article
    text = ArticleText(id="cold", title="Cold", reviewed="", sections=(Section("How long?", plain),), **fields)  # type: ignore[arg-type]
    return citation_fault(Citation(1, "cold", "Cold", "How long?", "/articles/cold", link, quote, ""), text)


@pytest.mark.parametrize(
    "link",
    [
        "/articles/cold#:~:text=Leave%20a%20cold%20pack",
        "/articles/cold#how-long:~:text=Leave%20a%20cold,20%20minutes",
        "https://bot.example/articles/cold#:~:text=LEAVE%20a%20cold",
        "/articles/cold#:~:text=before-,Leave%20a%20cold,-after",
    ],
)
def test_a_link_made_of_the_quotes_words_is_valid(link: str):
    assert fault(link) == ""


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/articles/cold",
        "/articles/cold#how-long",
        "/articles/cold#:~:text=",
        "/articles/cold#:~:text=Leave%20a%20hot%20pack",
        "/articles/cold#:~:text=20%20minutes,Leave%20a",
        "/articles/heat#:~:text=Leave%20a%20cold%20pack",
        "javascript:alert(1)#:~:text=Leave%20a%20cold",
    ],
)
def test_any_other_link_is_not(link: str):
    assert fault(link)


@pytest.mark.parametrize("quote", ["", " ", "Leave a cold pack on for 15 to 30 minutes.", "leave a cold pack on"])
def test_a_quote_that_is_not_verbatim_is_not_valid(quote: str):
    assert fault(quote=quote)


def test_a_quote_may_stand_in_the_plain_text_or_in_the_markdown():
    assert fault(markdown="") == ""
    assert fault(plain="") == ""
    assert fault(plain="", markdown="")


def test_an_article_with_its_own_page_must_be_linked_there():
    assert fault(url="https://health.example/cold")
    assert fault("https://health.example/cold#:~:text=Leave%20a", url="https://health.example/cold") == ""
