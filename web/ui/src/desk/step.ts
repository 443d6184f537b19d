/** The form of one step: only what the step needs. */

import { call } from "../shared/api";
import { actionWord, SATISFACTIONS, satisfactionWord, type Action, type CaseView, type CaseRow } from "../shared/cases";
import { toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { named } from "../shared/words";
import type { Choices } from "./types";
import { t } from "./words";

export class StepForm {
  /** The same form sent twice is one step. */
  private readonly request = crypto.randomUUID();
  private busy = false;
  private readonly reads: ((body: Record<string, unknown>) => Promise<void> | void)[] = [];
  private readonly fields: Node[] = [];
  readonly element: HTMLFormElement;

  constructor(
    private readonly view: CaseView,
    private readonly action: Action,
    choices: Choices,
    private readonly take: (body: Record<string, unknown>) => Promise<void>,
    cancel: () => void,
  ) {
    const needs = new Set(action.needs);
    if (needs.has("department")) this.department(choices);
    if (action.action === "dispatch" && view.state === "returned") this.binding();
    if (needs.has("category") && view.category_id === null) this.category(choices);
    if (needs.has("outcome")) this.outcome(choices);
    if (needs.has("evidence")) this.evidence();
    if (needs.has("satisfaction")) this.satisfaction();
    if (needs.has("case")) this.case();
    if (action.action === "grant_extension") this.longer();
    if (needs.has("reason") || this.fields.length > 0) this.reason(needs.has("reason"));
    this.element = h(
      "form",
      { class: "step" },
      h("h3", {}, actionWord(action)),
      ...this.fields,
      h("div", { class: "row" }, h("button", { type: "button", onclick: cancel }, t("cancel")), h("button", { class: "main", type: "submit" }, actionWord(action))),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
  }

  get isEmpty(): boolean {
    return this.fields.length === 0;
  }

  focus(): void {
    this.element.querySelector<HTMLElement>("select, input, textarea")?.focus();
  }

  async send(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const body: Record<string, unknown> = { action: this.action.action, request_id: this.request };
      for (const read of this.reads) await read(body);
      await this.take(body);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      toast(error.message, { bad: true });
    } finally {
      this.busy = false;
    }
  }

  private add(label: string, field: HTMLElement, read: (body: Record<string, unknown>) => Promise<void> | void): void {
    field.id = `step-${this.fields.length}`;
    this.fields.push(h("label", { for: field.id }, label), field);
    this.reads.push(read);
  }

  private reason(required: boolean): void {
    const field = h("textarea", { rows: 2, required, maxlength: 4000 });
    this.add(required ? t("reason") : t("note"), field, (body) => {
      body.reason = field.value.trim() || null;
    });
  }

  private department(choices: Choices): void {
    const field = h("select", { required: true }, ...choices.departments.map((one) => h("option", { value: one.department_id }, named(one))));
    if (this.view.department_id !== null) field.value = String(this.view.department_id);
    else void this.propose(field);
    this.add(t("choose_department"), field, (body) => {
      body.department_id = Number(field.value);
    });
  }

  /** An objection was heard: whoever gets it now may be told that there is no other. */
  private binding(): void {
    const field = h("input", { type: "checkbox" });
    this.fields.push(h("label", { class: "choice" }, field, t("binding")));
    this.reads.push((body) => {
      body.binding = field.checked;
    });
  }

  /** Begin with the department that the table of routes names. */
  private async propose(field: HTMLSelectElement): Promise<void> {
    const { lon, lat, words, category_id } = this.view;
    const told = await call<{ route: { department_id: number } | null }>("/api/v1/reports/suggest", {
      body: { words, place: { lon, lat }, category_id },
    });
    if (told.route) field.value = String(told.route.department_id);
  }

  private category(choices: Choices): void {
    const field = h("select", { required: true }, ...choices.classes.map((one) => h("option", { value: one.category_id }, named(one))));
    this.add(t("class"), field, (body) => {
      body.category_id = Number(field.value);
    });
  }

  private outcome(choices: Choices): void {
    const field = h("select", { required: true }, ...choices.outcomes.map((one) => h("option", { value: one.outcome }, actionWord(one))));
    this.add(t("no_case_title"), field, (body) => {
      body.outcome = field.value;
    });
  }

  private satisfaction(): void {
    const field = h("select", { required: true }, ...SATISFACTIONS.map((one) => h("option", { value: one }, satisfactionWord(one))));
    this.add(t("satisfaction"), field, (body) => {
      body.satisfaction = field.value;
    });
  }

  private evidence(): void {
    const boxes = this.view.photos.map((photo) =>
      h(
        "label",
        { class: "choice" },
        h("input", { type: "checkbox", value: `photo:${photo.photo_id}`, checked: photo.kind === "after" }),
        h("img", { src: photo.href, alt: t(`kind_${photo.kind}` as "kind_near") }),
      ),
    );
    const paper = h("input", { maxlength: 200, placeholder: t("evidence_doc"), "aria-label": t("evidence_doc") });
    const group = h("div", { class: "evidence", role: "group", "aria-label": t("evidence") }, ...boxes, paper);
    this.fields.push(h("p", {}, t("evidence")), group);
    this.reads.push((body) => {
      const chosen = [...group.querySelectorAll<HTMLInputElement>("input:checked")].map((box) => box.value);
      body.evidence = [...chosen, paper.value.trim()].filter((one) => one !== "");
    });
  }

  private case(): void {
    const field = h("input", { required: true, maxlength: 40, placeholder: "20261129-000001" });
    this.add(t("merge_into"), field, async (body) => {
      const number = field.value.trim();
      const found = await call<{ cases: CaseRow[] }>(`/api/v1/cases?number=${encodeURIComponent(number)}`);
      const into = found.cases[0];
      if (into === undefined) throw new Wrong(t("not_found", { number }));
      body.merged_into = into.case_id;
    });
  }

  private longer(): void {
    const field = h("input", { type: "number", min: 1, max: 60, step: 1, value: 2, required: true });
    this.add(t("extend"), field, (body) => {
      body.limit = { value: Number(field.value), unit: "work_day" };
    });
  }
}

class Wrong extends Error {}
