# SPDX-License-Identifier: Apache-2.0
"""A small text in many scripts, to train fixture vocabularies on."""

import random

SENTENCES = """
The river rose in the night, and by morning the water stood at the door of the mill.
She didn't say what she'd seen; they've asked her twice, and we'll ask again.
Every request is a value that walks down the tree and back up again.
def read(path):\n    with open(path) as file:\n        return [line.strip() for line in file]
int main(void) { for (int i = 0; i < 1024; ++i) printf("%d\\n", i * i); return 0; }
{"name": "value", "list": [1, 2, 3], "nested": {"true": false, "null": null}}
Der Müller ließ das Wasser über das große Rad laufen, als die Sonne schien.
Où est passée la clé de l'église ? Elle était là hier, près du château.
El niño señaló la montaña y preguntó cuántos años tenía aquel árbol.
Việt Nam có nhiều sông, và người dân sống dọc theo những con sông ấy.
Река поднялась ночью, и к утру вода стояла у дверей мельницы.
Το ποτάμι φούσκωσε τη νύχτα και το πρωί το νερό έφτασε στην πόρτα.
הנהר עלה בלילה, ובבוקר עמדו המים בפתח הטחנה.
ارتفع النهر في الليل، وفي الصباح وصلت المياه إلى باب الطاحونة.
नदी रात में चढ़ गई और सुबह तक पानी चक्की के दरवाज़े पर खड़ा था।
แม่น้ำสูงขึ้นในเวลากลางคืน และรุ่งเช้าน้ำก็มาถึงประตูโรงสี
夜里河水上涨，到了早晨，水已经到了磨坊的门口。
夜のうちに川の水かさが増し、朝には水車小屋の戸口まで来ていた。
밤사이에 강물이 불어나 아침에는 물이 방앗간 문 앞까지 차올랐다.
😀😀 🎉 👍🏽 👩‍👩‍👧‍👦 🇩🇪🇯🇵 ✅ → ∑ ≤ ½ ① Ⅷ ٣ ۴
12345 3.14159 1,000,000 0xDEADBEEF 2024-02-29T23:59:59Z
|---|---|   ***   ======   ........   --------   \t\tindented\r\n\r\n\n\n
""".strip().split("\n")


def lines(seed=1, count=1200):
    """Sentences as they are, and shuffled word by word."""
    rng = random.Random(seed)
    made = [sentence.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
            for sentence in SENTENCES]
    for _ in range(count):
        words = rng.choice(SENTENCES).split(" ")
        rng.shuffle(words)
        made.append(" ".join(words))
    return made
