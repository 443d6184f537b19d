/** Day and night: what the address says, else what was chosen here, else what the machine prefers. */

import "@fontsource-variable/noto-sans-sc";
import "./theme.css";

export type Theme = "day" | "night";
const KEY = "gridbeat-theme";

export function theme(): Theme {
  return document.documentElement.dataset.theme === "day" ? "day" : "night";
}

/** Set the theme of this page; `fallback` where nobody chose one. */
export function beginTheme(fallback?: Theme): Theme {
  const said = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem(KEY);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const chosen: Theme = said === "day" || said === "night" ? said : (fallback ?? (dark ? "night" : "day"));
  document.documentElement.dataset.theme = chosen;
  return chosen;
}

export function setTheme(to: Theme): void {
  localStorage.setItem(KEY, to);
  document.documentElement.dataset.theme = to;
  document.dispatchEvent(new CustomEvent("themechange", { detail: to }));
}

/** A colour of the theme, for what cannot read CSS: the map. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
