//! The one reader of clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::engine::{Now, Tick, Wall};

/// Tells the time to everybody else. Copies tell the same time.
///
/// Ticks are tokio's clock, so a test that pauses it rules them. The wall clock is the system's: if
/// that is set, rows follow at once and timers never notice.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Tick 0.
    origin: Instant,
    wall: WallSource,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum WallSource {
    System,
    /// Milliseconds since 1970 at tick 0; goes by ticks from there.
    FromTickZero(i64),
}

impl Clock {
    /// The system's clocks; rows are in this zone.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self { origin: instant_now(), wall: WallSource::System, zone }
    }

    /// A clock whose wall time is `unix_ms` (since 1970, UTC) now and goes by ticks from here: for
    /// calls played in virtual time.
    #[must_use]
    pub fn starting_at(unix_ms: i64, zone: TimeZone) -> Self {
        Self { origin: instant_now(), wall: WallSource::FromTickZero(unix_ms), zone }
    }

    /// This moment on both clocks, with the zone's offset in force at it.
    #[must_use]
    pub fn now(&self) -> Now {
        let elapsed = instant_now().saturating_duration_since(self.origin);
        let tick = Tick(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        let unix_ms = match self.wall {
            WallSource::System => unix_ms(system_now()),
            WallSource::FromTickZero(start_ms) => start_ms.saturating_add_unsigned(tick.0),
        };
        Now { tick, wall: Wall { unix_ms, offset_s: self.offset_s(unix_ms) } }
    }

    /// Waits until this tick; returns at once if it has passed.
    pub async fn reach(&self, tick: Tick) {
        tokio::time::sleep_until(self.origin + Duration::from_millis(tick.0)).await;
    }

    /// Since tick 0, finer than ticks: what audio is paced by.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        instant_now().saturating_duration_since(self.origin)
    }

    /// Stops this thread until so long after tick 0. For threads that do nothing else.
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, which has nothing to do")]
    pub fn sleep_until(&self, elapsed: Duration) {
        if let Some(left) = elapsed.checked_sub(self.elapsed()) {
            std::thread::sleep(left);
        }
    }

    fn offset_s(&self, unix_ms: i64) -> i32 {
        let timestamp = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
        self.zone.to_offset(timestamp).seconds()
    }
}

fn unix_ms(time: SystemTime) -> i64 {
    // A system clock before 1970 is not set yet: 1970 is as good.
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the one reader of clocks")]
fn instant_now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the one reader of clocks")]
fn system_now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01 00:00:00 UTC.
    const NEW_YEAR_MS: i64 = 1_704_067_200_000;

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_goes_only_as_far_as_it_is_turned() {
        let clock = Clock::starting_at(NEW_YEAR_MS, TimeZone::UTC);
        let before = clock.now();
        assert_eq!(before, clock.now());
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), before.plus_ms(1_500));
        assert_eq!(clock.now().wall.to_local(), "2024-01-01 00:00:01");
    }

    #[tokio::test(start_paused = true)]
    async fn reaching_a_tick_takes_until_then_and_a_past_one_no_time() {
        let clock = Clock::starting_at(NEW_YEAR_MS, TimeZone::UTC);
        clock.reach(Tick(7_000)).await;
        assert_eq!(clock.now().tick, Tick(7_000));
        clock.reach(Tick(1)).await;
        assert_eq!(clock.now().tick, Tick(7_000));
    }

    #[tokio::test(start_paused = true)]
    async fn rows_follow_summer_time() {
        // 2024-03-31 00:00:00 UTC, an hour before Berlin's clocks go from 2 to 3.
        let hour_before_ms = 1_711_843_200_000;
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let clock = Clock::starting_at(hour_before_ms, zone);
        assert_eq!(clock.now().wall.to_local(), "2024-03-31 01:00:00");
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now().wall.to_local(), "2024-03-31 03:00:00");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_is_the_systems_whatever_tokios_says() {
        let clock = Clock::new(TimeZone::UTC);
        let before = clock.now().wall.unix_ms;
        tokio::time::advance(Duration::from_hours(24)).await;
        assert!((clock.now().wall.unix_ms - before).abs() < 3_600_000);
        assert!(before > NEW_YEAR_MS);
    }
}
