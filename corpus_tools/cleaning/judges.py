"""The corpus-wide filters: each reads the accepted pairs of the whole store and names some."""

from corpus_tools.cleaning.accepted import Judge
from corpus_tools.cleaning.generic import GenericReplies
from corpus_tools.cleaning.near import NearDuplicates
from corpus_tools.cleaning.profile import Profile
from corpus_tools.cleaning.replies import Advertisements, ReplyCaps


def judges(profile: Profile) -> list[Judge]:
    """Return the corpus-wide filters that are on, in the order of the profile.

    `duplicate` is none of them: the store sees to it, pair by pair.
    """
    made: list[Judge] = [
        Advertisements(profile.advertisement),
        GenericReplies(profile.generic),
        ReplyCaps(profile.reply_cap),
        NearDuplicates(profile.near_duplicate),
    ]
    return [judge for judge in made if getattr(profile, judge.id).on]
