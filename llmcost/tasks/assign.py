"""Fills the task column: rules first, then a tag, then the call site, which for lone prompts is their template."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.config import DEFAULT_TASK_FIELDS, TaskRule, TasksSettings
from llmcost.tasks.mined import Read, mined_sites
from llmcost.tasks.tags import first_known, matching_keys, tag_keys, tag_values

UNTAGGED, EMBEDDINGS = "untagged", "embeddings"
SHARED_NAMES = (UNTAGGED, EMBEDDINGS)  # of calls that nothing tells apart


def assign(calls: Calls, settings: TasksSettings, field: str | None = None, read: Read | None = None) -> Calls:
    """The same calls, every task named: by the first rule that fits, else by a tag, else by the call site.

    `field` (the user's flag) wins over `settings.field`; with neither, the first of DEFAULT_TASK_FIELDS that a call
    carries. A call without a call site of its own gets that of the template of its prompt (`read` gives calls with
    their bodies, for its name), else its task's name. What is left is "untagged", or "embeddings".
    Raises ConfigError if the field asked for is on no call.
    """
    calls = calls.with_column("call_site", _labels(pc.coalesce(_texts(calls, "call_site"), mined_sites(calls, read))))
    tasks = _by_rule(calls, settings.rules)
    for values in (_by_tag(calls, field or settings.field), _texts(calls, "call_site")):
        tasks = pc.coalesce(tasks, values)
    embeds = pc.fill_null(pc.equal(_texts(calls, "operation"), EMBEDDINGS), False)
    named = pc.coalesce(tasks, pc.if_else(embeds, EMBEDDINGS, UNTAGGED))
    sites = pc.coalesce(_texts(calls, "call_site"), named)
    return calls.with_column("task", _labels(named)).with_column("call_site", _labels(sites))


def _texts(calls: Calls, name: str) -> pa.ChunkedArray:
    return pc.cast(calls.column(name), pa.string())


def _labels(texts: pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks().dictionary_encode()


def _by_rule(calls: Calls, rules: tuple[TaskRule, ...]) -> pa.ChunkedArray:
    tasks = pa.chunked_array([pa.nulls(len(calls), pa.string())])
    for rule in rules:
        tasks = pc.coalesce(tasks, pc.if_else(_fits(calls, rule), rule.name, pa.scalar(None, pa.string())))
    return tasks


def _by_tag(calls: Calls, field: str | None) -> pa.ChunkedArray:
    if field is not None:
        return tag_values(calls, field)
    keys = tag_keys(calls)
    found = [key for default in DEFAULT_TASK_FIELDS for key in matching_keys(keys, default)]
    return first_known(calls, list(dict.fromkeys(found)))


def _fits(calls: Calls, rule: TaskRule) -> pa.ChunkedArray:
    fits = pa.chunked_array([pa.repeat(pa.scalar(True), len(calls))])
    for column, pattern in (("request_model", rule.model), ("call_site", rule.call_site)):
        if pattern is not None:
            fits = pc.and_(fits, _glob(calls.column(column), pattern))
    keys = tag_keys(calls) if rule.tags else {}
    for field, value in rule.tags.items():
        carried = pc.equal(first_known(calls, matching_keys(keys, field)), value)
        fits = pc.and_(fits, pc.fill_null(carried, False))
    return fits


def _glob(labels: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    texts = pc.cast(labels, pa.string())
    chosen = [text for text in pc.unique(texts).to_pylist() if text is not None and fnmatchcase(text, pattern)]
    return pc.is_in(texts, value_set=pa.array(chosen, pa.string()))
