"""Logs → copies in which placeholders stand for personal data and keys."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

import msgspec
import zstandard

from llmcost import logs
from llmcost.api.traffic import log_paths
from llmcost.api.views import RedactView
from llmcost.config import load as load_settings
from llmcost.errors import ConfigError, InputError
from llmcost.redaction import Finder, Names, finder, hide_json
from llmcost.redaction.result import LeftOut, RedactedFile, RedactReport
from llmcost.version import VERSION
from llmcost.whole_files import writing

MOST_NAMED = 20
STDOUT = "-"
OPENERS: dict[str, Callable[[IO[bytes]], AbstractContextManager[IO[bytes]]]] = {
    ".gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="wb", mtime=0)),
    ".zst": lambda file: cast("IO[bytes]", zstandard.ZstdCompressor().stream_writer(file, closefd=False)),
}


def redact(paths: Sequence[str] | str, *, output: Path | None = None, config: Path | None = None) -> RedactView:
    """Copies of logs, as JSON lines, with the same placeholder wherever the same value stood. Uses no network.

    output  a file (also .gz, .zst), or a folder for several logs; None: stdout

    A record that cannot be read is left out, and counted. There is no way back: what the placeholders stand for is not
    kept. Raises InputError if a log cannot be read or a copy cannot be written.
    """
    settings = load_settings(config)
    chosen = logs.expand(log_paths([paths] if isinstance(paths, str) else [str(path) for path in paths], settings))
    rules = settings.redact
    found, names = finder(rules.kinds, rules.patterns, rules.languages), Names()
    left_out: list[LeftOut] = []
    targets = [(file, target) for file, target in zip(chosen, _targets(chosen, output), strict=True)]
    files = [_copied(file, target, found, names, left_out) for file, target in targets]
    return RedactView(RedactReport(VERSION, files, dict(names.counts), left_out[:MOST_NAMED]))


def _targets(files: Sequence[str], output: Path | None) -> list[Path | None]:
    """Where the copy of each log goes."""
    if output is None or (len(files) == 1 and not output.is_dir()):
        if len(files) > 1:
            raise ConfigError("several logs are copied to files of their own", "name a folder: -o FOLDER")
        if (
            output is not None
            and output.exists()
            and any(output.samefile(file) for file in files if Path(file).exists())
        ):
            raise ConfigError(f"{output} is the log itself", "name another file")
        return [output]
    targets: list[Path | None] = [output / f"{_stem(file)}.jsonl" for file in files]
    if len(set(targets)) < len(targets):
        raise ConfigError("two of these logs have the same name", "copy them one by one")
    return targets


def _stem(file: str) -> str:
    return Path(file).name.partition(".")[0] or "log"


def _copied(file: str, target: Path | None, found: Finder, names: Names, left_out: list[LeftOut]) -> RedactedFile:
    written, before = 0, len(left_out)
    with _writing(target) as stream:
        for item in logs.raw_records(file):
            if item.wrong is not None:
                left_out.append(LeftOut(file, item.line, item.wrong))
                continue
            stream.write(msgspec.json.encode(hide_json(item.value, found, names)) + b"\n")
            written += 1
    return RedactedFile(file, STDOUT if target is None else str(target), written, len(left_out) - before)


@contextmanager
def _writing(target: Path | None) -> Iterator[IO[bytes]]:
    """A stream to the file, which is there whole or not at all and for its owner's eyes only; to stdout if None."""
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    packed = OPENERS.get(target.suffix.lower(), nullcontext)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target) as file, packed(file) as stream:
            yield stream
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(target: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {target}: {error.strerror or error}", "name another file or folder")
