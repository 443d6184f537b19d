/** The matrix of grids and roles, with its gaps and who holds several posts of one role. */

import { call } from "../shared/api";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { named, number } from "../shared/words";
import { wordOf, type Staffing } from "./data";
import { attempt, note, table } from "./parts";
import { t } from "./words";

interface Does {
  choose: (code: string) => void;
  reload: () => Promise<void>;
}

let onlyGaps = false;

export function coverageTab(staffing: Staffing, editable: boolean, does: Does): HTMLElement {
  const short = new Map<string, Map<string, number>>();
  for (const gap of staffing.gaps) {
    if (!short.has(gap.code)) short.set(gap.code, new Map());
    short.get(gap.code)!.set(gap.role, gap.least - gap.held);
  }
  const box = h("input", { type: "checkbox", id: "only-gaps", checked: onlyGaps });
  const place = h("div", {});
  const draw = (): void => place.replaceChildren(matrix(staffing, short, does));
  box.addEventListener("change", () => {
    onlyGaps = box.checked;
    draw();
  });
  draw();
  const roles = staffing.roles;
  const found = h(
    "div",
    {},
    h("p", { role: "status" }, t("summary", { grids: staffing.grids.length, gaps: staffing.gaps.length, doubles: staffing.doubles.length })),
    table(t("role"), [t("role"), t("people"), t("covered"), t("least"), t("gaps")], roles.map((one) => [
      wordOf(one), number(one.people), number(one.grids), editable ? leastField(one, does) : number(one.least),
      one.gaps > 0 ? h("b", { class: "short" }, number(one.gaps)) : "0",
    ])),
    h("h3", {}, t("matrix")),
    h("label", { class: "check" }, box, t("only_gaps")),
    place,
    h("h3", {}, t("doubles")),
  );
  if (staffing.doubles.length === 0) found.append(note(t("no_doubles")));
  else {
    const word = new Map(roles.map((one) => [one.role, wordOf(one)]));
    found.append(table(t("doubles"), [t("staff_no"), t("role"), t("grid")], staffing.doubles.map((one) => [one.staff_no, word.get(one.role) ?? one.role, `${t("posts_n", { n: one.posts })}: ${one.grids}`])));
  }
  return found;
}

function leastField(role: Staffing["roles"][number], does: Does): HTMLElement {
  const field = h("input", { type: "number", min: 0, max: 100, value: role.least, class: "least", id: `least-${role.role}`, "aria-label": t("least_of", { role: wordOf(role) }) });
  field.addEventListener("change", () =>
    void attempt(async () => {
      await call(`/api/v1/posts/needs/${encodeURIComponent(role.role)}`, { method: "PUT", body: { least: Number(field.value) } });
      toast(t("saved"));
      await does.reload();
    }),
  );
  return field;
}

function matrix(staffing: Staffing, short: Map<string, Map<string, number>>, does: Does): HTMLElement {
  const shown = staffing.grids.filter((grid) => !onlyGaps || short.has(grid.code));
  return table(
    t("matrix"),
    [t("grid"), ...staffing.roles.map(wordOf)],
    shown.map((grid) => [
      h("button", { type: "button", class: "link", "data-grid": grid.code, onclick: () => does.choose(grid.code) }, named(grid)),
      ...staffing.roles.map((role) => {
        const lacks = short.get(grid.code)?.get(role.role) ?? 0;
        if (lacks > 0) return h("span", { class: "short" }, t("missing", { n: lacks }));
        const held = grid.held[role.role] ?? 0;
        return held === 0 ? h("span", { class: "none" }, "0") : String(held);
      }),
    ]),
  );
}
