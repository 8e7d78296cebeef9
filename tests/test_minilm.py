import numpy as np
import pytest
import torch

from models import torchaudio_shim
from models.minilm import load_encoder, load_tokenizer, model_folder
from models.sentences import embed_sentences

SENTENCES = ["What does one of those stops cost you?", "We are the leading platform.", "ok"]


def test_numbers_are_those_of_transformers() -> None:
    torchaudio_shim.import_torchaudio()
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    model = AutoModel.from_pretrained(model_folder()).eval()
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model(**batch).last_hidden_state
        ours = load_encoder()(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])
    keep = batch["attention_mask"].bool()
    assert torch.allclose(ours[keep], theirs[keep], atol=1e-5)


def test_tokenizer_is_uncased_and_unpadded() -> None:
    tokenizer = load_tokenizer()
    assert tokenizer.encode("HELLO").ids == tokenizer.encode("hello").ids
    assert len(tokenizer.encode("hello").ids) == 3


def test_embeddings_are_unit_vectors_and_do_not_depend_on_company() -> None:
    together = embed_sentences(SENTENCES)
    assert together.shape == (3, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0)
    assert np.allclose(together[0], embed_sentences(SENTENCES[:1])[0], atol=1e-5)
    assert embed_sentences([]).shape == (0, 384)


@pytest.mark.parametrize(("a", "b", "c"), [("How much does it cost?", "What is the price?", "My dog is asleep.")])
def test_likeness_orders_meanings(a: str, b: str, c: str) -> None:
    first, second, third = embed_sentences([a, b, c])
    assert first @ second > first @ third
