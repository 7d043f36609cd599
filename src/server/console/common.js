"use strict";
// What all tabs share.
const $ = id => document.getElementById(id);

// New elements: make("span", {className: "p p3"}, "text", another).
function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function headers() {
  const all = {"content-type": "application/json"};
  if ($("key").value) all.authorization = "Bearer " + $("key").value;
  return all;
}

// The message of an error body of any of the server's API families.
function problemOf(json) {
  if (Array.isArray(json.detail)) return json.detail.map(entry => entry.msg).join("; ");
  return json.detail || (json.error && json.error.message) || json.message || json.error;
}

async function call(path, body) {
  const start = performance.now();
  const response = await fetch(path, {method: body ? "POST" : "GET", headers: headers(), body: body && JSON.stringify(body)});
  const json = await response.json();
  if (response.status === 401) for (const id of ["key", "key-label"]) $(id).classList.remove("hidden");
  if (!response.ok) throw new Error(problemOf(json) || response.statusText);
  return {json, roundTrip: performance.now() - start, serverTiming: response.headers.get("server-timing") || ""};
}

const tabs = [...document.querySelectorAll("[role=tab]")];
const shown = {};  // what a tab does when it comes to the front

function showTab(name) {
  if (!tabs.some(tab => tab.dataset.tab === name && !tab.hidden)) name = "embeddings";
  for (const tab of tabs) {
    const selected = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    $(tab.dataset.tab).hidden = !selected;
  }
  if (shown[name]) shown[name]();
}

// Systems whose routes this server lacks are not shown.
async function findTabs() {
  const {json} = await call("openapi.json");
  for (const tab of tabs) tab.hidden = Boolean(tab.dataset.route) && !(tab.dataset.route in json.paths);
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener("click", () => { location.hash = tab.dataset.tab; });
  tab.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    let at = i;
    do at = (at + step + tabs.length) % tabs.length; while (tabs[at].hidden);
    const next = tabs[at];
    next.focus();
    location.hash = next.dataset.tab;
  });
}
addEventListener("hashchange", () => showTab(location.hash.slice(1)));

// A form that asks the server: on submit and on Ctrl + Enter; the latest answer wins, problems are told.
function onAsk(form, message, ask) {
  let latest = 0;
  async function run() {
    const mine = ++latest;
    try {
      const show = await ask();
      if (mine !== latest) return;
      $(message).textContent = "";
      show();
    } catch (error) { if (mine === latest) $(message).textContent = error.message; }
  }
  $(form).addEventListener("submit", event => { event.preventDefault(); run(); });
  $(form).addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  });
}

const themeChanged = [];
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  for (const redraw of themeChanged) redraw();
});
