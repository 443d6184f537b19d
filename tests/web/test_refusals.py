"""Whatever is refused has a stable code and words in Chinese and English, from one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, Field, ValidationError

from geo.errors import GridbeatError
from governance.cases.states import Need
from tests.web.conftest import Service
from web.refusal_words import CHINESE, DETAILED
from web.refusals import NEEDS, tell_field

ROOT = Path(__file__).resolve().parents[2]
# Commands speak to whoever typed them, in both languages at once; settings to who starts it.
ROOMS = ("governance", "web/auth", "web/cases", "web/features", "web/field", "web/grids",
         "web/live", "web/plans", "web/posts", "web/routes", "web/tiles", "web/wall")  # fmt: skip
FILES = ("web/errors.py", "web/found.py", "web/subject.py", "web/watched.py")


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))
    yield from (ROOT / name for name in FILES)


def raised(path: Path) -> Iterator[tuple[str, type[GridbeatError], ast.Call]]:
    """Yield where a module raises which of our errors."""
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        made = node.exc.func
        kind = getattr(module, made.id, None) if isinstance(made, ast.Name) else None
        if isinstance(kind, type) and issubclass(kind, GridbeatError):
            yield f"{path.relative_to(ROOT)}:{node.lineno}", kind, node.exc


def code_of(kind: type[GridbeatError], call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
        if keyword.arg == "code":
            return None if isinstance(keyword.value, ast.Constant) else "named elsewhere"
    return kind.code


def test_every_error_of_governance_and_of_the_service_has_a_code_with_words() -> None:
    found = [(where, code_of(kind, call)) for path in modules()
             for where, kind, call in raised(path)]  # fmt: skip
    assert len(found) > 200
    known = {*CHINESE, "moved-on", "step-needs", "named elsewhere"}
    assert [(where, code) for where, code in found if code not in known] == []


def test_every_word_of_the_table_is_used_and_is_chinese() -> None:
    text = "".join(path.read_text("utf-8") for room in ("geo", "patrol", "governance", "web")
                   for path in (ROOT / room).rglob("*.py") if path.name != "refusal_words.py")  # fmt: skip
    assert [code for code in CHINESE if f'"{code}"' not in text] == []
    assert [code for code, words in CHINESE.items() if words.isascii()] == []
    assert [need for need, words in NEEDS.items() if words.isascii()] == []
    assert set(NEEDS) == set(get_args(Need))
    assert list(CHINESE) == sorted(CHINESE)
    assert set(CHINESE) >= DETAILED


@pytest.mark.db
def test_what_lies_below_is_told_by_its_kind_in_chinese(service: Service) -> None:
    client = service.client(headers=service.bearer("planner"))
    aside = {"type": "LineString", "coordinates": [[120.0, 35.0], [120.1, 35.0]]}
    wish = {"kind": "split", "codes": ["w1"], "on": "2099-01-01", "geometries": [aside]}
    told = {
        lang: client.post("/api/v1/grids/preview", json=wish, params={"lang": lang}).json()
        for lang in ("zh", "en")
    }
    assert told["zh"]["code"] == told["en"]["code"] == "bad-request"
    assert told["zh"]["detail"].startswith("请求有误（")
    assert told["en"]["detail"].isascii()


@pytest.mark.db
def test_what_a_request_lacks_is_told_field_by_field(service: Service) -> None:
    client = service.client(headers=service.bearer("planner"))
    wish = {"kind": "fold", "codes": [], "on": "soon", "more": 1}
    told = client.post("/api/v1/grids/preview", json=wish).json()
    assert told["code"] == "bad-request"
    assert told["detail"] == (
        "body.kind：不在可选范围; body.codes：项数过少; body.on：应为日期; body.more：没有该字段"
    )


def test_an_unknown_finding_of_the_check_still_has_words() -> None:
    class Even(BaseModel):
        n: int = Field(multiple_of=2)

    with pytest.raises(ValidationError) as caught:
        Even(n=3)
    assert tell_field(caught.value.errors()[0], "zh") == "n：不符合要求"  # type: ignore[arg-type]
