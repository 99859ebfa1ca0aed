"""Which task a call belongs to: a rule of the configuration, a tag in the log, else the call site."""

from llmcost.call_site import call_site
from llmcost.tasks.assign import SHARED_NAMES, UNTAGGED, assign
from llmcost.tasks.tags import matching_keys, tag_keys, tag_values

__all__ = ["SHARED_NAMES", "UNTAGGED", "assign", "call_site", "matching_keys", "tag_keys", "tag_values"]
