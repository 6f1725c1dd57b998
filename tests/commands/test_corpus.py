import json
from pathlib import Path

from articles import write_article
from backbot.resources import resource


def test_the_sample_corpus_passes_the_check(backbot):
    ran = backbot("corpus", "check", resource("corpus"), "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["articles"], report["faults"]) == (0, 36, 0), report["findings"][:3]


def test_a_fault_is_shown_and_makes_the_exit_code_1(backbot, small_corpus: Path, tmp_path: Path):
    write_article(small_corpus, "more", "## More?\n\nRead [about walking](wlaking.md) and walk a little each day.")
    page = tmp_path / "report.html"
    ran = backbot("corpus", "check", small_corpus, "--html", page)
    assert ran.code == 1
    assert "link broken" in ran.out
    assert "wlaking.md" in page.read_text()


def test_an_article_that_cannot_be_read_is_a_fault(backbot, small_corpus: Path):
    (small_corpus / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    ran = backbot("corpus", "check", small_corpus, "--json")
    faults = [finding for finding in json.loads(ran.out)["findings"] if finding["rule"] == "cannot be read"]
    assert ran.code == 1
    assert "picture.md" in faults[0]["place"]


def test_one_id_in_two_sources_is_a_fault(backbot, small_corpus: Path, tmp_path: Path):
    write_article(tmp_path / "others", "walking", "## How far?\n\nAs far as you like.")
    ran = backbot("corpus", "check", small_corpus, tmp_path / "others", "--json")
    assert ran.code == 1
    assert any("has the id 'walking'" in finding["what"] for finding in json.loads(ran.out)["findings"])


def test_read_prints_each_article_as_one_line_of_json(backbot, small_corpus: Path):
    write_article(small_corpus, "paged", "## A page?\n\nYes.", url="https://example.org/paged")
    ran = backbot("corpus", "read", small_corpus, "--json")
    rows = {row["id"]: row for row in map(json.loads, ran.out.splitlines())}
    assert ran.code == 0
    assert list(rows["walking"]) == ["id", "path", "title", "body"]
    assert rows["walking"]["path"].endswith("walking.md")
    assert "Start with 10 minutes a day." in rows["walking"]["body"]
    assert rows["paged"]["url"] == "https://example.org/paged"


def test_read_names_what_it_cannot_read_and_goes_on(backbot, small_corpus: Path):
    (small_corpus / "a-picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    ran = backbot("corpus", "read", small_corpus)
    assert ran.code == 1
    assert "a-picture.md" in ran.err
    assert "# Walking" in ran.out


def test_a_source_that_does_not_exist_is_said_in_a_line(backbot, tmp_path: Path):
    for command in ("check", "read"):
        ran = backbot("corpus", command, tmp_path / "nowhere")
        assert (ran.code, ran.err.count("\n"), "nowhere" in ran.err) == (1, 1, True)
