# SPDX-License-Identifier: Apache-2.0
"""The word lists. Each word becomes one token when a space stands before it."""

KEYS = """
lamp door key cup plate fork spoon table chair desk shelf bed sofa rug mirror clock radio phone
camera guitar piano drum flute violin pen pencil paper book letter stamp box bag coat hat scarf
glove shoe boot shirt dress belt ring crown sword shield arrow bow rope chain hammer nail axe drill
wrench ladder bucket broom brush soap towel candle match torch map compass flag tent boat ship canoe
raft sail anchor train tram bus truck car wagon wheel engine motor pump pipe valve tank bottle jar
basket barrel sack crate shop tower bridge gate fence wall roof window stair cellar attic garage
barn mill well pond lake river island hill valley cave beach harbor port station airport museum
library school temple castle palace market bakery kitchen garden orchard meadow forest desert oasis
planet comet moon star rocket robot wallet ticket coin
""".split()

VALUES = """
red blue green yellow orange purple violet pink brown black white gray silver golden crimson scarlet
indigo ivory amber jade coral olive maroon lime teal beige copper bronze iron steel tin lead zinc
gold ruby pearl opal onyx quartz marble granite clay sand salt sugar honey pepper ginger garlic onion
carrot potato tomato lettuce spinach bean pea corn rice wheat oats barley bread butter cheese milk
cream yogurt egg bacon ham beef lamb chicken turkey duck goose salmon tuna trout shrimp crab lobster
apple banana cherry grape lemon mango melon peach pear plum fig date kiwi berry almond walnut
tiger lion bear wolf fox deer moose horse zebra camel goat sheep pig cow bull rabbit hare mouse rat
squirrel beaver otter seal whale shark dolphin eagle hawk owl raven crow robin swan dove parrot
""".split()

LETTERS = list("abcdefghijklmnopqrstuvwxyz")

# The filler grammar. None of these words is a key or a value.
PEOPLE = """
baker farmer teacher doctor sailor painter singer writer driver miner pilot nurse tailor hunter
judge guard clerk waiter king queen boy girl woman man friend neighbor stranger child
""".split()
NAMES = "Anna Ben Clara David Emma Felix Grace Henry Iris Jack Karl Laura Mia Noah Otto Paula".split()
ADJECTIVES = """
old young tall quiet happy tired brave clever gentle proud lazy busy kind honest famous hungry
careful cheerful lonely patient polite sleepy strong thirsty
""".split()
PLACES = """
street village city corner square park field road shore path hall room yard office hotel farm
coast mountain camp inn
""".split()
PLACE_ADJECTIVES = "small large dark bright narrow wide empty crowded distant sunny dusty cold warm".split()
MOVES = "walked ran went rode came returned hurried drove climbed wandered".split()
TO = "to from past toward through into across".split()
SPEECH = "smiled waited laughed listened slept rested talked sang worked danced whispered".split()
WHEN = """
yesterday today later again early late alone slowly quickly quietly often once twice together
""".split()
SEEN = "saw met liked heard helped followed asked thanked watched visited".split()
WEATHER = "rain snow wind fog sun storm thunder cloud".split()
WEATHER_VERBS = "came stopped began ended returned passed".split()
SEASONS = "morning evening night summer winter spring autumn noon".split()

FILLER = sorted(
    {*PEOPLE, *NAMES, *ADJECTIVES, *PLACES, *PLACE_ADJECTIVES, *MOVES, *TO, *SPEECH, *WHEN, *SEEN}
    | {*WEATHER, *WEATHER_VERBS, *SEASONS, "the", "The", "a", "A", "in", "In", "and", "was", "but"}
)

for name, words in (("KEYS", KEYS), ("VALUES", VALUES)):
    assert len(set(words)) == len(words), name
assert not set(KEYS) & set(VALUES)
assert not (set(KEYS) | set(VALUES)) & set(FILLER), (set(KEYS) | set(VALUES)) & set(FILLER)
