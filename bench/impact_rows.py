"""Rows of impact scoring: one message of 8, 32 or 128 tokens (milliseconds), and messages a second from 1, 8 and 64 clients. Ours is
the server's route with its cache off, HTTP and JSON included; peers score in their own process (impact_peers.py).
"""

import random
import sys

import cases
import http_load
import impact_peers
import models
from serving import ContenderError, Server

PATH = "/api/v1/impact/score"
TOKENS, LOAD_TOKENS = (8, 32, 128), 32
CLIENTS = (1, 8, 64)
MESSAGES, CHECKED = 1000, 40
KEYWORD_EVERY = 3  # so many messages hold a keyword
PEERS = {"fp32": ("impact torch", "impact onnxruntime"), "bf16": ("impact torch",), "int8": ("impact onnxruntime",)}
# How far cosines may be from transformers' in fp32; scores as well in fp32. In the others a cosine beside a gate may pass it.
TOLERANCE = {"fp32": 1e-4, "bf16": 0.01, "int8": 0.05}


def latency_name(tokens):
    return f"impact, {tokens} tokens"


def load_name(clients):
    return f"impact, {clients} client{'s' if clients > 1 else ''}"


class ImpactServer(Server):
    def __init__(self, program, model, threads, precision):
        gates = [("--impact-" + name.replace("_", "-"), gate) for name, gate in impact_peers.GATES.items()]
        super().__init__(program, threads, precision, "--model", f"impact={model}", "--impact-cache-mb", 0,
                         *(part for gate in gates for part in gate))

    def answers(self, messages):
        return self.awake(lambda: [self._answer(message) for message in messages])

    def round(self, do, messages, seconds):
        assert do == "scores"
        turn = iter(range(1 << 60))
        return self.timed(lambda: self._ask_for(messages[next(turn) % len(messages)]), seconds)

    def _ask_for(self, message):
        return self.ask(PATH, {"message": message})[0]

    def _answer(self, message):
        answer = self._ask_for(message)
        if answer["degraded"] or answer.get("cached"):
            raise ContenderError(f"the model did not score the message: {answer}")
        return answer["score"], answer["similarity"]


def single_tokens(model):
    """Words of the demo that are one token each, and the keywords that are."""
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    words = sorted({word for text in cases.load_passages() for word in text.lower().split() if word.isalpha()})

    def single(some):
        return [word for word in some if len(tokenizer.encode(word, add_special_tokens=False).ids) == 1]
    return single(words), single(impact_peers.KEYWORDS)


def make_messages(words, keywords, tokens):
    """Each with that many tokens, the two special ones included, and of an agent of its own."""
    chance = random.Random(tokens)
    messages = []
    for i in range(MESSAGES):
        chosen = chance.choices(words, k=tokens - 2)
        if i % KEYWORD_EVERY == 0:
            chosen[chance.randrange(len(chosen))] = chance.choice(keywords)
        messages.append({"content": " ".join(chosen), "from_agent": f"agent {i}"})
    return messages


def differences(found, expected):
    """The largest ones of scores and of cosines."""
    pairs = list(zip(found, expected, strict=True))
    return tuple(max(abs(a[k] - b[k]) for a, b in pairs) for k in (0, 1))


def check(contenders, reference, messages, precision):
    expected = reference.answers(messages=messages)
    for one in contenders:
        if one is reference:
            continue
        score, cosine = differences(one.answers(messages=messages), expected)
        print(f"checked {one.name}: scores differ by {score:.1e}, cosines by {cosine:.1e} over {len(messages)} messages",
              file=sys.stderr)
        if cosine > TOLERANCE[precision] or (precision == "fp32" and score > TOLERANCE[precision]):
            raise SystemExit(f"{one.name} scores otherwise than {reference.name} (by {score:.1e}); nothing was timed")


def contenders_of(bench, precision):
    files = models.Files(bench.options.model, bench.out)
    found = bench.open_or_skip(f"vivace's impact in {precision}", lambda: bench.ours(ImpactServer, precision))
    for name in PEERS[precision]:
        found += bench.open_or_skip(f"{name} in {precision}", lambda name=name: [
            bench.peer(name, precision, files.of(name.split()[1], precision))])
    return found


def add(bench):
    for precision in cases.for_encoders(bench.options.precisions):
        def wanted(name, precision=precision):
            return bench.wanted(bench.row_name(name, precision))
        latencies = [tokens for tokens in TOKENS if wanted(latency_name(tokens))]
        loads = [clients for clients in CLIENTS if wanted(load_name(clients))]
        if latencies or loads:
            add_rows(bench, precision, latencies, loads)
            bench.close_all()


def add_rows(bench, precision, latencies, loads):
    words, keywords = single_tokens(bench.options.model)
    messages = {tokens: make_messages(words, keywords, tokens) for tokens in {*latencies, LOAD_TOKENS}}
    contenders = contenders_of(bench, precision)
    reference = next((c for c in contenders if c.name == "impact torch" and precision == "fp32"), None)
    reference = reference or bench.peer("impact torch")
    for some in messages.values():
        check(contenders, reference, some[:CHECKED], precision)
    for tokens in latencies:
        bench.add_row(bench.row_name(latency_name(tokens), precision), {
            shown(c): (lambda seconds, c=c: c.round("scores", messages=messages[tokens], seconds=seconds)) for c in contenders})
    for clients in loads:
        name = bench.row_name(load_name(clients), precision)
        bench.add_row(name, load_timers(bench, name, contenders, messages[LOAD_TOKENS], clients), work=1, unit="messages/s")


def shown(contender):
    return contender.name.removeprefix("impact ")


def load_timers(bench, name, contenders, messages, clients):
    timers = {}
    for one in contenders:
        if not isinstance(one, ImpactServer):
            timers[shown(one)] = lambda seconds, c=one: c.round("load", messages=messages, clients=clients, seconds=seconds)
        elif http_load.available():
            load = http_load.Load(one, PATH, [{"message": message} for message in messages], clients)
            bench.results["notes"][name] = load.notes
            timers[shown(one)] = load.run
        else:
            bench.skip(f"vivace in {name}: wrk is missing (apt-get install wrk)")
    return timers
