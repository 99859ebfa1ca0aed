"""The configuration and the README that go with the sample logs."""

CONFIG = """\
# Configuration for the sample logs. Every key has a default; an empty file is a valid one.

[replay]
models = ["qwen3-8b", "deepseek-v4-flash"]     # candidates, each asked about every task
graders = ["gemini-2.5-flash"]                # name two of different makers for your own: each must be satisfied
strategies = ["map", "cascade", "compress", "batch"]    # "auto": those that may save in a month more than they cost
sample = 900                                   # prompts a task, at most
aa = 100                                       # prompts a task that today's model answers once more
limit = 0.09                                   # a looser margin than 2 % (checked) and 5 % (judged), named if it is met
budget = 8.00                                  # US dollars, never passed
seed = 7                                       # same log, same seed, same report
# base_url = "https://your-endpoint/v1"        # the demo brings its own, on this machine

# Tiered routing: who scores the answers of cheaper models, neither one of them nor a judge of the replay.
[cascade]
grader = "gpt-4.1-nano"

# What a model costs you, in US dollars per million tokens. This wins over every catalogue, and it is the only way to
# price a model that no catalogue prices: without it such a model stays unpriced, it is never taken to be free.
[models."Qwen-MT-Turbo".price]
input = 0.10
output = 0.30

# A contract of your own:
# [models."gpt-4o".price]
# input = 2.25
# output = 9.00
# cache_read = 1.125

# How answers are checked is found out from the log: a task whose calls carry metadata.expected is compared with it,
# everything else goes to the graders. To choose for yourself, here a looser margin than 2 %:
[checks."code"]
kind = "exact"
margin = 0.05
"""
README = """\
# Sample logs: October 2026 of a support product

The traffic of Larkfield, an invented shop for smart-home devices, as its gateway would have logged it: about 5,100
calls in 31 days. All of it is made by `python -m llmcost.demo.files --out sample_logs`; the same seed gives the same
bytes. No person, order or company in it exists.

| file | what it is |
|---|---|
| `october.jsonl` | request and response side by side, with 14 lines strewn in that hold no call |
| `october-flat.jsonl.gz` | the same calls as flat rows: model, messages, response text, token counts |
| `october.parquet` | the same calls again, request and response as JSON text |
| `llmcost.toml` | a configuration to start from |

| task | model | what it is | how answers are checked |
|---|---|---|---|
| support chat | gpt-4o | help centre, Care+ conversations, order desk with tools | judged |
| classify | gpt-4o-mini | one of eight labels for a ticket | `metadata.expected` |
| extract | gpt-4o-mini | a JSON object from an e-mail | `metadata.expected` |
| code | gpt-4o | what a function returns, a query counts, a pattern finds | `metadata.expected` |
| summarize | gpt-4o | ticket threads, mostly at night | judged |
| translate | gpt-4o | notices into German, French, Spanish, Japanese | judged |
| reason | gpt-4o | amounts to be worked out | `metadata.expected` |
| (no tag) | gpt-4o-mini | release notes, known by their system prompt alone | judged |

What there is to find: questions asked again within the hour, word for word or nearly so; a long system prompt that
begins with the time, so that no cached prefix is ever found; another one that says much besides its rules, before
answers that nobody waits for; failed calls and their retries (429, 500, 503, 400); streams, some of them without a
usage block, whose tokens nobody knows.

`llmcost demo` replays these logs against recorded answers of other models, on this machine and without a key.
The recorded models are honestly of different quality: one holds it on classification and loses it on code, another
holds it on extraction, chat and summaries, and on some tasks this much traffic is not enough to tell. Answers suffer a
little when a prompt is shortened or asked among many others, and the small model that scores answers for a cascade sees
most wrong values and numbers, and hardly any wrong statement in a friendly chat.
"""
