"""What a type checker may rely on."""

import inspect
from typing import get_type_hints

import ostro
from ostro.client.describe import Described, task_request


def test_the_words_of_a_task_are_the_same_wherever_they_are_passed_on() -> None:
    taken = inspect.signature(task_request).parameters
    known = get_type_hints(task_request)
    assert get_type_hints(Described) == {name: known[name] for name in taken if name != "name"}


def test_each_public_name_can_be_imported() -> None:
    assert len(ostro.__all__) <= 20
    for name in ostro.__all__:
        assert getattr(ostro, name) is not None
