"""Call sites of lone prompts: the templates that they were made with, and readable names for these."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from llmcost.call_site import first_prompt, name_of, normalise
from llmcost.calls import OPENING_BYTES, Call, Calls
from llmcost.tasks.templates import Level, Mined, Template, mine

Read = Callable[[Calls], list[Call]]

UNREAD = "template"
PARTS, KEY_BYTES = OPENING_BYTES // 4, 16
WRITTEN_TOGETHER = 12  # characters a word on average; more is a script without spaces
_NUMBER = re.compile(r"\w*\d\w*")
_LINE_END = re.compile(r"[\n:：]")


def mined_sites(calls: Calls, read: Read | None = None) -> pa.Array:
    """For every call without a call site that of its template, "words of the static part·3f9a21"; null for the rest.

    `read` gives calls with their bodies; one of each template is read, for its words. Without it a name has none.
    """
    lone = pc.and_(pc.is_valid(calls.column("opening")), pc.is_null(calls.column("call_site")))
    rows = np.flatnonzero(lone)
    if not rows.size:
        return pa.nulls(len(calls), pa.string())
    openings = _bytes(calls.column("opening").filter(lone), OPENING_BYTES).view("<u4")
    keys = _bytes(calls.column("prompt_key").filter(lone), KEY_BYTES).view("<u8")[:, 0]
    mined = mine(openings, _identities(calls, rows, openings, keys))
    labels = [
        f"{name}·{_print(template)}"
        for template, name in zip(mined.templates, _names(calls, rows, keys, mined, read), strict=True)
    ]
    codes = np.full(len(calls), -1, np.int32)
    codes[rows] = mined.codes
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(labels, pa.string())).cast(pa.string())


def _identities(
    calls: Calls, rows: npt.NDArray[np.int64], openings: npt.NDArray[np.uint32], keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    """Which calls have the same lone prompt. The turns of one conversation have: they all begin with its first."""
    single = np.asarray(pc.fill_null(pc.equal(calls.column("messages"), 1), False))[rows] & (keys != 0)
    folded = np.zeros(len(rows), np.uint64)
    for part in range(PARTS):
        folded = folded * np.uint64(0x9E3779B97F4A7C15) + openings[:, part]
    return np.where(single, keys, folded)


def _names(
    calls: Calls, rows: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], mined: Mined, read: Read | None
) -> Sequence[str]:
    """A name for each template, from the prompt with the lowest fingerprint, whatever the order of the log."""
    if read is None or not mined.templates:
        return [UNREAD] * len(mined.templates)
    whole = np.asarray(pc.fill_null(pc.equal(pc.cast(calls.column("body_state"), pa.string()), "full"), False))[rows]
    usable = np.flatnonzero((mined.codes >= 0) & whole & (keys != 0))
    order = usable[np.lexsort((keys[usable], mined.codes[usable]))]
    codes, first = np.unique(mined.codes[order], return_index=True)
    names = [UNREAD] * len(mined.templates)
    for code, call in zip(codes.tolist(), read(calls.take(rows[order[first]])), strict=True):
        names[code] = _name(static_words(first_prompt(call), mined.templates[code].level))
    return names


def _name(words: str) -> str:
    words = _NUMBER.sub(" ", words)  # numbers are filled in
    return name_of(normalise(words)) or name_of(words, skipped=frozenset()) or UNREAD


def static_words(prompt: str, level: Level) -> str:
    """The words of a prompt that its template is known by."""
    text = prompt.strip()
    if not level.words:
        return text[text.rfind("\n") + 1 :] if level.at_end else _LINE_END.split(text, maxsplit=1)[0]
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    if len(text) > WRITTEN_TOGETHER * len(words):
        return text[-2 * level.words :] if level.at_end else text[: 2 * level.words]
    return " ".join(words[-level.words :] if level.at_end else words[: level.words])


def _print(template: Template) -> str:
    return xxhash.xxh3_128_hexdigest(f"{template.level.part}:{template.key}".encode())[:6]


def _bytes(column: pa.ChunkedArray, width: int) -> npt.NDArray[np.uint8]:
    """A column of fixed bytes as one row a call, null as zeros."""
    filled = pc.fill_null(column, bytes(width)).combine_chunks()
    start, size = filled.offset * width, len(filled) * width
    return np.frombuffer(filled.buffers()[1], dtype=np.uint8, count=size, offset=start).reshape(-1, width)
