"""The demo's cast: which scenario is played on which phone number."""

from dataclasses import dataclass

from evals.callers.scenario import Scenario, load_all
from service.domain.call import Direction


@dataclass(frozen=True, kw_only=True)
class Role:
    """One person of the demo. A copy plays a scenario again, on a number of its own."""

    scenario: Scenario
    phone: str
    is_copy: bool

    def contact(self) -> dict[str, str]:
        """A contact for the API; the first cast's contacts come from the sample file instead."""
        return {
            "phone": self.phone,
            "name": self.scenario.contact,
            "consent_source": "demo",
            "lead_source": "demo",
        }


def cast(count: int) -> tuple[Role, ...]:
    """`count` roles: every scenario once, outbound ones first, then all over again."""
    every = sorted(load_all(), key=lambda scenario: scenario.direction is Direction.INBOUND)
    roles = []
    for number in range(count):
        scenario = every[number % len(every)]
        is_copy = number >= len(every)
        phone = f"+1555{2_000_000 + number}" if is_copy else scenario.phone
        roles.append(Role(scenario=scenario, phone=phone, is_copy=is_copy))
    return tuple(roles)
