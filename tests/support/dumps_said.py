"""What the rollouts of the committed dumps say: questions with gold answers, and for each the answers, a rollout each.

`|` parts what a model thought from what it said. The verdicts are those of Inspect's scorer `match`, and of verl's stand-in.
"""

QUESTIONS = (("A shelf holds 2 rows of 6 jars. How many jars?", "12"), ("What is 7 - 4?", "3"))
ANSWERS = (
    ("Let us check: 2 times 6.|ANSWER: 12", "So 2 + 6 = 8. ANSWER: 8", "Wait, let me check again. ANSWER: 12"),
    ("Wait, let me check. ANSWER: 3", "ANSWER: 3", "First, we need to add. ANSWER: 11"),
)
VERDICTS = ((True, False, True), (True, True, False))
