"""The corpus-wide filters of a profile, and clusters of texts that are nearly the same.

What they are made of needs numpy, which takes a while to load: only who calls them does.
"""

from collections.abc import Iterable, Iterator

from corpus_tools.cleaning.accepted import Judge
from corpus_tools.cleaning.profile import Profile


def judges(profile: Profile) -> list[Judge]:
    """Return the corpus-wide filters that are on, in the order of the profile.

    `duplicate` is none of them: the store sees to it, pair by pair.
    """
    from corpus_tools.cleaning.generic import GenericReplies  # noqa: PLC0415
    from corpus_tools.cleaning.near import NearDuplicates  # noqa: PLC0415
    from corpus_tools.cleaning.replies import Advertisements, ReplyCaps  # noqa: PLC0415

    made: list[Judge] = [
        Advertisements(profile.advertisement),
        GenericReplies(profile.generic),
        ReplyCaps(profile.reply_cap),
        NearDuplicates(profile.near_duplicate),
    ]
    return [judge for judge in made if getattr(profile, judge.id).on]


def clusters(texts: Iterable[tuple[int, str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield (id, cluster) of every text that is alike another, directly or through others.

    A cluster is named after the first of its texts. Texts that stand alone are left out.
    """
    from corpus_tools.cleaning.near import clustered  # noqa: PLC0415

    return clustered(texts, threshold)
