"""The prompts on which candidates were graded worst, for a person to read. A saved report says where they are.

Their texts are read again from the log and the store of answers, and only where a user asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from msgspec.structs import replace

from llmcost import logs
from llmcost.api.shown import Shown
from llmcost.api.traffic import Say
from llmcost.calls import Call, Calls
from llmcost.endpoint import Completion
from llmcost.errors import InputError, StoreError
from llmcost.recommend.result import Example, ReplayReport
from llmcost.replay import open_store, readable
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


def read_again(report: ReplayReport, place: Workspace, each: int | None, texts: Shown | None, say: Say) -> ReplayReport:
    """The report with `each` examples of a candidate (`EACH`), and their texts where it is said how these are shown.

    Of a log or an answer that is gone or cannot be read, it says what it said when it was saved, and `say` is told so.
    """
    saved = _fewer(report.examples, EACH if each is None else each)
    try:
        record, calls = unpack(place.load_record(report.run))
        found, missing = _examples(record, calls, place, EACH if each is None else each, texts, saved)
    except (InputError, StoreError) as error:
        say(f"examples as they were saved: {error.message}")
        return replace(report, examples=saved)
    if missing:
        say(f"answers that the store no longer has: {missing}; they are not shown")
    return replace(report, examples=found)


def located(record: RunRecord, calls: Calls, place: Workspace) -> list[Example]:
    """The examples of a report that is saved, without their texts; none where the log is gone by now."""
    try:
        return _examples(record, calls, place, EACH, texts=None, saved=())[0]
    except InputError:
        return []


def _fewer(examples: Sequence[Example], each: int) -> list[Example]:
    """The first `each` of every candidate on every task."""
    rank: Counter[tuple[str, str]] = Counter()
    kept = []
    for example in examples:
        rank[example.task, example.model] += 1
        if rank[example.task, example.model] <= each:
            kept.append(example)
    return kept


def _examples(
    record: RunRecord, calls: Calls, place: Workspace, each: int, texts: Shown | None, saved: Sequence[Example]
) -> tuple[list[Example], int]:
    """The worst-graded prompts of every candidate on every task, worst first; at most `each`, and `MOST` in all.

    Also how many answers the store no longer has. How long those were is what `saved` says; of an answer that is not
    there either nothing is known, and its example is left out.
    Raises InputError if the log no longer holds what was replayed.
    """
    chosen = _chosen(record, each)
    if not chosen:
        return [], 0
    rows = calls.take(prompts := sorted({worst.pair.prompt for worst in chosen}))
    asked = dict(zip(prompts, zip(logs.bodies(rows), logs.places(rows), strict=True), strict=True))
    answers = _answers(chosen, place)
    known = {(example.task, example.model, example.where): example for example in saved}
    found = []
    for worst in chosen:
        call, where = asked[worst.pair.prompt]
        before = known.get((worst.arm.task, worst.arm.label, where))
        if worst.pair.answer in answers:
            found.append(_example(worst, call, where, answers[worst.pair.answer], texts))
        elif before is not None:
            found.append(_without_answer(before, call, texts))
    return found, sum(worst.pair.answer not in answers for worst in chosen)


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
        found = store.get(sorted({worst.pair.answer for worst in chosen}))
        return {key: completion for key, completion in found.items() if readable(completion)}


def _example(worst: _Worst, call: Call, where: str, answer: Completion, texts: Shown | None) -> Example:
    said = answer.answer if texts is None else texts.answer(call.request, answer)
    question, logged, candidate = question_text(call.request or {}), answer_text(call.answer), answer_text(said)
    example = Example(
        task=worst.arm.task,
        model=worst.arm.label,
        where=where,
        difference=worst.difference,
        basis=", ".join(dict.fromkeys(worst.pair.basis)),
        words=(_words(question), _words(logged), _words(candidate)),
    )
    if texts is None:
        return example
    question, logged, candidate = texts.together(question, logged, candidate)
    return replace(example, prompt=question, logged=logged, candidate=candidate)


def _without_answer(before: Example, call: Call, texts: Shown | None) -> Example:
    if texts is None:
        return before
    question, logged = texts.together(question_text(call.request or {}), answer_text(call.answer))
    return replace(before, prompt=question, logged=logged)


def _words(text: str) -> int:
    return 0 if text == NO_ANSWER else len(text.split())
