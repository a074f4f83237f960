"""`ostro run --watch` and `ostro workflow watch` on a terminal, with real processes."""

import re
import signal
from pathlib import Path

from tests.e2e.terminal import typed_on_a_terminal
from tests.faults.processes import Fleet, fleet

TEXT = """\
version: '2.0'
shop:
  input: [go, servers]
  tasks:
    check:
      action: script
      target: {server: x}
      retry: {count: 1, delay: 0}
      input: {run: echo no disk >&2; exit 3}
      on-error: install
    install:
      with-items: server in <% $.servers %>
      concurrency: 2
      action: script
      target: {server: x}
      safe-rerun: true
      input:
        run: test <% $.server %> = 0 || until test -e <% $.go %>; do sleep 0.1; done; test <% $.server %> != 2
      on-complete: tell
    tell: {workflow: middle}
middle:
  tasks:
    deeper: {workflow: leaf}
leaf:
  tasks:
    say: {action: std.echo output=done}
"""


async def test_a_tree_is_drawn_in_place_through_a_restart_of_the_server_and_outlived_by_its_workflow(
    tmp_path: Path,
) -> None:
    go, text = tmp_path / "go", tmp_path / "shop.yaml"
    text.write_text(TEXT)
    async with fleet(tmp_path, servers=1) as running:
        await running.start_worker("x", running.urls[0])
        around = {**running.environment, "OSTRO_SERVER": running.urls[0], "OSTRO_TOKEN": running.admin}
        given = ("-i", f"go={go}", "-i", "servers=[0, 1, 2, 3]")
        async with typed_on_a_terminal(around, "run", str(text), "shop", *given, "--watch") as terminal:
            shown = await terminal.until(lambda now: re.search(r"install +RUNNING +\d+s +1 of 4", now))
            assert re.search(r"check +ERROR +\S+ +retry 1 of 1  exit code 3", shown)
            await restarted(running)
            terminal.process.send_signal(signal.SIGINT)
            assert await terminal.end() == 130
            left = await terminal.until(lambda now: "Interrupted." in now)
        workflow = left.splitlines()[0].removeprefix("workflow ")
        assert f"ostro workflow watch {workflow}" in left

        async with typed_on_a_terminal(around, "workflow", "watch", workflow) as terminal:
            await terminal.until(lambda now: "shop  RUNNING" in now)
            await restarted(running)
            go.touch()
            assert await terminal.end() == 3
            end = await terminal.until(lambda now: now.endswith("}\n"))
        assert terminal.screen.steps_up > 0
    tree, _, outcome = end.partition("\nThe workflow ended in ERROR: ")
    pattern = [
        r"shop +ERROR",
        "check +ERROR",
        "install +ERROR .* 1 of 4 items failed",
        "tell +SUCCESS",
        "deeper +SUCCESS",
        "say +SUCCESS",
    ]
    assert len(tree.splitlines()) == len(pattern)
    for line, wanted in zip(tree.splitlines(), pattern, strict=True):
        assert re.search(wanted, line), end
    assert "  check failed: exit code 3\n" in outcome
    assert "  install failed: 1 of 4 items failed; item 2: exit code 1\n" in outcome


async def restarted(running: Fleet) -> None:
    await running.kill("server-1")
    await running.start_again("server-1")
    await running.until_healthy(running.urls[0])
