/** What the planner's desk asks the server, and the shapes of its answers. */

import type { Feature, FeatureCollection, Geometry, MultiPolygon, Polygon } from "geojson";
import { language } from "../shared/words";
import { call, Problem, send } from "../shared/api";

export type Status = "draft" | "edited" | "approved" | "published" | "executed" | "compared" | "withdrawn";

export interface Head {
  plan_id: number;
  plan_date: string;
  days: number;
  version: number;
  parent_id: number | null;
  hours: number;
  status: Status;
  approved_by: string | null;
  created_at: string;
  hotspot_run_id?: number | null;
  trend_run_id?: number | null;
  parameters?: { data?: { until?: string } };
}
export interface Night {
  outcome: "complete" | "partial" | "failed";
  plan_id: number | null;
  words: string[];
  parts: { name: string; outcome: string; words: string }[];
}
export interface Desk {
  jurisdiction: { code: string; name: string; name_en: string; simulated: boolean; time_zone: string; approval_no: string | null; bounds: [number, number, number, number] };
  today: string;
  in_force: number | null;
  units: { unit_id: number; name: string; kind: string }[];
  drones: { drone_id: number; name: string }[];
  night: Night | null;
}
export interface Shift {
  shift_no: number;
  name: string;
  name_en: string;
  minutes: number;
}
export interface MarkView {
  mark: string;
  kind: "pin_stop" | "forbid_area" | "forbid_cell";
  by: string;
  reason: string;
  minutes: number | null;
  area_id: number | null;
  geometry: Geometry | null;
}
export interface PlanView {
  plan: Head;
  shifts: Shift[];
  days: string[];
  kinds: string[];
  coverage: { need: number; covered: number; share: number | null; dwell_min: number; visible_min: number; cover_h: number | null; unknown_areas: number };
  steps: { action: string; actor: string; reason: string; at: string }[];
  edits: { ordinal: number; kind: string; area_id: number | null; minutes_before: number | null; minutes: number | null; edited_by: string; reason: string; edited_at: string }[];
  marks: MarkView[];
  gathered: { routes: number[]; rounds: number[]; flights: number[] };
  /** Routes that were planned anew and wait for who approves. */
  proposals: number[];
  replans: { route_run_id: number; confirmed_by: string; confirmed_why: string; confirmed_at: string }[];
  night: Night | null;
}
export interface Row {
  shift_no: number;
  unit_kind: string;
  minutes: number;
}
export interface Area {
  area_id: number;
  code: string;
  name: string;
  name_en: string | null;
  community: string | null;
  households: number | null;
  hours: number;
  explore_h: number;
  trend_h: number;
  unknown: boolean;
  reason_zh: string;
  reason_en: string;
  need_week: number | null;
  rows: Row[];
}
export type Areas = FeatureCollection<Polygon | MultiPolygon, Area>;
export interface Changes {
  /** Null for a plan that has none before it. */
  before: number | null;
  before_day: string | null;
  sentences: string[];
  rows: { area_id: number; code: string; name: string; before_min: number; after_min: number; change_min: number; why: string }[];
}
export interface Cost {
  change: number;
  minutes_before: number;
  minutes_after: number;
  words: { zh: string; en: string };
  by_area: { area_id: number; change: number }[];
  rows: (Row & { area_id: number })[];
}
export interface EditIn {
  kind: "set_minutes" | "pin_stop" | "unpin_stop" | "forbid_area" | "forbid_cell" | "allow";
  area_id?: number;
  shift_no?: number;
  unit_kind?: string;
  minutes?: number;
  mark?: string;
  geometry?: Geometry;
  reason?: string;
}
export interface Flight {
  flight_id: number;
  mission: string;
  flight_no: number;
  drone: string;
  takes_off_at: string;
  duration_s: number;
  may_fly: boolean;
  due_at: string | null;
  ground: string;
  breaches: { weight: "refused" | "application"; rule: string; article: string; words: string }[];
  geometry: Geometry;
}
export interface Round {
  round_id: number;
  watchers: number;
  looks: { camera_id: number; camera_name: string; watcher: number; due_at: string; lon: number; lat: number }[];
}
export interface DoneRow {
  area_id: number;
  shift_no: number;
  source: "any" | "foot" | "vehicle" | "drone" | "camera";
  planned_min: number;
  done_min: number | null;
}
export interface ReplanVisit {
  stop_ref: string;
  area_id: number | null;
  start_at: string;
  leave_at: string;
}
export interface ReplanUnit {
  unit: string;
  mode: string;
  before: ReplanVisit[];
  after: ReplanVisit[];
  dropped: string[];
  /** Who makes the visit instead, by the visit. */
  given: Record<string, string>;
  gets: string[];
}
export interface Replan {
  routes: number;
  at: string;
  holds_until: string;
  goes: { ref: string; unit: string; arrives_at: string; words: string; lon: number; lat: number }[];
  nobody_reaches: string[];
  dropped: number;
  /** Only units whose visits change. */
  units: ReplanUnit[];
  same: number;
  ways: Routes;
}
export type Routes = FeatureCollection<Geometry, Record<string, string | number | boolean>>;

const base = "/api/v1/plans";

export const readDesk = (): Promise<Desk> => call<Desk>(`${base}/desk`);
export const listPlans = async (): Promise<Head[]> => (await call<{ plans: Head[] }>(`${base}?limit=100`)).plans;

/** A plan and the tag that goes back with each change of it. */
export async function readPlan(id: number): Promise<{ view: PlanView; tag: string }> {
  const answer = await send(`${base}/${id}`);
  return { view: (await answer.json()) as PlanView, tag: answer.headers.get("ETag") ?? "" };
}
/** The areas of a plan, named in the language of the page where they have such a name. */
export async function readAreas(id: number): Promise<Areas> {
  const areas = await call<Areas>(`${base}/${id}/areas`);
  for (const { properties: one } of areas.features) if (language() === "en") one.name = one.name_en ?? one.name;
  return areas;
}
export const readChanges = (id: number): Promise<Changes> => call<Changes>(`${base}/${id}/changes`);
const onDay = (day: string | null): string => (day === null ? "" : `?day=${day}`);
export const readRoutes = (id: number, day: string | null): Promise<Routes> => call<Routes>(`${base}/${id}/files/routes.geojson${onDay(day)}`);
export const readRounds = async (id: number, day: string | null): Promise<Round[]> => (await call<{ rounds: Round[] }>(`${base}/${id}/rounds${onDay(day)}`)).rounds;
export const readFlights = async (id: number, day: string | null): Promise<Flight[]> => (await call<{ flights: Flight[] }>(`${base}/${id}/flights${onDay(day)}`)).flights;
export const readDone = async (id: number): Promise<DoneRow[]> => (await call<{ rows: DoneRow[] }>(`${base}/${id}/done`)).rows;

export function askCost(id: number, edits: EditIn[], balance: boolean, signal: AbortSignal): Promise<Cost> {
  return call<Cost>(`${base}/${id}/cost`, { body: { edits, balance, reason: "?" }, signal });
}
export function saveEdits(id: number, tag: string, edits: EditIn[], balance: boolean, reason: string): Promise<{ plan_id: number }> {
  return call(`${base}/${id}/edits`, { body: { edits, balance, reason }, headers: { "If-Match": tag } });
}
export function takeStep(id: number, tag: string, action: string, reason: string): Promise<{ status: Status }> {
  return call(`${base}/${id}/${action}`, { body: { reason }, headers: { "If-Match": tag } });
}
export function compareDone(id: number, reason: string): Promise<{ words: { zh: string; en: string } }> {
  return call(`${base}/${id}/done`, { method: "PUT", body: { reason } });
}
/** A plan's file in the language of the page. */
export const fileOf = (id: number, what: string, values: Record<string, string> = {}): string =>
  `${base}/${id}/files/${what}?${new URLSearchParams({ lang: language(), ...values }).toString()}`;

export interface JobStatus {
  jobID: string;
  status: "accepted" | "running" | "successful" | "failed" | "dismissed";
  progress?: number;
  message?: string;
}
export const askJob = (process: string, inputs: Record<string, unknown>): Promise<JobStatus> =>
  call<JobStatus>(`/ogc/processes/${process}/execution`, { body: { inputs } });
export const readJob = (id: string): Promise<JobStatus> => call<JobStatus>(`/ogc/jobs/${id}`);
export const stopJob = (id: string): Promise<JobStatus> => call<JobStatus>(`/ogc/jobs/${id}`, { method: "DELETE" });
export const readResult = async <T>(id: string): Promise<T> => (await call<{ result: T }>(`/ogc/jobs/${id}/results`)).result;

export const readReplan = (id: number, routes: number): Promise<Replan> => call<Replan>(`${base}/${id}/replans/${routes}`);
export const confirmReplan = (id: number, routes: number, reason: string): Promise<Replan> =>
  call<Replan>(`${base}/${id}/replans/${routes}/confirm`, { body: { reason } });

export type AreaFeature = Feature<Polygon | MultiPolygon, Area>;

/** Read routes and flights: of a plan of several days, those of one. */
export async function readWays({ plan, gathered }: PlanView, day: string | null): Promise<{ routes: Routes | null; flights: Flight[] }> {
  const none = (error: unknown): null => {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  };
  const [routes, flights] = await Promise.all([
    gathered.routes.length > 0 ? readRoutes(plan.plan_id, day).catch(none) : null,
    gathered.flights.length > 0 ? readFlights(plan.plan_id, day) : [],
  ]);
  return { routes, flights };
}
