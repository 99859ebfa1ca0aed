"""What an export is made of: the report of a run, and on demand the prompts and the bill behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from llmcost.recommend.result import ReplayReport


class SamplePrompt(msgspec.Struct, frozen=True):
    """One prompt that was replayed. It holds text of the log.

    messages  as they are sent: OpenAI's chat format      tools  the request's, [] if none
    check     how its answers are graded: "exact", "numeric", "json", "contains" … or "judge"
    expected  the answer that a check compares with; None where a judge compares with `logged`
    """

    task: str
    where: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    check: str
    expected: str | None
    logged: str | None


class Charge(msgspec.Struct, frozen=True):
    """What one day's calls of a task to a model cost for one kind of token (FOCUS: a row of cost and usage).

    day       ISO-8601 date, UTC; None where the log has no time
    kind      "input", "cache_read", "cache_write" or "output"; "all" where only the cost of whole calls is known, and
              where the log counts no tokens
    usd       None where the cost is not known
    list_usd  by the price list: another than `usd` where the log's own costs are believed
    """

    day: str | None
    task: str
    provider: str | None
    model: str | None
    service_tier: str | None
    kind: str
    tokens: int
    usd: float | None
    calls: int
    list_usd: float | None = None


class Rates(msgspec.Struct, frozen=True):
    """What a model costs by the price list of `as_of`, in US dollars per million tokens; None: not listed.

    name  what its provider calls it
    """

    name: str
    as_of: str
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    max_input_tokens: int | None = None


class Source(Protocol):
    """What an exporter may ask for. Only what it asks for is read."""

    @property
    def report(self) -> ReplayReport:
        """The report of the run. Raises InputError if there is none."""

    @property
    def base_url(self) -> str | None:
        """The endpoint to be written into the export, if the user named one."""

    def prompts(self) -> Sequence[SamplePrompt]:
        """The prompts of the run's sample. Raises InputError if the log no longer holds them, ConfigError if unasked.

        They are text of the log: whoever wants them in a file has to say so (`--show-text`).
        """

    def charges(self) -> Sequence[Charge]:
        """The run's log as charges; of the logs last audited where no run is saved."""

    def rates(self, model: str, provider: str | None = None) -> Rates | None:
        """What a model costs today, at this provider if one is named; None: the price list does not say."""
