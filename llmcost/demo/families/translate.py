"""Translation: customer notices from English into German, French, Spanish and Japanese, from a bank of sentences."""

from __future__ import annotations

from collections.abc import Mapping

from llmcost.demo.families.translate_bank import BANK, LANGUAGES, Sentence
from llmcost.demo.scenario import Dice, Reply, Scenario, conversation
from llmcost.demo.words import slots

SYSTEM = """\
Translate the customer notice into {language}. Formal address. Keep product names, order numbers, amounts and the order
of the sentences. Answer with the translation alone."""


def scenarios(dice: Dice) -> list[Scenario]:
    """450 distinct notices of one to five sentences."""
    found: dict[tuple[str, str], Scenario] = {}
    while len(found) < 450:
        scenario = _notice(len(found), dice)
        found.setdefault((scenario.messages[0]["content"], scenario.messages[1]["content"]), scenario)
    return list(found.values())


def _notice(number: int, dice: Dice) -> Scenario:
    code = dice.pick(tuple(LANGUAGES))
    about = slots(dice) | {"day": str(dice.between(2, 28)), "wrong_day": str(dice.between(29, 31))}
    chosen = dice.several(BANK, dice.pick((1, 2, 2, 3, 3, 4, 5)))
    joint = "" if code == "ja" else " "
    plain = [_written(sentence, code, 0, about) for sentence in chosen]
    other = [_written(sentence, code, 1, about) for sentence in chosen]
    source = [sentence.english.format(**about) for sentence in chosen]
    spot = dice.between(0, len(chosen) - 1)
    return Scenario(
        id=f"translate-{number}",
        task="translate",
        model="gpt-4o",
        messages=conversation(SYSTEM.format(language=LANGUAGES[code]), " ".join(source)),
        good=Reply(joint.join(plain)),
        reworded=(Reply(joint.join(other)),),
        flawed=_flaws(plain, source, spot, joint, dice) + _numbers(plain, about, joint),
        params={"temperature": 0.1, "max_tokens": 500},
    )


def _written(sentence: Sentence, code: str, version: int, about: Mapping[str, str]) -> str:
    return sentence.translations[code][version].format(**about)


def _flaws(plain: list[str], source: list[str], spot: int, joint: str, dice: Dice) -> tuple[Reply, ...]:
    left_in_english = [*plain[:spot], source[spot], *plain[spot + 1 :]]
    halved = plain[spot][: len(plain[spot]) // 2].rstrip() + "."
    flaws = [Reply(joint.join(left_in_english)), Reply(joint.join([*plain[:spot], halved, *plain[spot + 1 :]]))]
    if len(plain) > 1:
        flaws.append(Reply(joint.join(plain[:spot] + plain[spot + 1 :])))
    return tuple(dice.several(flaws, len(flaws)))


def _numbers(plain: list[str], about: Mapping[str, str], joint: str) -> tuple[Reply, ...]:
    text = joint.join(plain)
    swapped = text.replace(about["amount"], about["wrong_amount"]).replace(about["order"], about["wrong_order"])
    return () if swapped == text else (Reply(swapped),)
