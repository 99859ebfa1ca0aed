"""FOCUS 1.2 (the FinOps Open Cost and Usage Specification): the log's bill as CSV, a row a charge.

Columns that only an invoice could fill (account, issuer, negotiated prices) are there and empty: unknown is empty,
never a placeholder. The same holds of the cost of a model without a price, although FOCUS wants one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

from llmcost.report.exports.source import Charge, Source
from llmcost.report.untrusted import inert_cell

_TOKENS = "Tokens"
_MILLION = 1_000_000
_TIERS = {"batch": "Batch", "flex": "Flex", "priority": "Priority"}
_KINDS = {
    "input": "input tokens",
    "cache_read": "input tokens read from the prompt cache",
    "cache_write": "input tokens written to the prompt cache",
    "output": "output tokens",
    "all": "calls",
}

COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceIssuerName",
    "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "Tags", "x_Calls",
)  # fmt: skip


def export_focus(source: Source) -> str:
    """CSV (RFC 4180). Costs are US dollars; the billing period is the calendar month, UTC."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(map(_row, source.charges()))
    return out.getvalue()


def _row(charge: Charge) -> Mapping[str, str]:
    cost, listed = _number(charge.usd), _number(charge.list_usd)
    measured = charge.tokens > 0
    text = {
        "ChargeDescription": f"{charge.model or 'unknown model'}: {_KINDS.get(charge.kind, charge.kind)}",
        "ProviderName": charge.provider or "",
        "PublisherName": charge.provider or "",
        "ServiceName": charge.model or "",
        "SkuId": "/".join(part or "" for part in (charge.provider, charge.model, charge.service_tier, charge.kind)),
        "SkuMeter": _KINDS.get(charge.kind, charge.kind),
        "Tags": _tags(charge),
    }
    return {
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ContractedCost": cost,
        "ListCost": listed,
        "ListUnitPrice": _unit_price(charge) if measured else "",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Other" if charge.service_tier in _TIERS else "Standard",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ConsumedQuantity": str(charge.tokens) if measured else "",
        "ConsumedUnit": _TOKENS if measured else "",
        "PricingQuantity": _number(charge.tokens / _MILLION) if measured else "",
        "PricingUnit": f"{_MILLION} {_TOKENS}" if measured else "",
        "x_Calls": str(charge.calls),
        **dict(_periods(charge.day)),
        **{column: _guarded(value) for column, value in text.items()},
    }


def _periods(day: str | None) -> Iterator[tuple[str, str]]:
    if day is None:
        return
    first = date.fromisoformat(day)
    month = first.replace(day=1)
    bounds = {
        "ChargePeriodStart": first,
        "ChargePeriodEnd": first + timedelta(days=1),
        "BillingPeriodStart": month,
        "BillingPeriodEnd": (month + timedelta(days=31)).replace(day=1),
    }
    yield from ((column, f"{bound.isoformat()}T00:00:00Z") for column, bound in bounds.items())


def _tags(charge: Charge) -> str:
    tags = {"task": charge.task, "token_kind": charge.kind, "service_tier": charge.service_tier}
    return json.dumps({name: value for name, value in tags.items() if value is not None})


def _unit_price(charge: Charge) -> str:
    """US dollars per million tokens; the mean, where prices changed within the day or rise with the prompt."""
    return "" if charge.list_usd is None else _number(float(f"{charge.list_usd / charge.tokens * _MILLION:.9g}"))


def _number(value: float | None) -> str:
    """A decimal that reads back to the same float, without an exponent; empty: unknown."""
    return "" if value is None else format(Decimal(repr(value)), "f")


def _guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return inert_cell(text.replace("\x00", "\ufffd"))
