"""The chat page, made of Gradio's parts. The page itself carries the conversation; the server keeps none of it."""

import logging
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backbot.bot import Bot
from backbot.errors import BackbotError, QuestionInvalid
from backbot.records import AnswerSentence, Reply, Triage
from backbot.triage import triage as run_triage
from backbot.triage.rules import ANYWHERE, load_rules
from backbot.web.answer_html import answer_html, note_html, question_html, triage_html

if TYPE_CHECKING:
    import gradio as gr

EXAMPLES = (
    "Should I use heat or cold?",
    "Do I need an MRI scan?",
    "Which stretches help a stiff back?",
    "How should I set up my chair?",
)

REASONS = {"wrong": "It is wrong", "not-my-question": "Not my question", "unclear": "Unclear", "source": "Wrong source"}

MOST_TURNS = 50
"""Messages that one page keeps; the oldest go first."""

AWAY = "backbot cannot answer just now. Please try again in a minute."

ABOUT = """
<details class="bb-about"><summary>What this is, and what it is not</summary>
<ul><li>It finds the sentences in our articles that answer your question, and shows where each one stands.</li>
<li>It looks for warning signs in what you write and tells you whom to call. It can miss some: if you are worried, get help.</li>
<li>It is not a doctor. It cannot examine you, and it gives no diagnosis.</li>
<li>Your messages stay in this page. Closing or clearing it removes them.</li></ul></details>
"""

HEADER = """
<header class="bb-header"><span class="bb-logo" aria-hidden="true"></span>
<div><h1>backbot</h1><p>Answers about back pain, word for word from our articles</p></div></header>
"""

INTRO = """
<div class="bb-intro"><h2>What would you like to know about your back?</h2>
<p>Ask in your own words. Every sentence of the answer shows its source.</p></div>
"""

_log = logging.getLogger(__name__)

Messages = list[dict[str, Any]]


def build_chat(bot: Bot) -> "gr.Blocks":
    """The page's blocks, ready to be mounted."""
    import gradio as gr

    # Markdown rather than Gradio's HTML component: that one evaluates its template as a script, which the policy forbids.
    with gr.Blocks(title="backbot: answers about back pain", analytics_enabled=False, fill_width=True) as page:
        turns = gr.JSON([], visible=False)
        with gr.Row(elem_id="bb-top"):
            gr.Markdown(HEADER)
            country = gr.Dropdown(
                countries(),
                value=_known_country(bot.settings.country),
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
            box = gr.Textbox(
                label="Your question",
                placeholder="Ask about your back",
                elem_id="bb-box",
                lines=1,
                max_lines=6,
                scale=1,
                container=True,
            )
            send = gr.Button("Ask", variant="primary", elem_id="bb-send", scale=0, min_width=72)
        with gr.Row(elem_id="bb-foot"):
            gr.Markdown(ABOUT)
            clear = gr.Button("Clear the conversation", elem_id="bb-clear", scale=0)

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

        def ask(question: str, asked: list[str], shown: Messages, place: str) -> Iterator[dict[Any, Any]]:
            if not question.strip():
                yield {box: ""}
                return
            history = asked[-MOST_TURNS:]
            shown = [*shown[-2 * MOST_TURNS :], {"role": "user", "content": question_html(question)}]
            opened = {box: "", welcome: gr.Column(visible=False), feedback: gr.Column(visible=False)}
            for html, reply in answers(bot, question, history, place):
                answer: dict[str, Any] = {"role": "assistant", "content": html}
                if reply:
                    answer["options"] = [{"value": text, "label": text} for text in reply.suggestions]
                yield {**opened, chat: gr.Chatbot([*shown, answer], visible=True)}
                opened = {}
            yield {
                turns: [*history, question],
                feedback: gr.Column(visible=reply is not None and reply.outcome != "referred"),
                thumbs: gr.Row(visible=True),
                reasons: gr.Row(visible=False),
                thanks: gr.Markdown(visible=False),
            }

        def choose_country(asked: list[str], shown: Messages, place: str) -> Messages:
            """The last answer's referral, with the numbers of the country that was just chosen."""
            if not asked or not shown or "bb-triage" not in content_of(shown[-1]):
                return shown
            last = content_of(shown[-1])
            start = last.index('<section class="bb-triage')
            end = last.index("</section>", start) + len("</section>")
            box_now = triage_html(run_triage(asked, place))
            return [*shown[:-1], {"role": "assistant", "content": last[:start] + box_now + last[end:]}]

        inputs, outputs = [turns, chat, country], [box, turns, chat, welcome, feedback, thumbs, reasons, thanks]
        for trigger in (box.submit, send.click):
            trigger(ask, [box, *inputs], outputs, **quiet)
        for example in examples:
            example.click(ask, [example, *inputs], outputs, **quiet)

        def ask_suggestion(event: gr.SelectData, asked: list[str], shown: Messages, place: str) -> Iterator[dict[Any, Any]]:
            yield from ask(str(event.value), asked, shown, place)

        chat.option_select(ask_suggestion, inputs, outputs, **quiet)
        country.change(choose_country, inputs, chat, **quiet)

        def start_again() -> dict[Any, Any]:
            return {
                turns: [],
                chat: gr.Chatbot([], visible=False),
                welcome: gr.Column(visible=True),
                feedback: gr.Column(visible=False),
                box: "",
            }

        clear.click(start_again, None, outputs, **quiet)

        def thank(verdict: str, reason: str) -> dict[Any, Any]:
            _log.info("Feedback: %s %s", verdict, reason)
            return {thumbs: gr.Row(visible=False), reasons: gr.Row(visible=False), thanks: gr.Markdown(visible=True)}

        up.click(lambda: thank("up", ""), None, [thumbs, reasons, thanks], **quiet)
        down.click(lambda: {thumbs: gr.Row(visible=False), reasons: gr.Row(visible=True)}, None, [thumbs, reasons], **quiet)
        for reason, button in why.items():
            button.click(lambda reason=reason: thank("down", reason), None, [thumbs, reasons, thanks], **quiet)

    # Each visitor's work is bounded by the semaphore at the work itself; this bounds what waits for it.
    page.queue(max_size=200, default_concurrency_limit=8)
    return page


def answers(bot: Bot, question: str, history: list[str], country: str) -> Iterator[tuple[str, Reply | None]]:
    """The answer's HTML as it grows, with the reply once it is whole. Never raises; the log holds none of the words."""
    triage: Triage | None = None
    sentences: list[AnswerSentence] = []
    turn = len(history) + 1
    try:
        for part in bot.stream(question, history, country):
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


def log_without_words(error: Exception) -> None:
    """Where an error arose and of which kind; its message may hold a reader's words, so only an operator's error shows it."""
    where = "" if isinstance(error, BackbotError) else "".join(traceback.format_tb(error.__traceback__))
    what = str(error) if isinstance(error, BackbotError) else type(error).__name__
    _log.error("A question could not be answered: %s\n%s", what, where)


def _with_triage(triage: Triage | None, text: str) -> str:
    return (triage_html(triage) if triage and triage.level != "none" else "") + note_html(text)


def countries() -> list[tuple[str, str]]:
    """Name and code of each country whose numbers are known, by name; the first is for a country not named."""
    rows = {row.code: row.name for code, row in load_rules().countries.items() if code != ANYWHERE}
    return [("Not chosen", ""), *sorted((name, code) for code, name in rows.items())]


def content_of(message: dict[str, Any]) -> str:
    """A message's text as Gradio gives it back: a string, or parts that hold one."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _known_country(code: str) -> str:
    row = load_rules().countries.get(code.strip().upper())
    return row.code if row and row.code != ANYWHERE else ""
