"""Many clients at once: every answer equals the one that a single client gets."""

import concurrent.futures
import random
import time

import requests

from vivace_server import PATIENCE_SECONDS

CLIENTS = 64
SECONDS = 4
TEXTS = [f"text number {i}: " + "word " * (i * 7 % 60) for i in range(40)]


def test_many_connections_get_the_answers_of_one(server):
    expected = [server.embed(text)[0] for text in TEXTS]
    end = time.monotonic() + SECONDS

    def client(seed):
        chance = random.Random(seed)
        answered = 0
        with requests.Session() as session:
            while time.monotonic() < end:
                picked = chance.sample(range(len(TEXTS)), chance.choice([1, 1, 1, 5]))
                response = session.post(server.url + "/v1/embeddings", json={"input": [TEXTS[i] for i in picked]},
                                        timeout=PATIENCE_SECONDS)
                assert response.status_code == 200, response.text
                assert [item["embedding"] for item in response.json()["data"]] == [expected[i] for i in picked]
                answered += 1
        return answered

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        counts = list(pool.map(client, range(CLIENTS)))
    assert min(counts) > 0
