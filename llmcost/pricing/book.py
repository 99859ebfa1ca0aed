"""The price book: which model a name means, at whose price, with the user's own prices on top."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import msgspec

from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.errors import ConfigError, InputError
from llmcost.pricing import names
from llmcost.pricing.rates import BATCH, STANDARD, ModelPrice, Period, Rate, Snapshot, Source
from llmcost.pricing.result import PriceStamp

BUNDLED = "snapshot.json.gz"
NO_MODELS: Mapping[str, ModelSettings] = MappingProxyType({})
OVERRIDE = "override"
LARGEST = 64 << 20  # bytes unpacked: some fifty times the bundled one


class PriceBook:
    """Dated prices of every model of the catalogues, under exact names; what it does not know has no price."""

    def __init__(self, snapshot: Snapshot, overrides: Mapping[str, ModelPrice], stamp: PriceStamp) -> None:
        self.stamp = stamp
        self.as_of = stamp.as_of
        self.sources: tuple[Source, ...] = snapshot.sources
        self.models: tuple[ModelPrice, ...] = snapshot.models
        self._overrides = overrides
        self._resolved: dict[tuple[str | None, str | None, str | None], ModelPrice | None] = {}

    @property
    def day(self) -> date:
        """The day of the prices, as a date."""
        return date.fromisoformat(self.as_of)

    def find(self, model: str | None, provider: str | None = None) -> ModelPrice | None:
        """What `model` costs (at `provider`, where the log names one); None if no catalogue prices exactly it.

        A user's price wins. Then, in the order of `names.spellings`: the named provider's entry; an id that names its
        provider itself; the maker's own; the host of the alias table; whatever all hosts agree on.
        """
        if not model or not model.strip():
            return None
        forms = names.spellings(model)
        if forms[0] in self._overrides:
            return self._overrides[forms[0]]
        if provider and (seller := names.provider(provider)) in self._sellers:
            found = self._sold_by(seller, forms)
            if found is not None or seller not in names.HINTS_ONLY:
                return found
        return next((found for form in forms if (found := self._named(form)) is not None), None)

    def priced_model(
        self, request_model: str | None, response_model: str | None, provider: str | None = None
    ) -> ModelPrice | None:
        """The price of a call: a user's for the model asked, else of the one that answered, else of the one asked."""
        key = (request_model, response_model, provider)
        if key not in self._resolved:
            self._resolved[key] = self._priced(*key)
        return self._resolved[key]

    def names(self) -> list[str]:
        """Every name that has an exact entry, overrides first, sorted."""
        return [*sorted(self._overrides), *sorted(self._ids.keys() | self._bare.keys())]

    def _priced(self, asked: str | None, answered: str | None, provider: str | None) -> ModelPrice | None:
        if asked and asked.strip().lower() in self._overrides:
            return self._overrides[asked.strip().lower()]
        host = provider or self._host(asked)
        return self.find(answered, host) or self.find(asked, provider)

    def _host(self, model: str | None) -> str | None:
        """The provider that a name carries in front (`azure/gpt-4o`); an organisation is none."""
        head, slash, _ = (model or "").lower().partition("/")
        return head if slash and head not in names.ORGANISATIONS and names.provider(head) in self._sellers else None

    def _sold_by(self, seller: str, forms: list[str]) -> ModelPrice | None:
        for form in forms:
            head, slash, rest = form.partition("/")
            own = [form, rest] if slash and names.provider(head) == seller else [form]
            for name in own:
                if (found := self._ids.get(f"{seller}/{name}")) is not None:
                    return found
        return None

    def _named(self, name: str) -> ModelPrice | None:
        if name in self._overrides:
            return self._overrides[name]
        head, slash, rest = name.partition("/")
        if slash and (found := self._ids.get(f"{names.provider(head)}/{rest}")) is not None:
            return found
        owner, bare = (names.ORGANISATIONS.get(head), rest) if slash else (names.maker(name), name)
        if owner is not None and (found := self._ids.get(f"{owner}/{bare}")) is not None:
            return found
        if name in names.HOSTS:
            return self._ids.get(names.HOSTS[name])
        return self._agreed(self._bare.get(name, []))

    def _agreed(self, sold: list[ModelPrice]) -> ModelPrice | None:
        """The one price that every seller of a name asks today; None if they differ or there is none."""
        today = {(rate.input, rate.output, rate.cache_read) for model in sold
                 if (rate := model.rates_at(self.day)) is not None}  # fmt: skip
        return min(sold, key=lambda model: model.id) if len(today) == 1 else None

    @cached_property
    def _ids(self) -> dict[str, ModelPrice]:
        aliases = {f"{model.provider}/{alias}": model for model in self.models for alias in model.aliases}
        return aliases | {model.id: model for model in self.models}

    @cached_property
    def _bare(self) -> dict[str, list[ModelPrice]]:
        found: dict[str, list[ModelPrice]] = {}
        for model in self.models:
            found.setdefault(model.name, []).append(model)
        return found

    @cached_property
    def _sellers(self) -> frozenset[str]:
        return frozenset(model.provider for model in self.models)


def load(models: Mapping[str, ModelSettings] = NO_MODELS, path: Path | None = None) -> PriceBook:
    """The bundled price book, or the user's updated one at `path`, with the prices of `models` on top.

    Raises InputError if the file is no price book, ConfigError if a price or a `price_as` cannot be used.
    """
    content, snapshot = _read(path)
    digest = hashlib.sha256(content)
    plain = PriceBook(snapshot, {}, PriceStamp(snapshot.as_of.isoformat(), digest.hexdigest()))
    priced = {name: chosen for name, chosen in models.items() if chosen.price is not None or chosen.price_as}
    if not priced:
        return plain
    overrides = {name.strip().lower(): _override(name, priced, plain) for name in sorted(priced)}
    digest.update(msgspec.json.encode(overrides, order="deterministic"))
    return PriceBook(snapshot, overrides, PriceStamp(plain.as_of, digest.hexdigest()))


def _read(path: Path | None) -> tuple[bytes, Snapshot]:
    """The canonical JSON of a snapshot and the snapshot."""
    try:
        packed = path.read_bytes() if path else (resources.files(__package__) / BUNDLED).read_bytes()
        content = _unpacked(packed)
        return content, msgspec.json.decode(content, type=Snapshot)
    except (OSError, EOFError, msgspec.DecodeError) as error:
        where = path or "the bundled price book"
        raise InputError(f"{where}: not a price book ({error})", "rebuild it: llmcost prices update") from error


def _unpacked(packed: bytes) -> bytes:
    with gzip.open(io.BytesIO(packed)) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(f"larger than {LARGEST >> 20} MB")
    return content


def _override(name: str, models: Mapping[str, ModelSettings], book: PriceBook) -> ModelPrice:
    chosen = models[name]
    if chosen.price is not None:
        return _own_price(name, chosen.price)
    target = models.get(str(chosen.price_as))
    if target is not None and target.price is not None:
        return _own_price(str(chosen.price_as), target.price)
    found = book.find(chosen.price_as)
    if found is None:
        raise ConfigError(
            f"models.{name!r}: price_as = {chosen.price_as!r} has no price",
            "name a model that `llmcost prices` lists, or give price = {input = …, output = …}",
        )
    return found


def _own_price(name: str, price: ModelPriceOverride) -> ModelPrice:
    amounts = (price.input, price.output, price.cache_read, price.cache_write)
    if any(amount is not None and not (math.isfinite(amount) and amount >= 0) for amount in amounts):
        raise ConfigError(f"models.{name!r}: a price is a number of dollars per million tokens, 0 or more")
    rates = [Rate(STANDARD, 0, False, *amounts)]
    if price.batch_discount is not None:
        if not 0 <= price.batch_discount <= 1:
            raise ConfigError(f"models.{name!r}: batch_discount is a share between 0 and 1 (0.5: half price)")
        kept = 1 - price.batch_discount
        rates.append(Rate(BATCH, 0, False, *(None if amount is None else amount * kept for amount in amounts)))
    return ModelPrice(name, OVERRIDE, name, (Period(None, tuple(rates)),), OVERRIDE)
