"""A log of what was asked, as plain rows that `llmcost audit` reads: so a bill can be held against its prediction.

One line a question that was asked, graders and compressors included, for each of them is paid for; and one a request
that the cache answered, marked `app_cache`, which costs nothing. Lines of one request share their trace_id.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmcost.answers import Answer, Usage
from llmcost.errors import ConfigError
from llmcost.runtime.reply import Reply
from llmcost.serving import Attempt

Row = dict[str, Any]

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


class Record:
    """A file that lines are appended to; several processes may share it.

    text  whether questions and answers are written, too
    """

    def __init__(self, path: str | Path, *, text: bool = False) -> None:
        self._text = text
        try:
            self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115  (open until `close`)
        except OSError as error:
            raise ConfigError(
                f"cannot write the log {path}: {error.strerror}", "name a file in a folder that exists"
            ) from error

    def write(self, rows: Sequence[Row]) -> None:
        """Appends the rows in one piece. Raises OSError."""
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        if lines and self._file.write(lines) != len(lines):
            raise OSError("the log was written in part")

    def close(self) -> None:
        """Ends the log."""
        self._file.close()

    def cached(self, task: str, trace: str, began_s: float, body: Mapping[str, Any], reply: Reply) -> Row:
        """The row of a request that the cache answered."""
        row = _row(task, f"{trace}-0", trace, began_s, "answer")
        row |= _answered(reply.model, reply.usage, reply.latency_ms, reply.finish_reason)
        row |= {"app_cache": "hit", "cache": reply.cached}
        return row | (_said({**body, "model": reply.model}, reply.answer) if self._text else {})

    def asked(self, task: str, trace: str, began_s: float, number: int, attempt: Attempt) -> Row:
        """The row of a question that was asked for a request."""
        completion = attempt.completion
        row = _row(task, f"{trace}-{number}", trace, began_s, attempt.role)
        finish = None if completion.answer is None else completion.answer.finish_reason
        row |= _answered(completion.model, completion.usage, completion.latency_ms, finish)
        row["response_model"] = completion.served_model
        if completion.status != "answered":
            row["error"] = completion.status
        return row | (_said(attempt.request.body, completion.answer) if self._text else {})


def _row(task: str, name: str, trace: str, began_s: float, role: str) -> Row:
    when = datetime.datetime.fromtimestamp(began_s, datetime.UTC).isoformat()
    return {"id": name, "trace_id": trace, "timestamp": when, "task": task, "purpose": role}


def _answered(model: str, usage: Usage, latency_ms: float | None, finish_reason: str | None) -> Row:
    tokens = {name: getattr(usage, name) for name in TOKENS}
    return {"model": model, **tokens, "latency_ms": latency_ms, "finish_reason": finish_reason}


def _said(body: Mapping[str, Any], answer: Answer | None) -> Row:
    """What was asked and answered, as the formats read it."""
    if answer is None:
        return dict(body)
    message: Row = {"role": "assistant", "content": answer.text}
    if answer.refusal is not None:
        message["refusal"] = answer.refusal
    if answer.tool_calls:
        message["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    return {**body, "response": message}
