/** The planner's desk: the night's draft, edited by hand with its cost, approved by a person. */

import { may, Problem, type Session } from "../shared/api";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { Live } from "../shared/live";
import { beginPage, sayReady } from "../shared/page";
import { redraw } from "../shared/redraw";
import { language } from "../shared/words";
import { costBox } from "./cost_box";
import * as data from "./data";
import type { Area, Areas, Changes, Cost, Flight, Head, PlanView, Routes } from "./data";
import { Edits } from "./edits";
import { GridList, keyOf } from "./grids";
import { headline, notices } from "./head";
import { middle, PlanMap, squareAround } from "./map";
import { askMinutes, mapTools, placeAsker } from "./map_tools";
import { marksBox, pendingMarks } from "./marks";
import { MissionDesk, type Checked } from "./missions";
import { askNight, followNight } from "./night";
import { ReplanDesk } from "./replan_desk";
import { drawTabBar, type Tab } from "./tab_bar";
import { changesTab, dayName, doneTab, flightsTab, lifeTab, roundsTab, routesTab } from "./tabs";
import { t } from "./words";

const CELL_M = 100;

class Planner {
  private plans: Head[] = [];
  private view: PlanView | null = null;
  private tag = "";
  private areas: Areas | null = null;
  private changes: Changes | null = null;
  private routes: Routes | null = null;
  private flights: Flight[] = [];
  private day: string | null = null;
  private checked: Checked | null = null;
  private readonly missions: MissionDesk;
  private readonly replans: ReplanDesk;
  private cost: Cost | null = null;
  private asking: AbortController | null = null;
  private timer = 0;
  private tab: Tab = "grids";
  private balance = false;
  private readonly edits = new Edits();
  private readonly list = new GridList(this.edits);
  private readonly bar = h("section", { class: "bar", "aria-label": t("choose") });
  private readonly nightBar = h("div", { class: "job", hidden: true });
  private readonly notices = h("div", { class: "notices", role: "status" });
  private readonly desk = h("section", { class: "cost", "aria-label": t("cost") });
  private readonly panel = h("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: 0 });
  private readonly tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t("tabs") });

  constructor(
    private readonly session: Session,
    private info: data.Desk,
    private readonly map: PlanMap,
    mapBox: HTMLElement,
    main: HTMLElement,
  ) {
    const placing = placeAsker(map);
    const tools = mapTools(map, {
      redraw: () => this.drawGrids(),
      pin: () => this.editable && placing.ask((lon, lat) => void this.pinAt(lon, lat)),
      forbid: () => this.editable && placing.ask((lon, lat) => this.edits.add({ kind: "forbid_cell", geometry: squareAround(lon, lat, CELL_M) })),
    });
    mapBox.append(tools, placing.bar);
    main.append(this.bar, this.notices, mapBox, h("section", { class: "side" }, this.desk, this.tabs, this.panel));
    this.missions = new MissionDesk(info, info.jurisdiction.time_zone, (found) => {
      this.checked = found;
      this.drawGrids();
    });
    this.replans = new ReplanDesk({
      zone: info.jurisdiction.time_zone, today: () => this.info.today, name: this.by, jobBar: this.nightBar,
      view: () => this.view, names: () => this.names,
      place: placing.ask,
      shown: () => {
        this.tab = "routes";
        this.draw();
      },
      reload: () => this.reload(),
    });
    this.edits.changed = () => this.edited();
    this.list.chosen = (id) => this.choose(id);
    this.list.pin = (area) => void this.pinArea(area);
    this.list.forbid = (area) => this.edits.add({ kind: "forbid_area", area_id: area.area_id });
    this.map.picked = (id) => {
      this.list.select(id);
      this.map.select(id, { fly: false });
    };
    new Live({ kinds: ["plan"], onEvent: (_, body) => void this.heard(body), onReset: () => void this.reload() });
  }

  async begin(): Promise<void> {
    this.plans = await data.listPlans();
    const asked = Number(new URLSearchParams(location.search).get("plan"));
    const first = this.plans.find((one) => one.plan_id === asked) ?? this.plans[0];
    if (first) await this.open(first.plan_id);
    else this.draw();
  }

  private async open(id: number): Promise<void> {
    const [{ view, tag }, areas] = await Promise.all([data.readPlan(id), data.readAreas(id)]);
    if (this.view?.plan.plan_id !== id) this.replans.found = null;
    this.view = view;
    this.tag = tag;
    this.areas = areas;
    if (view.days.length < 2) this.day = null;
    else if (this.day === null || !view.days.includes(this.day)) this.day = view.days[0]!;
    [this.changes] = await Promise.all([data.readChanges(id), this.readWays(view)]);
    history.replaceState(null, "", `?plan=${id}`);
    this.cost = null;
    if (!this.edits.isEmpty) this.askCost();
    this.draw();
  }

  private async readWays(view: PlanView): Promise<void> {
    ({ routes: this.routes, flights: this.flights } = await data.readWays(view, this.day));
  }

  /** Which day of several the panel and the map show. */
  private dayChoice(): HTMLElement | null {
    const view = this.view!;
    if (view.days.length < 2) return null;
    const choice = h("select", { id: "plan-day" }, ...view.days.map((one) => h("option", { value: one, selected: one === this.day }, dayName(one))));
    choice.addEventListener("change", () => void this.openDay(choice.value));
    return h("p", { class: "day-choice" }, h("label", { for: "plan-day" }, t("day")), choice);
  }

  private async openDay(day: string): Promise<void> {
    this.day = day;
    await this.readWays(this.view!);
    this.drawPanel();
    this.drawGrids();
    document.getElementById("plan-day")?.focus();
  }

  private async reload(): Promise<void> {
    [this.info, this.plans] = await Promise.all([data.readDesk(), data.listPlans()]);
    if (this.view) await this.open(this.view.plan.plan_id);
    else await this.begin();
  }

  private get newest(): Head | undefined {
    return this.plans.find((one) => one.plan_date === this.view?.plan.plan_date && one.days === this.view?.plan.days);
  }
  private get editable(): boolean {
    return may("plans.write") && this.session.areas === null && this.view !== null && this.newest?.plan_id === this.view.plan.plan_id;
  }
  private get by(): string {
    return this.session.name ?? "";
  }
  private get names(): Map<number, string> {
    return new Map((this.areas?.features ?? []).map((one) => [one.properties.area_id, one.properties.name]));
  }

  /** A step or version by anybody: what is open stays open, and says so. */
  private async heard(body: Record<string, unknown>): Promise<void> {
    this.plans = await data.listPlans();
    if (this.view === null) return this.begin();
    if (body.plan_id === this.view.plan.plan_id && this.edits.isEmpty) return this.open(this.view.plan.plan_id);
    this.drawBar();
  }

  private edited(): void {
    if (this.edits.isEmpty) delete document.body.dataset.unsaved;
    else document.body.dataset.unsaved = "";
    this.cost = this.edits.isEmpty ? null : this.cost;
    this.askCost();
    this.drawBar();
    this.drawDesk();
    this.drawGrids();
  }

  private askCost(): void {
    window.clearTimeout(this.timer);
    this.asking?.abort();
    if (this.edits.isEmpty || this.view === null) return this.drawDesk();
    const id = this.view.plan.plan_id;
    this.timer = window.setTimeout(() => void this.readCost(id), 120);
  }

  private async readCost(id: number): Promise<void> {
    this.asking = new AbortController();
    try {
      this.cost = await data.askCost(id, this.edits.all, this.balance, this.asking.signal);
    } catch (error) {
      if (error instanceof DOMException) return;
      this.cost = null;
      toast(error instanceof Error ? error.message : "", { bad: true });
    }
    this.drawDesk();
    this.drawGrids();
  }

  private draw(): void {
    this.drawBar();
    redraw(this.notices, notices(this.view, this.info), this.replans.notice());
    this.drawDesk();
    this.drawTabs();
    this.drawPanel();
    this.drawGrids();
  }

  private drawBar(): void {
    const plan = this.view?.plan;
    const choice = h("select", { id: "plan-choice" }, ...this.plans.map((one) => h("option", { value: one.plan_id, selected: one.plan_id === plan?.plan_id }, `${one.plan_date}${one.days > 1 ? ` ${t("of_days", { days: one.days })}` : ""} · ${t("version", { version: one.version })} · ${t(one.status)}`)));
    choice.addEventListener("change", () => void this.open(Number(choice.value)));
    const parts: (Node | null)[] = [h("label", { for: "plan-choice", class: "quiet" }, t("choose")), this.plans.length ? choice : null];
    if (plan) {
      parts.push(h("span", { class: `status ${plan.status}` }, t(plan.status)), headline(this.view!, this.info));
    }
    parts.push(h("span", { class: "gap" }), this.nightBar, ...this.steps());
    redraw(this.bar, ...parts);
  }

  private steps(): HTMLElement[] {
    const made: HTMLElement[] = [this.replans.button()].filter((one) => one !== null);
    const button = (text: string, act: () => void, main = false): HTMLElement => h("button", { type: "button", class: main ? "main" : null, disabled: !this.edits.isEmpty, title: this.edits.isEmpty ? null : t("save_first"), onclick: act }, text);
    const status = this.view?.plan.status;
    if (may("plans.approve") && status && this.session.areas === null) {
      if ((status === "draft" || status === "edited") && this.newest?.plan_id === this.view!.plan.plan_id) made.push(button(t("approve"), () => void this.step("approve"), true));
      if (status === "approved") made.push(button(t("publish"), () => void this.step("publish"), true));
      if (["draft", "edited", "approved", "published"].includes(status)) made.push(button(t("withdraw"), () => void this.step("withdraw")));
    }
    if (may("plans.write") && may("jobs.run") && this.session.areas === null) made.push(button(t("new_night"), () => void this.night(), this.view === null));
    return made;
  }

  private drawDesk(): void {
    const newest = this.newest;
    const isOld = this.view !== null && newest !== undefined && newest.plan_id !== this.view.plan.plan_id;
    redraw(this.desk, ...costBox(
      { cost: this.cost, balance: this.balance, isEmpty: this.edits.isEmpty, editable: this.editable, newer: isOld && may("plans.write") ? newest : null },
      {
        balance: (on) => {
          this.balance = on;
          this.askCost();
        },
        undo: () => this.edits.undo(), discard: () => this.edits.clear(), save: () => void this.save(), open: (id) => void this.open(id),
      },
    ), marksBox({ held: this.view?.marks ?? [], edits: this.edits, names: this.names, by: this.by, editable: this.editable }));
  }

  private drawTabs(): void {
    drawTabBar(this.tabs, this.panel, this.tab, (name) => this.openTab(name));
  }

  private openTab(name: Tab): void {
    this.tab = name;
    this.drawTabs();
    this.drawPanel();
  }

  private drawPanel(): void {
    if (this.view === null) return this.panel.replaceChildren();
    const view = this.view;
    const zone = this.info.jurisdiction.time_zone;
    const sync: Partial<Record<Tab, () => HTMLElement>> = {
      grids: () => this.list.element(),
      changes: () => changesTab(this.changes, this.names, (id) => this.choose(id)),
      routes: () => this.replans.box() ?? this.withWays(routesTab(view, this.routes, zone, this.day, this.names), this.routes === null),
      flights: () => this.withMissions(this.withWays(flightsTab(view.plan.plan_id, this.flights, zone), this.flights.length === 0)),
      life: () => lifeTab(view, this.names, zone),
    };
    const make = sync[this.tab];
    if (make) redraw(this.panel, make());
    else if (this.tab === "cameras") void data.readRounds(view.plan.plan_id, this.day).then((found) => this.fillPanel("cameras", this.withWays(roundsTab(found, zone), found.length === 0)));
    else void data.readDone(view.plan.plan_id).then((rows) => this.fillPanel("done", doneTab(rows, this.names, this.compareButton())));
    if (this.tab === "grids") this.drawGrids();
  }

  private fillPanel(tab: Tab, made: HTMLElement): void {
    if (this.tab === tab) redraw(this.panel, made);
  }

  private withWays(made: HTMLElement, missing: boolean): HTMLElement {
    const days = this.dayChoice();
    if (days) made.prepend(days);
    if (missing && may("plans.write") && may("jobs.run")) {
      made.append(h("button", { type: "button", class: "main", onclick: () => void this.ways() }, t("make_ways")));
    }
    return made;
  }

  /** Below the flights, the place for files that come from elsewhere. */
  private withMissions(made: HTMLElement): HTMLElement {
    if (may("plans.write")) made.append(this.missions.element());
    return made;
  }

  private compareButton(): HTMLElement | null {
    if (!may("plans.write") || !["published", "executed", "compared"].includes(this.view?.plan.status ?? "")) return null;
    return h("button", { type: "button", onclick: () => void this.compare() }, t("compare"));
  }

  private drawGrids(): void {
    const areas = (this.areas?.features ?? []).map((one) => one.properties);
    const balanced = new Map((this.balance ? (this.cost?.rows ?? []) : []).map((row) => [keyOf(row.area_id, row), row.minutes]));
    const change = new Map((this.changes?.rows ?? []).map((row) => [row.area_id, row.change_min]));
    this.list.show({ areas, shifts: this.view?.shifts ?? [], change, day: this.changes?.before_day ?? null, balanced, editable: this.editable });
    const lifted = new Set(this.edits.all.map((one) => one.mark).filter(Boolean));
    this.map.show({
      areas: this.areas,
      hours: new Map(areas.map((area) => [area.area_id, this.list.hoursOf(area)])),
      change: new Map([...change].map(([id, minutes]) => [id, minutes / 60])),
      routes: this.replans.found?.ways ?? this.routes,
      flights: [...this.flights, ...(this.checked?.geometry ? [{ geometry: this.checked.geometry, may_fly: this.checked.kind === "log" || this.checked.may_fly === true }] : [])],
      marks: [...(this.view?.marks ?? []).filter((one) => !lifted.has(one.mark)), ...pendingMarks(this.edits, this.by).map((one) => one.mark), ...this.replans.marks()],
      hotspotRun: this.view?.plan.hotspot_run_id ?? null,
      trendRun: this.view?.plan.trend_run_id ?? null,
    });
  }

  private async pinAt(lon: number, lat: number): Promise<void> {
    const minutes = await askMinutes();
    if (minutes !== null) this.edits.add({ kind: "pin_stop", minutes, geometry: { type: "Point", coordinates: [lon, lat] } });
  }

  private async pinArea(area: Area): Promise<void> {
    const shape = this.areas?.features.find((one) => one.properties.area_id === area.area_id)?.geometry;
    if (!shape) return;
    const [lon, lat] = middle(shape);
    this.choose(area.area_id);
    await this.pinAt(Number(lon.toFixed(6)), Number(lat.toFixed(6)));
  }

  private choose(areaId: number): void {
    this.map.select(areaId);
    this.list.select(areaId);
  }

  private async save(): Promise<void> {
    const view = this.view;
    if (view === null) return;
    const reason = await ask({ title: t("save"), text: this.cost ? (language() === "en" ? this.cost.words.en : this.cost.words.zh) : undefined, label: t("save_why"), ok: t("save").replace("…", "") });
    if (!reason) return;
    try {
      const made = await data.saveEdits(view.plan.plan_id, this.tag, this.edits.all, this.balance, reason);
      this.edits.clear();
      this.plans = await data.listPlans();
      await this.open(made.plan_id);
      toast(t("saved", { version: this.view!.plan.version }));
    } catch (error) {
      await this.refused(error);
    }
  }

  private async step(action: "approve" | "publish" | "withdraw"): Promise<void> {
    const view = this.view;
    if (view === null) return;
    const reason = await ask({ title: t(action).replace("…", ""), text: t("as_person", { name: this.session.name ?? this.session.login ?? "" }), label: t("why"), ok: t(action).replace("…", "") });
    if (!reason) return;
    try {
      const { status } = await data.takeStep(view.plan.plan_id, this.tag, action, reason);
      toast(t("done_step", { step: t(status) }));
      await this.reload();
    } catch (error) {
      await this.refused(error);
    }
  }

  /** Somebody was faster: show the newest, keep what was not saved. */
  private async refused(error: unknown): Promise<void> {
    if (!(error instanceof Problem)) throw error;
    toast(error.status === 412 ? t("stale") : error.message, { bad: true, seconds: 12 });
    if (error.status !== 412) return;
    this.plans = await data.listPlans();
    const newest = this.newest;
    if (newest) await this.open(newest.plan_id);
  }

  private async night(): Promise<void> {
    const asked = await askNight(this.info);
    if (asked === null) return;
    const plan = await followNight("night", asked, this.nightBar);
    [this.info, this.plans] = await Promise.all([data.readDesk(), data.listPlans()]);
    if (plan !== null) {
      toast(t("finished"));
      await this.open(plan);
    } else this.draw();
  }

  private async ways(): Promise<void> {
    const { plan, gathered } = this.view!;
    const id = plan.plan_id;
    // Of several days, what is there already stays: the day that lacks its ways gets them.
    const some = gathered.routes.length + gathered.rounds.length + gathered.flights.length > 0;
    const day = some && this.day !== null ? { day: this.day } : {};
    if ((await followNight("plan_ways", { plan: id, ...day }, this.nightBar)) === null) return;
    toast(t("finished_ways"));
    await this.open(id);
  }

  private async compare(): Promise<void> {
    const reason = await ask({ title: t("compare").replace("…", ""), text: t("place_only"), label: t("why") });
    if (!reason || this.view === null) return;
    const { words } = await data.compareDone(this.view.plan.plan_id, reason);
    toast(language() === "en" ? words.en : words.zh, { seconds: 12 });
    await this.reload();
  }
}

const session = await beginPage("plan", { title: t("title") });
const info = await data.readDesk();
const main = document.getElementById("main")!;
const box = h("section", { class: "map-box", "aria-label": t("map") });
main.append(box);
const map = await PlanMap.make(box, info.jurisdiction.bounds);
main.replaceChildren();
await new Planner(session, info, map, box, main).begin();
sayReady();
window.addEventListener("beforeunload", (event) => {
  if (document.body.dataset.unsaved !== undefined) event.preventDefault();
});
