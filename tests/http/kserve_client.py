"""Asks a server with KServe's own client. In a process of its own, as a script: that client and Triton's define the same
protobuf messages, which one process cannot load twice."""

import asyncio
import json
import subprocess
import sys

import numpy

PATIENCE_SECONDS = 300


def ask_with_kserve(way, server, model, texts):
    """The first output for the texts, by "rest", "rest-binary" or "grpc"."""
    done = subprocess.run([sys.executable, __file__, way, str(server.port), model, *texts], capture_output=True, text=True,
                          timeout=2 * PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr[-4000:]
    return numpy.array(json.loads(done.stdout.splitlines()[-1]), "f4")


async def ask_rest(port, request):
    from kserve import InferenceRESTClient, RESTConfig
    url = f"http://127.0.0.1:{port}"
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=PATIENCE_SECONDS))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, request.model_name)
    return await client.infer(url, request, model_name=request.model_name)


async def ask_grpc(port, request):
    from kserve import InferenceGRPCClient
    client = InferenceGRPCClient(f"127.0.0.1:{port}", timeout=PATIENCE_SECONDS)
    assert await client.is_server_live() and await client.is_server_ready()
    assert await client.is_model_ready(request.model_name)
    return await client.infer(request)


def main(way, port, model, *texts):
    from kserve import InferInput, InferRequest
    tensor = InferInput("text", [len(texts)], "BYTES")
    if way == "grpc":
        tensor.data = list(texts)
    else:
        values = numpy.array([text.encode() for text in texts], dtype=object)
        tensor.set_data_from_numpy(values, binary_data=way == "rest-binary")
    request = InferRequest(model, [tensor], request_id="mine")
    answer = asyncio.run((ask_grpc if way == "grpc" else ask_rest)(port, request))
    assert answer.id == "mine" and answer.model_name == model
    print(json.dumps(answer.outputs[0].as_numpy().tolist()))


if __name__ == "__main__":
    main(*sys.argv[1:])
