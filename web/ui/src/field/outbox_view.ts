/** What waits to be sent, and what could not be done: told, kept, and settled by a person. */

import { span } from "../shared/cases";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { redraw } from "../shared/redraw";
import { clock, language } from "../shared/words";
import type { Day } from "./day";
import type { Item, Keep, Trouble } from "./keep";
import type { Outbox } from "./outbox";
import { t } from "./words";

export class OutboxView {
  private skew: number | null = null;
  private ticket = 0;

  constructor(
    private readonly place: HTMLElement,
    private readonly day: Day,
    private readonly outbox: Outbox,
    private readonly keep: Keep,
    private readonly login: string,
  ) {}

  tellSkew(skew: number | null): void {
    this.skew = skew;
  }

  /** Draw what is kept, unless by the time that it is read something else stands in this place. */
  async draw(isShown: () => boolean): Promise<void> {
    const ticket = ++this.ticket;
    const mine = (await this.keep.outbox()).filter((item) => item.login === this.login);
    const troubles = (await this.keep.troubles()).filter((one) => one.login === this.login);
    const points = await this.keep.countPoints();
    if (ticket !== this.ticket || !isShown()) return; // a later draw has read newer things
    this.place.setAttribute("aria-label", t("outbox"));
    const parts: HTMLElement[] = [];
    if (this.skew !== null) parts.push(h("p", { class: "warning" }, t("clock_off", { s: span(this.skew) })));
    if (this.outbox.state.signedOut) parts.push(h("p", { class: "warning" }, t("signed_out"), " ", h("a", { class: "button", href: "/login?to=/field" }, t("sign_in"))));
    parts.push(h("h2", {}, t("trouble_title"), h("b", {}, String(troubles.length))));
    parts.push(
      troubles.length === 0
        ? h("p", { class: "empty" }, t("trouble_none"))
        : h("ol", { class: "cards" }, ...troubles.map((one) => this.trouble(one))),
    );
    parts.push(h("h2", {}, t("outbox"), h("b", {}, String(mine.length))));
    parts.push(
      mine.length === 0
        ? h("p", { class: "empty" }, t("all_sent"))
        : h("ol", { class: "cards" }, ...mine.map((item) => h("li", { class: "card", "data-item": item.kind }, h("div", { class: "open" }, h("b", {}, this.name(item)), h("span", { class: "last" }, this.when(item)))))),
    );
    if (mine.length > 0) parts.push(h("button", { type: "button", class: "main wide", onclick: () => this.outbox.now() }, t("send_now")));
    if (points > 0) parts.push(h("p", { class: "asof" }, t("tracking", { n: points })));
    if (this.outbox.state.others > 0) parts.push(h("p", { class: "warning" }, t("others", { n: this.outbox.state.others })));
    redraw(this.place, ...parts);
  }

  private trouble(one: Trouble): HTMLElement {
    return h(
      "li",
      { class: "card failed", "data-trouble": one.outcome },
      h(
        "div",
        { class: "open" },
        h("span", { class: "first" }, h("b", {}, this.name(one)), h("span", { class: "state" }, t(one.outcome))),
        h("span", { class: "words" }, language() === "en" ? one.en : one.zh),
        h("span", { class: "last" }, this.when(one)),
      ),
      h(
        "div",
        { class: "two" },
        h("button", { type: "button", class: "main", onclick: () => void this.again(one) }, t("retry")),
        h("button", { type: "button", onclick: () => void this.drop(one) }, t("drop")),
      ),
    );
  }

  /** Do it once more, under a new number and on the case as it stands now. */
  private async again(one: Trouble): Promise<void> {
    const body = { ...one.body };
    if (one.kind === "step") {
      await this.day.refresh();
      const task = this.day.today?.tasks.find((each) => each.case_id === body.case_id);
      if (!task?.actions.some((action) => action.action === body.action)) {
        toast(t("cannot_retry"), { bad: true });
        return;
      }
      body.seen_version = task.version;
    }
    const entry_id = one.kind === "photo" ? one.entry_id : crypto.randomUUID();
    await this.outbox.add({ entry_id, kind: one.kind, body, blob: one.blob });
    await this.keep.dropTrouble(one.entry_id);
    await this.outbox.count();
    toast(t("retried"));
  }

  private async drop(one: Trouble): Promise<void> {
    if ((await ask({ title: t("drop_sure"), text: this.name(one), ok: t("drop") })) === null) return;
    await this.keep.dropTrouble(one.entry_id);
    await this.outbox.count();
  }

  private when(item: Item): string {
    return clock(new Date(item.at), this.day.today?.zone ?? "UTC", { day: true });
  }

  private name(item: Item): string {
    const { body } = item;
    if (item.kind === "photo") return t("kind_photo", { kb: Math.round((item.blob?.size ?? 0) / 1024) });
    if (item.kind === "report") return t("kind_report", { words: String(body.words) });
    if (item.kind === "arrive") return t("kind_arrive", { n: Number(body.ordinal) });
    if (item.kind === "leave") return t("kind_leave");
    if (item.kind === "duty") return body.on ? t("kind_duty_on") : t("kind_duty_off");
    return t("kind_step", { number: String(body.number), step: stepWord(String(body.action)) });
  }
}

const STEPS: Record<string, readonly [string, string]> = {
  receive: ["签收", "Sign for"],
  start: ["开始", "Start"],
  resolve: ["处置完成", "Finish"],
  object: ["派单异议", "Object"],
  refuse: ["拒办", "Refuse"],
  request_extension: ["申请延期", "Ask for time"],
  escalate: ["上报上级", "Escalate"],
};

function stepWord(action: string): string {
  return STEPS[action]?.[language() === "en" ? 1 : 0] ?? action;
}
