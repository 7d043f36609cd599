// Two texts to tokens, vectors and their similarity.
let models = [];
let latest = 0;

function model() { return models.find(m => m.id === $("model").value) || {}; }

async function refreshModels() {
  try {
    const {json} = await call("v1/models");
    const chosen = $("model").value;
    models = json.data;
    $("model").replaceChildren(...models.map(m => new Option(m.id, m.id, false, m.id === chosen)));
  } catch (error) { models = []; $("message").textContent = error.message; }
  showState();
  if (models.some(m => m.state === "loading")) setTimeout(() => refreshModels().then(compare), 500);
}

function showState() {
  const m = model();
  $("state").className = "pill " + (m.state || "failed");
  $("state").textContent = m.id ? m.id + ": " + m.state : "no model";
  $("facts").textContent = m.architecture ? `${m.architecture}, ${m.dimensions ? m.dimensions + " dimensions, " : ""}at most ${m.max_tokens} tokens, `
    + `${m.pooling} pooling, ${m.precision} on ${m.isa}, ${m.threads} thread${m.threads === 1 ? "" : "s"}. ` : "";
}

function showTokens(side, tokens) {
  const limit = model().max_tokens || Infinity;
  // The closing special token is kept when a text is cut, so the cut falls one token earlier.
  const cut = tokens.length > limit;
  $("tokens-" + side).replaceChildren(...tokens.map((token, i) => {
    const item = document.createElement("li");
    const id = document.createElement("span");
    item.textContent = token.token;
    id.className = "id";
    id.textContent = token.id;
    item.append(id);
    item.tabIndex = 0;
    item.title = `id ${token.id}` + (token.special ? ", special" : `, characters ${token.start} to ${token.stop}`);
    if (token.special) item.classList.add("special");
    if (cut && i >= limit - 1 && i < tokens.length - 1) item.classList.add("cut");
    return item;
  }));
  $("count-" + side).textContent = `${tokens.length} tokens` + (cut ? `; the model sees ${limit} of them` : "");
}

function drawVector(id, values) {
  const canvas = $(id), ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const top = Math.max(...values.map(Math.abs)) || 1, middle = canvas.height / 2, step = canvas.width / values.length;
  values.forEach((value, i) => {
    pen.fillStyle = style.getPropertyValue(value < 0 ? "--minus" : "--plus");
    const height = Math.abs(value) / top * middle;
    pen.fillRect(i * step, value < 0 ? middle : middle - height, Math.max(step * .8, .6), height);
  });
}

function cosine(a, b) {
  let dot = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; ++i) { dot += a[i] * b[i]; aa += a[i] * a[i]; bb += b[i] * b[i]; }
  return dot / Math.sqrt(aa * bb);
}

function showTiming(answer) {
  const parts = Object.fromEntries(answer.serverTiming.split(",").map(p => p.trim().split(";dur=")));
  const rows = [["Tokenize", parts.tokenize], ["Queue", parts.queue], ["Compute", parts.compute],
    ["Server", parts.total], ["Round trip", answer.roundTrip]];
  $("timing").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div"), term = document.createElement("dt"), data = document.createElement("dd");
    term.textContent = name;
    data.textContent = value === undefined ? "–" : Number(value).toFixed(2);
    row.append(term, data);
    return row;
  }));
}

let vectors = [];
function drawVectors() { vectors.forEach((values, i) => drawVector(i ? "vector-b" : "vector-a", values)); }

function showVectors(answer) {
  vectors = answer.json.data.map(item => item.embedding);
  const similarity = cosine(vectors[0], vectors[1]);
  $("similarity").textContent = similarity.toFixed(4);
  $("meter").style.width = Math.max(0, similarity) * 100 + "%";
  const lengths = vectors.map(values => Math.hypot(...values).toFixed(3));
  $("dimensions").textContent = `${vectors[0].length} values each; lengths ${lengths.join(" and ")}`;
  drawVectors();
}

let typing;
async function compare() {
  clearTimeout(typing);  // this is the comparison that typing asked for
  const texts = [$("text-a").value, $("text-b").value];
  if (texts.some(text => !text)) { $("message").textContent = "Both texts need at least one character."; return; }
  if (model().state !== "ready") return;
  const mine = ++latest;
  try {
    const answer = await call("v1/embeddings", {model: $("model").value, input: texts});
    const tokens = await call("tokenize", {model: $("model").value, inputs: texts});
    if (mine !== latest) return;  // the texts changed meanwhile
    $("message").textContent = "";
    showTokens("a", tokens.json[0]);
    showTokens("b", tokens.json[1]);
    showVectors(answer);
    showTiming(answer);
  } catch (error) { if (mine === latest) $("message").textContent = error.message; }
}

for (const side of ["a", "b"]) {
  $("text-" + side).addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(compare, 250); });
  $("text-" + side).addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); compare(); }
  });
}
$("form").addEventListener("submit", event => { event.preventDefault(); compare(); });
$("model").addEventListener("change", () => { showState(); compare(); });
$("ids").addEventListener("click", () => {
  const shown = document.body.classList.toggle("ids");
  $("ids").setAttribute("aria-pressed", shown);
});
themeChanged.push(drawVectors);
shown.embeddings = drawVectors;
addEventListener("resize", drawVectors);
$("key").addEventListener("change", () => refreshModels().then(compare));
refreshModels().then(compare);
