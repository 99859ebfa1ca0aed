"""Requests and answers as plain text that a grader can read, without a word on who wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from llmcost.answers import Answer

NO_ANSWER = "[no answer]"

_NAMES = "|".join(
    (
        r"(?:Chat)?GPT(?:[- ]?\d[\w.\-]*)?|OpenAI|Copilot|Microsoft|Phi[- ]?\d[\w.\-]*",
        r"Claude(?:[- ][\w.\-]*\d[\w.\-]*)?|Anthropic",
        r"Gemini(?: \d[\w.\-]*)?|Gemma|Bard|Google(?: DeepMind| AI)?",
        r"DeepSeek(?:[- ][\w.\-]*\d[\w.\-]*)?|Qwen[\w.\-]*|Tongyi Qianwen|Alibaba(?: Cloud)?",
        r"Llama(?:[- ]?\d[\w.\-]*)?|Meta(?: AI)?|Mistral(?: AI)?|Mixtral|Grok|xAI",
        r"Kimi|Moonshot(?: AI)?|GLM[\w.\-]*|Zhipu(?: AI)?|Command[- ]R\+?|Cohere|Nova|Amazon",
    )
)
_MADE = r"(?:created|developed|trained|made|built|designed)"
_SELF_IDENTIFICATION = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"\b(I am|I['’]m|my name is|call me|this is) (?:{_NAMES})(?![\w'’])", r"\1 an assistant"),
        (rf"\b(as) (?:{_NAMES})(?=,| I\b)", r"\1 an assistant"),
        (
            rf"\b(assistant|model|AI|chatbot)(,? (?:that was |which was )?{_MADE}) by (?:{_NAMES})(?!\w)",
            r"\1\2 by its maker",
        ),
        (rf"\b(I was|I am|I['’]m) ({_MADE}) by (?:{_NAMES})(?!\w)", r"\1 \2 by my maker"),
    )
)


@lru_cache(maxsize=4096)  # an answer is shown in both orders, and to every judge
def anonymous(text: str) -> str:
    """The text with the writer's statements of which model it is made nameless; other mentions of models stay."""
    for pattern, replacement in _SELF_IDENTIFICATION:
        text = pattern.sub(replacement, text)
    return text


def answer_text(answer: Answer | None) -> str:
    """An answer as a grader sees it: text, refusal and tool calls, self-identification removed."""
    if answer is None:
        return NO_ANSWER
    parts = [answer.text or "", f"[refusal] {answer.refusal}" if answer.refusal else ""]
    parts += [f"[tool call] {call.name}({call.arguments})" for call in answer.tool_calls]
    return _encodable(anonymous("\n".join(part for part in parts if part))) or NO_ANSWER


def question_text(request: Mapping[str, Any]) -> str:
    """A request as a grader sees it: every message with its role, then the tools and the format that were demanded."""
    return _encodable("\n\n".join((*_messages(request), *_demands(request))))


def _messages(request: Mapping[str, Any]) -> Iterator[str]:
    messages = request.get("messages")
    for message in messages if isinstance(messages, list | tuple) else ():
        if isinstance(message, Mapping):
            calls = message.get("tool_calls")
            said = [content_text(message.get("content")), f"[tool calls] {_json(calls)}" if calls else ""]
            yield f"[{message.get('role', 'message')}]\n" + "\n".join(part for part in said if part)


def _demands(request: Mapping[str, Any]) -> Iterator[str]:
    for name in ("tools", "tool_choice", "response_format"):
        if request.get(name):
            yield f"[{name}]\n{_json(request[name])}"


def content_text(content: Any) -> str:
    """Message content as text; a part that is not text is named by its type."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list | tuple):
        return _json(content)
    return "\n".join(_part_text(part) for part in content)


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        text = part.get("text")
        return text if isinstance(text, str) else f"[{part.get('type', 'part')}, not shown]"
    return _json(part)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value, order="deterministic").decode()
    except UnicodeEncodeError:  # a lone surrogate of the log
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _encodable(text: str) -> str:
    """Lone surrogates, which no request can carry, become the replacement character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
