// A message to its impact: seven factors as bars, the lane it takes, and why.
const FACTORS = ["semantic", "permission", "volume", "context", "drift", "priority", "type"];

function bar(name, value) {
  const fill = make("div", {});
  fill.style.width = Math.max(0, Math.min(1, value)) * 100 + "%";
  const track = make("div", {className: "meter", role: "img", ariaLabel: `${name} ${value.toFixed(3)}`}, fill);
  return make("div", {className: "factor"}, make("span", {}, name), track, make("b", {}, value.toFixed(3)));
}

function typedMessage() {
  const message = {content: $("impact-text").value, from_agent: "console"};
  if ($("impact-priority").value) message.priority = $("impact-priority").value;
  if ($("impact-type").value) message.message_type = $("impact-type").value;
  const tools = $("impact-tools").value.split(",").map(tool => tool.trim()).filter(Boolean);
  if (tools.length) message.tools = tools;
  if ($("impact-amount").value) message.payload = {amount: Number($("impact-amount").value)};
  return message;
}

function showImpact(analysis, lane) {
  $("impact-score").textContent = analysis.score.toFixed(3);
  $("impact-lane").textContent = lane === "deliberation" ? "lane: deliberation, a person looks first" : `lane: ${lane}`;
  $("impact-lane").className = "pill " + (lane === "fast" ? "ready" : "failed");
  const names = [...FACTORS.filter(name => name in analysis.factors),
    ...Object.keys(analysis.factors).filter(name => !FACTORS.includes(name))];
  $("impact-factors").replaceChildren(...names.map(name => bar(name, analysis.factors[name])));
  const reasons = (analysis.explanations || []).map(entry => make("li", {}, `${entry.of}: ${entry.why}`));
  $("impact-reasons").replaceChildren(...reasons);
  const keywords = analysis.matched_keywords.join(", ") || "none";
  $("impact-facts").textContent = `${analysis.recommendation}; keywords: ${keywords}; by ${analysis.backend}`
    + (analysis.degraded ? ", degraded" : "");
}

onAsk("impact-form", "impact-message", async () => {
  const message = typedMessage();
  const {json} = await call("api/v1/impact/score", {message});
  const route = await call("api/v1/route", {message});
  return () => showImpact(json, route.json.lane);
});
