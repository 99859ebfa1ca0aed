"""What leaves this machine holds placeholders, what is kept holds no value, and what is graded holds all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.loopback import Body, Loopback, Reply, prompt

from llmcost.config import StoreText
from llmcost.endpoint import ChatRequest, Completion, Endpoint
from llmcost.errors import BudgetError
from llmcost.redaction import finder
from llmcost.replay import Budget, Hiding, Runner, open_store
from llmcost.workspace import Workspace

ANNA, BERT = "anna.schmidt@example.org", "bert@example.com"
FINDER = finder()


def ask(text: str) -> ChatRequest:
    return ChatRequest({"model": "m", "messages": [{"role": "user", "content": text}]})


def replies_with_question(body: Body) -> Reply:
    return Reply(text=f"You said: {prompt(body)}")


def replay(
    server: Loopback,
    folder: Path,
    requests: Sequence[ChatRequest],
    *,
    leaves: bool,
    store_text: StoreText = "redacted",
    cap: float | None = None,
) -> list[Completion]:
    async def main() -> list[Completion]:
        with open_store(Workspace(folder)) as store:
            async with Endpoint(server.base_url, retries=0) as opened:
                runner = Runner(
                    lambda _m: opened, store, "r", Budget(cap), lambda _r, _c: 0.25, lambda _r: 1.0,
                    hiding=Hiding(FINDER, lambda _m: leaves, store_text),
                )  # fmt: skip
                return await runner(requests, "replay")

    return asyncio.run(main())


def texts(completions: Sequence[Completion]) -> list[str | None]:
    return [found.answer.text if found.answer else None for found in completions]


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_only_placeholders_leave_and_the_values_come_back(tmp_path: Path) -> None:
    question = f"Write to {ANNA} and {BERT}, then to {ANNA} again."
    with Loopback(replies_with_question) as server:
        found = replay(server, tmp_path, [ask(question)], leaves=True)
        sent = server.requests[0].body["messages"][0]["content"]
    assert sent == "Write to <EMAIL_1> and <EMAIL_2>, then to <EMAIL_1> again."
    assert texts(found) == [f"You said: {question}"]
    assert ANNA.encode() not in on_disk(tmp_path)


def test_questions_that_look_alike_when_hidden_are_asked_once_and_each_gets_its_own_values(tmp_path: Path) -> None:
    with Loopback(replies_with_question) as server:
        found = replay(server, tmp_path, [ask(f"Greet {ANNA}"), ask(f"Greet {BERT}")], leaves=True)
        assert server.count() == 1
    assert texts(found) == [f"You said: Greet {ANNA}", f"You said: Greet {BERT}"]


@pytest.mark.parametrize("leaves", [True, False])
def test_an_answer_that_was_kept_says_what_it_said(leaves: bool, tmp_path: Path) -> None:
    requests = [ask(f"Greet {ANNA}"), ask("Greet nobody")]
    with Loopback(replies_with_question) as server:
        first = replay(server, tmp_path, requests, leaves=leaves)
        again = replay(server, tmp_path, requests, leaves=leaves)
        assert server.count() == 2
        assert (ANNA in json.dumps(server.requests[0].body)) is not leaves
    assert first == again
    assert ANNA.encode() not in on_disk(tmp_path)


def test_what_is_kept_in_full_is_kept_as_it_came(tmp_path: Path) -> None:
    with Loopback(replies_with_question) as server:
        replay(server, tmp_path, [ask(f"Greet {ANNA}")], leaves=False, store_text="full")
    assert ANNA.encode() in on_disk(tmp_path)


def test_of_a_fingerprint_nothing_can_be_read_so_it_is_asked_again_within_the_cap(tmp_path: Path) -> None:
    requests = [ask("one"), ask("two")]
    with Loopback(replies_with_question) as server:
        first = replay(server, tmp_path, requests, leaves=False, store_text="hash", cap=2.0)
        again = replay(server, tmp_path, requests, leaves=False, store_text="hash", cap=2.0)
        assert texts(first) == texts(again) == ["You said: one", "You said: two"]
        assert server.count() == 4
        with pytest.raises(BudgetError):  # four answers at .25 are paid, a fifth that may cost 1 does not fit twice
            for _ in range(4):
                replay(server, tmp_path, requests, leaves=False, store_text="hash", cap=2.0)
    assert b"You said" not in on_disk(tmp_path)
