"""Examples and readers that the tests of the report share."""

from html.parser import HTMLParser

import torch

from avgen.judge.evaluation import Evaluation

HOSTILE = "</script><script>alert('x')</script>"


class Outline(HTMLParser):
    "Tags, attributes and text of a page; complains when elements do not close."

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.found, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes something else"

    def handle_data(self, data):
        self.text.append(data)


def evaluation(names, direction="S2I", correct=40):
    by = {n: dict(n=20, correct=correct // len(names), accuracy=0.6, low=0.5, high=0.7, takes=4) for n in names}
    lottery = dict(size=64, mean=0.6, sd=0.05, low=0.5, high=0.7, draws=100, counts={"38": 60, "40": 40})
    counted = dict(
        n=80,
        takes=12,
        correct=correct,
        accuracy=correct / 80,
        low=0.41,
        high=0.62,
        by_instrument=by,
        one_batch_of_64=lottery,
    )
    confusion = torch.eye(len(names)).int().tolist()
    return Evaluation(
        direction,
        "validation",
        **counted,
        evaluator_accuracy=0.96,
        confusion=confusion,
        data=dict(instruments=list(names)),
    )
