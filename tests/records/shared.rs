//! One MariaDB and one Redis for all tests of this binary: a start takes longer than a test.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::mariadb_server::MariaDb;
use super::redis_server::Redis;

/// The MariaDB; it ends with the last test that holds it.
pub(crate) fn mariadb() -> Arc<MariaDb> {
    static PLACE: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());
    shared(&PLACE, MariaDb::start)
}

/// The Redis; it ends with the last test that holds it.
pub(crate) fn redis() -> Arc<Redis> {
    static PLACE: Mutex<Weak<Redis>> = Mutex::new(Weak::new());
    shared(&PLACE, Redis::start)
}

fn shared<T>(place: &Mutex<Weak<T>>, start: fn() -> T) -> Arc<T> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let server = Arc::new(start());
        *place = Arc::downgrade(&server);
        server
    })
}
