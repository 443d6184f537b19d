/** My tasks by deadline, and one of them with its large buttons. */

import { actionWord, areaOf, categoryOf, departmentOf, dueClock, levelWord, stateWord, type Action } from "../shared/cases";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock } from "../shared/words";
import type { Day, Task } from "./day";
import type { FieldMap } from "./map";
import type { Outbox } from "./outbox";
import { PhotoStrip } from "./photos";
import { t } from "./words";

const MAIN: Record<string, string> = { dispatched: "receive", received: "start", rework: "start", in_progress: "resolve" };

export class TaskView {
  private dialog: HTMLDialogElement | null = null;

  constructor(
    private readonly place: HTMLElement,
    private readonly day: Day,
    private readonly outbox: Outbox,
    private readonly map: FieldMap,
  ) {
    map.opened = (caseId) => this.open(caseId);
  }

  draw(): void {
    this.map.showRoute(null);
    const today = this.day.today;
    this.place.setAttribute("aria-label", t("tasks"));
    if (today === null) {
      redraw(this.place, h("p", { class: "empty" }, t("no_tasks")));
      return;
    }
    const open = today.tasks.filter((task) => task.actions.length > 0);
    const groups: [string, Task[]][] = [
      [t("in_hand"), open.filter((task) => task.state !== "dispatched")],
      [t("to_sign"), open.filter((task) => task.state === "dispatched")],
      [t("done_today"), today.tasks.filter((task) => task.actions.length === 0)],
    ];
    const parts: HTMLElement[] = [];
    for (const [title, tasks] of groups) {
      if (tasks.length === 0) continue;
      parts.push(h("h2", {}, title, h("b", {}, String(tasks.length))), h("ol", { class: "cards" }, ...tasks.map((task) => this.card(task))));
    }
    if (parts.length === 0) parts.push(h("p", { class: "empty" }, t("no_tasks")));
    parts.push(h("p", { class: "asof" }, t("as_of", { at: clock(new Date(today.now), today.zone) })));
    redraw(this.place, ...parts);
  }

  private card(task: Task): HTMLElement {
    const main = task.actions.find((action) => action.action === MAIN[task.state]);
    return h(
      "li",
      { class: "card", "data-case": task.case_id, "data-state": task.state },
      h(
        "button",
        { type: "button", class: "open", onclick: () => this.open(task.case_id) },
        h("span", { class: "first" }, h("b", {}, categoryOf(task)), dueClock(task.due_at)),
        h("span", { class: "words" }, task.words),
        h(
          "span",
          { class: "last" },
          h("span", { class: "state" }, stateWord(task.state)),
          task.pending ? h("span", { class: "unsent" }, t("unsent")) : null,
          areaOf(task) ?? "",
        ),
      ),
      main ? h("button", { type: "button", class: "main", "data-action": main.action, onclick: () => void this.take(task, main) }, actionWord(main)) : null,
    );
  }

  open(caseId: number): void {
    const task = this.day.today?.tasks.find((one) => one.case_id === caseId);
    if (task === undefined) return;
    this.map.focus(task.lon, task.lat);
    const zone = this.day.today?.zone ?? "UTC";
    const main = task.actions.find((action) => action.action === MAIN[task.state]);
    const others = task.actions.filter((action) => action !== main);
    const facts = h(
      "dl",
      { class: "facts" },
      ...[
        [t("area"), areaOf(task) ?? "—"],
        [t("due"), task.due_at ? clock(new Date(task.due_at), zone, { day: true }) : "—"],
        ["", `${levelWord(task.level)} · ${departmentOf(task)}`],
      ].map(([name, value]) => h("div", {}, h("dt", {}, name ?? ""), h("dd", {}, value ?? ""))),
    );
    const button = (action: Action, kind: string | null): HTMLElement =>
      h("button", {
        type: "button", class: kind, "data-action": action.action,
        onclick: () => {
          this.dialog?.close();
          void this.take(task, action);
        },
      }, actionWord(action));
    const dialog = h(
      "dialog",
      { class: "sheet", "aria-labelledby": "task-title" },
      h("header", {}, h("h2", { id: "task-title" }, categoryOf(task)), h("span", { class: "big" }, dueClock(task.due_at))),
      h("p", { class: "said" }, task.words),
      facts,
      h("div", { class: "buttons" }, main ? button(main, "main") : null, ...others.map((action) => button(action, null))),
      h("button", { type: "button", class: "wide", onclick: () => this.dialog?.close() }, t("close")),
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    this.dialog = dialog;
    dialog.showModal();
  }

  private async take(task: Task, action: Action): Promise<void> {
    if (action.needs.includes("evidence")) {
      await this.finish(task, action);
      return;
    }
    let reason: string | null = null;
    if (action.needs.includes("reason")) {
      reason = await ask({ title: actionWord(action), label: t("reason"), ok: t("send") });
      if (reason === null || reason === "") return;
    }
    await this.outbox.add({ entry_id: crypto.randomUUID(), kind: "step", body: this.step(task, action.action, { reason }) });
    toast(t("kept"));
  }

  /** Photos first, then the step that names them: all of it is kept at once, and sent in that order. */
  private async finish(task: Task, action: Action): Promise<void> {
    const strip = new PhotoStrip(t("finish_photo"));
    const note = h("textarea", { id: "finish-note", rows: 2, maxlength: 2000 });
    const dialog = h(
      "dialog",
      { class: "sheet", "aria-labelledby": "finish-title" },
      h("h2", { id: "finish-title" }, t("finish_title")),
      h("p", { class: "said" }, task.words),
      strip.element,
      h("label", { for: "finish-note" }, t("note")),
      note,
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "main", id: "finish-send", onclick: () => void send() }, t("send")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")),
      ),
    );
    let sent = false;
    const send = async (): Promise<void> => {
      if (strip.photos.length === 0) {
        toast(t("finish_need"), { bad: true });
        return;
      }
      if (sent) return;
      sent = true;
      const photos = strip.items({ case_id: task.case_id, kind: "after" });
      const evidence = photos.map((photo) => `photo:${photo.entry_id}`);
      const body = this.step(task, action.action, { evidence, reason: note.value.trim() || null });
      try {
        await this.outbox.add(...photos, { entry_id: crypto.randomUUID(), kind: "step", body });
      } catch {
        sent = false;
        toast(t("storage"), { bad: true });
        return;
      }
      dialog.close();
      toast(t("kept"));
    };
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  private step(task: Task, action: string, more: Record<string, unknown>): Record<string, unknown> {
    return { case_id: task.case_id, number: task.number, action, seen_version: task.version, ...more };
  }
}
