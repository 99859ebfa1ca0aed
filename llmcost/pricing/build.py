"""The two public catalogues → one snapshot file, the same bytes every time.

python -m llmcost.pricing.build --litellm FILE --genai-prices FILE --date YYYY-MM-DD -o snapshot.json.gz
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from llmcost.errors import InputError
from llmcost.pricing import genai_catalogue, litellm_catalogue
from llmcost.pricing.rates import STANDARD, ModelPrice, Period, Rate, Snapshot, Source

LITELLM_URL = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
GENAI_URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"


def build(litellm: bytes, genai: bytes, day: date, versions: tuple[str, str] = ("", "")) -> Snapshot:
    """The snapshot of both catalogues as they stood on `day`; raises InputError if one is not what it should be."""
    current = _unique(_read("litellm", litellm, dict, litellm_catalogue.read))
    dated = _unique(_read("genai-prices", genai, list, lambda found: genai_catalogue.read(found, day)))
    sources = (
        _source("litellm", versions[0], LITELLM_URL, litellm, len(current)),
        _source("genai-prices", versions[1], GENAI_URL, genai, len(dated)),
    )
    return Snapshot(day, sources, tuple(_merge(current, dated, day)))


def encode(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot file: gzip without a time of its own."""
    return gzip.compress(msgspec.json.encode(snapshot), compresslevel=9, mtime=0)


def _read(name: str, content: bytes, kind: type, reader: Any) -> list[ModelPrice]:
    try:
        catalogue = msgspec.json.decode(content)
        if not isinstance(catalogue, kind):
            raise TypeError(f"expected {kind.__name__}, found {type(catalogue).__name__}")
        return list(reader(catalogue))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the {name} price catalogue cannot be read: {error}", "keep the prices you have") from error


def _source(name: str, version: str, url: str, content: bytes, entries: int) -> Source:
    return Source(name, version, url, "MIT", hashlib.sha256(content).hexdigest(), entries)


def _unique(models: list[ModelPrice]) -> dict[str, ModelPrice]:
    """One model an id; where a catalogue lists one twice (two doors to one host) the dearer stands."""
    chosen: dict[str, ModelPrice] = {}
    for model in models:
        held = chosen.get(model.id)
        if held is None or _dearness(model) > _dearness(held):
            chosen[model.id] = model
    return chosen


def _dearness(model: ModelPrice) -> float:
    rate = model.periods[-1].rates[0]
    return (rate.input or 0.0) + (rate.output or 0.0)


def _merge(current: dict[str, ModelPrice], dated: dict[str, ModelPrice], day: date) -> list[ModelPrice]:
    """Every model of either catalogue; one in both has LiteLLM's rates today and genai-prices' before and after."""
    named = {f"{model.provider}/{name}": model for model in dated.values() for name in (*model.aliases, model.name)}
    models = [_with_history(model, named[key], day) if key in named else model for key, model in current.items()]
    models += [_without_aliases_of(model, current) for key, model in dated.items() if key not in current]
    return sorted(models, key=lambda model: model.id)


def _with_history(model: ModelPrice, dated: ModelPrice, day: date) -> ModelPrice:
    """LiteLLM's entry between the dated prices before and after it; a dated price of today that differs wins."""
    starts = [period.start for period in dated.periods if period.start is None or period.start <= day]
    begun = starts[-1] if starts else None
    before = [period for period in dated.periods if begun and (period.start is None or period.start < begun)]
    after = [period for period in dated.periods if period.start and period.start > day]
    now, theirs = msgspec.structs.replace(model.periods[0], start=begun), dated.period_at(day)
    if _agree(now, theirs):
        now = msgspec.structs.replace(now, rates=(*now.rates, *_further_tiers(theirs, now)))
    elif begun is not None:
        now = theirs
    return msgspec.structs.replace(
        model, periods=(*before, now, *after), source=f"{model.source} + {dated.source}"
    )  # fmt: skip


def _agree(one: Period, other: Period) -> bool:
    """Whether two catalogues name the same price: of a model with off-peak hours, either of its prices."""
    wanted = other.ladder(STANDARD)[0]
    return any((rate.input, rate.output) == (wanted.input, wanted.output) for rate in one.rates if rate.above == 0)


def _further_tiers(of: Period, beyond: Period) -> list[Rate]:
    """The rates of the service tiers that the other period does not list."""
    listed = {rate.tier for rate in beyond.rates}
    return [rate for rate in of.rates if rate.tier not in listed]


def _without_aliases_of(model: ModelPrice, current: dict[str, ModelPrice]) -> ModelPrice:
    free = tuple(name for name in model.aliases if f"{model.provider}/{name}" not in current)
    return msgspec.structs.replace(model, aliases=free)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read two catalogue files, write a snapshot."""
    parser = argparse.ArgumentParser(prog="python -m llmcost.pricing.build", description=__doc__)
    parser.add_argument("--litellm", type=Path, required=True)
    parser.add_argument("--litellm-version", default="")
    parser.add_argument("--genai-prices", type=Path, required=True)
    parser.add_argument("--genai-prices-version", default="")
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    versions = (chosen.litellm_version, chosen.genai_prices_version)
    snapshot = build(chosen.litellm.read_bytes(), chosen.genai_prices.read_bytes(), chosen.date, versions)
    chosen.output.write_bytes(encode(snapshot))


if __name__ == "__main__":
    main()
