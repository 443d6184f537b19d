/** What the desk asks for and is told. */

import type { ClassRow } from "../shared/cases";

export interface Department {
  department_id: number;
  code: string;
  name: string;
  name_en: string;
  level: string;
}

export interface Choices {
  classes: ClassRow[];
  departments: Department[];
  outcomes: { outcome: string; zh: string; en: string }[];
  contacts: { kept: boolean; keep_days: number };
  zone: string;
  levels: Record<string, [string, string]>;
}

export interface Suggested {
  area: { area_id: number | null; name: string | null; name_en: string | null } | null;
  classes: { category_id: number; name: string; name_en: string | null; confidence: number; sure: boolean }[];
  classifier: { version: number; threshold: number | null } | null;
  similar: {
    case_id: number;
    number: string;
    state: string;
    words: string;
    distance_m: number;
    opened_at: string;
    alike: number;
    same_class: boolean | null;
  }[];
  route: { department_id: number; name: string; name_en: string; level: string; reason_zh: string; reason_en: string } | null;
  due: { value: number; unit: string; at: string; provisional: boolean } | null;
}

export interface Unfiled {
  report_id: string;
  channel: string;
  received_at: string;
  words: string;
  address: string | null;
  category_id: number | null;
  area: string | null;
  area_en: string | null;
  lon: number;
  lat: number;
  taken_by: string;
  photos: number;
}

export interface PlaceFound {
  kind: "area" | "station" | "building" | "water" | "road" | "crossing" | "number" | "address";
  name: string;
  name_en: string | null;
  /** 0 to 1. */
  confidence: number;
  note: "near" | "nearest_number" | "no_number" | null;
  detail: string | null;
  area_id: number | null;
  lon: number;
  lat: number;
}
