// A claim to its verdict: the stages with their times, the evidence with its labels.
const LABELS = {entailment: "supports", contradiction: "refutes", neutral: "neutral"};

function showStages(serverTiming) {
  const stages = serverTiming.split(",").map(part => part.trim().split(";dur=")).filter(([name]) => name !== "total");
  const longest = Math.max(...stages.map(([, ms]) => Number(ms)), 0.001);
  $("claim-stages").replaceChildren(...stages.filter(([name]) => name).map(([name, ms]) => {
    const row = bar(name, Number(ms) / longest);
    row.lastChild.textContent = Number(ms).toFixed(2) + " ms";
    return row;
  }));
}

function showVerdict({json, serverTiming}) {
  $("claim-verdict").textContent = json.verdict;
  $("claim-confidence").textContent = `confidence ${json.confidence.toFixed(3)}`;
  $("claim-explanation").textContent = json.explanation || "";
  showStages(serverTiming);
  $("claim-evidence").replaceChildren(...json.evidence.map(item => {
    const label = make("b", {className: "label " + item.nli_label}, LABELS[item.nli_label] || item.nli_label);
    const facts = ` ${item.nli_confidence.toFixed(3)}` + (item.similarity === null || item.similarity === undefined ? ""
      : `, similarity ${item.similarity.toFixed(3)}`) + (item.source_url ? `, ${item.source_url}` : "");
    return make("li", {}, label, make("span", {className: "count"}, facts), make("div", {}, item.content));
  }));
}

onAsk("claim-form", "claim-message", async () => {
  $("claim-verdict").textContent = "…";
  for (const id of ["claim-stages", "claim-evidence"]) $(id).replaceChildren();
  try {
    const answer = await call("api/v1/verify", {claim: $("claim-text").value});
    return () => showVerdict(answer);
  } catch (error) { $("claim-verdict").textContent = "–"; throw error; }
});
