"""What a call site does: its kind, from the shape of its calls and of a sample of their bodies.

Every signal is a share between 0 and 1. A row of EVIDENCE says which signal, from which value on, speaks how strongly
for which kind. The kind with the most points wins; with too few it is "other". What the instruction says of itself
counts little: prompts say "extract" and "classify" in passing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, get_args

from llmcost.calls import Call
from llmcost.config import Kind
from llmcost.tasks.language import language_of

KINDS: tuple[Kind, ...] = get_args(Kind)
LEAST_POINTS = 2.0
LABEL_BYTES, LABELS, LABELLED_CALLS = 64, 20, 8  # a longer or rarer answer is no label
LONG_PROMPT, SHORTEST_SUMMARY, SUMMARY_SHARE = 400, 40, 0.4  # characters
PROSE_WORDS = 8
END_OF_ANSWER = 200  # characters: where a result stands
READ_OF_PROMPT = 1_200  # characters of either end: where instructions stand


@dataclass(frozen=True, slots=True)
class Shape:
    """All calls of a call site in numbers.

    embeddings        share of its calls that are embeddings          reasoning  of output tokens
    answers           that are known       labelled  share of them that its 20 commonest answers are
    answer_bytes      the median; None: unknown
    """

    embeddings: float
    answers: int
    distinct_answers: int
    labelled: float
    answer_bytes: float | None
    reasoning: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signal that speaks for a kind from `least` on, by so many points, and the words for it."""

    kind: Kind
    signal: str
    least: float
    points: float
    words: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The kind of a call site and what speaks for it, strongest first."""

    kind: Kind
    evidence: tuple[str, ...]


EVIDENCE: tuple[Evidence, ...] = (
    Evidence("embedding", "embeddings", 0.5, 10.0, "asks for embeddings"),
    Evidence("agent step", "tool_answers", 0.2, 4.0, "answers with tool calls of its choice"),
    Evidence("agent step", "tool_turns", 0.2, 3.0, "goes on from results of tools"),
    Evidence("classification", "labels", 0.9, 5.0, "gives the same few short answers again and again"),
    Evidence("classification", "enum", 0.5, 3.0, "is held to a closed list of answers"),
    Evidence("classification", "says classification", 0.5, 1.0, "is told to classify"),
    Evidence("translation", "other_language", 0.5, 4.0, "answers in another language than it is asked in"),
    Evidence("translation", "says translation", 0.5, 2.0, "is told to translate"),
    Evidence("code", "code", 0.5, 4.0, "answers with code"),
    Evidence("code", "code_asked", 0.5, 2.0, "is asked about code"),
    Evidence("code", "says code", 0.5, 1.0, "is told to write code"),
    Evidence("extraction", "forced_tool", 0.5, 3.0, "must fill in one tool's fields"),
    Evidence("extraction", "json", 0.5, 2.5, "answers with JSON"),
    Evidence("extraction", "quoted", 0.5, 1.5, "its values stand in the prompt"),
    Evidence("extraction", "json_asked", 0.5, 1.0, "is held to JSON"),
    Evidence("extraction", "says extraction", 0.5, 1.0, "is told to extract"),
    Evidence("summarization", "shorter", 0.5, 2.0, "answers a long prompt with a shorter text"),
    Evidence("summarization", "says summarization", 0.5, 2.0, "is told to summarize"),
    Evidence("reasoning", "reasoning", 0.5, 2.5, "spends most of its output on reasoning"),
    Evidence("reasoning", "explains", 0.5, 3.0, "writes its reasoning into the answer"),
    Evidence("reasoning", "marked", 0.5, 3.0, "works towards a marked result"),
    Evidence("reasoning", "says reasoning", 0.5, 1.5, "is told to reason"),
    Evidence("chat", "turns", 0.3, 2.0, "is a conversation"),
    Evidence("chat", "prose", 0.5, 1.5, "answers in prose"),
    Evidence("chat", "questions", 0.4, 1.0, "is asked questions"),
)

SAYS: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "classification": r"\b(classif\w*|categori[sz]e|label|sentiment|one of:|clasific\w+|klassifizier\w+)\b",
        "translation": r"\btranslat\w+|\btraduc\w+|\btradui\w+|\bübersetz\w+|翻译",
        "code": r"\b(write|implement|fix|refactor|generate)\b.{0,40}\b(code|function|script|query|sql|program|class)\b",
        "extraction": r"\b(extract\w*|fields below|parse|pull out|extrahier\w+|extra[eiy]\w*)\b",
        "summarization": r"\b(summar\w+|tl;?dr|resum(en|ir|a)\w*|résum\w+|riassum\w+|zusammenfass\w+)\b|总结",
        "reasoning": r"\b(step by step|think carefully|solve|prove|reason(ing)?)\b",
    }.items()
}
REASONING_FIELDS = frozenset({"reasoning", "thought", "thoughts", "thinking", "steps", "rationale", "chain_of_thought"})
_FENCE = re.compile(r"```[ \t]*(\w*)")
_NO_CODE = frozenset({"", "json", "markdown", "md", "text", "txt", "yaml", "csv"})
_MARKED = re.compile(r"\b(?:answer|result|total)\b\W{1,6}\d[\d.,]*\W*$|\\boxed\{|\n####? *-?\d", re.IGNORECASE)
_CODE_LINE = re.compile(r"^(?:def|class) \w+.*:\s*$|^(?:SELECT|INSERT|CREATE) \w+|^#include\b", re.MULTILINE)
_CODE = re.compile(
    r"\s*(def |class |import |from \w+ import|function |const |SELECT\b|WITH\b|INSERT\b|#include|public )"
)


def kind_of(site: str, task: str, shape: Shape, sample: Sequence[Call], fixed: Mapping[str, Kind]) -> Judged:
    """The kind of a call site: that of the configuration (a name or glob of site or task), else what the calls show."""
    for pattern, kind in fixed.items():
        if any(fnmatchcase(name, pattern) for name in (site, site.partition("·")[0], task)):
            return Judged(kind, (f"set in the configuration: {pattern}",))
    signals = signals_of(shape, sample)
    speaking = [(item, signals[item.signal]) for item in EVIDENCE if signals[item.signal] >= item.least]
    points = {kind: sum(item.points for item, _ in speaking if item.kind == kind) for kind in KINDS}
    best = max(KINDS, key=lambda kind: points[kind])  # of equals the first
    if points[best] < LEAST_POINTS:
        return Judged("other", ())
    chosen = sorted((pair for pair in speaking if pair[0].kind == best), key=lambda pair: -pair[0].points)
    return Judged(best, tuple(f"{item.words} ({share:.0%})" for item, share in chosen))


def signals_of(shape: Shape, sample: Sequence[Call]) -> dict[str, float]:
    """Every signal as a share between 0 and 1."""
    few = shape.answers >= LABELLED_CALLS and 2 * shape.distinct_answers <= shape.answers
    label = few and shape.answer_bytes is not None and shape.answer_bytes <= LABEL_BYTES
    seen = list(map(_read, sample))
    return {
        "embeddings": shape.embeddings,
        "labels": shape.labelled if label else 0.0,
        "reasoning": shape.reasoning,
        **{name: _share(signal, seen) for name, signal in SIGNALS.items()},
    }


@dataclass(frozen=True, slots=True)
class Seen:
    """A call of the sample, taken apart."""

    request: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    asked: str
    instructions: str
    answer: str
    called: bool
    value: Any

    @property
    def forced(self) -> bool:
        """One tool that must be called: a form to fill in."""
        tools, choice = self.request.get("tools"), self.request.get("tool_choice")
        return isinstance(tools, list) and len(tools) == 1 and (isinstance(choice, dict) or choice == "required")


def _read(call: Call) -> Seen:
    request = call.request or {}
    found = request.get("messages")
    messages = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []
    texts = [_text(message) for message in messages]
    asked = next((t for m, t in zip(reversed(messages), reversed(texts), strict=True) if m.get("role") == "user"), "")
    first = "\n".join(texts[:2])
    answer = (call.answer.text if call.answer else None) or ""
    called = bool(call.answer and call.answer.tool_calls)
    ends = first[:READ_OF_PROMPT] + first[READ_OF_PROMPT:][-READ_OF_PROMPT:]
    return Seen(request, messages, asked, ends, answer.strip(), called, _json(answer))


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str))


def _json(answer: str) -> Any:
    """The object or list that an answer is, bare or fenced; None if it is neither."""
    body = answer.strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    if not body.startswith(("{", "[")):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _other_language(seen: Seen) -> bool:
    if seen.value is not None:
        return False
    one, other = language_of(seen.asked), language_of(seen.answer)
    return one is not None and other is not None and one != other


def _code(seen: Seen) -> bool:
    fences = _FENCE.findall(seen.answer)[::2]
    return any(language.lower() not in _NO_CODE for language in fences) or bool(_CODE.match(seen.answer))


def _code_asked(seen: Seen) -> bool:
    fences = _FENCE.findall(seen.asked)[::2]
    return any(language.lower() not in _NO_CODE for language in fences) or bool(_CODE_LINE.search(seen.asked))


def _enum(seen: Seen) -> bool:
    schema = json.dumps(seen.request.get("response_format") or {}, default=str)
    return '"enum"' in schema and schema.count('"type"') <= 4  # of an object with a field or two


def _json_asked(seen: Seen) -> bool:
    wanted = seen.request.get("response_format")
    return isinstance(wanted, Mapping) and str(wanted.get("type", "")).startswith("json")


def _quoted(seen: Seen) -> bool:
    values = [value for value in _leaves(seen.value) if len(value) > 2]
    prompt = "\n".join(map(_text, seen.messages))
    return bool(values) and 2 * sum(value in prompt for value in values) >= len(values)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)


def _shorter(seen: Seen) -> bool:
    return (
        len(seen.asked) >= LONG_PROMPT
        and SHORTEST_SUMMARY <= len(seen.answer) <= SUMMARY_SHARE * len(seen.asked)
        and seen.value is None
    )


def _prose(seen: Seen) -> bool:
    return seen.value is None and not _code(seen) and len(seen.answer.split()) >= PROSE_WORDS


def _says(kind: str, seen: Seen) -> bool:
    return SAYS[kind].search(seen.instructions) is not None


def _explains(seen: Seen) -> bool:
    fields = map(str.lower, seen.value) if isinstance(seen.value, dict) else ()
    return any(field in REASONING_FIELDS for field in fields)


SIGNALS: dict[str, Callable[[Seen], bool]] = {
    "tool_answers": lambda seen: seen.called and not seen.forced,
    "tool_turns": lambda seen: any(message.get("role") in ("tool", "function") for message in seen.messages),
    "forced_tool": lambda seen: seen.forced,
    "enum": _enum,
    "json_asked": _json_asked,
    "json": lambda seen: seen.value is not None,
    "quoted": _quoted,
    "code": _code,
    "code_asked": _code_asked,
    "marked": lambda seen: seen.value is None and _MARKED.search(seen.answer[-END_OF_ANSWER:]) is not None,
    "explains": _explains,
    "other_language": _other_language,
    "shorter": _shorter,
    "turns": lambda seen: any(message.get("role") == "assistant" for message in seen.messages),
    "prose": _prose,
    "questions": lambda seen: seen.asked.rstrip().endswith(("?", "？")),
    **{f"says {kind}": partial(_says, kind) for kind in SAYS},
}


def _share(signal: Callable[[Seen], bool], seen: Sequence[Seen]) -> float:
    return sum(map(signal, seen)) / len(seen) if seen else 0.0
