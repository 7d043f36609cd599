"""Rows of vector searches for the 10 nearest among 10 000 and 200 000 passages (milliseconds). Ours is the time that the server
takes for the search itself (header server-timing), beside FAISS in its own process and pgvector over a socket; embedding the
question is left out everywhere. Recall against looking everywhere is shown. The larger row takes minutes to set up and runs
only when --only names it.
"""

import re
import sys
import time

import cases
import figures
import ours
import tokenizing
import vector_peers
import vector_store
from serving import ContenderError

ROWS = (10_000, 200_000)
LIMIT = 10
LEAST_RECALL = {"exact": 0.999, "graph": 0.95}  # equal cosines may be ordered otherwise
GRAPH_ROWS = 100_000  # above, the store searches through a graph, once it was asked a few times
SEARCHES_BEFORE_GRAPH = 20
MOST_SECONDS_OF_BUILDING = 1800


def row_name(rows):
    return f"search in {rows // 1000}k passages"


class SearchServer(ours.VivaceServer):
    """Also its vectors of the questions, which are the peers' queries."""

    def __init__(self, program, model, threads, precision, store):
        ours.Server.__init__(self, program, threads, precision, "--model", f"embedder={model}", "--store", store)

    def answers(self, questions):
        return self.awake(lambda: [[row["evidence_id"] for row in self._search(question)[0]["results"]]
                                   for question in questions])

    def searches(self, questions, seconds):
        def run():
            times, end = [], time.perf_counter() + seconds
            while not times or time.perf_counter() < end:
                times.append(search_ms(self._search(questions[len(times) % len(questions)])[1]["server-timing"]))
            return figures.round_of(times)
        return self.awake(run)

    def wait_for_graph(self, questions):
        """Searches until the graph is wanted, then waits until the process has nothing to do any more: seconds."""
        begin = time.monotonic()

        def wait():
            for i in range(SEARCHES_BEFORE_GRAPH):
                self._search(questions[i % len(questions)])
            while time.monotonic() - begin < MOST_SECONDS_OF_BUILDING:
                before = self._cpu_ticks()
                time.sleep(1)
                if self._cpu_ticks() - before <= 2:
                    return time.monotonic() - begin
            raise ContenderError(f"the graph was not built within {MOST_SECONDS_OF_BUILDING} s")
        return self.awake(wait)

    def _cpu_ticks(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))

    def _search(self, question):
        return self.ask("/api/v1/search", {"query": question, "limit": LIMIT, "mode": "vector"})


def search_ms(server_timing):
    return float(re.search(r"\bsearch;dur=([0-9.]+)", server_timing).group(1))


def start_postgres():
    """A PostgreSQL server with memory for all rows. OSError when there is none that computes distances here."""
    sys.path.insert(0, str(cases.ROOT / "tests" / "store"))
    import postgres_server
    if postgres_server.find_programs() is None:
        raise OSError("there is no PostgreSQL (package pgserver)")
    server = postgres_server.PostgresServer(settings=("shared_buffers=1GB", "max_wal_size=4GB"))
    server.versions, server.close = {}, lambda: server.__exit__(None, None, None)
    try:
        server.__enter__()
        if not server.computes_distances():
            raise OSError("this package's pgvector was built for another CPU: its server ends at the first distance")
    except AssertionError as problem:
        server.close()
        raise OSError(f"PostgreSQL does not start: {problem}") from problem
    except OSError:
        server.close()
        raise
    return server


class Contenders:
    """Who takes part, with the share of right neighbours, and who cannot."""

    def __init__(self, bench):
        self.bench, self.timers, self.recall, self.missing = bench, {}, {}, {}

    def add(self, name, kind, make, expected):
        """make() answers the ids that were found and the timer."""
        try:
            found, timer = make()
        except self.bench.failures as problem:
            self.missing[name] = tokenizing.reason_of(problem)
            print(f"left out {name}: {self.missing[name]}", file=sys.stderr)
            return
        share = vector_store.recall(found, expected)
        print(f"checked {name}: recall {share:.2%}", file=sys.stderr)
        if share < LEAST_RECALL[kind]:
            problem = f"finds only {share:.2%} of the nearest"
            if name == SearchServer.name:
                raise SystemExit(f"{name} {problem}; nothing was timed")
            self.missing[name] = problem  # a peer's graph may fail where ours must not
            return
        self.timers[name], self.recall[name] = timer, share


def kind_of(name):
    return "graph" if name.endswith("HNSW") else "exact"


def add(bench):
    for rows in ROWS:
        chosen = bench.wanted if rows == ROWS[0] else bench.named
        if bench.options.peers_only or not chosen(row_name(rows)):
            continue
        add_row(bench, rows)
        bench.close_all()


def add_row(bench, rows):
    store = vector_store.make(rows, bench.options.program, bench.options.model, bench.out)
    questions = cases.questions()
    servers = bench.open_or_skip(f"vivace's {row_name(rows)}", lambda: bench.ours(SearchServer, "fp32", None, store))
    if not servers:
        return  # nobody else embeds the questions
    server = servers[0]
    vectors = [vector.tolist() for vector in server.vectors(questions)]
    ids, matrix = vector_store.load(store)
    expected = [[ids[row] for row in found] for found in vector_store.nearest(matrix, vectors, LIMIT)]
    contenders = Contenders(bench)

    def own():
        if rows > GRAPH_ROWS:
            print(f"the graph was built in {server.wait_for_graph(questions):.0f} s", file=sys.stderr)
        return server.answers(questions), lambda seconds: server.searches(questions, seconds)
    contenders.add(server.name, "graph" if rows > GRAPH_ROWS else "exact", own, expected)
    add_peers(bench, contenders, store, vectors, expected)
    bench.add_row(row_name(rows), contenders.timers,
                  more={"recall": contenders.recall, "missing": contenders.missing})


def add_peers(bench, contenders, store, vectors, expected):
    addresses = {}

    def peer(name):
        if name.startswith("pgvector") and not addresses:
            addresses["pgvector"] = bench.open(start_postgres).address()
        one = bench.peer(name, "fp32", store, addresses.get("pgvector", "-"))
        return one.answers(vectors=vectors, limit=LIMIT), lambda seconds: one.round(
            "searches", vectors=vectors, limit=LIMIT, seconds=seconds)

    for name in vector_peers.PEERS:
        contenders.add(name, kind_of(name), lambda name=name: peer(name), expected)
