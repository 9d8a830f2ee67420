// The preview page: asks /state what is on show, puts every text in as text, and follows /changes.
"use strict";

const $ = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=preview-token]").content;
const SCHEMES = ["light", "dark", "forced"];
const PROGRAMS = ["modern", "nostyle", "outlook"];
const DEFAULTS = { slot: "", as: "", view: "letter", width: "both", scheme: "light", program: "modern", images: "on", panel: "picks", side: "on" };
const now = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.search)) };
let state = null;
let asked = 0;
let at = -1; // the story last jumped to

// Small things

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`;
}

function number(value) {
  return value === null ? "" : value.toFixed(2).replace(/^(-?)0\./, "$1.");
}

function initials(name) {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, " ").split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
}

function when(iso) {
  const days = Math.round((Date.now() - new Date(iso)) / 864e5);
  if (days === 0) return "today";
  if (days === 1) return "yesterday";
  if (days > 1 && days < 32) return `${days} days ago`;
  return date(iso, { year: "numeric" });
}

// Dates and times are the newsletter's, wherever this browser is.
function date(iso, more) {
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: state.zone, ...more });
}

function clock(iso, more) {
  return new Date(iso).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", timeZone: state.zone, ...more });
}

let fading = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => $("toast").classList.remove("on"), Math.min(8000, 2200 + 45 * text.length));
}

function query(more) {
  return new URLSearchParams({ slot: now.slot, as: now.as, ...more }).toString();
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer;
}

async function post(path, value) {
  const headers = { "X-Preview-Token": token, "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(value || {}) });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function remember() {
  const changed = Object.entries(now).filter(([name, value]) => name in DEFAULTS && value !== DEFAULTS[name]);
  history.replaceState(null, "", changed.length ? `?${new URLSearchParams(changed)}` : "/");
}

// What is on show

async function load() {
  const mine = ++asked;
  let fresh;
  try {
    fresh = await (await get(`/state?${query()}`)).json();
  } catch (error) {
    if (mine !== asked) return;
    toast(error.message);
    if (now.as || now.slot) { now.as = now.slot = ""; remember(); load(); } // gone, or mistyped in the address bar
    return;
  }
  if (mine !== asked) return;
  state = fresh;
  draw();
}

function draw() {
  document.body.classList.remove("waiting");
  $("name").textContent = state.name;
  document.title = `${state.slot.key} · ${state.name}`;
  $("review").href = `/review/?${new URLSearchParams({ slot: state.slot.key })}`;
  $("eml").href = `/issue.eml?${query()}`;
  drawSlots();
  drawTrouble();
  drawVerdict();
  drawPerson();
  drawInbox();
  drawPressed();
  drawPanel();
  drawSources();
  drawStage();
}

function drawSlots() {
  const options = state.slots.map((slot) => {
    const option = make("option", "", `${slot.key} · ${date(slot.at)}`);
    option.value = slot.key;
    return option;
  });
  $("slots").replaceChildren(...options);
  $("slots").value = state.slot.key;
  const pill = $("state");
  pill.hidden = false;
  if (state.slot.stored) {
    pill.textContent = `${state.slot.state} · ${state.slot.frozen}`;
    pill.title = `This issue is frozen for ${state.slot.frozen} ${state.slot.frozen === 1 ? "recipient" : "recipients"}: this is the stored letter, whatever templates and settings say now.`;
  } else {
    const left = new Date(state.slot.at) - Date.now();
    const days = Math.floor(left / 864e5);
    const hours = Math.floor((left % 864e5) / 36e5);
    pill.textContent = state.slot.state === "skipped" || state.slot.state === "cancelled" ? state.slot.state
      : left < 0 ? "due" : days ? `in ${days} d ${hours} h` : `in ${hours} h`;
    pill.title = state.slot.reason || `Goes out ${date(state.slot.at, { weekday: "long" })}, ${clock(state.slot.at, { timeZoneName: "short" })}`;
  }
  if (!state.slot.at) pill.hidden = true;
}

function drawVerdict() {
  const verdict = state.verdict;
  $("verdict").hidden = !verdict;
  if (!verdict) return;
  $("verdict").classList.toggle("mails", verdict.mails);
  $("verdict").textContent = [verdict.text, ...verdict.remarks].join("; ");
}

function drawTrouble() {
  const trouble = state.trouble;
  $("trouble").hidden = !trouble;
  document.body.classList.toggle("stale", Boolean(trouble && trouble.stale));
  $("live").classList.toggle("bad", Boolean(trouble));
  if (!trouble) return;
  const [where, what, note] = $("trouble").querySelectorAll("strong, p, small");
  where.textContent = trouble.file ? `${trouble.file}${trouble.line ? `, line ${trouble.line}` : ""}` : "This cannot be shown";
  what.textContent = trouble.message;
  note.textContent = trouble.stale ? "Below is the last good state. Mend the file: this page follows." : "Mend it: this page follows.";
  const lines = trouble.excerpt.map(([line, text]) => {
    const row = make("span", line === trouble.line ? "here" : "");
    row.append(make("b", "", String(line)), text);
    return row;
  });
  $("trouble").querySelector("pre").replaceChildren(...lines);
  $("trouble").querySelector("pre").hidden = !lines.length;
}

function drawPerson() {
  const recipient = state.recipient;
  $("recipient").querySelector(".whom").textContent = recipient.key.startsWith("sample:") ? recipient.note : recipient.name || recipient.email;
  $("recipient").querySelector(".face").textContent = initials(recipient.name || recipient.email);
  $("recipient").title = `${recipient.name ? `${recipient.name} ` : ""}<${recipient.email}>${recipient.note ? ` · ${recipient.note}` : ""} (p)`;
}

function drawInbox() {
  const letter = state.letter;
  $("inbox").hidden = !letter || now.view !== "letter";
  if (!letter) return;
  $("inbox").querySelector(".face").textContent = initials(letter.from_name);
  $("inbox").querySelector(".from").textContent = letter.from_name;
  $("inbox").querySelector(".from").title = `${letter.from_name} <${letter.from_address}>`;
  $("inbox").querySelector("b").textContent = letter.subject;
  $("inbox").querySelector(".line span").textContent = letter.preheader;
  $("inbox").querySelector(".line").title = `${letter.subject}\n${letter.preheader}`;
  $("inbox").querySelector("time").textContent = clock(state.slot.at);
  const share = letter.html_bytes / letter.clip_bytes;
  const bar = $("ruler").querySelector("i");
  bar.style.width = `${Math.min(100, 85 * share)}%`;
  bar.className = share > 1 ? "bad" : share > 0.88 ? "warn" : "";
  const words = make("span");
  words.append(make("b", "", size(letter.html_bytes)), ` of HTML: ${Math.round(100 * share)} % of what Gmail shows before it clips`);
  const others = make("span", "others", ` · text ${size(letter.text_bytes)} · message ${size(letter.message_bytes)}`);
  $("ruler").querySelector(".size").replaceChildren(words, others);
}

function drawPressed() {
  for (const [group, name] of [["views", "view"], ["widths", "width"], ["schemes", "scheme"], ["programs", "program"]]) {
    for (const button of $(group).children) button.setAttribute("aria-pressed", String(button.dataset[name] === now[name]));
  }
  $("images").setAttribute("aria-pressed", String(now.images === "on"));
  for (const tab of $("panels").querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.panel === now.panel));
  document.body.classList.toggle("folded", now.side === "off");
}

// The frames

function drawStage() {
  const letter = Boolean(state.letter);
  $("empty").hidden = letter;
  $("frames").hidden = !letter || now.view !== "letter";
  $("tools").hidden = $("frames").hidden;
  $("ruler").hidden = !letter;
  $("code").hidden = !letter || now.view === "letter";
  if (!letter) {
    const [title, words] = $("empty").querySelectorAll("h2, p");
    title.textContent = state.trouble ? "There is no letter yet" : `No article was picked for ${state.slot.key}`;
    words.textContent = state.trouble ? "What keeps it from being made stands above." : "The right side says why each was passed over. Pull the sources, or complete an article with “newsletter articles edit”.";
  } else if (now.view === "letter") {
    drawFrames();
  } else {
    drawCode();
  }
}

function drawFrames() {
  const widths = now.width !== "both" ? [Number(now.width)] : innerWidth < 700 ? [375] : [375, 640];
  const old = [...$("frames").children];
  const same = old.length === widths.length && old.every((figure, index) => Number(figure.dataset.width) === widths[index]);
  if (!same) $("frames").replaceChildren(...widths.map(figureOf));
  const jump = at >= 0 ? `#pick-${at}` : "";
  const source = `/letter?${query({ scheme: now.scheme, program: now.program, images: now.images, v: state.version })}`;
  for (const figure of $("frames").children) {
    figure.classList.toggle("dark", now.scheme !== "light");
    const bar = figure.querySelector(".top span");
    if (bar) bar.textContent = state.letter.subject;
    show(figure.querySelector(".screen"), source, jump);
  }
  fit();
}

function figureOf(width) {
  const figure = make("figure", width < 500 ? "phone" : "desktop");
  figure.dataset.width = width;
  const top = make("div", "top");
  if (width >= 500) top.append(make("i"), make("i"), make("i"), make("span"));
  const box = make("div", "case");
  box.append(top, make("div", "screen"));
  figure.append(box, make("figcaption"));
  return figure;
}

// A new frame is loaded behind the old one and takes its place when it is ready, so nothing flashes.
function show(screen, source, jump) {
  if (screen.dataset.source === source) return;
  screen.dataset.source = source;
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "");
  frame.title = "The letter";
  frame.src = source + jump;
  frame.addEventListener("load", () => {
    if (screen.dataset.source !== source) { frame.remove(); return; }
    frame.classList.add("on");
    const others = [...screen.children].filter((other) => other !== frame);
    setTimeout(() => others.forEach((other) => other.remove()), 130);
  });
  screen.append(frame);
  fit();
}

function fit() {
  const figures = [...$("frames").children];
  if (!figures.length || $("frames").hidden) return;
  const room = $("frames").clientWidth - 26 * (figures.length - 1) - figures.filter((figure) => figure.className.includes("phone")).length * 18;
  const wanted = figures.reduce((sum, figure) => sum + Number(figure.dataset.width), 0);
  const scale = Math.min(1, room / wanted);
  for (const figure of figures) {
    const width = Number(figure.dataset.width);
    const screen = figure.querySelector(".screen");
    screen.style.width = `${Math.floor(width * scale)}px`;
    figure.querySelector("figcaption").textContent = `${width} px${scale < 1 ? `, shown at ${Math.round(100 * scale)} %` : ""}`;
    const height = screen.clientHeight;
    for (const frame of screen.children) {
      frame.style.width = `${width}px`;
      frame.style.height = `${height / scale}px`;
      frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    }
  }
}

function jump(story) {
  if (!state || !state.picks[story]) return;
  at = story;
  for (const frame of document.querySelectorAll(".screen iframe")) frame.src = `${frame.parentElement.dataset.source}#pick-${at}`;
  for (const element of $("panel").querySelectorAll(".story")) element.classList.toggle("on", element.dataset.story === String(at));
  const here = $("panel").querySelector(".story.on");
  if (here) here.scrollIntoView({ block: "nearest" });
  if (now.view !== "letter") set({ view: "letter" });
}

// The source

async function drawCode(line) {
  const view = now.view;
  let text;
  try {
    text = await (await get(`/parts/${view}?${query()}`)).text();
  } catch (error) {
    toast(error.message);
    return;
  }
  if (view !== now.view) return;
  let bytes = 0;
  const rows = [];
  const encoder = new TextEncoder();
  text.replace(/\r\n/g, "\n").split("\n").forEach((words, index) => {
    const row = make("div", index + 1 === line ? "here" : "");
    row.append(view === "text" ? words : coloured(words));
    rows.push(row);
    const before = bytes;
    bytes += encoder.encode(words).length + 1;
    if (view === "html" && before <= state.letter.clip_bytes && bytes > state.letter.clip_bytes) rows.push(make("p", "clip", `✂ Gmail cuts off here (${state.letter.clip_bytes / 1024} KB)`));
  });
  const keep = $("code").dataset.view === view ? $("code").scrollTop : 0;
  $("code").replaceChildren(...rows);
  $("code").dataset.view = view;
  $("code").scrollTop = keep;
  const here = $("code").querySelector(".here");
  if (here) here.scrollIntoView({ block: "center" });
}

function coloured(line) {
  const out = document.createElement("span");
  for (const piece of line.split(/(<!--.*?-->|<[^>]*>)/)) {
    if (!piece) continue;
    if (piece.startsWith("<!--")) out.append(make("span", "note", piece));
    else if (piece.startsWith("<") && piece.endsWith(">")) out.append(make("span", "tag", piece));
    else out.append(piece);
  }
  return out;
}

// The side

function drawPanel() {
  const [picks, passed, findings] = $("panels").querySelectorAll("b");
  picks.textContent = state.picks.length;
  passed.textContent = state.passed_over.length;
  findings.textContent = state.findings.length;
  const worst = ["error", "warning"].find((level) => state.findings.some((finding) => finding.level === level));
  findings.className = worst || "";
  const drawn = { picks: picksPanel, passed: passedPanel, findings: findingsPanel }[now.panel]();
  const keep = $("panel").dataset.panel === now.panel ? $("panel").scrollTop : 0;
  $("panel").replaceChildren(...drawn);
  $("panel").dataset.panel = now.panel;
  $("panel").scrollTop = keep;
}

function picksPanel() {
  const out = [];
  let section = null;
  state.picks.forEach((pick, index) => {
    if (pick.section !== section) {
      section = pick.section;
      out.push(make("h2", "", section));
    }
    const story = make("button", `story${index === at ? " on" : ""}`);
    story.dataset.story = index;
    story.title = "Show it in the letter";
    story.append(headOf(pick), metaOf(pick), make("p", "reason", pick.reason));
    if (pick.terms.length) story.append(termsOf(pick.terms));
    if (pick.after) story.append(make("p", "after", pick.after));
    out.push(story);
  });
  return out.length ? out : [make("p", "none", "Nothing was picked.")];
}

function passedPanel() {
  const out = [];
  for (const [waits, title] of [[true, "May still come"], [false, "Will not come back by itself"]]) {
    const some = state.passed_over.filter((passed) => passed.waits === waits);
    if (some.length) out.push(make("h2", "", title));
    for (const passed of some) {
      const story = make("div", "story");
      story.append(headOf(passed), metaOf(passed), make("p", "reason", passed.reason));
      if (passed.terms.length) story.append(stackOf(passed.terms));
      out.push(story);
    }
  }
  return out.length ? out : [make("p", "none", state.slot.stored ? "A frozen issue keeps its picks; what was passed over is not stored." : "Nothing was passed over.")];
}

function headOf(article) {
  const head = make("div", "head");
  const title = make("span", "title", article.title || "(no title)");
  title.dir = "auto";
  head.append(title, make("span", "score", number(article.score)));
  return head;
}

function metaOf(article) {
  const words = [article.source, article.published && when(article.published), article.id && `no. ${article.id}`];
  return make("p", "meta", words.filter(Boolean).join(" · "));
}

function classOf(term) {
  return ["popularity", "prominence", "rating", "completeness", "recency"].includes(term.name) ? term.name : "other";
}

function termsOf(terms) {
  const grid = make("div", "terms");
  const widest = Math.max(...terms.map((term) => term.weight), 0.01);
  for (const term of terms) {
    const track = make("div", "track");
    const weight = make("u");
    const points = make("i", classOf(term));
    weight.style.width = `${(100 * term.weight) / widest}%`;
    points.style.width = `${(100 * term.weight * term.value) / widest}%`;
    track.append(weight, points);
    const why = make("span", "", term.why);
    why.title = `${term.name}: ${term.why} (${number(term.value)} × weight ${number(term.weight)})`;
    grid.append(make("span", "", term.name), track, make("span", "points", number(term.weight * term.value)), why);
  }
  return grid;
}

function stackOf(terms) {
  const stack = make("div", "stack");
  stack.title = terms.map((term) => `${term.name} ${number(term.weight * term.value)}: ${term.why}`).join("\n");
  for (const term of terms) {
    const part = make("i", classOf(term));
    part.style.width = `${100 * term.weight * term.value}%`;
    stack.append(part);
  }
  return stack;
}

function findingsPanel() {
  if (!state.findings.length) return [make("p", "none", state.letter ? "The check found nothing. It may go out." : "There is no letter to check.")];
  return state.findings.map((finding) => {
    const row = make("div", `finding ${finding.level}`);
    const words = make("div");
    const note = make("small", "", `${finding.level} · ${finding.id} `);
    words.append(make("p", "", finding.message), note);
    const about = [finding.story && `“${finding.story}”`, finding.url].filter(Boolean).join(", ");
    if (about) note.append(make("span", "about", `· ${about} `));
    if (finding.line) {
      const go = make("button", "", `line ${finding.line}`);
      go.addEventListener("click", () => {
        set({ view: finding.id.startsWith("text.") ? "text" : "html" });
        drawCode(finding.line);
      });
      words.append(go);
    }
    row.append(make("i", "", ["note", "info"].includes(finding.level) ? "i" : "!"), words);
    return row;
  });
}

function drawSources() {
  $("sources").replaceChildren(...state.sources.map((source) => {
    const line = make("div", source.problem ? "bad" : source.good_at ? "" : "never");
    line.textContent = source.problem ? `${source.name}: ${source.problem}` : source.good_at ? `${source.name} · read ${when(source.good_at)} at ${clock(source.good_at)}` : `${source.name} · never read`;
    return line;
  }));
}

// What the editor does

function set(change) {
  const recipient = change.as !== undefined && change.as !== now.as;
  const slot = change.slot !== undefined && change.slot !== now.slot;
  Object.assign(now, change);
  remember();
  if (slot) at = -1;
  if (slot || recipient) { load(); return; }
  if (!state) return;
  drawPressed();
  if ("panel" in change) drawPanel();
  if ("view" in change) drawInbox();
  if (!("panel" in change)) drawStage();
}

async function pull() {
  $("pull").disabled = true;
  $("pull").textContent = "Pulling…";
  try {
    const lines = await post("/pull");
    toast(lines.map((line) => line.failed ? `${line.source}: ${line.failed}` : `${line.source}: ${line.new} new, ${line.changed} changed${line.problems.length ? `, ${line.problems.length} with problems` : ""}`).join("\n") || "There is no source in newsletter.toml.");
  } catch (error) {
    toast(error.message);
  }
  $("pull").disabled = false;
  $("pull").textContent = "Pull now";
  load();
}

function openSend() {
  if (!state) return;
  $("answer").textContent = "";
  $("answer").className = "answer";
  $("editors").replaceChildren(...state.editors.map((editor) => {
    const button = make("button", "", editor);
    button.type = "button";
    button.addEventListener("click", () => { $("address").value = editor; typed(); });
    return button;
  }));
  if (!$("address").value && state.editors.length) $("address").value = state.editors[0];
  typed();
  $("send").showModal();
  $("address").focus();
}

function typed() {
  const address = $("address").value.trim().toLowerCase();
  const known = state.editors.some((editor) => editor.toLowerCase() === address);
  $("sure-line").hidden = known || !address;
  if (known) $("sure").checked = false;
  $("really").disabled = !address || !$("address").checkValidity() || (!known && !$("sure").checked);
}

async function reallySend() {
  if ($("really").disabled) return;
  $("really").disabled = true;
  $("answer").className = "answer";
  $("answer").textContent = "Handing it over…";
  try {
    const done = await post("/test-copy", { address: $("address").value.trim(), slot: now.slot, sure: $("sure").checked });
    $("answer").textContent = `Accepted for ${done.address}: ${done.answer}`;
    $("answer").className = "answer good";
  } catch (error) {
    $("answer").textContent = error.message;
    $("answer").className = "answer bad";
  }
  $("really").disabled = false;
}

function openChooser() {
  const box = $("recipient").getBoundingClientRect();
  $("chooser").style.left = `${Math.max(8, Math.min(innerWidth - 338, box.left))}px`;
  $("chooser").hidden = false;
  $("recipient").setAttribute("aria-expanded", "true");
  $("words").value = "";
  $("words").focus();
  search();
}

function closeChooser() {
  $("chooser").hidden = true;
  $("recipient").setAttribute("aria-expanded", "false");
}

let searching = 0;
async function search() {
  const mine = ++searching;
  let recipients = [];
  try {
    recipients = await (await get(`/recipients?${new URLSearchParams({ words: $("words").value })}`)).json();
  } catch (error) {
    toast(error.message);
  }
  if (mine !== searching || !state) return;
  const rows = [make("li", "label", recipients.length ? "Active subscribers" : "No active subscriber fits"), ...recipients.map(recipientRow)];
  if (!$("words").value.trim()) rows.push(make("li", "label", "Typical samples"), ...state.samples.map(recipientRow));
  $("recipients").replaceChildren(...rows);
}

function recipientRow(recipient) {
  const sample = recipient.key.startsWith("sample:");
  const button = make("button");
  button.setAttribute("aria-current", String(recipient.key === state.recipient.key));
  const title = make("strong", "", sample ? recipient.note : recipient.name || recipient.email);
  title.dir = "auto";
  button.append(title, make("small", "", sample ? recipient.name || recipient.email : recipient.email));
  button.addEventListener("click", () => { closeChooser(); set({ as: recipient.key }); $("recipient").focus(); });
  const row = make("li");
  row.append(button);
  return row;
}

function follow() {
  const stream = new EventSource("/changes");
  stream.addEventListener("open", () => $("live").classList.remove("off"));
  stream.addEventListener("error", () => $("live").classList.add("off"));
  stream.addEventListener("message", (event) => {
    if (state && Number(event.data) === state.version) return;
    if (state) {
      $("live").classList.remove("beat");
      requestAnimationFrame(() => $("live").classList.add("beat"));
    }
    load();
  });
}

const KEYS = {
  h: () => set({ view: "letter" }), t: () => set({ view: "text" }), s: () => set({ view: "html" }), m: () => set({ view: "message" }),
  b: () => set({ width: "both" }), 1: () => set({ width: "320" }), 2: () => set({ width: "375" }), 3: () => set({ width: "600" }), 4: () => set({ width: "800" }),
  d: () => set({ scheme: SCHEMES[(SCHEMES.indexOf(now.scheme) + 1) % 3] }),
  o: () => set({ program: PROGRAMS[(PROGRAMS.indexOf(now.program) + 1) % 3] }),
  i: () => set({ images: now.images === "on" ? "off" : "on" }),
  j: () => jump(Math.min(at + 1, state.picks.length - 1)), k: () => jump(Math.max(at - 1, 0)),
  w: () => set({ panel: "picks", side: "on" }), x: () => set({ panel: "passed", side: "on" }), c: () => set({ panel: "findings", side: "on" }),
  "\\": () => fold(), p: () => openChooser(), u: () => pull(), e: () => openSend(), r: () => $("review").click(), "?": () => $("help").showModal(),
};

function fold() {
  now.side = now.side === "on" ? "off" : "on";
  remember();
  drawPressed();
  fit();
}

function listen() {
  for (const [group, name] of [["views", "view"], ["widths", "width"], ["schemes", "scheme"], ["programs", "program"]]) {
    $(group).addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) set({ [name]: button.dataset[name] });
    });
  }
  $("panels").addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) set({ panel: tab.dataset.panel });
  });
  $("panel").addEventListener("click", (event) => {
    const story = event.target.closest("button.story");
    if (story) jump(Number(story.dataset.story));
  });
  $("images").addEventListener("click", KEYS.i);
  $("fold").addEventListener("click", fold);
  $("slots").addEventListener("change", () => set({ slot: $("slots").value }));
  $("pull").addEventListener("click", pull);
  $("copy").addEventListener("click", openSend);
  $("keys").addEventListener("click", KEYS["?"]);
  $("recipient").addEventListener("click", () => ($("chooser").hidden ? openChooser() : closeChooser()));
  $("words").addEventListener("input", search);
  $("address").addEventListener("input", typed);
  $("sure").addEventListener("change", typed);
  $("really").addEventListener("click", reallySend);
  $("send").querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); reallySend(); });
  $("close-send").addEventListener("click", () => $("send").close());
  $("close-help").addEventListener("click", () => $("help").close());
  document.addEventListener("pointerdown", (event) => {
    if (!$("chooser").hidden && !event.target.closest("#chooser, #recipient")) closeChooser();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeChooser();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog, .drop")) return;
    const act = KEYS[event.key];
    if (act && state) { event.preventDefault(); act(); }
  });
  new ResizeObserver(() => { if (state && !$("frames").hidden) drawFrames(); }).observe($("frames"));
}

listen();
follow();
