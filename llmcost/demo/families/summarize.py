"""Summarization: the nightly digest of long ticket threads, so that the morning shift need not read them."""

# ruff: noqa: E501 - a sentence is easier to read on one line

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmcost.demo.families.handbooks import DIGEST_RULES
from llmcost.demo.scenario import Dice, Point, Reply, Scenario, conversation, replies
from llmcost.demo.words import slots

# What each story is about: (how the customer begins, the point of the problem, the point of the promise).
STORIES: tuple[tuple[str, Point, Point], ...] = (
    (
        "my {product} (order {order}) has been dead since {date}. I paid {amount} for it and I expect it to last.",
        Point(
            "{name} reports that the {product} of order {order} has been dead since {date}.",
            "The {product} from {order} has not worked since {date}, says {name}.",
            "{name} reports that the {product} of order {wrong_order} was never delivered.",
        ),
        Point(
            "{agent} promised a replacement once a photo of the serial number is in.",
            "As soon as the serial number's photo is there, {agent} sends a replacement.",
            "{agent} refused a replacement.",
        ),
    ),
    (
        "I sent back the {product} from order {order} on {date} and have not seen my {amount} yet.",
        Point(
            "{name} returned the {product} of order {order} on {date} and waits for {amount}.",
            "{amount} for the {product} ({order}), returned on {date}, has not reached {name}.",
            "{name} returned the {product} of order {order} on {wrong_date} and waits for {wrong_amount}.",
        ),
        Point(
            "{agent} promised that the {amount} will be released by hand this week.",
            "According to {agent} the {amount} are released by hand before the week is over.",
            "{agent} said that the refund had been rejected.",
        ),
    ),
    (
        "the {plan} plan was renewed on {date} for {amount} although I had ended it in the app. Order {order}.",
        Point(
            "{name} ended {plan} in the app, yet it was renewed on {date} for {amount} ({order}).",
            "Although {name} had ended {plan}, {amount} were taken on {date} for its renewal ({order}).",
            "{name} wants to upgrade to {plan} from {date} ({order}).",
        ),
        Point(
            "{agent} agreed to refund the {amount} and to end the plan by hand.",
            "The {amount} will be refunded and the plan ended by hand, {agent} agreed.",
            "{agent} agreed to refund {wrong_amount} and to keep the plan running.",
        ),
    ),
    (
        "the installer you sent to {city} on {date} left with the {product} half mounted. The bill says {amount}, order {order}.",
        Point(
            "The installation of {name}'s {product} in {city} on {date} was left unfinished (order {order}).",
            "In {city} the {product} of {name} was only half mounted on {date} (order {order}).",
            "{name} is happy with the installation of the {product} in {city} (order {order}).",
        ),
        Point(
            "{agent} offered a second visit and takes {amount} off the bill.",
            "A second visit is offered by {agent}, and {amount} come off the bill.",
            "{agent} offered a second visit for another {wrong_amount}.",
        ),
    ),
)
TRIED = (
    Point(
        "A restart and a new pairing changed nothing.",
        "Restarting and pairing anew did not help.",
        "A restart solved it.",
    ),
    Point(
        "Support checked the account and found no other open case.",
        "The account was checked, no other case is open.",
        "Support found three other open cases.",
    ),
    Point(
        "Firmware {version} was installed without success.",
        "Installing firmware {version} brought nothing.",
        "Firmware {version} was rolled back, which solved it.",
    ),
)
OPEN = (
    Point(
        "Open: a call back by {due}, the customer can be reached in the afternoon.",
        "Still to do: call back by {due}, afternoons are best.",
        "Nothing is open.",
    ),
    Point(
        "Open: confirm by e-mail before {due}.",
        "What is left is an e-mail to confirm it before {due}.",
        "The customer asked not to be contacted again.",
    ),
    Point(
        "Open: the warehouse has to say by {due} whether the parcel is there.",
        "The warehouse still owes an answer about the parcel, due {due}.",
        "The warehouse has confirmed the parcel, the case can be closed.",
    ),
)
CUSTOMER_LINES = (
    "Thank you for the quick answer, but I did that already, as I wrote in my first message.",
    "I have now waited {days} days. Could somebody please read the whole thread before writing the next standard reply?",
    "I tried it again this morning. The light goes on for a second, then nothing. The {other} in the same room is fine.",
    "My wife spoke to someone on the phone on {date} and was told something completely different.",
    "To be clear: I like your products, we have the {other} as well, but this is getting out of hand.",
    "Attached are two photos and the log from the app. I hope that this is what you need from me.",
    "I am travelling until the end of the week, so please write rather than call. In {city} the reception is poor.",
    "Your help page says to hold the button for 5 seconds, the leaflet in the box says 12 seconds. Which one is it?",
    "As I said, there was no power cut and nobody has changed anything about the network in {city}.",
    "Fine. Then let us do it your way. But I want to have it in writing this time, with a date.",
    "I do not want a voucher. I have three of them lying around already and they all expire next month.",
    "Just to add to my last message: the serial number is on a sticker that I cannot read without a magnifying glass.",
)
AGENT_LINES = (
    "Hi {name}, thank you for your patience. I have read through the thread and take this over from my colleague.",
    "I understand that this is frustrating. May I ask you to restart it once more while the app is open? I can see the log then.",
    "Thank you for the photos. The sticker is hard to read; the number is also in the app under Device, About.",
    "I have asked the warehouse in {city} and will write as soon as they have answered, at the latest in two working days.",
    "I checked your account: {order} is the only order of the last 60 days, and there is no other open case.",
    "Version {version} is out since {date}. Could you see under Device, Firmware whether it has been installed?",
    "I have passed this on to our technical team with the log. They usually come back within one working day.",
    "You are right, the leaflet is out of date. The help page is correct, and I have reported the leaflet.",
    "I have now noted on the case that you prefer e-mail. Nobody will call you again unless you ask for it.",
    "Please excuse the standard reply. It was sent automatically while your message waited for a person.",
)
FINAL_LINES = {
    "promise": "This is what I can do and what I will do: {promise}",
    "open": "For the handover to my colleagues tomorrow: {open}",
}
LOG_LINES = (
    "[{date} 02:1{digit}:07] wifi: rssi -7{digit} dBm, retry {digit}/9",
    "[{date} 02:3{digit}:41] cloud: handshake timeout after 1{digit}000 ms",
    "[{date} 03:0{digit}:12] fw {version}: watchdog reset, cause 0x0{digit}",
    "[{date} 03:2{digit}:55] sensor: calibration ok, drift 0.{digit}",
)


def scenarios(dice: Dice) -> list[Scenario]:
    """540 distinct threads, a few very long."""
    return [_thread(number, dice) for number in range(540)]


def _thread(number: int, dice: Dice) -> Scenario:
    about = slots(dice)
    opening, problem, promise = dice.pick(STORIES)
    points = [_filled(point, about) for point in (problem, dice.pick(TRIED), promise, dice.pick(OPEN))]
    good, reworded, *flawed = replies(points)
    text = "\n\n".join(_messages(dice, about, opening, points))
    return Scenario(
        id=f"summarize-{number}",
        task="summarize",
        model="gpt-4o",
        messages=conversation(DIGEST_RULES, f"Ticket {number + 30_500}\n\n{text}"),
        good=good,
        reworded=(reworded,),
        flawed=(*flawed, Reply("A customer has a problem with a product and support is looking into it.")),
        params={"temperature": 0.2, "max_tokens": 300},
    )


def _filled(point: Point, about: Mapping[str, str]) -> Point:
    return Point(*(text.format(**about) for text in (point.plain, point.reworded, point.wrong)))


def _messages(dice: Dice, about: Mapping[str, str], opening: str, points: list[Point]) -> Iterator[str]:
    rounds = min(20, 1 + int(1.35 * dice.lognormal(0.85)))
    yield f"{about['name']} wrote:\nHello, " + opening.format(**about)
    for index in range(rounds):
        yield f"{about['agent']} (Larkfield) wrote:\n" + _lines(dice, AGENT_LINES, about)
        answer = f"{about['name']} wrote:\n" + _lines(dice, CUSTOMER_LINES, about)
        if index % 4 == 2:
            answer += "\n" + "\n".join(_log(dice, about) for _ in range(dice.between(4, 12)))
        yield answer
    _, tried, promise, left = points
    yield f"{about['agent']} (Larkfield) wrote:\n{tried.plain} " + FINAL_LINES["promise"].format(promise=promise.plain)
    yield f"Internal note by {about['agent']}:\n" + FINAL_LINES["open"].format(open=left.plain)


def _lines(dice: Dice, bank: tuple[str, ...], about: Mapping[str, str]) -> str:
    return " ".join(dice.several(bank, dice.between(1, 3))).format(**about)


def _log(dice: Dice, about: Mapping[str, str]) -> str:
    return dice.pick(LOG_LINES).format(digit=dice.between(0, 9), **about)
