// Has Chatwoot tell which conversation is open beside this frame, and shows how it was delivered.
"use strict";
(() => {
  const { account, origins, outside, lost } = document.body.dataset;
  const allowed = origins.split(" ");
  // the token stands behind the #, so that no server is sent it with the address
  const token = location.hash.slice(1);
  const part = () => document.getElementById("deliveries");
  let open = null, ticket = null, wanted = null, settled = null, busy = false, asked = 0;

  const say = (words) => {
    const told = document.createElement("p");
    told.className = "empty";
    told.setAttribute("role", "status");
    told.textContent = words;
    part().replaceChildren(told);
  };

  const post = (path, fields) =>
    fetch(`/app/${account}/${path}`, { method: "POST", credentials: "omit", body: new URLSearchParams(fields) });

  // what is unfolded stays so, and so does the focus
  const replace = (fresh) => {
    const old = part(), active = old.contains(document.activeElement) ? document.activeElement : null;
    const focused = active && (active.id || active.closest("[id]").id);
    for (const each of old.querySelectorAll("details[open]")) fresh.querySelector(`#${CSS.escape(each.id)}`)?.setAttribute("open", "");
    old.replaceWith(document.adoptNode(fresh));
    if (focused) {
      const same = document.getElementById(focused);
      const target = same?.matches("button, summary") ? same : same?.querySelector("summary, button");
      (target ?? part().querySelector("[role=status]"))?.focus();
    }
  };

  const show = async (answer) => {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("deliveries");
    if (!fresh) return say(lost);
    ticket = fresh.dataset.ticket ?? null;
    if (fresh.innerHTML !== part().innerHTML) replace(fresh);
  };

  const load = async () => {
    if (busy || !open) return;
    busy = true;
    const of = open, event = wanted;
    wanted = null;
    try {
      let answer = ticket && await (event ? post("resend", { ticket, event }) : post("conversation", { ticket }));
      // a ticket is good for a few minutes; the conversation that it was for is still open
      if (!answer || answer.status === 401) {
        answer = await post("conversation", { token, ...of });
        if (answer.ok && of === open) wanted ??= event;
      }
      if (of === open) await show(answer);
      // another inbox's conversation, or an address that is out of date: asking again changes nothing
      if (answer.status === 403 || answer.status === 404) settled = of;
    } catch {
      if (of === open) say(lost);
    } finally {
      busy = false;
      if (of !== open || wanted) load();
    }
  };

  // Chatwoot sends a text; whatever else it says, or somebody else, is nobody's business here
  const read = (data) => {
    let told = data;
    if (typeof data === "string") {
      try { told = JSON.parse(data); } catch { return null; }
    }
    const talk = told?.event === "appContext" ? told.data?.conversation : null;
    const isId = (id) => Number.isSafeInteger(id) && id > 0;
    return talk && isId(talk.id) && isId(talk.inbox_id) ? { conversation: talk.id, inbox: talk.inbox_id } : null;
  };

  addEventListener("message", (event) => {
    if (event.source !== parent || !allowed.includes(event.origin)) return;
    const told = read(event.data);
    if (!told || (open && open.conversation === told.conversation && open.inbox === told.inbox)) return;
    open = told;
    ticket = wanted = null;
    load();
  });

  // the first question may be asked before Chatwoot listens
  const ask = () => {
    if (open) return;
    for (const origin of allowed) parent.postMessage("chatwoot-dashboard-app:fetch-info", origin);
    asked += 1;
    setTimeout(ask, Math.min(500 * asked, 5000));
  };

  if (parent === window) say(outside);
  else ask();

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    wanted = new FormData(event.target).get("event");
    load();
  });
  setInterval(() => { if (!document.hidden && open !== settled) load(); }, 5000);
})();
