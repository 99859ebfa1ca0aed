"""Reasoning: amounts to be worked out; for the billing desk under a long prompt that begins with the time."""

from __future__ import annotations

from collections.abc import Callable

from llmcost.demo.families.handbooks import BILLING_RULES
from llmcost.demo.scenario import Dice, Reply, Scenario, conversation
from llmcost.demo.words import CITIES, PLANS, PRODUCTS, name

CALCULATOR = """\
You work out amounts for Larkfield's support agents. A month has 30 days; the day of a change counts as the new plan's.
A yearly plan costs ten monthly prices and is refunded by whole months. Further Landlord properties cost 60 %, rounded
for each. Percentages multiply and come before vouchers. In a bundle the cheapest item is discounted; a part's refund
is its share of the bundle price in proportion to the single prices. Round once at the end, half up, two decimals.
One line of working, then "Answer: " and the number alone."""
Task = tuple[str, str, int, int]  # question, working, right answer and a slip's answer, both in cents


def scenarios(dice: Dice) -> list[Scenario]:
    """400 distinct word problems with expected numbers."""
    return [_scenario(number, dice.chance(0.3), *_differing(dice)) for number in range(400)]


def _differing(dice: Dice) -> Task:
    while True:
        task = dice.pick(MAKERS)(dice)
        if task[2] != task[3]:
            return task


def _scenario(number: int, at_desk: bool, question: str, working: str, right: int, slip: int) -> Scenario:
    answer = _money(right)
    return Scenario(
        id=f"reason-{number}",
        task="reason",
        model="gpt-4o",
        messages=conversation(BILLING_RULES if at_desk else CALCULATOR, f"Case {number + 7_200}. {question}"),
        good=Reply(f"{working}\nAnswer: {answer}"),
        reworded=(Reply(f"Working: {working}\n\nThat is what we quote.\nAnswer: {answer}"),),
        flawed=(Reply(f"{working.partition(';')[0]}.\nAnswer: {_money(slip)}"),),
        expected=answer,
        params={"temperature": 0, "max_tokens": 400},
    )


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _upgrade(dice: Dice) -> Task:
    old, new, day = dice.between(4, 12) * 100 + 99, dice.between(13, 29) * 100 + 99, dice.between(3, 27)
    left = 30 - day + 1
    due = _half_up((new - old) * left, 30)
    question = (
        f"{name(dice)} changes from {dice.pick(PLANS)} at {_money(old)} to a plan at {_money(new)} on day {day} of the "
        "billing month. How much is charged for the rest of this month?"
    )
    return question, f"{_money(new - old)} more a month; {left} of 30 days", due, _half_up((new - old) * (left - 1), 30)


def _bundle(dice: Dice) -> Task:
    prices = sorted(dice.between(29, 240) * 100 for _ in range(3))
    off, voucher = dice.pick((10, 15, 20, 25, 30)), dice.pick((0, 500, 1000, 2000))
    cut = _half_up(prices[0] * off, 100)
    listed = ", ".join(f"{item} {_money(p)}" for item, p in zip(dice.several(PRODUCTS, 3), prices[::-1], strict=True))
    question = f"Bundle offer, {off} % on the cheapest of three: {listed}. " + (
        f"The customer also has a voucher of {_money(voucher)}. What is to be paid?" if voucher else "What is the sum?"
    )
    total = sum(prices)
    slip = total - _half_up(prices[-1] * off, 100) - voucher
    return question, f"Sum {_money(total)}; cheapest less {_money(cut)}", total - cut - voucher, slip


def _energy(dice: Dice) -> Task:
    watts, hours, days, rate = dice.between(3, 45), dice.between(4, 24), dice.between(20, 90), dice.between(24, 41)
    question = (
        f"A customer in {dice.pick(CITIES)} runs a {dice.pick(PRODUCTS)} with {watts} W for {hours} hours a day. What "
        f"does that cost in {days} days at 0.{rate} per kilowatt-hour?"
    )
    total = watts * hours * days
    slip = _half_up(total * rate * 30, 1000 * days)
    return question, f"{total / 1000:g} kWh; times 0.{rate}", _half_up(total * rate, 1000), slip


def _landlord(dice: Dice) -> Task:
    price, homes, months = (
        dice.between(9, 29) * 100 + dice.pick((0, 49, 90, 99)),
        dice.between(3, 14),
        dice.between(2, 11),
    )
    further = _half_up(price * 60, 100)
    question = (
        f"{name(dice)} has {homes} properties on Landlord at {_money(price)} for the first one. What is due for "
        f"{months} months?"
    )
    right = (price + further * (homes - 1)) * months
    return question, f"Further property {_money(further)}; times {homes - 1}", right, further * homes * months


def _yearly(dice: Dice) -> Task:
    price, used = dice.between(6, 29) * 100 + 99, dice.between(1, 10)
    question = (
        f"A yearly {dice.pick(PLANS)} plan (monthly price {_money(price)}) of {name(dice)} ends after {used} full "
        "months. How much is refunded for the months that are left?"
    )
    paid = price * 10
    return (
        question,
        f"Paid {_money(paid)}; {12 - used} of 12 months",
        _half_up(paid * (12 - used), 12),
        price * (12 - used),
    )


def _discounts(dice: Dice) -> Task:
    price, first, second = dice.between(60, 300) * 100, dice.pick((10, 15, 20, 25)), dice.pick((5, 10, 12))
    voucher = dice.between(1, 12) * 250
    right = _half_up(price * (100 - first) * (100 - second), 10_000) - voucher
    question = (
        f"The {dice.pick(PRODUCTS)} costs {_money(price)}. There is {first} % off in {dice.pick(CITIES)}, {second} % "
        f"for the newsletter and a voucher of {_money(voucher)}. What does {name(dice)} pay, delivery being free?"
    )
    slip = _half_up(price * (100 - first - second), 100) - voucher
    return question, f"{_money(price)} less {first} % less {second} %; less {_money(voucher)}", right, slip


def _part_return(dice: Dice) -> Task:
    prices = [dice.between(19, 199) * 100 + 90 for _ in range(3)]
    bundle = _half_up(sum(prices) * dice.pick((70, 75, 80, 85)), 100)
    items = dice.several(PRODUCTS, 3)
    listed = ", ".join(f"{item} {_money(p)}" for item, p in zip(items, prices, strict=True))
    question = (
        f"A bundle was sold for {_money(bundle)}. Single prices: {listed}. {name(dice)} sends the {items[0]} back. How "
        "much is refunded?"
    )
    right = _half_up(bundle * prices[0], sum(prices))
    return question, f"Single prices {_money(sum(prices))}; share of {_money(prices[0])}", right, prices[0]


MAKERS: tuple[Callable[[Dice], Task], ...] = (
    _upgrade, _bundle, _energy, _landlord, _yearly, _discounts, _part_return,
)  # fmt: skip
