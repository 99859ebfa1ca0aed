"""Support chat: help-centre questions asked again and again, and Care+ conversations of one to four turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from llmcost.answers import ToolCall
from llmcost.demo.families.chat_topics import FAQS, TOPICS, Topic
from llmcost.demo.families.handbooks import CARE_HANDBOOK
from llmcost.demo.scenario import Dice, Point, Reply, Scenario, conversation, replies
from llmcost.demo.words import slots

TASK = "support chat"
MODEL = "gpt-4o"
HELP_CENTRE = """\
You are the assistant of the Larkfield help centre. Visitors are not signed in: you cannot see orders or accounts.
Answer questions about products, delivery, returns and plans in two to four sentences. Lead with the answer.
If it needs an account, say where to sign in (help.larkfield.example/account). Never guess a fee or a date."""
STORE_DESK = """\
You are Larkfield's order desk. Use the tools to look things up; never invent the state of an order.
Call a tool as soon as you know the order number. Otherwise ask for it in one sentence."""
REFUSAL = "I'm sorry, but I can't help with that request. Please contact customer support for further assistance."
WRONG_LANGUAGE = (
    "Gracias por su mensaje. Para resolver este asunto le recomendamos consultar la página de ayuda o escribir "
    "a nuestro equipo de atención al cliente, que le responderá lo antes posible."
)
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str.lower,
    str.upper,
    "  {}".format,
    "{}\n\n".format,
    "Hi! {}".format,
    "{} Thanks.".format,
    "Quick question: {}".format,
    lambda ask: ask.replace("?", "??").replace(" ", "  ", 1),
    lambda ask: ask.rstrip("?").lower(),
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}, **extra},
                "required": ["order_id", *extra],
                "additionalProperties": False,
            },
        },
    }
    for name, description, extra in (
        ("get_order", "State, items and tracking of an order", {}),
        ("start_return", "Open a return and e-mail the label", {"reason": {"type": "string"}}),
    )
]
ORDER_ASKS = (
    ("get_order", "Where is my order {order}? It was meant to arrive on {date}."),
    ("get_order", "Can you check whether {order} has left the warehouse yet? I am in {city} until {date}."),
    ("get_order", "order {order} - just tell me what's happening with the {product} please"),
    ("start_return", "I want to send back the {product} from order {order}. Reason: {reason}."),
    ("start_return", "Please start a return for {order}. {reason}, as simple as that."),
)
ASIDES = (
    "", "", "I am {name}, plan {plan}.", "Order number is {order} by the way.", "I am in {city}.", "Thanks, {name}",
    "It is urgent, I leave on {due}.", "I wrote on {date} already.", "The app is version {version}.",
    "I looked at your help pages for an hour and did not find anything about it. It is the {product} from {order}.",
)  # fmt: skip
REASONS = ("wrong colour", "too loud", "does not fit the door", "arrived damaged", "bought twice by mistake")


def scenarios(dice: Dice) -> list[Scenario]:
    """About 900 distinct prompts: repeated questions, tool calls and multi-turn conversations."""
    return [*_faqs(dice), *_order_desk(dice), *_conversations(dice)]


def _faqs(dice: Dice) -> Iterator[Scenario]:
    for number, topic in enumerate(FAQS):
        answers = _answers(topic, {})
        asked = dict.fromkeys(spelt(ask) for ask in topic.asks for spelt in (_as_is, *dice.several(SPELLINGS, 6)))
        for variant, ask in enumerate(asked):
            yield _scenario(f"chat-faq-{number}-{variant}", conversation(HELP_CENTRE, ask), answers, popular=True)


def _conversations(dice: Dice) -> Iterator[Scenario]:
    for number in range(310):
        about, session = slots(dice), f"s-{number:04d}"
        system = CARE_HANDBOOK if dice.chance(0.24) else HELP_CENTRE
        turns: list[str] = []
        for turn, topic in enumerate(dice.several(TOPICS, dice.pick((1, 1, 2, 2, 3, 4)))):
            answers = _answers(topic, about)
            ask = f"{dice.pick(topic.asks)} {dice.pick(ASIDES)}".strip().format(**about)
            prompt = conversation(system, *turns, ask)
            yield _scenario(f"chat-{number}-{turn}", prompt, answers, session=session)
            turns += [prompt[-1]["content"], answers[0].text or ""]


def _order_desk(dice: Dice) -> Iterator[Scenario]:
    for number in range(44):
        about = slots(dice) | {"reason": dice.pick(REASONS)}
        tool, ask = dice.pick(ORDER_ASKS)
        arguments = {"order_id": about["order"]} | ({"reason": about["reason"]} if tool == "start_return" else {})
        wrong = arguments | {"order_id": about["wrong_order"]}
        narrated = Reply(f"I will look into order {about['order']} for you and get back to you shortly.")
        answers = (_called(tool, arguments), _called(tool, arguments, spaced=True), narrated, _called(tool, wrong))
        prompt = conversation(STORE_DESK, ask.format(**about))
        yield _scenario(f"chat-order-{number}", prompt, answers, params={"tools": TOOLS, "tool_choice": "auto"})


def _as_is(ask: str) -> str:
    return ask


def _called(tool: str, arguments: Mapping[str, str], *, spaced: bool = False) -> Reply:
    text = msgspec.json.encode(arguments)
    text = msgspec.json.format(text, indent=1) if spaced else msgspec.json.format(text, indent=-1)
    return Reply(None, (ToolCall(tool, text.decode()),), "tool_calls")


def _answers(topic: Topic, about: Mapping[str, str]) -> tuple[Reply, ...]:
    points = [Point(*(text.format(**about) for text in point)) for point in topic.points]
    return (*replies(points, opening=topic.opening), Reply(REFUSAL), Reply(WRONG_LANGUAGE))


def _scenario(
    name: str,
    messages: tuple[Mapping[str, Any], ...],
    answers: tuple[Reply, ...],
    *,
    params: Mapping[str, Any] | None = None,
    session: str | None = None,
    popular: bool = False,
) -> Scenario:
    return Scenario(
        id=name,
        task=TASK,
        model=MODEL,
        messages=messages,
        good=answers[0],
        reworded=answers[1:2],
        flawed=answers[2:],
        params={"temperature": 0.3, "max_tokens": 600, **(params or {})},
        session=session,
        popular=popular,
    )
