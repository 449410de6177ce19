"""The configurations of all agents."""

from typing import Final

from gameday.model.agent import (
    CallerConfig,
    CallFuseConfig,
    CloserConfig,
    CounterConfig,
    FuseConfig,
    NotifierConfig,
    ObserverConfig,
    WitnessConfig,
)
from gameday.model.redis_user import UserFuseConfig, UserSwitchConfig

CONFIGS: Final = (
    ObserverConfig, WitnessConfig, CounterConfig, CloserConfig, FuseConfig, CallFuseConfig, CallerConfig,
    UserSwitchConfig, UserFuseConfig, NotifierConfig,
)  # fmt: skip
