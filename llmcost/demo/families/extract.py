"""Extraction: a JSON object from a customer's e-mail, under a JSON schema."""

from __future__ import annotations

from typing import Any

import msgspec

from llmcost.demo.scenario import Dice, Reply, Scenario, conversation
from llmcost.demo.words import slots

SYSTEM = """\
Extract the fields of the schema from the customer's e-mail. Copy names, numbers and dates exactly as written.
Use null where the e-mail does not say. quantity is how many pieces are affected. wish is what the customer asks for."""
WISHES = {
    "refund": ("I would like my money back.", "Please refund me.", "I want a refund for this."),
    "replacement": ("Please send me a new one.", "I would rather have a replacement.", "Can you exchange it?"),
    "repair": ("Can it be repaired?", "Please repair it, I do not want another one."),
    "information": ("Please tell me what I should do.", "I only need to know whether that is normal."),
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "order_id": {"type": ["string", "null"]},
        "product": {"type": "string"},
        "quantity": {"type": "integer"},
        "amount": {"type": ["number", "null"]},
        "wish": {"type": "string", "enum": list(WISHES)},
    },
    "required": ["customer", "order_id", "product", "quantity", "amount", "wish"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "request", "strict": True, "schema": SCHEMA}}
OPENERS = (
    "Hello Larkfield team,", "Dear Sir or Madam,", "Hi,", "Good evening,", "To whom it may concern,", "Hey there,",
)  # fmt: skip
PROBLEMS = (
    "{quantity} piece(s) of the {product} I bought {stopped} working on {date}.",
    "the {product} arrived in {city} with a crack; that concerns {quantity} of them.",
    "I have {quantity} x {product} at home, and since version {version} nothing connects.",
    "on {date} I unpacked the {product} ({quantity} in total) and found error {error} right away.",
)
ORDERS = ("The order number is {order}.", "My order: {order}", "(order {order}, placed on {date})")
NO_ORDERS = ("I do not have the order number at hand.", "The order number must be in your system.")
AMOUNTS = ("I paid {amount} for it.", "The invoice says {amount}.", "That was {amount} including delivery.")
ASIDES = (
    "I have been a customer for {days} years and this has never happened before.",
    "My neighbour has the {other} and is quite happy with it.",
    "I already spoke to {agent} on the phone, who was friendly but could not help.",
    "I tried the steps on your help pages twice: power off, wait, power on, reconnect. It made no difference.",
    "By the way, your app asks me to rate it every single day, which is a little annoying at the moment.",
    "We use it in our holiday flat in {city}, so somebody has to drive there every time it fails.",
    "The light blinks three times, then it is dark for a while, and then it starts again from the beginning.",
)
CLOSERS = ("Best regards,\n{name}", "Thanks,\n{name}", "Kind regards from {city},\n{name}", "{name}")


def scenarios(dice: Dice) -> list[Scenario]:
    """600 distinct e-mails with the object that they contain."""
    return [_email(number, dice) for number in range(600)]


def _email(number: int, dice: Dice) -> Scenario:
    quantity = dice.pick((1, 1, 1, 1, 2, 2, 3, 4, 6))
    about = slots(dice) | {"quantity": str(quantity), "stopped": "stopped" if quantity > 1 else "has stopped"}
    has_order, has_amount, wish = dice.chance(0.8), dice.chance(0.55), dice.pick(tuple(WISHES))
    body = [dice.pick(PROBLEMS), dice.pick(ORDERS if has_order else NO_ORDERS)]
    body += [dice.pick(AMOUNTS)] * has_amount + dice.several(ASIDES, dice.pick((0, 0, 1, 1, 2, 4)))
    lines = [dice.pick(OPENERS), "", *body, dice.pick(WISHES[wish]), "", dice.pick(CLOSERS)]
    fields = {
        "customer": about["name"],
        "order_id": about["order"] if has_order else None,
        "product": about["product"],
        "quantity": quantity,
        "amount": float(about["amount"]) if has_amount else None,
        "wish": wish,
    }
    text = _json(fields)
    return Scenario(
        id=f"extract-{number}",
        task="extract",
        model="gpt-4o-mini",
        messages=conversation(SYSTEM, "\n".join(lines).format(**about)),
        good=Reply(text),
        reworded=(Reply(_json(fields, indent=2)),),
        flawed=_flaws(fields, dice),
        expected=text,
        params={"temperature": 0, "max_tokens": 300, "response_format": FORMAT},
    )


def _flaws(fields: dict[str, Any], dice: Dice) -> tuple[Reply, ...]:
    dropped = {key: value for key, value in fields.items() if key != "product"}
    wrong_wish = dice.pick([wish for wish in WISHES if wish != fields["wish"]])
    broken = Reply(_json(fields)[:-14], finish_reason="length")
    chatty = Reply(f"Here is the JSON you asked for: {_json(fields)[:-1]}")
    flaws = [Reply(_json(fields | {"wish": wrong_wish})), Reply(_json(dropped)), broken, chatty]
    return tuple(dice.several(flaws, len(flaws)))


def _json(value: Any, *, indent: int = -1) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()
