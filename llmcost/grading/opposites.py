"""Words and signs that turn a statement around, as data: what a small but serious error in an answer looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Either stands for the other; the longest that fits is taken.
OPPOSITES = (
    ("always", "never"),
    ("must", "must not"),
    ("before", "after"),
    ("increase", "decrease"),
    ("increases", "decreases"),
    ("increased", "decreased"),
    ("increasing", "decreasing"),
    ("rise", "fall"),
    ("rose", "fell"),
    ("higher", "lower"),
    ("highest", "lowest"),
    ("larger", "smaller"),
    ("more than", "less than"),
    ("at least", "at most"),
    ("above", "below"),
    ("minimum", "maximum"),
    ("true", "false"),
    ("yes", "no"),
    ("all of", "none of"),
    ("first", "last"),
    ("earliest", "latest"),
    ("with", "without"),
    ("valid", "invalid"),
    ("correct", "incorrect"),
    ("possible", "impossible"),
    ("safe", "unsafe"),
    ("allowed", "forbidden"),
    ("included", "excluded"),
    ("required", "optional"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("accept", "reject"),
    ("accepted", "rejected"),
    ("approved", "declined"),
    ("succeeded", "failed"),
    ("success", "failure"),
    ("positive", "negative"),
    ("open", "closed"),
    ("buyer", "seller"),
    ("sender", "recipient"),
    ("debit", "credit"),
    ("asc", "desc"),
    ("immer", "nie"),
    ("muss", "darf nicht"),
    ("müssen", "dürfen nicht"),
    ("ja", "nein"),
    ("mehr als", "weniger als"),
    ("mindestens", "höchstens"),
    ("toujours", "jamais"),
    ("oui", "non"),
    ("avant", "après"),
    ("plus de", "moins de"),
    ("siempre", "nunca"),
    ("más", "menos"),
    ("antes", "después"),
)

# Said only in this direction: a denial put in, or taken out. Small letters only, so that no question is turned.
TURNED = (
    ("is", "is not"),
    ("are", "are not"),
    ("was", "was not"),
    ("were", "were not"),
    ("can", "cannot"),
    ("will", "will not"),
    ("should", "should not"),
    ("is not", "is"),
    ("are not", "are"),
    ("was not", "was"),
    ("were not", "were"),
    ("cannot", "can"),
    ("can not", "can"),
    ("will not", "will"),
    ("should not", "should"),
    ("may not", "may"),
    ("do not", "do"),
    ("does not", "does"),
    ("did not", "did"),
    ("has not", "has"),
    ("have not", "have"),
    ("isn't", "is"),
    ("aren't", "are"),
    ("wasn't", "was"),
    ("can't", "can"),
    ("won't", "will"),
    ("don't", "do"),
    ("doesn't", "does"),
    ("didn't", "did"),
    ("shouldn't", "should"),
    ("no longer", "still"),
    ("ist", "ist nicht"),
    ("sind", "sind nicht"),
    ("wird", "wird nicht"),
    ("kann", "kann nicht"),
    ("ist nicht", "ist"),
    ("kann nicht", "kann"),
    ("est", "n'est pas"),
    ("n'est pas", "est"),
)

# Of writing without spaces, so that no end of a word is asked for.
UNSPACED = (
    ("不是", "是"),
    ("不能", "能"),
    ("不可以", "可以"),
    ("没有", "有"),
    ("必须", "不得"),
    ("增加", "减少"),
    ("之前", "之后"),
    ("以上", "以下"),
    ("できます", "できません"),
    ("です", "ではありません"),
    ("します", "しません"),
    ("있습니다", "없습니다"),
    ("입니다", "이 아닙니다"),
)

# In code. A sign is matched with the spaces around it, so that no arrow, pointer or generic type is.
OPERATORS = (
    (" < ", " <= "),
    (" > ", " >= "),
    (" == ", " != "),
    (" === ", " !== "),
    (" + ", " - "),
    (" += ", " -= "),
    (" * ", " / "),
    (" && ", " || "),
    (" and ", " or "),
    (" AND ", " OR "),
    (" IS NULL", " IS NOT NULL"),
    (" DESC", " ASC"),
    (" LEFT JOIN ", " JOIN "),
    ("True", "False"),
    ("true", "false"),
    ("min(", "max("),
    ("MIN(", "MAX("),
    ("SUM(", "COUNT("),
    ("[0]", "[1]"),
    ("[-1]", "[0]"),
    ("range(1, ", "range("),
    ("break", "continue"),
)

# In code, too, but in this direction alone: the other one may not even parse.
SIMPLER = ((" if not ", " if "), (" not in ", " in "), (" await ", " "))

# Members of one kind, of which one can stand wrongly for another.
GROUPS = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "December"),
    ("Paris", "London", "Berlin", "Madrid", "Rome", "Vienna", "Tokyo", "Sydney", "Boston", "Chicago", "Toronto"),
    ("France", "Germany", "Spain", "Italy", "Austria", "Japan", "Canada", "Brazil", "India", "China", "Mexico"),
    ("USD", "EUR", "GBP", "JPY", "CHF", "CAD"),
    ("Python", "Java", "Ruby", "Rust", "Kotlin", "PHP"),
    ("PostgreSQL", "MySQL", "SQLite", "Oracle", "MongoDB"),
    ("GET", "POST", "PUT", "DELETE", "PATCH"),
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years"),
    ("minute", "hour", "day", "week", "month", "year"),
    ("kilograms", "grams", "milligrams", "pounds"),
    ("kilometers", "kilometres", "metres", "meters", "miles"),
    ("dollars", "euros", "pounds", "cents"),
    ("million", "billion", "thousand"),
    ("mother", "father", "sister", "brother"),
    ("north", "south", "east", "west"),
    ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
)


def both_ways(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Word → its opposite, whichever of the two comes first in the table."""
    return {two: one for one, two in reversed(pairs)} | dict(reversed(pairs))


def finder(words: Mapping[str, str], *, whole: bool, ignore_case: bool = False) -> re.Pattern[str]:
    """A pattern that finds any of the words, the longest first; `whole`: not as part of a longer word."""
    choice = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    end = r"(?![\w'’-]|[ ](?:not|nicht)\b)"
    return re.compile(rf"(?<![\w'’-])(?:{choice}){end}" if whole else choice, re.IGNORECASE if ignore_case else 0)


def like(written: str, word: str) -> str:
    """The word in the case of what was written: lower, Capitalised or UPPER."""
    if written.isupper() and len(written) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if written[:1].isupper() else word
