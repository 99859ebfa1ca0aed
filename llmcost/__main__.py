"""`python -m llmcost`, the same as `llmcost`."""

from llmcost.cli import main

main()
