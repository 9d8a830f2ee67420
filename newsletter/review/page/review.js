// The review page works without this: it saves the reloads, and adds the keyboard and drag and drop.
"use strict";
(() => {
  const parts = [".verdict", ".notice", ".last", "#stories"];
  let dragged = null;
  let busy = false;

  function opened() {
    return [...document.querySelectorAll("details[open]")].map((one) => [one.className, one.closest("[data-article]")?.dataset.article]);
  }

  function reopen(which) {
    for (const [name, article] of which) {
      const within = article ? document.getElementById(`a-${article}`) : document;
      const one = within?.querySelector(`details.${name.split(" ")[0]}`);
      if (one) one.open = true;
    }
  }

  // Puts a fresh page in place of this one, but for the letter's frame, which is loaded anew only when it is another.
  function take(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const focused = document.activeElement?.closest("[data-article]")?.dataset.article;
    const open = opened();
    const top = scrollY;
    for (const part of parts) {
      const [old, now] = [document.querySelector(part), fresh.querySelector(part)];
      if (old && now) old.replaceWith(now);
      else if (old) old.remove();
      else if (now) document.querySelector(".verdict").after(now);
    }
    document.getElementById("act").replaceWith(fresh.getElementById("act"));
    document.body.dataset.seen = fresh.body.dataset.seen;
    const [frame, next] = [document.querySelector(".letter"), fresh.querySelector(".letter")];
    if (frame.innerHTML !== next.innerHTML) frame.replaceWith(next);
    const notice = document.getElementById("notice");
    reopen(notice ? open : open.filter(([name]) => name !== "edit" && name !== "alternates"));
    scrollTo(0, top);
    (notice || document.getElementById(`a-${focused}`))?.focus({ preventScroll: !notice });
    document.querySelector(".elsewhere")?.remove();
  }

  async function send(data) {
    if (busy) return;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(document.body.dataset.here, { method: "POST", body: new URLSearchParams(data) });
      take(await answer.text());
    } catch {
      tell("The page could not be reached: nothing was saved. Try again.");
    }
    busy = false;
    document.body.removeAttribute("aria-busy");
  }

  function tell(text) {
    document.querySelector(".elsewhere")?.remove();
    const box = document.createElement("p");
    box.className = "elsewhere";
    box.setAttribute("role", "status");
    box.textContent = `${text} `;
    const again = document.createElement("button");
    again.textContent = "Reload";
    again.addEventListener("click", () => location.reload());
    box.append(again);
    document.body.append(box);
  }

  function form(more) {
    const data = new FormData(document.getElementById("act"));
    for (const [name, value] of Object.entries(more)) data.set(name, value);
    return data;
  }

  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    event.preventDefault();
    send(new FormData(event.target, event.submitter));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const stories = [...document.querySelectorAll(".story")];
    const here = event.target.closest?.(".story");
    const at = stories.indexOf(here);
    if (event.key === "j" || event.key === "k") {
      const next = stories[event.key === "j" ? Math.min(at + 1, stories.length - 1) : Math.max(at - 1, 0)];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    } else if (event.shiftKey && (event.key === "ArrowUp" || event.key === "ArrowDown") && here) {
      event.preventDefault();
      send(form({ do: `${event.key === "ArrowUp" ? "up" : "down"} ${here.dataset.article}` }));
    } else if (event.key === "e" && here) {
      event.preventDefault();
      here.querySelector("details.edit").open = true;
      here.querySelector("details.edit input[name=title]").focus();
    } else {
      const within = event.key === "u" ? document.querySelector(".last") : here;
      within?.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
    }
  });

  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.(".story");
    if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.article);
  });
  document.addEventListener("dragover", (event) => {
    const part = dragged && event.target.closest?.(".part");
    if (!part) return;
    event.preventDefault();
    for (const one of document.querySelectorAll(".over")) one.classList.remove("over");
    event.target.closest(".story")?.classList.add("over");
  });
  document.addEventListener("dragend", () => { dragged = null; });
  document.addEventListener("drop", (event) => {
    const part = dragged && event.target.closest?.(".part");
    if (!part) return;
    event.preventDefault();
    const stories = [...part.querySelectorAll(".story")].filter((one) => one !== dragged);
    const on = event.target.closest(".story");
    const before = [...part.querySelectorAll(".story")];
    const after = on && before.indexOf(dragged) !== -1 && before.indexOf(dragged) < before.indexOf(on);
    const position = on && on !== dragged ? stories.indexOf(on) + (after ? 2 : 1) : stories.length + 1;
    send(form({ do: `place ${dragged.dataset.article}`, section: part.dataset.section, position }));
  });

  // Counts down to the first message of an approved issue; by the server's clock, whatever this machine's says.
  let counted = null;
  setInterval(() => {
    const time = document.querySelector(".verdict time");
    if (!time) return;
    if (counted?.time !== time) counted = { time, began: performance.now() };
    const left = Math.ceil((new Date(time.dateTime) - new Date(time.dataset.now) - (performance.now() - counted.began)) / 1000);
    if (left < 0 || left > 86_400) return;
    const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
    time.textContent = `in ${hours ? `${hours} h ` : ""}${hours || minutes ? `${minutes} min ` : ""}${left % 60} s`;
  }, 1000);

  // Somebody else's decisions: told, and shown when it is asked for, so that nothing moves under one's hand.
  setInterval(async () => {
    if (document.hidden || busy) return;
    try {
      const now = await (await fetch(`${document.body.dataset.here}seen`, { cache: "no-store" })).json();
      if (String(now.seen) !== document.body.dataset.seen) tell(now.words || "Something changed here.");
    } catch { /* away for a moment: the next time tells */ }
  }, 10_000);
  document.addEventListener("DOMContentLoaded", () => { document.getElementById("notice")?.focus(); });
})();
