/** Where a wall's screen signs in with its token: `/screen#gbt_...`, or typed in once. */

import { call, Problem, readSession } from "../shared/api";
import { byId, h } from "../shared/dom";
import { beginTheme } from "../shared/theme";
import { translator } from "../shared/words";
import "./screen.css";

const t = translator({
  title: ["大屏登录", "Sign a screen in"],
  token: ["大屏令牌", "Token of the screen"],
  hint: ["由 gridbeat users token … --screen 生成；只能查看。", "Made by gridbeat users token … --screen; it looks and nothing else."],
  go: ["登录", "Sign in"],
});

async function signIn(token: string, query: string): Promise<void> {
  await call("/api/v1/session/wall", { body: { token } });
  // The token must not stay in the address or the history of a screen that anybody can see.
  location.replace(`/wall${query}`);
}

async function begin(): Promise<void> {
  beginTheme("night");
  document.title = t("title");
  await readSession();
  const alert = h("p", { role: "alert", class: "wrong" });
  const field = h("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const form = h(
    "form", {}, h("h1", {}, t("title")), alert, h("label", { for: "token" }, t("token")), field, h("p", { class: "hint" }, t("hint")),
    h("button", { class: "main" }, t("go")),
  );
  const attempt = async (token: string): Promise<void> => {
    try {
      await signIn(token, location.search);
    } catch (error) {
      alert.textContent = error instanceof Problem ? error.message : String(error);
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(field.value.trim());
  });
  byId("main").replaceChildren(form);
  const given = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  if (given) await attempt(given);
  else field.focus();
}

void begin();
