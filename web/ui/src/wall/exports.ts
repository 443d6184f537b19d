/** The map as a picture or a printed sheet, always with legend, data date, coordinates and approval. */

import type { Map as MapLibreMap } from "maplibre-gl";
import { send } from "../shared/api";
import { token } from "../shared/theme";
import { language, named } from "../shared/words";
import type { WallState } from "./data";
import type { Legend } from "./paint";
import { t } from "./words";

/** What is said on every map: of when, in which coordinates, and for whom. */
export function stampLines(state: WallState): string[] {
  const place = state.place;
  const when = state.last_incident_at === null ? t("no_data") : new Date(state.last_incident_at * 1000).toLocaleString("sv-SE", { timeZone: place.time_zone }).slice(0, 16);
  return [
    `${t("data_date")} ${when}`,
    `${t("crs")} ${t("crs_of", { srid: place.metric_srid })}`,
    place.map_approval_no ? t("approval", { no: place.map_approval_no }) : t("internal"),
    ...(place.simulated ? [t("simulated")] : []),
  ];
}

/** The canvas as it is drawn now: read in the frame in which it was drawn. */
function picture(map: MapLibreMap, width: number): Promise<HTMLCanvasElement> {
  return new Promise((resolve) => {
    map.once("render", () => {
      const from = map.getCanvas();
      const made = document.createElement("canvas");
      made.width = Math.min(width, from.width);
      made.height = Math.round((made.width * from.height) / from.width);
      made.getContext("2d")!.drawImage(from, 0, 0, made.width, made.height);
      resolve(made);
    });
    map.triggerRepaint();
  });
}

export async function savePng(map: MapLibreMap, state: WallState, legends: Legend[]): Promise<void> {
  const from = await picture(map, 3840);
  const unit = Math.max(14, Math.round(from.width / 110));
  const head = unit * 3;
  const foot = unit * 2.4;
  const made = document.createElement("canvas");
  made.width = from.width;
  made.height = from.height + head + foot;
  const pen = made.getContext("2d")!;
  pen.fillStyle = token("card");
  pen.fillRect(0, 0, made.width, made.height);
  pen.drawImage(from, 0, head);
  pen.textBaseline = "middle";
  pen.fillStyle = token("ink");
  pen.font = `700 ${unit * 1.4}px "Noto Sans SC Variable", sans-serif`;
  pen.fillText(`${named(state.place)} · ${t("title")}`, unit, head / 2);
  pen.font = `${unit}px "Noto Sans SC Variable", sans-serif`;
  pen.fillText(stampLines(state).join("   ·   "), unit, head + from.height + foot / 2);
  drawLegend(pen, legends, unit, made.width, head);
  const blob = await new Promise<Blob | null>((resolve) => made.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error(t("export_failed"));
  save(blob, `${fileName(state)}.png`);
}

function drawLegend(pen: CanvasRenderingContext2D, legends: Legend[], unit: number, width: number, top: number): void {
  const rows = legends.flatMap((legend) => [...(legend.title ? [{ title: legend.title }] : []), ...legend.entries]);
  if (rows.length === 0) return;
  pen.font = `${unit}px "Noto Sans SC Variable", sans-serif`;
  const wide = Math.max(...rows.map((row) => pen.measureText("title" in row ? row.title : row.label).width)) + unit * 4;
  const [x, y] = [width - wide - unit, top + unit];
  pen.fillStyle = token("card");
  pen.fillRect(x, y, wide, (rows.length + 0.8) * unit * 1.5);
  rows.forEach((row, n) => {
    const middle = y + (n + 0.9) * unit * 1.5;
    if (!("title" in row)) {
      pen.fillStyle = row.colour;
      pen.fillRect(x + unit * 0.7, middle - unit * 0.45, unit * 1.5, unit * 0.9);
    }
    pen.fillStyle = token("title" in row ? "ink-2" : "ink");
    pen.fillText("title" in row ? row.title : row.label, x + unit * ("title" in row ? 0.7 : 2.8), middle);
  });
}

/** Let the server set the sheet: what it says of the data comes from there, the picture from here. */
export async function savePdf(map: MapLibreMap, state: WallState, code: string | null, legends: Legend[]): Promise<void> {
  const from = await picture(map, 1800);
  const blob = await new Promise<Blob | null>((resolve) => from.toBlob(resolve, "image/jpeg", 0.86));
  if (blob === null) throw new Error(t("export_failed"));
  const form = new FormData();
  form.append("picture", blob, "map.jpg");
  form.append("legend", JSON.stringify(legends.map(({ title, entries }) => ({ title, entries: entries.map(({ colour, label }) => ({ colour, label })) }))));
  const query = new URLSearchParams({ lang: language(), ...(code ? { jurisdiction: code } : {}) });
  const answer = await send(`/api/v1/wall/sheet?${query}`, { method: "POST", body: form, headers: { Accept: "application/pdf" } });
  save(await answer.blob(), `${fileName(state)}.pdf`);
}

function fileName(state: WallState): string {
  return `gridbeat-${state.place.code}-${state.today.day}`;
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
