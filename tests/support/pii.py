"""Texts of production traffic in six languages, with personal data and keys at known places, and what only looks so.

Every value is made here, by the rules of its kind (numbering plans, check digits, shapes of keys), and not by what
looks for it. The same seed gives the same texts.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr", "es", "zh", "ar")
KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "SECRET")


@dataclass(frozen=True)
class Planted:
    """A value in a text: from `start` to before `end`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Document:
    language: str
    text: str
    planted: tuple[Planted, ...]


NAMES = {
    "en": ("james.carter", "olivia_w", "t.hughes", "priya.nair+billing"),
    "de": ("jürgen.weiß", "anna-lena.koch", "k.schulz", "info.müller"),
    "fr": ("chloé.martin", "j-p.dubois", "contact", "amélie.roux"),
    "es": ("maría.lópez", "j.garcía", "soporte", "pablo_ruiz88"),
    "zh": ("li.wei", "zhang_min", "wangfang88", "chen.hao"),
    "ar": ("m.alharbi", "fatima.hassan", "omar_k", "support"),
}
HOSTS = (
    "example.com",
    "mail.example.org",
    "firma-beispiel.de",
    "exemple.fr",
    "ejemplo.es",
    "kunde.co.uk",
    "qq-mail.cn",
)

# What says that a number is one, formats of the plan ("x" a digit), per language; international ones need no word.
PHONES = {
    "en": (
        ("Call me at {}", "(212) 5xx-xxxx"), ("my cell is {}", "415-5xx-xxxx"), ("Phone: {}", "312.5xx.xxxx"),
        ("reach me on {}", "+1 646 5xx xxxx"), ("fax {}", "+44 20 7946 0xxx"), ("WhatsApp {}", "+447700900xxx"),
        ("{}", "+1-202-555-01xx"),
    ),
    "de": (
        ("Tel.: {}", "030 9018xxxx"), ("Rückruf unter {}", "+49 30 9018xxx"), ("mobil {}", "0151 234xxxxx"),
        ("Telefon {}", "089/1234xxxx"), ("{}", "+49 171 23xxxxx"), ("{}", "0049 40 8765xxx"),
    ),
    "fr": (
        ("Tél. {}", "01 42 68 5x xx"), ("mon portable : {}", "06 12 34 xx xx"), ("{}", "+33 6 12 34 xx xx"),
        ("vous pouvez me joindre au {}", "0145678xxx"), ("{}", "+33 1 42 68 5x xx"),
    ),
    "es": (
        ("mi móvil es el {}", "612 34x xxx"), ("Teléfono: {}", "912 34x xxx"), ("{}", "+34 612 34x xxx"),
        ("llámame al {}", "61234xxxx"), ("{}", "+34 91 234 5x xx"),
    ),
    "zh": (
        ("手机：{}", "138xxxxxxxx"), ("请致电 {}", "010-6655xxxx"), ("我的电话是{}", "139 1234 xxxx"),
        ("{}", "+86 138 1234 xxxx"), ("联系电话 {}", "021-5888xxxx"),
    ),
    "ar": (
        ("هاتف {}", "+966 50 123 xxxx"), ("رقم الجوال {}", "0501234xxx"), ("اتصل بي على {}", "+971 50 123 xxxx"),
        ("{}", "+20 10 1234 xxxx"), ("هاتف: {}", "+966 11 456 xxxx"),
    ),
}  # fmt: skip
IBANS = {"DE": 18, "FR": 23, "ES": 20, "GB": 18, "NL": 14, "SA": 20, "AE": 19}
PATTERNS = {"FR": "0" * 23, "GB": "AAAA" + "0" * 14, "NL": "AAAA" + "0" * 10}
CARDS = (("4", 16), ("51", 16), ("55", 16), ("37", 15), ("34", 15), ("6011", 16), ("3530", 16), ("2221", 16))

SAID = {
    "en": ("Hello, my order {order} of {date} has not arrived. ", "Please write to ", "I paid {price} with card ",
           "refund to ", "I logged in from ", "Thanks, and regards."),
    "de": ("Guten Tag, meine Bestellung {order} vom {date} ist nicht da. ", "Bitte schreiben Sie an ",
           "Ich habe {price} mit Karte bezahlt: ", "Erstattung auf ", "Angemeldet von ", "Mit freundlichen Grüßen"),
    "fr": ("Bonjour, ma commande {order} du {date} n’est pas arrivée. ", "Écrivez-moi à ",
           "J’ai payé {price} par carte ", "remboursement sur ", "connexion depuis ", "Cordialement"),
    "es": ("Hola, mi pedido {order} del {date} no ha llegado. ", "Escríbame a ", "Pagué {price} con la tarjeta ",
           "reembolso a ", "sesión iniciada desde ", "Un saludo"),
    "zh": ("您好，我的订单 {order}（{date}）还没有收到。", "请发邮件到 ", "我用卡支付了 {price}：",
           "请退款到 ", "登录地址 ", "谢谢！"),
    "ar": ("مرحبا، طلبي {order} بتاريخ {date} لم يصل. ", "راسلوني على ", "دفعت {price} بالبطاقة ", "استرداد إلى ",
           "تسجيل الدخول من ", "شكرا لكم"),
}  # fmt: skip
CODE = (
    'OPENAI_API_KEY="{}"', "export AWS_ACCESS_KEY_ID={}", "curl -H 'Authorization: Bearer {}' https://api.example.com",
    "git clone https://ci:{}@git.example.com/app.git", "password: {}", "db_password = '{}'",
    '"client_secret": "{}"', "my token is {} and it does not work",
)  # fmt: skip
CONFIGURED = (
    "STRIPE_SECRET_KEY={}",
    "Server=db01;Database=shop;User Id=sa;Password={};Encrypt=true",
    "  api-key: {}",
    "postgres://app:{}@db01:5432/shop",
    "<password>{}</password>",
    "curl -u ci:{} https://example.com/x",
    "https://example.com/v1/items?access_token={}&page=2",
    "deploy --token={} --force",
    "spring.datasource.password={}",
    "{{'token': '{}', 'retries': 3}}",
    "machine git.example.com login ci password {}",
    "x-api-key: {}",
)
OTHER_SETTINGS = (
    "LOG_LEVEL=info", "max_tokens: 4096", "token_type: bearer", "password_min_length: 12", "port: 8080",
    "image: registry.example.com/app:1.24.7.3", "schedule: 0 3 * * 1", "api_key: ${API_KEY}", "replicas: 3",
    "checksum: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "primary_key: order_id",
)  # fmt: skip
LOOKALIKES: tuple[Callable[[random.Random], str], ...] = (
    lambda dice: f"order {digits(dice, 8)}",
    lambda dice: f"invoice 2026-{digits(dice, 6)}",
    lambda dice: f"ticket #{digits(dice, 7)}",
    lambda dice: f"on {dice.randint(2019, 2027)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d} at 12:30:45",
    lambda dice: f"{dice.randint(1, 28):02d}.{dice.randint(1, 12):02d}.20{dice.randint(19, 27)}",
    lambda dice: f"total 1,{digits(dice, 3)},{digits(dice, 3)}.{digits(dice, 2)}",
    lambda dice: f"${dice.randint(1, 9999)}.{digits(dice, 2)}",
    lambda dice: f"version {dice.randint(1, 9)}.{dice.randint(0, 20)}.{dice.randint(0, 9)}.{dice.randint(0, 99)}",
    lambda dice: f"commit {hexes(dice, 40)}",
    lambda dice: f"sha256 {hexes(dice, 64)}",
    lambda dice: f"{hexes(dice, 8)}-{hexes(dice, 4)}-4{hexes(dice, 3)}-a{hexes(dice, 3)}-{hexes(dice, 12)}",
    lambda dice: f"ISBN 978-3-16-{digits(dice, 6)}-0",
    lambda dice: f"timestamp 17{digits(dice, 8)}, 17{digits(dice, 11)}",
    lambda dice: f"parcel 1Z{digits(dice, 6)}A{digits(dice, 9)}",
    lambda dice: f"pi is 3.14159265{digits(dice, 6)}",
    lambda dice: f"max_tokens={dice.randint(100, 4000)}, temperature=0.{digits(dice, 2)}",
    lambda dice: "the password must be at least twelve characters long",
    lambda dice: "reset your password: follow the link, then choose a token",
    lambda dice: "@types/node and @app.route and std::vector::push_back and a::b",
    lambda dice: f"lat 52.{digits(dice, 6)}, lon 13.{digits(dice, 6)}",
    lambda dice: f"row {digits(dice, 4)} {digits(dice, 4)} {digits(dice, 4)}",
    lambda dice: "127.0.0.1 and ::1 and 0.0.0.0:8080 listen",
    lambda dice: f"SKU {letters(dice, 3)}-{digits(dice, 5)}",
    lambda dice: f"EAN 40{digits(dice, 11)}",
)


def digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(string.digits, k=count))


def hexes(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("0123456789abcdef", k=count))


def letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(string.ascii_uppercase, k=count))


def mixed(dice: random.Random, count: int) -> str:
    """Letters and digits, of each at least one."""
    return "a7" + "".join(dice.choices(string.ascii_letters + string.digits, k=count - 2))


def email(dice: random.Random, language: str) -> str:
    return f"{dice.choice(NAMES[language])}@{dice.choice(HOSTS)}"


def card(dice: random.Random) -> str:
    prefix, length = dice.choice(CARDS)
    body = prefix + digits(dice, length - len(prefix) - 1)
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(body))]
    check = -sum(value - 9 if value > 9 else value for value in doubled) % 10
    number = f"{body}{check}"
    return dice.choice((number, _grouped(number, " "), _grouped(number, "-")))


def iban(dice: random.Random) -> str:
    country = dice.choice(sorted(IBANS))
    pattern = PATTERNS.get(country, "0" * IBANS[country])
    body = "".join(letters(dice, 1) if place == "A" else digits(dice, 1) for place in pattern)
    moved = "".join(str(int(letter, 36)) for letter in f"{body}{country}00")
    number = f"{country}{98 - int(moved) % 97:02d}{body}"
    return dice.choice((number, _grouped(number, " ")))


def ip(dice: random.Random) -> str:
    if dice.random() < 0.75:
        rest = (dice.randint(0, 255), dice.randint(0, 255), dice.randint(1, 254))
        return ".".join(map(str, (dice.choice((10, 84, 91, 172, 192, 203)), *rest)))
    return f"2001:db8:{hexes(dice, 4)}:{hexes(dice, 4)}::{hexes(dice, 3)}"


def phone(dice: random.Random, language: str) -> tuple[str, str]:
    """What says that it is one, with a place for the number; and the number."""
    said, plan = dice.choice(PHONES[language])
    return said, "".join(digits(dice, 1) if letter == "x" else letter for letter in plan)


def secret(dice: random.Random) -> str:
    shapes = (
        f"sk-proj-{mixed(dice, 48)}",
        f"sk-ant-api03-{mixed(dice, 60)}",
        f"AKIA{letters(dice, 16)}",
        f"ghp_{mixed(dice, 36)}",
        f"github_pat_{mixed(dice, 60)}",
        f"xoxb-{digits(dice, 11)}-{digits(dice, 12)}-{mixed(dice, 24).lower()}",
        f"AIza{mixed(dice, 35)}",
        f"hf_{mixed(dice, 34)}",
        f"eyJ{mixed(dice, 30)}.eyJ{mixed(dice, 60)}.{mixed(dice, 43)}",
    )
    return dice.choice(shapes)


def password(dice: random.Random) -> str:
    return f"{mixed(dice, 8)}!{digits(dice, 2)}"


def _grouped(number: str, by: str) -> str:
    return by.join(number[start : start + 4] for start in range(0, len(number), 4))


class Writer:
    """Puts a text together and notes where the values stand."""

    def __init__(self) -> None:
        self._text, self._planted = "", list[Planted]()

    def say(self, text: str) -> Writer:
        self._text += text
        return self

    def plant(self, kind: str, value: str, written: str | None = None) -> Writer:
        written = value if written is None else written
        self._planted.append(Planted(len(self._text), len(self._text) + len(written), kind))
        self._text += written
        return self

    def document(self, language: str) -> Document:
        return Document(language, self._text, tuple(self._planted))


def mail(dice: random.Random, language: str) -> Document:
    """What a customer writes."""
    hello, write, paid, refund, logged, bye = SAID[language]
    facts = {
        "order": digits(dice, 8),
        "date": f"{dice.randint(1, 28)}.10.2026",
        "price": f"{dice.randint(5, 900)},{digits(dice, 2)} €",
    }
    writer = Writer().say(hello.format(**facts)).say(write).plant("EMAIL", email(dice, language)).say(". ")
    said, number = phone(dice, language)
    before, after = said.split("{}")
    writer.say(before).plant("PHONE", number).say(f"{after}. ")
    if dice.random() < 0.5:
        writer.say(paid.format(**facts)).plant("CARD", card(dice)).say(". ")
    if dice.random() < 0.5:
        writer.say(refund).plant("IBAN", iban(dice)).say(". ")
    if dice.random() < 0.5:
        writer.say(logged).plant("IP", ip(dice)).say(". ")
    return writer.say(dice.choice(LOOKALIKES)(dice)).say(f". {bye}").document(language)


def record(dice: random.Random, language: str) -> Document:
    """What a program puts into a prompt."""
    writer = Writer().say(f'{{"order": "{digits(dice, 8)}", "email": "').plant("EMAIL", email(dice, language))
    writer.say('", "phone": "').plant("PHONE", phone(dice, language)[1]).say('", "iban": "').plant("IBAN", iban(dice))
    writer.say('", "card": "').plant("CARD", card(dice)).say('", "ip": "').plant("IP", ip(dice))
    return writer.say(f'", "amount": {dice.randint(1, 99)}.{digits(dice, 2)}, "id": "{hexes(dice, 24)}"}}').document(
        language
    )


def code(dice: random.Random, language: str) -> Document:
    """What a developer pastes."""
    writer = Writer().say(f"{SAID[language][0].format(order=digits(dice, 8), date='2026-10-03', price='')}\n```sh\n")
    for template in dice.sample(CODE, 3):
        before, after = template.split("{}")
        value = password(dice) if "assword" in template or "secret" in template else secret(dice)
        writer.say(before).plant("SECRET", value).say(f"{after}\n")
    return writer.say(f"# {dice.choice(LOOKALIKES)(dice)}\n```").document(language)


def config(dice: random.Random, language: str) -> Document:
    """What an administrator pastes: settings, of which some are secret."""
    writer = Writer().say(f"{SAID[language][0].format(order=digits(dice, 8), date='2026-10-03', price='')}\n")
    for template in dice.sample(CONFIGURED, 4):
        before, after = template.replace("{{", "{").replace("}}", "}").split("{}")
        writer.say(before).plant("SECRET", password(dice) if "assword" in template else mixed(dice, 24)).say(after)
        writer.say(f"\n{dice.choice(OTHER_SETTINGS)}\n")
    return writer.document(language)


def chat(dice: random.Random, language: str) -> Document:
    """What was said in turn, as JSON that was put into a text once more."""
    writer = Writer().say('{"turns": ["' + in_json(in_json(f'user: "{SAID[language][1]}')))
    writer.plant("EMAIL", email(dice, language)).say(in_json(in_json('"\n')))
    said, number = phone(dice, language)
    before, after = said.split("{}")
    writer.say(in_json(in_json(f"agent: ok\nuser:\t{before}"))).plant("PHONE", number).say(
        in_json(in_json(f"{after}\n"))
    )
    writer.say("user: ").plant("CARD", card(dice)).say(in_json(in_json("\n"))).plant("IBAN", iban(dice))
    return writer.say(in_json(in_json(f"\n{dice.choice(LOOKALIKES)(dice)}")) + '"]}').document(language)


def log_lines(dice: random.Random, language: str) -> Document:
    """What a server writes."""
    writer = Writer()
    for _ in range(4):
        writer.say(f"2026-10-{dice.randint(1, 28):02d}T12:30:45.{digits(dice, 3)}Z INFO req={hexes(dice, 16)} client=")
        writer.plant("IP", ip(dice)).say(f" took {dice.randint(1, 999)} ms user=")
        writer.plant("EMAIL", email(dice, language)).say(f" {dice.choice(LOOKALIKES)(dice)}\n")
    return writer.document(language)


def nothing(dice: random.Random, language: str) -> Document:
    """What only looks so."""
    said = "; ".join(look(dice) for look in dice.sample(LOOKALIKES, 6))
    return (
        Writer()
        .say(SAID[language][0].format(order=digits(dice, 8), date="03.10.2026", price=""))
        .say(said)
        .document(language)
    )


def hard(dice: random.Random, language: str) -> Document:
    """Values as people write them who do not think of machines. How much of this is found is measured, not promised."""
    hello, write, *_ = SAID[language]
    name, host = email(dice, language).split("@")
    national = f"138{digits(dice, 8)}"
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    kind, value = dice.choice(
        (
            ("EMAIL", f"{name} (at) {host.replace('.', ' dot ')}"),
            ("EMAIL", f"{name} [at] {host}"),
            ("EMAIL", f"{name}%40{host}"),
            ("PHONE", national),
            ("PHONE", f"+49 (0) 30 {digits(dice, 4)}-{digits(dice, 3)}"),
            ("PHONE", phone(dice, "de")[1].translate(wide)),
            ("CARD", _grouped(re.sub(r"\D", "", card(dice)), ".")),
            ("IBAN", iban(dice).lower()),
            ("IP", f"{ip(dice)}/24"),
            ("SECRET", f"{hexes(dice, 8)}-{hexes(dice, 4)}-{hexes(dice, 4)}-{hexes(dice, 4)}-{hexes(dice, 12)}"),
            ("SECRET", dice.choice(("sunshine", "letmein", "dragonfly"))),
            ("SECRET", hexes(dice, 40)),
        )
    )
    said = "api key: " if kind == "SECRET" and "-" in value else "password: " if kind == "SECRET" else write
    return Writer().say(hello.format(order="1", date="3.10.", price="")).say(said).plant(kind, value).document(language)


Form = Callable[[random.Random, str], Document]
FORMS: tuple[Form, ...] = (mail, record, code, config, chat, log_lines, nothing)


def corpus(count: int, seed: int = 7, forms: Sequence[Form] = FORMS) -> Iterator[Document]:
    """So many documents of every form in every language."""
    for language in LANGUAGES:
        for form in forms:
            dice = random.Random(f"{seed}:{language}:{form.__name__}")
            yield from (form(dice, language) for _ in range(count))


def as_prompt(document: Document) -> dict[str, object]:
    """The document as a request."""
    return {"model": "m", "messages": [{"role": "user", "content": document.text}]}


def in_json(text: str) -> str:
    """The text as it stands in JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
