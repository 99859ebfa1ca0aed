"""What a run graded, prompt by prompt and without a word of text: for human labels, and for what comes after a switch.

The sampled calls are kept as they stand in the log's table, so that `logs.bodies` finds the prompts again; a
candidate's answer is found in the store of answers by its key.
"""

from __future__ import annotations

import msgspec
import pyarrow as pa

from llmcost.calls import Calls, Source
from llmcost.errors import StoreError


class RecordedPair(msgspec.Struct, frozen=True):
    """One candidate's answer to one prompt, and how it was graded.

    prompt       index into the record's prompts, and row of its calls
    answer       key of the candidate's completion in the store of answers, 32 bytes
    differences  score(candidate) − score(logged answer) by each grader of the arm, in [−1, 1]; None: not graded
    basis        what decided, by each grader: "exact", "judge", "identical", "failure" …
    """

    prompt: int
    answer: bytes
    differences: list[float | None]
    basis: list[str]


class RecordedArm(msgspec.Struct, frozen=True):
    """One candidate on one task.

    graders  whose differences the pairs hold, in their order: judges, or "checks" alone
    model    the candidate as it is asked; `label` adds its effort
    margin   δ of the task, on the user's scale
    """

    task: str
    label: str
    model: str
    margin: float
    verdict: str
    graders: list[str]
    pairs: list[RecordedPair]


class RunRecord(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.record/1"):
    """All that a run graded.

    tasks, weights, clusters  of each sampled prompt: its task, the calls it stands for (1/π × its calls), and the
                              number of its cluster (prompts of one conversation, or nearly the same)
    """

    run: str
    seed: int
    alpha: float
    base_url: str
    tasks: list[str]
    weights: list[float]
    clusters: list[int]
    arms: list[RecordedArm]


class _File(msgspec.Struct):
    record: RunRecord
    sources: list[Source]
    calls: bytes


def pack(record: RunRecord, calls: Calls) -> bytes:
    """The record and its calls as one file's content."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, calls.table.schema) as writer:
        writer.write_table(calls.table)
    return msgspec.msgpack.encode(_File(record, list(calls.sources), sink.getvalue().to_pybytes()))


def unpack(content: bytes) -> tuple[RunRecord, Calls]:
    """What `pack` packed. Raises StoreError if it is damaged."""
    try:
        file = msgspec.msgpack.decode(content, type=_File)
        table = pa.ipc.open_stream(pa.BufferReader(file.calls)).read_all()
        return file.record, Calls(table, tuple(file.sources))
    except (msgspec.DecodeError, pa.ArrowInvalid, TypeError) as error:
        raise StoreError(f"the record of the run cannot be read: {error}", "replay again; answers are kept") from error
