/** One case: where it stands, its clocks, what may be done now, and all that happened. */

import { call, Problem } from "../shared/api";
import {
  actionWord, areaOf, categoryOf, channelWord, departmentOf, dueClock, levelWord, satisfactionWord, span, stateWord,
  type Action, type CaseView, type Step,
} from "../shared/cases";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock } from "../shared/words";
import { zone } from "./queue";
import { StepForm } from "./step";
import type { Choices } from "./types";
import { t } from "./words";

/** Steps that bring a case nearer to its end; the first of them that is open stands out. */
const FORWARD = new Set(["accept", "dispatch", "receive", "start", "resolve", "check", "close", "acknowledge", "resume"]);

export class CasePane {
  changed: () => void = () => undefined;
  private view: CaseView | null = null;
  private form: StepForm | null = null;
  private mine = 0;

  constructor(
    private readonly place: HTMLElement,
    private readonly choices: Choices,
    private readonly login: string,
    private readonly shown: (view: CaseView | null) => void,
  ) {
    place.tabIndex = 0; // a long case without a button left has to scroll by keyboard, too
    this.draw();
  }

  async open(caseId: number): Promise<void> {
    this.put(await call<CaseView>(`/api/v1/cases/${caseId}`));
    this.place.scrollTop = 0;
  }

  put(view: CaseView): void {
    const isOther = view.case_id !== this.view?.case_id;
    this.view = view;
    this.draw();
    if (isOther) this.shown(view);
  }

  /** Somebody moved a case; if it is the one that stands here, show it anew and say so. */
  hear(caseId: number): void {
    const before = this.view;
    if (before === null || before.case_id !== caseId) return;
    void call<CaseView>(`/api/v1/cases/${caseId}`).then((view) => {
      if (this.view?.case_id !== caseId || view.version <= this.view.version) return;
      const last = view.history.at(-1);
      const isMine = last?.actor === this.login && Date.now() - this.mine < 5000;
      this.put(view);
      if (!isMine && last) toast(`${t("changed")}：${this.actor(last.actor)} ${actionWord(last)}`);
    });
  }

  private draw(): void {
    const view = this.view;
    this.form = null;
    delete this.place.dataset.version;
    if (view === null) {
      redraw(this.place, h("p", { class: "pick" }, t("pick")));
      return;
    }
    this.place.dataset.case = String(view.case_id);
    this.place.dataset.version = String(view.version);
    redraw(
      this.place,
      h(
        "header",
        {},
        h("h2", {}, view.number, " ", h("span", { class: "state", "data-state": view.state }, stateWord(view.state))),
        h("span", { class: "big" }, dueClock(view.due_at)),
      ),
      h("p", { class: "said" }, view.words),
      this.facts(view),
      this.steps(view),
      this.photos(view),
      this.history(view),
      this.reports(view),
    );
  }

  private facts(view: CaseView): HTMLElement {
    const when = (at: string | null): string => (at ? clock(new Date(at), zone(), { day: true }) : "—");
    const facts: (readonly [string, string])[] = [
      [t("class"), categoryOf(view)],
      [t("level"), levelWord(view.level)],
      [t("department"), departmentOf(view)],
      ...(view.first_department ? [[t("first_department"), departmentOf({ department: view.first_department, department_en: view.first_department_en })] as const] : []),
      [t("handler"), view.handler ?? "—"],
      [t("deadline"), when(view.due_at) + (view.due_provisional ? t("provisional") : "")],
      [t("first_deadline"), when(view.first_due_at)],
      [t("place"), areaOf(view) ?? t("no_grid")],
    ];
    const list = h("dl", { class: "facts" });
    for (const [name, value] of facts) list.append(h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    if (view.merged_into !== null) {
      const into = view.merged_into;
      const open = h("button", { type: "button", class: "link", onclick: () => void this.open(into) }, view.merged_into_number ?? String(into));
      list.append(h("div", {}, h("dt", {}, t("merged_into")), h("dd", {}, open)));
    }
    if (view.work_left_s !== null && view.work_left_s > 0) {
      list.append(h("div", { class: "wide" }, h("dd", {}, t("work_left", { time: span(view.work_left_s) }))));
    }
    return list;
  }

  private steps(view: CaseView): HTMLElement {
    const place = h("div", { class: "step-form" });
    const bar = h("div", { class: "steps", role: "group", "aria-label": t("actions") });
    const first = view.actions.find((action) => FORWARD.has(action.action));
    for (const action of [...(first ? [first] : []), ...view.actions.filter((one) => one !== first)]) {
      bar.append(
        h(
          "button",
          { type: "button", class: action === first ? "main" : null, "data-action": action.action, onclick: () => this.begin(view, action, place) },
          actionWord(action),
        ),
      );
    }
    if (view.actions.length === 0) bar.append(h("p", { class: "note" }, t("no_actions")));
    return h("section", { "aria-label": t("actions") }, bar, place);
  }

  private begin(view: CaseView, action: Action, place: HTMLElement): void {
    this.form = new StepForm(view, action, this.choices, (body) => this.take(view, action, body), () => this.draw());
    if (this.form.isEmpty) void this.form.send();
    else {
      place.replaceChildren(this.form.element);
      this.form.focus();
    }
  }

  private async take(view: CaseView, action: Action, body: Record<string, unknown>): Promise<void> {
    this.mine = Date.now();
    try {
      const after = await call<CaseView>(`/api/v1/cases/${view.case_id}/steps`, { body, headers: { "If-Match": `"${view.version}"` } });
      this.put(after);
      toast(t("done", { number: after.number, step: actionWord(action) }));
      this.changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.detail || error.message, { bad: true, seconds: 15 });
      if (error.status !== 409) return;
      this.put(await call<CaseView>(`/api/v1/cases/${view.case_id}`));
      this.changed();
    }
  }

  private photos(view: CaseView): HTMLElement {
    const strip = h("div", { class: "photos" });
    for (const photo of view.photos) {
      const kind = t(`kind_${photo.kind}` as "kind_near");
      const alt = t("photo_of", { kind, by: photo.taken_by, at: clock(new Date(photo.taken_at), zone(), { day: true }) });
      strip.append(h("a", { href: photo.href, target: "_blank", rel: "noopener" }, h("img", { src: photo.href, alt, loading: "lazy" }), h("small", {}, kind)));
    }
    const file = h("input", { type: "file", accept: "image/jpeg,image/png,image/webp", "aria-label": t("add_photo") });
    file.addEventListener("change", () => void this.send(view, file));
    if (view.open) strip.append(h("label", { class: "button add" }, t("add_photo"), file));
    return h("section", { "aria-label": t("photos") }, h("h3", {}, t("photos")), strip);
  }

  private async send(view: CaseView, file: HTMLInputElement): Promise<void> {
    const picked = file.files?.[0];
    if (picked === undefined) return;
    const { shrink } = await import("../shared/picture");
    const form = new FormData();
    form.set("file", await shrink(picked), "photo.jpg");
    form.set("case_id", String(view.case_id));
    form.set("kind", "other");
    try {
      await call(`/api/v1/photos/${crypto.randomUUID()}`, { method: "PUT", body: form });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.message, { bad: true });
      return;
    }
    toast(t("photo_added"));
    await this.open(view.case_id);
  }

  private history(view: CaseView): HTMLElement {
    const list = h("ol", { class: "history" });
    for (const step of view.history) list.append(this.step(step));
    return h("section", { "aria-label": t("history") }, h("h3", {}, t("history")), list);
  }

  private step(step: Step): HTMLElement {
    const extra = [
      step.department ? departmentOf(step) : null,
      step.binding ? t("binding_said") : null,
      step.level ? t("escalated_to", { level: levelWord(step.level) }) : null,
      step.satisfaction ? satisfactionWord(step.satisfaction) : null,
      step.actor === "clock" ? t("climbed_late") : step.reason,
    ].filter(Boolean);
    return h(
      "li",
      { "data-step": step.action },
      h("time", { datetime: step.at }, clock(new Date(step.at), zone(), { day: true })),
      h("b", {}, actionWord(step)),
      h("span", {}, this.actor(step.actor)),
      extra.length > 0 ? h("span", { class: "extra" }, extra.join(" · ")) : null,
    );
  }

  private actor(actor: string): string {
    return actor === "clock" ? t("by_clock") : actor;
  }

  private reports(view: CaseView): HTMLElement {
    const list = h("ul", { class: "reports" });
    for (const report of view.reports_in) {
      const open = report.has_contact
        ? h("button", { type: "button", class: "link", onclick: (event: MouseEvent) => void this.contact(report.report_id, event) }, t("open_contact"))
        : null;
      list.append(
        h(
          "li",
          {},
          h("small", {}, `${channelWord(report.channel)} · ${clock(new Date(report.received_at), zone(), { day: true })} · ${report.taken_by}`),
          h("p", {}, report.words, report.address ? `（${report.address}）` : ""),
          open,
        ),
      );
    }
    return h("section", { "aria-label": t("reports") }, h("h3", {}, `${t("reports")} ${view.reports}`), list);
  }

  private async contact(reportId: string, event: MouseEvent): Promise<void> {
    const reason = await ask({ title: t("open_contact"), label: t("contact_reason") });
    if (reason === null) return;
    const found = await call<{ name: string; phone: string; wish: string }>(`/api/v1/reports/${reportId}/contact`, { body: { reason } });
    (event.target as HTMLElement).replaceWith(h("b", {}, [found.name, found.phone, found.wish].filter(Boolean).join(" ")));
  }
}
