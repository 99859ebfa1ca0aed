"""In which language a text is written, as far as its script and its commonest words tell."""

from __future__ import annotations

import re
from collections import Counter

LOOKED_AT = 2_000  # characters
IN_SCRIPT = 0.3  # share of a text's letters: foreign names and code are Latin in any language
CLEAR = 3, 1.5  # common words found, and how many times those of the next language

# First and last character of a script, and the language or script that it stands for; kana before the characters that
# Japanese shares with Chinese.
SCRIPTS = (
    ("ja", "\u3040", "\u30ff"),
    ("zh", "\u3400", "\u9fff"),
    ("ko", "\uac00", "\ud7af"),
    ("cyrillic", "\u0400", "\u04ff"),
    ("greek", "\u0370", "\u03ff"),
    ("arabic", "\u0600", "\u06ff"),
    ("hebrew", "\u0590", "\u05ff"),
    ("devanagari", "\u0900", "\u097f"),
    ("thai", "\u0e00", "\u0e7f"),
)
COMMON = {
    "en": "the of and to in is you that it for with are this be have not on your what can how my",
    "de": "der die und das ist nicht ich sie ein eine zu den mit auf für wie von dem wir sich mein",
    "fr": "le la les des et est une pas que vous je dans pour ce qui sur avec mon nous du au",
    "es": "el los las que y es una no se por con para mi su lo como del está pero más",
    "it": "il che di non è un una per sono con mi ho della si come più gli anche ma questo",
    "pt": "o que não uma os para com é um por mais como se foi dos você meu ao da em",
    "nl": "het een en van ik niet dat is je op te voor met zijn maar deze naar mijn er ook",
}
_COMMON = {language: frozenset(words.split()) for language, words in COMMON.items()}
_SCRIPTS = {name: re.compile(f"[{first}-{last}]") for name, first, last in SCRIPTS}
_LATIN = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str | None:
    """A language or script such as "de" or "cyrillic"; None if the text does not tell."""
    cut = text[:LOOKED_AT].lower()
    letters = "" if cut.isascii() else "".join(filter(str.isalpha, cut))
    for name, script in _SCRIPTS.items() if letters else ():
        if len(script.findall(letters)) >= IN_SCRIPT * len(letters):
            return name
    return _latin(Counter(_LATIN.findall(cut)))


def _latin(words: Counter[str]) -> str | None:
    found = {name: sum(words[word] for word in common) for name, common in _COMMON.items()}
    (best, most), (_, next_most), *_ = sorted(found.items(), key=lambda item: -item[1])
    return best if most >= CLEAR[0] and most >= CLEAR[1] * next_most else None
