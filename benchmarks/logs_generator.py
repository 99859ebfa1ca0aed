"""Seeded LLM traffic as nested JSONL, of any size: `python benchmarks/logs_generator.py OUT.jsonl --gb 1 --seed 7`.

Ten call sites as products have them: a chat whose system prompt begins with the date, FAQ repeats in the same and in
other words, retrieved contexts, closed labels, extraction against a schema, an agent with tools, untagged templates.
One record in some is a retry after a 429, a cut answer, a failure, an abandoned stream, and a very few are damaged.
Lines are put together from pieces that were rendered once, so a core writes more than 100 MB/s; the same arguments
give the same bytes. `--also gz,zst,parquet` writes the same records in these forms beside the file.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from isal import igzip
from logs_texts import DOCUMENTS, LABELS, QUESTIONS, SENTENCES, THINGS, TOOLS, Library

START_S = 1_790_812_800  # 2026-10-01T00:00:00Z
DAYS = 30
AVERAGE_BYTES = 2_790  # of a record: spreads the time over the size asked for
BATCH = 500
DRAWS = 400_000
LIVE_CONVERSATIONS = 300

Draw = Callable[[], int]


class Draft(NamedTuple):
    """A call before it is written: `rest` are request fields after the messages, `static` the bytes no call changes."""

    site: str
    model: str
    messages: bytes
    rest: bytes
    answer: bytes  # the message's fields after its role
    finish: bytes = b"stop"
    static: int = 0
    reasoning: int = 0
    user: int = 0
    session: bytes = b""
    tagged: bool = True


def message(role: bytes, content: bytes) -> bytes:
    """A message whose content is already inside JSON."""
    return b'{"role":"' + role + b'","content":"' + content + b'"}'


class Conversation:
    """A chat that grows by two messages a turn and sends all of them each time."""

    def __init__(self, number: int, turns: int, form: int) -> None:
        self.number, self.left, self.form, self.history = number, turns, form, b""


class Traffic:
    """Drafts of calls without end, by their share of the traffic."""

    def __init__(self, seed: int) -> None:
        self._library = Library(seed)
        self._stream = _draws(seed)
        self._live: list[Conversation | None] = [None] * LIVE_CONVERSATIONS
        self._opened = 0
        shares: list[tuple[int, Callable[[Draw, int], Draft]]] = [
            (22, self._support), (14, self._faq), (14, self._rag), (16, self._triage), (8, self._extract),
            (8, self._agent), (5, self._translation), (5, self._product_text), (4, self._summary), (4, self._review),
        ]  # fmt: skip
        self._sites = [site for share, site in shares for _ in range(share)]
        self.day = b"2026-10-01"

    @property
    def draw(self) -> Draw:
        """The next random number, 0 to 2³¹ − 1."""
        return self._stream.__next__

    def draft(self) -> Draft:
        """The next call."""
        draw = self.draw
        return self._sites[draw() % len(self._sites)](draw, draw() % 5 // 3)

    def _text(self, draw: Draw, form: int, least: int, most: int) -> bytes:
        pool = self._library.sentences[form]
        return b" ".join([pool[draw() % SENTENCES] for _ in range(least + draw() % (most - least + 1))])

    def _system(self, site: str, form: int) -> bytes:
        return message(b"system", self._library.systems[site][form])

    def _support(self, draw: Draw, form: int) -> Draft:
        slot = draw() % LIVE_CONVERSATIONS
        talk = self._live[slot]
        if talk is None or talk.left == 0:
            self._opened += 1
            talk = self._live[slot] = Conversation(self._opened, 1 + draw() % 6, form)
        system = b"Today is " + self.day + b".\\n" + self._library.systems["support"][talk.form]
        asked = b"Order LF-%d: " % (draw() % 1_000_000) + self._text(draw, talk.form, 1, 4)
        history = talk.history + b"," + message(b"user", asked)
        answer = self._text(draw, talk.form, 1, 5)
        talk.history, talk.left = history + b"," + message(b"assistant", answer), talk.left - 1
        rest = b'"temperature":0.3,"max_tokens":600,"stream":true,"stream_options":{"include_usage":true}'
        session = b"s-%d" % talk.number
        messages = message(b"system", system) + history
        return Draft("support", "gpt-4o", messages, rest, _said(answer), user=talk.number % 4_000, session=session)

    def _faq(self, draw: Draw, form: int) -> Draft:
        which = min(draw() % QUESTIONS, draw() % QUESTIONS, draw() % QUESTIONS)
        asked, manner = self._library.questions[form][which], draw() % 8
        if manner == 0:
            asked = b"Hello, " + asked.replace(b"What can I do about", b"what should I do with")
        elif manner == 1:
            asked = asked.replace(b" the ", b" that ", 1) + b" Thank you!"
        system = self._system("faq", form)
        answer = self._library.documents[form][which]
        return Draft("faq", "gpt-4o-mini", system + b"," + message(b"user", asked), b'"temperature":0', _said(answer),
                     static=len(system), user=draw() % 9_000)  # fmt: skip

    def _rag(self, draw: Draw, form: int) -> Draft:
        pool = self._library.documents[form]
        found = b"".join([b"[%d] %b\\n\\n" % (n, pool[draw() % DOCUMENTS]) for n in range(1, 3 + draw() % 2)])
        asked = b"Context:\\n" + found + b"Question: " + self._text(draw, form, 1, 2)
        system = self._system("rag", form)
        return Draft("knowledge", "gpt-4.1", system + b"," + message(b"user", asked), b'"temperature":0.1',
                     _said(self._text(draw, form, 2, 5)), static=len(system), user=draw() % 9_000)  # fmt: skip

    def _triage(self, draw: Draw, form: int) -> Draft:
        system, label = self._system("triage", form), LABELS[draw() % 7].encode()
        asked = b"Label this mail with one of billing, delivery, technical, returns, account, praise, other.\\n\\n"
        body = message(b"user", asked + self._text(draw, form, 1, 5))
        return Draft("triage", "gpt-4o", system + b"," + body, b'"temperature":0,"max_tokens":5', _said(label),
                     static=len(system))  # fmt: skip

    def _extract(self, draw: Draw, form: int) -> Draft:
        system = self._system("extract", form)
        asked = message(b"user", self._text(draw, form, 3, 8))
        found = b'{\\"order\\": \\"LF-%d\\", \\"other\\": \\"%b\\"}' % (draw() % 10**6, LABELS[draw() % 7].encode())
        rest = b'"temperature":0,"response_format":' + self._library.schema
        return Draft("extract", "gpt-4.1-mini", system + b"," + asked, rest, _said(found), static=len(system))

    def _agent(self, draw: Draw, form: int) -> Draft:
        system, steps = self._system("agent", form), draw() % 4
        messages = [system, message(b"user", b"Ticket %d: " % (draw() % 10**7) + self._text(draw, form, 1, 3))]
        for step in range(steps):
            messages += [
                b'{"role":"assistant","content":null,' + _called(draw, step) + b"}",
                b'{"role":"tool","tool_call_id":"call_%d","content":"' % step + self._text(draw, form, 1, 3) + b'"}',
            ]
        rest = b'"tools":' + self._library.tools + b',"tool_choice":"auto","parallel_tool_calls":false'
        last, finish = _said(self._text(draw, form, 1, 3)), b"stop"
        if steps < 3 and draw() % 3:
            last, finish = b'"content":null,' + _called(draw, steps), b"tool_calls"
        return Draft("agent", "gpt-5-mini", b",".join(messages), rest, last, finish,
                     static=len(system) + len(self._library.tools), reasoning=64 * (draw() % 8))  # fmt: skip

    def _translation(self, draw: Draw, form: int) -> Draft:
        language = (b"German", b"French", b"Polish")[draw() % 3]
        text = self._text(draw, form, 2, 6)
        asked = b'Translate the following text into %b. Keep numbers and names.\\n\\n\\"' % language + text + b'\\"'
        return Draft("translate", "deepseek-chat", message(b"user", asked), b'"temperature":1.0',
                     _said(self._text(draw, form, 2, 6)), tagged=False)  # fmt: skip

    def _product_text(self, draw: Draw, form: int) -> Draft:
        thing = THINGS[draw() % len(THINGS)].encode()
        asked = b"Write a product description of at most 80 words for our %b, item %d. Tone: %b. Notes: " % (
            thing, draw() % 10**5, (b"warm", b"plain", b"playful")[draw() % 3])  # fmt: skip
        return Draft("copy", "gpt-3.5-turbo", message(b"user", asked + self._text(draw, form, 1, 2)),
                     b'"temperature":0.9,"n":1', _said(self._text(draw, form, 1, 4)), tagged=False)  # fmt: skip

    def _summary(self, draw: Draw, form: int) -> Draft:
        system, pool = self._system("summary", form), self._library.documents[form]
        asked = b"\\n---\\n".join([pool[draw() % DOCUMENTS] for _ in range(2 + draw() % 4)])
        return Draft("summary", "gpt-4-turbo", system + b"," + message(b"user", asked), b'"max_tokens":120',
                     _said(self._text(draw, form, 2, 5)), (b"stop", b"length")[draw() % 5 == 0],
                     static=len(system))  # fmt: skip

    def _review(self, draw: Draw, form: int) -> Draft:
        system = self._system("review", form)
        code = b"```python\\n" + self._library.code[form] * (1 + draw() % 6) + b"```\\n"
        asked = b"Review change %d.\\n\\n" % (draw() % 10**6) + code + self._text(draw, form, 1, 2)
        return Draft("review", "o4-mini", system + b"," + message(b"user", asked), b'"reasoning_effort":"high"',
                     _said(self._text(draw, form, 2, 4) + b"\\n" + code), static=len(system),
                     reasoning=64 * (draw() % 40))  # fmt: skip


def _said(answer: bytes) -> bytes:
    return b'"content":"' + answer + b'"'


def _called(draw: Draw, step: int) -> bytes:
    name = TOOLS[draw() % len(TOOLS)].encode()
    arguments = b'{\\"order\\":\\"LF-%d\\",\\"reason\\":\\"caf\xc3\xa9\\"}' % (draw() % 10**6)
    call = b'{"id":"call_%d","type":"function","function":{"name":"%b","arguments":"%b"}}' % (step, name, arguments)
    return b'"tool_calls":[' + call + b"]"


def _draws(seed: int) -> Iterator[int]:
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.integers(0, 2**31, DRAWS).tolist()


def lines(seed: int, size: int) -> Iterator[bytes]:
    """Lines of a log of about this many bytes, over 30 days with quiet nights; it does not end by itself."""
    traffic, minutes, busy = Traffic(seed), _minutes(), _busy_minutes()
    step = DAYS * 86_400_000 * AVERAGE_BYTES / size
    clock = 0.0
    for number in itertools.count():
        clock += step * (0.5 + traffic.draw() / 2**31)
        day, within = divmod(int(clock), 86_400_000)
        minute = busy[within // 60_000]
        stamp = minutes[(day % DAYS) * 1440 + minute]
        traffic.day = stamp[:10]
        draft = traffic.draft()
        yield from _written(draft, number, stamp, day * 86_400 + minute * 60, within % 60_000, traffic.draw)


def _minutes() -> list[bytes]:
    """Beginnings of ISO times, one for each minute of the log."""
    return [
        time.strftime("%Y-%m-%dT%H:%M:", time.gmtime(START_S + 60 * minute)).encode() for minute in range(DAYS * 1440)
    ]


def _busy_minutes() -> list[int]:
    """Even time of day → minute of the day with the traffic of working hours."""
    weight = 1 - 0.9 * np.cos(2 * np.pi * (np.arange(1440) - 120) / 1440)
    even = np.arange(1440) / 1440
    return np.searchsorted(np.cumsum(weight) / weight.sum(), even, side="right").tolist()


def _written(draft: Draft, number: int, stamp: bytes, minute_s: int, ms: int, draw: Draw) -> Iterator[bytes]:
    """The line of a call, and those of its failures before it."""
    fate = draw() % 20_000
    start = b'{"id":"log-%d","timestamp":"%b%02d.%03dZ","request":{"model":"%b","messages":[%b],%b},"response":'
    fields = (number, stamp, ms // 1000, ms % 1000, draft.model.encode(), draft.messages, draft.rest)
    asked = start % fields
    latency = 180 + len(draft.answer) * 4 + draft.reasoning * 9 + draw() % 400
    end = _end(draft, latency)
    if fate < 400:  # the provider is busy: the client asks again, up to four times
        limited = (
            b'{"error":{"message":"Rate limit reached for %b, \\"please\\" slow down","type":"requests",' % fields[4]
        )
        yield from [asked + limited + b'"param":null,"code":"rate_limit_exceeded"}},"status":429' + end] * (
            1 + draw() % 4
        )
    elif fate < 480:
        gone = b'{"error":{"message":"The server had an error","type":"server_error","code":null}},"status":500'
        yield asked + gone + end
        return
    elif fate < 540:  # the user closed the window
        yield asked + _response(draft, number, minute_s, b"null", with_usage=False) + end
        return
    line = asked + _response(draft, number, minute_s, b'"' + draft.finish + b'"') + end
    if fate == 19_999:
        yield (line[: len(line) // 2] + b"\n", line.replace(b"e", b"\xff", 3), b"\n" + line)[draw() % 3]
        return
    yield line
    if 540 <= fate < 700:  # asked again by a client that did not see the answer
        yield line.replace(b'"id":"log-', b'"id":"log-again-', 1)


def _response(draft: Draft, number: int, minute_s: int, finish: bytes, *, with_usage: bool = True) -> bytes:
    sent, said = len(draft.messages) // 4 + 3, len(draft.answer) // 4 + 1 + draft.reasoning
    cached = draft.static // 512 * 128 if number % 3 and draft.static > 4_096 else 0
    usage = (
        b',"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":'
        b'{"cached_tokens":%d,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":0,'
        b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}' % (sent, said, sent + said, cached,
                                                                               draft.reasoning)
    )  # fmt: skip
    return (
        b'{"id":"chatcmpl-%012x","object":"chat.completion","created":%d,"model":"%b","choices":[{"index":0,"message":'
        b'{"role":"assistant",%b,"refusal":null},"logprobs":null,"finish_reason":%b}]%b,"service_tier":"default",'
        b'"system_fingerprint":"fp_44709d6fcb"}'
        % (number * 2_654_435_761, START_S + minute_s, draft.model.encode(), draft.answer, finish,
           usage if with_usage else b"")
    )  # fmt: skip


def _end(draft: Draft, latency: int) -> bytes:
    site = draft.site.encode()
    task = b'"task":"%b",' % site if draft.tagged else b""
    session = b',"session_id":"%b"' % draft.session if draft.session else b""
    team = (b"care", b"shop", b"data")[len(site) % 3]
    return b',"latency_ms":%d,"metadata":{%b"team":"%b","env":"prod","user_id":"u%d"%b}}\n' % (
        latency, task, team, draft.user, session)  # fmt: skip


def write(out: IO[bytes], size: int, seed: int) -> int:
    """Writes whole lines until `size` bytes are reached; how many lines."""
    count = written = 0
    source = lines(seed, size)
    while written < size:
        batch = list(itertools.islice(source, BATCH))
        content = b"".join(batch)
        while written + len(content) > size and len(batch) > 1:
            content = content[: -len(batch.pop())]
        out.write(content)
        written, count = written + len(content), count + len(batch)
        if len(batch) < BATCH:
            break
    return count


class Row(msgspec.Struct):
    """A record with its bodies left as text, as tables of logs keep them."""

    id: str
    timestamp: str
    request: msgspec.Raw
    response: msgspec.Raw
    latency_ms: float
    metadata: dict[str, Any]
    status: int | None = None


ROW = pa.schema([("id", pa.string()), ("timestamp", pa.string()), ("request", pa.string()), ("response", pa.string()),
                 ("latency_ms", pa.float64()), ("status", pa.int32()),
                 ("metadata", pa.map_(pa.string(), pa.string()))])  # fmt: skip


def as_parquet(source: Path, target: Path) -> None:
    """The readable records with request and response as JSON text, in row groups of 20,000."""
    decoder = msgspec.json.Decoder(Row)
    with source.open("rb") as stream, pq.ParquetWriter(target, ROW, compression="zstd") as writer:
        while some := list(itertools.islice(stream, 20_000)):
            rows = [row for line in some if (row := _row(decoder, line)) is not None]
            writer.write_table(pa.Table.from_pylist(rows, schema=ROW))


def _row(decoder: msgspec.json.Decoder[Row], line: bytes) -> dict[str, Any] | None:
    try:
        row = decoder.decode(line)
        return {"id": row.id, "timestamp": row.timestamp, "request": bytes(row.request).decode(),
                "response": bytes(row.response).decode(), "latency_ms": row.latency_ms, "status": row.status,
                "metadata": list(row.metadata.items())}  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _compressed(opened: Callable[[Path], IO[bytes]]) -> Callable[[Path, Path], None]:
    def copy(source: Path, target: Path) -> None:
        with source.open("rb") as stream, opened(target) as out:
            while some := stream.read(1 << 22):
                out.write(some)

    return copy


FORMS: dict[str, Callable[[Path, Path], None]] = {
    "gz": _compressed(lambda path: igzip.open(path, "wb", compresslevel=1)),
    "zst": _compressed(lambda path: zstandard.open(path, "wb")),
    "parquet": as_parquet,
}


def main() -> None:
    """Writes the file and the other forms asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--also", default="", help="gz,zst,parquet")
    asked = parser.parse_args()
    started = time.perf_counter()
    with asked.out.open("wb") as out:
        count = write(out, int(asked.gb * 1e9), asked.seed)
    seconds, size = time.perf_counter() - started, asked.out.stat().st_size
    speed = f"{size / count:,.0f} B each, {size / seconds / 1e6:.0f} MB/s"
    print(f"{asked.out}: {size / 1e6:,.0f} MB, {count:,} lines, {speed}")
    for form in filter(None, asked.also.split(",")):
        target = asked.out.with_name(f"{asked.out.name}.{form}" if form != "parquet" else f"{asked.out.stem}.parquet")
        FORMS[form](asked.out, target)
        print(f"{target}: {target.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
