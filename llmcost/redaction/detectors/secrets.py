"""Keys, tokens and passwords: by the shapes that their issuers give them, and by what they are called.

A key is taken to its last letter, however long its issuer makes them: what is left of one is a leak. (So they are not
those of detect-secrets, which take as many letters as a key had when they were written.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from llmcost.redaction.detectors import naming
from llmcost.redaction.found import Found
from llmcost.redaction.scanning import groups, spans

Span = tuple[int, int]
_W, _H = "[A-Za-z0-9_-]", "[0-9a-f]"
# What a key begins with, and what follows it; by issuer. Most texts hold no beginning: all of them are one pass.
SHAPES: tuple[tuple[str, str], ...] = (
    (r"[srp]k[-_]", rf"(?:[a-z0-9]{{1,10}}[-_])?{_W}{{16,}}"),  # OpenAI, Anthropic, OpenRouter, Stripe, Langfuse
    (r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])", r"[A-Z0-9]{12,}"),  # AWS
    (r"gh[pousr]_", r"[A-Za-z0-9_]{20,}"),
    (r"github_pat_", r"[A-Za-z0-9_]{22,}"),
    (r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-", r"[A-Za-z0-9_.-]{16,}"),
    (r"GR1348941", rf"{_W}{{20,}}"),
    (r"xox[a-z][.-]", r"(?:xox[bp]-)?[A-Za-z0-9-]{10,}"),  # Slack
    (r"xapp-", r"[A-Za-z0-9-]{10,}"),
    (r"AIza", rf"{_W}{{30,}}"),  # Google
    (r"ya29\.", rf"{_W}{{20,}}"),
    (r"GOCSPX-", rf"{_W}{{20,}}"),
    (r"1//0", rf"{_W}{{30,}}"),
    (r"SG\.", rf"{_W}{{16,64}}\.{_W}{{16,}}"),  # SendGrid
    (rf"(?:AC|SK){_H}", rf"{_H}{{31}}"),  # Twilio
    (r"key-", rf"{_H}{{32}}"),  # Mailgun
    (r"sq0[a-z]{3}-", rf"{_W}{{20,}}"),
    (r"EAAA", rf"{_W}{{56,}}"),  # Square
    (r"EAA[B-Z]", r"[A-Za-z0-9]{60,}"),  # Meta
    (
        r"(?:hf|gsk|r8|npm|sbp|whsec|secret|phc|phx|nfp|dop_v1|doo_v1|shpat|shpca|shppa|shpss|lin_api|ntn)_",
        r"[A-Za-z0-9]{20,}",
    ),
    (r"(?:glsa_|dckr_pat_|figd_|PMAK-|lsv2_pt_|lsv2_sk_|pscale_tkn_|rzp_live_)", rf"{_W}{{14,}}"),
    (r"(?:xai-|nvapi-|pplx-|tvly-|sntrys_|tskey-|CFPAT-|dapi|hvs\.|hvb\.|ATATT3|ATCTT3)", rf"{_W}{{24,}}"),
    (r"pypi-", rf"{_W}{{40,}}"),
    (r"AGE-SECRET-KEY-1", r"[0-9A-Z]{40,}"),
    (r"AKC[A-Za-z0-9]", r"[A-Za-z0-9]{20,}"),  # Artifactory
    (r"[0-9]{8,10}:AA", rf"{_W}{{30,}}"),  # Telegram
    (r"[MNO][A-Za-z0-9_-]{22}", rf"{_W}{{1,5}}\.{_W}{{6}}\.{_W}{{27,}}"),  # Discord
    (r"eyJ[A-Za-z0-9]", rf"{_W}{{9,2000}}\.{_W}{{10,}}(?:\.{_W}*){{0,3}}"),  # JSON Web Tokens
    (r"https://hooks\.slack\.com/", r"[a-z]{2,12}/[A-Za-z0-9_/]{20,}"),
    (r"https://(?:[a-z]{1,12}\.)?discord(?:app)?\.com/api/webhooks/", rf"[0-9]+/{_W}{{20,}}"),
    (r"https://[a-z0-9-]{1,63}\.webhook\.office\.com/", r"[A-Za-z0-9@/_-]{20,}"),
)
_BEGINS = rf"(?:^|[^A-Za-z0-9])(?:{'|'.join(begin for begin, _ in SHAPES)})"
_KEY = re.compile("|".join(f"{begin}{rest}" for begin, rest in SHAPES))
# Keys that are told by their end: what must stand in the text, and the whole.
LATE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("-us", re.compile(r"(?<![0-9a-z])[0-9a-z]{32}-us[0-9]{{1,2}}")),  # Mailchimp
    ("8Q~", re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9][A-Za-z0-9_~.]{2}8Q~[A-Za-z0-9_~.-]{31,}")),  # Microsoft Entra
    ("Private-Lines", re.compile(r"Private-Lines: \d{1,3}\s+(?:[A-Za-z0-9+/=]{1,76}\s?)+")),  # PuTTY
    ("==", re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==")),  # Azure's storage
)
_IN_URL = r"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#\"'<>@]*):([^\s\"'<>]+)@"
_USER_IN_URL = r"://([A-Za-z0-9_-]{20,})(?::x-oauth-basic)?@"
_WEB = re.compile(r"(?:https?|wss?|ftp)\Z", re.IGNORECASE)
_A_PORT = re.compile(r"\d{1,5}(?:[/?#]|\Z)")
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"(?:[\w ]+: [^\n]*\n)*[A-Za-z0-9+/=\s]*")
_TO_END = re.compile(r"-----END [A-Z0-9 ]{0,30}-----")


class Secrets:
    """Finds keys, tokens and passwords."""

    def find(self, text: str) -> Iterator[Found]:
        """Every value that must not be read by others, without what says that it is one."""
        places = chain(_shaped(text), _in_urls(text), _private_keys(text), naming.called(text))
        return (Found(*span, "SECRET") for span in places)


def _shaped(text: str) -> Iterator[Span]:
    done = 0  # a name that looks like a key is looked at once, not from each of its syllables on
    for before, begun in spans(_BEGINS, text):
        key = (_KEY.match(text, before) or _KEY.match(text, before + 1)) if begun > done else None
        if key is not None:
            done = key.end()
            if _drawn(key[0]):
                yield key.span()
    for needle, shape in LATE:
        if needle in text:
            yield from (match.span() for match in shape.finditer(text))


def _drawn(key: str) -> bool:
    """Whether it was drawn by lot: names of things have no digits."""
    return any(map(str.isdigit, key[4:])) or key.isupper() or (not key.islower() and "-" not in key[4:])


def _in_urls(text: str) -> Iterator[Span]:
    """Passwords in URLs, also with signs in them that should have been escaped; and tokens in a user's place."""
    if "://" not in text:
        return
    for (begin, _), _, (start, end) in groups(_IN_URL, text):
        yield from _password(text, text[begin : text.index("://", begin)], start, end)
    for _, (start, end) in groups(_USER_IN_URL, text):
        if any(map(str.isdigit, text[start:end])):
            yield start, end


def _password(text: str, scheme: str, start: int, end: int) -> Iterator[Span]:
    """Up to the last @ before the host ends; a database's may hold a slash, a page's address goes on after one."""
    password = text[start:end]
    if _WEB.search(scheme):
        password = re.split(r"[/?#]", password)[0].rpartition("@")[0] or re.split(r"[/?#@]", password)[0]
        if start + len(password) < end and text[start + len(password)] != "@":
            return
    if password and not _A_PORT.match(password) and not naming.stands_for_one(password):
        yield start, start + len(password)


def _private_keys(text: str) -> Iterator[Span]:
    """Whole blocks; of one that was cut off, what there is of it."""
    if "PRIVATE KEY" not in text:
        return
    place, more = 0, True
    while (begin := _BEGIN.search(text, place)) is not None:
        end = _TO_END.search(text, begin.end()) if more else None
        more = end is not None
        cut = _BODY.match(text, begin.end())
        place = end.end() if end is not None else cut.end() if cut is not None else begin.end()
        yield begin.start(), place
