"""How much of a call site's prompts is the same text every time, wherever in the prompt it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from llmcost.audit.prefixes import PICTURE_TOKENS_A_BYTE
from llmcost.audit.prompt_text import Part, parts, size
from llmcost.calls import Call
from llmcost.logs.features import utf8_length

TOKENS_A_BYTE = 0.25  # where the log counts no tokens
FIRST_PROMPT = "first user message"


def static_tokens(sample: Sequence[Call]) -> float | None:
    """Tokens of the text that all these prompts share: tools, system prompt and what is fixed of the first message.

    Estimated: bytes, at the tokens a byte that the calls were charged for. None for fewer than two prompts.
    """
    prompts = [parts(call.request) for call in sample if call.request]
    if len(prompts) < 2:
        return None
    return shared_bytes([_written(prompt) for prompt in prompts]) * _tokens_a_byte(sample, prompts)


def shared_bytes(texts: Sequence[Sequence[str]]) -> int:
    """Bytes of the lines that all texts have, and of how the other lines begin and end alike, as UTF-8.

    Where the texts have equally many other lines these are compared one by one, else the first and the last of them.
    """
    counted = [Counter(lines) for lines in texts]
    common = counted[0]
    for count in counted[1:]:
        common = common & count
    same = sum(utf8_length(line) * times for line, times in common.items())
    rest = [_without(lines, common) for lines in texts]
    if len({len(lines) for lines in rest}) == 1:
        return same + sum(_alike(column) for column in zip(*rest, strict=True))
    begin = _prefix([lines[0] if lines else "" for lines in rest])
    ends = ["".join(lines)[len(begin) :].splitlines(keepends=True)[-1:] for lines in rest]
    return same + utf8_length(begin) + utf8_length(_prefix([end[0][::-1] if end else "" for end in ends]))


def _alike(lines: Sequence[str]) -> int:
    begin = _prefix(lines)
    end = _prefix([line[len(begin) :][::-1] for line in lines])
    return utf8_length(begin) + utf8_length(end)


def _prefix(texts: Sequence[str]) -> str:
    low, high = min(texts), max(texts)  # in between, all begin alike
    end = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return low[:end]


def _without(lines: Sequence[str], common: Counter[str]) -> list[str]:
    left = Counter(common)
    kept = []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def _written(prompt: Sequence[Part]) -> list[str]:
    """The lines of what the application writes: tools, system prompt, first message."""
    return [
        line
        for part in prompt
        if part.fixed or part.place == FIRST_PROMPT
        for line in part.text.splitlines(keepends=True)
    ]


def _tokens_a_byte(sample: Sequence[Call], prompts: Sequence[Sequence[Part]]) -> float:
    counts = [call.usage.input_tokens for call in sample if call.request]
    known = [(tokens, size(prompt)) for tokens, prompt in zip(counts, prompts, strict=True) if tokens and size(prompt)]
    if not known:
        return TOKENS_A_BYTE
    ratio = sum(tokens for tokens, _ in known) / sum(length for _, length in known)
    pictures = any(not part.said and not part.text for prompt in prompts for part in prompt)
    return min(ratio, PICTURE_TOKENS_A_BYTE) if pictures else ratio
