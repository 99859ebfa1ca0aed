"""What is called a password, a token or a key: `DB_PASSWORD=…`, `"apiKey": "…"`, `密码：…`, `Authorization: Bearer …`.

A name alone says little: prompts are full of code about passwords. What follows the name must look like one: a password
is no word of a sentence and no expression of a program, a token was drawn by lot, a PIN has a few digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from llmcost.redaction.names import LITERAL
from llmcost.redaction.scanning import compiled

Span = tuple[int, int]
LONG = 400  # letters: what is called so in a stretch as long as this is not looked for in it again

_PASSWORD = (
    r"password|passwort|passwd|passphrase|passcode|passkey|kennwort|mot de passe|motdepasse|contrase(?:\xf1|n)a|senha|"
    r"secret|geheimnis|pwd|pass|pw|mdp|clave|psk"
)
_TOKEN = (
    r"token|(?:api|access|auth|account|private|encryption|signing|master|subscription|shared|function|host|license|aws|"
    r"deploy|client|app|service|storage|webhook|secret)[ _-]?(?:access[ _-]?)?key|apikey|accountkey|credentials?|"
    r"sessionid|sid|jsessionid|phpsessid|jwt|csrf|xsrf|auth|authorization|sig|signature|bearer|otp[ _-]?seed"
)
_PIN = (
    r"pin(?:[ _-]?code)?|cvv2?|cvc2?|otp|tan|"
    r"(?:verification|one-time|security|confirmation|login|sms|2fa|access)[ -](?:code|pin)"
)
_SUFFIX = r"(?:[_-]?(?:key|id|hash|value|string|b64|base64|prod|dev|test|live|old|new|main|[0-9]{1,2}))?"
_SIGN = r"[\"'`\])*]{0,3}?\s{0,3}(?::=|=>|={1,3}|:{1,2}|[|>]|[\"']\s{1,3}value\s?=)\s{0,3}"
_WORD = r"[ \t]+(?:is|ist|lautet|est|es|\xe8|\xe9|was|war|:)[ \t]{1,3}|[ \t]{1,2}"  # nothing at all says the least
_SCHEME = r"(?:(?:bearer|basic|token|digest|apikey)[ \t]{1,3})?"
_VALUE = r"(?:\"[^\"\n]{1,8000}\"|'[^'\n]{1,8000}'|`[^`\n]{1,8000}`|[^\s\"'`<>]{3,8000})"
_ARGUMENT = r"(\"[^\"\n]+\"|'[^'\n]+'|[^\s\"'`<>]{3,})"
_CALLED = rf"(?:{_PASSWORD}|{_TOKEN}|{_PIN}){_SUFFIX}(?:{_SIGN}|{_WORD}){_SCHEME}"  # no groups: they would be slow
_PARTS = re.compile(
    rf"(?:({_PASSWORD})|({_TOKEN})|({_PIN})){_SUFFIX}(?:{_SIGN}|({_WORD})){_SCHEME}({_VALUE})", re.IGNORECASE
)
_FLAG = (
    rf"--[a-z-]{{0,30}}(?:password|passwd|passphrase|secret|token|api-key|key)[= ]{_ARGUMENT}|"
    rf"(?:curl|wget)[^\n]{{0,200}} -u [^\s:]{{1,64}}:{_ARGUMENT}|"
    rf"(?:mysql[a-z]{{0,10}}|mariadb|sshpass)[^\n]{{0,200}} -p{_ARGUMENT}|"
    rf"auth=\([\"'][^\"'\n]{{1,64}}[\"'],\s?{_ARGUMENT}"
)
_BARE = r"(?:bearer|basic)[ \t]{1,3}([A-Za-z0-9._~+/=-]{12,})"
_ELSEWHERE = re.compile(
    r"(?:密码|密碼|口令|验证码|驗證碼|認証コード|密钥|"
    r"パスワード|暗証番号|비밀번호|пароль|كلمة (?:المرور|السر)|الرقم السري|पासवर्ड)"
    r"(?:是|为|為|は|هي|هو|:|：|=|\s){1,4}[\"'`「]?([^\s\"'`<>，。、；」]{4,200})",
    re.IGNORECASE,
)
_ELSEWHERE_SAID = (
    "密",
    "口令",
    "证码",
    "證碼",
    "認証",
    "パスワード",
    "暗証",
    "비밀",
    "ароль",
    "كلمة",
    "السري",
    "पासवर्ड",
)
_LONG = re.compile(r"pass[pkwc]|secret|kennwort|contrase|api", re.IGNORECASE)  # what no other word ends with
_CUT = re.compile(r"[,;)\]}]+(?=\s|\Z|[\w ]{1,40}[=:])|[.:]+\Z|[)\]}]+[,;.]*\Z|\)[;,]")
_NO_VALUE = frozenset((
    "required", "optional", "string", "str", "none", "null", "nil", "true", "false", "undefined", "empty", "invalid",
    "incorrect", "wrong", "changed", "reset", "expired", "hidden", "field", "text", "input", "must", "bytes", "int",
    "integer", "bool", "boolean", "any", "object", "password", "passwort", "token", "secret", "key", "value",
    "contraseña", "kennwort", "default", "encrypted", "hashed", "redacted", "masked", "unknown", "missing", "not",
    "the", "and", "for", "with", "your", "see", "there", "sha256", "sha512", "bcrypt", "md5", "base64", "oauth2",
    "oauth", "sso", "ldap", "saml", "varchar", "char", "unset", "disabled", "enabled", "yes", "no", "n/a",
))  # fmt: skip
_TEMPLATE = re.compile(r"\$.*|\{.*|%[\w(].*|<.*|![A-Z]\w*|[*xX•.\-_#?…]+|[A-Z][A-Z_]*|(?i:your[-_ ]).*", re.DOTALL)
_CODE = re.compile(
    r"[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+(?:[(\[].*)?|[A-Za-z_$][\w$]*[(\[].*|&\w.*|@[\w.]+|/[\w/.-]*", re.DOTALL
)
_NUMBERS = re.compile(r"[\d/.,:%-]{1,6}")
_LINE_ENDS = re.compile(r"[\"'`,;)\]}]{0,3}[ \t\r]{0,3}(?:\n|\Z|<)")
_A_SIGN = re.compile(r"[^\w.,:;/()-]")


def called(text: str) -> Iterator[Span]:
    """The values of what is called a secret."""
    done = 0
    for match in compiled(_CALLED, ignore_case=True).finditer(text.encode("latin-1", "replace")):
        parts = _PARTS.match(text, match.start()) if match.start() >= done else None
        if parts is None:
            continue
        kind = next(group for group in (1, 2, 3) if parts[group] is not None)
        if _begins_a_word(text, match.start(), parts[kind]):
            for span in _judged(text, parts.span(5), _likely(kind, parts[4]), said=parts[4] is not None):
                yield span
                done = span[1]
        if parts.end() - parts.start(5) > LONG:
            done = parts.end()
    yield from _elsewhere(text)
    yield from _of_commands(text)


def stands_for_one(value: str, *, quoted: bool = False) -> bool:
    """Whether it is a variable, an expression, or dots in a secret's place."""
    if _TEMPLATE.fullmatch(value) is not None:
        return not any(map(str.isdigit, value))
    return not quoted and _CODE.fullmatch(value) is not None and sum(map(str.isdigit, value)) < 3


def _of_commands(text: str) -> Iterator[Span]:
    data = text.encode("latin-1", "replace")
    if " -" in text or "auth=(" in text:
        for match in compiled(_FLAG).finditer(data):
            argument = next(match.span(group) for group in range(1, 5) if match.start(group) >= 0)
            yield from _judged(text, argument, _a_password, said=False)
    for match in compiled(_BARE, ignore_case=True).finditer(data):
        yield from _judged(text, match.span(1), _a_token, said=True)


def _elsewhere(text: str) -> Iterator[Span]:
    """In languages whose letters Latin-1 does not have."""
    if not text.isascii() and any(word in text for word in _ELSEWHERE_SAID):
        for match in _ELSEWHERE.finditer(text):
            yield from _judged(text, match.span(1), _a_password, said=True)


def _begins_a_word(text: str, at: int, word: str) -> bool:
    """Whether the name begins here: `dbPassword` and `db_pass` are passwords, a compass is not."""
    before = text[at - 1 : at]
    if text[at - 2 : at] == "</" or (before == "<" and LITERAL.match(text, at - 1)):
        return False
    if not before.isalpha() or not before.isascii() or _LONG.match(word):
        return True
    return before.islower() and word[0].isupper()


def _judged(text: str, span: Span, likely: Callable[[str, bool, bool], bool], *, said: bool) -> Iterator[Span]:
    """The value without its quotes and without what ends its sentence, if it is likely to be one."""
    start, end = span
    quoted = end - start > 2 and text[start] in "\"'`" and text[end - 1] == text[start]
    if quoted:
        start, end = start + 1, end - 1
    else:
        in_query = _in_query(text, start)
        end = start + len(_shortened(text[start:end], in_query))
    value = text[start:end]
    alone = quoted or _LINE_ENDS.match(text, end) is not None
    if (
        value
        and value.lower() not in _NO_VALUE
        and not stands_for_one(value, quoted=quoted)
        and likely(value, alone, said)
    ):
        yield start, end


def _in_query(text: str, start: int) -> bool:
    """Whether it is a parameter of a URL, which ends at the next one."""
    name = re.search(r"[?&][\w.-]{1,64}=\Z", text[max(0, start - 66) : start])
    return name is not None


def _shortened(value: str, in_query: bool) -> str:
    if in_query:
        value = re.split(r"[&#]", value)[0]
    cut = _CUT.search(value)
    return value if cut is None else value[: cut.start()]


def _likely(kind: int, word: str | None) -> Callable[[str, bool, bool], bool]:
    return _surely if word is not None and not word.strip() else _LIKELY[kind]


def _surely(value: str, alone: bool, said: bool) -> bool:
    """Whether it must have been drawn, for nothing but its neighbour says that it is a secret."""
    letters, digits = any(map(str.islower, value)), sum(map(str.isdigit, value))
    return len(value) >= 8 and letters and digits >= 2 and (_mixed(value) or _A_SIGN.search(value) is not None)


def _a_password(value: str, alone: bool, said: bool) -> bool:
    if _NUMBERS.fullmatch(value):
        return alone and value.isdigit() and len(value) >= 4
    if len(value) < 4 or "://" in value:
        return alone and len(value) == 3
    drawn = any(map(str.isdigit, value)) or _A_SIGN.search(value) is not None or _mixed(value)
    if said:
        return drawn and " " not in value
    return drawn or (len(value) >= 6 and alone)


def _a_token(value: str, alone: bool, said: bool) -> bool:
    if len(value) < 8 or " " in value:
        return False
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    return (letters and digits and (not said or len(value) >= 12)) or (
        len(value) >= 20 and _mixed(value) and "-" not in value
    )


def _a_pin(value: str, alone: bool, said: bool) -> bool:
    return 3 <= len(value) <= 10 and re.fullmatch(r"\d+(?:[ -]\d+)?", value) is not None


def _mixed(value: str) -> bool:
    """Capitals inside a word: no word of a sentence has them."""
    return not value.islower() and not value.isupper() and not value.istitle() and not value[1:].islower()


_LIKELY: Mapping[int, Callable[[str, bool, bool], bool]] = {1: _a_password, 2: _a_token, 3: _a_pin}
