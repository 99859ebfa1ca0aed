"""Keys, tokens and passwords: by the shapes that detect-secrets knows, newer shapes, and what is called a secret.

A shape is looked for where one of its needles stands in the text: most texts hold none, and cost one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from llmcost.redaction.found import Found

Shape = tuple[Sequence[str], re.Pattern[str]]

# Plug-ins of detect-secrets whose shapes are precise and take no more time than a text is long; and what must stand in
# a text for each.
PLUGINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "artifactory": ("ArtifactoryDetector", ("AKC", *(f"AP{digit}" for digit in "0123456789ABCDEF"))),
    "aws": ("AWSKeyDetector", ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aws", "AWS")),
    "azure_storage_key": ("AzureStorageKeyDetector", ("AccountKey=",)),
    "basic_auth": ("BasicAuthDetector", ("://",)),
    "cloudant": ("CloudantDetector", ("cloudant",)),
    "github_token": ("GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    "gitlab_token": ("GitLabTokenDetector", ("glp", "gld", "glf", "gls", "glr", "glc", "gli", "gla", "GR1348941")),
    "mailchimp": ("MailchimpDetector", ("-us",)),
    "openai": ("OpenAIDetector", ("T3BlbkFJ",)),
    "pypi_token": ("PypiTokenDetector", ("pypi-",)),
    "sendgrid": ("SendGridDetector", ("SG.",)),
    "slack": ("SlackDetector", ("xox", "hooks.slack.com")),
    "square_oauth": ("SquareOAuthDetector", ("sq0csp-",)),
    "stripe": ("StripeDetector", ("k_live_",)),
    "telegram_token": ("TelegramBotTokenDetector", (":AA",)),
    "twilio": ("TwilioKeyDetector", ("AC", "SK")),
}
WORD = r"(?<![A-Za-z0-9])"
NEWER: tuple[Shape, ...] = (
    (("sk-", "pk-", "rk-"), re.compile(WORD + r"[spr]k-(?:[a-z]{2,10}-)?[A-Za-z0-9_-]{20,200}")),
    (("github_pat_",), re.compile(WORD + r"github_pat_[A-Za-z0-9_]{22,255}")),
    (("AIza",), re.compile(WORD + r"AIza[A-Za-z0-9_-]{35}")),
    (("ya29.",), re.compile(WORD + r"ya29\.[A-Za-z0-9_-]{20,200}")),
    (("GOCSPX-",), re.compile(WORD + r"GOCSPX-[A-Za-z0-9_-]{28}")),
    (("hf_", "gsk_", "xai-", "r8_", "npm_", "dop_v1_", "shpat_", "lin_api_"),
     re.compile(WORD + r"(?:hf_|gsk_|xai-|r8_|npm_|dop_v1_|shpat_|lin_api_)[A-Za-z0-9]{20,200}")),
    (("xapp-", "xoxe"), re.compile(WORD + r"(?:xapp|xoxe(?:\.xox[bp])?)-[A-Za-z0-9-]{10,200}")),
    (("_authToken",), re.compile(r":_authToken=[ ]{0,3}([A-Za-z0-9_-]{20,200})")),
    (("k_test_",), re.compile(WORD + r"[sr]k_test_[0-9A-Za-z]{20,200}")),
    (("eyJ",), re.compile(WORD + r"eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,2000})?")),
    (("-----BEGIN",), re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]{1,20000}(?:-----END [A-Z0-9 ]{0,30}-----)?")),
    (("earer ", "EARER ", "asic "), re.compile(r"(?i:bearer|basic)[ ]{1,3}([A-Za-z0-9._~+/=-]{16,2000})")),
)  # fmt: skip
CALLED = re.compile(
    r"(?<![A-Za-z])(?:"
    r"pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|mot de passe|contraseña|clave|密码|كلمة (?:المرور|السر)|"
    r"(?:client|app|shared)?[_ -]?secret(?:[_ -]?(?:access[_ -]?)?key)?|"
    r"(?:auth|access|refresh|api|session|bot)?[_ -]?token|"
    r"(?:api|access|private|encryption|signing)[_ -]?key"
    r")(?![A-Za-z])[\"'`]?\s{0,3}(?:[:=：]|:=|=>|\bis\b|\bist\b|\best\b|\bes\b|是|هي)\s{0,3}[\"'`]?"
    r"([^\s\"'`,;<>(){}\[\]]{6,200})",
    re.IGNORECASE,
)
CALLED_NEEDLES = ("pass", "pwd", "kennwort", "contrase", "clave", "密码", "كلمة", "secret", "token", "key")


A_PASSWORD = re.compile(
    r"(?<![A-Za-z])(?:pass(?:word|wd|phrase|code)|pwd|passwort|kennwort|contraseña|mot de passe|密码)[\"']?[ ]?[:=：]"
    r"[ ]?[\"']?([^\s\"'<>{}]{6,64})(?=[\"'][,;]?\s|[\"']?\s*(?:\n|\Z))",
    re.IGNORECASE,
)


class Secrets:
    """Finds keys, tokens and passwords."""

    def find(self, text: str) -> Iterator[Found]:
        """Every value that must not be read by others, without what says that it is one."""
        for needles, shape in shapes() if _gate().search(text) else ():
            if any(needle in text for needle in needles):
                for match in shape.finditer(text):
                    yield Found(*_span(match), "SECRET")
        lowered = text.lower()
        if any(needle in lowered for needle in CALLED_NEEDLES):
            for match in CALLED.finditer(text):
                value = match[1].rstrip(".!?:")
                if _secretive(value):
                    yield Found(match.start(1), match.start(1) + len(value), "SECRET")
            for match in A_PASSWORD.finditer(text):  # alone on what is left of its line it may be any word
                if not _placeholder(match[1]):
                    yield Found(*match.span(1), "SECRET")


@cache
def shapes() -> tuple[Shape, ...]:
    """All shapes, with their needles."""
    known = []
    for module, (name, needles) in PLUGINS.items():
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
        known += [(needles, pattern) for pattern in plugin.denylist]
    return (*NEWER, *known)


@cache
def _gate() -> Any:
    """What says in one pass whether any needle stands in a text."""
    import re2

    return re2.compile("|".join(sorted({re2.escape(needle) for needles, _ in shapes() for needle in needles})))


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret itself stands: the last group that matched, which is shorter than its surroundings."""
    group = match.lastindex or 0
    return match.span(group) if match.end(group) - match.start(group) >= 4 else match.span()


def _secretive(value: str) -> bool:
    """Whether it is no word of a sentence: letters mixed with digits or signs."""
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    signs = any(not letter.isalnum() for letter in value[:-1])
    return letters and (digits or (signs and len(value) >= 8 and "/" not in value)) and not _placeholder(value)


def _placeholder(value: str) -> bool:
    """Whether it stands for a secret: a variable of a template, or dots."""
    return value.startswith(("$", "%", "{", "<")) or set(value) <= set("*xX•.-_")
