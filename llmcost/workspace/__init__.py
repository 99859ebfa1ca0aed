"""The private folder .llmcost/: runs, the store of paid answers, the logs last audited."""

from llmcost.workspace.folder import LastLogs, Workspace
from llmcost.workspace.purge import Purge, PurgeReport
from llmcost.workspace.store import AnswerStore, Ledger

__all__ = ["AnswerStore", "LastLogs", "Ledger", "Purge", "PurgeReport", "Workspace"]
