"""Vector searches over the rows of a store's file: FAISS in memory, and PostgreSQL with pgvector, whose address stands in the place
of the model folder. Both exact and through an HNSW graph with pgvector's usual links and the candidates that ours is built with.
"""

import os

import numpy as np

import vector_store
from timing import timed_each

LINKS, BUILD_CANDIDATES = 16, 200
SEARCH_CANDIDATES = (16, 32, 64, 128, 256, 400, 800, 1600, 3200)
LEAST_RECALL = 0.98  # the fewest candidates that reach it, or the most


class VectorPeer:
    """search(vector, limit): row numbers or ids of the nearest."""

    def __init__(self, store):
        self.ids, self.matrix = vector_store.load(store)

    def answers(self, vectors, limit):
        return [self.search(vector, limit) for vector in np.asarray(vectors, dtype=np.float32)]

    def searches(self, vectors, limit, seconds):
        return timed_each(lambda vector: self.search(vector, limit), np.asarray(vectors, dtype=np.float32), seconds)

    def choose_candidates(self, vectors, limit):
        """As few as give the recall that is wanted."""
        expected = [[self.ids[row] for row in rows] for rows in vector_store.nearest(self.matrix, vectors, limit)]
        for count in SEARCH_CANDIDATES:
            self.set_candidates(count)
            if vector_store.recall(VectorPeer.answers(self, vectors, limit), expected) >= LEAST_RECALL:
                return


class Faiss(VectorPeer):
    packages = ("faiss-cpu",)

    def __init__(self, model, file, threads, precision):
        import faiss
        super().__init__(file)
        faiss.omp_set_num_threads(threads)
        self.index = self.make_index(faiss, file)

    def make_index(self, faiss, file):
        index = faiss.IndexFlatIP(self.matrix.shape[1])
        index.add(self.matrix)
        return index

    def search(self, vector, limit):
        return [self.ids[row] for row in self.index.search(vector[None], limit)[1][0]]


class FaissHnsw(Faiss):
    def make_index(self, faiss, file):
        made = file + ".faiss-hnsw"
        if not os.path.exists(made):
            index = faiss.IndexHNSWFlat(self.matrix.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = BUILD_CANDIDATES
            index.add(self.matrix)
            faiss.write_index(index, made + ".part")
            os.replace(made + ".part", made)
        return faiss.read_index(made)

    def set_candidates(self, count):
        self.index.hnsw.efSearch = count

    def answers(self, vectors, limit):
        self.choose_candidates(vectors, limit)
        return super().answers(vectors, limit)


class PgVector(VectorPeer):
    packages = ("psycopg", "pgserver")
    table = "exact"

    def __init__(self, model, file, threads, precision):
        import psycopg
        super().__init__(file)
        self.connection = psycopg.connect(model, autocommit=True, prepare_threshold=0)
        self.connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        self.connection.execute(f"CREATE TABLE {self.table} (id text, vector vector({self.matrix.shape[1]}))")
        with self.connection.cursor().copy(f"COPY {self.table} FROM STDIN") as copy:
            for one, vector in zip(self.ids, self.matrix):
                copy.write_row((one, text_of(vector)))
        self.finish_table()

    def finish_table(self):
        self.connection.execute(f"ANALYZE {self.table}")

    def search(self, vector, limit):
        rows = self.connection.execute(f"SELECT id FROM {self.table} ORDER BY vector <=> %s::vector LIMIT %s",
                                       (text_of(vector), limit))
        return [one for one, in rows]


class PgVectorHnsw(PgVector):
    table = "graph"

    def finish_table(self):
        self.connection.execute("SET maintenance_work_mem = '2GB'")
        self.connection.execute(f"CREATE INDEX ON {self.table} USING hnsw (vector vector_cosine_ops) "
                                f"WITH (m = {LINKS}, ef_construction = {BUILD_CANDIDATES})")
        super().finish_table()

    def set_candidates(self, count):
        self.connection.execute(f"SET hnsw.ef_search = {count}")

    def answers(self, vectors, limit):
        self.choose_candidates(vectors, limit)
        return super().answers(vectors, limit)


def text_of(vector):
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


PEERS = {"faiss": Faiss, "faiss HNSW": FaissHnsw, "pgvector": PgVector, "pgvector HNSW": PgVectorHnsw}
