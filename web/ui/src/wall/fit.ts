/** A column that nobody can scroll: what it can spare goes until the rest fits. */

/** Hide what is marked as spare, the highest number first and the last of a list first, as far as needed. */
export function fit(column: HTMLElement): void {
  const spare = [...column.querySelectorAll<HTMLElement>("[data-spare]")];
  for (const one of spare) one.hidden = false;
  spare.reverse().sort((a, b) => Number(b.dataset.spare) - Number(a.dataset.spare));
  const isTooLong = (): boolean => column.scrollHeight > column.clientHeight;
  const gone = [];
  for (const one of spare) {
    if (!isTooLong()) break;
    one.hidden = true;
    gone.unshift(one);
  }
  // The last that went may have made room for some that went before it.
  for (const one of gone) {
    one.hidden = false;
    if (isTooLong()) one.hidden = true;
  }
}

/** Fit a column again whenever a panel is drawn anew or the screen changes. */
export function keepFitting(column: HTMLElement): void {
  let due = 0;
  const soon = (): void => {
    window.cancelAnimationFrame(due);
    due = window.requestAnimationFrame(() => fit(column));
  };
  new MutationObserver(soon).observe(column, { childList: true, subtree: true });
  new ResizeObserver(soon).observe(column);
}
