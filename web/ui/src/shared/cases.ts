/** Cases as every page speaks of them: their shape, words, clocks and colours. */

import { h } from "./dom";
import { language, translator } from "./words";

export interface Action {
  action: string;
  zh: string;
  en: string;
  needs: string[];
}

export interface CaseRow {
  case_id: number;
  number: string;
  state: string;
  level: string;
  version: number;
  words: string;
  opened_at: string;
  due_at: string | null;
  due_provisional: boolean;
  handle_due_at: string | null;
  first_due_at: string | null;
  handler: string | null;
  area_id: number | null;
  area: string | null;
  area_en?: string | null;
  category_id: number | null;
  category: string | null;
  category_en: string | null;
  department_id: number | null;
  department: string | null;
  department_en: string | null;
  merged_into: number | null;
  lon: number;
  lat: number;
  reports: number;
  open: boolean;
  stage: string | null;
  left_s: number | null;
  work_left_s: number | null;
}

/** A grid's name in the language of the page; one that was kept before it had an English name shows the other. */
export function areaOf(of: { area: string | null; area_en?: string | null }): string | null {
  return language() === "en" ? (of.area_en ?? of.area) : of.area;
}

export interface WorkClock {
  now: string;
  open: boolean;
  changes_at: string | null;
}

export interface Step {
  seq: number;
  action: string;
  zh: string;
  en: string;
  actor: string;
  at: string;
  to_state: string;
  reason: string | null;
  department: string | null;
  department_en: string | null;
  binding: boolean;
  level: string | null;
  satisfaction: string | null;
  evidence: string[];
}

export interface Photo {
  photo_id: string;
  kind: string;
  taken_at: string;
  taken_by: string;
  href: string;
  lon: number;
  lat: number;
  placed_by: string;
}

export interface ReportIn {
  report_id: string;
  channel: string;
  received_at: string;
  words: string;
  address: string | null;
  taken_by: string;
  has_contact: boolean;
}

export interface CaseView extends CaseRow {
  first_department: string | null;
  first_department_en: string | null;
  merged_into_number: string | null;
  clock: WorkClock | null;
  history: Step[];
  reports_in: ReportIn[];
  photos: Photo[];
  actions: Action[];
}

export interface ClassRow {
  category_id: number;
  scheme: string;
  code: string;
  name: string;
  name_en: string | null;
}

const STATES: Record<string, readonly [string, string]> = {
  reported: ["待立案", "Reported"],
  verifying: ["核实中", "Verifying"],
  accepted: ["待派遣", "To dispatch"],
  dispatched: ["待签收", "To sign for"],
  received: ["已签收", "Signed for"],
  in_progress: ["处置中", "In progress"],
  resolved: ["待核查", "To check"],
  checking: ["核查中", "Checking"],
  rework: ["返工", "Rework"],
  returned: ["退回待派", "Returned"],
  escalated: ["已上报", "Escalated"],
  suspended: ["挂账", "Suspended"],
  closed: ["已结案", "Closed"],
  rejected: ["不予立案", "Not filed"],
  void: ["作废", "Void"],
  merged: ["已并案", "Merged"],
};
const LEVELS: Record<string, readonly [string, string]> = {
  grid: ["网格", "Grid"],
  community: ["社区", "Community"],
  street: ["街道", "Street"],
  district: ["区级", "District"],
};

/** Call the levels what the district calls them. */
export function nameLevels(given: Record<string, readonly [string, string] | null | undefined>): void {
  for (const [level, names] of Object.entries(given)) if (names) LEVELS[level] = names;
}

const CHANNELS: Record<string, readonly [string, string]> = {
  hotline: ["热线", "Hotline"],
  counter: ["窗口", "Counter"],
  tablet: ["网格员", "Officer"],
  drone: ["无人机", "Drone"],
  camera: ["视频", "Camera"],
  open311: ["Open311", "Open311"],
  feed: ["部门移送", "Other department"],
};
const SATISFACTION: Record<string, readonly [string, string]> = {
  satisfied: ["满意", "Satisfied"],
  neutral: ["一般", "Neutral"],
  dissatisfied: ["不满意", "Dissatisfied"],
  not_reached: ["未接通", "Not reached"],
};

const t = translator({
  no_clock: ["不计时", "No clock"],
  late: ["逾期 {time}", "{time} late"],
  left: ["剩 {time}", "{time} left"],
  days: ["{d}天{h}时", "{d} d {h} h"],
  hours: ["{h}时{m}分", "{h} h {m} min"],
  minutes: ["{m}分", "{m} min"],
  less: ["不足1分", "under 1 min"],
  nobody: ["待派", "none yet"],
});

const pick = (pair: readonly [string, string] | undefined, key: string): string =>
  pair === undefined ? key : pair[language() === "en" ? 1 : 0];

export const stateWord = (state: string): string => pick(STATES[state], state);
export const levelWord = (level: string): string => pick(LEVELS[level], level);
export const channelWord = (channel: string): string => pick(CHANNELS[channel], channel);
export const satisfactionWord = (said: string): string => pick(SATISFACTION[said], said);
export const SATISFACTIONS = Object.keys(SATISFACTION);
export const ALL_LEVELS = Object.keys(LEVELS);
export const actionWord = (action: { zh: string; en: string }): string => (language() === "en" ? action.en : action.zh);
export const categoryOf = (row: CaseRow): string => (language() === "en" && row.category_en ? row.category_en : (row.category ?? "—"));
export const departmentOf = (row: Pick<CaseRow, "department" | "department_en">): string =>
  (language() === "en" && row.department_en ? row.department_en : row.department) ?? t("nobody");

/** A span of seconds in the two largest units. */
export function span(seconds: number): string {
  const s = Math.abs(Math.round(seconds));
  const d = Math.floor(s / 86400);
  const hours = Math.floor((s % 86400) / 3600);
  const m = Math.floor((s % 3600) / 60);
  if (d > 0) return t("days", { d, h: hours });
  if (hours > 0) return t("hours", { h: hours, m });
  return m > 0 ? t("minutes", { m }) : t("less");
}

export type Urgency = "late" | "soon" | "later" | "none";
const SOON_S = 4 * 3600;

export function urgency(dueAt: string | null, now: number): Urgency {
  if (dueAt === null) return "none";
  const left = (Date.parse(dueAt) - now) / 1000;
  return left < 0 ? "late" : left < SOON_S ? "soon" : "later";
}

/** A clock that runs: `tick` renews all of them on a page. The words carry the meaning, not the colour. */
export function dueClock(dueAt: string | null): HTMLElement {
  const made = h("span", { class: "due", "data-due": dueAt ?? "" });
  renew(made, Date.now());
  return made;
}

function renew(made: HTMLElement, now: number): void {
  const dueAt = made.dataset.due || null;
  made.dataset.urgency = urgency(dueAt, now);
  if (dueAt === null) {
    made.textContent = t("no_clock");
    return;
  }
  const left = (Date.parse(dueAt) - now) / 1000;
  made.textContent = left < 0 ? t("late", { time: span(left) }) : t("left", { time: span(left) });
}

/** Let the clocks of this page run; `offset` is the server's time less this machine's, in ms. */
export function runClocks(offset: () => number): void {
  window.setInterval(() => {
    const now = Date.now() + offset();
    for (const made of document.querySelectorAll<HTMLElement>(".due[data-due]")) renew(made, now);
  }, 1000);
}
