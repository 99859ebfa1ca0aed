"""The prompts on which candidates were graded worst, for a person to read. A saved report says where they are.

Their texts are read again from the log and the store of answers, and only where a user asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from msgspec.structs import replace

from llmcost import logs
from llmcost.calls import Call, Calls
from llmcost.endpoint import Completion
from llmcost.errors import InputError
from llmcost.recommend.result import Example, ReplayReport
from llmcost.replay import open_store
from llmcost.serving.rendering import NO_ANSWER, answer_text, question_text
from llmcost.trial.record import RecordedArm, RecordedPair, RunRecord, unpack
from llmcost.workspace import Workspace

EACH = 3  # of a candidate on a task
MOST = 60  # of a report


@dataclass(frozen=True, slots=True)
class _Worst:
    arm: RecordedArm
    pair: RecordedPair
    difference: float


def read_again(report: ReplayReport, place: Workspace, each: int | None, texts: bool) -> ReplayReport:
    """The report with other examples, or with their texts; see `examples`."""
    record, calls = unpack(place.load_record(report.run))
    chosen = EACH if each is None else each
    return replace(report, examples=examples(record, calls, place, each=chosen, texts=texts))


def examples(
    record: RunRecord, calls: Calls, place: Workspace, *, each: int = EACH, texts: bool = False
) -> list[Example]:
    """The worst-graded prompts of every candidate on every task, worst first; at most `each`, and `MOST` in all.

    record, calls  of a run, as it was saved      texts  whether to hand out what was asked and answered
    An answer that the store no longer has is left out. Raises InputError if the log no longer holds what was replayed.
    """
    chosen = _chosen(record, each)
    if not chosen:
        return []
    rows = calls.take(prompts := sorted({worst.pair.prompt for worst in chosen}))
    asked = dict(zip(prompts, zip(logs.bodies(rows), logs.places(rows), strict=True), strict=True))
    answers = _answers(chosen, place)
    return [
        _example(worst, *asked[worst.pair.prompt], answers[worst.pair.answer], texts)
        for worst in chosen
        if worst.pair.answer in answers
    ]


def located(record: RunRecord, calls: Calls, place: Workspace) -> list[Example]:
    """The same without texts for a report that is saved; none where the log is gone by now."""
    try:
        return examples(record, calls, place)
    except InputError:
        return []


def _chosen(record: RunRecord, each: int) -> list[_Worst]:
    """By rounds, so that every candidate has its worst before any has its second."""
    ranked = [_ranked(arm)[:each] for arm in record.arms]
    rounds = [worst[at] for at in range(each) for worst in ranked if at < len(worst)][:MOST]
    kept = {(id(worst.arm), worst.pair.prompt) for worst in rounds}
    return [worst for found in ranked for worst in found if (id(worst.arm), worst.pair.prompt) in kept]


def _ranked(arm: RecordedArm) -> list[_Worst]:
    """What the arm's graders, in the mean, found worse than the logged answer: the worst first."""
    found = []
    for pair in arm.pairs:
        known = [difference for difference in pair.differences if difference is not None]
        if known and (mean := fsum(known) / len(known)) < 0:
            found.append(_Worst(arm, pair, mean))
    return sorted(found, key=lambda worst: (worst.difference, worst.pair.prompt))


def _answers(chosen: Sequence[_Worst], place: Workspace) -> dict[bytes, Completion]:
    with open_store(place) as store:
        return store.get(sorted({worst.pair.answer for worst in chosen}))


def _example(worst: _Worst, call: Call, where: str, answer: Completion, texts: bool) -> Example:
    question = question_text(call.request or {})
    logged, candidate = answer_text(call.answer), answer_text(answer.answer)
    return Example(
        task=worst.arm.task,
        model=worst.arm.label,
        where=where,
        difference=worst.difference,
        basis=", ".join(dict.fromkeys(worst.pair.basis)),
        words=(_words(question), _words(logged), _words(candidate)),
        prompt=question if texts else None,
        logged=logged if texts else None,
        candidate=candidate if texts else None,
    )


def _words(text: str) -> int:
    return 0 if text == NO_ANSWER else len(text.split())
