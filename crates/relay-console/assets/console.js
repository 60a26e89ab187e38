// Keeps the part of a page that is marked fresh up to date, and counts down. Without it everything can still be read and done.
"use strict";
(() => {
  const { live, path } = document.body.dataset;
  const part = () => document.querySelector("[data-fresh]");
  let held = false, busy = false, due = false;

  // what somebody is typing into, or has selected, is left alone
  const isInUse = (old) => {
    const active = document.activeElement;
    const types = old.contains(active) && active.matches("input, select, textarea");
    return types || (!getSelection().isCollapsed && old.contains(getSelection().anchorNode));
  };

  const replace = (old, fresh) => {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const same = active && (active.id ? `#${CSS.escape(active.id)}` : active.matches("a[href]") && `a[href="${CSS.escape(active.getAttribute("href"))}"]`);
    old.replaceWith(document.adoptNode(fresh));
    if (same) fresh.querySelector(same)?.focus();
  };

  const refresh = async () => {
    if (busy || held || document.hidden) { due = true; return; }
    busy = true; due = false;
    try {
      const answer = await fetch(path, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-fresh]");
      const old = part();
      if (!fresh || !old) return;
      if ("open" in fresh.dataset && document.querySelector("[data-countdown]")) { location.replace(path); return; }
      if (isInUse(old)) { due = true; return; }
      if (fresh.innerHTML !== old.innerHTML) replace(old, fresh);
    } catch { due = true; } finally {
      busy = false;
    }
  };

  if (live && part() && window.EventSource) {
    new EventSource(live).addEventListener("changed", refresh);
    document.addEventListener("visibilitychange", () => { if (due) refresh(); });
    setInterval(() => { if (due) refresh(); }, 2000);
    // times are told relative to now
    setInterval(refresh, 30000);
  }

  const hold = document.querySelector("[data-hold]");
  if (hold) {
    const [still, on] = [hold.textContent, hold.dataset.hold];
    hold.hidden = false;
    hold.addEventListener("click", () => {
      held = !held;
      hold.textContent = held ? on : still;
      if (!held && due) refresh();
    });
  }

  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).value);
      copy.textContent = copy.dataset.copied;
    });
  }

  const count = document.querySelector("[data-countdown]");
  if (count) {
    let left = Number(count.dataset.countdown);
    const tick = setInterval(() => {
      left -= 1;
      count.textContent = left > 0 ? left : count.dataset.over;
      if (left <= 0) clearInterval(tick);
    }, 1000);
  }
})();
