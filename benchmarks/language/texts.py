"""Definitions that the rows measure, of any size."""


def roll_out(tasks: int) -> str:
    """What people write, only longer: each task calls, is tried again, publishes and branches."""
    steps = "".join(_step(number, tasks) for number in range(tasks - 1))
    give_up = "    give_up:\n      join: one\n      action: std.fail\n"
    return f"version: '2.0'\nroll_out:\n  input: [host]\n  tasks:\n{steps}{give_up}"


def _step(number: int, tasks: int) -> str:
    onward = (
        f"        - t{number + 1}: <% $.v{number} < 400 %>\n" if number < tasks - 2 else "        - noop\n"
    )
    return (
        f"    t{number}:\n"
        f"      action: std.http\n"
        f"      input: {{url: 'https://<% $.host %>/{number}', method: GET, timeout: 10}}\n"
        f"      retry: {{count: 3, delay: 2}}\n"
        f"      publish: {{v{number}: <% task().result.status %>}}\n"
        f"      on-success:\n{onward}"
        f"      on-error: [give_up]\n"
    )


def chain(tasks: int, *, for_workers: bool = False, publishes: str = "") -> str:
    """A chain of `std.noop`. `publishes` is the variable that each task publishes and its transition looks at, `#` in it
    the task's number.
    """
    text = "version: '2.0'\nchain:\n  tasks:\n"
    for number in range(tasks):
        variable = publishes.replace("#", str(number))
        text += f"    t{number}:\n      action: std.noop\n"
        text += "      target: {bench: '1'}\n" if for_workers else ""
        text += f"      publish: {{{variable}: <% task().result %>}}\n" if variable else ""
        if number < tasks - 1:
            guard = f": <% $.{variable} > 0 %>" if variable else ""
            text += f"      on-success:\n        - t{number + 1}{guard}\n"
    return text


def passing_on(tasks: int) -> str:
    """A chain whose first task publishes a list of `parts` random texts, and all others look at it."""
    text = "version: '2.0'\npassing_on:\n  input: [parts]\n  output: {parts: <% len($.list) %>}\n  tasks:\n"
    text += "    t0:\n      publish: {list: <% range($.parts).select(uuid()) %>}\n      on-success: [t1]\n"
    for number in range(1, tasks):
        text += f"    t{number}:\n      action: std.echo\n      input: {{output: <% len($.list) %>}}\n"
        text += f"      on-success: [t{number + 1}]\n" if number < tasks - 1 else ""
    return text


LOOPS = """
version: '2.0'
echoes:
  input: [count]
  output: {done: true}
  tasks:
    each:
      with-items: n in <% range($.count) %>
      action: std.echo
      input: {output: <% $.n %>}
jobs:
  input: [count]
  output: {done: true}
  tasks:
    each:
      with-items: n in <% range($.count) %>
      action: std.noop
      target: {bench: '1'}
"""
"""One task with many items each: run in the server's decision, and by workers."""
