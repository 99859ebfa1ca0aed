"""All money: a dated price book and price(). A strategy changes quantities; only this room turns them into dollars."""

from llmcost.pricing.billed import costs, logged_costs, repriced
from llmcost.pricing.book import PriceBook, load
from llmcost.pricing.cost import (
    KINDS,
    Kind,
    price,
    price_by_kind,
    price_usage,
    price_usages,
    tokens_by_kind,
    worst_case,
)
from llmcost.pricing.rates import ModelPrice, Period, Rate
from llmcost.pricing.result import PriceStamp
from llmcost.pricing.update import update
from llmcost.pricing.view import PriceLine, PriceView, describe, suggest

__all__ = [
    "KINDS",
    "Kind",
    "ModelPrice",
    "Period",
    "PriceBook",
    "PriceLine",
    "PriceStamp",
    "PriceView",
    "Rate",
    "costs",
    "describe",
    "load",
    "logged_costs",
    "price",
    "price_by_kind",
    "price_usage",
    "price_usages",
    "priced_model",
    "repriced",
    "suggest",
    "tokens_by_kind",
    "update",
    "worst_case",
]


def priced_model(
    book: PriceBook, request_model: str | None, response_model: str | None = None, provider: str | None = None
) -> ModelPrice | None:
    """The entry whose price a row is charged at: a user's for the model asked, else of the model that answered, else
    of the model asked; None if none is priced.
    """
    return book.priced_model(request_model, response_model, provider)
