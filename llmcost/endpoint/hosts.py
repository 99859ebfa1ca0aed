"""Whose a host is, as far as its name tells: provider, the country of its seat, and who else may see a prompt there.

Public facts in a table, as of November 2026. The seat is where the company is, which is the law that it is under; where
its machines stand is another question, answered only where the name says so (a region). What is not listed is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmcost.endpoint.address import address_of, is_this_machine


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a host is; None: unknown.

    provider  the company that answers     country  of its seat, ISO 3166
    region    where the machines stand, as the name says: eu-central-1, DE
    note      what else there is to know before a prompt goes there
    """

    provider: str | None = None
    country: str | None = None
    region: str | None = None
    note: str | None = None


PASSES_ON = "passes prompts on to other companies"
ANY_REGION = "the name does not say in which region"
OTHER_REGIONS = "an inference profile may answer from other regions"
A_CUSTOMERS = "runs what a customer of its put there"

# Suffix of the host → provider, country of its seat, note. The longest that fits counts.
OWNERS: Mapping[str, tuple[str, str | None, str | None]] = {
    "api.openai.com": ("OpenAI", "US", None),
    "api.anthropic.com": ("Anthropic", "US", None),
    "googleapis.com": ("Google", "US", None),
    "amazonaws.com": ("Amazon", "US", None),
    "amazonaws.com.cn": ("Amazon", "US", "run by Chinese partners"),
    "api.aws": ("Amazon", "US", None),
    "openai.azure.com": ("Microsoft", "US", ANY_REGION),
    "cognitiveservices.azure.com": ("Microsoft", "US", ANY_REGION),
    "services.ai.azure.com": ("Microsoft", "US", ANY_REGION),
    "models.ai.azure.com": ("Microsoft", "US", None),
    "inference.ml.azure.com": ("Microsoft", "US", None),
    "models.github.ai": ("Microsoft (GitHub)", "US", None),
    "api.x.ai": ("xAI", "US", None),
    "api.perplexity.ai": ("Perplexity", "US", None),
    "api.groq.com": ("Groq", "US", None),
    "api.cerebras.ai": ("Cerebras", "US", None),
    "api.sambanova.ai": ("SambaNova", "US", None),
    "api.together.xyz": ("Together AI", "US", None),
    "api.together.ai": ("Together AI", "US", None),
    "api.fireworks.ai": ("Fireworks AI", "US", None),
    "api.deepinfra.com": ("DeepInfra", "US", None),
    "api.lambda.ai": ("Lambda", "US", None),
    "api.hyperbolic.xyz": ("Hyperbolic", "US", None),
    "integrate.api.nvidia.com": ("NVIDIA", "US", None),
    "api.replicate.com": ("Replicate", "US", None),
    "ml.cloud.ibm.com": ("IBM", "US", None),
    "cloud.databricks.com": ("Databricks", "US", None),
    "azuredatabricks.net": ("Databricks", "US", None),
    "snowflakecomputing.com": ("Snowflake", "US", None),
    "api.cloudflare.com": ("Cloudflare", "US", None),
    "inference.baseten.co": ("Baseten", "US", None),
    "modal.run": ("Modal", "US", A_CUSTOMERS),
    "runpod.net": ("RunPod", "US", A_CUSTOMERS),
    "api.cohere.com": ("Cohere", "CA", None),
    "api.cohere.ai": ("Cohere", "CA", None),
    "api.mistral.ai": ("Mistral AI", "FR", None),
    "codestral.mistral.ai": ("Mistral AI", "FR", None),
    "api.scaleway.ai": ("Scaleway", "FR", None),
    "ai.cloud.ovh.net": ("OVHcloud", "FR", None),
    "api.aleph-alpha.com": ("Aleph Alpha", "DE", None),
    "ionos.com": ("IONOS", "DE", None),
    "nebius.com": ("Nebius", "NL", None),
    "nebius.ai": ("Nebius", "NL", None),
    "api.ai21.com": ("AI21 Labs", "IL", None),
    "api.upstage.ai": ("Upstage", "KR", None),
    "api.sarvam.ai": ("Sarvam AI", "IN", None),
    "api.deepseek.com": ("DeepSeek", "CN", None),
    "dashscope.aliyuncs.com": ("Alibaba Cloud", "CN", None),
    "dashscope-intl.aliyuncs.com": ("Alibaba Cloud", "CN", None),
    "dashscope-us.aliyuncs.com": ("Alibaba Cloud", "CN", None),
    "api.moonshot.cn": ("Moonshot AI", "CN", None),
    "api.moonshot.ai": ("Moonshot AI", "CN", None),
    "open.bigmodel.cn": ("Zhipu AI", "CN", None),
    "api.z.ai": ("Zhipu AI", "CN", None),
    "api.minimax.io": ("MiniMax", "CN", None),
    "api.minimaxi.com": ("MiniMax", "CN", None),
    "volces.com": ("ByteDance", "CN", None),
    "bytepluses.com": ("ByteDance", "CN", None),
    "baidubce.com": ("Baidu", "CN", None),
    "hunyuan.cloud.tencent.com": ("Tencent", "CN", None),
    "api.siliconflow.cn": ("SiliconFlow", "CN", None),
    "api.siliconflow.com": ("SiliconFlow", "CN", None),
    "api.stepfun.com": ("StepFun", "CN", None),
    "openrouter.ai": ("OpenRouter", "US", PASSES_ON),
    "router.huggingface.co": ("Hugging Face", "US", PASSES_ON),
    "gateway.ai.cloudflare.com": ("Cloudflare", "US", PASSES_ON),
    "ai-gateway.vercel.sh": ("Vercel", "US", PASSES_ON),
    "api.portkey.ai": ("Portkey", "US", PASSES_ON),
    "ai-gateway.helicone.ai": ("Helicone", "US", PASSES_ON),
    "oai.helicone.ai": ("Helicone", "US", PASSES_ON),
    "router.requesty.ai": ("Requesty", None, PASSES_ON),
    "api.github.com": ("Microsoft (GitHub)", "US", None),
    "raw.githubusercontent.com": ("Microsoft (GitHub)", "US", None),
}

# Hosts that name a region: where in the name, which countries the regions are in, and what else is true of them.
AWS: Mapping[str, str] = {
    "us": "US", "us-gov": "US", "ca": "CA", "mx": "MX", "sa-east-1": "BR", "eu-central-1": "DE", "eu-central-2": "CH",
    "eu-west-1": "IE", "eu-west-2": "GB", "eu-west-3": "FR", "eu-north-1": "SE", "eu-south-1": "IT", "eu-south-2": "ES",
    "eusc-de-east-1": "DE", "ap-northeast-1": "JP", "ap-northeast-2": "KR", "ap-northeast-3": "JP", "ap-south-1": "IN",
    "ap-south-2": "IN", "ap-southeast-1": "SG", "ap-southeast-2": "AU", "ap-southeast-3": "ID", "ap-southeast-4": "AU",
    "ap-southeast-5": "MY", "ap-southeast-7": "TH", "ap-east-1": "HK", "ap-east-2": "TW", "me-south-1": "BH",
    "me-central-1": "AE", "il-central-1": "IL", "af-south-1": "ZA", "cn": "CN",
}  # fmt: skip
GOOGLE: Mapping[str, str] = {
    "us": "US", "northamerica-northeast1": "CA", "northamerica-northeast2": "CA", "southamerica-east1": "BR",
    "southamerica-west1": "CL", "europe-west1": "BE", "europe-west2": "GB", "europe-west3": "DE", "europe-west4": "NL",
    "europe-west6": "CH", "europe-west8": "IT", "europe-west9": "FR", "europe-west10": "DE", "europe-west12": "IT",
    "europe-north1": "FI", "europe-southwest1": "ES", "europe-central2": "PL", "asia-east1": "TW", "asia-east2": "HK",
    "asia-northeast1": "JP", "asia-northeast2": "JP", "asia-northeast3": "KR", "asia-south1": "IN",
    "asia-southeast1": "SG", "asia-southeast2": "ID", "australia-southeast1": "AU", "me-west1": "IL",
    "me-central1": "QA", "me-central2": "SA", "africa-south1": "ZA",
}  # fmt: skip
REGIONS: tuple[tuple[re.Pattern[str], Mapping[str, str], str | None], ...] = (
    (
        re.compile(
            r"bedrock(?:-runtime|-mantle)?(?:-fips)?\.([a-z]+(?:-[a-z]+)*-\d)\.(?:amazonaws\.com(\.cn)?|api\.aws)"
        ),
        AWS,
        OTHER_REGIONS,
    ),
    (re.compile(r"(?:.+\.)?s3[.-]([a-z]+(?:-[a-z]+)*-\d)\.amazonaws\.com(\.cn)?"), AWS, None),
    (re.compile(r"([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com"), GOOGLE, None),
)
PRIVATE = Owner(note="an address of a private network")


def owner_of(host: str) -> Owner:
    """Whose a host is, by the table; `host` as `address.canonical` gives it."""
    address = address_of(host)
    if is_this_machine(host):
        return Owner(note="this machine")
    if address is not None:
        return PRIVATE if address.is_private else Owner()
    labels = host.split(".")
    suffixes = (".".join(labels[start:]) for start in range(len(labels)))
    found = next((OWNERS[suffix] for suffix in suffixes if suffix in OWNERS), None)
    if found is None:
        return Owner()
    provider, country, note = found
    return _located(host, Owner(provider, country, note=note))


def another_owner(variable: str, owner: Owner) -> str | None:
    """The provider that a key's variable is named after, where the host is known to be another's; None otherwise."""
    if owner.provider is None:
        return None
    word = variable.partition("_")[0]
    named = {_word(provider): provider for provider, _, _ in OWNERS.values()}
    return named[word] if word in named and word != _word(owner.provider) else None


def _word(provider: str) -> str:
    return provider.split(maxsplit=1)[0].upper()


def _located(host: str, owner: Owner) -> Owner:
    for pattern, countries, note in REGIONS:
        if match := pattern.fullmatch(host):
            country = next((countries[name] for name in _prefixes(match[1]) if name in countries), None)
            region = match[1] if country is None else f"{match[1]}, {country}"
            return replace(owner, region=region, note=owner.note or note)
    return owner


def _prefixes(region: str) -> list[str]:
    """A region and what its name begins with, longest first: us-gov-west-1, us-gov-west, us-gov, us."""
    parts = region.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
