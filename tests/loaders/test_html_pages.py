# the pages and posts are easier to read unbroken
from datetime import date

import pytest

from backbot.loaders.content import read_content
from backbot.loaders.faults import ArticleFault
from backbot.loaders.html_pages import decode_html, read_page

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Cold packs | Back Health</title><link rel="canonical" href="/cold-packs/">
<meta name="description" content="How long a cold pack should stay on."><meta property="article:published_time" content="2026-03-04T05:06:07+05:30">
<meta property="article:section" content="Self-care">
<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"MedicalWebPage",
"lastReviewed":"2026-05-01","reviewedBy":{"@type":"Person","name":"Dr Example"}}]}</script>
<style>.trap, #trap2 { display: none } @media print { .content { display: none } }</style></head>
<body class="single"><div id="cookie-banner"><p>We use cookies to make this site better for everyone who comes here.</p></div>
<header class="site-header"><nav><ul><li><a href="/">Home</a></li><li><a href="/heat/">Heat</a></li></ul></nav></header>
<main><article class="content"><h1>Cold packs for a sore back</h1>
<div class="byline">By Robin Example, who writes about health</div>
<p>A cold pack can ease new pain. It numbs the skin and may calm a swollen place for a while after a strain.</p>
<p style="display:none">Hidden instruction one.</p><p hidden>Hidden instruction two.</p><p aria-hidden="true">Hidden instruction three.</p>
<p style="visibility: hidden">Hidden instruction four.</p><p class="trap">Hidden instruction five.</p><p id="trap2">Hidden instruction six.</p>
<span style="font-size:0px">Hidden instruction seven.</span><div style="position:absolute;left:-9999px">Hidden instruction eight.</div>
<!-- Hidden instruction nine. --><template><p>Hidden instruction ten.</p></template><noscript>Hidden instruction eleven.</noscript>
<h2>How long should it stay on?</h2>
<p>Leave it on for 15 to 20 minutes, with a <a href="/cloth/">thin cloth</a> between <a href="javascript:alert(1)">pack</a> and
<a href="data:text/html,x">skin</a>.</p>
<ul><li>Wrap the pack.</li><li>Look at the skin every <b>5 minutes</b>.<ul><li>Stop if it turns white.</li></ul></li></ul>
<h3>Times in short</h3>
<table><thead><tr><th>Pack</th><th>Minutes</th></tr></thead><tbody><tr><td>Gel</td><td>15</td></tr><tr><td>Peas</td><td>20</td></tr></tbody></table>
<form><input value="Hidden instruction twelve."><button>Send</button></form><script>document.write("Hidden instruction thirteen.")</script>
<div class="share-buttons">Share this on all of your networks</div>
<h2>When to get help</h2><p>Get help at once if both legs turn weak or the skin between the legs turns numb.</p>
<div class="related-posts"><h2>Related articles</h2><ul><li><a href="/a/">Heat for backs</a></li></ul></div>
<div class="author-box">Robin Example is a writer who lives near the sea and likes dogs.</div>
<section id="comments"><h2>3 comments</h2><p>I put ice on for five hours and it was great!</p></section></article></main>
<aside class="sidebar"><p>Buy our great new mattress today at half price.</p></aside>
<footer><p>Copyright 2026 Back Health. All rights are reserved by us.</p></footer></body></html>"""


def test_the_article_is_kept_with_its_headings_lists_tables_and_links() -> None:
    article = read_page(PAGE, "cold-packs", "https://health.example/cold-packs/?utm_source=x")
    assert article.title == "Cold packs for a sore back"
    assert article.body == (
        "A cold pack can ease new pain. It numbs the skin and may calm a swollen place for a while after a strain.\n\n"
        "## How long should it stay on?\n\n"
        "Leave it on for 15 to 20 minutes, with a [thin cloth](https://health.example/cloth/) between pack and skin.\n\n"
        "- Wrap the pack.\n- Look at the skin every 5 minutes.\n  - Stop if it turns white.\n\n"
        "### Times in short\n\n"
        "| Pack | Minutes |\n| --- | --- |\n| Gel | 15 |\n| Peas | 20 |\n\n"
        "## When to get help\n\nGet help at once if both legs turn weak or the skin between the legs turns numb."
    )


def test_what_the_page_says_of_itself_becomes_fields() -> None:
    article = read_page(PAGE, "cold-packs", "https://health.example/cold-packs/?utm_source=x")
    assert article.url == "https://health.example/cold-packs/"
    assert article.description == "How long a cold pack should stay on."
    assert (article.published, article.reviewed, article.reviewer) == (date(2026, 3, 4), date(2026, 5, 1), "Dr Example")
    assert article.topics == ("Self-care",)


def test_a_canonical_address_on_another_host_is_not_believed() -> None:
    page = PAGE.replace('href="/cold-packs/"', 'href="https://evil.example/x"')
    assert read_page(page, "x", "https://health.example/cold-packs/").url == "https://health.example/cold-packs/"


def test_nothing_hidden_gets_in() -> None:
    article = read_page(PAGE, "cold-packs", "https://health.example/cold-packs/")
    assert "instruction" not in article.body.lower()


@pytest.mark.parametrize("tag", ["div", "b", "font", "blockquote", "ul><li", "table><tr><td", "p><a href=x", "span class=x"])
def test_a_hundred_thousand_nested_elements_end_in_a_fault_or_an_article(tag: str) -> None:
    html = f"<html><body><p>{'Real words of the article. ' * 30}</p>" + f"<{tag}>" * 100_000 + "deep words"
    try:
        article = read_page(html, "deep")
    except ArticleFault as fault:
        assert "simplify the page" in fault.reason
    else:
        assert "Real words" in article.body


def test_a_page_that_lists_others_is_no_article() -> None:
    with pytest.raises(ArticleFault, match="lists other pages"):
        read_page(PAGE.replace('class="single"', 'class="archive category"'), "x")


@pytest.mark.parametrize("html", ["", "<html></html>", "<html><body><nav>Home</nav></body></html>", "\x00<p>", "<![CDATA["])
def test_a_page_without_an_article_is_a_fault(html: str) -> None:
    with pytest.raises(ArticleFault):
        read_page(html, "x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("<p>Wärme</p>".encode(), "Wärme"),
        ('<meta charset="iso-8859-1"><p>Wärme “gut”</p>'.encode("cp1252"), "Wärme “gut”"),
        ("<p>Wärme</p>".encode("cp1252"), "Wärme"),
        ('<meta charset="shift_jis"><p>腰痛</p>'.encode("shift_jis"), "腰痛"),
        ("<p>Wärme</p>".encode("utf-16"), "Wärme"),
    ],
)
def test_pages_are_read_in_the_encoding_that_they_declare(data: bytes, words: str) -> None:
    assert words in decode_html(data)


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p>One<br>two</p><p>three<br><br>four</p>", "One two\n\nthree\n\nfour"),
        ("<h4>A</h4><p>x</p><h5>B</h5><p>y</p>", "## A\n\nx\n\n### B\n\ny"),
        ("<ol start=3><li>c<li>d</ol>", "3. c\n4. d"),
        ("<ul><li><p>One.</p><p>More.</p></li><li>Two</li></ul>", "- One. More.\n- Two"),
        ("<dl><dt>Ice</dt><dd>cold</dd></dl>", "Ice\n\n- cold"),
        ("<details><summary>Is ice safe?</summary><p>Mostly.</p></details>", "## Is ice safe?\n\nMostly."),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "|  |  |\n| --- | --- |\n| a | b |"),
        (
            "<table><tr><th>Day</th><th>Do</th></tr><tr><td rowspan=2>1</td><td>x</td></tr><tr><td>y</td></tr></table>",
            "| Day | Do |\n| --- | --- |\n| 1 | x |\n| 1 | y |",
        ),
        ("<table><tr><td><h2>A</h2><p>b</p></td></tr></table>", "## A\n\nb"),
        (
            "<table><tr><td>a|b</td><td><p>c</p><ul><li>d</li></ul></td></tr></table>",
            "|  |  |\n| --- | --- |\n| a\\|b | c d |",
        ),
        ("text <a href='https://a.org/x(1) y'>li[n]k</a>", "text [li\\[n\\]k](https://a.org/x%281%29%20y)"),
        ("<p>5 * 3 * 2, _x_, `c`, &lt;b&gt;, &amp;lt;, # no</p>", "5 * 3 * 2, \\_x\\_, \\`c\\`, \\<b>, \\&lt;, # no"),
        ("<p># no</p><p>1. no</p><p>- no</p><p>| no</p>", "\\# no\n\n1\\. no\n\n\\- no\n\n\\| no"),
        ("<p>a</p><img alt='x'><figure><img><figcaption>A photo</figcaption></figure><p>b</p>", "a\n\nb"),
        ("<p>Keep.</p><p><a href='https://a.org'>Only a link</a></p><h2>Read next</h2><p>x</p>", "Keep."),
    ],
)
def test_a_posts_html_becomes_markdown(html: str, body: str) -> None:
    assert read_content(html) == body
