import sys
from pathlib import Path

import pytest

from articles import CORPUS
from backbot.bench.comparison import compare, stage_times
from backbot.bench.peers import ASKERS, PEERS, Question, compare_peers, interpreters, read_questions
from backbot.bench.peers_report import TITLES, About, render_peers
from backbot.errors import BenchUnavailable

PEERS_FOLDER = Path(__file__).parents[2] / "evals" / "bench" / "peers"
QUESTIONS = [Question("heat#0", "Ice or heat?", ("heat-vs-cold",)), Question("walk#0", "May I walk?", ("walking",))]

COUNTING = """
import sys
sys.path.insert(0, {protocol!r})
from protocol import speak

def ingest(articles, store, model):
    store.mkdir()
    (store / "ids").write_text(" ".join(row["id"] for row in articles))
    return lambda: len(articles)

def open_store(store, model):
    ids = (store / "ids").read_text().split()
    print("a library says something")
    return lambda question: [ids[0], ids[0], ids[1]]

speak(ingest, open_store, {{}})
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}_peer.py").write_text(COUNTING.format(protocol=str(PEERS_FOLDER)))
    return tmp_path


@pytest.fixture
def few_articles(tmp_path):
    made = tmp_path / "articles"
    made.mkdir()
    for file in sorted(CORPUS.glob("[h-w]*.md"))[:3]:
        (made / file.name).write_text(file.read_text())
    return [str(made)]


def quiet(what, done, total):
    pass


def test_every_side_says_every_figure_in_every_round(folder, few_articles):
    pythons = dict.fromkeys(("one", "two"), Path(sys.executable))
    rows = list(compare_peers(folder, pythons, few_articles, QUESTIONS, 2, 1, quiet))
    for name in pythons:
        mine = [row for row in rows if row["peer"] == name]
        assert [row["passages"] for row in mine if row["step"] == "ingested"] == [3]
        for done in (0, 1):
            steps = [row["step"] for row in mine if row["round"] == done and row["step"] != "ingested"]
            assert steps == ["started", "answered", "answered", "figures", *["asked"] * len(ASKERS)]
    assert all(len(row["articles"]) == 2 for row in rows if row["step"] == "answered")
    # Who goes first in one round does not in the next.
    assert [row["peer"] for row in rows if row["step"] == "started"] == ["one", "two", "two", "one"]


def test_a_peer_that_stops_says_why(folder, few_articles):
    (folder / "two_peer.py").write_text("raise SystemExit('no such model')")
    pythons = dict.fromkeys(("one", "two"), Path(sys.executable))
    with pytest.raises(BenchUnavailable, match=r"two_peer\.py stopped: no such model"):
        list(compare_peers(folder, pythons, few_articles, QUESTIONS, 1, 1, quiet))


def test_backbot_speaks_the_protocol_and_its_page_shows_each_figure(few_articles):
    pythons = dict.fromkeys(("backbot", "floor"), Path(sys.executable))
    rows = list(compare_peers(PEERS_FOLDER, pythons, few_articles, QUESTIONS, 1, 1, quiet))
    assert [row["peer"] for row in rows if row["step"] == "ingested"] == ["backbot"]
    figures = compare(rows, QUESTIONS)
    assert {"backbot", "floor"} <= set(figures[0].sides)
    about = About("today", 2, (0.1, 0.2), 1, 3, len(QUESTIONS), {"backbot": 30}, tuple(TITLES[name] for name in PEERS))
    page = render_peers(about, figures, stage_times(rows))
    assert page.count("<svg") == len(figures) + 1 == 16
    assert "Not installed, so not measured: LangChain, LlamaIndex, Haystack, txtai." in page
    assert "<script" not in page
    assert "http" not in page


def test_only_peers_whose_environment_is_whole_take_part(tmp_path):
    for name in ("txtai", "haystack"):
        (tmp_path / name).mkdir()
    with pytest.raises(BenchUnavailable, match=r"make\.sh"):
        interpreters(tmp_path)
    (tmp_path / "txtai" / "made-from.txt").touch()
    assert list(interpreters(tmp_path)) == ["backbot", "floor", "txtai"]


@pytest.mark.parametrize("name", PEERS)
def test_each_peer_has_its_file_and_pins_what_it_runs(name):
    assert (PEERS_FOLDER / f"{name}_peer.py").is_file()
    pins = (PEERS_FOLDER / f"{name}.txt").read_text().splitlines()
    assert all("==" in pin for pin in pins)
    # An open range takes several GB of CUDA.
    assert "torch==2.13.0" in pins


def test_the_questions_are_those_that_articles_answer():
    questions = read_questions(PEERS_FOLDER.parents[1] / "answers-tune.yaml")
    known = {file.stem for file in CORPUS.glob("*.md")}
    assert len(questions) > 50
    assert len({question.id for question in questions}) == len(questions)
    assert all(question.text and set(question.articles) <= known for question in questions)
