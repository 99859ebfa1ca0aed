"""The small world of the sample traffic: Larkfield, a shop for smart-home devices and their subscriptions."""

from __future__ import annotations

from llmcost.demo.scenario import Dice

COMPANY = "Larkfield"

PRODUCTS = (
    "Aurora Hub 2", "Aurora Hub Mini", "Halo Doorbell", "Halo Doorbell Pro", "Breeze Thermostat", "Breeze Vent Sensor",
    "Lumen Strip 5m", "Lumen Bulb E27", "Lumen Desk Lamp", "Nook Camera", "Nook Camera Outdoor", "Nook Baby Monitor",
    "Tide Leak Sensor", "Tide Valve", "Ember Smoke Alarm", "Ember CO Alarm", "Latch Smart Lock", "Latch Keypad",
    "Drift Robot Vacuum", "Drift Mop Kit", "Pulse Smart Plug", "Pulse Power Strip", "Sage Plant Sensor", "Quill Remote",
)  # fmt: skip

FIRST_NAMES = (
    "Amara", "Ben", "Chiara", "Dmitri", "Elif", "Farah", "Gustavo", "Hanna", "Ivan", "Jana", "Kenji", "Leila", "Marta",
    "Nikhil", "Oskar", "Priya", "Quentin", "Rosa", "Samuel", "Tove", "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zoe",
    "Andrew", "Beatriz", "Connor", "Delphine", "Emeka", "Freya",
)  # fmt: skip

LAST_NAMES = (
    "Abbott", "Bergström", "Castillo", "Dubois", "Eriksen", "Fischer", "Grant", "Hughes", "Ito", "Jansen", "Kowalski",
    "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Romano", "Silva", "Tanaka", "Usman", "Vogel",
    "Walsh", "Xu", "Yilmaz", "Zeman", "Carter", "Patel", "Murphy", "Schneider", "Rossi", "Haddad",
)  # fmt: skip

CITIES = (
    "Bristol", "Leeds", "Dublin", "Utrecht", "Malmö", "Porto", "Lyon", "Graz", "Gdańsk", "Turin", "Aarhus", "Ghent",
    "Tampere", "Cork", "Valencia", "Bremen",
)  # fmt: skip

MONTH_DAYS = tuple(f"{day} October" for day in range(1, 32))
PLANS = ("Home", "Home Plus", "Family", "Studio", "Landlord")
AGENTS = ("Maya", "Tom", "Ines", "Ravi", "Kasia", "Leon")


def name(dice: Dice) -> str:
    """A customer's full name."""
    return f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}"


def order(dice: Dice) -> str:
    """An order number."""
    return f"LF-{dice.between(10_000, 99_999)}"


def price(dice: Dice) -> str:
    """An amount of money with cents, between 19 and 349."""
    return f"{dice.between(19, 349)}.{dice.pick(('00', '49', '50', '90', '95', '99'))}"


def slots(dice: Dice) -> dict[str, str]:
    """One customer's particulars, to fill the templates with."""
    day = dice.between(0, 19)
    return {
        "product": dice.pick(PRODUCTS),
        "other": dice.pick(PRODUCTS),
        "name": name(dice),
        "order": order(dice),
        "wrong_order": order(dice),
        "amount": (amount := price(dice)),
        "wrong_amount": f"{float(amount) * 1.5 + 4:.2f}",
        "city": dice.pick(CITIES),
        "date": MONTH_DAYS[day],
        "due": (due := MONTH_DAYS[day + dice.between(3, 11)]),
        "wrong_date": due,
        "days": str(dice.between(2, 13)),
        "plan": dice.pick(PLANS),
        "agent": dice.pick(AGENTS),
        "error": f"E{dice.between(10, 79)}",
        "version": f"{dice.between(2, 6)}.{dice.between(0, 14)}.{dice.between(0, 9)}",
    }
