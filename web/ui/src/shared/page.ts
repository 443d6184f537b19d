/** What every page begins with: who is signed in, the way to the other pages, language and theme. */

import { call, goSignIn, readSession, send, type Session } from "./api";
import { toast } from "./dialog";
import { h } from "./dom";
import { beginTheme, setTheme, theme, type Theme } from "./theme";
import { language, switchLanguage, translator } from "./words";

const t = translator({
  product: ["巡格", "Gridbeat"],
  skip: ["跳到主要内容", "Skip to the content"],
  pages: ["页面", "Pages"],
  wall: ["大屏", "Wall"],
  plan: ["勤务", "Plan"],
  grids: ["网格", "Grids"],
  posts: ["岗位", "Posts"],
  desk: ["受理", "Desk"],
  field: ["现场", "Field"],
  other_language: ["English", "中文"],
  day: ["日间", "Day"],
  night: ["夜间", "Night"],
  theme: ["切换日间或夜间配色", "Switch between day and night"],
  sign_out: ["退出", "Sign out"],
  account: ["账户", "Account"],
  failed: ["出错了", "Something went wrong"],
});
const ORDER = ["wall", "plan", "grids", "posts", "desk", "field"] as const;
const LOOK_EVERY_MS = 60_000;

/** Begin a page: returns who is signed in, or goes to sign in. Without `header`, none is drawn. */
export async function beginPage(
  name: (typeof ORDER)[number],
  { title, header = true, fallback }: { title: string; header?: boolean; fallback?: Theme },
): Promise<Session> {
  beginTheme(fallback);
  document.title = `${title} · ${t("product")}`;
  window.addEventListener("unhandledrejection", (event) => {
    const reason: unknown = event.reason;
    toast(reason instanceof Error ? reason.message : t("failed"), { bad: true, seconds: 12 });
  });
  const session = await readSession();
  if (session.login === null) {
    goSignIn();
    return new Promise(() => undefined); // the browser is on its way
  }
  if (header) document.body.prepend(...pageHead(name, session));
  reloadOnNewVersion();
  return session;
}

/** Say that all of the page is there: tools and tests wait for `body[data-ready]`. */
export function sayReady(): void {
  document.body.dataset.ready = "";
}

/** The links between the pages that somebody may use. */
export function pageLinks(name: string, session: Session): HTMLElement {
  const nav = h("nav", { "aria-label": t("pages") });
  for (const page of ORDER) {
    if (!session.pages.includes(page)) continue;
    nav.append(h("a", { href: `/${page}`, "aria-current": page === name ? "page" : null }, t(page)));
  }
  return nav;
}

export function languageButton(): HTMLButtonElement {
  const other = language() === "zh" ? "en" : "zh";
  return h(
    "button",
    { type: "button", lang: other === "zh" ? "zh-CN" : "en", onclick: () => switchLanguage(other) },
    t("other_language"),
  );
}

export function themeButton(): HTMLButtonElement {
  const label = (): string => (theme() === "day" ? t("night") : t("day"));
  const made = h("button", { type: "button", title: t("theme") }, label());
  made.addEventListener("click", () => {
    setTheme(theme() === "day" ? "night" : "day");
    made.textContent = label();
  });
  return made;
}

export async function signOut(): Promise<void> {
  await send("/api/v1/session", { method: "DELETE" });
  location.assign("/login");
}

function pageHead(name: string, session: Session): HTMLElement[] {
  const head = h(
    "header",
    { class: "page-head" },
    h("span", { class: "product" }, t("product")),
    pageLinks(name, session),
    h(
      "div",
      { class: "tools" },
      h("a", { class: "who", href: "/account" }, session.name ?? session.login ?? t("account")),
      languageButton(),
      themeButton(),
      h("button", { type: "button", onclick: () => void signOut() }, t("sign_out")),
    ),
  );
  return [h("a", { class: "button skip", href: "#main" }, t("skip")), head];
}

/** A page that hangs for weeks takes the new version when the server has one, unless work is open. */
function reloadOnNewVersion(): void {
  let first: string | null = null;
  const look = async (): Promise<void> => {
    try {
      const { build } = await call<{ build: string }>("/api/v1/version");
      first ??= build;
      if (build !== first && document.body.dataset.unsaved === undefined) location.reload();
    } catch {
      // The connection's own state says that the server is away.
    }
  };
  void look();
  window.setInterval(() => void look(), LOOK_EVERY_MS);
}
