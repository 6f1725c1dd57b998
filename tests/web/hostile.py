"""What tests of hostile text share: the payloads, a bot that says them, and a page that tells what ran in it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, BrowserContext, Frame, Page

from backbot.bot import Bot
from backbot.index.search import Index
from backbot.records import AnswerSentence, Citation, Contact, Flag, Reply, Triage
from backbot.settings import Settings

CLASSES: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "hostile_payloads.yaml").read_text(encoding="utf-8"))
PAYLOADS = [payload for payloads in CLASSES.values() for payload in payloads]
BATCHES = [PAYLOADS[at : at + 20] for at in range(0, len(PAYLOADS), 20)]

LISTEN = """(() => {
    const tell = (what) => window.bbHeard(`${what} at ${location.href.slice(0, 200)}`);
    for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = (...said) => tell(`${name} ${said}`);
    Object.defineProperty(window, "pwned", {set: (value) => tell(`pwned ${value}`), get: () => undefined});
    document.addEventListener("securitypolicyviolation", (event) =>
        tell(`refused ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
})()"""

# What an answer, a question and an article's body are made of. Nothing else is markup of ours.
ACTING = r"""(root) => {
    const tags = new Set(["p", "div", "span", "sup", "sub", "a", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "q",
        "section", "button", "br", "hr", "strong", "em", "b", "i", "code", "pre", "blockquote", "table", "thead", "tbody",
        "tr", "th", "td"]);
    const attributes = new Set(["class", "id", "href", "target", "rel", "type", "value", "aria-label", "data-n", "start", "style", "lang", "title"]);
    const faults = [];
    for (const element of root.querySelectorAll("*")) {
        const names = [...element.attributes].map((attribute) => attribute.name);
        const href = element.getAttribute("href") ?? "";
        const isOurs = tags.has(element.localName)
            && names.every((name) => attributes.has(name))
            && !element.getAttribute("style")
            && /^([\w-]*|bb-\d+-\d+)$/u.test(element.id.normalize("NFKD").replace(/\p{L}|\p{M}|\p{N}/gu, ""))
            && /^$|^#|^tel:\+?\d+$|^https?:\/\/[^\/]|^\/articles\//.test(href)
            && ["bb-triage", "bb-emergency"].every((name) => !element.classList.contains(name) || element.localName === "section");
        if (!isOurs) faults.push(element.outerHTML.slice(0, 300));
    }
    return faults;
}"""


def visible(text: str) -> str:
    """The letters of a text, without white space, control characters and what a parser puts in their place."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ufeff\ufffd\u200b]+", "", text)


class Parrot(Bot):
    """A bot whose model and articles say nothing but payloads, in every field that a reader is shown.

    "batch 3" in the question chooses them.
    """

    def __init__(self, index: Index, settings: Settings, said: list[list[str]] = BATCHES):
        super().__init__(index, settings)
        self._said = said

    def stream(self, question: str, *_: Any, **__: Any) -> Iterator[Triage | AnswerSentence | Reply]:
        """The batch in every field."""
        found = re.search(r"batch (\d+)", question)
        said = self._said[int(found[1])] if found else ["Nothing."]
        triage = Triage(
            "soon",
            tuple(Flag("x", one, "soon", one, 0) for one in said),
            "\n\n".join(said),
            tuple(Contact(one, one, one) for one in said),
        )
        sentences = tuple(AnswerSentence(one, (n,), n % 3 == 0) for n, one in enumerate(said, 1))
        citations = tuple(
            Citation(n, one, one, f"{one} {n}", one, one, one, "2026-05-03", n % 2 == 0) for n, one in enumerate(said, 1)
        )
        yield triage
        yield from sentences
        yield Reply("answered", triage, sentences, citations, said[0], tuple(said), said[0], question, " ".join(said))


@contextmanager
def listening(browser: Browser) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A browser context, and what ran, was refused or left the machine's known ports in any frame of it."""
    heard: list[str] = []
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    context.expose_binding("bbHeard", lambda _, what: heard.append(what))
    context.add_init_script(LISTEN)
    context.on("dialog", lambda dialog: (heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
    context.on("request", lambda request: heard.append(f"request {request.url}") if "127.0.0.1:9/" in request.url else None)
    yield context, heard
    context.close()


def acting(place: Page | Frame, selector: str) -> list[str]:
    """Elements under `selector` that are none of ours: a payload that was taken for markup."""
    return [fault for root in place.locator(selector).all() for fault in root.evaluate(ACTING)]


Serve = Callable[..., str]
