"""Which entry of the price book every call is charged at, and who else sells the same model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from llmcost.audit.findings.scene import Scene
from llmcost.audit.groups import Ints
from llmcost.audit.ledger import Labels
from llmcost.pricing import ModelPrice, PriceBook, names

UNKNOWN = ""

Offers = dict[str, list[ModelPrice]]  # by the name of the weights

# Who runs models on machines of their own, under a contract of their own: brokers and resellers are left out, for what
# stands behind their price today may be another host tomorrow.
HOSTS = frozenset(
    {"ai21", "azure", "azure_ai", "baseten", "bedrock", "cerebras", "cloudflare", "cohere", "crusoe", "dashscope",
     "databricks", "deepinfra", "deepseek", "fireworks_ai", "friendliai", "gmi", "groq", "hyperbolic", "lambda_ai",
     "minimax", "mistral", "moonshot", "nebius", "novita", "nscale", "oci", "ovhcloud", "replicate", "sambanova",
     "scaleway", "snowflake", "together_ai", "vertex_ai", "wandb", "watsonx", "xai", "zai"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Served:
    """The calls grouped by the id of the price book's entry that they are charged at, and those entries.

    Calls of unknown models are in the group without a name.
    """

    grouped: Labels
    models: Mapping[str, ModelPrice]


def served_models(scene: Scene) -> Served:
    """What is charged for every call: one look-up for each different (model asked, model that answered, provider)."""
    codes, triples = _triples(scene)
    found = [scene.book.priced_model(*triple) for triple in triples]
    models = {model.id: model for model in found if model is not None}
    ids = sorted({UNKNOWN, *models})
    number = {name: index for index, name in enumerate(ids)}
    entry = np.array([number[model.id if model else UNKNOWN] for model in found], dtype=np.int64)
    return Served(Labels(entry[codes] if len(codes) else codes, ids), models)


def offers(book: PriceBook) -> Offers:
    """Every priced offer of a host, by the name of the weights."""
    found: Offers = {}
    for model in book.models:
        if model.provider in HOSTS and (rate := model.rates_at(book.day)) and rate.input and rate.output:
            found.setdefault(weights_name(model), []).append(model)
    return found


def weights_name(model: ModelPrice) -> str:
    """What is sold, whoever sells it: the exact name without the organisation, or what the alias table leads it to."""
    head, slash, rest = model.name.partition("/")
    bare = rest if slash and head in names.ORGANISATIONS else model.name
    return names.HOSTS.get(model.name, names.HOSTS.get(bare, bare))


def _triples(scene: Scene) -> tuple[Ints, Iterator[tuple[str | None, str | None, str | None]]]:
    """For every call the index of its (model asked, model that answered, provider), and those."""
    columns = [scene.entries.calls.codes(name) for name in ("request_model", "response_model", "provider")]
    mixed = np.zeros(len(scene.entries.calls), dtype=np.int64)
    for codes, values in columns:
        mixed = mixed * (len(values) + 1) + codes + 1
    encoded = pa.array(mixed).dictionary_encode()
    return np.asarray(encoded.indices, dtype=np.int64), (
        _labels(number, [values for _, values in columns]) for number in encoded.dictionary.to_pylist()
    )


def _labels(number: int, columns: list[list[str]]) -> tuple[str | None, str | None, str | None]:
    parts: list[str | None] = []
    for values in reversed(columns):
        number, code = divmod(number, len(values) + 1)
        parts.append(values[code - 1] if code else None)
    return parts[2], parts[1], parts[0]
