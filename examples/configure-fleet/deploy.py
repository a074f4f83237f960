"""Configure two servers with one workflow. Read it, change it, run it:

    python examples/configure-fleet/deploy.py

It needs a server that `ostro` finds (`ostro dev`, or OSTRO_SERVER and OSTRO_TOKEN) and two workers whose tokens
are bound to `server=web-1` and `server=db-1`. `./dev demo` starts all of that and plays this file.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ostro import Client, MaySpawn

INSTALL = """
echo "installing $PACKAGE on $SERVER"
sleep 1
echo "{\\"package\\": \\"$PACKAGE\\"}" > "$OSTRO_RESULT"
"""

# This one adds a task to its own workflow while it runs. Its token lets it do what `may_spawn` grants, no more.
CONFIGURE = """
echo "configuring with $(cat "$OSTRO_REQUIRES/install-web.json")"
ostro task add smoke-test-web --tag PostDeployment --target server=web-1 --run 'echo "GET / -> 200"'
sleep 1
"""

REPORT = """
import ostro
job = ostro.current()
job.set_result({"installed": sorted(r["result"]["package"] for r in job.requires.values())})
print("everything is in place")
"""


async def nothing() -> None:
    """What happens in the middle, if nobody interferes."""


async def deploy(client: Client, interfere: Callable[[], Awaitable[None]] = nothing) -> dict[str, object]:
    """Creates the workflow, lets it grow while it runs, seals it; its outputs."""
    # Open: nobody knows yet all that will have to be done.
    workflow = await client.workflows.create("deploy the shop", output={"report": "report"})
    print(f"workflow {workflow.id}")

    web, db = {"server": "web-1"}, {"server": "db-1"}
    install: dict[str, Any] = {"run": INSTALL, "tags": ["Deployment"], "safe_rerun": True}
    await workflow.add("install-web", target=web, env={"PACKAGE": "nginx", "SERVER": "web-1"}, **install)
    await workflow.add("install-db", target=db, env={"PACKAGE": "postgresql", "SERVER": "db-1"}, **install)
    await workflow.add(
        "configure-web",
        run=CONFIGURE,
        target=web,
        tags=["Deployment"],
        requires=["install-web"],
        safe_rerun=True,
        may_spawn=MaySpawn(max=1, tags=("PostDeployment",), actions=("script",)),
    )
    # All tasks tagged Deployment and PostDeployment, whatever they are, also those that nobody has added yet.
    # The two names are there for their results.
    await workflow.add(
        "report",
        run=REPORT,
        interpreter="python3",
        target=db,
        requires=[{"tags": ["Deployment", "PostDeployment"]}, "install-web", "install-db"],
        safe_rerun=True,
    )

    await interfere()

    # It runs already, and there is more to do.
    await workflow.add(
        "migrate-schema",
        run="echo migrating; sleep 1",
        target=db,
        tags=["PostDeployment"],
        requires=["install-db"],
        safe_rerun=True,
    )
    # Nothing more will come from here. What running jobs still add, they may.
    await workflow.seal()

    await workflow.wait(timeout=120)
    output: dict[str, object] = await workflow.output()
    return output


async def main() -> None:
    async with Client() as client:
        print(await deploy(client))


if __name__ == "__main__":
    asyncio.run(main())
