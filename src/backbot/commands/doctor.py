"""`backbot doctor`: what is wrong with this installation, and what to do."""

import json
from typing import Annotated

import typer

from backbot.commands.options import JsonOption


def doctor(
    as_json: JsonOption = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that backbot is to serve on.")] = 7860,
) -> None:
    """Look for what is wrong with this installation and say what to do. Exit code 1: something must be mended.

    Nothing is changed. Settings come from the environment, as for backbot serve.
    """
    from dataclasses import asdict

    from backbot.operation.doctor import examine

    findings = examine(port)
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:4}  {finding.name}: {finding.found}")
            if finding.todo:
                typer.echo(f"      {finding.todo}")
    if failed:
        raise typer.Exit(1)
