// A text to words shaded by how likely AI wrote them.
const shadeOf = probability => "p p" + Math.min(9, Math.floor(probability * 10));
const CLASSES = {ai_generated: "AI-generated", human_written: "human-written", mixed: "mixed"};

$("detect-legend").append(...Array.from({length: 10}, (_, i) =>
  make("span", {className: "p p" + i}, i === 9 ? "0.9 to 1" : "0." + i)));

function showDetection({json, roundTrip}) {
  const rows = json.sentences.flatMap(sentence => {
    const words = sentence.words.flatMap((word, i) => {
      const probability = sentence.probabilities[i];
      return [make("span", {className: shadeOf(probability), title: probability.toFixed(4)}, word), " "];
    });
    const cut = sentence.truncated_words ? `, ${sentence.truncated_words} words past the model's limit` : "";
    return [make("p", {}, ...words), make("p", {className: "count"},
      `average ${sentence.avg_probability.toFixed(4)}, ${CLASSES[sentence.classification]}${cut}`)];
  });
  $("detect-words").replaceChildren(...rows);
  const facts = json.metadata;
  $("detect-summary").textContent = `${facts.total_words} words by ${facts.model_version} in `
    + `${facts.processing_time_ms} ms, ${roundTrip.toFixed(1)} ms there and back`;
}

onAsk("detect-form", "detect-message", async () => {
  const sentences = $("detect-text").value.split("\n").filter(line => line.trim());
  if (!sentences.length) throw new Error("Type at least one word.");
  const answer = await call("api/v1/predict/sentences", {sentences, details: true});
  return () => showDetection(answer);
});
