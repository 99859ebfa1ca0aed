"""All money: a dated price book and price(). A strategy changes quantities; only this room turns them into dollars."""

from llmcost.pricing.result import PriceStamp

__all__ = ["PriceStamp"]
