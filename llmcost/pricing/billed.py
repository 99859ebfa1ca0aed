"""What calls cost by the log's own word, by the price list, or by whichever is to be believed; and what they would."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.config import CostMode
from llmcost.pricing.book import PriceBook
from llmcost.pricing.cost import Floats, differently_priced, from_app_cache, price, price_rows


def costs(calls: Calls, book: PriceBook, mode: CostMode = "computed") -> Floats:
    """US dollars of every row; NaN: unknown.

    computed  from the price list     logged  what the log claims     auto  that where it is credible, else computed
    """
    if mode == "computed":
        return price(calls, book)
    claimed = logged_costs(calls)
    return claimed if mode == "logged" else np.where(np.isnan(claimed), price(calls, book), claimed)


def logged_costs(calls: Calls) -> Floats:
    """US dollars that the log claims of every row; NaN: nothing, or nothing credible.

    A cost of nothing for tokens is what a sender writes that knows no price, unless its own cache had the answer.
    """
    claimed = calls.floats("logged_cost_usd")
    tokens = np.nan_to_num(calls.floats("input_tokens")) + np.nan_to_num(calls.floats("output_tokens"))
    credible = (claimed > 0) | ((claimed == 0) & (tokens == 0))
    return np.where(from_app_cache(calls), 0.0, np.where(credible, claimed, np.nan))


def repriced(calls: Calls, billed: Floats, listed: Floats, after: Calls, book: PriceBook) -> Floats:
    """US dollars of every row of `after`, which `calls` become by a change; NaN: unknown.

    billed  what the calls cost      listed  what the price list says of them; both, and what is returned, are of the
            real traffic that a row of a sampled log stands for

    A call that stays with its model costs the same share of the list price as before, be it a discount or a mark-up;
    one that goes to another model costs that model's list price. Priced anew are the rows that the change touches.
    """
    rows = np.flatnonzero(differently_priced(calls, after))
    dollars = listed.copy()
    dollars[rows] = price_rows(after, rows, book) * calls.weights()[rows]
    if billed is listed:
        return dollars
    known = np.isfinite(billed) & np.isfinite(listed) & (listed > 0) & _same_model(calls, after)
    share = np.divide(billed, listed, out=np.ones_like(billed), where=known)
    return np.where(known & (dollars == listed), billed, dollars * share)


def _same_model(calls: Calls, after: Calls) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    before, now = (pc.fill_null(pc.cast(each.column("request_model"), pa.string()), "") for each in (calls, after))
    return np.asarray(pc.equal(before, now), dtype=np.bool_)
