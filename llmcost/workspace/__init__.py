"""The private folder .llmcost/: runs, the store of paid answers, the logs last audited."""
