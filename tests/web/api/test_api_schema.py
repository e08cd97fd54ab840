"""The served API against its own description: schemathesis with every check that it has, none of which may fail.

The test command tries a few examples of each operation. `API_TEST_EXAMPLES=20` tries that many, walks through every
boundary of the description, and follows the calls that lead from one to another; it takes minutes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from asking import EVERY_SCOPE, V1, Service, add_token
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from watcher.web import api

WHOLE = "API_TEST_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("API_TEST_EXAMPLES", "1"))
ACCEPTED = ["2xx", "401", "403", "404", "409", "429", "5xx"]
JUDGED_BY_MEANING = {
    "add_feed": "422",  # the guard refuses the address
    "import_feeds": "400",  # the text is no OPML
    "put_subscription": "422",  # there is no such channel, hour or zone
    "mute": "422",  # a story's number, an instant that has passed
    "try_draft": "422",  # the text is no rule
}
"""Bodies that the schema allows and that can still not be meant: how such a one is answered."""


@dataclass(kw_only=True)
class Tally:
    """What a run came to."""

    cases: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    checks: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, phase: str, recorder: ScenarioRecorder) -> None:
        """Count one scenario."""
        self.cases[phase] += len(recorder.interactions)
        self.operations |= {node.value.operation.label for node in recorder.cases.values()}
        for one in recorder.interactions.values():
            self.statuses[one.response.status_code if one.response else 0] += 1
        for check in (check for found in recorder.checks.values() for check in found):
            self.checks[check.name] += 1
            if check.failure_info is not None:
                failure = check.failure_info
                self.wrong.append(f"{recorder.label}: {check.name}: {failure.failure}\n{failure.code_sample}")


def config(token: str) -> SchemathesisConfig:
    """Every check; what is answered to bodies that only their meaning makes wrong."""
    return SchemathesisConfig.from_dict(
        {
            "continue-on-failure": True,
            "seed": 20_260_301,
            "auth": {"openapi": {"token": {"bearer": token}}},
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "phases": {name: {"enabled": WHOLE} for name in ("examples", "coverage", "stateful")},
            "operations": [
                {
                    "include-operation-id": name,
                    "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, status]}},
                }
                for name, status in JUDGED_BY_MEANING.items()
            ],
        }
    )


def run(service: Service) -> Tally:
    """Every operation of the description that is served."""
    token = add_token(service.rt, "schemathesis", EVERY_SCOPE)
    schema = schemathesis.openapi.from_url(
        f"{str(service.client.base_url).rstrip('/')}/api/openapi.json",
        headers={"authorization": f"Bearer {token}"},
        config=config(token),
    )
    tally = Tally()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tally.add(event.phase.value, event.recorder)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            tally.wrong.append(repr(event))
    return tally


@pytest.mark.timeout(1800 if WHOLE else 180)
def test_the_api_keeps_its_own_description(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    tally = run(service)
    with capsys.disabled():
        told = ", ".join(f"{number} {phase}" for phase, number in tally.cases.items() if number)
        print(f"\nschemathesis: {len(tally.operations)} operations, {told}; {sum(tally.checks.values())} checks")
        print("answers: " + ", ".join(f"{status}: {number}" for status, number in sorted(tally.statuses.items())))
    assert tally.wrong == []
    assert {one for one in tally.statuses if one >= 500} <= {503}
    assert len(tally.operations) == len(api.OPERATIONS)


def _calls() -> Iterator[tuple[str, str]]:
    for one in api.OPERATIONS:
        path = V1 + one.path
        for name in one.in_path:
            path = path.replace(f"{{{name}}}", "1")
        yield one.method, path


@pytest.mark.parametrize("method, path", list(_calls()))
def test_no_operation_answers_somebody_unknown(service: Service, method: str, path: str) -> None:
    assert service.client.request(method, path, headers={"authorization": ""}).status_code == 401


def test_every_operation_has_a_name_and_a_scope_of_its_own_kind() -> None:
    names = Counter(one.name for one in api.OPERATIONS)
    assert [name for name, number in names.items() if number > 1] == []
    assert {one.name for one in api.OPERATIONS if one.method != "GET" and one.scope == "read"} == set()


def test_the_description_names_every_operation(service: Service) -> None:
    told: dict[str, Any] = service.client.get("/api/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    named = {about["operationId"] for path in told["paths"].values() for about in path.values()}
    assert named == {one.name for one in api.OPERATIONS}
    assert "const" not in told["components"]["schemas"]["Health"] and "enum" in told["components"]["schemas"]["Health"]
