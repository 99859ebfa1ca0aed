"""Classification: one of eight labels for an incoming ticket. A wrong answer is the neighbouring label."""

from __future__ import annotations

from llmcost.demo.scenario import Dice, Reply, Scenario, conversation
from llmcost.demo.words import slots

SYSTEM = """\
Sort the ticket into one of these labels and answer with the label alone:
billing, refund, delivery, login, malfunction, feature_request, cancellation, other.
Money already taken is billing; money that should come back is refund."""

TICKETS: dict[str, tuple[str, ...]] = {
    "billing": (
        "I was charged {amount} on {date} and I do not know for what.",
        "The invoice for order {order} shows the wrong VAT rate, please have a look.",
        "Why did the {plan} plan go up by {days} euros this month?",
        "My card ending in 4{days} was declined although it is valid. The plan is {plan}.",
        "Can you tell me on which day of the month {plan} is charged? I need it for my accounts.",
    ),
    "refund": (
        "I returned the {product} on {date} and still wait for my {amount}.",
        "Please pay back {amount} for {order}, the parcel went back to you last week.",
        "You promised me the price difference of {amount} for the {product}. When will it be paid out?",
        "Only part of my return was refunded: {amount} is missing from order {order}.",
        "I want my money back for the {product}, it is not what was described.",
    ),
    "delivery": (
        "Order {order} has been on its way to {city} for {days} days now.",
        "The tracking of {order} has not moved since {date}.",
        "The driver left my {product} in the rain in {city}, in front of the wrong house.",
        "Can you deliver {order} on {date} instead? Nobody is at home before.",
        "Half of {order} is missing from the parcel: no {product} inside.",
    ),
    "login": (
        "The reset link you sent on {date} says it has expired, {days} times now.",
        "I changed my phone and the app asks for a code that goes to the old number.",
        "It says account locked after {days} attempts. I only mistyped it once!",
        "I can't sign in with {name}'s e-mail any more since the update to {version}.",
        "No confirmation mail arrives when I try to sign in from {city}.",
    ),
    "malfunction": (
        "The {product} shows {error} and does not react to anything.",
        "Since {version} my {product} restarts every {days} minutes.",
        "The {product} makes a scratching noise when it starts. Bought on {date}.",
        "The {product} stays offline although the {other} next to it is fine.",
        "My {product} stopped working after {days} days, please send a new one.",
    ),
    "feature_request": (
        "It would be great if the {product} could be paused for {days} hours.",
        "Please add a dark mode for the {product} screen. {name}",
        "Could you let two people in {city} share one {plan} plan with separate schedules?",
        "An export of the {product} history as a spreadsheet would help me a lot.",
        "Why can't the {product} trigger the {other}? Please think about adding that.",
    ),
    "cancellation": (
        "Please end my {plan} plan on {date}.",
        "I do not need the {plan} plan any more since I sold the {product}.",
        "How do I cancel {order}? I ordered the {product} by mistake an hour ago.",
        "We are moving out of {city}, so stop the {plan} subscription please.",
        "I'd like to withdraw from the contract for {plan} that I made {days} days ago.",
    ),
    "other": (
        "Do you have a shop in {city} where I can see the {product}?",
        "Just wanted to say that {agent} from your team was very helpful on {date}.",
        "I write for a magazine in {city} and would like to talk to someone about the {product}.",
        "Are you hiring in {city}? I have {days} years of experience in support.",
        "Which screws do I need to hang the {product} on a brick wall?",
    ),
}
NEIGHBOUR = {
    "billing": "refund", "refund": "billing", "delivery": "refund", "login": "malfunction", "malfunction": "other",
    "feature_request": "other", "cancellation": "billing", "other": "feature_request",
}  # fmt: skip
ENDINGS = (
    "", "", "Thanks, {name}", "Regards, {name} ({city})", "Sent from my phone", "This is the second time I write.",
    "Customer since {days} years.", "Please answer before {date}.", "{name}",
)  # fmt: skip


def scenarios(dice: Dice) -> list[Scenario]:
    """750 distinct tickets with their labels."""
    return [_ticket(number, dice) for number in range(750)]


def _ticket(number: int, dice: Dice) -> Scenario:
    about = slots(dice)
    label = dice.pick(tuple(TICKETS))
    text = f"{dice.pick(TICKETS[label])} {dice.pick(ENDINGS)}".strip().format(**about)
    return Scenario(
        id=f"classify-{number}",
        task="classify",
        model="gpt-4o-mini",
        messages=conversation(SYSTEM, f"Ticket {number + 48_100}:\n{text}"),
        good=Reply(label),
        flawed=(Reply(NEIGHBOUR[label]),),
        expected=label,
        params={"temperature": 0, "max_tokens": 8},
    )
