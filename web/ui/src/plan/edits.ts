/** Edits that are not saved yet: kept by what they change, undone one by one, costed at once. */

import type { Area, EditIn, Row } from "./data";

export class Edits {
  private list: EditIn[] = [];
  /** Called after each change. */
  changed: () => void = () => undefined;

  get all(): EditIn[] {
    return this.list;
  }
  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  /** Set minutes of a row; one edit a row, whatever number of drags it took. */
  setMinutes(area: Area, row: Row, minutes: number): void {
    const same = (one: EditIn): boolean =>
      one.kind === "set_minutes" && one.area_id === area.area_id && one.shift_no === row.shift_no && one.unit_kind === row.unit_kind;
    this.list = this.list.filter((one) => !same(one));
    if (minutes !== row.minutes) {
      this.list.push({ kind: "set_minutes", area_id: area.area_id, shift_no: row.shift_no, unit_kind: row.unit_kind, minutes });
    }
    this.changed();
  }

  add(edit: EditIn): void {
    this.list.push(edit);
    this.changed();
  }

  drop(edit: EditIn): void {
    this.list = this.list.filter((one) => one !== edit);
    this.changed();
  }

  undo(): void {
    this.list.pop();
    this.changed();
  }

  clear(): void {
    this.list = [];
    this.changed();
  }

  /** Minutes of a row as they would be, or undefined where nobody set them. */
  minutesOf(areaId: number, row: Row): number | undefined {
    if (this.list.some((one) => one.kind === "forbid_area" && one.area_id === areaId)) return 0;
    return this.list.find(
      (one) => one.kind === "set_minutes" && one.area_id === areaId && one.shift_no === row.shift_no && one.unit_kind === row.unit_kind,
    )?.minutes;
  }
}
