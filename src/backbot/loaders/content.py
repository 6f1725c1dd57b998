"""The HTML of a post, as an export or an API gives it, -> a body. No page is around it, so nothing has to be guessed."""

from backbot.loaders.blocks import join_blocks, read_blocks
from backbot.loaders.boilerplate import drop_boilerplate, drop_side_blocks
from backbot.loaders.sanitising import parse_fragment, web_link


def read_content(html: str, url: str = "") -> str:
    """The body of a post whose page is at `url`, against which its links are made absolute."""
    tree = parse_fragment(html)
    drop_boilerplate(tree)
    return join_blocks(drop_side_blocks(read_blocks(tree, web_link(url))))
