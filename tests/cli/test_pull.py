"""`vivace pull` against a hub of our own: what it fetches, and everything that can go wrong on the way."""

import fcntl

import pytest
import trustme

from cli_runner import ROOT
from fake_hub import COMMIT, FakeHub

GOLDEN = ROOT / "tests" / "golden"
NAME = "sentence-transformers/tiny-bert"
WEIGHTS = "model.safetensors"


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def content(tiny):
    wanted = {name: data for name, data in files_of(tiny).items()
              if name not in ("metadata.json", "pooled.npz", "reference.safetensors", "texts.jsonl")}
    assert WEIGHTS in wanted and "tokenizer.json" in wanted
    return wanted


@pytest.fixture
def hub(content):
    unread = {"README.md": b"# a model card", "pytorch_model.bin": b"\x80 pickled", "onnx/model.onnx": b"onnx"}
    server = FakeHub({NAME: content | unread, "team/private": dict(content)})
    server.private.add("team/private")
    yield server
    server.close()


@pytest.fixture
def target(cli):
    return cli.folder / "home/.cache/vivace/models" / NAME


def visible(folder):
    return {name: data for name, data in files_of(folder).items() if name not in (".vivace-origin", ".vivace-sizes")}


def test_pull_fetches_what_vivace_reads_and_the_name_then_works(cli, hub, content, target):
    output = cli.ok("pull", NAME, "--endpoint", hub.address)
    assert output == f"{NAME} is ready: {target}\n"
    assert visible(target) == content
    assert not list(target.parent.glob("*.partial*")) and not list(target.parent.glob("*.lock"))
    for name in (NAME, "tiny-bert", str(target)):
        assert '"embedding"' in cli.ok("embed", "--model", name, "hello")
    assert f"vivace cache: {target}" in cli.ok("models")


def test_a_second_pull_only_looks(cli, hub, target):
    cli.ok("pull", NAME, "--endpoint", hub.address)
    hub.requests.clear()
    assert "is up to date" in cli.ok("pull", NAME, "--endpoint", hub.address)
    assert hub.paths() == [f"/api/models/{NAME}/revision/main"]


def test_a_damaged_folder_is_fetched_again(cli, hub, content, target):
    cli.ok("pull", NAME, "--endpoint", hub.address)
    (target / WEIGHTS).unlink()
    assert "is ready" in cli.ok("pull", NAME, "--endpoint", hub.address)
    (target / "tokenizer.json").write_bytes(content["tokenizer.json"][:100])
    assert "is ready" in cli.ok("pull", NAME, "--endpoint", hub.address)
    assert visible(target) == content
    (target / ".vivace-sizes").unlink()  # of an older program
    assert "is up to date" in cli.ok("pull", NAME, "--endpoint", hub.address)


def test_a_bare_name_is_looked_for_at_sentence_transformers_first(cli, hub):
    assert cli.ok("pull", "tiny-bert", "--endpoint", hub.address).startswith(NAME + " is ready")
    assert hub.paths()[0] == f"/api/models/{NAME}/revision/main"
    message = cli.error("pull", "unheard-of", "--endpoint", hub.address, code=1)
    assert "has no model 'unheard-of'" in message and "HF_TOKEN" in message


def test_endpoint_from_the_environment_and_output_folder(cli, hub, content):
    cli.ok("pull", NAME, "--output", "here", HF_ENDPOINT=hub.address + "/")
    assert visible(cli.folder / "here") == content


def test_an_output_folder_of_someone_else_is_not_replaced(cli, hub):
    (cli.folder / "mine").mkdir()
    (cli.folder / "mine/thesis.txt").write_text("years of work")
    message = cli.error("pull", NAME, "--endpoint", hub.address, "--output", "mine", code=1)
    assert "exists and is not from `vivace pull`" in message
    assert (cli.folder / "mine/thesis.txt").read_text() == "years of work"


def test_token_goes_to_the_hub_and_not_to_the_content_network(cli, content):
    network = FakeHub({"team/private": dict(content)})
    hub = FakeHub({"team/private": dict(content)}, redirect_to=network.address)
    hub.private.add("team/private")
    try:
        message = cli.error("pull", "team/private", "--endpoint", hub.address, code=1)
        assert "if it is private, set HF_TOKEN" in message
        cli.ok("pull", "team/private", "--endpoint", hub.address, HF_TOKEN="hf_secret")
        assert network.paths() == [f"/cdn/team/private/{WEIGHTS}"]
        assert all("Authorization" not in headers for _, headers in network.requests)
    finally:
        hub.close()
        network.close()


def test_a_broken_connection_is_resumed(cli, hub, content, target):
    hub.cut_after[WEIGHTS] = 1000
    cli.ok("pull", NAME, "--endpoint", hub.address)
    assert visible(target) == content
    ranges = [headers["Range"] for path, headers in hub.requests if path.startswith("/cdn/") and "Range" in headers]
    assert ranges == ["bytes=1000-"]


def test_an_interrupted_pull_continues_when_it_is_run_again(cli, hub, content, target):
    hub.cut_after[WEIGHTS] = 700
    hub.always_cut.add(WEIGHTS)
    message = cli.error("pull", NAME, "--endpoint", hub.address, code=1)
    assert "the connection broke off" in message
    assert not target.exists()
    part = target.parent / "tiny-bert.partial" / (WEIGHTS + ".part")
    have = part.stat().st_size
    assert have >= 700 and part.read_bytes() == content[WEIGHTS][:have]
    hub.cut_after.clear()
    hub.requests.clear()
    cli.ok("pull", NAME, "--endpoint", hub.address)
    assert visible(target) == content
    fetched = [path for path in hub.paths() if "/resolve/" in path]
    assert fetched == [f"/{NAME}/resolve/{COMMIT}/{WEIGHTS}"]  # the small files were complete
    assert hub.requests[-1][1]["Range"] == f"bytes={have}-"


def test_a_hub_that_ignores_ranges_sends_the_file_again(cli, hub, content, target):
    hub.ignore_ranges = True
    hub.cut_after[WEIGHTS] = 1000
    cli.ok("pull", NAME, "--endpoint", hub.address)
    assert visible(target) == content


def test_a_part_longer_than_the_file_is_thrown_away(cli, hub, content, target):
    hub.cut_after[WEIGHTS] = 100
    hub.always_cut.add(WEIGHTS)
    cli.error("pull", NAME, "--endpoint", hub.address, code=1)
    part = target.parent / "tiny-bert.partial" / (WEIGHTS + ".part")
    part.write_bytes(b"x" * (len(content[WEIGHTS]) + 5))
    hub.cut_after.clear()
    cli.ok("pull", NAME, "--endpoint", hub.address)
    assert visible(target) == content


@pytest.mark.parametrize("file", [WEIGHTS, "config.json"])
def test_wrong_bytes_are_refused(cli, hub, target, file):
    hub.wrong_bytes.add(file)
    message = cli.error("pull", NAME, "--endpoint", hub.address, code=1)
    assert message.startswith(f"vivace: {file}: the checksum of what arrived is ") and "the hub says" in message
    assert not target.exists()
    assert not (target.parent / "tiny-bert.partial" / (file + ".part")).exists()
    hub.wrong_bytes.clear()
    cli.ok("pull", NAME, "--endpoint", hub.address)


def test_missing_checksums_are_said(cli, hub, target):
    hub.no_checksums = True
    done = cli.run("pull", NAME, "--endpoint", hub.address)
    assert done.returncode == 0
    assert f"names no checksum for {WEIGHTS}; it is kept unchecked" in done.stderr.decode()


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "./config.json",
                                  "nul\0byte", "x" * 300])
def test_names_that_lead_out_of_the_folder(cli, hub, target, name):
    hub.extra_names.append(name)
    message = cli.error("pull", NAME, "--endpoint", hub.address, code=1)
    assert "leads out of its folder; nothing was fetched" in message
    assert not target.parent.exists() and len(hub.requests) == 1


@pytest.mark.parametrize("text, part", [
    ("<html>a login page</html>", "is not valid JSON"),
    ('{"siblings": []}', "names no commit; is this a hub?"),
    ('{"sha": "../../../x", "siblings": []}', "names no commit"),
    ('{"sha": "%s"}' % COMMIT, "'siblings' is missing"),
    ('{"sha": "%s", "siblings": [{"rfilename": 3}]}' % COMMIT, "expected a string"),
    ('{"sha": "%s", "siblings": []}' % COMMIT, "has no config.json"),
    ('{"sha": "%s", "siblings": [{"rfilename": "config.json"}]}' % COMMIT, "has neither tokenizer.json nor"),
    ('{"sha": "%s", "siblings": [{"rfilename": "config.json"}, {"rfilename": "tokenizer.json"},'
     ' {"rfilename": "pytorch_model.bin"}]}' % COMMIT, "has neither safetensors weights"),
    ("[" * 100 + "]" * 100, "nested deeper"),
    (" " * (17 << 20), "larger than this file may be"),
])
def test_listings_that_make_no_sense(cli, hub, text, part):
    hub.listing_text = text
    assert part in cli.error("pull", NAME, "--endpoint", hub.address, code=1)


def pulled(cli, content):
    """The folder of a model of those files, pulled by name from a hub that has others beside them."""
    hub = FakeHub({"team/other": content | {"README.md": b"", "pytorch_model.bin": b"", "2_Dense/pytorch_model.bin": b""}})
    try:
        cli.ok("pull", "team/other", "--endpoint", hub.address)
    finally:
        hub.close()
    return cli.folder / "home/.cache/vivace/models/team/other"


def test_modules_come_with_their_weights(cli):
    content = {name: data for name, data in files_of(GOLDEN / "heads/st-dense").items() if name != "pipeline.json"}
    assert "2_Dense/model.safetensors" in content
    assert visible(pulled(cli, content)) == content
    assert cli.ok("embed", "--model", "team/other", "hello") == cli.ok("embed", "--model", GOLDEN / "heads/st-dense", "hello")


def test_what_a_model_writes_with_is_fetched(cli):
    content = {name: data for name, data in files_of(GOLDEN / "t5-code").items() if name in ("config.json", "tokenizer.json", WEIGHTS)}
    content["generation_config.json"] = (GOLDEN / "t5-gated" / "generation_config.json").read_bytes()
    assert visible(pulled(cli, content)) == content


@pytest.mark.parametrize("name", ["bert_extra", "roberta", "xlm_roberta", "t5"])
def test_files_of_an_older_tokenizer_are_fetched_where_there_is_no_newer_one(cli, tiny, name):
    older = {file: data for file, data in files_of(ROOT / "tests/tokenizer/legacy" / name).items() if file != "expected.json"}
    older[WEIGHTS] = (tiny / WEIGHTS).read_bytes()
    assert visible(pulled(cli, older)) == older


def test_files_of_an_older_tokenizer_are_left_beside_a_newer_one(cli, content):
    assert visible(pulled(cli, content | {"vocab.txt": b"[UNK]\n", "added_tokens.json": b"{}"})) == content | {"added_tokens.json": b"{}"}


def test_shards_are_fetched_with_their_index(cli, tiny):
    sharded = {name: data for name, data in files_of(tiny.parent / "tiny-bert-sharded").items() if ".npz" not in name}
    sharded |= {name: data for name, data in files_of(tiny).items() if name.startswith("tokenizer")}
    hub = FakeHub({"team/sharded": sharded})
    try:
        cli.ok("pull", "team/sharded", "--endpoint", hub.address)
    finally:
        hub.close()
    target = cli.folder / "home/.cache/vivace/models/team/sharded"
    weights = sorted(path.name for path in target.glob("*.safetensors*"))
    assert weights == sorted(name for name in sharded if ".safetensors" in name) and len(weights) > 2
    assert '"embedding"' in cli.ok("embed", "--model", "sharded", "hello")


@pytest.mark.parametrize("folder", ["", "onnx/"])
def test_an_onnx_file_is_fetched_where_there_are_no_other_weights(cli, content, folder):
    others = {name: data for name, data in content.items() if name != WEIGHTS}
    kept = others | {folder + "model.onnx": b"graph", folder + "model.onnx_data": b"weights"}
    left = {"onnx/model_fp16.onnx": b"half", "onnx/decoder_model.onnx": b"other"}
    assert visible(pulled(cli, kept | left)) == kept


def test_an_onnx_file_in_other_precisions_alone_is_fetched_in_the_first(cli, content):
    others = {name: data for name, data in content.items() if name != WEIGHTS}
    both = {"onnx/model_int8.onnx": b"int8", "onnx/model_fp16.onnx": b"half"}
    assert visible(pulled(cli, others | both)) == others | {"onnx/model_int8.onnx": b"int8"}


def test_redirects_end_somewhere(cli, hub):
    hub.redirect_loop = True
    assert "more than 10 redirects" in cli.error("pull", NAME, "--endpoint", hub.address, code=1)


@pytest.mark.parametrize("name", ["../x", "a/b/c", "a b", "", "-x/y", ".hidden", "a/..", "ü/x", "x" * 200])
def test_names_that_are_none(cli, name):
    done = cli.run("pull", "--endpoint", "http://127.0.0.1:1", "--", name)
    assert done.returncode == 1 and b"is no model name" in done.stderr


@pytest.mark.parametrize("endpoint", ["ftp://host", "localhost:80", "http://", "http://user@host", "http://host:99999",
                                      "http://ho st"])
def test_endpoints_that_are_none(cli, endpoint):
    assert "vivace: address '" in cli.error("pull", NAME, "--endpoint", endpoint, code=1)


def test_without_network_one_line_says_what_to_do(cli):
    for endpoint in ("http://127.0.0.1:1", "https://hub.invalid"):
        message = cli.error("pull", NAME, "--endpoint", endpoint, code=1)
        assert message.startswith(f"vivace: cannot reach {endpoint}") and "--model DIR" in message


def test_two_pulls_of_one_model_do_not_mix(cli, hub, target):
    target.parent.mkdir(parents=True)
    with open(target.parent / "tiny-bert.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another `vivace pull` of this model is running" in cli.error("pull", NAME, "--endpoint", hub.address,
                                                                             code=1)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


class TestTls:
    @pytest.fixture
    def trusted(self, authority, tmp_path):
        path = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(path)
        return {"SSL_CERT_FILE": str(path)}

    def serve(self, content, certificate, **options):
        return FakeHub({NAME: dict(content)}, tls=certificate, **options)

    def test_a_trusted_certificate(self, cli, content, authority, trusted, target):
        hub = self.serve(content, authority.issue_cert("localhost"))
        cli.ok("pull", NAME, "--endpoint", hub.address, **trusted)
        hub.close()
        assert visible(target) == content

    def test_an_unknown_authority(self, cli, content, authority):
        hub = self.serve(content, authority.issue_cert("localhost"))
        message = cli.error("pull", NAME, "--endpoint", hub.address, code=1)
        hub.close()
        assert "its certificate is not trusted" in message and "SSL_CERT_FILE" in message
        assert hub.requests == []

    def test_a_certificate_for_another_host(self, cli, content, authority, trusted):
        hub = self.serve(content, authority.issue_cert("example.org"))
        message = cli.error("pull", NAME, "--endpoint", hub.address, code=1, **trusted)
        hub.close()
        assert "its certificate is not trusted" in message and hub.requests == []

    def test_plain_http_behind_https_is_refused(self, cli, content, authority, trusted):
        plain = FakeHub({NAME: dict(content)})
        hub = self.serve(content, authority.issue_cert("localhost"), redirect_to=plain.address)
        message = cli.error("pull", NAME, "--endpoint", hub.address, code=1, **trusted)
        hub.close()
        plain.close()
        assert "redirects from https to http, which is refused" in message and plain.requests == []
