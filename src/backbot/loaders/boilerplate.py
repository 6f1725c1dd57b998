"""What stands on an article's page and is not the article, as rows of data: by element, by role, by name, by wording."""

import re
from itertools import groupby
from typing import Any

from backbot.loaders.blocks import Block, unescape
from backbot.loaders.sanitising import drop

_TAGS = frozenset({"nav", "footer", "dialog", "search"})
_ROLES = frozenset({"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu"})

# Classes and ids that name a part of the page: what the part is, then patterns that match such a name whole ("-?" for "-").
_NAMES: tuple[tuple[str, str], ...] = (
    ("cookie banner", "cookies? cookie-?(bar|banner|notice|consent|law) consent gdpr onetrust cmplz cky"),
    (
        "related links",
        "related(-?(posts?|articles?|links?|content|stories|topics|reading))? yarpp jp-relatedposts recommended",
    ),
    (
        "related links",
        "recommendations? read-?(more|next|also) you-?may-?(also-?)?like more-?(stories|articles|posts) outbrain",
    ),
    ("related links", "taboola post-?navigation nav-?links pagination wp-block-latest-posts wp-block-query"),
    ("author box", "author-?(box|bio|info|card|profile|description|about|block|details) about-?(the-?)?author post-?author"),
    ("author box", "wp-block-post-author(-biography)? bio-?box byline entry-?meta post-?meta saboxplugin-wrap"),
    ("about the post", "wp-block-post-(date|terms|author-name|comments-form|navigation-link) wp-block-comments"),
    ("comments", "comments? comment-?(list|area|respond|form|section) respond disqus(-?thread)? fb-comments"),
    (
        "sharing",
        "share sharing sharedaddy share-?(buttons?|bar|links?|tools) social social-?(share|links?|media|icons?|bar)",
    ),
    ("sharing", "addtoany(-share-save-container)? addthis"),
    ("advertising", "ads? advert(isement|s|ising)? ad-?(slot|unit|container|wrapper|banner|box) adsbygoogle google-?ad"),
    ("advertising", "sponsor(ed)? promo promotion"),
    ("sign-up", "newsletter(-?(signup|form|box))? subscribe subscription sign-?up mailchimp optin cta(-?box)? paywall"),
    ("finding one's way", "breadcrumbs? toc table-?of-?contents ez-toc-container lwptoc rank-math-breadcrumb skip-?link"),
    ("finding one's way", "site-?(header|footer|nav(igation)?) main-?menu nav-?menu sidebar widget-?area"),
    ("finding one's way", "tag-?(list|cloud) post-?tags"),
    ("for machines", "sr-?only screen-?reader-?text visually-?hidden print-?only no-?print"),
)
_NAME = re.compile("|".join(pattern for _, patterns in _NAMES for pattern in patterns.split()), re.I)
_WRAPPERS = frozenset({"html", "body", "main", "article", "head"})
_MOST = 0.35
"""A part that holds more than this share of the page's words is the article itself, whatever its name says."""

# A paragraph of one sentence that does nothing but point at another page: each row is how such a sentence begins.
# Advice begins like some of them ("Learn how to lift", "Try a cold pack"): such beginnings are not here.
_POINTERS: tuple[str, ...] = (
    r"(?:also )?read (?:more|also|next|our|the full|this)\b",
    r"(?:see|read) also\b",
    r"related(?: (?:reading|articles?|posts?|topics?|links?))?\s*:",
    r"(?:learn|find out|discover|explore) more\b",
    r"learn why\b",
    r"check out\b",
    r"explore (?:our|the|this|these|minimally)\b",
    r"also worth (?:exploring|reading|a look)\b",
    r"you (?:may|might) also (?:like|want to read|be interested)\b",
    r"for (?:more|further|an? even broader|additional|trusted|deeper) [^.]*\b(?:see|visit|read|explore|check out|go to)\b",
    r"(?:additionally|also|and)?,? ?see how\b",
    r"here[’']s (?:a|an|our|the) [^.]*\b(?:guide|breakdown|overview|article|list|post)\b",
    r"[^.]*\b(?:check out|don[’']t miss|visit) (?:the|our|this)\b[^.]*\b(?:guide|pillar|overview|article|page|post|hub)\b",
    r"[^.]*, here[’']s (?:a|an|our|the) [^.]*\bguide\b",
    r"(?:click|tap) here\b",
)  # fmt: skip
_POINTER = re.compile(rf"(?:{'|'.join(_POINTERS)})", re.I)
_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]*)\)")
_SENTENCE_INSIDE = re.compile(r"[.!?]['\"”’)]*\s+\S")
_MOST_POINTER_WORDS = 40
_MOST_POINTER_CHARS = 400
_ITEM_MARKER = re.compile(r"^\s*(?:-|\d+\.) ")
_LABEL = re.compile(
    r"(?:posted|in|by|tags?|categor(?:y|ies)|filed under|share|share this|advertisement|sponsored|print|email|"
    r"skip to content|table of contents|contents)\s*:?",
    re.I,
)

_END_HEADINGS = re.compile(
    r"related (?:articles?|posts?|topics?|reading|content|links?|stories)|you (?:may|might) also like|read next"
    r"|more (?:articles|stories|from)\b.*|recommended(?: (?:reading|for you|articles))?|about the author|comments?"
    r"|leave a (?:reply|comment)|share this(?: (?:article|post|page))?|\d+ (?:comments|responses|thoughts on\b.*)"
    r"|newsletter|subscribe\b.*|sign up\b.*",
    re.I,
)
"""Headings of what follows an article; the section under such a heading is left out."""


def drop_boilerplate(root: Any) -> None:
    """Remove the parts of a page or of a post that are not the article, as the rows above name them."""
    total = _size(root)
    for element in list(root.iter()):
        if element is root or not _is_boilerplate(element):
            continue
        if element.tag == "nav" or _size(element) <= _MOST * total:
            drop(element)


def _size(element: Any) -> int:
    return sum(len(text.strip()) for text in element.itertext())


def _is_boilerplate(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _WRAPPERS:
        return False
    if element.tag in _TAGS or (element.get("role") or "").lower() in _ROLES:
        return True
    names = [*(element.get("class") or "").split()[:20], element.get("id") or ""]
    return any(_NAME.fullmatch(re.sub(r"([a-z])([A-Z])", r"\1-\2", name).replace("_", "-")) for name in names)


def is_pointer(line: str) -> bool:
    """Whether a paragraph (a line of Markdown or plain text) is one sentence that only points at another page."""
    words = unescape(_LINK.sub(r"\1", line)).strip()
    if len(words) > _MOST_POINTER_CHARS:
        return False
    if _SENTENCE_INSIDE.search(words) or len(words.split()) > _MOST_POINTER_WORDS:
        return False
    return bool(_POINTER.match(words))


def is_label(line: str) -> bool:
    """Whether a paragraph is only a label that a page puts beside an article, such as "Tags:"."""
    return bool(_LABEL.fullmatch(unescape(line).strip()))


def is_only_links(line: str) -> bool:
    """Whether a paragraph holds nothing but links and the marks between them."""
    return bool(_LINK.search(line)) and not re.search(r"\w", _LINK.sub("", line))


def drop_side_blocks(blocks: list[Block]) -> list[Block]:
    """The blocks without pointers to other pages, without lists of links, and without sections that follow an article."""
    kept: list[Block] = []
    skipped_level = 0
    for is_list, run in groupby(blocks, key=lambda block: block.kind == "item"):
        group = list(run)
        if is_list and all(is_only_links(_ITEM_MARKER.sub("", block.text)) for block in group):
            continue
        for block in group:
            if block.kind == "heading" and not (skipped_level and block.level > skipped_level):
                skipped_level = block.level if _END_HEADINGS.fullmatch(unescape(block.text).strip(" :")) else 0
            is_aside = block.kind == "paragraph" and any(
                is_one(block.text) for is_one in (is_pointer, is_only_links, is_label)
            )
            if not skipped_level and not is_aside:
                kept.append(block)
    return _without_empty_sections(kept)


def _without_empty_sections(blocks: list[Block]) -> list[Block]:
    """Headings that nothing stands under any more are left out, from the end backwards."""
    kept: list[Block] = []
    next_level = 0
    for block in reversed(blocks):
        if block.kind == "heading":
            if not kept or (kept[-1].kind == "heading" and block.level >= next_level):
                continue
            next_level = block.level
        kept.append(block)
    return kept[::-1]
