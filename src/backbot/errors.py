"""Every error that an operator can mend. Anything else is a bug and keeps its traceback.

    BackbotError
    ├── SettingsInvalid        a setting has a value that cannot be used
    ├── SourceUnreadable       an article or a source of articles cannot be read
    ├── TooManyBadArticles     more articles were bad than --max-bad allows; nothing was published
    ├── RulesInvalid           red-flag rules, contacts or prompts have a fault
    ├── ModelUnavailable       the embedding model is missing, or its weights are not the expected ones
    ├── QuestionInvalid        the question is empty or too long
    ├── ServerUnavailable      the server cannot start, its port being in use, say
    ├── SuiteInvalid           an eval suite has a fault
    ├── BenchUnavailable       the pipeline to compare with is not installed, or failed
    └── IndexUnusable
        ├── IndexMissing       nothing has been ingested yet
        ├── IndexMismatch      the index was made with another model or schema
        ├── IndexDamaged       files of the index are missing or changed
        ├── IndexBusy          another ingest holds the lock
        ├── IndexUnwritable    the disk is full or read-only
        └── ChromaUnavailable  the Chroma server that holds the index cannot be asked

Each message says what failed, why it usually does and what to do next.
"""


class BackbotError(Exception):
    """The root: its message is shown to the operator as it is. `exit_code` is the command line's."""

    exit_code = 2


class SettingsInvalid(BackbotError):
    """A setting has a value that cannot be used."""


class SourceUnreadable(BackbotError):
    """An article, or a source of articles, cannot be read; the message names file, line and reason."""

    exit_code = 1


class TooManyBadArticles(BackbotError):
    """More articles were bad than `--max-bad` allows; nothing was published."""

    exit_code = 1


class RulesInvalid(BackbotError):
    """Red-flag rules, contacts or prompts have a fault."""


class ModelUnavailable(BackbotError):
    """The embedding model is missing, or its weights are not the expected ones."""


class QuestionInvalid(BackbotError):
    """The question is empty or too long."""


class ServerUnavailable(BackbotError):
    """The server cannot start."""


class SuiteInvalid(BackbotError):
    """An eval suite has a fault; the message names the line."""


class BenchUnavailable(BackbotError):
    """The pipeline to compare with is not installed, or failed."""


class IndexUnusable(BackbotError):
    """The index cannot be used."""


class IndexMissing(IndexUnusable):
    """Nothing has been ingested yet."""


class IndexMismatch(IndexUnusable):
    """The index was made with another model, schema or chunking than the settings name."""


class IndexDamaged(IndexUnusable):
    """Files of the index are missing or changed."""


class IndexBusy(IndexUnusable):
    """Another ingest holds the lock."""


class IndexUnwritable(IndexUnusable):
    """The index cannot be written: a full or read-only disk."""


class ChromaUnavailable(IndexUnusable):
    """The Chroma server that holds the index cannot be asked."""
