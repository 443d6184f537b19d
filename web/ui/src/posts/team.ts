/** A grid's team: who holds which role since when; posts given and ended. */

import { call } from "../shared/api";
import { ask, toast } from "../shared/dialog";
import { h } from "../shared/dom";
import { named } from "../shared/words";
import { wordOf, type GridRow, type Staffing, type TeamPost } from "./data";
import { attempt, labelled, note, sendForm, table } from "./parts";
import { t } from "./words";

export async function teamTab(staffing: Staffing, grid: GridRow, editable: boolean, reload: () => Promise<void>): Promise<HTMLElement> {
  const code = encodeURIComponent(grid.code);
  const { posts } = await call<{ posts: TeamPost[] }>(`/api/v1/posts/grids/${code}?on=${staffing.on}`);
  const word = new Map(staffing.roles.map((one) => [one.role, wordOf(one)]));
  const lacking = staffing.gaps.filter((gap) => gap.code === grid.code).map((gap) => word.get(gap.role) ?? gap.role);
  const found = h("div", {}, h("h2", { tabindex: -1 }, `${named(grid)} `, h("code", {}, grid.code)));
  if (grid.kind !== "basic") found.append(note(t("own_staff")));
  if (lacking.length > 0) found.append(h("p", { class: "short" }, t("lacks", { roles: lacking.join("、") })));
  if (posts.length === 0) found.append(note(t("nobody")));
  else {
    const heads = [t("role"), t("staff_no"), t("since"), t("until"), ...(editable ? [""] : [])];
    found.append(table(t("team"), heads, posts.map((post) => row(post, word.get(post.role) ?? post.role, staffing, editable, reload))));
  }
  if (editable) found.append(appointForm(staffing, grid, reload));
  return found;
}

function row(post: TeamPost, role: string, staffing: Staffing, editable: boolean, reload: () => Promise<void>): (Node | string)[] {
  const later = post.valid_from !== null && post.valid_from > staffing.on;
  const who = h("span", {}, post.staff_no, h("small", {}, [post.title, post.unit, post.elsewhere.length > 0 ? t("elsewhere", { grids: post.elsewhere.join("、") }) : null].filter(Boolean).join(" · ")));
  const cells: (Node | string)[] = [role, who, later ? `${post.valid_from} ${t("later")}` : (post.valid_from ?? t("ever")), post.valid_to ?? t("open_end")];
  if (editable) cells.push(h("button", { type: "button", "aria-label": `${t("end")} ${post.staff_no} ${role}`, onclick: () => void end(post, role, staffing, reload) }, t("end")));
  return cells;
}

async function end(post: TeamPost, role: string, staffing: Staffing, reload: () => Promise<void>): Promise<void> {
  const reason = await ask({ title: t("end_title", { staff: post.staff_no, role }), text: t("end_text", { day: staffing.on }), label: t("why"), ok: t("end").replace("…", "") });
  if (!reason) return;
  await attempt(async () => {
    await call(`/api/v1/posts/${post.post_id}/end`, { body: { on: staffing.on, reason } });
    toast(t("done_end"));
    await reload();
  });
}

function appointForm(staffing: Staffing, grid: GridRow, reload: () => Promise<void>): HTMLElement {
  const staff = h("input", { id: "staff-no", required: true, maxlength: 40, pattern: "[A-Za-z0-9_.\\-]+", autocomplete: "off" });
  const role = h("select", { id: "role" }, ...staffing.roles.map((one) => h("option", { value: one.role }, wordOf(one))));
  const lacking = staffing.gaps.find((gap) => gap.code === grid.code);
  if (lacking) role.value = lacking.role;
  const begin = h("input", { id: "begin", type: "date", required: true, value: staffing.on });
  const until = h("input", { id: "until", type: "date" });
  const title = h("input", { id: "job-title", maxlength: 100, autocomplete: "off" });
  const reason = h("input", { id: "reason", required: true, maxlength: 500, autocomplete: "off" });
  const fields = [
    labelled(t("staff_no"), staff), labelled(t("role"), role), labelled(t("since"), begin), labelled(t("until"), until),
    labelled(t("title_new"), title), labelled(t("reason"), reason),
  ];
  return sendForm(t("appoint"), fields, t("appoint_do"), async () => {
    const body = {
      staff_no: staff.value.trim(), role: role.value, area_code: grid.code, begin: begin.value, end: until.value || null,
      title: title.value.trim() || null, reason: reason.value.trim(),
    };
    await call("/api/v1/posts", { body });
    toast(t("done_appoint", { staff: body.staff_no }));
    await reload();
  });
}
