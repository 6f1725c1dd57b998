"""axe-core finds nothing (WCAG 2.2 A and AA) on any page, in any state, light and dark."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ANSWERED, DECLINED, URGENT = (
    "How long should I leave a cold pack on?",
    "what is the capital of France",
    "numb between my legs",
)


def faults(frame: Frame) -> list[str]:
    # A page can be looked into before its style sheets have come.
    frame.wait_for_load_state()
    frame.evaluate(AXE)
    # What the composer covers for the moment is not what is looked for.
    frame.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    options: dict[str, Any] = {"runOnly": TAGS}
    violations = frame.evaluate("(options) => axe.run(options).then((found) => found.violations)", options)
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in violations]


def ask(place: Any, question: str) -> None:
    before = place.locator(".bb-done").count()
    place.get_by_label("Your question").fill(question)
    place.get_by_label("Your question").press("Enter")
    expect(place.locator(".bb-done")).to_have_count(before + 1)


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Any:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=request.param, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "path", ["/articles/heat-vs-cold", "/articles/none", "/demo", "/owners", "/privacy", "/embed", "/embed?locale=hi"]
)
def test_axe_finds_nothing_on_a_page(page: Page, site: str, path: str):
    page.goto(site + path)
    assert faults(page.main_frame) == []


def test_axe_finds_nothing_in_the_chat(page: Page, site: str):
    page.goto(site)
    expect(page.get_by_label("Your question")).to_be_visible()
    assert faults(page.main_frame) == []
    for question in (ANSWERED, DECLINED, URGENT):
        ask(page, question)
        assert faults(page.main_frame) == []


def test_axe_finds_nothing_in_the_widget(page: Page, site: str):
    page.goto(f"{site}/demo")
    page.get_by_role("button", name="Ask about back pain").click()
    widget = page.frame_locator("iframe")
    expect(widget.get_by_label("Your question")).to_be_focused()
    for question in (ANSWERED, DECLINED, URGENT):
        ask(widget, question)
        for frame in page.frames:
            assert faults(frame) == []


def test_text_at_twice_its_size_fits(page: Page, site: str):
    page.set_viewport_size({"width": 640, "height": 800})
    page.goto(site)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    ask(page, URGENT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_what_is_pressed_is_large_enough(page: Page, site: str):
    page.goto(site)
    ask(page, ANSWERED)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.bb-mark, a.bb-open, summary, input, textarea")]
            .filter((e) => e.checkVisibility())
            .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 120)])
            .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, html]) => html)"""
    )
    assert small == []
