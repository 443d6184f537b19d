"""The texts of the server's own pages, in Chinese and English."""

from __future__ import annotations

from web.language import PageLang

WORDS: dict[str, tuple[str, str]] = {
    "product": ("巡格", "Gridbeat"),
    "sign_in": ("登录", "Sign in"),
    "login": ("用户名", "User name"),
    "password": ("密码", "Password"),
    "old_password": ("当前密码", "Current password"),
    "new_password": ("新密码（至少12个字符）", "New password (12 characters or more)"),
    "again": ("再次输入新密码", "New password again"),
    "change_password": ("修改密码", "Change password"),
    "first_change": (
        "一次性密码须先修改，方可继续。",
        "Change the one-time password before you go on.",
    ),
    "not_alike": ("两次输入的新密码不一致。", "The two new passwords are not alike."),
    "with_provider": ("使用统一身份认证登录", "Sign in with your organisation"),
    "sign_out": ("退出", "Sign out"),
    "account": ("账户", "Account"),
    "signed_in_as": ("当前用户", "Signed in as"),
    "pages": ("您的页面", "Your pages"),
    "page_wall": ("大屏", "Map wall"),
    "page_plan": ("勤务", "Planner"),
    "page_grids": ("网格", "Grids"),
    "page_posts": ("岗位", "Posts"),
    "page_desk": ("受理", "Desk"),
    "page_field": ("平板", "Tablet"),
    "people": ("账户与权限", "Accounts"),
    "person": ("角色、区域与部门", "Roles, areas and departments"),
    "name": ("姓名", "Name"),
    "roles": ("角色", "Roles"),
    "areas": ("区域", "Areas"),
    "all_areas": ("全部区域", "Every area"),
    "departments": ("部门", "Departments"),
    "departments_hint": (
        "平板显示所选部门的案件；不选则显示其区域内全部案件。",
        "The tablet shows cases of these departments; with none, all cases of its areas.",
    ),
    "last_sign_in": ("最近登录", "Last sign-in"),
    "never": ("从未", "never"),
    "disabled": ("已停用", "disabled"),
    "save": ("保存", "Save"),
    "none_there": ("暂无", "there is none"),
    "from_provider": (
        "角色和区域由统一身份认证在每次登录时授予；此处只能改部门。",
        "Roles and areas are granted by your organisation at each sign-in; "
        "departments alone are changed here.",
    ),
    "level_district": ("区", "district"),
    "level_street": ("街道", "street"),
    "level_community": ("社区", "community"),
    "level_grid": ("网格", "grid"),
    "may": ("可用功能", "You may"),
    "problem": ("出错了", "A problem"),
    "other_language": ("English", "中文"),
}


def word(key: str, lang: PageLang) -> str:
    """Return a text in one language."""
    return WORDS[key][1 if lang == "en" else 0]
