"""Databricks inference tables: of model serving, and of AI Gateway.

| ours              | Databricks                                                                       |
|-------------------|----------------------------------------------------------------------------------|
| all token counts  | the usage block of `response`, the provider's own: see llmcost.logs.usage        |

`request` and `response` are JSON texts, null when too large. A table may hold a sample of the traffic: what share, says
the tag `sampling_fraction`.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, has

DATABRICKS = Declared(
    name="databricks",
    title="Databricks inference table",
    marks=has("databricks_request_id", "request", "response"),
    opened=("request", "response", "request_metadata"),
    fields={
        "request": ("request",),
        "response": ("response",),
        "id": ("databricks_request_id",),
        "start": ("request_time", "timestamp_ms"),
        "latency_ms": ("execution_duration_ms", "execution_time_ms"),
        "user": ("requester",),
        "status": ("status_code",),
    },
    hidden=("client_request_id", "request_date", "date"),
)
