"""Contacts from outside: one at a time, or as a CSV whose bad rows are named and left out."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from service.domain.contact import Contact, parse_e164
from service.domain.errors import InvalidInput, InvalidPhoneNumber
from service.domain.ids import new_id
from service.web.problems import InvalidField
from service.web.schemas import ContactInput, RejectedRow

COLUMNS = ContactInput.__struct_fields__
MAX_ROWS = 10_000

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def read_phone(text: str, *, field: str = "phone") -> str:
    """Return a number in E.164 form. Raises InvalidField."""
    try:
        return parse_e164(text)
    except InvalidPhoneNumber as error:
        raise InvalidField(field, str(error)) from error


def read_contact(given: ContactInput, *, now: datetime) -> Contact:
    """Check a contact and give it an id; the store keeps the old id of a known number.

    Raises InvalidField for a number, time zone or e-mail address that cannot be one.
    """
    phone = read_phone(given.phone)
    if given.timezone is not None and not _is_timezone(given.timezone):
        raise InvalidField("timezone", "not an IANA time zone such as America/New_York")
    if given.email is not None and not _EMAIL.match(given.email):
        raise InvalidField("email", "not an e-mail address")
    fields = msgspec.structs.asdict(given) | {"phone": phone}
    return Contact(contact_id=new_id(), created_at=now, **fields)


def read_contacts_csv(
    body: bytes, *, now: datetime
) -> tuple[tuple[Contact, ...], tuple[RejectedRow, ...]]:
    """Read a CSV with a header row (COLUMNS, in any order; phone and name are needed).

    Good rows come back as contacts, bad ones with line, column and reason. Raises InvalidInput for
    what is no such CSV at all: not UTF-8, an unknown or missing column, more than MAX_ROWS rows.
    """
    contacts: list[Contact] = []
    rejected: list[RejectedRow] = []
    for line, row in _rows(body):
        try:
            contacts.append(read_contact(_contact_row(row), now=now))
        except InvalidField as error:
            rejected.append(RejectedRow(line=line, column=error.field, reason=error.reason))
    return tuple(contacts), tuple(rejected)


def _rows(body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(_text(body), newline=""), strict=True)
    header: list[str] | None = None
    count = 0
    try:
        line = 1
        for cells in reader:
            if header is None:
                header = _header(cells)
            elif any(cell.strip() for cell in cells):
                count += 1
                if count > MAX_ROWS:
                    raise InvalidInput(f"more than {MAX_ROWS} rows: send them in several requests")
                yield line, _named(header, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}: not CSV: {error}") from error
    if header is None:
        raise InvalidInput("the CSV is empty: it needs a header row")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {line}: the CSV is not in UTF-8") from error


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in ("phone", "name") if name not in names]
    if unknown or missing or len(set(names)) != len(names):
        raise InvalidInput(
            f"the header must name phone and name, and may name each of {', '.join(COLUMNS)} once; "
            f"it has: {', '.join(names)}"
        )
    return names


def _named(header: list[str], cells: list[str]) -> dict[str, str]:
    # Cells past the header are kept under a name that no contact has, so that the row is rejected.
    names = [*header, *(f"column {n + 1}" for n in range(len(header), len(cells)))]
    return {
        name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip() != ""
    }


def _contact_row(row: dict[str, str]) -> ContactInput:
    for column in ("phone", "name"):
        if column not in row:
            raise InvalidField(column, "is empty: every contact needs one")
    try:
        return msgspec.convert(row, type=ContactInput)
    except msgspec.ValidationError as error:
        text = str(error)
        found = re.search(r"field `([^`]+)`", text) or re.search(r"`\$\.([^`]+)`", text)
        column = found.group(1) if found else ""
        raise InvalidField(column, text.split(" - at ", maxsplit=1)[0]) from error


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
