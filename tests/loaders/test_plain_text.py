# the pages and posts are easier to read unbroken
from backbot.loaders.plain_text import read_text

ONE_PARAGRAPH_A_LINE = """Sleeping Well With A Sore Back
A sore back can make nights long. People who sleep badly often feel more pain the next day, and people in pain sleep worse, so it is worth breaking that circle at both ends.
Which Position Is Best?

No position is best for everyone. The one that lets a person sleep is a good one, and turning over in the night is *quite* normal for any sleeper.
Signs That A Pillow May Help
- Waking with a stiff neck
- Pain on lying flat
Place a pillow between the knees when lying on the side. It keeps the hips level and takes some strain off the lower back through the night, which many people notice within days.
Read more about choosing a mattress and how often to change it.
Common Worries About Beds

Hard Beds And Soft Beds
A medium-firm mattress suits most people with a sore back, though studies are few and small and none of them is a reason to buy a new bed in a hurry.
1. Lie on it for ten minutes
2. Turn over twice
Learn why a topper may be enough for the bed that you already own.

Robin Example is a caring Staff Nurse at a village clinic and a keen health writer who likes long walks and quiet evenings with a book at home.
"""


def test_headings_lists_and_paragraphs_are_recognised() -> None:
    article = read_text(ONE_PARAGRAPH_A_LINE, "sleep")
    assert article.title == "Sleeping Well With A Sore Back"
    assert [line for line in article.body.split("\n") if line.startswith("#")] == [
        "## Which Position Is Best?",
        "### Signs That A Pillow May Help",
        "## Common Worries About Beds",
        "### Hard Beds And Soft Beds",
    ]
    assert "- Waking with a stiff neck\n- Pain on lying flat" in article.body
    assert "1. Lie on it for ten minutes\n2. Turn over twice" in article.body
    assert "is quite normal" in article.body


def test_the_author_box_and_pointers_to_other_pages_are_left_out() -> None:
    body = read_text(ONE_PARAGRAPH_A_LINE, "sleep").body
    assert "Robin" not in body
    assert "Read more" not in body and "Learn why" not in body
    assert body.endswith("2. Turn over twice")


def test_paragraphs_broken_into_short_lines_are_joined() -> None:
    text = (
        "Walking\n\nWalking is good for most backs, and\nit costs nothing at all.\n\nHow far?\n\nStart with ten minutes.\n"
        "* Wear flat\n  shoes.\n* Take water.\n\nBegin slowly\nand add more.\n"
    )
    article = read_text(text, "walking")
    assert article.title == "Walking"
    assert article.body == (
        "Walking is good for most backs, and it costs nothing at all.\n\n## How far?\n\nStart with ten minutes.\n\n"
        "- Wear flat shoes.\n- Take water.\n\nBegin slowly and add more."
    )


def test_underlined_and_marked_headings_are_headings() -> None:
    article = read_text(
        "WALKING\n=======\n\nText one is here.\n\nhow far to go on the first day\n---\n\nText two is here.\n", "x"
    )
    assert article.title == "WALKING"
    assert article.body == "Text one is here.\n\n## how far to go on the first day\n\nText two is here."


def test_advice_that_begins_like_a_pointer_is_kept() -> None:
    advice = [
        "Learn how to lift before you go back to work.",
        "Try a cold pack for twenty minutes.",
        "See a doctor if the leg is weak.",
        "Read the label. It says how much to take.",
    ]
    body = read_text("Title\n\nIntro text is here.\n\n" + "\n\n".join(advice), "x").body
    assert all(line in body for line in advice)


def test_the_last_paragraph_stays_where_it_only_sounds_like_an_author() -> None:
    last = "Spinal Stenosis is a condition that a doctor can confirm."
    warning = "Call for help at once if both legs turn weak."
    assert read_text(f"Title\n\nIntro text is here.\n\n{last}\n\n{warning}", "x").body.endswith(f"{last}\n\n{warning}")


def test_characters_that_markdown_would_read_as_markup_stay_characters() -> None:
    body = read_text("Title\n\nIntro is here.\n\n# 1 tip: use a_b_c and <b> and [x](y).\n", "x").body
    assert "<b>" not in body.replace("\\<b>", "")
