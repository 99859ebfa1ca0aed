"""Lone prompts as applications write them: templates filled in at run time, among questions that people typed.

Every prompt has a label: the template that it was made with, or FREE. Texts to fill in are given by the caller.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

FREE = "free"
NAMES = (
    "John Smith", "María García", "Li Wei", "Aisha Khan", "Tom O'Neil", "Ana Souza", "Jürgen Vogel", "Priya Patel",
    "Kenji Sato", "Olga Ivanova", "Sam Lee", "Chloé Martin", "Noah Brown", "Zoe Adler", "Ivan Petrov", "Eva Novak",
)  # fmt: skip
PLACES = ("Berlin", "Madrid", "Lagos", "Osaka", "Lima", "Oslo", "Quito", "Delhi", "Cairo", "Perth", "Turin", "Leeds")
PRODUCTS = ("the blue kettle", "a Trail 9 tent", "AirBoard X", "the oak desk", "Mira headphones", "a steel bottle")
EXAMPLES = """You label support messages. Use exactly one of: billing, shipping, technical, other.

Message: I was charged twice this month
Label: billing

Message: The parcel never arrived
Label: shipping

Message: """
RULES = """You are a careful data entry assistant. Extract the fields below from the invoice text, as JSON only.
Fields: vendor, invoice_number, date, total, currency. Use null for what is missing.

"""

Fill = Callable[[random.Random, Sequence[str]], str]


def _text(rng: random.Random, texts: Sequence[str], most: int = 6) -> str:
    return " ".join(rng.choice(texts) for _ in range(rng.randint(2, most)))


def _id(rng: random.Random) -> str:
    return f"{rng.choice('ABCDEFGH')}{rng.randint(10_000, 999_999)}"


TEMPLATES: dict[str, Fill] = {
    "instruction first": lambda r, t: (
        f"Summarize the following article in three bullet points for a busy executive:\n\n{_text(r, t, 12)}"
    ),
    "instruction last": lambda r, t: (
        f"{_text(r, t, 12)}\n\nSummarize the conversation above in one sentence. Do not mention names."
    ),
    "variable in the middle": lambda r, t: (
        f"Here is a customer review of our product. Review: {_text(r, t)} "
        "Is the sentiment positive, negative or neutral? Answer with one word."
    ),
    "short instruction": lambda r, t: f"Translate to French: {_text(r, t, 3)}",
    "language filled in": lambda r, t: (
        f"Translate the following text into {r.choice(['German', 'Spanish', 'Italian'])}, keep the formatting.\n\n"
        f"{_text(r, t)}"
    ),
    "name early": lambda r, t: (
        f"Write a friendly email to {r.choice(NAMES)} who lives in {r.choice(PLACES)} about {r.choice(PRODUCTS)}. "
        f"They wrote: {_text(r, t, 3)}"
    ),
    "greeting": lambda r, t: (
        f"Hi, I am {r.choice(NAMES)} ({_id(r)}).\n{_text(r, t)}\n\n"
        "Reply to this customer in the tone of our brand: short, warm, no promises about refunds."
    ),
    "few-shot": lambda r, t: f"{EXAMPLES}{r.choice(t)}\nLabel:",
    "json payload": lambda r, t: json.dumps(
        {"task": "rank_products", "user_id": _id(r), "query": r.choice(t), "candidates": r.sample(PRODUCTS, 3)}
    ),
    "rules then text": lambda r, t: (
        f"{RULES}Invoice {_id(r)} from {r.choice(NAMES)}, {r.choice(PLACES)}\n{_text(r, t)}"
    ),
    "chinese": lambda r, t: (
        f"请把下面的客户留言翻译成英文，只输出译文：\n{r.choice(PLACES)}的订单{_id(r)}，{r.choice(t)}"
    ),
    "spanish": lambda r, t: (
        f"Clasifica el siguiente mensaje de un cliente como queja, consulta o elogio. Mensaje: {r.choice(t)}"
    ),
    "code review": lambda r, t: (
        f"Review this pull request and list the bugs, most severe first.\n```python\n"
        f"def {r.choice('abcdefg')}_{r.randint(1, 99)}(x):\n    return '{r.choice(t)}'\n```"
    ),
    "shared role, task one": lambda r, t: (
        f"You are the assistant of Contoso Bank. Decide whether the message needs a human. Message: {r.choice(t)}"
    ),
    "shared role, task two": lambda r, t: (
        f"You are the assistant of Contoso Bank. Suggest three short replies. Message: {r.choice(t)}"
    ),
}


def mix(texts: Sequence[str], each: int, free: int, seed: int = 7) -> tuple[list[str], list[str]]:
    """Prompts and their labels, shuffled: `each` of every template, `free` texts as they are."""
    rng = random.Random(seed)
    made = [(fill(rng, texts), name) for name, fill in TEMPLATES.items() for _ in range(each)]
    made += [(text, FREE) for text in rng.sample(list(texts), free)]
    rng.shuffle(made)
    return [prompt for prompt, _ in made], [label for _, label in made]
