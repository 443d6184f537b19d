"""OGC API Processes: what can be asked for, and the jobs that were."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geo.errors import ConflictError, InputError, NotFoundError
from web.answers import JSON
from web.audit.log import entry_of, write_entry
from web.auth.csrf import own_origin
from web.auth.limits import JOBS_BY_ACCOUNT, take
from web.auth.permissions import Permission
from web.auth.principal import Identified, Principal, ScopedRows, needs
from web.database import Rows, packaged_sql
from web.errors import ForbiddenError
from web.jobs.processes import PROCESSES, Process, find_process
from web.language import Language, PageLang
from web.routes.features import link

router = APIRouter(prefix="/ogc", tags=["processes"], dependencies=[needs(Permission.JOBS_RUN)])
RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"
Name = Annotated[str, Path(pattern="^[a-z_]{1,40}$", examples=["hotspots"])]
Columns = ("status", "result", "state", "message")


class Execution(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="ignore")

    inputs: dict[str, Any] = Field(default_factory=dict, examples=[{"weeks": 26}])


@router.get("/processes", summary="What can be asked for")
async def processes(request: Request, lang: Language) -> dict[str, Any]:
    """List the processes."""
    here = own_origin(request)
    return {
        "processes": [_summary(here, item, lang) for item in PROCESSES],
        "links": [link(f"{here}/ogc/processes", "self", JSON)],
    }


@router.get("/processes/{name}", summary="One process")
async def process(request: Request, name: Name, lang: Language) -> dict[str, Any]:
    """Describe a process and its inputs by JSON Schema."""
    found = find_process(name)
    schema = found.inputs.model_json_schema()
    needed = set(schema.get("required", []))
    return {
        **_summary(own_origin(request), found, lang),
        "inputs": {
            key: {
                "title": key, "description": part.get("description", key), "schema": part,
                "minOccurs": int(key in needed),
            }
            for key, part in schema["properties"].items()
        },
        "outputs": {"result": {"title": "result", "schema": {"type": "object"}}},
    }  # fmt: skip


@router.post("/processes/{name}/execution", status_code=201, summary="Ask for it")
async def execute(
    request: Request, name: Name, asked: Annotated[Execution, Body()], principal: Identified,
    rows: ScopedRows, lang: Language,
) -> JSONResponse:  # fmt: skip
    """Accept a job; ``Location`` says where its status is."""
    found = find_process(name)
    _check_right(principal, found)
    try:
        given = found.inputs.model_validate(asked.inputs)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "inputs"
        raise InputError(f"inputs.{where}: {first['msg']}", code="bad-inputs") from error
    await take(request.app.state.databases, (JOBS_BY_ACCOUNT, str(principal.account_id)))
    values = {
        "process": found.name, "inputs": Jsonb(given.model_dump(mode="json")),
        "account": principal.account_id,
    }  # fmt: skip
    row = await (await rows.execute(packaged_sql("job_new"), values)).fetchone()
    number = row[0] if row else None
    await write_entry(rows, entry_of(request, principal, "job asked for", about=str(number),
                                     process=found.name))  # fmt: skip
    status = await _status(rows, principal, number, lang)
    where = f"{own_origin(request)}/ogc/jobs/{number}"
    return JSONResponse(_linked(where, status["status"]), 201, {"Location": where})


@router.get("/jobs", summary="Own jobs")
async def jobs(
    request: Request, principal: Identified, rows: ScopedRows, lang: Language,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[UUID | None, Query(description="From a next link.")] = None,
) -> dict[str, Any]:  # fmt: skip
    """List the caller's jobs, the newest first, with a link to the next page if there is one."""
    here = f"{own_origin(request)}/ogc/jobs"
    if cursor is not None:
        await _status(rows, principal, cursor, lang)
    values = {"account": principal.account_id, "job": None, "before": cursor, "limit": limit + 1,
              "lang": lang}  # fmt: skip
    found = await (await rows.execute(packaged_sql("job_status"), values)).fetchall()
    shown, links = [row[0] for row in found[:limit]], [link(here, "self", JSON)]
    if len(found) > limit:
        after = urlencode({"limit": limit, "cursor": shown[-1]["jobID"]})
        links.append(link(f"{here}?{after}", "next", JSON))
    return {"jobs": [_linked(f"{here}/{one['jobID']}", one) for one in shown], "links": links}


@router.get("/jobs/{job_id}", summary="How a job is")
async def job(
    request: Request, job_id: UUID, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """Say how far a job is."""
    found = await _status(rows, principal, job_id, lang)
    return _linked(f"{own_origin(request)}/ogc/jobs/{job_id}", found["status"])


@router.get("/jobs/{job_id}/results", summary="What came of it")
async def results(
    job_id: UUID, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """Give the result of a job that succeeded."""
    found = await _status(rows, principal, job_id, lang)
    if found["state"] == "failed":
        raise ConflictError(f"the job failed: {found['message']}", code="job-failed")
    if found["state"] != "successful":
        raise NotFoundError(f"the job has no result: it is {found['state']}", code="job-not-done")
    return {"result": found["result"]}


@router.delete("/jobs/{job_id}", summary="Cancel a job")
async def dismiss(
    request: Request, job_id: UUID, principal: Identified, rows: ScopedRows, lang: Language
) -> dict[str, Any]:
    """Cancel a job; one that is over stays as it is."""
    values = {"job": job_id, "account": principal.account_id}
    done = await (await rows.execute(packaged_sql("job_dismiss"), values)).fetchone()
    found = await _status(rows, principal, job_id, lang)
    if done is None:
        raise ConflictError(f"the job is over: it is {found['state']}", code="job-over")
    await write_entry(rows, entry_of(request, principal, "job dismissed", about=str(job_id)))
    return _linked(f"{own_origin(request)}/ogc/jobs/{job_id}", found["status"])


def _check_right(principal: Principal, asked: Process) -> None:
    """Refuse what the roles do not include, and a part of the ground: jobs compute the whole."""
    if not principal.may(asked.permission):
        raise ForbiddenError(f"your roles do not include {asked.permission}", code="not-your-role")
    if not principal.scope.sees_all:
        raise ForbiddenError(
            "jobs compute whole jurisdictions: the account needs every area", code="every-area"
        )


async def _status(
    rows: Rows, principal: Principal, job_id: UUID | None, lang: PageLang
) -> dict[str, Any]:
    values = {"account": principal.account_id, "job": job_id, "before": None, "limit": 1,
              "lang": lang}  # fmt: skip
    row = await (await rows.execute(packaged_sql("job_status"), values)).fetchone()
    if row is None:
        raise NotFoundError("there is no such job of yours", code="no-job")
    return dict(zip(Columns, row, strict=True))


def _linked(where: str, status: dict[str, Any]) -> dict[str, Any]:
    links = [link(where, "self", JSON)]
    if status["status"] == "successful":
        links.append(link(f"{where}/results", f"{RELATION}results", JSON))
    return {name: value for name, value in status.items() if value is not None} | {"links": links}


def _summary(here: str, item: Process, lang: PageLang) -> dict[str, Any]:
    return {
        "id": item.name, "version": "1.0.0",
        "title": item.title_zh if lang == "zh" else item.title_en,
        "jobControlOptions": ["async-execute", "dismiss"], "outputTransmission": ["value"],
        "links": [
            link(f"{here}/ogc/processes/{item.name}", "self", JSON),
            link(f"{here}/ogc/processes/{item.name}/execution", f"{RELATION}execute", JSON),
        ],
    }  # fmt: skip
