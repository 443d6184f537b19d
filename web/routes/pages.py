"""The built pages and their files; a page is opened with its permission, a file by anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from web.answers import kept
from web.auth.permissions import Permission
from web.auth.principal import needs
from web.language import Language, PageLang
from web.pages.built import PAGES, asset, build_id, page_html

router = APIRouter(tags=["pages"])
FOR_EVER = "public, max-age=31536000, immutable"
# A file's name under /app/assets ends in a digest of what is in it.
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")]


class Version(BaseModel):
    """Which service answers; a page loads anew when `build` changes."""

    version: str
    build: str = Field(description="Changes with every build of the pages.")


def _opener(name: str) -> Callable[[Request, PageLang], Awaitable[Response]]:
    async def open_page(request: Request, lang: Language) -> Response:
        headers = {"Content-Language": "en" if lang == "en" else "zh-CN"}
        return kept(request, page_html(name, lang), media_type="text/html", headers=headers)

    return open_page


for page in PAGES:
    router.add_api_route(
        f"/{page.name}", _opener(page.name), methods=["GET"], name=f"page_{page.name}",
        dependencies=[needs(page.permission)], include_in_schema=False,
    )  # fmt: skip


@router.get("/app/assets/{name:path}", include_in_schema=False,
            dependencies=[needs(Permission.PUBLIC)])  # fmt: skip
async def file(name: Name) -> Response:
    """Give a file of the pages; its name changes with its content, so it is kept for ever."""
    content, media_type = asset(name)
    return Response(content, media_type=media_type, headers={"Cache-Control": FOR_EVER})


@router.get("/api/v1/version", tags=["service"], dependencies=[needs(Permission.PUBLIC)])
async def show_version() -> Version:
    """Say which version serves, so that a page that hangs for weeks can renew itself."""
    return Version(version=version("gridbeat"), build=build_id())
