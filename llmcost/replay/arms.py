"""Which logged calls a candidate can be asked, and its requests for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Call, Calls
from llmcost.config import ModelSettings
from llmcost.endpoint.messages import ChatRequest
from llmcost.errors import InputError
from llmcost.serving.translation import CandidateModel, translate

ASKABLE = ("chat", "responses", "completion")  # operations whose request is, or was read as, a chat request


def requests(
    bodies: Sequence[Call], candidate: CandidateModel, settings: ModelSettings | None = None
) -> tuple[list[ChatRequest], Counter[str]]:
    """The candidate's requests, parallel to `bodies`, and in how many of them each readable adjustment was made.

    Raises InputError for a call without a request body.
    """
    told: Counter[str] = Counter()
    asked = []
    for call in bodies:
        if call.request is None:
            raise InputError(f"call {call.id or '(without id)'} has no request to ask again", "read its body first")
        body, adjustments = translate(call.request, candidate, settings)
        told.update(adjustments)
        asked.append(ChatRequest(body))
    return asked, told


def replayable(calls: Calls) -> list[str | None]:
    """For each call why no candidate can be asked it; None where one can.

    Looks at the kind of operation only. What makes a call unfit for a sample whatever the arm (failed, no body, no
    prompt) is said by the sample.
    """
    operation = pc.fill_null(calls.column("operation").cast(pa.string()), "chat")
    known = pc.is_in(operation, pa.array([*ASKABLE, "embeddings"]))
    reason = pc.binary_join_element_wise(operation, "calls cannot be asked as a chat", " ")
    reasons: list[str | None] = pc.if_else(known, pa.scalar(None, pa.string()), reason).to_pylist()
    return reasons
