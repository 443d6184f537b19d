/** The queue by deadline, with the reports that nobody has filed yet. */

import { call } from "../shared/api";
import { ALL_LEVELS, areaOf, categoryOf, channelWord, departmentOf, dueClock, levelWord, stateWord, type CaseRow, type WorkClock } from "../shared/cases";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock, named, number } from "../shared/words";
import type { Choices, Unfiled } from "./types";
import { t } from "./words";

interface Page {
  cases: CaseRow[];
  clock: WorkClock | null;
  next: string | null;
}

const TABS = ["all", "overdue", "soon", "later", "none", "unfiled"] as const;
const STATES = ["reported", "verifying", "accepted", "dispatched", "received", "in_progress", "resolved", "checking", "rework", "returned", "escalated", "suspended"];
type Tab = (typeof TABS)[number];

export class Queue {
  /** The server's time less this machine's, in ms. */
  offset = 0;
  private tab: Tab = "all";
  private rows: CaseRow[] = [];
  private next: string | null = null;
  private readonly tabs = new Map<Tab, HTMLButtonElement>();
  private readonly list = h("ol", { class: "rows", "aria-label": t("queue") });
  private readonly note = h("p", { class: "note" });
  private readonly more = h("button", { type: "button", hidden: true, onclick: () => void this.append() }, t("more"));
  private readonly level = this.choice(t("filter_level"), ALL_LEVELS.map((level) => [level, levelWord(level)]));
  private readonly state = this.choice(t("filter_state"), STATES.map((state) => [state, stateWord(state)]));
  private readonly department: HTMLSelectElement;
  private ticket = 0;

  constructor(
    place: HTMLElement,
    choices: Choices,
    private readonly does: { open: (caseId: number) => void; take: (report: Unfiled) => void; drawn: (rows: CaseRow[]) => void },
  ) {
    this.department = this.choice(t("filter_department"), choices.departments.map((one) => [String(one.department_id), named(one)]));
    const bar = h("div", { class: "tabs", role: "group", "aria-label": t("queue") });
    for (const tab of TABS) {
      const made = h("button", { type: "button", "aria-pressed": String(tab === this.tab), onclick: () => void this.show(tab) });
      this.tabs.set(tab, made);
      bar.append(made);
    }
    const filters = h("div", { class: "filters" }, this.level, this.state, this.department);
    place.append(h("h2", {}, t("queue")), bar, filters, this.note, this.list, this.more);
  }

  focus(): void {
    this.list.querySelector<HTMLElement>("button")?.focus();
  }

  async show(tab: Tab): Promise<void> {
    this.tab = tab;
    for (const [name, button] of this.tabs) button.setAttribute("aria-pressed", String(name === tab));
    await this.load();
  }

  /** Read the queue anew; a later look makes an earlier one void. */
  async load(): Promise<void> {
    const ticket = ++this.ticket;
    const [counts, unfiled, page] = await Promise.all([
      call<Record<string, number>>("/api/v1/cases/counts"),
      call<{ reports: Unfiled[] }>("/api/v1/reports"),
      call<Page>(`/api/v1/cases?${this.query()}`),
    ]);
    if (ticket !== this.ticket) return;
    const total = (counts.overdue ?? 0) + (counts.soon ?? 0) + (counts.later ?? 0) + (counts.none ?? 0);
    for (const [tab, button] of this.tabs) {
      const count = tab === "all" ? total : tab === "unfiled" ? unfiled.reports.length : (counts[tab] ?? 0);
      button.replaceChildren(t(tab), h("b", { "data-count": tab }, number(count)));
      button.dataset.some = String(count > 0);
    }
    this.rows = page.cases;
    this.next = page.next;
    if (page.clock) this.offset = Date.parse(page.clock.now) - Date.now();
    this.tellClock(page.clock);
    if (this.tab === "unfiled") this.drawUnfiled(unfiled.reports);
    else this.draw();
    this.does.drawn(this.rows);
  }

  private async append(): Promise<void> {
    if (this.next === null) return;
    const page = await call<Page>(`/api/v1/cases?${this.query()}&cursor=${encodeURIComponent(this.next)}`);
    this.rows.push(...page.cases);
    this.next = page.next;
    this.draw();
    this.does.drawn(this.rows);
  }

  private query(): string {
    const query = new URLSearchParams({ limit: "50" });
    if (this.tab !== "all" && this.tab !== "unfiled") query.set("due", this.tab);
    if (this.level.value) query.set("level", this.level.value);
    if (this.state.value) query.set("state", this.state.value);
    if (this.department.value) query.set("department", this.department.value);
    return query.toString();
  }

  private draw(): void {
    const rows = this.rows.map((row) => this.row(row));
    redraw(this.list, ...(rows.length > 0 ? rows : [h("li", { class: "empty" }, t("empty"))]));
    this.more.hidden = this.next === null;
  }

  private row(row: CaseRow): HTMLElement {
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "row", "data-case": row.case_id, onclick: () => this.does.open(row.case_id) },
        h("span", { class: "first" }, h("b", {}, categoryOf(row)), dueClock(row.due_at)),
        h("span", { class: "words" }, row.words),
        h(
          "span",
          { class: "last" },
          h("span", { class: "state", "data-state": row.state }, stateWord(row.state)),
          `${levelWord(row.level)} · ${departmentOf(row)} · ${areaOf(row) ?? "—"}`,
          h("span", { class: "number" }, row.number),
        ),
      ),
    );
  }

  private drawUnfiled(reports: Unfiled[]): void {
    this.more.hidden = true;
    redraw(
      this.list,
      reports.length === 0 && h("li", { class: "empty" }, t("empty_unfiled")),
      ...reports.map((report) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "row", "data-report": report.report_id, onclick: () => this.does.take(report) },
            h("span", { class: "first" }, h("b", {}, channelWord(report.channel)), clock(new Date(report.received_at), zone(), { day: true })),
            h("span", { class: "words" }, report.words),
            h("span", { class: "last" }, `${areaOf(report) ?? "—"} · ${report.taken_by}`),
          ),
        ),
      ),
    );
  }

  private tellClock(told: WorkClock | null): void {
    this.note.textContent =
      told === null ? "" : told.open ? t("work_open") : t("work_closed", { at: told.changes_at ? clock(new Date(told.changes_at), zone(), { day: true }) : "—" });
  }

  private choice(label: string, options: (readonly [string, string])[]): HTMLSelectElement {
    const made = h("select", { "aria-label": label, onchange: () => void this.load() }, h("option", { value: "" }, t("any_of", { what: label })));
    for (const [value, text] of options) made.append(h("option", { value }, text));
    return made;
  }
}

let jurisdictionZone = "UTC";

/** Times are those of the district that is served, wherever the desk stands. */
export function zone(): string {
  return jurisdictionZone;
}

export function setZone(zone: string): void {
  jurisdictionZone = zone;
}
