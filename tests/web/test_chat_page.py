"""The chat page in a real browser: what a reader does and sees."""

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from backbot.bot import Bot
from backbot.web.server import create_app
from web.conftest import keep_screenshot

MARK = (255, 240, 184)
"""The colour in which the words of a link are shown on an article's page, in light mode."""


def ask(page: Page, question: str) -> None:
    before = page.locator(".bb-done").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".bb-done")).to_have_count(before + 1)


def test_a_cited_answer_leads_to_the_marked_words_in_the_article(page: Page, site: str):
    page.goto(site)
    ask(page, "How long should I leave a cold pack on?")
    answer = page.locator(".bb-done")
    expect(answer).to_contain_text("15 to 20 minutes")
    assert answer.locator(".bb-text .bb-mark").count() == answer.locator(".bb-card li").count() > 0
    expect(answer.locator(".bb-status").first).to_have_text(re.compile(r"Last checked \d{1,2} \w{3} 20\d\d"))
    keep_screenshot(page, "answer-phone")

    quote = answer.locator(".bb-card q").first.inner_text()
    with page.expect_popup() as opened:
        answer.get_by_role("link", name="Read it in the article").first.click()
    article = opened.value
    article.wait_for_load_state()
    assert "/articles/heat-vs-cold#" in article.url
    place = article.get_by_text(quote, exact=False).first.bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 844
    assert marked_pixels(article) > 500
    keep_screenshot(article, "article-phone")


def marked_pixels(page: Page) -> int:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return sum(count for count, colour in picture.getcolors(1 << 24) or [] if colour == MARK)


def test_a_number_in_the_answer_leads_to_its_source_on_the_page(page: Page, site: str):
    page.goto(site)
    ask(page, "How long should I leave a cold pack on?")
    page.locator(".bb-mark").first.click()
    expect(page.locator(".bb-card li:target")).to_have_count(1)
    assert page.url.startswith(site)


def test_an_emergency_comes_first_with_numbers_to_call(page: Page, site: str):
    page.goto(site)
    page.get_by_label("Your country").click()
    page.get_by_role("option", name="United Kingdom").click()
    ask(page, "How long should I leave a cold pack on?")
    ask(page, "numb between my legs and I can't pee")
    box = page.locator(".bb-triage")
    expect(box.get_by_role("heading", name="Get emergency help now")).to_be_in_viewport(ratio=1)
    expect(box.locator(".bb-call").first).to_be_in_viewport(ratio=1)
    expect(box.locator(".bb-call").first).to_have_attribute("href", "tel:999")
    expect(page.locator(".bb-done").last.locator(".bb-card")).to_have_count(0)
    expect(page.locator('body > [role="status"]')).to_contain_text("Get emergency help now")
    keep_screenshot(page, "emergency-phone")


def test_choosing_a_country_changes_the_numbers_that_are_shown(page: Page, site: str):
    page.goto(site)
    ask(page, "numb between my legs and I can't pee")
    page.get_by_role("link", name="In another country?").click()
    expect(page.get_by_label("Your country")).to_be_focused()
    page.get_by_role("option", name="Australia").click()
    expect(page.locator(".bb-triage .bb-call").first).to_have_attribute("href", "tel:000")
    expect(page.locator(".bb-question")).to_have_count(1)


def test_an_emergency_is_referred_however_many_questions_came_before(page: Page, bot: Bot, serve_app: Callable[..., str]):
    page.goto(serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": "2/minute"}))))
    for _ in range(2):
        ask(page, "Do I need an MRI scan?")
    ask(page, "Do I need an MRI scan?")
    expect(page.locator(".bb-done").last).to_contain_text("many questions in a short time")
    ask(page, "numb between my legs and I can't pee")
    expect(page.locator(".bb-done").last.get_by_role("heading", name="Get emergency help now")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_header_is_painted_at_once_where_it_stays(browser: Browser, site: str, width: int):
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.route("**/assets/**", lambda route: route.abort())
    page.goto(site)
    expect(page.locator("#bb-first")).to_be_visible()
    before = page.locator("#bb-first h1").bounding_box()
    page.unroute("**/assets/**")
    page.goto(site)
    expect(page.locator("#bb-top h1")).to_be_visible()
    expect(page.locator("#bb-first")).to_have_count(0)
    expect(page.get_by_label("Your question")).to_be_visible()
    after = page.locator("#bb-top h1").bounding_box()
    assert before
    assert after
    assert all(abs(before[side] - after[side]) <= 1 for side in ("x", "y", "height"))
    context.close()


def test_without_javascript_the_page_names_the_emergency_number(browser: Browser, site: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    said = page.locator("noscript p")
    expect(said).to_be_visible()
    assert "call your local emergency number" in said.inner_text()
    context.close()


def test_what_the_articles_do_not_hold_is_declined(page: Page, site: str):
    page.goto(site)
    ask(page, "what is the capital of France")
    expect(page.locator(".bb-done .bb-note")).to_contain_text("The articles do not answer that")
    expect(page.locator(".bb-card")).to_have_count(0)


def test_a_message_without_words_is_met_kindly(page: Page, site: str):
    page.goto(site)
    ask(page, "?!")
    expect(page.locator(".bb-done")).to_contain_text("Ask in your own words")


def test_examples_and_suggestions_ask_and_follow_ups_know_what_went_before(page: Page, site: str):
    page.goto(site)
    page.get_by_role("button", name="Should I use heat or cold?").click()
    expect(page.locator(".bb-done")).to_have_count(1)
    expect(page.get_by_role("button", name="Do I need an MRI scan?")).to_be_hidden()
    suggestion = page.locator("#bb-chat .option").first
    words = suggestion.inner_text()
    suggestion.click()
    expect(page.locator(".bb-done")).to_have_count(2)
    expect(page.locator(".bb-question").last).to_have_text(words)
    ask(page, "and how long should I leave it on?")
    expect(page.locator(".bb-done").last).to_contain_text("minutes")


def test_the_focus_stays_where_the_next_question_is_typed(page: Page, site: str):
    page.goto(site)
    box = page.get_by_label("Your question")
    box.fill("Do I need an MRI scan?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".bb-done")).to_have_count(1)
    expect(box).to_be_focused()
    expect(box).to_have_value("")


def test_a_screen_reader_hears_one_message_for_each_answer(page: Page, site: str):
    page.goto(site)
    page.evaluate(
        """() => {
            window.heard = [];
            new MutationObserver((changes) => {
                for (const change of changes) {
                    const live = change.target.parentElement?.closest('[role="status"], [aria-live="polite"], [aria-live="assertive"]')
                        ?? (change.target.closest?.('[role="status"], [aria-live="polite"]'));
                    if (live && live.textContent) window.heard.push(live.textContent);
                }
            }).observe(document.body, {childList: true, subtree: true, characterData: true});
        }"""
    )
    ask(page, "Do I need an MRI scan?")
    expect(page.locator('body > [role="status"]')).to_have_text("The answer is ready.")
    assert page.evaluate("window.heard.filter((text) => text.includes('answer is ready')).length") == 1
    assert page.evaluate("""document.querySelectorAll('[role="log"]:not([aria-live="off"])').length""") == 0
    assert (
        page.evaluate(
            """[...document.querySelectorAll('#bb-chat [aria-label]')].filter(e => e.ariaLabel.includes('<')).length"""
        )
        == 0
    )


def test_an_answer_is_copied_with_its_sources(page: Page, site: str):
    page.goto(site)
    ask(page, "How long should I leave a cold pack on?")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "How long should I leave a cold pack on?" in copied
    assert "[1]" in copied
    assert f"{site}/articles/heat-vs-cold#" in copied
    assert "not a diagnosis" in copied


def test_a_thumb_down_asks_for_the_reason(page: Page, site: str):
    page.goto(site)
    ask(page, "Do I need an MRI scan?")
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Wrong source").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()


def test_clearing_takes_the_conversation_away(page: Page, site: str):
    page.goto(site)
    ask(page, "Do I need an MRI scan?")
    page.get_by_role("button", name="Clear the conversation").click()
    expect(page.locator(".bb-question")).to_have_count(0)
    expect(page.get_by_role("button", name="Do I need an MRI scan?")).to_be_visible()


def test_two_visitors_see_nothing_of_each_other(page: Page, browser: Browser, site: str):
    page.goto(site)
    ask(page, "Do I need an MRI scan?")
    other = browser.new_context().new_page()
    other.goto(site)
    expect(other.get_by_label("Your question")).to_be_visible()
    expect(other.locator(".bb-question")).to_have_count(0)
    other.context.close()
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])") == '[{},{},""]'


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways(browser: Browser, site: str, width: int, scheme: str):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(site)
    ask(page, "numb between my legs and I can't pee")
    ask(page, "Should I put ice or heat on my back?")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep_screenshot(page, f"chat-{width}-{scheme}")
    context.close()


def test_too_many_questions_are_met_with_a_kind_word_and_where_to_call(
    browser: Browser, bot: Bot, serve_app: Callable[..., str]
):
    address = serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": "1/minute"})))
    page = browser.new_page()
    page.goto(address)
    ask(page, "Do I need an MRI scan?")
    page.get_by_label("Your question").fill("What is sciatica?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("call your emergency number")).to_be_visible()
    page.close()


def test_markup_in_a_question_is_shown_as_it_was_typed(page: Page, site: str):
    page.goto(site)
    question = 'is <b>heat</b> *good* <img src=x onerror=alert(1)> & "safe"?'
    ask(page, question)
    expect(page.locator(".bb-question")).to_have_text(question)
    assert page.locator(".bb-question *").count() == 0
