"""Which member of staff an account is: the areas of their posts, and the link between the two."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from geo.errors import NotFoundError


def areas_of_staff(connection: Connection, staff_no: str, *, on: date) -> tuple[str, ...]:
    """Return the codes of the areas where somebody holds a post on a day.

    Raises
    ------
    NotFoundError
        Nobody has that number, or no post in an area on that day.
    """
    _find_staff(connection, staff_no)
    codes = connection.scalars(_AREAS, {"no": staff_no, "day": on}).all()
    if not codes:
        raise NotFoundError(
            f"{staff_no} holds no post on {on}: give one at /posts, or --area", code="no-post-held"
        )
    return tuple(codes)


def link_staff(connection: Connection, account_id: int, staff_no: str) -> None:
    """Say which member of staff an account is.

    Raises
    ------
    NotFoundError
        Nobody has that number.
    """
    person = _find_staff(connection, staff_no)
    connection.execute(_LINK, {"account": account_id, "person": person})


def _find_staff(connection: Connection, staff_no: str) -> int:
    person = connection.execute(_PERSON, {"no": staff_no}).scalar()
    if person is None:
        msg = f"nobody has the staff number {staff_no!r}: `gridbeat posts import people`"
        raise NotFoundError(msg, code="no-person")
    return int(person)


_PERSON = text("SELECT person_id FROM person WHERE staff_no = :no ORDER BY person_id LIMIT 1")
_LINK = text("UPDATE account SET person_id = :person WHERE account_id = :account")
_AREAS = text(
    "SELECT DISTINCT a.code FROM post p JOIN person n USING (person_id) JOIN area a "
    "USING (area_id) WHERE n.staff_no = :no AND p.valid_from <= CAST(:day AS date) "
    "AND CAST(:day AS date) < p.valid_to ORDER BY a.code"
)
