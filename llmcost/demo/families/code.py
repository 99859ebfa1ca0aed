"""Code: what a small function returns, what a query counts, what a pattern finds. The answers are computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from llmcost.demo.scenario import Dice, Reply, Scenario, conversation
from llmcost.demo.words import CITIES, FIRST_NAMES, PLANS

SYSTEM = """\
You check code snippets for Larkfield's integration partners. Answer with the value
alone, exactly as Python or the database would print it: no quotes, no code fence, no words."""
Task = tuple[str, str, str]  # question, right answer, an answer as a slip gives it


def scenarios(dice: Dice) -> list[Scenario]:
    """420 distinct questions with their computed answers."""
    found: dict[str, tuple[str, str]] = {}
    while len(found) < 420:
        question, right, wrong = dice.pick(MAKERS)(dice)
        if right != wrong and right not in ("[]", "NULL"):  # which some logs write for "no answer"
            found.setdefault(question, (right, wrong))
    return [_scenario(number, *item) for number, item in enumerate(found.items())]


def _scenario(number: int, question: str, answers: tuple[str, str]) -> Scenario:
    right, wrong = answers
    return Scenario(
        id=f"code-{number}",
        task="code",
        model="gpt-4o",
        messages=conversation(SYSTEM, question),
        good=Reply(right),
        flawed=(Reply(wrong),),
        expected=right,
        params={"temperature": 0, "max_tokens": 200, "seed": 11},
    )


def _numbers(dice: Dice, low: int = 5, high: int = 9) -> list[int]:
    return [dice.between(1, 60) for _ in range(dice.between(low, high))]


def _ask(code: str, call: str) -> str:
    return f"What does this print?\n```python\n{code}\nprint({call})\n```"


def _running_total(dice: Dice) -> Task:
    values, step = _numbers(dice), dice.between(2, 4)
    code = f"def total(readings):\n    kept = readings[::{step}]\n    return sum(kept) - min(kept)"
    kept = values[::step]
    return _ask(code, f"total({values})"), str(sum(kept) - min(kept)), str(sum(kept))


def _threshold(dice: Dice) -> Task:
    values, limit = _numbers(dice), dice.between(15, 45)
    code = f"def alarms(levels):\n    return [i for i, level in enumerate(levels) if level >= {limit}]"
    right = [i for i, value in enumerate(values) if value >= limit]
    return _ask(code, f"alarms({values})"), str(right), str([i + 1 for i in right] or [0])


def _pairs(dice: Dice) -> Task:
    values, gap = _numbers(dice), dice.between(5, 20)
    code = (
        "def jumps(temps):\n    count = 0\n    for before, after in zip(temps, temps[1:]):\n"
        f"        if abs(after - before) > {gap}:\n            count += 1\n    return count"
    )
    right = sum(abs(b - a) > gap for a, b in pairwise(values))
    return _ask(code, f"jumps({values})"), str(right), str(right + 1)


def _initials(dice: Dice) -> Task:
    names, turn = dice.several(FIRST_NAMES, dice.between(3, 6)), dice.between(1, 2)
    code = f"def tag(names):\n    return '-'.join(n[{turn}].upper() for n in sorted(names, key=len) if len(n) > 3)"
    right = "-".join(n[turn].upper() for n in sorted(names, key=len) if len(n) > 3)
    slip = "-".join(n[turn].upper() for n in sorted(names) if len(n) > 3)
    return _ask(code, f"tag({names})"), right or "-", slip or "none"


def _buckets(dice: Dice) -> Task:
    values, size = _numbers(dice), dice.between(3, 7)
    code = (
        "def buckets(ids):\n    out = {}\n    for i in ids:\n"
        f"        out[i % {size}] = out.get(i % {size}, 0) + 1\n    return max(out.values()) * len(out)"
    )
    counts = [sum(v % size == rest for v in values) for rest in range(size)]
    right = max(counts) * sum(count > 0 for count in counts)
    return _ask(code, f"buckets({values})"), str(right), str(max(counts))


def _recursion(dice: Dice) -> Task:
    start, less = dice.between(9, 40), dice.between(2, 5)
    code = f"def f(n):\n    if n < {less}:\n        return n\n    return f(n - {less}) + n % {less + 1}"
    total, n = 0, start
    while n >= less:
        total, n = total + n % (less + 1), n - less
    return _ask(code, f"f({start})"), str(total + n), str(total)


def _slices(dice: Dice) -> Task:
    word, begin = dice.pick(CITIES) + dice.pick(PLANS).replace(" ", ""), dice.between(1, 3)
    code = f"def key(s):\n    return s[{begin}:-{begin}][::-1].lower()"
    return _ask(code, f"key('{word}')"), word[begin:-begin][::-1].lower(), word[begin:-begin].lower()


def _query(dice: Dice) -> Task:
    rows = [(dice.pick(PLANS), dice.between(1, 9), dice.pick(CITIES[:6])) for _ in range(dice.between(6, 12))]
    plan, least = dice.pick(rows)[0], dice.between(2, 6)
    table = "\n".join(f"{i + 1} | {p} | {d} | {c}" for i, (p, d, c) in enumerate(rows))
    sql = f"SELECT COUNT(DISTINCT city) FROM homes WHERE plan = '{plan}' OR devices > {least};"
    matching = [c for p, d, c in rows if p == plan or d > least]
    question = f"Table homes(id | plan | devices | city):\n{table}\n\nWhat does this query return?\n```sql\n{sql}\n```"
    return question, str(len(set(matching))), str(len(matching))


def _sum_query(dice: Dice) -> Task:
    rows = [(dice.pick(CITIES[:4]), dice.between(10, 90), dice.pick(("paid", "open"))) for _ in range(8)]
    table = "\n".join(f"{i + 1} | {city} | {amount} | {state}" for i, (city, amount, state) in enumerate(rows))
    sql = "SELECT MAX(t) FROM (SELECT SUM(amount) AS t FROM bills WHERE state = 'paid' GROUP BY city) AS s;"
    sums = [sum(a for c, a, s in rows if c == city and s == "paid") for city in CITIES[:4]]
    question = f"Table bills(id | city | amount | state):\n{table}\n\nWhat does this query return?\n```sql\n{sql}\n```"
    return question, str(max(sums) or "NULL"), str(sum(sums))


def _pattern(dice: Dice) -> Task:
    codes = [f"{dice.pick('LHKT')}{dice.pick('FXQ')}-{dice.between(1, 30_000)}" for _ in range(dice.between(4, 7))]
    pattern = dice.pick((r"L[FX]-\d{3,4}\b", r"[HK]\w-\d+5\b", r"\wQ-\d{4,}", r"T[^Q]-\d+[02468]\b"))
    text = " ".join(codes)
    found = re.findall(pattern, text)
    question = f"How many matches does re.findall find?\npattern: {pattern}\ntext: {text}"
    return question, str(len(found)), str(len(found) + 1)


MAKERS: tuple[Callable[[Dice], Task], ...] = (
    _running_total, _threshold, _pairs, _initials, _buckets, _recursion, _slices, _query, _sum_query, _pattern,
)  # fmt: skip
