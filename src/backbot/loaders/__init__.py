"""The loaders: whatever form articles are kept in, one `Article` each; one bad article never takes others down."""

from backbot.errors import SourceUnreadable as Unreadable
from backbot.loaders.faults import BadArticle
from backbot.loaders.files import Found
from backbot.loaders.sources import load_articles, read_source

__all__ = ["BadArticle", "Found", "Unreadable", "load_articles", "read_source"]
