"""The kinds of values that are found without being asked for. A new one is a new file and a line here.

Where two find the same place, the first line wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmcost.redaction.detectors.cards import Cards
from llmcost.redaction.detectors.emails import Emails
from llmcost.redaction.detectors.ibans import Ibans
from llmcost.redaction.detectors.ips import Ips
from llmcost.redaction.detectors.phones import Phones
from llmcost.redaction.detectors.secrets import Secrets
from llmcost.redaction.found import Detector

BUILT_IN: Mapping[str, Callable[[], Detector]] = {
    "SECRET": Secrets,
    "EMAIL": Emails,
    "IBAN": Ibans,
    "CARD": Cards,
    "IP": Ips,
    "PHONE": Phones,
}
KINDS: tuple[str, ...] = tuple(BUILT_IN)
