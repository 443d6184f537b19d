"""`gridbeat routing`: departments, and which of them answers for which class in which area."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from governance.intake.proposals import list_routes
from governance.intake.routing import (
    NewRule,
    find_area,
    find_category,
    list_departments,
    list_objections,
    list_rules,
    remove_rule,
    write_department,
    write_rule,
)
from web.opening import begin, open_database
from web.options import Jurisdiction
from web.subject import read_about

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Which department answers for which class in which area. 派单目录",
)  # fmt: skip
LevelName = Literal["grid", "community", "street", "district"]
Class = Annotated[
    str | None, typer.Option("--class", help="Class as SCHEME/CODE; all classes without it.")
]


@app.command("list")
def show(jurisdiction: Jurisdiction = None) -> None:
    """Print the table of rules."""
    with begin(open_database()) as connection:
        rows = list_rules(connection, read_about(connection, jurisdiction).number)
    for row in rows:
        what = f"{row.category_code} {row.category}" if row.category_code else "* 所有类别"
        where = f"{row.area_code} {row.area}" if row.area_code else "* 全区"
        basis = f"  {row.basis}" if row.basis else ""
        typer.echo(
            f"{row.routing_rule_id:>4}  {what}  {where}  -> {row.department_code} "
            f"{row.department} ({row.level}){basis}"
        )
    typer.echo(f"{len(rows)} rules 条规则")


@app.command()
def departments(jurisdiction: Jurisdiction = None) -> None:
    """Print the departments."""
    with begin(open_database()) as connection:
        rows = list_departments(connection, read_about(connection, jurisdiction).number)
    for row in rows:
        typer.echo(f"{row.department_id:>4}  {row.code:<12} {row.level:<9} {row.name}  "
                   f"{row.name_en}")  # fmt: skip
    typer.echo(f"{len(rows)} departments 个部门")


@app.command()
def department(
    code: Annotated[str, typer.Argument(help="Short code, such as env.")],
    name: Annotated[str, typer.Option(help="Name in Chinese.")],
    name_en: Annotated[str, typer.Option(help="Name in English.")],
    level: Annotated[LevelName, typer.Option(help="Its level.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Add a department, or change the one with this code."""
    with begin(open_database()) as connection:
        number = write_department(
            connection, read_about(connection, jurisdiction).number, code=code, name=name,
            name_en=name_en, level=level,
        )  # fmt: skip
    typer.echo(f"department {number}: {code} {name}")


@app.command("set")
def set_rule(
    department: Annotated[str, typer.Argument(help="Code of the department.")],
    of_class: Class = None,
    area: Annotated[str | None, typer.Option(help="Code of the area; all areas without.")] = None,
    level: Annotated[
        LevelName | None, typer.Option(help="Where a case begins; the department's level without.")
    ] = None,
    basis: Annotated[str, typer.Option(help="The regulation behind it.")] = "",
    jurisdiction: Jurisdiction = None,
) -> None:
    """Say who answers for a class in an area; the closest rule wins."""
    scheme, code = _class(of_class)
    with begin(open_database()) as connection:
        number = write_rule(
            connection, read_about(connection, jurisdiction).number,
            NewRule(department, scheme, code, area, level, basis),
        )  # fmt: skip
    typer.echo(f"rule {number} is set 已设置")


@app.command()
def remove(
    rule: Annotated[int, typer.Argument(help="Number of the rule.")],
    jurisdiction: Jurisdiction = None,
) -> None:
    """Delete a rule."""
    with begin(open_database()) as connection:
        remove_rule(connection, read_about(connection, jurisdiction).number, rule)
    typer.echo(f"rule {rule} is deleted 已删除")


@app.command()
def propose(
    of_class: Class = None,
    area: Annotated[str | None, typer.Option(help="Code of the area.")] = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Print who would be proposed, and why."""
    scheme, code = _class(of_class)
    with begin(open_database()) as connection:
        about = read_about(connection, jurisdiction)
        category = find_category(connection, scheme, code) if scheme and code else None
        place = find_area(connection, about.number, area) if area else None
        found = list_routes(connection, about.number, category_id=category, area_id=place)
    for number, route in enumerate(found, start=1):
        typer.echo(f"{number}  {route.name} ({route.level})  {route.reason_zh}\n"
                   f"   {route.reason_en}")  # fmt: skip
    if not found:
        typer.echo("no rule fits 无匹配规则: `gridbeat routing set` makes one")


@app.command()
def objections(jurisdiction: Jurisdiction = None) -> None:
    """Count dispatches and objections by class and department: where the table needs mending."""
    with begin(open_database()) as connection:
        rows = list_objections(connection, read_about(connection, jurisdiction).number)
    for row in rows:
        typer.echo(f"{row.objected:>4} of {row.dispatched:<5} {row.code} {row.name}  "
                   f"{row.department}")  # fmt: skip
    typer.echo(f"{sum(row.objected for row in rows)} objections 派单异议")


def _class(given: str | None) -> tuple[str | None, str | None]:
    if given is None:
        return None, None
    scheme, _, code = given.partition("/")
    if not code:
        raise typer.BadParameter(f"{given!r}: a class is written SCHEME/CODE")
    return scheme, code
