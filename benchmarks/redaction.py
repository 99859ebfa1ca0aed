"""How much of planted personal data and keys is found, and how much of what is found was planted: by kind and language.

    python benchmarks/redaction.py [--documents 200] [--misses 20]

Recall: planted values of which no character is left. Precision: found values that touch a planted one. Both on texts in
six languages (tests/support/pii.py), a seventh of which hold only what looks alike.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.pii import KINDS, LANGUAGES, Document, Planted, corpus, hard

from llmcost.redaction import Finder, Found, finder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200, help="of every form in every language")
    parser.add_argument("--misses", type=int, default=0, help="so many misses and false alarms are shown")
    options = parser.parse_args()
    documents = list(corpus(options.documents))
    table, odd = measured(documents, finder())
    print(as_markdown(table))
    print("\nAs people write who do not think of machines:\n")
    unkind, missed = measured(list(corpus(options.documents, forms=(hard,))), finder())
    print(as_markdown(unkind))
    odd += missed
    print(speed(documents))
    for line in odd[: options.misses]:
        print(line)


def measured(documents: list[Document], finds: Finder) -> tuple[dict[tuple[str, str], Counter[str]], list[str]]:
    """(kind, language) → planted, caught, partly, found, right; and what went wrong, with its surroundings."""
    table: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    odd = []
    for document in documents:
        found = finds.find(document.text)
        for planted in document.planted:
            covered = sum(_shared(planted, value) for value in found)
            table[planted.kind, document.language].update(
                planted=1,
                caught=covered == planted.end - planted.start,
                partly=0 < covered < planted.end - planted.start,
            )
            if covered < planted.end - planted.start:
                odd.append(f"missed {planted.kind} {_around(document, planted)}")
        for value in found:
            right = any(_shared(planted, value) for planted in document.planted)
            table[value.kind, document.language].update(found=1, right=right)
            if not right:
                odd.append(f"false {value.kind} {_around(document, value)}")
    return table, odd


def share(table: dict[tuple[str, str], Counter[str]], kind: str, language: str | None, part: str, whole: str) -> float:
    """A share over one language, or over all."""
    rows = [row for (name, spoken), row in table.items() if name == kind and language in (None, spoken)]
    total = sum(row[whole] for row in rows)
    return sum(row[part] for row in rows) / total if total else float("nan")


def as_markdown(table: dict[tuple[str, str], Counter[str]]) -> str:
    head = "| kind | planted | caught whole | caught in part | found that was planted | " + " | ".join(LANGUAGES) + " |"
    lines = [head, "|---" * (5 + len(LANGUAGES)) + "|"]
    for kind in KINDS:
        planted = sum(row["planted"] for (name, _), row in table.items() if name == kind)
        shares = [
            share(table, kind, None, "caught", "planted"),
            share(table, kind, None, "partly", "planted"),
            share(table, kind, None, "right", "found"),
            *(share(table, kind, language, "caught", "planted") for language in LANGUAGES),
        ]
        lines.append(f"| {kind} | {planted:,} | " + " | ".join(f"{100 * value:.1f} %" for value in shares) + " |")
    return "\n".join(lines)


def speed(documents: list[Document]) -> str:
    size = sum(len(document.text.encode()) for document in documents)
    finds, start = finder(), time.process_time()
    for document in documents:
        finds.find(document.text)
    spent = time.process_time() - start
    return f"{size / 1e6:.1f} MB, {size / 1e6 / spent:.1f} MB/s"


def _shared(planted: Planted, value: Found) -> int:
    return max(0, min(planted.end, value.end) - max(planted.start, value.start))


def _around(document: Document, value: Planted | Found) -> str:
    text = document.text
    before, after = text[max(0, value.start - 24) : value.start], text[value.end : value.end + 12]
    return repr(f"{before}«{text[value.start : value.end]}»{after}")


if __name__ == "__main__":
    main()
