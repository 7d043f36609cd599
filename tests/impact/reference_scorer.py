"""The impact scorer, written a second time from its rules: slow, plain Python that the C++ one is compared with.

score(message, context) follows the documented rules (docs/impact.md) with no code in common with src/apps/impact. An
`embed` function from text to vector turns on the model path.
"""

import math

KEYWORDS = (
    "critical emergency security breach violation danger risk threat attack exploit vulnerability compromise governance "
    "policy regulation compliance legal audit financial transaction payment transfer blockchain consensus unauthorized "
    "abnormal suspicious alert"
).split()
WEIGHTS = {"semantic": 0.3, "permission": 0.2, "volume": 0.1, "context": 0.1, "drift": 0.1, "priority": 0.1, "type": 0.1}
PERMISSIONS = (
    (0.9, ("execute", "delete", "write", "submit", "transfer")),
    (0.5, ("send", "update", "modify")),
    (0.2, ("read", "get", "list", "view")),
)
HISTORY = 20


def text_of(message: dict) -> str:
    content = message.get("content")
    if isinstance(content, dict) and "text" in content:
        content = content["text"]
    text = "" if content is None else str(content)
    payload = message.get("payload")
    if isinstance(payload, dict) and payload.get("message") is not None:
        text += f" {payload['message']}"
    return text


def cosine(a, b) -> float:
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / lengths if lengths > 0 else 0.0


class ReferenceScorer:
    def __init__(self, embed=None, gate_without_keywords=0.95, gate_with_keywords=0.85):
        self.embed = embed
        self.gates = (gate_without_keywords, gate_with_keywords)
        self.keyword_vectors = [embed(word) for word in KEYWORDS] if embed else []
        self.counts: dict[str, int] = {}
        self.histories: dict[str, list[float]] = {}

    def semantic(self, message: dict) -> float:
        text = text_of(message).lower().strip()
        if not text:
            return 0.0
        hits = sum(word in text for word in KEYWORDS)
        by_keywords = 0.1 if hits == 0 else 0.5 if hits <= 2 else 0.8 if hits <= 4 else 1.0
        if not self.embed:
            return by_keywords
        raw = self.nearest(self.embed(text))
        gate = self.gates[0] if by_keywords < 0.3 else self.gates[1]
        return max(by_keywords, raw if raw >= gate else 0.3 * raw)

    def nearest(self, vector) -> float:
        return max(cosine(vector, keyword) for keyword in self.keyword_vectors)

    def permission(self, message: dict) -> float:
        best = 0.1
        for tool in message.get("tools") or []:
            name = str(tool.get("name", "") if isinstance(tool, dict) else tool).lower()
            for value, words in PERMISSIONS:
                if any(word in name for word in words):
                    best = max(best, value)
                    break
        return best

    def volume(self, agent: str) -> float:
        count = self.counts.get(agent, 0)
        self.counts[agent] = count + 1
        return 1.0 if count >= 150 else 0.5 if count >= 50 else 0.2 if count >= 20 else 0.1

    def drift(self, agent: str, semantic: float) -> float:
        history = self.histories.setdefault(agent, [])
        drift = min(1.0, 2 * abs(semantic - sum(history) / len(history))) if history else 0.0
        history.append(semantic)
        del history[:-HISTORY]
        return drift

    @staticmethod
    def context_factor(message: dict) -> float:
        payload = message.get("payload")
        amount = payload.get("amount") if isinstance(payload, dict) else None
        large = isinstance(amount, (int, float)) and not isinstance(amount, bool) and amount > 1000
        return 0.2 + (0.4 if large else 0.0)

    @staticmethod
    def priority(message: dict, context: dict) -> float:
        value = context.get("priority")
        value = message.get("priority") if value is None else value
        if value is None:
            return 0.5
        name = str(value).lower()
        for factor, word, digit in ((1.0, "critical", "3"), (0.7, "high", "2"), (0.5, "medium", "1"), (0.5, "normal", "1"),
                                    (0.2, "low", "0")):
            if word in name or digit in name:
                return factor
        return 0.5

    @staticmethod
    def type_factor(message: dict, context: dict) -> float:
        value = context.get("message_type")
        name = str(message.get("message_type") if value is None else value).lower()
        return 0.8 if "governance" in name or "constitutional" in name else 0.4 if "command" in name else 0.2

    def score(self, message: dict, context: dict | None) -> tuple[float, dict[str, float]]:
        if not message and not context:
            return 0.1, {}
        context = context or {}
        agent = context.get("agent_id") or message.get("from_agent") or "anonymous"
        override = context.get("semantic_override")
        semantic = self.semantic(message) if override is None else float(override)
        factors = {
            "semantic": semantic,
            "permission": self.permission({**message, "tools": context.get("tools") or message.get("tools")}),
            "volume": self.volume(agent),
            "context": self.context_factor(message),
            "drift": self.drift(agent, semantic),
            "priority": self.priority(message, context),
            "type": self.type_factor(message, context),
        }
        score = sum(WEIGHTS[name] * value for name, value in factors.items())
        if factors["priority"] >= 0.9:
            score = max(score, 0.9)
        if semantic >= 0.8:
            score = max(score, 0.8)
        return min(1.0, score), factors
