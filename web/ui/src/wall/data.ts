/** What the wall's server half tells; the shapes of `web/wall/state.py`. */

import { call } from "../shared/api";

export interface Grid {
  area_id: number;
  code: string;
  name: string;
  name_en: string | null;
  community: string | null;
  community_en: string | null;
  households: number | null;
  km2: number;
  lon: number;
  lat: number;
  weeks: number[];
  open_n: number;
  late_n: number;
  slope: number | null;
  trend: string | null;
  expected: number | null;
  low: number | null;
  high: number | null;
  planned_min: number | null;
  done_min: number | null;
}

export interface Alert {
  alert_id: number;
  kind: string;
  severity: number;
  area_id: number | null;
  title_zh: string;
  title_en: string;
  raised_at: number;
  last_at: number;
  times: number;
  acknowledged_by: string | null;
  acknowledged_at: number | null;
  lon: number | null;
  lat: number | null;
}

export interface Mover {
  area_id: number;
  before: number;
  after: number;
  p: number;
}

export interface Today {
  day: string;
  hour: number;
  counted: number;
  found: number;
  hours: number[];
  expected: number | null;
  low?: number;
  high?: number;
  expected_now?: number;
  low_now?: number;
  high_now?: number;
  interval?: number;
  expected_hours?: number[];
  forecast_from?: string;
  why: string;
}

/** A stored result of an analysis: on squares or hexagons, on street segments, in areas or zones. */
export interface StoredResult {
  run: number;
  kind: string;
  unit: string;
  shape: string;
  from: number;
  to: number;
  made_at: number;
  labels: { label: string; n: number; zh: string; en: string }[];
}

export interface WallState {
  place: {
    code: string;
    name: string;
    name_en: string | null;
    time_zone: string;
    metric_srid: number;
    simulated: boolean;
    map_approval_no: string | null;
    map_audience: string;
    bounds: [number, number, number, number];
  };
  at: number;
  as_of: number;
  is_old: boolean;
  last_incident_at: number | null;
  last_event: number;
  runs: Record<string, { run: number; from: number; to: number; made_at: number }>;
  results: StoredResult[];
  today: Today;
  grids: Grid[];
  movers: { up: Mover[]; down: Mover[] };
  looks: { km2: number; day: number; week: number; never: number; median_s: number; last_at: number } | null;
  plan: {
    plan_id: number;
    day: string;
    version: number;
    status: string;
    approved_by: string | null;
    planned_h: number;
    done_h: number | null;
    grids: number;
    grids_begun: number | null;
    made_at: number;
  } | null;
  alerts: Alert[];
  /** When the worker last looked for alerts, seconds since 1970; null: never. */
  watched_at: number | null;
}

export interface Point {
  id: number;
  lon: number;
  lat: number;
  t: number;
  category: number | null;
  found_by: string;
  arrived?: number;
}

export interface Days {
  days: string[];
  counts: Record<string, number[]>;
}

export interface View {
  center: [number, number];
  zoom: number;
  layers: string[];
  colour: string;
  measure: string;
  note?: string;
}

export interface Direction {
  wall: string;
  view: View | null;
  directed_by: string | null;
  directed_at: string | null;
}

const of = (path: string, code: string | null): string =>
  code === null ? path : `${path}${path.includes("?") ? "&" : "?"}jurisdiction=${encodeURIComponent(code)}`;

export const readState = (code: string | null): Promise<WallState> => call(of("/api/v1/wall/state", code));
export const readDays = (code: string | null): Promise<Days> => call(of("/api/v1/wall/days", code));

export const readAlerts = (code: string | null): Promise<Pick<WallState, "alerts" | "watched_at">> => call(of("/api/v1/alerts", code));

export async function readPoints(code: string | null): Promise<{ points: Point[]; leftOut: boolean }> {
  const found = await call<{ rows: [number, number, number, number, number | null, string][]; left_out: boolean }>(
    of("/api/v1/wall/points?hours=48", code),
  );
  const points = found.rows.map(([id, lon, lat, t, category, found_by]) => ({ id, lon, lat, t, category, found_by }));
  return { points, leftOut: found.left_out };
}

/** A unit on duty: where it was last, and its trail of an hour. */
export interface UnitSeen {
  unit_id: number;
  name: string;
  kind: string;
  at: number;
  lon: number;
  lat: number;
  trail: { type: "MultiLineString"; coordinates: number[][][] };
}

export const readUnits = (code: string | null): Promise<{ at: number; units: UnitSeen[] }> => call(of("/api/v1/tracks/units", code));
