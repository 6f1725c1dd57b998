"""The command line as a stranger uses it: whole processes, real files, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from articles import CORPUS
from backbot.settings import Settings


def backbot(*arguments: str, index: Path | None = None, cwd: Path | None = None, stdin: str = "", **env: str):
    variables = {**os.environ, **env, "COLUMNS": "200"}
    if index:
        variables["BACKBOT_INDEX"] = str(index)
    command = [sys.executable, "-m", "backbot", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=variables, input=stdin, check=False)


@pytest.fixture
def index(corpus_settings: Settings) -> Path:
    return corpus_settings.index


def test_ask_prints_the_answer_with_its_sources(index: Path):
    run = backbot("ask", "Should I put ice or heat on my back?", index=index)
    assert run.returncode == 0
    assert "[1]" in run.stdout
    assert "Heat or cold for back pain" in run.stdout
    assert "/articles/heat-vs-cold#" in run.stdout


def test_ask_json_is_the_contract(index: Path):
    reply = json.loads(backbot("ask", "--json", "Should I put ice or heat on my back?", index=index).stdout)
    assert {"outcome", "triage", "sentences", "citations", "disclaimer", "suggestions", "engine", "question"} <= reply.keys()
    assert {"level", "flags", "advice", "contacts"} <= reply["triage"].keys()
    quote = {"n", "article", "title", "heading", "url", "link", "quote", "reviewed"}
    assert all(quote <= citation.keys() for citation in reply["citations"])
    assert reply["citations"][0]["quote"] in (CORPUS / "heat-vs-cold.md").read_text()


def test_an_emergency_leads_with_the_referral_of_the_readers_country(index: Path):
    run = backbot("ask", "numb between my legs and I can't pee", index=index, BACKBOT_COUNTRY="GB")
    assert run.returncode == 0
    assert "999" in run.stdout
    assert "Sources" not in run.stdout


def test_ask_says_where_the_time_goes_beside_the_answer(index: Path):
    run = backbot("ask", "--json", "--trace", "Should I put ice or heat on my back?", index=index)
    assert json.loads(run.stdout)["outcome"] == "answered"
    assert [stage for stage in ("triage", "embedding", "search", "citations") if stage not in run.stderr] == []


def test_ask_says_where_the_time_of_an_emergency_goes(index: Path):
    run = backbot("ask", "--json", "--trace", "numb between my legs and I can't pee", index=index)
    assert json.loads(run.stdout)["outcome"] == "referred"
    assert "triage" in run.stderr
    assert "Traceback" not in run.stderr


def test_ask_answers_a_batch_line_by_line(index: Path, tmp_path: Path):
    rows = [
        {"id": "q1", "turns": ["Is a cold pack good?", "and how long should I leave it on?"]},
        {"id": "q2", "turns": ["what is the capital of France"]},
    ]
    batch = tmp_path / "questions.jsonl"
    batch.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    run = backbot("ask", "--batch", str(batch), index=index)
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(r["id"], r["outcome"]) for r in replies] == [("q1", "answered"), ("q2", "declined")]


def test_a_batch_goes_on_after_a_question_that_cannot_be_answered(index: Path):
    stdin = '{"id": "a", "turns": [""]}\n{"id": "b", "turns": []}\n{"id": "c", "turns": ["ice or heat?"]}\n'
    run = backbot("ask", "--batch", "-", index=index, stdin=stdin)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1
    assert ["error" in row for row in rows] == [True, True, False]


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"}', '{"id": 1, "turns": ["a"]}', "null"])
def test_a_bad_batch_line_is_named(index: Path, line: str):
    run = backbot("ask", "--batch", "-", index=index, stdin='{"id": "a", "turns": ["ice or heat?"]}\n' + line + "\n")
    assert run.returncode == 1
    assert "-:2" in run.stderr


def test_the_schema_describes_what_ask_prints(index: Path):
    schema = json.loads(backbot("ask", "--schema").stdout)
    reply = json.loads(backbot("ask", "--json", "ice or heat?", index=index).stdout)
    assert set(schema["properties"]) == set(reply)


def test_search_shows_passages_and_writes_a_trec_run(index: Path, tmp_path: Path):
    assert "heat-vs-cold" in backbot("search", "ice or heat", "-k", "3", index=index).stdout
    hits = json.loads(backbot("search", "ice or heat", "-k", "3", "--json", index=index).stdout)
    assert len(hits) == 3
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "q1", "query": "ice or heat"}\n{"id": "q2", "query": "which chair"}\n')
    run_file = tmp_path / "run.trec"
    assert backbot("search", "--batch", str(queries), "--trec", str(run_file), index=index).returncode == 0
    lines = [line.split() for line in run_file.read_text().splitlines()]
    assert {len(line) for line in lines} == {6}
    assert lines[0][:4] == ["q1", "Q0", "heat-vs-cold", "1"]
    assert len({line[2] for line in lines if line[0] == "q1"}) == 10


def test_triage_runs_alone_and_without_an_index(tmp_path: Path):
    run = backbot("triage", "--json", "numb between my legs and I can't pee", index=tmp_path / "none")
    assert json.loads(run.stdout)["level"] == "emergency"


def test_status_names_the_live_generation(index: Path):
    live = (index / "live").read_text().strip()
    assert live in backbot("status", index=index).stdout
    status = json.loads(backbot("status", "--json", index=index).stdout)
    assert status["name"] == live
    assert "heat-vs-cold" in status["articles"]


def test_chat_answers_and_follows_up(index: Path):
    run = backbot("chat", index=index, stdin="Is a cold pack good for my back?\nhow long should I leave it on?\n\n")
    assert run.returncode == 0
    assert "minutes" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", "ice or heat?"), "backbot ingest"),
        (("search", "ice or heat?"), "backbot ingest"),
        (("status",), "backbot ingest"),
        (("ingest", "--rollback"), "backbot ingest"),
        (("ask",), "--batch FILE"),
        (("search", "x", "--trec", "run"), "--batch FILE --trec RUN"),
        (("ask", "--nonsense"), "No such option"),
    ],
)
def test_wrong_use_or_no_index_is_exit_code_2_in_a_line_or_two(arguments: tuple[str, ...], says: str, tmp_path: Path):
    run = backbot(*arguments, index=tmp_path / "none")
    assert run.returncode == 2
    assert says in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("question", "says"),
    [("", "empty"), ("\x07\u202e", "empty"), ("back " * 20_000, "characters")],
    ids=["empty", "control", "long"],
)
def test_a_question_that_cannot_be_searched_is_said_so(index: Path, question: str, says: str):
    run = backbot("ask", question, index=index)
    assert (run.returncode, says in run.stderr, "Traceback" in run.stderr) == (2, True, False)


def test_a_setting_that_cannot_be_used_is_named(index: Path):
    run = backbot("ask", "ice or heat?", index=index, BACKBOT_ENGINE="gpu")
    assert run.returncode == 2
    assert "BACKBOT_ENGINE" in run.stderr


def test_ingest_names_what_it_left_out_and_exits_1(small_corpus: Path, tmp_path: Path):
    (small_corpus / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    run = backbot("ingest", str(small_corpus), index=tmp_path / "index")
    assert run.returncode == 1
    assert "picture.md" in run.stdout
    assert "3 articles" in run.stdout


def test_how_many_articles_there_are_is_not_made_up_while_they_are_read(small_corpus: Path, tmp_path: Path):
    run = backbot("ingest", str(small_corpus), index=tmp_path / "index")
    assert "3/?" in run.stderr
    assert "/100" not in run.stderr


def test_ingest_of_nothing_says_what_to_do(tmp_path: Path):
    run = backbot("ingest", str(tmp_path / "nowhere"), index=tmp_path / "index")
    assert run.returncode == 1
    assert "nowhere" in run.stderr
    assert "Traceback" not in run.stderr


def test_asking_never_imports_what_costs_seconds(index: Path):
    code = (
        "import sys; from backbot.bot import open_bot; from backbot.settings import load_settings\n"
        "reply = open_bot(load_settings()).reply('Should I put ice or heat on my back?')\n"
        "assert reply.outcome == 'answered'\n"
        "slow = ('torch', 'transformers', 'sentence_transformers', 'gradio', 'sklearn', 'chromadb')\n"
        "print([name for name in slow if name in sys.modules])"
    )
    env = {**os.environ, "BACKBOT_INDEX": str(index)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize(("wanted", "threads"), [({}, {1}), ({"OPENBLAS_NUM_THREADS": "2"}, {min(2, os.cpu_count() or 1)})])
def test_blas_has_one_thread_unless_the_operator_wants_more(index: Path, wanted: dict[str, str], threads: set[int]):
    code = (
        "from backbot.bot import open_bot; from backbot.settings import load_settings\n"
        "open_bot(load_settings()).reply('Should I put ice or heat on my back?')\n"
        "from threadpoolctl import threadpool_info\n"
        "print({found['num_threads'] for found in threadpool_info() if found['internal_api'] == 'openblas'})"
    )
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    env |= {"BACKBOT_INDEX": str(index), **wanted}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert run.stdout.strip() == str(threads), run.stderr


def test_help_names_every_command():
    run = backbot("--help")
    for command in ("ingest", "ask", "search", "chat", "serve", "triage", "status"):
        assert command in run.stdout


def test_triage_writes_the_page_for_the_clinician(tmp_path: Path):
    cases = tmp_path / "cases.jsonl"
    row = {"id": "x", "turns": ["I am numb between my legs"], "level": "emergency", "flags": ["cauda-equina"]}
    cases.write_text(json.dumps({**row, "voice": "plain", "kind": "flag"}) + "\n")
    run = backbot("triage", "--report", str(tmp_path / "page.html"), "--batch", str(cases))
    assert run.returncode == 0, run.stderr
    assert "cauda" in (tmp_path / "page.html").read_text("utf-8").lower()
