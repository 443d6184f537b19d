/** What is known of one grid, beside the map. */

import { h } from "../shared/dom";
import { named } from "../shared/words";
import type { Grid } from "./data";
import { t } from "./words";

export function gridCard(grid: Grid, close: () => void): HTMLElement[] {
  const row = (name: string, value: string): HTMLElement => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const planned = grid.planned_min === null ? null : Math.round(grid.planned_min);
  const done = grid.done_min === null ? t("unknown") : String(Math.round(grid.done_min));
  return [
    h("h2", {}, named(grid)),
    h("p", { class: "code" }, grid.code),
    h(
      "dl", {},
      grid.community ? row(t("community"), named({ name: grid.community, name_en: grid.community_en })) : null,
      row(t("households"), grid.households === null ? t("unknown") : String(grid.households)),
      row(`${t("level")} · ${t("last_7")}`, String(grid.weeks.at(-1) ?? 0)),
      row(t("expected_week"), grid.expected === null ? t("unknown") : `${grid.expected} (${grid.low}–${grid.high})`),
      row(t("load"), `${grid.open_n}${grid.late_n ? ` · ${t("late")} ${grid.late_n}` : ""}`),
      row(t("plan"), planned === null ? t("unknown") : t("minutes_of", { done, planned })),
    ),
    h("button", { type: "button", onclick: close }, t("close")),
  ];
}
