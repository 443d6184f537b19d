/** The way of an incident through the planner's desk: asked for, looked at, put into force. */

import { may, Problem } from "../shared/api";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import * as data from "./data";
import type { MarkView, PlanView, Replan } from "./data";
import { followJob } from "./night";
import { askHappened, canReplan, proposalBox, type Happened } from "./replan";
import { t } from "./words";

interface Desk {
  zone: string;
  today: () => string;
  view: () => PlanView | null;
  names: () => Map<number, string>;
  /** Ask for a place on the map. */
  place: (then: (lon: number, lat: number) => void) => void;
  /** Where a job says how far it is. */
  jobBar: HTMLElement;
  name: string;
  /** What is shown has changed: draw the routes, and put the focus on them. */
  shown: () => void;
  reload: () => Promise<void>;
}

export class ReplanDesk {
  /** The proposal that is looked at. */
  found: Replan | null = null;

  constructor(private readonly desk: Desk) {}

  button(): HTMLElement | null {
    const view = this.desk.view();
    if (view === null || !canReplan(view, this.desk.today())) return null;
    return h("button", { type: "button", id: "replan", onclick: () => void this.begin() }, t("replan"));
  }

  /** Says that a proposal waits, with what opens it. */
  notice(): HTMLElement | null {
    const waiting = this.desk.view()?.proposals[0];
    if (waiting === undefined || this.found?.routes === waiting) return null;
    return h("p", { class: "waiting" }, t("proposal_waits"), h("button", { type: "button", class: "small", id: "see-proposal", onclick: () => void this.open(waiting) }, t("look_at_it")));
  }

  box(): HTMLElement | null {
    if (this.found === null) return null;
    return proposalBox(this.found, { names: this.desk.names(), zone: this.desk.zone, confirm: () => void this.confirm(), leave: () => this.leave() });
  }

  /** Where the incidents of the proposal are, as the map marks places. */
  marks(): MarkView[] {
    return (this.found?.goes ?? []).map((one) => ({
      mark: "", kind: "pin_stop", by: "", reason: one.words, minutes: null, area_id: null, geometry: { type: "Point", coordinates: [one.lon, one.lat] },
    }));
  }

  private async begin(): Promise<void> {
    const asked = await askHappened(this.desk.names(), this.desk.zone);
    if (asked === null) return;
    if (asked.incident !== null) return this.plan(asked, { incident: asked.incident });
    this.desk.place((lon, lat) => void this.plan(asked, { lon, lat }));
  }

  private async plan({ within_min, stay_min }: Happened, where: Record<string, number>): Promise<void> {
    const inputs = { incidents: [{ ...where, within_min, stay_min }] };
    const made = await followJob<{ routes: number }>("replan", inputs, this.desk.jobBar, t("replanning"));
    if (made !== null) await this.open(made.routes);
  }

  private async open(routes: number): Promise<void> {
    this.found = await data.readReplan(this.desk.view()!.plan.plan_id, routes);
    this.desk.shown();
    document.getElementById("proposal-title")?.focus();
  }

  private leave(): void {
    this.found = null;
    this.desk.shown();
    document.getElementById("replan")?.focus();
  }

  private async confirm(): Promise<void> {
    const view = this.desk.view();
    if (view === null || this.found === null || !may("plans.approve")) return;
    const reason = await ask({ title: t("confirm_replan").replace("…", ""), text: t("as_person", { name: this.desk.name }), label: t("why"), ok: t("confirm_replan").replace("…", "") });
    if (!reason) return;
    try {
      await data.confirmReplan(view.plan.plan_id, this.found.routes, reason);
      toast(t("replan_done"));
      this.found = null;
      await this.desk.reload();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.message, { bad: true, seconds: 12 });
    }
  }
}
