"""The settings that every probe of a Redis has, whichever kind it is."""

from dataclasses import dataclass

from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, RunsIn, SecretKey


@dataclass(frozen=True, slots=True)
class RedisSettings(ProbeSettings):
    """Asks one Redis, which is a dependency of the plan."""

    # What admits the targets only asks for their labels.
    runs_in = RunsIn.CLIENT

    server: Destination

    @property
    def destination(self) -> Destination:
        """The Redis."""
        return self.server

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Its user, password and certificates."""
        return self.server.secrets

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """Its CA."""
        return self.server.config_maps
