"""gRPC on the server's one port: inference.GRPCInferenceService by Triton's client, health and reflection by gRPC's own."""

import itertools
import os
import resource
import shutil
import signal
import socket
import threading
import time

import grpc
import numpy
import pytest
import requests
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2, service_pb2_grpc

from kserve_client import ask_with_kserve
from vivace_server import PATIENCE_SECONDS, PROGRAM, ROOT, Server

pytestmark = pytest.mark.skipif(not (PROGRAM.parent / "libvivace_grpc.so").exists(), reason="this build has no gRPC (make deps)")
GOLDEN = ROOT / "tests" / "golden"
HEADS = GOLDEN / "heads"
TEXTS = ["old letters from the fog", "the fog", "a" * 9 + " wolf"]
SERVICE = "inference.GRPCInferenceService"


@pytest.fixture(scope="module")
def server():
    models = [f"vectors={GOLDEN}/tiny-bert", f"moods={HEADS}/bert-moods", f"writer={GOLDEN}/t5-code"]
    with Server("--rate-limits", "off", "--precision", "fp32", models=models) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as open_client:
        yield open_client


@pytest.fixture()
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as open_channel:
        yield open_channel


def tensor(name, texts):
    made = triton.InferInput(name, [len(texts)], "BYTES")
    made.set_data_from_numpy(numpy.array([text.encode() for text in texts], dtype=object))
    return made


def infer(client, model, texts, name="text", **options):
    return client.infer(model, [tensor(name, texts)], client_timeout=PATIENCE_SECONDS, **options)


def openai_vectors(server, texts, **more):
    answer = server.post("/v1/embeddings", json={"model": "vectors", "input": texts, **more}).json()
    return numpy.array([item["embedding"] for item in answer["data"]], "f4")


def test_health_and_metadata(server, client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("vectors") and client.is_model_ready("vectors", "1")
    assert client.get_server_metadata().name == "vivace"
    model = client.get_model_metadata("vectors")
    rest = server.get("/v2/models/vectors").json()
    assert (model.name, list(model.versions), model.platform) == (rest["name"], rest["versions"], rest["platform"])
    for ports, expected in ((model.inputs, rest["inputs"]), (model.outputs, rest["outputs"])):
        assert [{"name": port.name, "datatype": port.datatype, "shape": list(port.shape)} for port in ports] == expected


def test_answers_are_those_of_rest(server, client):
    answer = infer(client, "vectors", TEXTS, request_id="mine")
    assert numpy.array_equal(answer.as_numpy("embedding"), openai_vectors(server, TEXTS))
    assert answer.as_numpy("truncated").tolist() == [False] * 3
    assert answer.get_response().id == "mine" and answer.get_response().model_version == "1"
    shorter = infer(client, "vectors", TEXTS, parameters={"dimensions": 8}, outputs=[triton.InferRequestedOutput("embedding")])
    assert shorter.as_numpy("embedding").shape == (3, 8) and shorter.as_numpy("truncated") is None
    best = infer(client, "moods", TEXTS).as_numpy("label")
    classes = server.post("/v1/classify", json={"model": "moods", "inputs": TEXTS}).json()["results"]
    assert [label.decode() for label in best] == [row["labels"][0]["label"] for row in classes]
    written = infer(client, "writer", TEXTS[:1], name="prompt", parameters={"max_tokens": 6, "temperature": 0.0})
    completion = server.post("/v1/completions", json={"model": "writer", "prompt": TEXTS[0], "max_tokens": 6}).json()
    assert written.as_numpy("text")[0].decode() == completion["choices"][0]["text"]


def test_typed_contents(server, channel):
    """KServe's clients send values in each tensor's contents and read them there."""
    request = service_pb2.ModelInferRequest(model_name="vectors")
    request.inputs.add(name="text", datatype="BYTES", shape=[2]).contents.bytes_contents.extend(text.encode() for text in TEXTS[:2])
    answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=PATIENCE_SECONDS)
    assert not answer.raw_output_contents
    values = numpy.array(answer.outputs[0].contents.fp32_contents, "f4").reshape(list(answer.outputs[0].shape))
    assert numpy.array_equal(values, openai_vectors(server, TEXTS[:2]))
    assert list(answer.outputs[1].contents.bool_contents) == [False, False]


def test_kserves_own_client(server):
    assert numpy.array_equal(ask_with_kserve("grpc", server, "vectors", TEXTS), openai_vectors(server, TEXTS))


def test_cut_texts_are_told(client):
    answer = infer(client, "vectors", ["fog", "fog " * 500])
    assert answer.as_numpy("truncated").tolist() == [False, True]
    assert answer.get_response().parameters["truncated_texts"].int64_param == 1


def code_of(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as failed:
        call(*arguments, timeout=PATIENCE_SECONDS, **options)
    code = failed.value.code()
    assert failed.value.details() or code == grpc.StatusCode.UNIMPLEMENTED  # which gRPC itself says
    return code


def request_of(model="vectors", name="text", datatype="BYTES", shape=(1,), raw=(b"\x03\x00\x00\x00fog",), version="", **more):
    request = service_pb2.ModelInferRequest(model_name=model, model_version=version, raw_input_contents=raw, **more)
    request.inputs.add(name=name, datatype=datatype, shape=shape)
    return request


def with_outputs(count, **parameters):
    request = request_of()
    for _ in range(count):
        output = request.outputs.add(name="embedding")
        for name, value in parameters.items():
            output.parameters[name].int64_param = value
    return request


def twice_given():
    request = request_of()
    request.inputs[0].contents.bytes_contents.append(b"something else")
    return request


def test_errors_have_their_codes(server, channel):
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    assert code_of(stub.ModelInfer, request_of(model="nobody")) == grpc.StatusCode.NOT_FOUND
    assert code_of(stub.ModelInfer, request_of(version="2")) == grpc.StatusCode.NOT_FOUND
    assert code_of(stub.ModelReady, service_pb2.ModelReadyRequest(name="nobody")) == grpc.StatusCode.NOT_FOUND
    assert code_of(stub.ModelMetadata, service_pb2.ModelMetadataRequest(name="nobody")) == grpc.StatusCode.NOT_FOUND
    bad = [request_of(name="words"), request_of(datatype="FP32"), request_of(shape=[2]), request_of(shape=[-1]), request_of(shape=[]),
           request_of(shape=[1 << 40, 1 << 40]), request_of(raw=[b"\x03\x00\x00\x00fo"]), request_of(raw=[b"\x03"]),
           request_of(raw=[b"\x00\x00\x00\x00"]), request_of(raw=[b"\x02\x00\x00\x00\xff\xff"]), request_of(raw=[b"", b""]),
           request_of(raw=[]), service_pb2.ModelInferRequest(model_name="vectors"), request_of(name="x" * 20000),
           request_of(model="x" * 9000), request_of(datatype="x" * 9000), request_of(shape=[1] * 9), with_outputs(17), with_outputs(2),
           with_outputs(1, classification=2), with_outputs(1, shared_memory_byte_size=9), twice_given()]
    for request in bad:
        assert code_of(stub.ModelInfer, request) == grpc.StatusCode.INVALID_ARGUMENT, request
    assert code_of(stub.RepositoryIndex, service_pb2.RepositoryIndexRequest()) == grpc.StatusCode.UNIMPLEMENTED
    prompt = request_of()
    prompt.parameters["prompt_name"].string_param = "p\n" * 20000
    assert code_of(stub.ModelInfer, prompt) == grpc.StatusCode.INVALID_ARGUMENT  # told in a header of bearable length
    assert code_of(stub.ModelInfer, request_of(), compression=grpc.Compression.Gzip) == grpc.StatusCode.UNIMPLEMENTED
    assert server.get("/ready").status_code == 200


def test_numbers_may_come_as_doubles(channel):
    request = request_of()
    request.parameters["dimensions"].double_param = 8
    answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=PATIENCE_SECONDS)
    assert list(answer.outputs[0].shape) == [1, 8]


def test_messages_are_limited():
    with Server("--rate-limits", "off", "--max-body-bytes", "4096", "--max-text-bytes", "4096", "--max-texts-per-request", "2",
                models=[f"vectors={GOLDEN}/tiny-bert"]) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        long = request_of(raw=[b"\x00\x20\x00\x00" + b"a" * 8192])
        assert code_of(stub.ModelInfer, long) == grpc.StatusCode.RESOURCE_EXHAUSTED
        many = request_of(shape=[3], raw=[b"\x01\x00\x00\x00a" * 3])
        assert code_of(stub.ModelInfer, many) == grpc.StatusCode.INVALID_ARGUMENT
        assert stub.ModelInfer(request_of(), timeout=PATIENCE_SECONDS).model_name == "vectors"


def test_a_deadline_is_kept(client):
    with pytest.raises(triton.InferenceServerException) as late:
        client.infer("vectors", [tensor("text", ["old letters from the fog " * 12] * 1024)], client_timeout=0.003)
    assert "DEADLINE_EXCEEDED" in late.value.status()
    with pytest.raises(triton.InferenceServerException) as late:
        infer(client, "vectors", TEXTS, timeout=1)  # microseconds
    assert "DEADLINE_EXCEEDED" in late.value.status()


def test_the_key_is_asked_for_but_not_of_probes():
    with Server("--api-key", "secret", models=[f"vectors={GOLDEN}/tiny-bert"]) as server, grpc.insecure_channel(
            f"127.0.0.1:{server.port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(service_pb2.ServerLiveRequest(), timeout=PATIENCE_SECONDS).live
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS).status == 1
        for call, request in ((stub.ModelInfer, request_of()), (stub.ServerMetadata, service_pb2.ServerMetadataRequest()),
                              (stub.ModelMetadata, service_pb2.ModelMetadataRequest(name="vectors")),
                              (stub.ModelReady, service_pb2.ModelReadyRequest(name="vectors"))):
            for metadata in ((), (("authorization", "Bearer wrong"),)):
                assert code_of(call, request, metadata=metadata) == grpc.StatusCode.UNAUTHENTICATED
            call(request, timeout=PATIENCE_SECONDS, metadata=(("authorization", "Bearer secret"),))


def test_health(server, channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE):
        assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_SECONDS).status == 1
    assert code_of(health.Check, health_pb2.HealthCheckRequest(service="nobody")) == grpc.StatusCode.NOT_FOUND
    watch = health.Watch(health_pb2.HealthCheckRequest(service="nobody"), timeout=PATIENCE_SECONDS)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


def test_reflection(channel):
    services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {SERVICE, "grpc.health.v1.Health"} <= set(services)


def test_a_watch_tells_of_draining_and_the_server_stops_beside_open_channels():
    with Server("--rate-limits", "off", "--drain-delay-seconds", "4", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as idle:
            assert idle.is_server_ready()
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            server.process.send_signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert server.process.wait(PATIENCE_SECONDS) == 0
            with pytest.raises(grpc.RpcError):
                next(watch)


def test_a_call_that_runs_is_finished_while_draining():
    with Server("--rate-limits", "off", models=[f"vectors={GOLDEN}/tiny-bert"]) as server, triton.InferenceServerClient(
            f"127.0.0.1:{server.port}") as client:
        texts = ["old letters from the fog " * 12] * 512
        answers = []
        asking = threading.Thread(target=lambda: answers.append(infer(client, "vectors", texts)))
        asking.start()
        server.wait_until(lambda: server.metric("vivace_engine_requests_accepted_total", model="vectors") >= 1)
        server.process.send_signal(signal.SIGTERM)
        asking.join(PATIENCE_SECONDS)
        assert answers and answers[0].as_numpy("embedding").shape[0] == 512
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_silent_clients_without_calls_do_not_hold_up_the_stop():
    """gRPC alone waits twenty seconds for each to answer its farewell. One of them has had an answer."""
    request = request_of().SerializeToString()
    call = frame(1, 4, 1, HEADERS) + frame(0, 1, 1, b"\0" + len(request).to_bytes(4, "big") + request)
    with Server("--rate-limits", "off", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        with server.connect() as silent, server.connect() as answered:
            silent.send(PREFACE + SETTINGS)
            silent.read_until(frame(4, 1, 0, b""))  # the settings are acknowledged: gRPC is there
            answered.send(PREFACE + SETTINGS + call)
            answered.read_until(b"grpc-status")
            begin = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE_SECONDS) == 0
            assert time.monotonic() - begin < 19  # which is gRPC's own patience and one second less
        assert "drain_seconds are over" not in server.log()


def test_a_call_without_an_end_is_cut_by_drain_seconds():
    flags = ("--rate-limits", "off", "--drain-seconds", "2")
    with Server(*flags, models=[f"vectors={GOLDEN}/tiny-bert"]) as server, server.connect() as asking:
        asking.send(PREFACE + SETTINGS + frame(1, 4, 1, HEADERS))
        asking.read_until(frame(4, 1, 0, b""))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert "drain_seconds are over" in server.log()


def test_calls_and_connections_are_counted(server, client):
    def calls(status):
        return server.metric("vivace_grpc_requests_total", method="ModelInfer", status=status)
    before = calls("ok"), calls("refused")
    infer(client, "vectors", TEXTS)
    with pytest.raises(triton.InferenceServerException):
        infer(client, "nobody", TEXTS)
    assert (calls("ok"), calls("refused")) == (before[0] + 1, before[1] + 1)
    open_before = server.metric("vivace_http_connections")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as another:
        health_pb2_grpc.HealthStub(another).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        assert server.metric("vivace_http_connections") > open_before
    server.wait_until(lambda: server.metric("vivace_http_connections") <= open_before)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def test_a_preface_in_pieces_and_rubbish_behind_it(server, client):
    for rubbish in (b"", b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 300):
        connection = server.connect()
        connection.send(PREFACE[:5])
        time.sleep(0.05)
        connection.send(PREFACE[5:] + rubbish)
        connection.socket.close()
    assert infer(client, "vectors", TEXTS).as_numpy("embedding").shape[0] == 3


def test_what_only_begins_like_http2_is_answered_as_http1(server):
    connection = server.connect()
    connection.send(b"PRI * HTTP/1.1\r\nhost: test\r\n\r\n")
    assert connection.read_response()[0] in (400, 404, 405)


def test_without_grpc_clients_are_told_why(tmp_path):
    alone = tmp_path / "vivace"
    shutil.copy(PROGRAM, alone)  # the module stays behind
    with Server("--rate-limits", "off", models=[f"vectors={GOLDEN}/tiny-bert"], program=alone) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError) as refused:
            service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request_of(), timeout=PATIENCE_SECONDS)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "spoke HTTP/2" in server.log() and "make deps" in server.log() and server.is_ready()
        assert server.log().count("spoke HTTP/2") < 20  # it waits before it comes again


def frame(kind, flags, stream, payload, length=None):
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


SETTINGS = frame(4, 0, 0, b"")
# HPACK's literal headers without indexing.
HEADERS = b"".join(b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in (
    (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/inference.GRPCInferenceService/ModelInfer"), (b":authority", b"x"),
    (b"te", b"trailers"), (b"content-type", b"application/grpc")))


def sent_until_closed(server, chunks, receive_bytes=None):
    """How many of these the server takes before it closes the connection, which it must, while they come or after them."""
    sent = 0
    with server.connect() as connection:
        if receive_bytes:  # else as many as the system likes
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            for chunk in chunks:
                connection.send(chunk)
                sent += 1
            while connection.socket.recv(65536):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
    return sent


def test_attacks_on_http2_are_cut_short(server):
    """What never ends must not fill the memory or hold a connection: each of these is cut, or the test would not end."""
    literal = b"\x00\x01a\x04" + b"v" * 4
    opening = [PREFACE + SETTINGS + frame(1, 0, 1, HEADERS)]
    assert sent_until_closed(server, itertools.chain(opening, [frame(9, 0, 1, literal * 100)] * 200_000)) < 100_000
    assert sent_until_closed(server, itertools.chain(opening, [frame(9, 0, 1, b"")] * 2_000_000)) < 1_000_000
    resets = (frame(1, 5, stream, HEADERS) + frame(3, 0, stream, b"\0\0\0\x08") for stream in range(1, 2_000_001, 2))
    assert sent_until_closed(server, itertools.chain([PREFACE + SETTINGS], resets)) < 500_000
    unfinished = (frame(1, 4, stream, HEADERS) for stream in range(1, 2_000_001, 2))
    assert sent_until_closed(server, itertools.chain([PREFACE + SETTINGS], unfinished)) < 500_000
    assert "max_header_bytes" in server.log() and "too many calls are cancelled" in server.log()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request_of(), timeout=PATIENCE_SECONDS)
    assert answer.model_name == "vectors"


def test_a_message_must_arrive_in_time():
    def a_byte_now_and_then():
        yield PREFACE + SETTINGS + frame(1, 4, 1, HEADERS) + frame(0, 1, 1, b"\0\0\0\x3e\x80", 16_005)
        while True:
            time.sleep(0.1)
            yield b"x"
    with Server("--rate-limits", "off", "--body-timeout-seconds", "1", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        sent_until_closed(server, a_byte_now_and_then())  # it would never end by itself
        assert server.metric("vivace_http_timeouts_total") == 1


def test_who_sends_but_does_not_read_is_sent_away():
    """More than the sockets hold is asked for and not read, while something is sent now and then."""
    text = b"\x03\x00\x00\x00fog"
    request = request_of(shape=[512], raw=[text * 512]).SerializeToString()
    message = b"\0" + len(request).to_bytes(4, "big") + request

    def ask_and_trickle():
        window = frame(8, 0, 0, (1 << 30).to_bytes(4, "big"))
        yield PREFACE + frame(4, 0, 0, b"\0\4" + (1 << 30).to_bytes(4, "big")) + window
        for stream in range(1, 401, 2):
            yield frame(1, 4, stream, HEADERS) + frame(0, 1, stream, message)
        while True:
            time.sleep(0.1)
            yield frame(2, 0, 1, b"\0\0\0\0\x10")  # a priority
    flags = ("--rate-limits", "off", "--write-timeout-seconds", "1", "--max-queued-texts", "1048576")  # none is refused
    with Server(*flags, models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        sent_until_closed(server, ask_and_trickle(), receive_bytes=4096)
        assert server.metric("vivace_http_timeouts_total") == 1


def test_a_very_long_timeout_is_as_good_as_none(server):
    """More years than clocks can count, as some clients say for never."""
    request = request_of().SerializeToString()
    for hours in (b"2562047H", b"99999999H"):
        timeout = b"\x00\x0cgrpc-timeout" + bytes([len(hours)]) + hours
        with server.connect() as connection:
            connection.send(PREFACE + SETTINGS + frame(1, 4, 1, HEADERS + timeout))
            connection.send(frame(0, 1, 1, b"\0" + len(request).to_bytes(4, "big") + request))
            connection.read_until(b"embedding")  # the name of the answer's tensor


def test_a_quiet_watch_stays():
    flags = ("--idle-timeout-seconds", "0.5", "--max-request-timeout-seconds", "1", "--body-timeout-seconds", "1")
    with Server("--rate-limits", "off", *flags, models=[f"vectors={GOLDEN}/tiny-bert"],
                environment={"VIVACE_REQUEST_TIMEOUT_SECONDS": "1"}) as quiet, grpc.insecure_channel(f"127.0.0.1:{quiet.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        time.sleep(4)
        assert watch.is_active()
        watch.cancel()


def test_a_call_answered_early_need_not_be_completed():
    """Triton's streaming call is refused at once, and its stream is never ended by the client."""
    with Server("--rate-limits", "off", "--body-timeout-seconds", "1", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            enough = threading.Event()
            stream = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter(enough.wait, True))
            with pytest.raises(grpc.RpcError) as refused:
                next(stream)
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
            time.sleep(2)
            assert watch.is_active()
            watch.cancel()
            enough.set()


def test_without_descriptors_http1_goes_on_and_grpc_comes_back():
    with Server("--rate-limits", "off", models=[f"vectors={GOLDEN}/tiny-bert"]) as server:
        kept = requests.Session()
        assert kept.get(server.url + "/ready").status_code == 200
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        used = max(int(number) for number in os.listdir(f"/proc/{server.process.pid}/fd")) + 1
        for left in (1, 2, 4, 8):
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + left, limits[1]))
            connection = server.connect()
            connection.send(PREFACE + SETTINGS)
            assert connection.read_response()[0] == 505
            connection.socket.close()
            assert kept.get(server.url + "/ready").status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request_of(), timeout=PATIENCE_SECONDS)
        assert answer.model_name == "vectors"


def test_silent_clients_are_sent_away():
    with Server("--rate-limits", "off", "--idle-timeout-seconds", "0.5", "--max-request-timeout-seconds", "1",
                models=[f"vectors={GOLDEN}/tiny-bert"], environment={"VIVACE_REQUEST_TIMEOUT_SECONDS": "1"}) as server:
        connection = server.connect()
        connection.send(PREFACE)
        while connection.socket.recv(65536):
            pass  # gRPC's settings and its farewell
        connection.socket.close()
        assert server.is_ready()


def test_many_calls_on_one_channel(server, channel):
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    expected = openai_vectors(server, ["fog"])[0]
    calls = [stub.ModelInfer.future(request_of(), timeout=PATIENCE_SECONDS) for _ in range(300)]
    for call in calls:
        assert numpy.array_equal(numpy.frombuffer(call.result().raw_output_contents[0], "f4"), expected)
