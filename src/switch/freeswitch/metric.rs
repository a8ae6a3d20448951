//! The names of what is counted and measured.

/// Events of the event socket that concern a channel.
pub(super) const EVENTS: &str = "telephonist_freeswitch_events_total";
/// Events dropped because the queue was full; each begins a comparison of channels (S2).
pub(super) const OVERFLOWS: &str = "telephonist_freeswitch_overflows_total";
/// Connections made.
pub(super) const CONNECTIONS: &str = "telephonist_freeswitch_connections_total";
/// Connections to the outbound port that did not become a call.
pub(super) const SOCKETS_REFUSED: &str = "telephonist_freeswitch_sockets_refused_total";
/// Commands sent.
pub(super) const COMMANDS: &str = "telephonist_freeswitch_commands_total";
/// Channels that calls run on now.
pub(super) const LEGS: &str = "telephonist_freeswitch_legs";
/// From the recogniser's result to the first sound of the reply, s.
pub(super) const REPLY_SECONDS: &str = "telephonist_freeswitch_reply_seconds";
