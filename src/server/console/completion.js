// Code left of the cursor to what could follow.
onAsk("complete-form", "complete-message", async () => {
  const area = $("complete-code"), end = area.selectionEnd;
  const code = area.value.slice(0, end), rest = area.value.slice(end);
  if (!code.trim()) throw new Error("Type some code first.");
  const {json} = await call("api/v1/complete", {code, deadline_ms: Number($("complete-deadline").value)});
  return () => {
    $("complete-result").replaceChildren(code, make("mark", {}, json.text), rest);
    $("complete-facts").textContent = `${json.tokensGenerated} tokens in ${json.latencyMs.toFixed(1)} ms by ${json.modelName}, `
      + `${json.language}, ${json.strategy}, ended by ${json.finish_reason}`
      + (json.degraded ? `, degraded: ${json.degradedReason || ""}` : "");
  };
});
