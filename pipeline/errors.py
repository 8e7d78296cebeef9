"""Everything debrief raises on purpose.

DebriefError                 one clear line for the user: which file, what is wrong, what to do
|-- InputError               a file that cannot become a call; the batch goes on
|   |-- AudioError           not audio, no speech, too long, unreadable
|   |-- TranscriptError      a transcript whose format or content is wrong
|-- Withheld                 a call that may not be heard or kept: no consent, or erased
|-- UnresolvedRoles          rep and buyer cannot be told apart; the call goes to the review list
|-- EngineError              a recogniser, diarizer or judge failed or is not installed
|   |-- ModelUnavailable     weights are not here; the message names the command that gets them
|-- RubricError              a rubric file that does not hold together
|-- ReviewError              an override, dispute, blind review or comment that does not fit its call
|-- SettingsError            debrief.toml or an environment variable is wrong
|-- StoreError               the data folder or database cannot be used
|   |-- StoreLocked          another process has the database open
|-- AccessError              a user, password, link or token that is not right
|   |-- NotAllowed           this person may not see or do this
|   |-- TooManyAttempts      too many failed sign-ins for now
|   |-- SignInRefused        a sign-in at the company's provider that is over, another browser's, or was refused there
|   |-- NotLetIn             someone the provider knows and debrief does not let in
|   |-- ProviderError        the provider is down, slow, set up wrongly, or says what cannot be believed
|-- NotThere                 what was asked for is not here
|-- NotYet                   what was asked for is being worked out; it is there in a moment
"""

from __future__ import annotations


class DebriefError(Exception):
    """Base of all; `str(error)` is one line that can be shown as it is."""


class InputError(DebriefError):
    """A file that cannot become a call."""


class AudioError(InputError):
    """Not audio, no speech, too long, or unreadable."""


class TranscriptError(InputError):
    """A transcript whose format or content is wrong."""


class Withheld(DebriefError):
    """A call that may not be heard or kept: no consent, or erased."""


class UnresolvedRoles(DebriefError):
    """Rep and buyer cannot be told apart with enough confidence."""


class EngineError(DebriefError):
    """A recogniser, diarizer or judge failed or is not installed."""


class ModelUnavailable(EngineError):
    """Weights are not on this machine."""


class RubricError(DebriefError):
    """A rubric file that does not hold together."""


class ReviewError(DebriefError):
    """An override, dispute, blind review or comment that does not fit its call."""


class SettingsError(DebriefError):
    """`debrief.toml` or an environment variable is wrong."""


class StoreError(DebriefError):
    """The data folder or database cannot be used."""


class StoreLocked(StoreError):
    """Another process has the database open."""


class AccessError(DebriefError):
    """A user, password, link or token that is not right."""


class NotAllowed(AccessError):
    """This person may not see or do this."""


class TooManyAttempts(AccessError):
    """Too many failed sign-ins for now."""


class SignInRefused(AccessError):
    """A sign-in at the company's provider that is over, another browser's, or was refused there."""


class NotLetIn(AccessError):
    """Someone the provider knows and debrief does not let in."""


class ProviderError(AccessError):
    """The provider is down, slow, set up wrongly, or says what cannot be believed."""


class NotThere(DebriefError):
    """What was asked for is not here."""


class NotYet(DebriefError):
    """What was asked for is being worked out; it is there in a moment."""
