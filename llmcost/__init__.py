"""llmcost: audit and replay production LLM logs. The public API for scripts and notebooks."""

__version__ = "0.1.0"
