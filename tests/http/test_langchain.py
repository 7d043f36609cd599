"""LangChain's embedding classes, over the routes of text-embeddings-inference and of OpenAI."""

import asyncio

import numpy
import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from langchain_openai import OpenAIEmbeddings

from vivace_server import Server

TEXTS = ["The ferry leaves at nine.", "Bread keeps in a box.\nNot in the cold.", "Owls hunt by ear."]
QUESTION = "When does the boat go?"


@pytest.fixture(scope="module")
def server():
    with Server("--rate-limits", "off", "--precision", "fp32") as running:
        yield running


def endpoint_embeddings(server):
    """Since it refuses addresses for a model's name, the client behind it is given one."""
    embeddings = HuggingFaceEndpointEmbeddings(model="vivace/minilm")
    embeddings.client, embeddings.async_client = InferenceClient(server.url), AsyncInferenceClient(server.url)
    return embeddings


def clients(server):
    return [endpoint_embeddings(server),
            OpenAIEmbeddings(base_url=server.url + "/v1", api_key="none", model="minilm", check_embedding_ctx_length=False)]


def test_documents_and_queries_have_the_servers_vectors(server):
    expected = numpy.array(server.embed([*TEXTS, QUESTION]), "f4")
    assert numpy.allclose(numpy.array(clients(server)[1].embed_documents(TEXTS), "f4"), expected[:3], atol=1e-6)
    for client in clients(server):
        assert numpy.array(client.embed_documents(TEXTS)).shape == expected[:3].shape
        assert numpy.allclose(client.embed_query(QUESTION), expected[3], atol=1e-6)


def test_the_hub_client_puts_blanks_for_line_ends(server):
    """LangChain does so itself before it asks."""
    expected = server.embed([text.replace("\n", " ") for text in TEXTS])
    assert numpy.allclose(clients(server)[0].embed_documents(TEXTS), expected, atol=1e-6)


def test_a_vector_store_finds_the_answer(server):
    for client in clients(server):
        store = InMemoryVectorStore.from_texts(TEXTS, client)
        assert store.similarity_search(QUESTION, k=1)[0].page_content == TEXTS[0]


async def answers(client):
    return await client.aembed_query(QUESTION), await client.aembed_documents(TEXTS[2:])


def test_asked_without_blocking(server):
    expected = server.embed([QUESTION, TEXTS[2]])
    for client in clients(server):
        query, documents = asyncio.run(answers(client))
        assert numpy.allclose([query, documents[0]], expected, atol=1e-6)


def test_openai_s_token_ids_are_refused_with_a_hint(server):
    """What LangChain sends by default: ids of another model's tokenizer."""
    answer = server.post("/v1/embeddings", {"model": "minilm", "input": [[9906, 1917]]})
    assert answer.status_code == 400 and "check_embedding_ctx_length=False" in answer.text
