# the pages and posts are easier to read unbroken
import pytest

from backbot.loaders.wordpress import drop_shortcodes, post_id, read_post


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("a [gallery ids='1,2'] b", "a   b"),
        ('a [contact-form-7 id="12" title="Form"] b', "a   b"),
        ("[note]Keep this.[/note]", " Keep this. "),
        ('[caption id="a" width="3"]<img> A bath[/caption]rest', " rest"),
        ("[embed]https://v.org/x[/embed]rest", " rest"),
        ('[et_pb_section fb_built="1"][et_pb_row]Text[/et_pb_row][/et_pb_section]', "  Text  "),
        ("People say [sic] and cite [1] and [see below].", "People say [sic] and cite [1] and [see below]."),
        ("Write [[gallery]] to show it.", "Write [gallery] to show it."),
        ("[" * 5000 + "a", "[" * 5000 + "a"),
    ],
)
def test_shortcodes_go_and_readers_brackets_stay(html: str, left: str) -> None:
    assert drop_shortcodes(html) == left


def test_blank_lines_make_paragraphs_in_posts_of_the_old_editor() -> None:
    assert read_post("One.\nStill one.\n\nTwo.\n\n<h2>H</h2>\nThree.", "", is_rendered=False) == (
        "One. Still one.\n\nTwo.\n\n## H\n\nThree."
    )


def test_block_comments_go_and_blocks_stay() -> None:
    html = '<!-- wp:paragraph {"x":1} -->\n<p>One.</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:list --><ul><li>a</li></ul><!-- /wp:list -->'
    assert read_post(html, "", is_rendered=False) == "One.\n\n- a"


@pytest.mark.parametrize(
    ("kind", "slug", "link", "identity"),
    [
        ("post", "cold-packs", "https://h.org/2026/05/cold-packs/", "cold-packs"),
        ("page", "exercises", "https://h.org/back/exercises/", "back-exercises"),
        ("page", "about", "https://h.org/?page_id=3", "about"),
        ("post", "", "https://h.org/?p=12", "p-12"),
        ("post", "%e0%a4%aa../x", "", "x"),
    ],
)
def test_ids_of_posts_and_pages(kind: str, slug: str, link: str, identity: str) -> None:
    assert post_id(kind, slug, link) == identity
