/** A mission file or flight log that somebody brings: what it holds, and what stands against it. */

import { call, Problem } from "../shared/api";
import { h } from "../shared/dom";
import { clock, number } from "../shared/words";
import type { Desk } from "./data";
import { t } from "./words";

const ENDINGS = ".plan,.waypoints,.wpl,.txt,.kmz,.wpml,.kml,.gpx,.tlog,.ulg,.srt";

export interface Checked {
  name: string;
  kind: "mission" | "log";
  geometry: { type: "LineString"; coordinates: [number, number][] } | null;
  may_fly?: boolean;
  sound?: boolean;
  items?: number;
  places?: number;
  fences?: number;
  left_out?: string[];
  findings?: { severity: "error" | "warning"; item: number | null; words: string }[];
  flight_s?: number | null;
  takes_off_at?: string;
  airspace?: { may_fly: boolean; due_at: string | null; ground: string; breaches: { weight: "refused" | "application"; article: string; legs: number[]; words: string }[] } | null;
  positions?: number;
  begins?: string | null;
  ends?: string | null;
  length_m?: number;
  highest_m?: number | null;
  highest_altitude_m?: number | null;
  inside_share?: number | null;
  seen_m2?: number | null;
}

/** The form and the answers below it; `shown` hears of each answer, so that the map draws it. */
export class MissionDesk {
  private readonly answer = h("div", { class: "checked", role: "status" });
  private readonly box: HTMLElement;

  constructor(desk: Desk, private readonly zone: string, private readonly shown: (found: Checked | null) => void) {
    const file = h("input", { id: "mission-file", type: "file", accept: ENDINGS, required: true });
    const drone = h("select", { id: "mission-drone" }, h("option", { value: "" }, t("any_drone")), ...desk.drones.map((one) => h("option", { value: one.drone_id }, one.name)));
    const send = h("button", { type: "submit", class: "main" }, t("check_file"));
    const form = h("form", { class: "mission-form" }, h("label", { for: "mission-file" }, t("mission_or_log")), file, h("label", { for: "mission-drone" }, t("flown_by")), drone, send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = file.files?.[0];
      if (chosen) void this.check(chosen, drone.value, send);
    });
    this.box = h("details", { class: "missions" }, h("summary", {}, t("check_title")), h("p", { class: "note" }, t("check_note")), form, this.answer);
  }

  element(): HTMLElement {
    return this.box;
  }

  private async check(file: File, drone: string, send: HTMLButtonElement): Promise<void> {
    const body = new FormData();
    body.append("file", file);
    if (drone) body.append("drone_id", drone);
    send.disabled = true;
    this.answer.replaceChildren(t("checking", { name: file.name }));
    this.shown(null);
    try {
      const found = await call<Checked>("/api/v1/missions/check", { body });
      this.answer.replaceChildren(found.kind === "mission" ? this.mission(found) : this.log(found));
      this.shown(found);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.answer.replaceChildren(h("p", { class: "verdict bad" }, error.message));
    } finally {
      send.disabled = false;
    }
  }

  private mission(found: Checked): HTMLElement {
    const air = found.airspace;
    return h(
      "section",
      { class: "flight" },
      h("h3", {}, found.name),
      h("p", {}, t("holds", { items: found.items ?? 0, places: found.places ?? 0, fences: found.fences ?? 0 })),
      found.flight_s ? h("p", {}, t("takes_off", { at: clock(new Date(found.takes_off_at ?? ""), this.zone, { day: true }), min: number(found.flight_s / 60, 1) })) : null,
      h("p", { class: found.may_fly ? "verdict good" : "verdict bad" }, t(found.may_fly ? "may_fly" : found.sound ? "may_not_fly" : "unsound")),
      air?.due_at ? h("p", { class: "warn" }, t("apply_by", { at: clock(new Date(air.due_at), this.zone, { day: true }) })) : null,
      h(
        "ul",
        {},
        ...(found.findings ?? []).map((one) => h("li", {}, h("b", { class: one.severity === "error" ? "must" : "warn" }, t(one.severity === "error" ? "an_error" : "a_warning")), one.item === null ? "" : ` ${t("at_item", { item: one.item })}`, ` ${one.words}`)),
        ...(air?.breaches ?? []).map((one) => h("li", {}, h("b", { class: one.weight === "refused" ? "must" : "warn" }, t(one.weight)), one.legs.length ? ` ${t("at_legs", { legs: ranges(one.legs) })}` : "", ` ${one.words}${one.article ? ` (§${one.article})` : ""}`)),
        ...(found.left_out ?? []).map((one) => h("li", { class: "quiet" }, t("not_kept", { what: one }))),
      ),
      air ? h("p", { class: "note" }, air.ground) : null,
    );
  }

  private log(found: Checked): HTMLElement {
    // Logs are of any year, which the clock of a page leaves out.
    const time = (at: string | null | undefined): string => (at ? `${at.slice(0, 4)}-${clock(new Date(at), this.zone, { day: true })}` : t("unknown_time"));
    const rows: [string, string][] = [
      [t("positions"), number(found.positions ?? 0)],
      [t("recorded"), `${time(found.begins)} – ${time(found.ends)}`],
      [t("length"), `${number((found.length_m ?? 0) / 1000, 2)} km`],
    ];
    if (found.highest_m !== null && found.highest_m !== undefined) rows.push([t("highest"), `${number(found.highest_m)} m`]);
    else if (found.highest_altitude_m !== null && found.highest_altitude_m !== undefined) rows.push([t("highest_sea"), `${number(found.highest_altitude_m)} m`]);
    if (found.inside_share !== null && found.inside_share !== undefined) rows.push([t("inside"), `${number(found.inside_share * 100)} %`]);
    if (found.seen_m2) rows.push([t("seen_ground"), `${number(found.seen_m2 / 10_000, 1)} ha`]);
    return h("section", { class: "flight" }, h("h3", {}, `${found.name} · ${t("a_log")}`), h("dl", { class: "facts" }, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
  }
}

/** Numbers in order, neighbours told as one: 1–3, 7. */
function ranges(numbers: number[]): string {
  const runs: [number, number][] = [];
  for (const one of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && one === last[1] + 1) last[1] = one;
    else runs.push([one, one]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(t("and"));
}
