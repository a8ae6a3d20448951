//! Time as the edge tells it: an argument, never a reading.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A reading of a clock that only goes forward, in milliseconds from an origin of the edge's choice.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Tick(pub u64);

impl Tick {
    /// This reading and `ms` more.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this reading; 0 if `earlier` is later.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A wall clock reading together with the local offset that was in force then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wall {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub unix_ms: i64,
    /// Seconds east of UTC.
    pub offset_s: i32,
}

impl Wall {
    /// This reading `ms` earlier.
    #[must_use]
    pub fn minus_ms(self, ms: i64) -> Self {
        Self { unix_ms: self.unix_ms.saturating_sub(ms), ..self }
    }

    /// Local time as `YYYY-MM-DD HH:MM:SS` (E92).
    #[must_use]
    pub fn to_local(self) -> SmolStr {
        let Ok(timestamp) = jiff::Timestamp::from_millisecond(self.unix_ms) else {
            return SmolStr::default();
        };
        let offset = jiff::tz::Offset::from_seconds(self.offset_s).unwrap_or(jiff::tz::Offset::UTC);
        let local = offset.to_datetime(timestamp);
        smol_str::format_smolstr!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            local.year(),
            local.month(),
            local.day(),
            local.hour(),
            local.minute(),
            local.second()
        )
    }
}

/// One moment on both clocks: timers go by `tick`, rows by `wall`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For timers and durations.
    pub tick: Tick,
    /// For what is written down.
    pub wall: Wall,
}

impl Now {
    /// The same moment `ms` later, on both clocks.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        let wall = self.wall.minus_ms(-i64::try_from(ms).unwrap_or(i64::MAX));
        Self { tick: self.tick.plus_ms(ms), wall }
    }

    /// The same moment `ms` earlier, on both clocks; ticks go back to their origin at most.
    #[must_use]
    pub fn minus_ms(self, ms: u64) -> Self {
        let wall = self.wall.minus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
        Self { tick: Tick(self.tick.0.saturating_sub(ms)), wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_reading_is_shown_in_its_own_zone() {
        let utc = Wall { unix_ms: 1_704_067_200_999, offset_s: 0 };
        assert_eq!(utc.to_local(), "2024-01-01 00:00:00");
        assert_eq!(Wall { offset_s: 8 * 3600, ..utc }.to_local(), "2024-01-01 08:00:00");
        assert_eq!(utc.minus_ms(2_000).to_local(), "2023-12-31 23:59:58");
    }
}
