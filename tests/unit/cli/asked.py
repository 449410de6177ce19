"""Commands as people run them, against an API server on a socket."""

import asyncio
from pathlib import Path

from typer.testing import CliRunner, Result

from gameday.cli.main import app
from gameday.controller.clock import Clock
from unit.api_server import ApiServer


class CommandLine:
    """``gameday`` with a kubeconfig that names a server; its context's namespace is ``shop``."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._config = server.kubeconfig(folder, "shop")
        self.clock = Clock(wall=lambda: 1_796_040_000.0)  # Mon 2026-11-30 12:00 UTC
        self.environment: dict[str, str] = {}

    async def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run it to its end; the server answers meanwhile."""
        environment = {"KUBECONFIG": str(self._config), "NO_COLOR": "1", "COLUMNS": "200", **self.environment}
        return await asyncio.to_thread(
            CliRunner().invoke, app, [*arguments], input=stdin, env=environment, obj=self.clock
        )
