"""A call's status only moves forward, and its first end stays."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.call import CallStatus

STATUSES = st.sampled_from(list(CallStatus))


def settle(reports: list[CallStatus]) -> CallStatus:
    status = CallStatus.QUEUED
    for report in reports:
        if status.may_become(report):
            status = report
    return status


@given(st.lists(STATUSES, max_size=12))
def test_duplicates_change_nothing(reports: list[CallStatus]) -> None:
    assert settle(reports) is settle([r for r in reports for _ in range(2)])


@given(st.lists(STATUSES, max_size=8), st.lists(STATUSES, max_size=8))
def test_nothing_follows_an_end(before: list[CallStatus], after: list[CallStatus]) -> None:
    ended = settle(before)
    if ended.is_terminal:
        assert settle(before + after) is ended


@given(st.permutations([CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS]))
def test_progress_in_any_order_ends_in_progress(reports: list[CallStatus]) -> None:
    assert settle(reports) is CallStatus.IN_PROGRESS


@given(STATUSES)
def test_no_status_follows_itself(status: CallStatus) -> None:
    assert not status.may_become(status)
