"""The command line: one thin module a command. The only place that prints errors."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import typer

from llmcost import signals
from llmcost.cli import (
    audit,
    demo,
    explain,
    export,
    gate,
    init,
    label,
    monitor,
    prices,
    purge,
    redact,
    replay,
    report,
    schema,
    simulate,
)
from llmcost.errors import EXIT_INTERRUPTED, EXIT_OK, LLMCostError

EXIT_BUG = 70
RESUME = "run the same command again: it resumes"

app = typer.Typer(
    name="llmcost",
    help="Audit and replay production LLM logs: where the money goes, and which cheaper model is provably not worse.",
    epilog="Exit codes: 0 fine · 1 the gate failed, or a promise is broken · 2 usage or config · 3 input · "
    "4 endpoint or budget · 5 store · 130 interrupted · 143 terminated",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.command)
app.command("audit")(audit.command)
app.command("explain")(explain.command)
app.command("simulate")(simulate.command)
app.command("replay")(replay.command)
app.command("report")(report.command)
app.command("export")(export.command)
app.command("label")(label.command)
app.command("monitor")(monitor.command)
app.command("baseline")(gate.baseline_command)
app.command("check")(gate.check_command)
app.command("redact")(redact.command)
app.command("purge")(purge.command)
app.command("prices")(prices.command)
app.command("schema")(schema.command)
app.command("demo")(demo.command)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    """Audit and replay production LLM logs: where the money goes, and which cheaper model is provably not worse."""
    if version:
        from llmcost.version import VERSION

        print(f"llmcost {VERSION}")
        raise typer.Exit


def main() -> None:
    """Run the command line and exit with its code."""
    signals.heed(_say)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; errors are said on stderr, never as a traceback."""
    try:
        code = int(app(args=arguments, prog_name="llmcost", standalone_mode=False) or EXIT_OK)
        return _interrupted() if code == EXIT_INTERRUPTED else code
    except LLMCostError as error:
        _say_error(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader (head, less) has seen enough; without this the interpreter complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception as error:  # noqa: BLE001  whatever it is, a user gets a sentence and not a traceback
        if isinstance(error, OSError) and signals.HEARD.numbers:  # the terminal went, and took stderr with it
            return signals.HEARD.exit_code
        return _foreign(error)


def _interrupted() -> int:
    heard = signals.HEARD
    if len(heard.numbers) > 1:
        _say_error(f"{heard.word} at once; answers that had come are stored, what was in flight may be charged", RESUME)
    else:
        _say_error(f"{heard.word}; every answer that was paid for is stored", RESUME)
    return heard.exit_code


def _foreign(error: Exception) -> int:
    if hasattr(error, "exit_code") and hasattr(error, "show"):  # a usage error of the command-line parser
        error.show()
        return int(error.exit_code)
    if os.environ.get("LLMCOST_DEBUG"):
        raise error
    _say_error(
        f"this is a bug in llmcost: {type(error).__name__} at {_where(error)}",
        "please report it; LLMCOST_DEBUG=1 shows the traceback",
    )
    return EXIT_BUG


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "an unknown place"


def _say_error(message: str, hint: str | None) -> None:
    _say(f"error: {message}")
    if hint:
        _say(f"hint:  {hint}")


def _say(line: str) -> None:
    from llmcost.cli.output import say

    with suppress(OSError):  # nobody may be there to read it: the exit code tells
        say(line)
