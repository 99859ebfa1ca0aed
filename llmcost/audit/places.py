"""Places: the call sites of every task, where in the customer's code calls come from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from llmcost.audit.groups import Ints
from llmcost.audit.ledger import Labels, Ledger, labels

NO_SITE = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Call sites by task, in the order of their names: `grouped` leads every call to its place.

    `sites` names the call site of a place; None where it is the task's only one, or named like it.
    """

    grouped: Labels
    tasks: list[str]
    sites: list[str | None]

    def take(self, rows: Ints) -> Places:
        """The same of these calls alone."""
        return Places(self.grouped.take(rows), self.tasks, self.sites)


def places(entries: Ledger) -> Places:
    """The places of these calls."""
    sites, tasks = labels(entries.calls.column("call_site"), NO_SITE), entries.tasks
    width = max(1, len(sites.names))
    encoded = pa.array(tasks.codes * width + sites.codes).dictionary_encode()
    pairs = [(tasks.names[pair // width], sites.names[pair % width]) for pair in encoded.dictionary.to_pylist()]
    order = sorted(range(len(pairs)), key=pairs.__getitem__)
    position = np.empty(len(pairs), dtype=np.int64)
    position[order] = np.arange(len(pairs))
    codes = position[np.asarray(encoded.indices, dtype=np.int64)]
    ordered = [pairs[index] for index in order]
    sites_of = Counter(task for task, _ in ordered)
    named = [site if sites_of[task] > 1 and site not in (NO_SITE, task) else None for task, site in ordered]
    names = [f"{task}:{site}" if site else task for (task, _), site in zip(ordered, named, strict=True)]
    return Places(Labels(codes, names), [task for task, _ in ordered], named)
