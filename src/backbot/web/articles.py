"""An article's own page, for articles that have no public one: plain, sanitised, with anchors and numbered sources."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from backbot.chunking import Anchors, plain_text
from backbot.records import Article
from backbot.templates import open_templates

FindArticle = Callable[[str], Article | None]
MayLink = Callable[[str], bool]

_TAGS = {
    "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "b", "i", "a", "sup", "sub", "blockquote", "code",
    "pre", "table", "thead", "tbody", "tr", "th", "td", "br", "hr",
}  # fmt: skip
_ATTRIBUTES = {
    **{f"h{level}": {"id"} for level in range(2, 7)},
    "a": {"href", "class", "aria-label", "data-n"},
    "ol": {"start"},
}
_MARK = re.compile(r"\s*\[\^([^\]\s]+)\]")
_ARTICLE_LINK = re.compile(r"(?:\./)?([\w-]+)\.md(#[\w-]*)?$")

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
TEMPLATES = open_templates(Path(__file__).parent / "templates")


def article_page(article: Article, find_article: FindArticle, may_link: MayLink, today: date) -> str:
    """The whole HTML page; `find_article` is asked for the articles that this one links to.

    An address that `may_link` refuses is shown as text.
    """
    body, cited = render_body(article, find_article, may_link)
    by_key = {source.key: source for source in article.sources}
    sources = [by_key[key] for key in cited] + [source for source in article.sources if source.key not in cited]
    return TEMPLATES.get_template("article.html").render(
        article=article,
        body=body,
        cited=cited,
        sources=[(source, source.url if may_link(source.url) else "") for source in sources],
        checked=review_line(article),
        overdue=f"This article was due to be checked again by {long_date(article.review_by)}. Parts may be out of date."
        if article.review_by and article.review_by < today
        else "",
    )


def plain_page(title: str, text: str) -> str:
    """A page that says one thing, such as that an article was not found."""
    return TEMPLATES.get_template("plain.html").render(title=title, text=text)


def review_line(article: Article) -> str:
    """When the article was last checked and by whom, in plain words; empty when neither is known."""
    checked = f"Last checked {long_date(article.reviewed)}." if article.reviewed else ""
    reviewer = f"Reviewed by {article.reviewer}." if article.reviewer else "Not yet reviewed by a clinician."
    return f"{checked} {reviewer}".strip()


def long_date(day: date | None) -> str:
    """Such as 22 November 2026."""
    return f"{day.day} {day:%B %Y}" if day else ""


def render_body(article: Article, find_article: FindArticle, may_link: MayLink) -> tuple[str, list[str]]:
    """The body as sanitised HTML, and the keys of the sources it cites in the order in which they first appear."""
    known = {source.key for source in article.sources}
    cited: list[str] = []
    anchors = Anchors()
    tokens = _MARKDOWN.parse(article.body)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchors.name(plain_text(tokens[place + 1])))
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
        if token.type == "inline":
            token.children = _mark_sources(token.children or [], known, cited)
            for child in token.children:
                if child.type == "link_open":
                    child.attrs["href"] = _link(str(child.attrs.pop("href", "")), find_article, may_link)
                    if not child.attrs["href"]:
                        del child.attrs["href"]
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})

    def keep(tag: str, name: str, value: str) -> str | None:
        # Links that an article writes as HTML are held to the same as those in Markdown.
        return value if name != "href" or _leads_within(value) or may_link(value) else None

    clean = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=keep, url_schemes={"http", "https"}, link_rel="noopener"
    )
    return clean, cited


def _mark_sources(children: list[Token], known: set[str], cited: list[str]) -> list[Token]:
    """The inline tokens with each mark of a known source as a numbered link; marks of unknown ones go.

    The number is not text but drawn by the style sheet: a link to the words around it still finds them, and who copies
    the words gets the words.
    """
    marked: list[Token] = []
    for child in children:
        if child.type != "text":
            marked.append(child)
            continue
        # Every other part is a key.
        for i, part in enumerate(_MARK.split(child.content)):
            if i % 2 == 0:
                marked.append(Token("text", "", 0, content=part))
            elif part in known:
                if part not in cited:
                    cited.append(part)
                n = cited.index(part) + 1
                link = f'<sup><a class="mark" href="#source-{n}" data-n="{n}" aria-label="Source {n}"></a></sup>'
                marked.append(Token("html_inline", "", 0, content=link))
    return marked


def _link(href: str, find_article: FindArticle, may_link: MayLink) -> str:
    """Where a link in an article leads: another article's page, or a page of the publisher; empty for anything else."""
    if (found := _ARTICLE_LINK.match(href)) and (linked := find_article(found[1])):
        return linked.url if may_link(linked.url) else f"/articles/{linked.id}{found[2] or ''}"
    return href if may_link(href) or _leads_within(href) else ""


def _leads_within(href: str) -> bool:
    return re.fullmatch(r"(?:/articles/[\w.-]+)?#[\w-]*|/articles/[\w.-]+", href) is not None
