"""A fresh snapshot from the two public catalogues, refused when a catalogue looks broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from llmcost.errors import InputError, StoreError
from llmcost.pricing.book import PriceBook, load
from llmcost.pricing.rates import Snapshot
from llmcost.pricing.result import PriceStamp
from llmcost.whole_files import make_folder, write_whole

# Models that no sound catalogue would have lost, each with a provider of its own.
KNOWN = ("gpt-4o", "gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-v4-flash")
KEEP = "the prices you have are kept; try again later, or set prices in llmcost.toml"


def update(fetch: Callable[[str], bytes], target: Path, today: date) -> PriceStamp:
    """The stamp of the snapshot written to `target` from what `fetch(url)` returns of both catalogues.

    Raises InputError, and writes nothing, if a catalogue cannot be read, is half as long as the one in use, or lacks
    a model that every catalogue has.
    """
    from llmcost.pricing.build import GENAI_URL, LITELLM_URL, build, encode  # a program of its own, not needed to price

    day = f"{today.isoformat()} (main)"
    fresh = build(fetch(LITELLM_URL), fetch(GENAI_URL), today, (day, day))
    _refuse_shrunken(fresh, load(path=target if target.exists() else None))
    packed = encode(fresh)
    beside = target.with_name(target.name + ".new")
    try:
        make_folder(target.parent)
        write_whole(beside, packed)
    except OSError as error:
        raise StoreError(f"cannot write {beside}: {error.strerror}", KEEP) from error
    book = load(path=beside)
    if missing := [model for model in KNOWN if book.find(model) is None]:
        beside.unlink()
        raise InputError(f"the price catalogues lack {', '.join(missing)}", KEEP)
    beside.replace(target)
    return book.stamp


def _refuse_shrunken(fresh: Snapshot, held: PriceBook) -> None:
    before = {source.name: source.entries for source in held.sources}
    for source in fresh.sources:
        if source.entries < before.get(source.name, 0) / 2:
            raise InputError(
                f"the {source.name} price catalogue has shrunk from {before[source.name]} to {source.entries} models",
                KEEP,
            )
