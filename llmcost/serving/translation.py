"""How a candidate is asked a logged question: the request verbatim, another model, and every change told.

Tables say all that is changed: what does not shape the answer stays behind (`LEFT_BEHIND`), what a family of models
does not take is translated or dropped (`RENAMED`, `DROPPED`), and what the configuration of a model demands is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.config import ModelSettings
from llmcost.errors import ConfigError

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class CandidateModel:
    """A model to try, at a reasoning effort; None: whatever the logged request says."""

    model: str
    effort: str | None = None

    def label(self) -> str:
        """The candidate as a user writes it: `model` or `model@effort`."""
        return self.model if self.effort is None else f"{self.model}@{self.effort}"


def parse_candidate(text: str) -> CandidateModel:
    """The candidate of `model` or `model@effort`. Raises ConfigError for an empty name or an unknown effort."""
    model, at, effort = text.strip().rpartition("@")
    if not at or effort[:1].isdigit():  # some providers write their versions as model@20240620
        model, effort = text.strip(), ""
    elif effort not in EFFORTS:
        raise ConfigError(f"unknown effort {effort!r} in {text!r}", f"efforts are {', '.join(EFFORTS)}")
    if not re.fullmatch(r"[^\s,@]+(@\d[^\s,@]*)?", model):
        raise ConfigError(f"not a model: {text!r}", "write model or model@effort, for example qwen3-8b@low")
    return CandidateModel(model, effort or None)


_TRANSPORT = "how the answer travels"
_RECORDS = "for the provider's records"
_IDENTITY = "identifies a person or tenant"
_REACH = "how the endpoint was reached, keys included"
_EXTRA = "asks for more output beside the answer"

LEFT_BEHIND: Mapping[str, str] = {
    "stream": _TRANSPORT,
    "stream_options": _TRANSPORT,
    "service_tier": _TRANSPORT,
    "prompt_cache_key": _TRANSPORT,
    "prompt_cache_retention": _TRANSPORT,
    "prediction": "speeds up the answer, does not change it",
    "store": _RECORDS,
    "metadata": _RECORDS,
    "litellm_metadata": _RECORDS,
    "tags": _RECORDS,
    "user": _IDENTITY,
    "safety_identifier": _IDENTITY,
    "litellm_session_id": _IDENTITY,
    "litellm_trace_id": _IDENTITY,
    "session_id": _IDENTITY,
    "api_key": _REACH,
    "api_base": _REACH,
    "api_version": _REACH,
    "base_url": _REACH,
    "organization": _REACH,
    "headers": _REACH,
    "extra_headers": _REACH,
    "extra_query": _REACH,
    "custom_llm_provider": _REACH,
    "timeout": _REACH,
    "request_timeout": _REACH,
    "max_retries": _REACH,
    "num_retries": _REACH,
    "logprobs": _EXTRA,
    "top_logprobs": _EXTRA,
}

# What applications and gateways add to a request: user_id, customerName, end_user_email, session-id …
_PERSONAL = re.compile(
    r"(\w+[_-])?(user|customer|client|tenant|account|org(anization)?|employee|patient|visitor|device|session|trace|"
    r"conversation)[_-]?(id|uuid|name|e?mail|hash|ip)|e?mail|phone|ip_address",
    re.IGNORECASE,
)
TOLD_LEFT_BEHIND = frozenset({_IDENTITY, _RECORDS})  # reasons that a user wants to hear of

_OPENAI = re.compile(r"(?:ft:)?(?:gpt-(?!oss|neo|j\b)|chatgpt-|o\d)")
_REASONING = re.compile(r"(?:ft:)?(?:o\d|gpt-[5-9](?!.*chat))")
_CLASSIC = re.compile(r"(?:ft:)?(?:gpt-[34]|chatgpt-|gpt-5.*chat)")
_GPT_5 = re.compile(r"(?:ft:)?gpt-[5-9]")


@dataclass(frozen=True, slots=True)
class Renamed:
    """A parameter that goes by another name with the models that match (or, if `inverse`, do not match)."""

    old: str
    new: str
    models: re.Pattern[str]
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """A parameter that models that match (or, if `inverse`, do not match) refuse or misread; untold at its default."""

    name: str
    why: str
    models: re.Pattern[str]
    inverse: bool = False
    default: Any = None


RENAMED: tuple[Renamed, ...] = (
    Renamed("max_tokens", "max_completion_tokens", _REASONING),
    Renamed("max_completion_tokens", "max_tokens", _OPENAI, inverse=True),
)
DROPPED: tuple[Dropped, ...] = (
    Dropped("temperature", "OpenAI's reasoning models take none", _REASONING, default=1),
    Dropped("top_p", "OpenAI's reasoning models take none", _REASONING, default=1),
    Dropped("presence_penalty", "OpenAI's reasoning models take none", _REASONING, default=0),
    Dropped("frequency_penalty", "OpenAI's reasoning models take none", _REASONING, default=0),
    Dropped("stop", "OpenAI's reasoning models take none", _REASONING),
    Dropped("logit_bias", "OpenAI's reasoning models take none", _REASONING),
    Dropped("logit_bias", "its token ids are of another tokenizer", _OPENAI, inverse=True),
    Dropped("reasoning_effort", "the model does not reason", _CLASSIC),
    Dropped("verbosity", "only gpt-5 takes it", _GPT_5, inverse=True),
)


def translate(
    request: Mapping[str, Any], candidate: CandidateModel, settings: ModelSettings | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The body that asks this candidate what `request` asked, and the adjustments it took, each at most once."""
    body = {name: value for name, value in request.items() if left_behind(name) is None and value is not None}
    body["model"] = candidate.model
    bare = candidate.model.lower().rsplit("/", 1)[-1]
    settings = settings or ModelSettings()
    told = [
        *_left(request),
        *_one_answer(body),
        *_effort(body, candidate),
        *_renamed(body, bare),
        *_dropped(body, bare),
        *_known_roles(body, bare),
        *_within_limit(body, settings.max_output_tokens),
        *_configured(body, settings.params),
    ]
    return body, list(dict.fromkeys(told))


def left_behind(name: str) -> str | None:
    """Why a field of a logged request is not sent; None: it is."""
    return LEFT_BEHIND.get(name) or (_IDENTITY if _PERSONAL.fullmatch(name) else None)


def _left(request: Mapping[str, Any]) -> Iterator[str]:
    """Fields that were logged and are not sent, where that is about people or records."""
    for name, value in request.items():
        why = left_behind(name)
        if why in TOLD_LEFT_BEHIND and value is not None:
            yield f"{name} left out: {why}"


def _one_answer(body: dict[str, Any]) -> Iterator[str]:
    """One answer is compared, so one is paid for."""
    for name in ("n", "best_of"):
        if (count := body.pop(name, 1)) != 1:
            yield f"{name} {count} → 1"


def _effort(body: dict[str, Any], candidate: CandidateModel) -> Iterator[str]:
    if candidate.effort is not None and body.get("reasoning_effort") != candidate.effort:
        body["reasoning_effort"] = candidate.effort
        yield f"reasoning_effort set to {candidate.effort}"


def _renamed(body: dict[str, Any], bare: str) -> Iterator[str]:
    for rule in RENAMED:
        if rule.old in body and bool(rule.models.match(bare)) != rule.inverse:
            body.setdefault(rule.new, body[rule.old])
            del body[rule.old]
            yield f"{rule.old} → {rule.new}"


def _dropped(body: dict[str, Any], bare: str) -> Iterator[str]:
    for rule in DROPPED:
        if rule.name in body and bool(rule.models.match(bare)) != rule.inverse and body.pop(rule.name) != rule.default:
            yield f"{rule.name} dropped: {rule.why}"


def _known_roles(body: dict[str, Any], bare: str) -> Iterator[str]:
    """The role "developer" is OpenAI's own; elsewhere such a message would be refused or lost."""
    messages = body.get("messages")
    if _OPENAI.match(bare) or not isinstance(messages, list | tuple):
        return
    renamed = [_as_system(message) for message in messages]
    if renamed != list(messages):
        body["messages"] = renamed
        yield "role developer → system"


def _as_system(message: Any) -> Any:
    if isinstance(message, Mapping) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message


def _within_limit(body: dict[str, Any], limit: int | None) -> Iterator[str]:
    for name in ("max_tokens", "max_completion_tokens"):
        asked = body.get(name)
        if limit is not None and isinstance(asked, int) and asked > limit:
            body[name] = limit
            yield f"{name} lowered to {limit:,}, the most that the model gives"


def _configured(body: dict[str, Any], params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        if name == "model":
            raise ConfigError("params cannot change the model", "use price_as for its price, or name the other model")
        if name == "store" and value:
            raise ConfigError("params cannot have answers stored at the provider", "take store out of params")
        if value is None and body.pop(name, None) is not None:
            yield f"{name} dropped by the configuration"
        elif value is not None and body.get(name) != value:
            body[name] = value
            yield f"{name} set by the configuration"
