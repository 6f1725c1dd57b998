from backbot.chunking import PASSAGE_WORDS, Anchors, split_passages, split_sections, split_sentences
from backbot.records import Article


def passages_of(body: str):
    return split_passages(Article(id="a", title="Title", body=body))


def test_a_passage_never_crosses_a_heading():
    passages = passages_of(
        "Opening words here.\n\n## One\n\nFirst text.\n\n### Inner\n\nSecond text.\n\n## Two\n\nThird text."
    )
    assert [(p.headings, p.text) for p in passages] == [
        ((), "Opening words here."),
        (("One",), "First text."),
        (("One", "Inner"), "Second text."),
        (("Two",), "Third text."),
    ]


def test_title_and_headings_are_embedded_with_the_text():
    (passage,) = passages_of("## Cold\n\n### How long?\n\nUp to 20 minutes.")
    assert passage.embedded_text == "Title > Cold > How long?\nUp to 20 minutes."


def test_every_sentence_can_be_quoted_verbatim():
    (passage,) = passages_of("## H\n\nUse a pack at 40 °C. Wait — really — an hour!\n\n- “Quoted” item.\n- second item")
    assert [passage.quote(s) for s in passage.sentences] == [
        "Use a pack at 40 °C.",
        "Wait — really — an hour!",
        "“Quoted” item.",
        "second item",
    ]
    assert [s.is_item for s in passage.sentences] == [False, False, True, True]
    assert [s.block for s in passage.sentences] == [0, 0, 1, 2]


def test_source_marks_and_markup_are_not_part_of_the_text():
    (passage,) = passages_of(
        "## H\n\nUse *cold* for [15 minutes](x.md).[^nice-ng59][^who] Then rest. <b>Now</b> ![x](y.png)"
    )
    assert passage.text == "Use cold for 15 minutes. Then rest. Now"


def test_a_long_section_is_cut_into_passages_of_similar_size():
    sentences = [
        f"A steady walk of {n} minutes a day helps most backs to settle sooner than rest in bed. " for n in range(24)
    ]
    body = "\n\n".join("".join(sentences[n : n + 3]) for n in range(0, 24, 3))
    sizes = [len(p.text.split()) for p in passages_of("## H\n\n" + body)]
    assert sum(sizes) == len("".join(sentences).split())
    assert max(sizes) <= 1.4 * PASSAGE_WORDS
    assert min(sizes) >= 0.5 * max(sizes)


def test_a_paragraph_longer_than_a_passage_is_cut_between_sentences():
    passages = passages_of("## H\n\n" + " ".join(f"Paragraph {n} goes on without a break for ever." for n in range(60)))
    assert len(passages) > 3
    assert all(p.text.endswith("for ever.") for p in passages)


def test_table_rows_keep_their_cells_in_order():
    (passage,) = passages_of("## H\n\n| Pack | Minutes |\n|---|---|\n| cold | 20 |\n| warm | 15 |")
    assert passage.text.split("\n") == ["cold | 20", "warm | 15"]


def test_sections_without_text_give_no_passage():
    assert [s.headings for s in split_sections("## Empty\n\n## Full\n\nText.")] == [("Full",)]
    assert passages_of("") == []


def test_equal_headings_get_anchors_of_their_own():
    anchors = Anchors()
    assert [anchors.name("How long?"), anchors.name("How long?"), anchors.name("…")] == ["how-long", "how-long-2", "section"]


def test_an_unchanged_passage_keeps_its_id_and_a_changed_one_does_not():
    first, second = passages_of("## A\n\nOne.\n\n## B\n\nTwo."), passages_of("## A\n\nOne.\n\n## B\n\nThree.")
    assert first[0].id == second[0].id
    assert first[1].id != second[1].id


def test_a_repeated_passage_is_kept_once():
    assert len(passages_of("## H\n\nSame words.\n\n## H\n\nSame words.\n\n## I\n\nSame words.")) == 2


def test_sentence_spans_leave_out_white_space():
    text = "One here.  Two there.\tThree."
    assert [text[a:b] for a, b in split_sentences(text)] == ["One here.", "Two there.", "Three."]
