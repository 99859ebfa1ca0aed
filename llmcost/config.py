"""llmcost.toml, [tool.llmcost] in pyproject.toml, and the environment → frozen Settings."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from llmcost.errors import ConfigError

CONFIG_NAME = "llmcost.toml"
# The variables of the general endpoint, the first that is set counts.
GENERAL_KEYS = ("LLMCOST_API_KEY", "OPENAI_API_KEY")
GENERAL_URLS = ("LLMCOST_BASE_URL", "OPENAI_BASE_URL")
DEFAULT_TASK_FIELDS = ("metadata.task", "metadata.feature", "request_tags", "task", "feature", "tags.task", "use_case")
DEFAULT_EXPECTED_FIELDS = ("metadata.expected", "expected", "expected_output", "metadata.expected_output")


CostMode = Literal["computed", "logged", "auto"]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the configuration: immutable, and a misspelt key is an error, not silence."""


class ModelPriceOverride(Section, frozen=True):
    """What a model costs, in US dollars per million tokens; wins over every catalogue."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    batch_discount: float | None = None


class ModelSettings(Section, frozen=True):
    """How to reach and price one model; whatever is unset falls back to the general setting."""

    price: ModelPriceOverride | None = None
    price_as: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    params: dict[str, Any] = {}
    max_output_tokens: int | None = None


class TaskRule(Section, frozen=True):
    """Calls that match every condition given belong to task `name`."""

    name: str
    model: str | None = None
    call_site: str | None = None
    tags: dict[str, str] = {}


Kind = Literal[
    "embedding",
    "agent step",
    "classification",
    "translation",
    "code",
    "extraction",
    "summarization",
    "reasoning",
    "chat",
    "other",
]


class TasksSettings(Section, frozen=True):
    """Which task a call belongs to: rules first, then the first of these fields that the log has; and their kinds."""

    field: str | None = None
    rules: tuple[TaskRule, ...] = ()
    kinds: dict[str, Kind] = {}


class LogsSettings(Section, frozen=True):
    """Where the logs are, and how to read a shape that is not recognised."""

    paths: tuple[str, ...] = ()
    map: dict[str, str] = {}
    expected_field: str | None = None


class AuditSettings(Section, frozen=True):
    """What the audit compares with.

    cost_mode  what a call cost: computed from the price list, what the log itself claims, or that claim where there is
               a credible one (auto); the gate and a replay's bill go by it too
    """

    compare: tuple[str, ...] = ("gpt-4o-mini", "deepseek-v4-flash", "Qwen/Qwen3-8B")
    cache_ttl: str = "1h"
    top_tag_values: int = 20
    top: int = 10
    cost_mode: CostMode = "computed"


class CacheSettings(Section, frozen=True):
    """The response cache that a simulation and a replay's stacked bill count on.

    ttl            how long an answer is kept; None: `audit.cache_ttl`
    tasks          the same of single tasks; "0s": not cached
    capacity       entries of the whole cache, the least recently used of which is evicted; None: of any size
    single_flight  a request waits for the same one that is still being answered; otherwise it is asked again
    near           how alike prompts are whose answers a replay tries on each other, from careful to bold
    """

    ttl: str | None = None
    tasks: dict[str, str] = {}
    capacity: Annotated[int, msgspec.Meta(ge=1)] | None = None
    single_flight: bool = True
    near: tuple[float, ...] = (0.95, 0.9, 0.85, 0.8)


CheckKind = Literal["exact", "numeric", "json", "json_field", "contains", "literal", "judge"]


class CheckSettings(Section, frozen=True):
    """How answers of one task are checked, where the default choice is not the right one."""

    kind: CheckKind
    field: str | None = None
    margin: float | None = None


AlphaScope = Literal["plan", "task"]
StrategyName = Literal["map", "cascade", "cache", "compress", "batch"]


class ReplaySettings(Section, frozen=True):
    """The replay: what is asked, how much is spent, and when a switch may be recommended.

    sample               most prompts a task, or "auto": what a pilot shows to be needed, as far as the budget goes
    looks                how often the candidates are looked at while they are asked, the last time at the whole sample
    alpha, alpha_scope   the chance of any wrong switch in the plan, or in each task
    aa                   prompts a task that the incumbent answers once more, to see what a difference means; 0: none
    allow_related_judge  let a grader judge its own kind
    strategies           what is tried besides other models, "map"; "auto": what may save in a month more than it costs
    """

    base_url: str | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    graders: tuple[str, ...] = ()
    strategies: tuple[StrategyName, ...] | Literal["auto"] = "auto"
    sample: int | Literal["auto"] = 2_000
    looks: int = 5
    margin: float | None = None
    limit: float | None = None
    alpha: float = 0.05
    alpha_scope: AlphaScope = "plan"
    aa: int = 200
    allow_related_judge: bool = False
    seed: int = 7
    budget: float | None = None
    concurrency: int = 64
    timeout_s: float = 120.0
    retries: int = 6


class CascadeSettings(Section, frozen=True):
    """Tiered routing: who scores the answers of cheaper models at run time.

    grader  a model that is neither one of the tiers nor a judge of the replay; unset: the cheapest such candidate
    """

    grader: str | None = None


class CompressSettings(Section, frozen=True):
    """Shorter prompts: by whom, and how far, from careful to bold.

    by              a model, or "extractive": sentences are chosen without one; unset: the cheapest candidate
    ratios          tokens aimed at, as shares of a text's; the next is tried while the one before has passed
    min_tokens      shorter texts pass through
    last_user_turn  whether the question itself may be shortened, too
    """

    by: str | None = None
    ratios: tuple[float, ...] = (0.6, 0.4)
    min_tokens: int = 500
    last_user_turn: bool = False


class BatchSettings(Section, frozen=True):
    """Several requests of one template in one question, for calls that can wait.

    items  how many, from careful to bold; the next is tried while the one before has passed
    """

    items: tuple[int, ...] = (4, 16)
    wait: str = "1m"


Reaction = Literal["fail", "warn", "ignore"]


class GateSettings(Section, frozen=True):
    """When `llmcost check` fails. Shares are of the past: 0.05 allows 5 % more; what is unset is not held.

    max_increase          cost per call at the baseline's mix of tasks, and of each task that matters
    tasks                 the same of single tasks
    max_increase_usd      dollars by which the baseline's own calls may get dearer
    max_tokens_increase   tokens per call of a task     max_latency_increase  95th percentile of its latency
    new_models, unpriced_models, unknown_tasks   what happens to models and tasks that the baseline does not know, and
                          to calls whose cost is no longer known
    quality               largest loss of quality that a run may leave open; unset: the margin of the run
    min_calls             fewer independent calls of a task are no evidence
    confidence            that no statistical rule fails by chance, all of them together
    """

    max_increase: float = 0.05
    tasks: dict[str, float] = {}
    max_increase_usd: float | None = None
    max_tokens_increase: float | None = None
    max_latency_increase: float | None = None
    new_models: Reaction = "warn"
    unpriced_models: Reaction = "fail"
    unknown_tasks: Reaction = "warn"
    quality: float | None = None
    min_calls: Annotated[int, msgspec.Meta(ge=2)] = 10
    confidence: Annotated[float, msgspec.Meta(gt=0.5, lt=1)] = 0.95


class EgressSettings(Section, frozen=True):
    """Where anything may be sent.

    allow_hosts  names of hosts, also as "*.example.com"; unset: whichever the user names. This machine always is
    """

    allow_hosts: tuple[str, ...] | None = None


class RedactSettings(Section, frozen=True):
    """What is replaced by placeholders before a prompt leaves this machine.

    enabled    unset: wherever the endpoint is not this machine
    kinds      what is looked for (see `llmcost.redaction`)
    patterns   the user's own: kind → regular expression
    languages  of the prompts; with some, names of people and places are found, too (extra: pii)
    """

    enabled: bool | None = None
    kinds: tuple[str, ...] = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "SECRET")
    patterns: dict[str, str] = {}
    languages: tuple[str, ...] = ()


StoreText = Literal["hash", "redacted", "full"]


class WorkspaceSettings(Section, frozen=True):
    """What is kept on disk. Prompts never are.

    store_text  of a paid answer: its fingerprint alone, its text with placeholders for what redaction finds in the
                question, or its text as it came
    """

    store_text: StoreText = "redacted"


class Settings(Section, frozen=True):
    """Everything that can be configured, with the defaults a stranger starts from."""

    logs: LogsSettings = LogsSettings()
    tasks: TasksSettings = TasksSettings()
    audit: AuditSettings = AuditSettings()
    cache: CacheSettings = CacheSettings()
    replay: ReplaySettings = ReplaySettings()
    cascade: CascadeSettings = CascadeSettings()
    compress: CompressSettings = CompressSettings()
    batch: BatchSettings = BatchSettings()
    gate: GateSettings = GateSettings()
    egress: EgressSettings = EgressSettings()
    redact: RedactSettings = RedactSettings()
    workspace: WorkspaceSettings = WorkspaceSettings()
    models: dict[str, ModelSettings] = {}
    checks: dict[str, CheckSettings] = {}


def load(
    path: Path | None = None, *, start: Path | None = None, admit: Callable[[Path], None] = lambda file: None
) -> Settings:
    """Settings of `path`, or of the nearest llmcost.toml / [tool.llmcost] at or above `start`; defaults if none.

    `admit` is asked before a file is read, and raises for one that may not be.
    Raises ConfigError naming the file and the key that cannot be used.
    """
    if path is not None:
        return parse(_read(path, admit), path)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (config := folder / CONFIG_NAME).is_file():
            return parse(_read(config, admit), config)
        project = folder / "pyproject.toml"
        if project.is_file() and (table := _read(project, admit).get("tool", {}).get("llmcost")) is not None:
            return parse(table, project)
    return Settings()


def parse(table: Mapping[str, Any], source: Path) -> Settings:
    """Settings from a decoded table; `source` is named in errors."""
    try:
        return msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}", "see docs/configuration.md for every key and its default") from error


def api_key(variable: str | None, environ: Mapping[str, str] | None = None) -> str | None:
    """The key of the named variable, else of LLMCOST_API_KEY, else of OPENAI_API_KEY; None if none is set."""
    values = os.environ if environ is None else environ
    if variable is not None:
        if not values.get(variable):
            raise ConfigError(f"environment variable {variable} is not set", "export it, or change api_key_env")
        return values[variable]
    return _first(values, GENERAL_KEYS)


def base_url(flag: str | None, settings: Settings, environ: Mapping[str, str] | None = None) -> str:
    """The endpoint to talk to: flag, then configuration, then LLMCOST_BASE_URL, then OPENAI_BASE_URL.

    Raises ConfigError if none is given: nothing is sent to a host that the user did not name.
    """
    values = os.environ if environ is None else environ
    url = flag or settings.replay.base_url or _first(values, GENERAL_URLS)
    if not url:
        raise ConfigError(
            "no endpoint: llmcost sends nothing to a host that you did not name",
            "pass --base-url https://your-endpoint/v1, or set LLMCOST_BASE_URL",
        )
    return url.rstrip("/")


def _first(values: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first of these variables that says something."""
    return next((values[name] for name in names if values.get(name)), None)


def _read(path: Path, admit: Callable[[Path], None]) -> dict[str, Any]:
    admit(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML or no text, a number of too many digits, too deep
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
