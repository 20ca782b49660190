from __future__ import annotations

from storage.shortlived import ShortLived


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(seconds: Seconds) -> ShortLived[str, int]:
    memory: ShortLived[str, int] = ShortLived(life=60, capacity=2, now=seconds)
    memory.keep("a", 1, memory.generation)
    return memory


def test_a_value_lives_for_its_life_and_not_longer():
    seconds = Seconds()
    memory = kept(seconds)
    seconds.now = 59.9
    assert memory.get("a") == 1
    seconds.now = 60
    assert memory.get("a") is None
    assert len(memory) == 0


def test_the_least_recently_used_goes_first():
    memory = kept(Seconds())
    memory.keep("b", 2, memory.generation)
    assert memory.get("a") == 1
    memory.keep("c", 3, memory.generation)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)


def test_what_was_read_before_a_change_is_not_kept_after_it():
    memory = kept(Seconds())
    began = memory.generation
    memory.forget("a")
    memory.keep("a", 1, began)
    assert memory.get("a") is None


def test_a_value_can_have_a_shorter_life():
    seconds = Seconds()
    memory = kept(seconds)
    memory.keep("b", 2, memory.generation, life=5)
    seconds.now = 5
    assert (memory.get("a"), memory.get("b")) == (1, None)
