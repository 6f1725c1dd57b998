"""The chat page, made of Gradio's parts. The page itself carries the conversation; the server keeps none of it."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import iterate_in_threadpool

from backbot.errors import QuestionInvalid
from backbot.operation.metrics import count_feedback, count_shed, watch
from backbot.records import AnswerSentence, Reply, Triage
from backbot.triage import triage as run_triage
from backbot.web.answer_html import answer_html, note_html, question_html, triage_html
from backbot.web.api import address_of
from backbot.web.desk import Desk
from backbot.web.limits import Busy, Limits
from backbot.web.words import AWAY, EXAMPLES, REASONS, countries, known_country, log_without_words

if TYPE_CHECKING:
    import gradio as gr

MOST_TURNS = 50
"""Messages that one page keeps; the oldest go first."""

ABOUT = """
<details class="bb-about"><summary>What this is, and what it is not</summary>
<ul><li>It finds the sentences in our articles that answer your question, and shows where each one stands.</li>
<li>It looks for warning signs in what you write and tells you whom to call. It can miss
some: if you are worried, get help.</li>
<li>It is not a doctor. It cannot examine you, and it gives no diagnosis.</li>
<li>Your messages stay in this page. Closing or clearing it removes them.
<a href="/privacy">What is kept, and what is not</a></li></ul></details>
"""

HEADER = """
<header class="bb-header"><span class="bb-logo" aria-hidden="true"></span>
<div><h1>backbot</h1><p>Answers about back pain, word for word from our articles</p></div></header>
"""

INTRO = """
<div class="bb-intro"><h2>What would you like to know about your back?</h2>
<p>Ask in your own words. Every sentence of the answer shows its source.</p></div>
"""

MOST_WAITING = 200
"""Questions that wait for an answer; Gradio tells the next one that the server is busy."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

_log = logging.getLogger(__name__)

Messages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the page that change or are pressed."""

    turns: "gr.JSON"
    quoted: "gr.JSON"
    country: "gr.Dropdown"
    welcome: "gr.Column"
    examples: "list[gr.Button]"
    chat: "gr.Chatbot"
    feedback: "gr.Column"
    thumbs: "gr.Row"
    up: "gr.Button"
    down: "gr.Button"
    reasons: "gr.Row"
    why: "dict[str, gr.Button]"
    thanks: "gr.Markdown"
    box: "gr.Textbox"
    send: "gr.Button"
    clear: "gr.Button"


def build_chat(desk: Desk, limits: Limits) -> "gr.Blocks":
    """The page's blocks, ready to be mounted."""
    import gradio as gr

    with gr.Blocks(title="backbot: answers about back pain", analytics_enabled=False, fill_width=True) as page:
        parts = _lay_out(desk.bot.settings.country)
        _wire_questions(parts, desk, limits)
        _wire_feedback(parts, desk)
    assert isinstance(page, gr.Blocks)
    page.queue(max_size=MOST_WAITING)
    return page


def _lay_out(country: str) -> Parts:
    """The page from its top to its foot.

    Text stands in Markdown rather than in Gradio's HTML component: that one evaluates its template as a script, which the
    content security policy forbids.
    """
    import gradio as gr

    turns = gr.JSON([], visible=False)
    quoted = gr.JSON([], visible=False)
    with gr.Row(elem_id="bb-top"):
        gr.Markdown(HEADER)
        choices = [("Not chosen", ""), *((row.name, row.code) for row in countries())]
        place = gr.Dropdown(
            choices,
            value=known_country(country),
            label="Your country",
            elem_id="bb-country",
            filterable=False,
            min_width=120,
        )
    with gr.Column(elem_id="bb-welcome") as welcome:
        gr.Markdown(INTRO)
        with gr.Row(elem_id="bb-examples"):
            examples = [gr.Button(text, elem_classes="bb-example") for text in EXAMPLES]
    chat = gr.Chatbot(
        label="Conversation",
        elem_id="bb-chat",
        visible=False,
        show_label=False,
        container=False,
        height="auto",
        autoscroll=False,
        layout="bubble",
        buttons=[],
        allow_tags=False,
        latex_delimiters=[],
        feedback_options=None,
        group_consecutive_messages=False,
    )
    with gr.Column(elem_id="bb-feedback", visible=False) as feedback:
        gr.Markdown('<p id="bb-helpful">Was this helpful?</p>')
        with gr.Row(elem_id="bb-thumbs") as thumbs:
            up = gr.Button("Yes", elem_classes="bb-thumb bb-up")
            down = gr.Button("No", elem_classes="bb-thumb bb-down")
        with gr.Row(elem_id="bb-reasons", visible=False) as reasons:
            why = {reason: gr.Button(text, elem_classes="bb-thumb") for reason, text in REASONS.items()}
        thanks = gr.Markdown("Thank you.", visible=False)
    with gr.Row(elem_id="bb-composer"):
        box = gr.Textbox(label="Your question", placeholder="Ask about your back", elem_id="bb-box", lines=1, max_lines=6)
        send = gr.Button("Ask", variant="primary", elem_id="bb-send", scale=0, min_width=72)
    with gr.Row(elem_id="bb-foot"):
        gr.Markdown(ABOUT)
        clear = gr.Button("Clear the conversation", elem_id="bb-clear", scale=0)
    return Parts(
        turns, quoted, place, welcome, examples, chat, feedback, thumbs, up, down, reasons, why, thanks, box, send, clear
    )  # fmt: skip


def _wire_questions(parts: Parts, desk: Desk, limits: Limits) -> None:
    """What happens when somebody asks, takes up a suggestion, chooses a country or starts again."""
    import gradio as gr

    async def ask(
        question: str, asked: list[str], shown: Messages, place: str, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        if not question.strip():
            yield {parts.box: ""}
            return
        refused = None
        try:
            await limits.count(address_of(request.request.scope) if request.request else "")
        except Busy as error:
            refused = error
        history = asked[-MOST_TURNS:]
        shown = [*shown[-2 * MOST_TURNS :], {"role": "user", "content": question_html(question)}]
        changes: dict[Any, Any] = {
            parts.box: "",
            parts.turns: [*history, question],
            parts.quoted: [],
            parts.welcome: gr.Column(visible=False),
            parts.feedback: gr.Column(visible=False),
            parts.thumbs: gr.Row(visible=True),
            parts.reasons: gr.Row(visible=False),
            parts.thanks: gr.Markdown(visible=False),
        }
        made = answers(desk, [*history, question], place, refused)
        # Who was refused waits behind no answer: it may be an emergency.
        async for html, reply in iterate_in_threadpool(made) if refused else limits.work(made):
            answer: dict[str, Any] = {"role": "assistant", "content": html}
            if reply:
                answer["options"] = [{"value": text, "label": text} for text in reply.suggestions]
                changes[parts.feedback] = gr.Column(visible=reply.outcome != "referred")
                changes[parts.quoted] = list(dict.fromkeys(citation.article for citation in reply.citations))
            messages: Any = [*shown, answer]
            yield {**changes, parts.chat: gr.Chatbot(messages, visible=True)}
            changes = {}

    async def ask_suggestion(
        event: gr.SelectData, asked: list[str], shown: Messages, place: str, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        async for change in ask(str(event.value), asked, shown, place, request):
            yield change

    def start_again() -> dict[Any, Any]:
        return {
            parts.box: "",
            parts.turns: [],
            parts.chat: gr.Chatbot([], visible=False),
            parts.welcome: gr.Column(visible=True),
            parts.feedback: gr.Column(visible=False),
        }

    said = [parts.turns, parts.chat, parts.country]
    changed = [
        parts.box, parts.turns, parts.quoted, parts.chat, parts.welcome, parts.feedback, parts.thumbs, parts.reasons,
        parts.thanks,
    ]  # fmt: skip
    asking: dict[str, Any] = {**QUIET, "concurrency_id": "ask", "concurrency_limit": desk.bot.settings.max_streams}
    for trigger in (parts.box.submit, parts.send.click):
        # A question sent while the last answer still streams is asked after it, not dropped.
        trigger(ask, [parts.box, *said], changed, trigger_mode="always_last", **asking)
    for example in parts.examples:
        example.click(ask, [example, *said], changed, **asking)
    parts.chat.option_select(ask_suggestion, said, changed, **asking)
    parts.country.change(renumber, said, parts.chat, **QUIET)
    parts.clear.click(start_again, None, changed, **QUIET)


def _wire_feedback(parts: Parts, desk: Desk) -> None:
    """A thumb up is taken as it is; a thumb down asks for the reason."""
    import gradio as gr

    def thank(verdict: str, reason: str, quoted: list[str]) -> dict[Any, Any]:
        count_feedback(verdict, reason)
        _log.info("Feedback: %s %s", verdict, reason)
        if verdict == "down":
            desk.take_thumb_down(reason, quoted)
        return {
            parts.thumbs: gr.Row(visible=False),
            parts.reasons: gr.Row(visible=False),
            parts.thanks: gr.Markdown(visible=True),
        }

    def ask_why() -> dict[Any, Any]:
        return {parts.thumbs: gr.Row(visible=False), parts.reasons: gr.Row(visible=True)}

    changed = [parts.thumbs, parts.reasons, parts.thanks]
    parts.up.click(partial(thank, "up", ""), parts.quoted, changed, **QUIET)
    parts.down.click(ask_why, None, changed, **QUIET)
    for reason, button in parts.why.items():
        button.click(partial(thank, "down", reason), parts.quoted, changed, **QUIET)


def renumber(asked: list[str], shown: Messages, country: str) -> Messages:
    """The messages with the last answer's referral anew, for a country that was just chosen."""
    last = content_of(shown[-1]) if asked and shown else ""
    start = last.find('<section class="bb-triage')
    if start < 0:
        return shown
    end = last.index("</section>", start) + len("</section>")
    referral = triage_html(run_triage(asked, country))
    return [*shown[:-1], {"role": "assistant", "content": last[:start] + referral + last[end:]}]


def answers(desk: Desk, turns: list[str], country: str, refused: Busy | None = None) -> Iterator[tuple[str, Reply | None]]:
    """The answer's HTML as it grows, with the reply once it is whole. Never raises; the log holds none of the words.

    A message that is `refused` is only looked at for an emergency.
    """
    triage: Triage | None = None
    sentences: list[AnswerSentence] = []
    turn = len(turns)
    try:
        parts = desk.stream(turns, country) if refused is None else desk.look(turns, country)
        if parts is None:
            assert refused
            count_shed(is_reader=refused.is_reader)
            yield note_html(str(refused)), None
            return
        for part in watch(parts):
            match part:
                case Triage():
                    triage = part
                    yield answer_html(triage, (), None, turn), None
                case AnswerSentence():
                    sentences.append(part)
                    yield answer_html(triage, sentences, None, turn), None
                case Reply():
                    yield answer_html(part.triage, part.sentences, part, turn), part
    except QuestionInvalid as error:
        yield _with_triage(triage, str(error)), None
    except Exception as error:
        log_without_words(error)
        yield _with_triage(triage, AWAY), None


def _with_triage(triage: Triage | None, text: str) -> str:
    return (triage_html(triage) if triage and triage.level != "none" else "") + note_html(text)


def content_of(message: dict[str, Any]) -> str:
    """A message's text as Gradio gives it back: a string, or parts that hold one."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
