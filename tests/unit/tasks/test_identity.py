"""Problems are told from others by all of them, and by all of what is asked."""

from hicra.tasks.identity import hashes_of


class Task:
    """Two splits of many problems, of which a test changes one."""

    def __init__(self, **changed):
        self.changed = changed

    def rows(self, split, n=None, seed=0):
        rows = [{"id": f"{split}{i}", "prompt": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(200)]
        return [row | self.changed.get(row["id"], {}) for row in rows][:n]


def test_every_problem_of_both_splits_is_hashed():
    plain = hashes_of(Task())
    assert plain == hashes_of(Task())
    for last in ("train199", "eval199"):
        for change in ({"answer": "7"}, {"prompt": "What is 199 plus 1?"}):
            other = hashes_of(Task(**{last: change}))
            assert other["rows"] != plain["rows"]
            assert other["verifier"] == plain["verifier"]


def test_one_split_alone_and_images():
    assert hashes_of(Task(), ("train",)) == hashes_of(Task(eval3={"answer": "7"}), ("train",))
    assert hashes_of(Task(), ("train",)) != hashes_of(Task(train3={"answer": "7"}), ("train",))
    one, other = (hashes_of(Task(train3={"images": [data]})) for data in (b"\x89a", b"\x89b"))
    assert one["rows"] != other["rows"]
