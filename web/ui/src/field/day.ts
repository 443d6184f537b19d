/** Today's work as the server last told it, with what was done here since laid over it. */

import type { FeatureCollection, LineString } from "geojson";
import { call } from "../shared/api";
import { nameLevels, type Action, type CaseRow, type ClassRow, type WorkClock } from "../shared/cases";
import type { Item, Keep } from "./keep";

export interface Task extends CaseRow {
  actions: Action[];
  /** Done here, not yet on the server. */
  pending?: boolean;
}

export interface Visit {
  visit_id: string;
  arrived_at: string;
  left_at: string | null;
  distance_m: number | null;
  pending?: boolean;
}

export interface Stop {
  ordinal: number;
  stop_ref: string;
  must: boolean;
  start_at: string;
  leave_at: string;
  zh: string;
  en: string;
  area: string | null;
  area_en?: string | null;
  lon: number;
  lat: number;
  visit: Visit | null;
}

export interface Route {
  route_id: number;
  unit_id: number;
  unit: string;
  mode: string;
  starts_at: string;
  ends_at: string;
  travel_m: number;
  way: LineString;
  stops: Stop[];
}

export interface Today {
  now: string;
  login: string;
  zone: string;
  clock: WorkClock | null;
  tasks: Task[];
  routes: Route[];
  duty: { on: boolean; since: string | null };
  /** The device that this account's tracks are taken in by. */
  device: string | null;
  classes: ClassRow[];
  /** Who is on post in one's own grids today: roles and how many, no names. */
  posts: { area: string; area_en?: string; role: string; zh: string; en: string; people: number; mine?: boolean }[];
  /** What the district calls its levels; a day that was kept before may lack it. */
  levels?: Record<string, [string, string]>;
  grids: { bounds: [number, number, number, number] | null; shapes: FeatureCollection };
}

const act = (action: string, zh: string, en: string, ...needs: string[]): Action => ({ action, zh, en, needs });
const START = act("start", "开始", "Start");
const RESOLVE = act("resolve", "处置完成", "Finish", "evidence");
const OBJECT = act("object", "派单异议", "Object to the dispatch", "reason");
const REFUSE = act("refuse", "拒办", "Refuse", "reason");
const EXTEND = act("request_extension", "申请延期", "Ask for time", "reason");
const ESCALATE = act("escalate", "上报上级", "Escalate", "reason");
/** What may follow a step that the server has not heard of yet; its own table decides in the end. */
const AFTER: Record<string, { state: string; actions: Action[] }> = {
  receive: { state: "received", actions: [START, OBJECT, EXTEND, REFUSE, ESCALATE] },
  start: { state: "in_progress", actions: [RESOLVE, EXTEND, REFUSE, ESCALATE] },
  resolve: { state: "resolved", actions: [] },
  object: { state: "returned", actions: [] },
  refuse: { state: "escalated", actions: [] },
  escalate: { state: "escalated", actions: [] },
};

export class Day {
  today: Today | null = null;
  private last: Today | null = null;

  constructor(
    private readonly keep: Keep,
    private readonly login: string,
  ) {}

  /** Begin with what is kept; true if there is something. */
  async begin(): Promise<boolean> {
    this.last = (await this.keep.note<Today>(`today:${this.login}`)) ?? null;
    await this.overlay();
    return this.last !== null;
  }

  /** Ask the server; throws without a network, and what is kept stays. */
  async refresh(): Promise<void> {
    this.last = await call<Today>("/api/v1/field/today");
    await this.keep.setNote(`today:${this.login}`, this.last);
    await this.overlay();
  }

  /** Lay what waits in the outbox over what the server said. */
  async overlay(): Promise<void> {
    if (this.last === null) return;
    const items = (await this.keep.outbox()).filter((item) => item.login === this.login);
    const today = structuredClone(this.last);
    for (const item of items) apply(today, item);
    this.today = today;
    nameLevels(today.levels ?? {});
  }
}

function apply(today: Today, item: Item): void {
  if (item.kind === "step") applyStep(today, item);
  else if (item.kind === "duty") today.duty = { on: Boolean(item.body.on), since: item.at };
  else if (item.kind === "arrive") {
    const stop = today.routes.find((one) => one.route_id === item.body.route_id)?.stops.find((one) => one.ordinal === item.body.ordinal);
    if (stop) stop.visit = { visit_id: item.entry_id, arrived_at: item.at, left_at: null, distance_m: null, pending: true };
  } else if (item.kind === "leave") {
    const visit = today.routes.flatMap((one) => one.stops).find((one) => one.visit?.visit_id === item.body.visit_id)?.visit;
    if (visit) Object.assign(visit, { left_at: item.at, pending: true });
  }
}

function applyStep(today: Today, item: Item): void {
  const task = today.tasks.find((one) => one.case_id === item.body.case_id);
  const action = String(item.body.action);
  if (task === undefined || Number(item.body.seen_version) < task.version) return; // the server has it already
  task.version += 1;
  task.pending = true;
  const after = AFTER[action];
  if (after === undefined) return;
  task.state = after.state;
  task.actions = after.actions;
}
