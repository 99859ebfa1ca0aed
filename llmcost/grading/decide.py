"""One pair without a judge: failures, then the check that fits, then what is plainly the same. The rest stays open."""

from __future__ import annotations

from dataclasses import dataclass

from llmcost.answers import Answer, ToolCall
from llmcost.config import CheckSettings
from llmcost.grading.addressed import addressed
from llmcost.grading.checks import CHECKS, LONGEST_LABEL, Check, choose
from llmcost.grading.pairs import Grade, Pair
from llmcost.serving.reading import MISSING, any_json, claim, plain, same_value, whole_json
from llmcost.serving.validity import arguments, demands_json, failure

UNGRADED = Grade(None, "ungraded")
FAILED = Grade(-1.0, "failure", failed=True)
NARRATED = Grade(-1.0, "tool_calls", failed=True)
OTHER_CALL = Grade(-1.0, "tool_calls")
ADDRESSED = Grade(-1.0, "addressed")

_TEXT_KINDS = frozenset({"exact", "numeric", "json", "json_field", "contains"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of a pair before a judge sees it.

    grade      None: only a judge can tell
    otherwise  the grade where there is no judge
    could_lose whether a worse right answer would have shown as a loss, as it cannot where the left answer is no good
    """

    grade: Grade | None
    otherwise: Grade = UNGRADED
    could_lose: bool = True


OPEN = Decision(None)


def decide(pair: Pair, settings: CheckSettings | None = None) -> Decision:
    """The grade of one pair as far as failures, checks and plain sameness give it.

    An answer that speaks to its grader, where the logged one does not, is lost without asking: whether it would win is
    what it tries to settle by other means than being good.
    """
    left_failed, right_failed = failure(pair.left, pair.request), failure(pair.right, pair.request)
    if right_failed or pair.right is None:
        return Decision(Grade(0.0, "failure"), could_lose=False) if left_failed else Decision(FAILED)
    if (checked := _checked(pair, pair.right, settings, left_failed is not None)) is not None:
        return checked
    if addressed(pair.right) and not addressed(pair.left):
        return Decision(ADDRESSED)
    if left_failed or pair.left is None:
        return OPEN
    if pair.left.tool_calls or pair.right.tool_calls:
        return _called(pair.left, pair.right)
    return _compared(pair, pair.left.text or "", pair.right.text or "", settings)


def may_need_judge(pair: Pair, settings: CheckSettings | None = None) -> bool:
    """Whether a judge could be asked about this pair, whatever the right answer will be (it is not looked at)."""
    left_failed = failure(pair.left, pair.request) is not None
    return _checked(pair, Answer(), settings, left_failed) is None


def _checked(pair: Pair, right: Answer, settings: CheckSettings | None, left_failed: bool) -> Decision | None:
    """Both sides against the expected answer; None where there is none, or no check can read the logged answer."""
    check = _check(pair, settings)
    if check is None or pair.expected is None:
        return None
    field = settings.field if settings else None
    left = pair.left.text if pair.left and not left_failed else None
    passes = [text is not None and check.passes(text, pair.expected, field) for text in (left, right.text)]
    if passes[0] is None and settings is None:
        return None
    difference = float(passes[1] or False) - float(passes[0] or False)
    return Decision(Grade(difference, check.name), could_lose=bool(passes[0]))


def _check(pair: Pair, settings: CheckSettings | None) -> Check | None:
    """The check of the expected answer. A logged tool call is a step on the way to it, and is compared as a step."""
    calls_tool = pair.left is not None and bool(pair.left.tool_calls)
    if not (pair.expected or "").strip() or (calls_tool and settings is None):
        return None
    return choose(pair.expected or "", settings)


def _called(left: Answer, right: Answer) -> Decision:
    if left.tool_calls and not right.tool_calls:
        return Decision(NARRATED)
    if left.tool_calls and _same_calls(left.tool_calls, right.tool_calls):
        return Decision(Grade(0.0, "tool_calls"))
    return Decision(None, otherwise=OTHER_CALL)


def _same_calls(left: tuple[ToolCall, ...], right: tuple[ToolCall, ...]) -> bool:
    """Whether both call the same tools with the same arguments, field by field, in any order."""
    rest = [(call.name, arguments(call)) for call in right]
    for call in left:
        mine = arguments(call)
        match = next((item for item in rest if item[0] == call.name and same_value(item[1], mine)), None)
        if mine is MISSING or match is None:
            return False
        rest.remove(match)
    return not rest


def _compared(pair: Pair, left: str, right: str, settings: CheckSettings | None) -> Decision:
    if _identical(left, right):
        return Decision(Grade(0.0, "identical"))
    if demands_json(pair.request) and same_value(whole_json(left), whole_json(right)):
        return Decision(Grade(0.0, "json"))
    if settings is not None and settings.kind in _TEXT_KINDS and _agree(left, right, settings):
        return Decision(Grade(0.0, settings.kind))
    return OPEN


def _identical(left: str, right: str) -> bool:
    """Labels are compared plainly; in longer texts case, quotes and the space inside lines may carry meaning."""
    if max(len(left), len(right)) <= LONGEST_LABEL:
        return plain(left) == plain(right) != "" or left.strip() == right.strip()
    lines = [[line.rstrip() for line in text.strip().splitlines()] for text in (left, right)]
    return lines[0] == lines[1]


def _agree(left: str, right: str, settings: CheckSettings) -> bool:
    """Whether the right answer passes the check with the left answer's own result as the expected one."""
    if settings.kind == "json" and settings.field is None:
        value = any_json(left)
        return value is not MISSING and same_value(value, any_json(right))
    said, check = claim(left, settings.field), CHECKS[settings.kind]
    readable = said.marked or settings.kind in ("exact", "numeric")
    return readable and bool(check.passes(right, said.text, settings.field))
