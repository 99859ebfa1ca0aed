"""What redaction costs in quality: the same replay with and without placeholders.

    python benchmarks/redaction_cost.py [--recorded] [--planted 400]

Recorded: the sample traffic at the recorded endpoint; verdicts and differences of every task with placeholders beside
those without. Planted: requests whose answers need the values (name the address, fill in a record, write to the
customer, call a tool with it), answered by a reader of what it is sent that mangles one placeholder in twenty; the
share of right answers with placeholders less that without, and its 95 % interval.

What a real model loses by placeholders only a real run can say: its controls do, for today's model is asked again with
the same placeholders.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.pii import LANGUAGES, email, iban, phone

import llmcost
from llmcost import demo
from llmcost.answers import Answer, ToolCall
from llmcost.endpoint import ChatRequest, Completion
from llmcost.recommend.result import ReplayReport
from llmcost.redaction import finder
from llmcost.replay import Hiding

MANGLED = 0.05
WAYS: tuple[Callable[[str], str], ...] = (
    str.lower,
    lambda name: name.strip("<>"),
    lambda name: f"[{name.strip('<>')}]",
    lambda name: name.replace("<", "&lt;").replace(">", "&gt;"),
    lambda name: name.replace("_", r"\_"),
)
PLACEHOLDER = re.compile(r"<[A-Z]+_\d+>")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", action="store_true", help="replay the sample traffic twice (minutes)")
    parser.add_argument("--planted", type=int, default=400, help="requests of every kind")
    options = parser.parse_args()
    for line in planted(options.planted):
        print(line)
    if options.recorded:
        for line in recorded():
            print(line)


def planted(count: int) -> list[str]:
    """One line a kind of request."""
    hiding = Hiding(finder(), lambda model: True)
    lines = ["| request | n | right without | right with placeholders | difference |", "|---|---|---|---|---|"]
    for kind, ask in ASKS.items():
        dice = random.Random(f"{kind}")
        plain, hidden = [], []
        for number in range(count):
            question, wanted = ask(dice, LANGUAGES[number % len(LANGUAGES)])
            request = ChatRequest({"model": "m", "messages": [{"role": "user", "content": question}]})
            asked = hiding.asked(request)
            plain.append(right(answer(kind, request.body), wanted))
            came = Completion("m", "answered", mangled(answer(kind, asked.request.body), dice))
            hidden.append(right(hiding.told(asked, came).answer or Answer(), wanted))
        differences = [after - before for before, after in zip(plain, hidden, strict=True)]
        mean = sum(differences) / count
        error = 1.96 * math.sqrt(sum((d - mean) ** 2 for d in differences) / (count - 1) / count)
        shares = f"{100 * sum(plain) / count:.1f} % | {100 * sum(hidden) / count:.1f} %"
        lines.append(f"| {kind} | {count} | {shares} | {100 * mean:+.2f} ± {100 * error:.2f} points |")
    return lines


def _mail(dice: random.Random, language: str) -> tuple[str, str]:
    address = email(dice, language)
    return f"Which address does the customer name?\nMy address is {address}, order 1234.", address


def _record(dice: random.Random, language: str) -> tuple[str, str]:
    address, account = email(dice, language), iban(dice)
    return f"Fill in the record.\nMy address is {address}, refund to {account}", f"{address}|{account}"


def _letter(dice: random.Random, language: str) -> tuple[str, str]:
    address, number = email(dice, language), phone(dice, "de")[1]
    return f"Answer the customer.\nMy address is {address}, call me: {number}", f"{address}|{number}"


ASKS: dict[str, Callable[[random.Random, str], tuple[str, str]]] = {
    "name the address": _mail,
    "fill in a record (JSON)": _record,
    "write to the customer": _letter,
    "call a tool with it": _record,
}


def answer(kind: str, body: Any) -> Answer:
    """What a model that reads says to the question as it is sent."""
    text = body["messages"][-1]["content"]
    address = re.search(r"My address is (.+?), ", text)
    rest = re.search(r"(?:refund to|call me:) (.+)$", text)
    values = [match[1] for match in (address, rest) if match]
    if kind.startswith("fill"):
        return Answer(text=json.dumps({"email": values[0], "iban": values[1]}, ensure_ascii=False))
    if kind.startswith("call"):
        arguments = json.dumps({"to": values[0], "iban": values[1]}, ensure_ascii=False)
        return Answer(tool_calls=(ToolCall("refund", arguments),))
    return Answer(text=values[0] if kind.startswith("name") else f"We will write to {' or call '.join(values)}.")


def mangled(said: Answer, dice: random.Random) -> Answer:
    """The answer as a model gives it that does not always copy placeholders to the letter."""

    def copied(match: re.Match[str]) -> str:
        return dice.choice(WAYS)(match[0]) if dice.random() < MANGLED else match[0]

    text = None if said.text is None else PLACEHOLDER.sub(copied, said.text)
    calls = tuple(ToolCall(call.name, PLACEHOLDER.sub(copied, call.arguments)) for call in said.tool_calls)
    return Answer(text, calls)


def right(said: Answer, wanted: str) -> bool:
    """Whether all that was wanted is in the answer, and no placeholder."""
    whole = (said.text or "") + "".join(call.arguments for call in said.tool_calls)
    return all(value in whole for value in wanted.split("|")) and "_1" not in whole.replace(wanted, "")


def recorded() -> list[str]:
    """The sample traffic, twice."""
    plain, hidden = _replayed(redact=False), _replayed(redact=True)
    assert hidden.redaction is not None
    said = hidden.redaction
    lines = [f"\nrecorded tasks: {said.prompts} of {said.sampled} prompts hold {said.found or 'nothing to hide'}"]
    for before, after in zip(plain.tasks, hidden.tasks, strict=True):
        for one, other in zip(before.candidates, after.candidates, strict=True):
            same = "the same" if one == other else f"{one.difference} → {other.difference}"
            lines.append(f"{before.task} · {one.model}: {one.verdict} → {other.verdict}, difference {same}")
    return lines


def _replayed(*, redact: bool) -> ReplayReport:
    with tempfile.TemporaryDirectory() as folder, demo.serve() as base_url:
        log = demo.write_logs(Path(folder))
        plan = llmcost.plan_replay(
            [str(log)],
            base_url=base_url,
            redact=redact,
            config=Path(folder) / "llmcost.toml",
            workspace=Path(folder) / ".llmcost",
        )
        return plan.run().result


if __name__ == "__main__":
    main()
