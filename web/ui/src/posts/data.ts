/** What the service says of posts, duty, stations and partners. */

import type { Feature, FeatureCollection, Geometry } from "geojson";
import { language } from "../shared/words";

export interface RoleRow {
  role: string;
  zh: string;
  en: string;
  least: number;
  people: number;
  grids: number;
  gaps: number;
}
export interface GridRow {
  code: string;
  name: string;
  name_en: string | null;
  kind: string;
  held: Record<string, number>;
}
export interface Staffing {
  on: string;
  today: string;
  zone: string;
  roles: RoleRow[];
  grids: GridRow[];
  gaps: { code: string; role: string; held: number; least: number }[];
  doubles: { staff_no: string; role: string; posts: number; grids: string }[];
}
export interface TeamPost {
  post_id: number;
  staff_no: string;
  title: string | null;
  role: string;
  unit: string | null;
  valid_from: string | null;
  valid_to: string | null;
  elsewhere: string[];
}
export interface Shift {
  shift_id: number;
  unit: string;
  kind: string;
  headcount: number;
  starts_at: string;
  ends_at: string;
  area: string | null;
}
export interface Duty {
  day: string;
  now: string;
  zone: string;
  roster: Shift[];
  on_duty: { unit: string; kind: string; headcount: number; until: string; area: string | null }[];
  units: { ref: string; name: string; kind: string; area: string | null }[];
}
export interface Reach {
  stations: number;
  households: number;
  reach_m: number;
  share: number | null;
  grids: { code: string; name: string; name_en: string | null; households: number; share: number | null }[];
}
export interface Partner {
  code: string;
  name: string;
  name_en: string;
  kind: string;
  headcount: number;
  services: string[];
  lon: number | null;
  lat: number | null;
}
export type Vacancies = FeatureCollection<Geometry, Record<string, unknown>>;
export type Vacancy = Feature<Geometry, { code: string; name: string; vacant: number; roles: string }>;

export const wordOf = (role: { zh: string; en: string }): string => (language() === "en" ? role.en : role.zh);
