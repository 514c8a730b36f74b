"""`python -m linectl`, and the `linectl` command."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        if sys.argv[1:] == ["--version"]:  # before anything is loaded
            from linectl.cli.version import told_at_once

            if told_at_once():
                sys.exit(0)
        if "_LINECTL_COMPLETE" in os.environ:  # a shell asks for words
            from linectl.cli.tab import answered

            if answered(os.environ):
                sys.exit(0)
        from linectl.cli.main import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # before anything was there to take it
        sys.exit(130)
    except Exception as error:  # noqa: BLE001  # the last place that can tell a person of it
        from linectl.cli.fault import told

        sys.exit(told(error, sys.argv[1:]))


if __name__ == "__main__":
    main()
