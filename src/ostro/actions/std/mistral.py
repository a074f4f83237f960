"""`std.mistral_http`: tells a service of the job, which says later how it ended."""

from ostro.actions.context import Context, Outcome, taken, unless_stopped
from ostro.actions.std.http import asked
from ostro.language.model.standard import MistralHttp


async def run(context: Context) -> Outcome:
    """Sends the request; the job goes on where it was taken, and is an ERROR where it was not."""
    given: MistralHttp = taken("std.mistral_http", context.input, MistralHttp)
    outcome = await unless_stopped(context, asked(context, given, about(context)))
    return Outcome(goes_on=True) if outcome.error is None else outcome


def about(context: Context) -> dict[str, str]:
    """The headers by which Mistral tells a service whom to answer. The name of the workflow is not known here."""
    return {
        "Mistral-Workflow-Execution-Id": context.workflow,
        "Mistral-Task-Id": context.task,
        "Mistral-Action-Execution-Id": context.job,
        "Mistral-Callback-URL": f"/v2/action_executions/{context.job}",
    }
