"""Log lines made odd: seeded mutations of real records, for whatever reads logs."""

from __future__ import annotations

import copy
import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "logs" / "fixtures"
DEEP, WIDE = "\x00deep\x00", "\x00wide\x00"  # stand for values that no encoder should have to build
DEPTH = 10_000

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, -0.0, 10**15, 2**53, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 5e-324, 1e308,
    float("nan"), float("inf"), float("-inf"), "", " ", "x", "0", "-1", "1e999", "NaN", "null", "None", "true",
    "{}", "[]", "{", '{"a":', '[{"role":"user"}]', '"quoted"', "data: [DONE]", "data: {}", "\ud800", "a\udfffb", "\x00",
    "\u2028", "é" * 50, "9999-12-31T23:59:59.999999Z", "0000-00-00", "2026-13-01", "1" * 5_000, "é\n" * 3_000,
    [], [[]], {}, [None], [1, "a", {}], {"": ""},
    {"a": {"b": None}}, [{"type": "text", "text": 7}], [{"role": None, "content": []}],
    {"stringValue": 5}, {"intValue": "x"}, {"arrayValue": {"values": None}}, DEEP, WIDE,
)  # fmt: skip
MILD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 7, 2.5, 10**15, 2**53, 2**64, "", "x", "12", "é\n\u2028", "2026-10-02T03:04:05Z", [], {}, [None],
    [{"type": "text", "text": "hi"}], {"a": {"b": 1}}, "{}", '{"a": [1]}', "data: {}",
)  # fmt: skip
ODD_KEYS = (
    "",
    "\ud800",
    'a"b',
    "a\\b",
    "\\",
    "\x00",
    "\x1f",
    "a\tb",
    "a\nb",
    "\u2028",
    "é",
    "{}",
    "0",
    "__class__",
    "k" * 300,
)
SCALARS = (b"null", b"true", b"0", b"-1e999", b'"text"', b"[]", b"{}", b"[{}]", b"NaN", b"x", b"{{", b"}", b"\xff\xfe")
SPECKS = (b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f", b"\\ud800", b"\\udc00", b"\x0c", b"\x1c",
          b"\xe2\x80\xa8", b"\xc2\x85", b"\r", b"\t", b"\\", b'"', b"{", b"]", b",", b"\xef\xbb\xbf",
          b"\x1b[2J")  # fmt: skip


def corpus(samples: Path | None = None) -> dict[str, list[bytes]]:
    """Lines of real shape by where they are from: every format's fixture, and the logs in a folder of samples."""
    folders = [folder for folder in sorted(FIXTURES.iterdir()) if folder.is_dir()]
    files = [(folder.name, file) for folder in folders for file in sorted(folder.glob("in.*"))]
    if samples is not None and samples.is_dir():
        files += [(file.name, file) for file in sorted(samples.glob("*.json*"))]
    found: dict[str, list[bytes]] = {}
    for name, file in files:
        found.setdefault(name, []).extend(json.dumps(record).encode() for record in records_of(file))
    return {name: lines for name, lines in found.items() if lines}


def records_of(file: Path) -> list[Any]:
    """The records of a fixture; of a form that is not text, none."""
    if file.suffix == ".csv":
        with file.open(newline="") as stream:
            return list(csv.DictReader(stream))
    try:
        content = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode()
    except UnicodeDecodeError:
        return []
    try:
        return _unwrapped(json.loads(content))
    except json.JSONDecodeError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]


def _unwrapped(document: Any) -> list[Any]:
    if isinstance(document, dict) and set(document) & {"result", "data"} and "model" not in document:
        document = document.get("result") or document["data"]
    return document if isinstance(document, list) else [document]


class Mutator:
    """Makes lines odd; one seed, one sequence."""

    def __init__(self, seed: int, lines: list[bytes], others: list[bytes]) -> None:
        self._choose = random.Random(seed)
        self._lines, self._others = lines, others

    def lines(self, count: int) -> Iterator[bytes]:
        """Lines without their ends, most of them mutated once or several times; none of them holds a newline."""
        for _ in range(count):
            line = self._choose.choice(self._lines if self._choose.random() < 0.9 else self._others)
            yield self.mutated(line).replace(b"\n", b" ")

    def mutated(self, line: bytes) -> bytes:
        """The line, changed in one to three ways; now and then not at all."""
        kind = self._choose.random()
        if kind < 0.05:
            return line
        if kind < 0.75:
            line = self._record(line)
        if kind > 0.65:
            line = self._choose.choice(BYTE_MUTATIONS)(line, self._choose)
        return line

    def _record(self, line: bytes) -> bytes:
        record = json.loads(line)
        for _ in range(self._choose.choice((1, 1, 1, 2, 4))):
            record = self._value(record)
        text = json.dumps(record, ensure_ascii=self._choose.random() < 0.5)
        for mark, value in ((DEEP, "[" * DEPTH + "]" * DEPTH), (WIDE, json.dumps(["é", 1] * 3_000))):
            text = text.replace(json.dumps(mark), value)
        return text.encode("utf-8", "surrogatepass")

    def _value(self, record: Any) -> Any:
        """The record with a value somewhere in it replaced, moved, renamed, repeated, wrapped or taken out."""
        places = list(_places(record))
        if not places:
            return self._choose.choice(ODD_VALUES)
        parent, key = self._choose.choice(places)
        if isinstance(parent[key], str) and parent[key][:1] in ("{", "[") and self._choose.random() < 0.7:
            parent[key] = self._embedded(parent[key])
        else:
            self._choose.choice(VALUE_MUTATIONS)(parent, key, self._choose)
        return record

    def _embedded(self, text: str) -> str:
        """The same on the JSON that a text holds."""
        try:
            return json.dumps(self._value(json.loads(text)))
        except (ValueError, RecursionError):
            return text[: self._choose.randrange(len(text))]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def _replace(parent: Any, key: Any, choose: random.Random) -> None:
    parent[key] = copy.deepcopy(choose.choice(ODD_VALUES))


def _remove(parent: Any, key: Any, choose: random.Random) -> None:
    del parent[key]


def _rename(parent: Any, key: Any, choose: random.Random) -> None:
    if isinstance(parent, dict):
        odd = choose.choice(ODD_KEYS)
        names = (key.upper(), key + " ", key + odd, odd, odd, "model", "usage", "type", "messages")
        parent[choose.choice(names)] = parent.pop(key)


def _add_key(parent: Any, key: Any, choose: random.Random) -> None:
    if isinstance(parent, dict):
        parent[choose.choice(ODD_KEYS)] = copy.deepcopy(choose.choice((parent[key], *MILD_VALUES)))


def _wrap(parent: Any, key: Any, choose: random.Random) -> None:
    inner = parent[key]
    parent[key] = choose.choice(([inner], {"value": inner}, {str(key): inner}, [inner, inner], {"": inner}))


def _as_text(parent: Any, key: Any, choose: random.Random) -> None:
    parent[key] = json.dumps(parent[key])


def _swap(parent: Any, key: Any, choose: random.Random) -> None:
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    other = choose.choice(list(keys))
    parent[key], parent[other] = parent[other], parent[key]


def _repeat(parent: Any, key: Any, choose: random.Random) -> None:
    inner = parent[key]
    if isinstance(inner, list | str) and len(inner) < 5_000:
        parent[key] = inner * choose.choice((0, 2, 50))


VALUE_MUTATIONS: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _replace, _replace, _replace, _remove, _rename, _add_key, _wrap, _as_text, _swap, _repeat,
)  # fmt: skip


def _cut(line: bytes, choose: random.Random) -> bytes:
    return line[: choose.randrange(len(line) + 1)]


def _without_start(line: bytes, choose: random.Random) -> bytes:
    return line[choose.randrange(len(line) + 1) :]


def _speck(line: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(line) + 1)
    return line[:at] + choose.choice(SPECKS) + line[at:]


def _flip(line: bytes, choose: random.Random) -> bytes:
    changed = bytearray(line or b" ")
    changed[choose.randrange(len(changed))] = choose.randrange(256)
    return bytes(changed)


def _twice(line: bytes, choose: random.Random) -> bytes:
    return line + choose.choice((b"", b" ", b",", b"\r", b"\x1e")) + line


def _listed(line: bytes, choose: random.Random) -> bytes:
    return choose.choice((b"[%b]", b"[%b,%b]", b'{"data":[%b]}', b'{"records":[%b,1]}', b"\xef\xbb\xbf%b", b"%b\r",
                          b"data: %b", b"%b,", b"  %b\t")).replace(b"%b", line)  # fmt: skip


def _scalar(line: bytes, choose: random.Random) -> bytes:
    return choose.choice(SCALARS)


def _key_twice(line: bytes, choose: random.Random) -> bytes:
    extra = choose.choice((b'"model":"other"', b'"request":null', b'"usage":{"prompt_tokens":1}', b'"":0', b'"id":[]',
                           b'"a\\"b":1', b'"a\\\\b":{}', b'"\\u0000":"x"', b'"\\u001f":[1]', b'"mod\\u0065l":"other"',
                           b'"a\tb":1'))  # fmt: skip
    return b"{" + extra + b"," + line[1:] if choose.random() < 0.5 else line[:-1] + b"," + extra + b"}"


def _blank(line: bytes, choose: random.Random) -> bytes:
    return choose.choice((b"", b" ", b"\t", b"\r", b"\x0c", b"\xef\xbb\xbf", b"\x00"))


def _deep(line: bytes, choose: random.Random) -> bytes:
    opened = choose.choice((b"[", b'{"a":'))
    return choose.choice((opened * DEPTH, b'{"request":' + opened * DEPTH, b"[" * DEPTH + line + b"]" * DEPTH))


BYTE_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _cut, _without_start, _speck, _speck, _flip, _flip, _twice, _listed, _scalar, _key_twice, _blank, _deep,
)  # fmt: skip


def damaged(content: bytes, choose: random.Random) -> bytes:
    """A file cut short, or with some bytes changed, taken out or put in."""
    if choose.random() < 0.4:
        return content[: choose.randrange(len(content))]
    for _ in range(choose.choice((1, 1, 3, 20))):
        at = choose.randrange(len(content))
        content = content[:at] + choose.choice((b"", b"\x00", b"\xff", choose.randbytes(8))) + content[at + 1 :]
    return content


def perturbed(records: list[Any], choose: random.Random) -> list[Any]:
    """The records with some values replaced, moved or taken out; still JSON that any decoder reads."""
    changed = copy.deepcopy(records)
    for record in changed:
        for _ in range(choose.choice((0, 0, 1, 3))):
            parent, key = choose.choice(list(_places(record)))
            choose.choice((_replace_mildly, _remove, _swap, _wrap, _as_text, _repeat))(parent, key, choose)
    return changed


def _replace_mildly(parent: Any, key: Any, choose: random.Random) -> None:
    parent[key] = copy.deepcopy(choose.choice(MILD_VALUES))
