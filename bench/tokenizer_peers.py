"""Other tokenizers, each loaded from the same tokenizer.json: what peer_worker.py runs for them. encode() is what is timed: a
text in, its ids out, as a list or an array.
"""

import os

from timing import timed


class TokenizerPeer:
    """ids() answers None for a text at which the package fails."""

    def __init__(self, model, file, threads, precision):
        self.encode = self.load(os.path.join(model, "tokenizer.json"))

    def ids(self, texts):
        return [self._ids_or_none(text) for text in texts]

    def passages(self, texts, seconds):
        """Milliseconds of each pass over the texts, one call for each."""
        encode = self.encode

        def one_pass():
            for text in texts:
                encode(text)
        return timed(one_pass, seconds)

    def _ids_or_none(self, text):
        try:
            return [int(i) for i in self.encode(text)]
        except BaseException as problem:  # panics of Rust are no Exceptions
            if isinstance(problem, (KeyboardInterrupt, SystemExit)):
                raise
            return None


class HfTokenizers(TokenizerPeer):
    packages = ("tokenizers",)

    def load(self, path):
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(path)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        return lambda text: self.tokenizer.encode(text).ids

    def ids(self, texts, special_tokens=True):
        return [self.tokenizer.encode(text, add_special_tokens=special_tokens).ids for text in texts]


class Tokie(TokenizerPeer):
    packages = ("tokie",)

    def load(self, path):
        import tokie
        self.tokenizer = tokie.Tokenizer.from_json(path)
        return lambda text: self.tokenizer.encode(text).ids


class TokieUnread(Tokie):
    """Its speed without making a list of Python of the ids, which nobody can use then."""

    def load(self, path):
        super().load(path)
        return self.tokenizer.encode

    def ids(self, texts):
        encode, self.encode = self.encode, lambda text: self.tokenizer.encode(text).ids
        try:
            return super().ids(texts)
        finally:
            self.encode = encode


class Gigatoken(TokenizerPeer):
    packages = ("gigatoken",)

    def load(self, path):
        import gigatoken
        with open(path, encoding="utf-8") as file:
            return gigatoken.Tokenizer.from_json(file.read()).encode


class Kitoken(TokenizerPeer):
    packages = ("kitoken",)

    def load(self, path):
        import kitoken
        tokenizer = kitoken.Kitoken.from_tokenizers_file(path)
        return lambda text: tokenizer.encode(text, True)


PEERS = {"hf-tokenizers": HfTokenizers, "tokie": Tokie, "tokie (ids unread)": TokieUnread, "gigatoken": Gigatoken,
         "kitoken": Kitoken}
