"""Print a completion script for bash, zsh, fish or tcsh.

bash   ruleengine completions bash > ~/.local/share/bash-completion/completions/ruleengine
zsh    ruleengine completions zsh > a file `_ruleengine` in a folder of $fpath
fish   ruleengine completions fish > ~/.config/fish/completions/ruleengine.fish
tcsh   ruleengine completions tcsh, sourced from ~/.tcshrc
"""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "tcsh"), help="the shell that will read the script")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from ruleengine.cli.parser import all_verbs

    print(shtab.complete(all_verbs(), shell=args.shell))
    return 0
