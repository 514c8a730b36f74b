"""`linectl completion`: the script by which a shell asks linectl for words at TAB, and the answers it gets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, get_completion_class

from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.cli.tab import VARIABLE
from linectl.cli.tab_table import learn
from linectl.words import tr

__all__ = ["command", "prepare"]

_UNASKED = "\0"  # what no shell can hand on as a word
_SHELLS = ("bash", "zsh", "fish", "powershell")
_INSTALL = {
    "bash": 'eval "$(linectl completion bash)"          # ~/.bashrc',
    "zsh": 'eval "$(linectl completion zsh)"           # ~/.zshrc',
    "fish": "linectl completion fish | source            # ~/.config/fish/config.fish",
    "powershell": "linectl completion powershell | Out-String | Invoke-Expression   # $PROFILE",
}


@click.command("completion", help=tr("Print the script by which SHELL completes verbs, options and names at TAB."))
@click.argument("shell", type=click.Choice(_SHELLS))
@common
def command(shell: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print the script; on a terminal say too what to do with it."""
    script = _class_of(shell)(click.get_current_context().find_root().command, {}, "linectl", VARIABLE).source()
    if as_json:
        emit("completion", {"shell": shell, "script": script, "install": _INSTALL[shell]})
        return 0
    click.echo(script)
    if sys.stdout.isatty():
        click.echo(tr("to have it in every terminal: {line}").format(line=_INSTALL[shell]), err=True)
    return 0


def prepare(flags_after_verb: Callable[[list[str]], list[str]]) -> None:
    """Let completion understand global flags before the verb, which `flags_after_verb` moves as for any call."""
    for shell in _SHELLS:
        add_completion_class(_understanding(_class_of(shell), flags_after_verb), shell)


def _class_of(shell: str) -> type[ShellComplete]:
    found = get_completion_class(shell)
    assert found is not None, shell
    return found


def _understanding(
    kind: type[ShellComplete], flags_after_verb: Callable[[list[str]], list[str]]
) -> type[ShellComplete]:
    class Understanding(kind):  # type: ignore[valid-type, misc]  # made for each shell's own class
        """The shell's own class, with global flags where verbs declare them."""

        def get_completion_args(self) -> tuple[list[str], str]:
            """Return the words before the one that is being typed, and that one."""
            try:
                args, incomplete = super().get_completion_args()
            except (KeyError, ValueError):  # not asked as a shell asks: nothing fits, and a prompt sees no traceback
                return [], _UNASKED
            return flags_after_verb(args), incomplete

        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
            """Return what fits, and keep what click knows of this verb for the next TAB."""
            if incomplete == _UNASKED:
                return []
            asked = list(args)
            found: list[CompletionItem[str]] = super().get_completions(args, incomplete)
            learn(self.cli, asked)
            return found

    return Understanding
