"""The texts that the generator's traffic is made of: sentences, documents and prompts, rendered as JSON once."""

from __future__ import annotations

import json
import random

SENTENCES, DOCUMENTS, QUESTIONS = 30_000, 3_000, 400

NAMES = ("Ann", "Bo", "José", "Zoë", "Łukasz", "Marta", "Priya", "Søren", "Amélie", "Hiroshi", "Nadia", "Tom", "Çelik",
         "Olga", "Wei", "Márton", "Ruth", "Ayşe")  # fmt: skip
CITIES = ("Leeds", "Zürich", "São Paulo", "Kraków", "Dublin", "Málaga", "Tromsø", "東京", "Utrecht", "Lyon", "Gdańsk")
THINGS = ("espresso machine", "robot vacuum", "standing desk", "water filter", "bike light", "heat pump", "door lock",
          "camera", "router", "air purifier", "smart bulb", "thermostat", "drill", "e-reader", "toaster")  # fmt: skip
VERBS = (
    "arrived",
    "stopped",
    "rattles",
    "leaks",
    "was refunded",
    "does not pair",
    "lost its settings",
    "shows error 41",
)
REASONS = ("after the update", "since Monday", "because the parcel was left outside", "although it was paid twice",
           "within a week", "for no obvious reason", "as soon as it is warm", 'though all is "ok"')  # fmt: skip
ASIDES = ("Could somebody please look into it?", "I would rather have my money back.", "That is the third time!",
          "It cost € 249.90.", "See the photo: c:\\temp\\box.png.", "Merci d’avance !", "请尽快回复。",
          "Vielen Dank für die schnelle Hilfe.", "I was told 3–5 working days; it is day 9.")  # fmt: skip
PATTERNS = (
    "The {thing} that I ordered in {city} {verb} {reason}.",
    "{name} from {city} writes that the {thing} {verb} {reason}.",
    'We sent a {thing} to {name}; it {verb} {reason}, "as expected".',
    "Order {number}: one {thing}, paid {amount} €, {verb} {reason}.",
)
WORDS = tuple(
    """
    account across actually address after again against agree allow almost already although always amount another
    answer anything appear apply area around arrange ask attach available average away back balance bank battery
    because become before begin behind believe below best better between bill both bottom box branch break bring
    brown build button buy cable call cancel card careful carry case cause certain change charge cheap check choose
    claim clean clear close code cold collect colour come common company compare complain complete confirm connect
    contact contain continue contract control copy correct cost count country couple cover credit customer damage
    date deal decide deep deliver depend desk detail device different difficult direct discount display distance
    divide document door double doubt draft dry during early easy either electric empty end engine enough enter
    entire equal error even evening ever every exact example exchange expect expensive explain express extra fail
    fair family far fast feel few field fill final find finish fit fix floor follow force forget form forward free
    fresh front full further future garden general gift give glass good green ground grow guess half hand happen
    hard heat heavy help high hold home hope hour house hurry idea include increase inform inside install instead
    insurance interest invoice issue item join keep kind kitchen know label large last late leave left less letter
    level light limit line list little local long look lose loud low machine mail main make manage manual many mark
    matter mean measure meet member mention message metal middle minute missing model money month morning move much
    name near need network never new next night noise normal note nothing notice number offer office often old once
    only open option order other outside over own package page paper parcel part past pay people perhaps period
    person phone pick picture piece place plan plastic plug point polite possible post power prefer present press
    price print private probably problem process produce profile promise proof protect prove provide public push
    quality quarter question quick quiet quite range rather reach read ready real reason receipt receive record red
    reduce refund region register remain remember remove repair repeat replace reply report request return right
    ring room round rule run safe same save scratch screen seal search season second sell send serial serious
    service set several shape share ship shop short should show side sign silent similar simple since single size
    sleep slow small smell smooth some sorry sound space spare speak special speed stand start state station stay
    steel step still stock stop store street strong such suggest suit summer supply support sure surface switch
    system table take team temperature terms test thank thick thing think third ticket tight time together tool top
    total touch track train transfer travel try turn twice type under understand unit until update urgent use usual
    value various version visit voice wait walk wall warm warranty wash watch water weather week weight well wheel
    while white whole wide window winter wire wish within without wonder wood word work world worry wrap write wrong
    year yellow yesterday yet young zone
    """.split()  # noqa: SIM905 - a page of words reads better than a page of quotes
)
LABELS = ("billing", "delivery", "technical", "returns", "account", "praise", "other")
TOOLS = ("find_order", "refund_order", "search_articles", "create_ticket", "check_stock", "send_mail")
CODE = 'def total(rows):\n\treturn sum(row["amount"] for row in rows if row.get("state") == "paid")\n'

Pair = tuple[list[bytes], list[bytes]]  # the same texts as UTF-8 and as \\u escapes


def escaped(text: str) -> tuple[bytes, bytes]:
    """A text inside JSON quotes, as UTF-8 and as ASCII."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode(), json.dumps(text)[1:-1].encode()


def pair(texts: list[str]) -> Pair:
    """Texts inside JSON quotes, as UTF-8 and as ASCII."""
    both = [escaped(text) for text in texts]
    return [utf8 for utf8, _ in both], [plain for _, plain in both]


def sentence(choose: random.Random) -> str:
    """A sentence of somebody who wants something, and sometimes another."""
    if choose.random() < 0.6:
        return _rambling(choose)
    first = choose.choice(PATTERNS).format(
        thing=choose.choice(THINGS), city=choose.choice(CITIES), name=choose.choice(NAMES), verb=choose.choice(VERBS),
        reason=choose.choice(REASONS), number=f"LF-{choose.randint(10000, 99999)}",
        amount=f"{choose.randint(5, 900)}.{choose.choice(('00', '50', '90', '95'))}",
    )  # fmt: skip
    return first + (" " + choose.choice(ASIDES) if choose.random() < 0.3 else "")


def _rambling(choose: random.Random) -> str:
    words = choose.choices(WORDS, k=choose.randint(6, 15))
    words[len(words) // 2] += choose.choice((",", ";", " –", "", ""))
    return " ".join(words).capitalize() + choose.choice((".", ".", ".", "?", "!"))


def paragraph(choose: random.Random, sentences: list[str], least: int, most: int) -> str:
    """Sentences in a row, with a line break now and then."""
    chosen = choose.choices(sentences, k=choose.randint(least, most))
    return "".join(f"{line}{choose.choice((' ', ' ', ' ', chr(10)))}" for line in chosen).strip()


def system_prompt(choose: random.Random, title: str, sentences: list[str], size: int) -> str:
    """The instructions of a call site: what it is, then numbered rules."""
    rules = "\n".join(f"{n}. {line}" for n, line in enumerate(choose.sample(sentences, size), 1))
    return f"You are the {title} of Larkfield.\nBe brief; never promise what the rules do not say.\n\n# Rules\n{rules}"


def tools(choose: random.Random, sentences: list[str]) -> str:
    """The tools of the agent, as a request writes them."""
    schema = {"type": "object", "properties": {"order": {"type": "string"}, "reason": {"type": "string"}}}
    described = [{"name": name, "description": choose.choice(sentences), "parameters": schema} for name in TOOLS]
    return json.dumps([{"type": "function", "function": function} for function in described], separators=(",", ":"))


class Library:
    """All texts, rendered once."""

    def __init__(self, seed: int) -> None:
        choose = random.Random(seed)
        lines = [sentence(choose) for _ in range(SENTENCES)]
        self.sentences = pair(lines)
        self.documents = pair([paragraph(choose, lines, 6, 12) for _ in range(DOCUMENTS)])
        self.questions = pair([f"{line} What can I do about article {n}?" for n, line in enumerate(lines[:QUESTIONS])])
        self.systems = {
            site: escaped(system_prompt(choose, title, lines, size))
            for site, title, size in (
                ("support", "support desk", 12), ("faq", "help page", 8), ("rag", "knowledge base", 10),
                ("triage", "mail room", 6), ("extract", "order desk", 8), ("agent", "back office", 10),
                ("summary", "morning shift", 5), ("review", "code review", 6),
            )
        }  # fmt: skip
        self.tools = tools(choose, lines).encode()
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in LABELS}, "required": ["other"]}
        wrapped = {"type": "json_schema", "json_schema": {"name": "order", "strict": True, "schema": schema}}
        self.schema = json.dumps(wrapped, separators=(",", ":")).encode()
        self.code = escaped(CODE)
