"""Every operator's choice. Each is read from the environment (`BACKBOT_<NAME>`) or a `.env` file."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backbot.errors import SettingsInvalid


class Settings(BaseSettings):
    """The operator's choices; see `load_settings` for reading them with plain errors."""

    model_config = SettingsConfigDict(env_prefix="BACKBOT_", env_file=".env", extra="ignore", frozen=True)

    index: Path = Field(Path("index"), description="The folder that holds the index.")
    country: str = Field(
        "", description="The reader's country, two letters (US, GB, IN ...), for emergency numbers; empty: unknown."
    )
    model: str = Field(
        "all-MiniLM-L6-v2",
        description="The embedding model: all-MiniLM-L6-v2 from its package, or what sentence-transformers loads.",
    )
    engine: Literal["onnx", "torch"] = Field(
        "onnx", description="What runs the embedding model: ONNX Runtime, or sentence-transformers on torch."
    )
    precision: Literal["int8", "fp32"] = Field("int8", description="The precision of the ONNX export.")
    model_cache: Path = Field(
        Path("~/.cache/backbot"), description="Where exported models are kept, in folders named after their weights' hash."
    )
    threads: int = Field(0, ge=0, le=256, description="Threads of the embedding model; 0: as many as the machine has cores.")
    chroma_url: str = Field(
        "",
        description="A Chroma server that holds the index for several machines, such as http://chroma.internal:8000; empty: the index is this machine's own.",
    )
    chroma_token: SecretStr = Field(
        SecretStr(""),
        description="What the Chroma server, or the proxy before it, is shown as a bearer token and x-chroma-token.",
    )
    chroma_database: str = Field(
        "", description="The Chroma server's database; empty: the one that the token opens, or Chroma's own default."
    )
    keep_generations: int = Field(3, ge=2, le=50, description="How many generations of the index are kept for rollback.")
    max_question_chars: int = Field(
        20_000, ge=100, le=1_000_000, description="The longest message that is searched; triage reads any length."
    )
    allow_private_sources: bool = Field(
        False, description="Let sites on private and loopback addresses be read: for a test site, not for the open internet."
    )
    llm: str = Field(
        "",
        description="A language model that words the answers: openai:MODEL, anthropic:MODEL, ollama:MODEL, or the URL of a "
        "server that speaks OpenAI's protocol; empty: none.",
    )
    llm_url: str = Field("", description="Where the language model is served, if not at its provider's own address.")
    llm_key: SecretStr = Field(
        SecretStr(""), description="The language model's key; empty: the provider's own variable, such as OPENAI_API_KEY."
    )
    llm_timeout: float = Field(
        8.0,
        ge=0.1,
        le=120,
        description="Seconds that a reader waits for the language model; then the articles' own words come.",
    )
    nli_model: str = Field(
        "",
        description="A CrossEncoder for natural language inference that checks the language model's sentences once more; "
        "empty: none.",
    )
    allowed_origins: str = Field(
        "",
        description="The sites that may show the widget and call the API, such as https://health.example, with commas between; "
        "empty: none but backbot's own pages.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas between; "
        "empty: none.",
    )
    rate_per_address: str = Field("120/minute", description="How many questions one address may ask.")
    rate_overall: str = Field("1200/minute", description="How many questions all addresses together may ask.")
    rate_store: str = Field(
        "async+memory://",
        description="Where rates are counted: in each worker's memory, or, for all of them, in Valkey or Redis: async+valkey://HOST:6379.",
    )
    rate_key: SecretStr = Field(
        SecretStr(""),
        description="What addresses are hashed with; several workers on one Redis need the same. Empty: random.",
    )
    max_streams: int = Field(16, ge=1, le=10_000, description="How many questions one worker answers at the same time.")
    answer_seconds: float = Field(30.0, ge=1, le=600, description="The longest that one answer may take.")
    insights: bool = Field(
        False,
        description="Keep declined questions, redacted, and thumbs down, for editors; on or off. `/privacy` tells readers.",
    )
    insights_days: int = Field(90, ge=1, le=366, description="How many days insights are kept.")
    insights_file: str = Field("", description="The SQLite file of insights; empty: beside the index.")
    publisher_hosts: str = Field(
        "",
        description="Hosts that links in answers and articles may lead to, such as www.health.example, with commas between; "
        "empty: the hosts of the articles' own addresses.",
    )
    editor_password: SecretStr = Field(
        SecretStr(""), description="The password of the editors' page, /editors; empty: there is no such page."
    )
    evals: Path = Field(
        Path("evals"), description="The folder of eval suites that the editors' page runs; their drafts are saved in it."
    )
    reports: Path = Field(Path("reports"), description="The folder in which the editors' page keeps its reports.")
    judge: Literal["", "nli", "llm", "both"] = Field(
        "",
        description="What gives a second opinion on the answers of an eval run, which decides nothing: nli (BACKBOT_NLI_MODEL), "
        "llm (BACKBOT_LLM) or both; empty: nothing.",
    )
    log: Literal["text", "json"] = Field(
        "text",
        description="The server's log: text (what went wrong, and feedback), or json (every request too, a JSON object a line).",
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="The port of 127.0.0.1 at which the server shows its figures to Prometheus; 0: none."
    )


def load_settings() -> Settings:
    """The settings of this environment; raises SettingsInvalid naming each bad one."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"BACKBOT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsInvalid(f"A setting cannot be used: {faults}. Change it in the environment or in .env.") from None
