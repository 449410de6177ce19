"""What a shell completes, asked as shells and kubectl ask."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from unit.api_server import ApiServer

CODE = "from gameday.cli.kubectl import complete; complete()"


async def complete(server: ApiServer, folder: Path, *words: str) -> list[str]:
    environment = os.environ | {"KUBECONFIG": str(server.kubeconfig(folder, "shop"))}
    command = [sys.executable, "-c", CODE, *words]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return str(done.stdout).split()


async def test_kubectl_gets_commands_and_the_names_that_are_there(api_server: ApiServer, tmp_path: Path) -> None:
    for name, phase in (("first", "Outage"), ("second", "Finished"), ("third", "")):
        status = {"phase": phase} if phase else {}
        api_server.put("drills", "shop", {"metadata": {"name": name}, "spec": {}, "status": status})
    api_server.put("drills", "other", {"metadata": {"name": "far"}, "spec": {}})
    assert await complete(api_server, tmp_path, "ab") == ["abort", ":4"]
    assert await complete(api_server, tmp_path, "abort", "") == ["first", "third", ":4"]
    assert await complete(api_server, tmp_path, "abort", "fi") == ["first", ":4"]
    assert await complete(api_server, tmp_path, "abort", "-n", "other", "") == ["far", ":4"]


async def test_a_cluster_that_does_not_answer_gives_no_names_and_no_noise(
    api_server: ApiServer, tmp_path: Path
) -> None:
    api_server.down = True
    assert await complete(api_server, tmp_path, "abort", "") == [":4"]
