"""Tests of the judge and the grammar: python3 -m unittest discover golden/make/haiku"""

import random
import unittest

import corpus
import minutes
from grammar import echoes, poem, prompt
from judge import faults
from syllables import read_lexicon, words

LEXICON = read_lexicon(corpus.GOLDEN / "lexicon.tsv")
GOOD = "sleet against the glass —\nseventeen cold kernels hum\nunder the cold floor"


class Judge(unittest.TestCase):
    """Each rule rejects a poem that breaks it alone."""

    def test_accepts_a_right_poem(self):
        self.assertEqual(faults(GOOD, "seventeen", "abcd1234", True, LEXICON), [])

    def test_seven_is_not_in_seventeen_or_twenty_seven(self):
        self.assertTrue(faults(GOOD, "seven", "abcd1234", True, LEXICON))
        self.assertEqual(words("At Twenty-Seven — grandmother's lamp"), ["at", "twenty-seven", "grandmother's", "lamp"])

    def test_rejects_each_fault(self):
        for broken in (GOOD.replace("sleet", "sleet sleet"), GOOD.replace("\nunder", " under"), GOOD + "\n",
                       GOOD.replace("cold floor", "seventeen"), GOOD.replace("cold floor", "cold flxor"),
                       GOOD.replace("against", "against ")):
            self.assertTrue(faults(broken, "seventeen", "abcd1234", True, LEXICON), broken)
        self.assertTrue(faults(GOOD, "seventeen", "abcd1234", False, LEXICON))
        self.assertTrue(faults(GOOD, "seventeen", "kernels ", True, LEXICON))


class Verses(unittest.TestCase):
    """What the grammar writes is right, and the corpus keeps away from the held-out pairs."""

    def test_every_topic_and_minute(self):
        grammar, draw = corpus.read_grammar(), random.Random(1)
        for topic in corpus.topics():
            for minute in range(60):
                nonce = corpus.nonce(draw)
                text = poem(grammar, topic, minute, nonce)
                self.assertEqual(faults(text, minutes.NAMES[minute], nonce, True, LEXICON), [], text)

    def test_one_is_singular(self):
        grammar, draw = corpus.read_grammar(), random.Random(2)
        for _ in range(500):
            self.assertNotIn("one minutes", poem(grammar, draw.choice(corpus.topics()), 1, corpus.nonce(draw)))

    def test_corpus_has_no_unseen_pair(self):
        never = {prompt(t, minutes.NAMES.index(m), "")[:-1] for t, m in corpus.unseen()}
        self.assertGreaterEqual(len(never), 300)
        for text, _ in corpus.samples(20_000, seed=3):
            self.assertNotIn(text[:-9], never)

    def test_echo(self):
        self.assertTrue(echoes("nine sleepy cats sleep"))
        self.assertFalse(echoes("nine velvet cats sleep"))


if __name__ == "__main__":
    unittest.main()
