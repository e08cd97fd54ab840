"""`watcher init`: a commented watcher.yml and the rule files to tune, in a folder of yours. Never overwrites a file."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from watcher.data import shipped_rules
from watcher.errors import CannotHelp


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(init)


def init(folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path()) -> None:
    target = folder / "watcher.yml"
    if target.exists():
        raise CannotHelp(f"{target} is there already and stays as it is")
    folder.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as file:
        file.write(resources.files("watcher.data").joinpath("starter.yml").read_text("utf-8"))
    typer.echo(f"wrote {target}")
    rules = folder / "rules"
    source = shipped_rules()
    if rules.exists():
        typer.echo(f"kept {rules}")
    elif source is not None:
        shutil.copytree(source, rules)
        typer.echo(f"wrote {rules}")
    typer.echo(f"next: edit {target}, then `watcher config check` and `watcher up`")
