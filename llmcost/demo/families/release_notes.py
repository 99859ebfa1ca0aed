"""A small job that nobody tagged: release notes from change lists. Its call site is all that tells what it is."""

# ruff: noqa: E501 - a sentence is easier to read on one line

from __future__ import annotations

from llmcost.demo.scenario import Dice, Point, Scenario, conversation, replies
from llmcost.demo.words import slots

SYSTEM = """\
You write the release notes of the Larkfield app. Turn the list of changes into two or three friendly sentences.
Mention every change once. No version history, no headings."""
CHANGES = (
    ("fix: {product} forgets its schedule after {error}", "The {product} keeps its schedule after error {error}.", "Error {error} no longer makes the {product} lose its schedule.", "The {product} now has two schedules."),
    ("feat: share {plan} with up to {days} people", "You can share {plan} with up to {days} people.", "{plan} may now be shared by as many as {days} people.", "{plan} can no longer be shared."),
    ("perf: timeline of {product} loads {days}x faster", "The timeline of the {product} loads {days} times faster.", "Opening the {product} timeline is {days} times faster now.", "The timeline of the {product} was removed."),
    ("feat: {product} can start {other}", "The {product} can start the {other}.", "Let the {product} start the {other}.", "The {other} replaces the {product}."),
    ("fix: wrong time zone for {city}", "Homes in {city} show the right time.", "The time zone of {city} is correct again.", "Homes in {city} are no longer supported."),
)  # fmt: skip


def scenarios(dice: Dice) -> list[Scenario]:
    """40 distinct change lists."""
    return [_notes(number, dice) for number in range(40)]


def _notes(number: int, dice: Dice) -> Scenario:
    about = slots(dice)
    chosen = [[text.format(**about) for text in change] for change in dice.several(CHANGES, dice.between(2, 4))]
    listed = "\n".join(f"- {change[0]}" for change in chosen)
    good, reworded, *flawed = replies([Point(*change[1:]) for change in chosen], ("This release:", "New in the app:"))
    return Scenario(
        id=f"notes-{number}",
        task="release notes",
        model="gpt-4o-mini",
        messages=conversation(SYSTEM, f"Build {4_400 + number}\n{listed}"),
        good=good,
        reworded=(reworded,),
        flawed=tuple(flawed),
        params={"temperature": 0.7},
        tagged=False,
    )
