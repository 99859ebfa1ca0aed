"""Databricks inference tables: of model serving, and of AI Gateway.

| ours              | Databricks                                                                       |
|-------------------|----------------------------------------------------------------------------------|
| all token counts  | the usage block of `response`, the provider's own: see llmcost.logs.usage        |

`request` and `response` are JSON texts, null when too large. A table may hold a sample of the traffic: a call stands
for 1 / `sampling_fraction` calls.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, has
from llmcost.logs.envelope import SAMPLING

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
        "sampling_fraction": SAMPLING,
    },
    hidden=("client_request_id", "request_date", "date"),
)
