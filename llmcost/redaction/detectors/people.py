"""Names of people, places and organisations, by Microsoft Presidio (extra: pii) and its language models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from llmcost.errors import ConfigError
from llmcost.redaction.found import Found

ENTITIES = {"PERSON": "PERSON", "LOCATION": "LOCATION", "ORGANIZATION": "ORGANIZATION", "NRP": "GROUP"}
SURE = 0.5  # Presidio's score, from 0 to 1
LONGEST = 20_000  # letters: a model's memory grows with its text, and it refuses a million


class People:
    """Finds whom and what texts in these languages name."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = tuple(languages)
        self._analyzer = _analyzer(self._languages)

    def find(self, text: str) -> Iterator[Found]:
        """Every name that a model of any of the languages is sure of."""
        for start, piece in _pieces(text):
            for language in self._languages:
                for result in self._analyzer.analyze(text=piece, language=language, entities=list(ENTITIES)):
                    if result.score >= SURE:
                        yield Found(start + result.start, start + result.end, ENTITIES[result.entity_type])


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that a model takes, cut between words; and where each begins."""
    start = 0
    while start < len(text):
        end = start + LONGEST
        cut = max(text.rfind(space, end - LONGEST // 2, end) for space in " \n") + 1 if end < len(text) else len(text)
        end = cut or end
        yield start, text[start:end]
        start = end


def _analyzer(languages: Sequence[str]) -> Any:
    try:
        presidio = import_module("presidio_analyzer")
        provider = import_module("presidio_analyzer.nlp_engine").NlpEngineProvider
    except ImportError as error:
        raise ConfigError("[redact] languages needs Presidio", 'pip install "llmcost-cli[pii]"') from error
    spacy: Any = import_module("spacy.util")
    models = [_model(language, spacy) for language in languages]
    engine = provider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    return presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=list(languages))


def _model(language: str, spacy: Any) -> dict[str, str]:
    """The installed model of a language; what is not installed is not fetched behind the user's back."""
    names = [name for name in sorted(spacy.get_installed_models()) if name.startswith(f"{language}_")]
    if not names:
        hint = f"python -m spacy download {'en_core_web_lg' if language == 'en' else f'{language}_core_news_lg'}"
        raise ConfigError(f"[redact] languages: no model of {language!r} is installed", hint)
    return {"lang_code": language, "model_name": names[0]}
